/* follow_parts.h - what a follower is made of; for follow.c, whose turn it is, follow_table.c, who stands where, and
 * follow_read.c, which reads. */
#ifndef SERVER_FOLLOW_PARTS_H
#define SERVER_FOLLOW_PARTS_H

#include <stdatomic.h>

#include "follow.h"

/* What one reading has found. Made by any thread; handed out and dropped on the loop. */
struct follow_result {
    struct varve_error error;  /* status VARVE_OK: none */
    struct shared_bytes *frame;
    const uint8_t **records;
    uint32_t *sizes;
    uint32_t count;
    uint64_t position;
    bool at_end;
};
void follow_result_drop(struct follow_result *result);

/*   IDLE   at the end of the log
 *   READY  there is more, and the loop has not looked yet
 *   QUEUED waits for one of the reader threads that followers may have
 *   AWAY   with a reader thread
 *   SERVED the loop hands a batch out; it stands at the batch's end already and can be joined there */
enum follower_state { FOLLOWER_IDLE, FOLLOWER_READY, FOLLOWER_QUEUED, FOLLOWER_AWAY, FOLLOWER_SERVED };

/* Members at equal places are read for together. */
struct follow_place {
    const struct varve_filter *filter;
    uint32_t batch_bytes;
    uint64_t position;
};

struct follower {
    struct server *server;
    enum follower_state state;
    struct follower *next, *previous;     /* in the queue of its state */
    struct follow_place place;            /* the filter is its own */
    uint64_t filter_hash;
    bool listed;                          /* in the table; not, while it serves, when another stands there */
    struct follower *next_in_bucket;
    struct follow_member *members;
    struct follow_member *served;         /* SERVED: those who have not got the batch yet */
    uint64_t charged_bytes;

    struct job job;                       /* AWAY */
    atomic_bool cancelled;                /* nobody waits for the job any more */
    struct follow_result result;
};

struct follower_queue {
    struct follower *first, *last;
};

/* Who stands where. Not more than FOLLOWERS_MAX. */
enum { FOLLOWER_BUCKETS = 4096, FOLLOWERS_MAX = 65536 };
struct follower_table {
    struct follower *buckets[FOLLOWER_BUCKETS];
    struct follower *recent;              /* the last one asked for or added: the next to be asked for is often it */
    uint32_t count;                       /* of followers there are, listed or not */
};
/* The one that stands at this place; NULL: nobody. */
struct follower *follower_table_find(struct follower_table *table, const struct follow_place *place);
/* At its place stands nobody. */
void follower_table_add(struct follower_table *table, struct follower *follower);
void follower_table_remove(struct follower_table *table, struct follower *follower); /* nothing when it is not listed */

/* With a copy of the filter, without members, listed nowhere. OVERLOADED, NO_MEMORY. */
enum varve_status follower_create(struct server *server, struct follower_table *table, const struct follow_place *place,
                                  struct follower **ret, struct varve_error *error);
void follower_destroy(struct follower *follower, struct follower_table *table);

/* The newest records of the log, read once on the loop for all followers that are nearly there. Lives during one turn:
 * it is a reader's batch. */
struct follow_window {
    struct varve_reader *reader;
    struct varve_batch batch;
    uint64_t first, last;     /* positions looked at */
    uint64_t end;             /* of the log, as it looked at */
};
void follow_window_drop(struct follow_window *window);

/* May the loop read what lies behind `position`? All of it is in memory, and it is little. */
bool follow_is_near(struct server *server, uint64_t position);
/* Read a batch on the loop. */
void follow_read_near(struct follower *follower, struct follow_window *window, struct follow_result *ret);
/* Read a batch on a reader thread, into follower->result. */
void follow_read_far(struct follower *follower, struct varve_wire_arena *arena);

#endif
