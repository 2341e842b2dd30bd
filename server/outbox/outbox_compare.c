/* outbox_compare.c - see outbox_compare.h.
 *
 * A partition has its events in the order of the log, but for dead letters that were tried again: so it is complete
 * from its first record on that is none. An event that comes late is in order as long as no later one of its stream was
 * there before it in the same partition; it is enough to look for the next one of the stream, for what holds for each
 * pair of neighbours holds for all. Replays are marked, and count for nothing but their content. */
#include "outbox_compare.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_BITS = 1 << 15, PAGE_BYTES = PAGE_BITS / 8,
       PAGES = 2 * OUTBOX_COMPARE_REACH / PAGE_BITS, /* the log grows meanwhile */
       MAX_STEPS = 1000 /* along a stream of which hardly anything is sent */ };

struct partition {
    char topic[OUTBOX_MAX_TOPIC + 1];
    int32_t number;
    uint64_t first;     /* position from which on nothing is missing; 0: nothing was seen yet */
    uint64_t highest;
};

struct outbox_compare {
    const struct outbox_config *config;
    struct outbox_compare_source source;
    uint64_t base, checkpoint;  /* positions up to `base` are out of reach */
    uint8_t *pages[PAGES];      /* bits of positions seen */
    struct partition *partitions;
    size_t partition_count, partition_room;
    size_t last_partition;
    uint64_t highest;
    struct outbox_verification found;
};

struct outbox_compare *outbox_compare_create(const struct outbox_config *config,
                                             const struct outbox_compare_source *source, uint64_t head,
                                             uint64_t checkpoint)
{
    struct outbox_compare *compare = calloc(1, sizeof(*compare));

    if (compare == NULL)
        return NULL;
    compare->config = config;
    compare->source = *source;
    compare->base = head > OUTBOX_COMPARE_REACH ? head - OUTBOX_COMPARE_REACH : 0;
    compare->checkpoint = checkpoint;
    return compare;
}

void outbox_compare_free(struct outbox_compare *compare)
{
    if (compare == NULL)
        return;
    for (size_t i = 0; i < PAGES; i++)
        free(compare->pages[i]);
    free(compare->partitions);
    free(compare);
}

/* The first that is wrong is told in words, all are counted. */
static void find(struct outbox_compare *compare, uint64_t *count, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void find(struct outbox_compare *compare, uint64_t *count, const char *format, ...)
{
    va_list arguments;

    (*count)++;
    if (compare->found.finding[0] != '\0')
        return;
    va_start(arguments, format);
    vsnprintf(compare->found.finding, sizeof(compare->found.finding), format, arguments);
    va_end(arguments);
}

/* ---- positions seen ---- */

static bool is_reached(const struct outbox_compare *compare, uint64_t position)
{
    return position > compare->base && position - compare->base < (uint64_t)PAGES * PAGE_BITS;
}

static bool has_seen(const struct outbox_compare *compare, uint64_t position)
{
    if (!is_reached(compare, position))
        return false;
    uint64_t bit = position - compare->base;
    const uint8_t *page = compare->pages[bit / PAGE_BITS];
    return page != NULL && (page[bit % PAGE_BITS / 8] >> bit % 8 & 1) != 0;
}

static bool mark_seen(struct outbox_compare *compare, uint64_t position)
{
    uint64_t bit = position - compare->base;
    uint8_t **page = &compare->pages[bit / PAGE_BITS];

    if (*page == NULL && (*page = calloc(1, PAGE_BYTES)) == NULL)
        return false;
    (*page)[bit % PAGE_BITS / 8] |= (uint8_t)(1 << bit % 8);
    return true;
}

/* ---- partitions ---- */

static bool is_partition(const struct partition *partition, const char *topic, int32_t number)
{
    return partition->number == number && strcmp(partition->topic, topic) == 0;
}

static struct partition *find_partition(struct outbox_compare *compare, const char *topic, int32_t number)
{
    if (compare->last_partition < compare->partition_count &&
        is_partition(&compare->partitions[compare->last_partition], topic, number))
        return &compare->partitions[compare->last_partition];
    for (size_t i = 0; i < compare->partition_count; i++)
        if (is_partition(&compare->partitions[i], topic, number)) {
            compare->last_partition = i;
            return &compare->partitions[i];
        }
    return NULL;
}

static struct partition *add_partition(struct outbox_compare *compare, const char *topic, int32_t number)
{
    if (compare->partition_count == compare->partition_room) {
        size_t room = compare->partition_room == 0 ? 64 : compare->partition_room * 2;
        struct partition *grown = realloc(compare->partitions, room * sizeof(*grown));
        if (grown == NULL)
            return NULL;
        compare->partitions = grown;
        compare->partition_room = room;
    }
    compare->last_partition = compare->partition_count++;
    struct partition *partition = &compare->partitions[compare->last_partition];
    *partition = (struct partition){ .number = number };
    snprintf(partition->topic, sizeof(partition->topic), "%s", topic);
    return partition;
}

/* ---- one record ---- */

static bool same_bytes(struct varve_view a, struct varve_view b)
{
    return (a.data == NULL) == (b.data == NULL) && a.size == b.size &&
           (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static void check_partition(struct outbox_compare *compare, const struct outbox_seen *seen,
                            const struct outbox_routing *routing)
{
    int32_t counts[OUTBOX_COMPARE_COUNTS];
    size_t count = compare->source.partitions_of(compare->source.user, seen->topic, counts);
    bool fits = count == 0;

    for (size_t i = 0; i < count; i++)
        fits = fits || outbox_kafka_partition_of(routing->key, counts[i]) == seen->partition;
    if (!fits)
        find(compare, &compare->found.wrong_partition, "event %" PRIu64 " is in partition %d of %s, where its key does "
             "not belong", seen->position, seen->partition, seen->topic);
}

static void check_content(struct outbox_compare *compare, const struct outbox_seen *seen,
                          const struct varve_event *event, const struct outbox_routing *routing)
{
    struct varve_view value;

    if (!same_bytes(seen->key, routing->key))
        find(compare, &compare->found.different, "event %" PRIu64 " has another key in %s than it should",
             seen->position, seen->topic);
    else if (!compare->source.value_of(compare->source.user, event, routing, &value) ||
             !same_bytes(seen->value, value))
        find(compare, &compare->found.different, "event %" PRIu64 " has another value in %s than it should",
             seen->position, seen->topic);
}

/* Was a later event of its stream there before it, in the same partition? The next one that belongs there tells. */
static bool is_overtaken(struct outbox_compare *compare, const struct outbox_seen *seen,
                         const struct varve_event *event, const struct outbox_routing *routing)
{
    struct outbox_routing next_routing;
    struct varve_event next = *event;

    for (int i = 0; i < MAX_STEPS && compare->source.event_after(compare->source.user, &next, &next); i++)
        if (outbox_route(compare->config, &next, &next_routing) == OUTBOX_SEND &&
            strcmp(next_routing.topic, seen->topic) == 0 && same_bytes(next_routing.key, routing->key))
            return has_seen(compare, next.position);
    return false;
}

static bool place(struct outbox_compare *compare, const struct outbox_seen *seen, const struct varve_event *event,
                  const struct outbox_routing *routing)
{
    struct partition *partition = find_partition(compare, seen->topic, seen->partition);

    if (partition == NULL)
        partition = add_partition(compare, seen->topic, seen->partition);
    if (partition == NULL)
        return false;
    bool late = seen->position < partition->highest;
    if (has_seen(compare, seen->position))
        find(compare, &compare->found.duplicates, "event %" PRIu64 " is more than once in the topics, again in "
             "partition %d of %s at offset %" PRId64, seen->position, seen->partition, seen->topic, seen->offset);
    else if (late && is_overtaken(compare, seen, event, routing) &&
             !compare->source.was_retried(compare->source.user, event))
        find(compare, &compare->found.disordered, "event %" PRIu64 " comes behind a later one of its stream in "
             "partition %d of %s, at offset %" PRId64, seen->position, seen->partition, seen->topic, seen->offset);
    if (!late)
        partition->highest = seen->position;
    if (partition->first == 0 && !compare->source.was_retried(compare->source.user, event))
        partition->first = seen->position;
    return mark_seen(compare, seen->position);
}

/* Another outbox, with another priority, may send to the same topics. */
static bool is_of_another_lane(const struct outbox_routing *routing)
{
    return routing->verdict == OUTBOX_FILTERED && routing->reason == OUTBOX_FILTER_OTHER_PRIORITY;
}

bool outbox_compare_record(struct outbox_compare *compare, const struct outbox_seen *seen)
{
    struct outbox_routing routing;
    struct varve_event event;

    compare->found.records++;
    if (seen->position != 0 && seen->position <= compare->base)
        return true;
    if (!is_reached(compare, seen->position) ||
        !compare->source.event_at(compare->source.user, seen->position, 0, &event)) {
        find(compare, &compare->found.foreign, "the record at offset %" PRId64 " of partition %d of %s is no event of "
             "this log", seen->offset, seen->partition, seen->topic);
        return true;
    }
    outbox_route(compare->config, &event, &routing);
    if (is_of_another_lane(&routing))
        return true;
    compare->found.events++;
    if (routing.verdict != OUTBOX_SEND || strcmp(routing.topic, seen->topic) != 0) {
        find(compare, &compare->found.foreign, "event %" PRIu64 " is in %s, where no route sends it", seen->position,
             seen->topic);
        return true;
    }
    check_partition(compare, seen, &routing);
    check_content(compare, seen, &event, &routing);
    if (seen->is_replay)
        return true;
    compare->highest = seen->position > compare->highest ? seen->position : compare->highest;
    return place(compare, seen, &event, &routing);
}

/* ---- what has to be there ---- */

uint64_t outbox_compare_from(const struct outbox_compare *compare)
{
    uint64_t from = UINT64_MAX;

    for (size_t i = 0; i < compare->partition_count; i++)
        if (compare->partitions[i].first != 0 && compare->partitions[i].first < from)
            from = compare->partitions[i].first;
    return from;
}

/* In every partition where it could be; in none of which nothing is known, then, nothing is claimed. */
static bool is_within_reach(struct outbox_compare *compare, const struct outbox_routing *routing, uint64_t position)
{
    int32_t counts[OUTBOX_COMPARE_COUNTS];
    size_t count = compare->source.partitions_of(compare->source.user, routing->topic, counts);
    bool within = count > 0;

    for (size_t i = 0; i < count && within; i++) {
        int32_t number = outbox_kafka_partition_of(routing->key, counts[i]);
        const struct partition *partition = find_partition(compare, routing->topic, number);
        within = partition != NULL && partition->first != 0 && position >= partition->first;
    }
    return within;
}

void outbox_compare_expect(struct outbox_compare *compare, const struct varve_event *event)
{
    struct outbox_routing routing;

    assert(event->position <= compare->checkpoint);
    if (compare->found.first_position == 0)
        compare->found.first_position = event->position;
    compare->found.last_position = event->position;
    if (has_seen(compare, event->position) || event->position <= compare->base ||
        outbox_route(compare->config, event, &routing) != OUTBOX_SEND ||
        !is_within_reach(compare, &routing, event->position) ||
        compare->source.is_aside(compare->source.user, event))
        return;
    find(compare, &compare->found.missing, "event %" PRIu64 " is not in %s, though the checkpoint says %" PRIu64,
         event->position, routing.topic, compare->checkpoint);
}

uint64_t outbox_compare_highest(const struct outbox_compare *compare)
{
    return compare->highest;
}

void outbox_compare_finish(struct outbox_compare *compare, uint64_t checkpoint, struct outbox_verification *ret)
{
    for (uint64_t position = checkpoint + 1; position <= compare->highest; position++)
        if (has_seen(compare, position))
            find(compare, &compare->found.above_checkpoint, "event %" PRIu64 " is published, and the checkpoint says "
                 "%" PRIu64, position, checkpoint);
    compare->found.checkpoint = checkpoint;
    *ret = compare->found;
}
