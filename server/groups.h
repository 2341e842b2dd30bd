/* groups.h - all consumer groups of the server: found by name, loaded at start, looked at when something happened.
 *
 * A group is touched when something happened to it, and looked at once per turn of the loop however much that was; one
 * timer serves whatever falls due first. */
#ifndef SERVER_GROUPS_H
#define SERVER_GROUPS_H

#include "server.h"
#include "varve/group.h"

struct group;
struct groups {
    struct server *server;
    struct group **all;         /* by name */
    uint32_t count;
    struct group *touched;
    uv_timer_t timer;
    uint64_t timer_due_ms;      /* UINT64_MAX: it is not running */
    uint32_t away;              /* appends and jobs of groups, under way, those of deleted groups included */
    uint64_t parked_count;      /* of all groups */
    uint64_t settings_bytes;    /* of all groups, as JSON */
    uint64_t held_bytes;        /* of events that groups read and did not finish yet */
    uint64_t key_seed;
};

/* Takes the place of server->groups. Needs no store. */
enum varve_status groups_init(struct server *server, struct varve_error *error);
/* Look at those that were touched. */
void groups_turn(struct server *server);
/* The server stops: what is not durable yet is to become so. */
void groups_stop(struct server *server);
/* Is nothing left to wait for? */
bool groups_are_idle(const struct server *server);
/* No session is left, and groups_are_idle(). */
void groups_end(struct server *server);

/* NULL: none has this name. */
struct group *groups_find(const struct groups *groups, struct varve_view name);
/* The same for those who want something of it: GROUP_NOT_FOUND, or CORRUPT when its last event is not understood. */
struct group *groups_need(const struct groups *groups, struct varve_view name, struct varve_error *error);
bool groups_add(struct groups *groups, struct group *group); /* False: no memory */
void groups_remove(struct groups *groups, struct group *group);
void groups_touch(struct groups *groups, struct group *group);
/* It is to be looked at then. */
void groups_due(struct groups *groups, uint64_t due_ms);

/* groups_load.c: reads what the log says about groups (see server_load()), before anything else is done with them. */
enum varve_status groups_load(struct server *server, struct varve_store *store, struct varve_error *error);

#endif
