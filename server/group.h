/* group.h - one consumer group: its machine (group_state.h), what feeds it, who works for it, what is remembered.
 *
 *   the log --follow.h--> held events --> machine --deliver--> consumers (a GROUP_JOIN each) --acks--> machine
 *                                            '--park, stop, checkpoint--> system events of `$group-` and `$parked-`
 *
 *   group.c          a turn of a group: what the machine says is done; reading on when a consumer is idle
 *   group_writer.c   the pictures of the group in `$group-<name>`, one at a time
 *   consumer.c       GROUP_JOIN, from joining to leaving
 *   group_admin.c    GROUP_CREATE, _UPDATE, _RESET, _DELETE, _INFO, _LIST
 *   group_consumed.c what the metrics count of an event that was acknowledged
 *   group_ack.c      GROUP_ACK, _NACK, _EXTEND; an ack is answered when a picture that has it is durable
 *   group_transact.c acks that are a part of a transaction: `$group.acked`, between the pictures
 *   parking.c        events are set aside, resolved, discarded: `$parked-<name>`
 *   parked_replay.c, parked_list.c   PARKED_REPLAY, PARKED_LIST
 * All of it on the loop thread. */
#ifndef SERVER_GROUP_H
#define SERVER_GROUP_H

#include "follow.h"
#include "group_record.h"
#include "group_state.h"
#include "groups.h"
#include "parked_record.h"
#include "parked_table.h"
#include "session.h"
#include "system_append.h"

enum {
    GROUP_MAX_HELD_BYTES = 16 * 1024 * 1024, /* of events read and not yet finished, */
    GROUP_HELD_FLOOR_BYTES = 64 * 1024,      /* whatever the other groups hold; beyond it, all groups together: */
    GROUPS_HELD_PART = 4,                    /* a quarter of the budget */
    GROUP_CHECKPOINT_MS = 250,               /* between two checkpoints */
    GROUP_CHECKPOINT_POSITIONS = 10000,      /* looked at with nothing to do: a checkpoint, too */
    GROUP_MAX_PARKED = 100000,               /* of one group, */
    GROUPS_MAX_PARKED = 1000000,             /* and of all */
    GROUPS_MAX_SETTINGS_BYTES = 8 * 1024 * 1024,
    GROUP_READ_RETRY_MS = 100,
    GROUP_MAX_UNPICTURED = 250000,           /* positions that transactions acked since the last picture: a start reads
                                              * them one by one */
};

struct consumer;
struct group_answer;
struct group_hold;
struct replay_job;

struct held_event {
    struct held_event *next, *previous;
    uint64_t delivered_us; /* uv_hrtime() / 1000 when it was handed out last */
    uint32_t size;
    uint8_t record[];
};

/* A place in `$group-<name>`: a version, and how many positions transactions had acked up to it. */
struct group_mark {
    uint64_t version, acks;
};

/* Something a client wants written into `$group-<name>`. */
struct group_change {
    struct group_change *next;
    enum group_event_kind kind;
    bool has_settings;         /* UPDATED, RESUMED: */
    struct group_record set;   /* the settings; moved into the group's record */
    uint64_t after;            /* RESET */
    /* On the loop, once; `error` NULL: it is durable, and done. Frees the change. */
    void (*done)(struct group_change *change, struct group *group, const struct varve_error *error);
};

struct group_writer {
    struct system_append append;
    bool away;
    bool gave_up;                /* the server stops, and the store took it not */
    enum group_event_kind kind;
    struct group_change *change; /* NULL: on the group's own account */
    struct group_record next;    /* what the record will be, */
    struct group_state *next_state; /* and the machine, after a reset, */
    struct group_mark mark;      /* and which of the acks of transactions are in it */
    struct group_change *first, **last;
    uint64_t begun;              /* pictures, */
    uint64_t durable;            /* and the last of them that is in the log with all that was finished */
    uint64_t retry_ms;           /* the group's own writes: not before */
    uint64_t written_ms;         /* the last checkpoint */
};

/* A picture or a note on its way into `$parked-<name>`. */
struct parking {
    struct system_append append;
    struct parking *next;        /* in group->parkings, while it waits for its next try */
    struct group *group;
    struct parked_entry entry;   /* what it will be; only the position, for PARKED_RESOLVED */
    enum parked_event_kind kind;
    struct varve_view data;      /* malloc'ed */
};

struct group {
    struct groups *groups;
    struct server *server;
    struct group *next_touched;
    bool touched, gone;
    struct varve_view name;
    struct group_record record;   /* as it is in the log */
    struct varve_error broken;    /* status VARVE_OK: it is not; else its last event is not understood */
    uint64_t settings_bytes;
    uint64_t due_ms;

    struct group_state *state;
    uint64_t acked_before, redelivered_before; /* by the machines before this one: a reset makes a new one */
    struct follow_member follow;
    bool following;
    uint64_t looked_at;           /* read on behind it */
    struct group_ranges before;   /* finished in earlier lives of the server, above the checkpoint then */
    uint64_t read_retry_ms;
    struct held_event *held;
    uint64_t held_bytes;          /* reasons of nacks included: */
    uint64_t reason_bytes;

    struct consumer *consumers;   /* all, those that are about to be included */
    uint32_t consumer_count;
    struct consumer **joined;     /* by epoch */
    uint32_t joined_count, joined_capacity;
    struct consumer *with_batch;  /* have deliveries that are not encoded yet */

    struct group_answer *answers, **last_answer; /* acks that wait for a picture to be durable; the oldest first */
    struct group_hold *holds, *last_hold; /* transactions under way; the oldest first */
    uint64_t hold_count;          /* of all there ever were */
    struct group_mark newest;     /* of what is known to be in the log */
    uint64_t pictured_acks;       /* of newest.acks, those in a picture that is in the log */
    struct group_writer writer;
    bool finished;                /* an event was, since the last picture */
    bool last_left;               /* the last consumer left: remember where we are */
    bool stop_wanted;             /* the machine stopped, the log does not say so yet */
    size_t stop_reason_size;
    char stop_reason[VARVE_MAX_REASON];

    struct parked_table parked;
    struct parked_table settled;  /* were parked and are no more, above the checkpoint of the start */
    struct parking *parkings;     /* wait for their next try */
    uint32_t parkings_away;
    uint64_t parking_retry_ms;
    uint32_t replay_wanted;
    uint64_t replay_cursor;
    struct replay_job *replay_job; /* away */
    uint32_t away;                 /* appends and jobs under way that know the group */
    char name_bytes[VARVE_MAX_GROUP_NAME];
};

/* ---- group.c ---- */
struct group *group_create(struct groups *groups, struct varve_view name); /* NULL: no memory. Not among the groups */
/* The record is filled in: the machine begins at its checkpoint. False: no memory. */
bool group_begin(struct group *group);
struct group_state *group_make_state(const struct group_record *record); /* as it begins; NULL: no memory */
struct group_state_limits group_limits(const struct varve_group_settings *settings);
/* From its record's checkpoint on, with this machine, as if nothing had been delivered; consumers stay. */
void group_begin_anew(struct group *group, struct group_state *state);
void group_turn(struct group *group);
void group_touch(struct group *group);
bool group_is_stopped(const struct group *group);
/* It is deleted: nobody finds it any more; freed when all that is away has come back. */
void group_drop(struct group *group);
void group_free(struct group *group);
void group_went_away(struct group *group);
void group_came_back(struct group *group); /* may free it */
uint64_t group_now_ms(const struct group *group);
bool group_may_hold(const struct group *group); /* one more event */
struct held_event *group_hold(struct group *group, const uint8_t *record, uint32_t size); /* NULL: no memory */
void group_release(struct group *group, struct held_event *event);
uint64_t group_key_of(const struct group *group, const uint8_t *record, uint32_t size);
void group_stop_reading(struct group *group);

/* ---- group_writer.c ---- */
void group_writer_init(struct group *group);
void group_writer_add(struct group *group, struct group_change *change);
/* Write what is to be written, if nothing is on its way. Returns when to look again. */
uint64_t group_writer_go_on(struct group *group, uint64_t now_ms);
/* A reset or a deletion is next: the machine stands still. */
bool group_writer_holds_up(const struct group *group);
bool group_writer_is_idle(const struct group *group);
void group_writer_fail_all(struct group *group, const struct varve_error *why);

/* ---- consumer.c ---- */
void consumer_deliver(struct group *group, const struct group_action *action);
void consumers_flush(struct group *group); /* encode what was delivered */
bool consumers_want_more(const struct group *group);
void consumers_end_all(struct group *group, const struct varve_error *why);
void consumers_rejoin(struct group *group); /* a new machine; whoever cannot is ended */
void consumers_make_ready(struct group *group);
struct consumer *consumer_find(const struct group *group, uint64_t epoch); /* NULL: no member has it */
struct session *consumer_session(const struct consumer *consumer);
bool consumer_was_reset(const struct group *group, uint64_t epoch);        /* while it was a member */
/* Those who joined, at most VARVE_MAX_CONSUMERS, into `ret`. */
size_t consumers_list(const struct group *group, struct varve_group_consumer *ret);

/* ---- group_consumed.c ---- */
void group_note_delivered(struct group *group, struct held_event *event); /* it is handed out now */
/* The event at this position is acknowledged: count it. While the machine still has it. */
void group_note_consumed(struct group *group, struct held_event *event);

/* ---- group_ack.c ---- */
void group_answers_init(struct group *group);
/* Those whose picture is durable. */
void group_answers_give(struct group *group);
void group_answers_fail(struct group *group, const struct varve_error *why);

/* ---- group_transact.c ---- */
/* All that transactions acked up to there has been settled. */
struct group_mark group_holds_mark(const struct group *group);

/* ---- parking.c ---- */
void parking_begin(struct group *group, const struct group_action *action);
uint64_t parking_go_on(struct group *group, uint64_t now_ms); /* when to look again */
bool parking_is_known(const struct group *group, uint64_t position); /* parked, or was: not to be delivered anew */
void parking_forget(struct group *group);                            /* what waits for its next try, and `settled` */
void parking_count(struct group *group, int64_t more);

/* ---- parked_replay.c ---- */
uint64_t parked_replay_go_on(struct group *group, uint64_t now_ms); /* when to look again */
void parked_replay_reset(struct group *group); /* the machine forgot them: all are at rest */

#endif
