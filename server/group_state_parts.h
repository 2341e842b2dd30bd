/* group_state_parts.h - what the files of the group machine share: its tables and what may be done to them.
 *
 *   group_state.c          the moves of one event and of the group; what is to be done next
 *   group_state_events.c   the events held: found by position, in the order of the log for the checkpoint
 *   group_state_keys.c     first come, first served within a key; the keys that have something to deliver
 *   group_state_members.c  who is there, and whose turn it is
 *   group_state_check.c    the rules, as asserts
 *
 * Everything is an index into a table, and the tables grow by doubling: adding, delivering and finishing an event
 * takes no memory and O(1), but for the heaps of deadlines and of members, O(log n). */
#ifndef SERVER_GROUP_STATE_PARTS_H
#define SERVER_GROUP_STATE_PARTS_H

#include "group_state.h"
#include "group_state_heap.h"
#include "group_state_list.h"

enum group_event_state {
    GROUP_EVENT_FREE,
    GROUP_EVENT_WAITING,   /* behind others of its key, or for a member */
    GROUP_EVENT_IN_FLIGHT, /* with the member `epoch`; the heap of deadlines knows until when */
    GROUP_EVENT_HELD,      /* with the member `epoch`, until the outcome of a transaction is known */
    GROUP_EVENT_ORPHANED,  /* likewise, and the member is gone */
    GROUP_EVENT_RETRYING,  /* not before the heap of deadlines says so */
    GROUP_EVENT_PARKING,   /* what `settling` says is being made durable */
    GROUP_EVENT_DONE,      /* found no more; its owner is to be told */
};

struct group_event {
    uint64_t position, key_hash, epoch; /* epoch: of the last one it was with; 0: never was with anybody */
    uint64_t first_attempt_ms;
    void *owners;                       /* what its owner gave us */
    char *error;                        /* malloc'ed: the reason of the last nack; NULL: none */
    const char *reason;                 /* why it is parked */
    enum group_action_kind settling;    /* PARKING: GROUP_PARK, GROUP_REPARK or GROUP_RESOLVE */
    enum group_event_state state;
    uint32_t error_size, attempt, key;
    uint32_t next_in_key, next_in_bucket;
    bool replay, told;                  /* told: its owner was asked to settle it */
};

struct group_key {
    uint64_t hash;
    uint32_t first, last, next_in_bucket; /* of its events; only the first may be anything else than WAITING */
    bool ready;                           /* in the list of ready keys: the first is WAITING */
};

struct group_member {
    uint64_t epoch;                       /* 0: the slot is free */
    uint64_t lowest, highest;             /* of the positions ever delivered to it */
    uint64_t turn;                        /* when it got its last event; less comes first among equals */
    struct group_list in_flight;          /* IN_FLIGHT or HELD, in the order of delivery */
    uint32_t own_max_in_flight;           /* 0: as the group is set */
    bool ready;
};

struct group_state {
    struct group_state_limits limits;
    uint64_t looked_at, turn, last_epoch;
    uint64_t newest_finished;             /* highest position of the log that was finished */

    struct group_event *events;           /* `capacity` of these and of what follows */
    struct group_links *log_links;        /* of the list `log` */
    struct group_links *event_links;      /* of `to_do`, of the members' lists, of `free_events` */
    struct group_key *keys;
    struct group_links *key_links;        /* of `ready_keys` and `free_keys` */
    uint32_t *position_buckets, *key_buckets;
    uint32_t capacity;                    /* a power of two, or 0 */
    struct group_heap deadlines;          /* of events IN_FLIGHT or RETRYING: by time, then position */

    struct group_list log;                /* unfinished events that are no replays, positions ascending */
    struct group_list to_do;              /* PARKING and not told, or DONE */
    struct group_list ready_keys, free_events, free_keys;

    struct group_member *members;         /* member_capacity of them */
    uint32_t *by_epoch;                   /* member_count indexes of members, epochs ascending */
    uint32_t member_count, member_capacity;
    struct group_heap takers;             /* members that can take an event: by what they have, then by turn */

    uint32_t in_flight, retrying, replaying, held; /* in_flight: with members, HELD included */
    uint64_t acked, redelivered, reason_bytes;
    uint64_t stopped_by, stopped_at;      /* epoch and position of the nack{stop} */
    bool stopped, tell_stop;
};

/* ---- group_state_events.c ---- */

/* GROUP_NONE: no memory. The event is WAITING as the last of its key. */
uint32_t group_events_add(struct group_state *state, uint64_t position, uint64_t key, void *owners, bool replay);
uint32_t group_events_find(const struct group_state *state, uint64_t position); /* GROUP_NONE: not held */
/* It is done: found no more, and the next of its key has its turn. */
void group_events_finish(struct group_state *state, uint32_t index);
/* Its owner was told. */
void *group_events_release(struct group_state *state, uint32_t index);
bool group_events_keep_error(struct group_state *state, uint32_t index, struct varve_view error);
/* Below the lowest unfinished event of the log. */
uint64_t group_events_checkpoint(const struct group_state *state);
void group_events_note_finished(struct group_state *state, uint64_t position);

/* ---- group_state_keys.c ---- */

/* In which bucket of `capacity` something hashed so lies. */
uint32_t group_keys_bucket(const struct group_state *state, uint64_t hash);
uint32_t group_keys_find(const struct group_state *state, uint64_t hash); /* GROUP_NONE: none has events */
void group_keys_link(struct group_state *state, uint32_t key);            /* into its bucket */
void group_keys_append(struct group_state *state, uint32_t index);
void group_keys_remove_first(struct group_state *state, uint32_t index);
/* The first of the key can be delivered: before all other keys or after them. */
void group_keys_make_ready(struct group_state *state, uint32_t key, bool before_others);
void group_keys_make_unready(struct group_state *state, uint32_t key);

/* ---- group_state_members.c ---- */

uint32_t group_members_find(const struct group_state *state, uint64_t epoch); /* GROUP_NONE: not a member */
uint32_t group_members_add(struct group_state *state, uint64_t epoch, uint32_t max_in_flight);
void group_members_remove(struct group_state *state, uint32_t member);
uint32_t group_members_limit(const struct group_state *state, uint32_t member);
/* It may have become one that can take an event, or no longer be. */
void group_members_update(struct group_state *state, uint32_t member);
/* Who gets the next event: the fewest in flight, then the longest without. GROUP_NONE: nobody can. */
uint32_t group_members_next(const struct group_state *state);
void group_members_give(struct group_state *state, uint32_t member, uint32_t index);
void group_members_take_back(struct group_state *state, uint32_t index); /* an event that is with somebody */
/* Is it with this member? VARVE_OK, FENCED, NOT_DELIVERED as in group_state_ack(). */
enum varve_status group_members_hold(const struct group_state *state, uint64_t epoch, uint64_t position,
                                     uint32_t *ret_index);

#endif
