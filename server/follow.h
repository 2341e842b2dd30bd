/* follow.h - reading the log on and on, for whoever wants to know what comes: subscriptions and consumer groups.
 *
 * A follower is a filter and a position. Whoever wants the next events behind a position joins the follower of that
 * filter and position; those who stand at the same place share one: the log is read, filtered and encoded once for
 * all of them. There is no other code for live events: a follower at the end of the log simply waits until the
 * log has grown. So nobody can be skipped on the way from history to now.
 *
 *   IDLE (at the end) --log grew--> AWAY (a batch with a reader thread) --members join on--> IDLE or AWAY
 *                                     '- or read at once on the loop, when all of it is in memory
 *
 * A member gets one batch per join and is then on its own: it joins again, at the batch's end, when it can take more.
 * One that cannot costs nothing. All of it on the loop thread. */
#ifndef SERVER_FOLLOW_H
#define SERVER_FOLLOW_H

#include "server.h"
#include "shared_bytes.h"
#include "varve/filter.h"

struct follow_batch {
    struct varve_error error;         /* status VARVE_OK: none; else nothing more will come (CORRUPT, ...) */
    struct shared_bytes *frame;       /* a whole EVENTS frame of `records` and `position`; NULL when nothing matched */
    const uint8_t *const *records;    /* verified; they live in `frame`: keep a reference of it to keep them */
    const uint32_t *sizes;
    uint32_t count;
    uint64_t position;                /* everything up to here was looked at */
    bool at_end;                      /* and that was the end of the log when it was looked at */
};

struct follower;
struct follow_member {
    /* Called once per join, never from within follow_join(). May join again at batch->position, leave, or end. */
    void (*deliver)(struct follow_member *member, const struct follow_batch *batch);
    uint32_t batch_bytes;             /* about how large a batch may be; 0: SERVER_BATCH_BYTES */
    struct follower *follower;        /* NULL: has not joined; this and what follows is the follower's */
    struct follow_member *next, *previous;
};

/* `filter` was made by varve_filter_copy(); the follower makes a copy of its own. `position` is at most the last one.
 * VARVE_NO_MEMORY, OVERLOADED (too many places are read at the same time): not joined. */
enum varve_status follow_join(struct server *server, struct follow_member *member, const struct varve_filter *filter,
                              uint64_t position, struct varve_error *error);
void follow_leave(struct follow_member *member); /* nothing when it has not joined */

uint64_t follow_filter_bytes(const struct varve_filter *filter); /* memory of a copy */

/* There is room in the budget again. */
void follow_give_room(struct server *server);
/* No reader thread works for a follower: the store may be closed. */
bool follow_is_idle(const struct server *server);

enum varve_status follow_start(struct server *server, struct varve_error *error); /* begins to listen for growth */
/* No member is left, it is idle, and the store is closed. */
void follow_end(struct server *server);

#endif
