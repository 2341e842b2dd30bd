/* outbox_parts.h - one outbox from inside: what the files of its thread share, and nobody else looks at.
 *
 *   outbox.c             its life: start, stop, wake, orders in; the loop: next step, do it, report
 *   outbox_steps.c       which file does which step, and what is told of it: log, figures
 *   outbox_wait.c        waiting, and what is done meanwhile
 *   outbox_recover.c     LOOK, INIT, RECOVER, CLAIM, RELEASE
 *   outbox_batch.c       events behind a position as messages
 *   outbox_partitions.c  how many partitions topics have
 *   outbox_publish.c     PUBLISH: a batch becomes a transaction; the checkpoint, the hint
 *   outbox_counted.c     what was published and what failed, for the metrics
 *   outbox_aside.c       events that are set aside; SET_ASIDE
 *   outbox_retry.c, outbox_replay.c   JOB
 *   outbox_orders.c      what an operator orders
 *   outbox_view.c        what others may see */
#ifndef SERVER_OUTBOX_PARTS_H
#define SERVER_OUTBOX_PARTS_H

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "outbox.h"
#include "outbox_arena.h"
#include "outbox_kafka.h"
#include "outbox_memory.h"
#include "outbox_message.h"
#include "outbox_state.h"

enum {
    OUTBOX_SECOND_US = 1000000,
    OUTBOX_FAR_MAX_EVENTS = 20000,  /* of a transaction, when far behind, */
    OUTBOX_FAR_BEHIND = 100000,     /* which is so many events */
    OUTBOX_PROBE_EVENTS = 100,
    OUTBOX_CONFIG_ATTEMPTS = 3,
    OUTBOX_MAX_LETTERS = 256,       /* new dead letters of one batch, and streams in it that have a gap */
    OUTBOX_IDLE_EVENTS = 100000,    /* filtered ones in a row: then their checkpoint is worth a transaction */
    OUTBOX_MAX_TOMBSTONES = 64,     /* of notes, with one transaction */
    OUTBOX_ARENA_KEEP = 8 * 1024 * 1024,
};

/* Events behind a position, as Kafka will get them. Lives until the next one is built. */
struct outbox_batch {
    struct varve_reader *reader;      /* over the log; NULL: none is open */
    uint64_t next;                    /* position that it reads next */
    struct outbox_message *messages;
    size_t count, room;
    struct varve_dead_letter *letters; /* new ones, OUTBOX_MAX_LETTERS of them fit */
    size_t letter_count;
    struct outbox_waiting *waiting;   /* as many fit as messages */
    size_t waiting_count;
    struct outbox_told_gap {
        struct varve_view stream;
        uint64_t after;               /* the event that was skipped, as a message says that comes behind it */
    } *gaps;                          /* OUTBOX_MAX_LETTERS fit */
    size_t gap_count;
    struct outbox_dead_counts dead;   /* at the beginning */
    uint64_t last, last_sum;          /* its last event: position, sum of its record */
    uint64_t events, own_events;      /* of the log; of those, in system streams, */
    uint64_t aside;                   /* and set aside, now or before */
    uint64_t filtered[OUTBOX_FILTER_REASONS];
    uint64_t bytes;                   /* of messages */
    int64_t oldest_us;                /* when the first of its messages' events was committed */
    int64_t first_recorded_us;        /* likewise, of its first event */
};

/* Partition counts as this producer learnt them; a table with open addressing. */
enum { OUTBOX_PARTITION_TOPICS = 1024 };
struct outbox_partitions {
    struct outbox_partition_row {
        char topic[OUTBOX_MAX_TOPIC + 1]; /* empty: free */
        int32_t partitions;
        bool is_new;                  /* the log does not know it yet: it does before anything goes there */
    } *rows;
    size_t count, new_count;
    const struct outbox_partition_row *last; /* found; most messages go where the one before went */
    bool accept_changes;              /* the operator has seen that they changed, and said: go on */
};

/* Streams that are to be tried again, sorted by name. */
struct outbox_retries {
    struct outbox_retry {
        char *stream;
        uint32_t portion;             /* events of the next attempt */
    } *all;
    size_t count, room;
    size_t turn;                      /* whose it is */
    int64_t looked_us;                /* for letters that are due by themselves */
};

struct outbox_buried {
    char key[OUTBOX_MAX_NOTE_KEY];
    size_t size;
};

struct outbox {
    /* constant */
    const struct outbox_config *config;
    struct varve_store *store;
    const struct log *log;
    struct outbox_counting counting;
    struct varve_uuid database_id, owner;
    pthread_t thread;

    /* its thread's */
    struct outbox_state state;
    struct outbox_memory memory;      /* memory.dead: any thread */
    struct outbox_kafka *kafka;       /* NULL: none */
    bool kafka_is_new;                /* nobody took the transactional id over with it yet */
    struct outbox_arena *arena;       /* of the batch or portion in hand */
    struct outbox_batch batch;
    struct outbox_partitions partitions;
    struct outbox_retries retries;
    struct outbox_buried tombstones[OUTBOX_MAX_TOMBSTONES]; /* of notes that say nothing any more: with the next */
    size_t tombstone_count;                                    /* transaction */
    uint64_t replay_position;         /* replayed up to here */
    uint64_t replay_sent;             /* by this process */
    uint32_t replay_portion;
    uint64_t replay_refused;          /* this event is left out; 0: none */
    bool replay_turn;                 /* jobs take turns */
    uint64_t copyless_position;       /* Kafka refuses even the copy of this dead letter; 0: none */
    uint64_t committed;               /* the checkpoint is here in Kafka; at_least_once: published up to here */
    int64_t committed_us;             /* when */
    uint64_t passed_events, passed_own; /* behind it, without a transaction; those are of system streams */
    int64_t hinted_us;
    bool hint_failed;
    int64_t began_us;                 /* INIT, for the time a takeover takes */
    enum outbox_step step;            /* being done, */
    bool ordering;                    /* or an order */
    enum varve_outbox_phase told_phase; /* what was told last */
    enum varve_outbox_breaker told_breaker;

    /* anybody's */
    struct outbox_figures figures;
    _Atomic uint64_t head;            /* last position of the log, as told */
    atomic_bool asleep;               /* to be woken when it grows */
    atomic_bool stopping;
    _Atomic int64_t stop_us;          /* when that was said */
    pthread_mutex_t lock;             /* of the rest */
    pthread_cond_t woken;
    struct outbox_errand *errands, **errands_last;
    atomic_bool has_errands;
    bool started, ended;              /* the thread */
    struct outbox_view view;          /* but head, lag and dead letters, which are made when somebody looks */
    int64_t phase_since_us;           /* monotonic */
    int64_t oldest_us;                /* when the event at oldest_position was committed */
    uint64_t oldest_position;
};

static inline int64_t outbox_now_us(void) /* for intervals */
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}
static inline int64_t outbox_wall_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}
#define outbox_count(outbox, name, n) \
    atomic_fetch_add_explicit(&(outbox)->figures.name, (n), memory_order_relaxed)

/* ---- outbox_steps.c: each false, so that a function that cannot go on ends in one line ---- */
void outbox_do(struct outbox *outbox, const struct outbox_todo *todo, struct outbox_report *report);
bool outbox_report_fault(struct outbox_report *report, enum outbox_result result, const char *code,
                         const char *format, ...) __attribute__((format(printf, 4, 5)));
bool outbox_report_halt(struct outbox_report *report, enum varve_outbox_halt halt, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Of an append or a read of the log that failed. */
bool outbox_report_status(struct outbox_report *report, const struct varve_error *error);
/* After a report: tell the log and count what changed since the last one. */
void outbox_tell(struct outbox *outbox, const struct outbox_report *report);

/* ---- outbox_wait.c ---- */
void outbox_wait(struct outbox *outbox, const struct outbox_todo *todo, struct outbox_report *report);
/* For librdkafka's long waits. */
bool outbox_is_interrupted(void *user);

/* ---- outbox_recover.c ---- */
void outbox_look_for_rivals(struct outbox *outbox, struct outbox_report *report);
void outbox_init_producer(struct outbox *outbox, struct outbox_report *report);
void outbox_recover(struct outbox *outbox, struct outbox_report *report);
void outbox_claim(struct outbox *outbox, struct outbox_report *report);
void outbox_release(struct outbox *outbox);
/* The newest checkpoint that this process knows of, without asking Kafka; 0: none. */
uint64_t outbox_known_checkpoint(const struct outbox *outbox);
bool outbox_make_producer(struct outbox *outbox, struct outbox_report *report);
/* What the notes say that the log does not know yet. */
bool outbox_reconcile(struct outbox *outbox, const struct outbox_found *found, struct outbox_report *report);
/* The note that puts the checkpoint to `position`, in *room. `sum` of that event, NULL: is looked up. */
struct outbox_checkpoint_room {
    char key[OUTBOX_MAX_NOTE_KEY];
    uint8_t value[OUTBOX_CHECKPOINT_BYTES];
};
bool outbox_note_checkpoint(const struct outbox *outbox, uint64_t position, const uint64_t *sum, uint64_t generation,
                            struct outbox_checkpoint_room *room, struct outbox_note *ret,
                            struct outbox_report *report);
/* The sum of the record at a position; 0 for position 0. */
enum varve_status outbox_sum_at(struct varve_store *store, uint64_t position, uint64_t *ret, struct varve_error *error);
/* A note is to disappear with the next transaction. */
void outbox_bury_note(struct outbox *outbox, enum outbox_note_kind kind, struct varve_view stream);

/* ---- outbox_batch.c ---- */
bool outbox_batch_start(struct outbox_batch *batch);
void outbox_batch_end(struct outbox_batch *batch);
/* Empty, with room for so many; for who fills it with something else. */
bool outbox_batch_reserve(struct outbox *outbox, uint64_t position, uint32_t max_events);
/* The events behind `position`, at most so many. False: *report says why there is none that can be dealt with. */
bool outbox_batch_build(struct outbox *outbox, uint64_t position, uint32_t max_events, struct outbox_report *report);
/* The record of the event may be let go of; the next batch is read anew. */
void outbox_batch_close_reader(struct outbox_batch *batch);
uint64_t outbox_record_sum(const uint8_t *record, uint32_t size);

/* ---- outbox_partitions.c ---- */
bool outbox_partitions_start(struct outbox_partitions *partitions);
void outbox_partitions_end(struct outbox_partitions *partitions);
void outbox_partitions_forget(struct outbox_partitions *partitions); /* a new producer learns anew */
enum outbox_placed { OUTBOX_PLACED, OUTBOX_PLACED_NOWHERE, OUTBOX_PLACED_FAULT };
/* Sets message->partition. NOWHERE: its topic is not there; FAULT: *report says why. */
/* The new ones are remembered, all in one append. */
bool outbox_partitions_remember(struct outbox *outbox, struct outbox_report *report);
enum outbox_placed outbox_place(struct outbox *outbox, struct outbox_message *message, struct outbox_report *report);

/* ---- outbox_publish.c ---- */
void outbox_publish(struct outbox *outbox, uint32_t max_events, struct outbox_report *report);
/* A transaction with the checkpoint alone, when one is due and nothing else is to be done. */
bool outbox_checkpoint_is_due(const struct outbox *outbox, int64_t now_us, int64_t *ret_due_us);
/* What the log remembers of the checkpoint. */
bool outbox_hint_is_due(const struct outbox *outbox, int64_t now_us, int64_t *ret_due_us);
void outbox_hint(struct outbox *outbox);
/* The checkpoint is there now. */
void outbox_settle(struct outbox *outbox, uint64_t position);
/* One transaction with messages and notes; the buried ones are added. Counts what all transactions count. */
enum outbox_result outbox_transact(struct outbox *outbox, const struct outbox_message *messages, size_t count,
                                   const struct outbox_note *notes, size_t note_count, struct outbox_report *report);

/* ---- outbox_counted.c: for the metrics ---- */
/* These are visible in Kafka now, by type and source; copies of dead letters are not counted. */
void outbox_counted_published(struct outbox *outbox, const struct outbox_message *messages, size_t count);
/* So many events could not be published; `code` may be empty. */
void outbox_counted_failed(struct outbox *outbox, const char *code, uint64_t events);
/* An attempt failed: its events have, or those that it was for. */
void outbox_counted_attempt(struct outbox *outbox, const struct outbox_report *report);

/* ---- outbox_aside.c ---- */
/* Of an event that nobody can publish: a dead letter in the batch. `attempts` Kafka has refused. */
bool outbox_set_aside(struct outbox *outbox, const struct varve_event *event, const char *code, const char *why,
                      uint32_t attempts, struct outbox_report *report);
/* Of an event behind a dead letter. */
bool outbox_set_behind(struct outbox *outbox, const struct varve_event *event, struct outbox_report *report);
enum outbox_place_of { OUTBOX_NOT_ASIDE, OUTBOX_ASIDE, OUTBOX_TO_WAIT };
enum outbox_place_of outbox_look_aside(const struct outbox *outbox, const struct varve_event *event);
/* Its copy for the dead-letter topic, when there is one. */
bool outbox_copy_letter(struct outbox *outbox, const struct varve_event *event, const struct varve_dead_letter *letter,
                        struct outbox_report *report);
bool outbox_copy_known_letter(struct outbox *outbox, const struct varve_event *event, struct outbox_report *report);
/* What the batch has set aside becomes durable. */
bool outbox_remember_batch(struct outbox *outbox, struct outbox_report *report);
void outbox_set_aside_next(struct outbox *outbox, const struct outbox_todo *todo, struct outbox_report *report);

/* ---- outbox_retry.c ---- */
enum varve_status outbox_retry_order(struct outbox *outbox, struct varve_view stream, uint64_t *ret_count,
                                     struct varve_error *error);
void outbox_retry_due(struct outbox *outbox, int64_t now_us); /* those that retry by themselves */
void outbox_retry_portion(struct outbox *outbox, struct outbox_report *report);
void outbox_retries_end(struct outbox_retries *retries);

/* ---- outbox_replay.c ---- */
enum varve_status outbox_replay_order(struct outbox *outbox, const struct varve_outbox_order *order,
                                      uint64_t *ret_until, uint64_t *ret_number, struct varve_error *error);
void outbox_replay_portion(struct outbox *outbox, struct outbox_report *report);

/* ---- outbox_orders.c ---- */
void outbox_take_orders(struct outbox *outbox);
void outbox_refuse_orders(struct outbox *outbox); /* the thread ends */

/* ---- outbox_view.c ---- */
void outbox_show(struct outbox *outbox);
/* When the event behind the position was committed. */
void outbox_show_oldest(struct outbox *outbox, uint64_t position, int64_t recorded_at_us);

#endif
