/* group_acked.c - positions that transactions acked; see group_acked.h. */
#include "group_acked.h"

#include <stdlib.h>
#include <string.h>

struct varve_view group_acked_encode(const uint64_t *positions, size_t count, uint64_t epoch)
{
    json_t *object = json_object(), *list = json_array();
    bool good = json_set_uint(object, "epoch", epoch) && list != NULL;

    for (size_t i = 0; i < count; i++)
        good = good && json_array_append_new(list, json_integer((json_int_t)positions[i])) == 0;
    good = good && json_object_set(object, "positions", list) == 0;
    json_decref(list);
    return json_finish(object, good);
}

void group_acked_end(struct group_acked *acked)
{
    free(acked->runs);
    *acked = (struct group_acked){ .runs = NULL };
}

/* False: no memory. */
static bool add_run(struct group_acked *acked, struct group_range run)
{
    if (acked->count == acked->capacity) {
        size_t capacity = acked->capacity == 0 ? 16 : 2 * acked->capacity;
        struct group_range *runs = realloc(acked->runs, capacity * sizeof(*runs));

        if (runs == NULL)
            return false;
        acked->runs = runs;
        acked->capacity = capacity;
    }
    acked->runs[acked->count++] = run;
    return true;
}

static bool add_position(struct group_acked *acked, uint64_t position)
{
    struct group_range *last = acked->count == 0 ? NULL : &acked->runs[acked->count - 1];

    acked->positions++;
    if (last == NULL || last->last + 1 != position)
        return add_run(acked, (struct group_range){ position, position });
    last->last = position;
    return true;
}

enum varve_status group_acked_add(struct group_acked *acked, struct varve_view data, struct varve_error *error)
{
    struct json_fields fields;
    json_t *object = json_fields_parse(&fields, data, error);
    bool memory = true;

    if (object == NULL)
        return VARVE_CORRUPT;
    const json_t *list = json_fields_list(&fields, "positions", GROUP_ACKED_MAX_POSITIONS);
    for (size_t i = 0; i < json_array_size(list) && memory; i++) {
        const json_t *item = json_array_get(list, i);

        if (!json_is_integer(item) || json_integer_value(item) <= 0)
            json_fields_bad(&fields, "positions", "a list of positions");
        else
            memory = add_position(acked, (uint64_t)json_integer_value(item));
    }
    if (json_array_size(list) == 0)
        json_fields_bad(&fields, "positions", "at least one position");
    json_decref(object);
    if (!memory)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for what transactions acked");
    return fields.failed ? VARVE_CORRUPT : VARVE_OK;
}

static int compare_runs(const void *a, const void *b)
{
    const struct group_range *one = a, *other = b;

    return (one->first > other->first) - (one->first < other->first);
}

/* Ascending, and neither touching nor overlapping. Returns how many are left. */
static size_t put_in_order(struct group_range *runs, size_t count)
{
    size_t kept = 0;

    qsort(runs, count, sizeof(*runs), compare_runs);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && runs[i].first <= runs[kept - 1].last + 1) {
            if (runs[i].last > runs[kept - 1].last)
                runs[kept - 1].last = runs[i].last;
        } else {
            runs[kept++] = runs[i];
        }
    }
    return kept;
}

bool group_acked_fold(struct group_acked *acked, uint64_t checkpoint, struct group_ranges *finished)
{
    struct group_range *runs = malloc((acked->count + finished->count + 1) * sizeof(*runs));
    size_t count = finished->count;

    if (runs == NULL)
        return false;
    if (count > 0)
        memcpy(runs, finished->runs, count * sizeof(*runs));
    for (size_t i = 0; i < acked->count; i++) {
        struct group_range run = acked->runs[i];

        run.first = run.first > checkpoint ? run.first : checkpoint + 1;
        if (run.first <= run.last)
            runs[count++] = run;
    }
    free(finished->runs);
    finished->runs = runs;
    finished->count = put_in_order(runs, count);
    return true;
}
