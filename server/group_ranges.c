/* group_ranges.c - runs of finished positions; see group_ranges.h. */
#include "group_ranges.h"

#include <stdlib.h>

void group_ranges_end(struct group_ranges *ranges)
{
    free(ranges->runs);
    *ranges = (struct group_ranges){ .runs = NULL };
}

bool group_ranges_make(struct group_ranges *ret, const struct group_state *state, const struct group_ranges *earlier,
                       size_t room)
{
    uint64_t looked_at = group_state_position(state);
    struct group_range *runs = malloc((room + 1) * sizeof(*runs));

    if (runs == NULL)
        return false;
    size_t count = group_state_get_finished(state, runs, room + 1);
    for (size_t i = 0; i < earlier->count && count <= room; i++) {
        struct group_range run = earlier->runs[i];

        run.first = run.first > looked_at ? run.first : looked_at + 1;
        if (run.first <= run.last)
            runs[count++] = run;
    }
    *ret = (struct group_ranges){ .count = count <= room ? count : room, .complete = count <= room };
    ret->runs = realloc(runs, (ret->count + 1) * sizeof(*runs));
    if (ret->runs == NULL)
        free(runs);
    return ret->runs != NULL;
}

bool group_ranges_have(const struct group_ranges *ranges, uint64_t position)
{
    size_t low = 0, high = ranges->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (ranges->runs[middle].last < position)
            low = middle + 1;
        else
            high = middle;
    }
    return low < ranges->count && ranges->runs[low].first <= position;
}

bool group_ranges_set(json_t *object, const char *name, const struct group_ranges *ranges, uint64_t checkpoint)
{
    json_t *list = ranges->count == 0 ? NULL : json_array();
    uint64_t end = checkpoint;
    bool good = true;

    for (size_t i = 0; i < ranges->count; i++) {
        const struct group_range *run = &ranges->runs[i];

        good &= json_array_append_new(list, json_integer((json_int_t)(run->first - end))) == 0 &&
                json_array_append_new(list, json_integer((json_int_t)(run->last - run->first + 1))) == 0;
        end = run->last;
    }
    return ranges->count == 0 || (json_object_set_new(object, name, list) == 0 && good);
}

/* A number of at least 1 with which `sum` stays a position. */
static bool take_number(const json_t *item, uint64_t *sum)
{
    json_int_t value = json_integer_value(item);

    if (!json_is_integer(item) || value < 1 || value > INT64_MAX - (json_int_t)*sum)
        return false;
    *sum += (uint64_t)value;
    return true;
}

bool group_ranges_take(struct json_fields *fields, const char *name, uint64_t checkpoint, struct group_ranges *ret)
{
    const json_t *list = json_fields_list(fields, name, 2 * (size_t)GROUP_MAX_RANGES);
    size_t count = json_array_size(list) / 2;
    uint64_t position = checkpoint;

    *ret = (struct group_ranges){ .complete = true };
    if (json_array_size(list) % 2 != 0)
        json_fields_bad(fields, name, "a list of pairs of numbers");
    if (count == 0 || fields->failed)
        return true;
    ret->runs = malloc(count * sizeof(*ret->runs));
    for (size_t i = 0; ret->runs != NULL && i < count && !fields->failed; i++) {
        bool good = take_number(json_array_get(list, 2 * i), &position);
        ret->runs[i].first = position;
        position--; /* The length counts the first. */
        good = good && take_number(json_array_get(list, 2 * i + 1), &position);
        ret->runs[i].last = position;
        if (!good)
            json_fields_bad(fields, name, "a list of numbers of at least 1");
    }
    ret->count = ret->runs == NULL ? 0 : count;
    return ret->runs != NULL;
}
