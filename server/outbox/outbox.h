/* outbox.h - one outbox: its thread, its orders, what can be seen of it from outside. */
#ifndef SERVER_OUTBOX_H
#define SERVER_OUTBOX_H

#include "log.h"
#include "outbox_config.h"
#include "outbox_figures.h"
#include "varve/store.h"

struct outbox;

/* Who counts for the metrics what an outbox does; called on its thread, with views that live during the call. NULL:
 * nobody does. */
struct outbox_counting {
    void (*published)(void *user, struct varve_view type, struct varve_view service, uint64_t events);
    void (*failed)(void *user, const char *outbox, const char *reason, uint64_t events);
    void *user;
};
struct outbox_options {
    const struct outbox_config *config; /* must live as long */
    struct varve_store *store;
    const struct log *log;
    struct outbox_counting counting;
};
/* Reads from the log what it remembers. CORRUPT, NO_MEMORY. */
enum varve_status outbox_open(const struct outbox_options *options, struct outbox **ret, struct varve_error *error);
enum varve_status outbox_start(struct outbox *outbox, struct varve_error *error); /* its thread. NO_MEMORY */
/* Ask it to end, at the next edge of a transaction; never waits. */
void outbox_stop(struct outbox *outbox);
/* Wait for it, at most so long; false: it hangs in librdkafka, and the process should end by itself: nothing is lost by
 * that. Orders that come later are refused. */
bool outbox_join(struct outbox *outbox, uint64_t timeout_ms);
/* After outbox_join(), when it was started; nobody looks at it any more. NULL allowed. */
void outbox_free(struct outbox *outbox);
/* The most memory that one with this configuration may use, librdkafka's included. */
uint64_t outbox_memory_bound(const struct outbox_config *config);

/* The log has grown. Any thread; quick. */
void outbox_wake(struct outbox *outbox, uint64_t last_position);

/* An order on its way. `done` is called once on the outbox's thread: *order is the caller's again. */
struct outbox_errand {
    struct outbox_errand *next;
    struct varve_outbox_order order;    /* views must live until done */
    enum varve_status status;           /* VARVE_OK; INVALID_ARGUMENT, OUTBOX_BUSY, EVENT_NOT_FOUND, DISK_FULL, ... */
    struct varve_error error;
    uint64_t position;                  /* RESET: where it is now; REPLAY: last position to be sent */
    uint64_t count;                     /* RETRY, DISCARD: streams concerned; REPLAY: its number */
    void (*done)(struct outbox_errand *errand);
};
/* PAUSE, RESUME, DISCARD, RESET are done when `done` comes; RETRY and REPLAY are begun: the status tells of them. */
void outbox_order(struct outbox *outbox, struct outbox_errand *errand);

/* What is seen from outside; never waits for Kafka. Any thread. */
struct outbox_view {
    const struct outbox_config *config;
    enum varve_outbox_phase phase;
    enum varve_outbox_breaker breaker;
    enum varve_outbox_halt halt;
    char reason[VARVE_MAX_OUTBOX_REASON];
    int64_t since_us;                   /* wall clock: in this phase since */
    int64_t for_us;                     /* the same as a duration, whatever became of the wall's clock */
    int64_t next_attempt_us;            /* wall clock; VARVE_TIME_NONE: none is planned */
    uint64_t head, position;            /* last of the log; decided up to */
    uint64_t lag_events;
    int64_t lag_us;                     /* age of the event at position + 1; 0: none waits */
    uint64_t generation, failures;
    int64_t gap_us;
    uint64_t dead_streams, parked_events;
    uint64_t retention_floor;           /* events from here on are still needed: nothing may reclaim them */
    uint64_t replay_number, replay_position, replay_until; /* under way; 0: none */
    uint64_t retry_streams;             /* that wait for their retry */
};
void outbox_look(struct outbox *outbox, struct outbox_view *ret);
/* Look into the log for the age of the event that waits first, which outbox_look() then tells: the outbox itself may be
 * waiting for Kafka since before it came. Any thread that may touch the disk. */
void outbox_learn_age(struct outbox *outbox);
struct outbox_figures *outbox_figures_of(struct outbox *outbox);

/* Dead letters, as outbox_dead_list() and outbox_dead_find(). Any thread. */
enum varve_status outbox_list_dead(struct outbox *outbox, struct varve_view after, size_t limit,
                                   struct varve_dead_letter **ret, size_t *ret_count, bool *ret_end);
bool outbox_find_dead(struct outbox *outbox, struct varve_view stream, struct varve_dead_letter **ret);
/* Of one event, by checkpoint, dead letters, routes; of what was discarded it says PUBLISHED. Any thread. */
enum varve_outbox_fate outbox_fate_of(struct outbox *outbox, const struct varve_event *event);
/* Which of these were discarded: PUBLISHED becomes DISCARDED. Positions ascend. Any thread; reads the log. */
void outbox_find_discards(struct outbox *outbox, const uint64_t *positions, enum varve_outbox_fate *fates,
                          size_t count);

/* Does Kafka hold what the checkpoint claims? Reads the ends of all topics (`depth` records of each partition; 0: all),
 * with a consumer of its own, on the caller's thread: may take long. */
struct outbox_verification {
    uint64_t records, events;           /* looked at; of those, events of this log */
    uint64_t missing;                   /* events at or below the checkpoint, within reach, that are not there */
    uint64_t duplicates, disordered, foreign, above_checkpoint, wrong_partition, different;
    uint64_t first_position, last_position; /* what was compared */
    uint64_t checkpoint;
    char finding[VARVE_MAX_OUTBOX_REASON]; /* the first that was wrong; empty: agrees */
};
enum varve_status outbox_verify(struct outbox *outbox, uint64_t depth, bool (*interrupted)(void *user), void *user,
                                struct outbox_verification *ret, struct varve_error *error);

#endif
