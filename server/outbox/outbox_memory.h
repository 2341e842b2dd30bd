/* outbox_memory.h - what an outbox remembers in the log: the events of $outbox-<name>, written before Kafka may
 * pass what they say, and their fold at the start.
 *
 *   $outbox.parked    {stream, position, version, skipped, code, error, attempts, first_attempt_us, last_attempt_us}
 *   $outbox.waiting   {stream, positions: [...]}                     behind a parked one
 *   $outbox.attempted {the same as parked, but skipped}              tried again, in vain
 *   $outbox.retried   {stream, through}                              delivered after all
 *   $outbox.discarded {stream, position, reason}
 *   $outbox.paused / $outbox.resumed / $outbox.reset {position, generation, reason}
 *   $outbox.topics    {topics: {name: partitions}}                   all that are known, when one changed
 *   $outbox.replay    {number, from, until, stream, type, reason}  / $outbox.replayed {number, sent}
 *
 * How far it is stands in a stream beside it, $outbox.published-<name>, for that comes once a second for ever:
 *
 *   $outbox.published {position, generation, fold_from, topics_at, replays, paused}   in at_least_once the checkpoint
 *                     itself, else a hint
 *
 * The loader reads the newest hint, the event at topics_at, and everything of $outbox-<name> from fold_from on. Fields
 * and types that it does not know are of a later version, and not looked at. One thread, but for `dead`, which others
 * may list. */
#ifndef SERVER_OUTBOX_MEMORY_H
#define SERVER_OUTBOX_MEMORY_H

#include "varve/store.h"

#include "outbox_dead.h"
#include "outbox_route.h"

struct outbox_replay {
    uint64_t number;           /* 0: there is none */
    uint64_t from, until;      /* both inclusive */
    char stream[VARVE_MAX_SYSTEM_STREAM_NAME + 1]; /* empty: all */
    char type[VARVE_MAX_TYPE + 1];
};
struct outbox_memory {
    struct varve_store *store;
    char stream[VARVE_MAX_OUTBOX_NAME + 16]; /* "$outbox-<name>" */
    char hints[VARVE_MAX_OUTBOX_NAME + 24];  /* "$outbox.published-<name>" */
    struct outbox_dead *dead;
    uint64_t position;         /* of the newest hint or reset */
    uint64_t generation;
    bool paused;
    struct outbox_replay replay; /* begun and not ended */
    uint64_t replays;          /* number of the last one ever begun */
    uint64_t replay_at;        /* version of the event that began `replay` */
    struct outbox_topics *topics; /* known partition counts; private */
    uint64_t topics_at;        /* version of the newest $outbox.topics; UINT64_MAX: none */
    uint64_t next_version;     /* of `stream` */
    uint64_t events_read;      /* when it was opened */
};

/* Reads what there is; an absent stream is an outbox that never ran. CORRUPT says which event. When it fails there is
 * nothing to close. */
enum varve_status outbox_memory_open(struct outbox_memory *memory, struct varve_store *store, const char *name,
                                     struct varve_error *error);
void outbox_memory_close(struct outbox_memory *memory);

/* Each appends (durably, waiting for it) and then changes what is in memory, which is always what the log says.
 * DISK_FULL, OVERLOADED, NO_MEMORY, or the store's fault: nothing happened, or (fault) nobody knows and the server is
 * about to end. */
enum varve_status outbox_memory_publish(struct outbox_memory *memory, uint64_t position, uint64_t generation,
                                        struct varve_error *error);
/* What one batch set aside, in one append: several when it is more than the store takes at once. When one of them fails
 * the earlier ones did happen, the letters before what waits behind them. letters[i] is new; waiting[i] goes behind a
 * letter of its stream, known or among `letters`. */
struct outbox_waiting {
    struct varve_view stream;
    uint64_t position;
};
enum varve_status outbox_memory_park(struct outbox_memory *memory, const struct varve_dead_letter *letters,
                                     size_t letter_count, const struct outbox_waiting *waiting, size_t waiting_count,
                                     struct varve_error *error);
enum varve_status outbox_memory_attempted(struct outbox_memory *memory, const struct varve_dead_letter *letter,
                                          struct varve_error *error);
enum varve_status outbox_memory_retried(struct outbox_memory *memory, struct varve_view stream, uint64_t through,
                                        struct varve_error *error);
/* DEAD_LETTER_NOT_FOUND: nothing of the stream is set aside at this position. */
enum varve_status outbox_memory_discard(struct outbox_memory *memory, struct varve_view stream, uint64_t position,
                                        struct varve_view reason, struct varve_error *error);
enum varve_status outbox_memory_pause(struct outbox_memory *memory, bool paused, struct varve_view reason,
                                      struct varve_error *error);
enum varve_status outbox_memory_reset(struct outbox_memory *memory, uint64_t position, uint64_t generation,
                                      struct varve_view reason, struct varve_error *error);
enum varve_status outbox_memory_replay(struct outbox_memory *memory, const struct outbox_replay *replay,
                                       struct varve_view reason, struct varve_error *error);
enum varve_status outbox_memory_replayed(struct outbox_memory *memory, uint64_t sent, struct varve_error *error);
/* 0: not known. What is set is remembered as long as all names fit one event (some thousands); else until the end of
 * the process. */
int32_t outbox_memory_partitions(const struct outbox_memory *memory, const char *topic);
struct outbox_topic_count {
    const char *topic;
    int32_t partitions;
};
/* In one append, and in none when all of that is known. */
enum varve_status outbox_memory_set_partitions(struct outbox_memory *memory, const struct outbox_topic_count *counts,
                                               size_t count, struct varve_error *error);

/* When a position had been published at the latest: the time of the first hint at or above it, by a search through the
 * stream. VARVE_TIME_NONE: no hint says so. Any thread. */
enum varve_status outbox_memory_published_at(struct varve_store *store, const char *name, uint64_t position,
                                             int64_t *ret_us, struct varve_error *error);

#endif
