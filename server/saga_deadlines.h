/* saga_deadlines.h - sagas whose deadline has passed are told so, by an event of their own.
 *
 *   RESTING --every 250 ms, and at start--> LOOKING (a reader thread lists who is due, and makes the append)
 *      ^                                       |  ^
 *      |---nobody more, fault------------------'  | more are due
 *      |                                          |
 *      '---refused: disk full, ...------------- COMMITTING
 *
 * Each transition is made for the version that the list showed, so a deadline is fired once however often it is seen:
 * who has changed meanwhile is not touched. Many that are due at once come in portions, one on its way at a time, so
 * that appends of clients find their place between them. */
#ifndef SERVER_SAGA_DEADLINES_H
#define SERVER_SAGA_DEADLINES_H

#include "server.h"

enum {
    SAGA_DEADLINES_EVERY_MS = 250,
    SAGA_DEADLINES_PORTION = 128,  /* transitions of one append */
};

struct saga_deadlines;
enum varve_status saga_deadlines_start(struct server *server, struct varve_error *error); /* server->saga_deadlines */
bool saga_deadlines_are_idle(const struct server *server);
void saga_deadlines_end(struct server *server); /* when they are idle */

/* The most memory that a portion takes on its way. */
uint64_t saga_deadlines_bound(void);

#endif
