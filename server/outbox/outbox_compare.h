/* outbox_compare.h - is what the topics hold what the log says? No I/O: records and events are handed in.
 *
 * First every record that was read, partition by partition, in the order of offsets; then every event of the log from
 * outbox_compare_from() up to the checkpoint, ascending; then the result. Memory: a bit for each position between those
 * that are met, as far as OUTBOX_COMPARE_REACH, and some bytes for each partition. */
#ifndef SERVER_OUTBOX_COMPARE_H
#define SERVER_OUTBOX_COMPARE_H

#include "outbox.h"
#include "outbox_kafka.h"

#define OUTBOX_COMPARE_REACH (UINT64_C(1) << 29) /* positions behind the end of the log that are looked at */
enum { OUTBOX_COMPARE_COUNTS = 8 };              /* partitions a topic has or had */

/* What has to be known besides. Events and views live until the next call. */
struct outbox_compare_source {
    void *user;
    /* The event at a position of the log, false: none can be had. Two at a time are looked at: `slot` 0 and 1. */
    bool (*event_at)(void *user, uint64_t position, int slot, struct varve_event *ret);
    /* The next event of its stream, into slot 1, where `event` may be, too; false: there is none. */
    bool (*event_after)(void *user, const struct varve_event *event, struct varve_event *ret);
    /* Its value as Kafka gets it; false: it cannot be sent. */
    bool (*value_of)(void *user, const struct varve_event *event, const struct outbox_routing *routing,
                     struct varve_view *ret);
    /* How many partitions the topic has, and those that it had before. 0: nobody knows. */
    size_t (*partitions_of)(void *user, const char *topic, int32_t ret[OUTBOX_COMPARE_COUNTS]);
    /* Was it published later than its turn, as a dead letter that was tried again? */
    bool (*was_retried)(void *user, const struct varve_event *event);
    /* Is it a dead letter, or waits behind one, or was discarded? */
    bool (*is_aside)(void *user, const struct varve_event *event);
};

struct outbox_compare;

/* `head`: last position of the log; `checkpoint`: as it was before anything was read. NULL: no memory. */
struct outbox_compare *outbox_compare_create(const struct outbox_config *config,
                                             const struct outbox_compare_source *source, uint64_t head,
                                             uint64_t checkpoint);
void outbox_compare_free(struct outbox_compare *compare); /* NULL allowed */

bool outbox_compare_record(struct outbox_compare *compare, const struct outbox_seen *seen); /* false: no memory */
/* The lowest position that must be there; above the checkpoint: none has to. */
uint64_t outbox_compare_from(const struct outbox_compare *compare);
void outbox_compare_expect(struct outbox_compare *compare, const struct varve_event *event);
/* The highest of this log that was seen. What is above the checkpoint as it is after the reading is wrong. */
uint64_t outbox_compare_highest(const struct outbox_compare *compare);
void outbox_compare_finish(struct outbox_compare *compare, uint64_t checkpoint, struct outbox_verification *ret);

#endif
