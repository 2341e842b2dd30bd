/* push.h - the log as server-sent events: GET /v1/events. docs/push.md is its manual.
 *
 * A client is a member of a follower (follow.h), like a subscription: it reads the log from its position on and joins
 * again when it has taken what it got, so one that is slow costs nobody anything, and it is never in anybody's way. */
#ifndef SERVER_HTTP_PUSH_H
#define SERVER_HTTP_PUSH_H

#include "http.h"

enum varve_status push_start(struct server *server, struct varve_error *error);
void push_tick(struct server *server);       /* once a second: heartbeats, and who is late? */
/* The configuration has changed: what is pushed from now on. Loop thread. */
enum varve_status push_reload(struct server *server, struct varve_error *error);
/* The lists of the configuration, checked when that is read; `error` names the key. */
enum varve_status push_check_config(const struct push_config *config, struct varve_error *error);
void push_end(struct server *server);

void handle_http_events(struct http_request *request); /* GET /v1/events */
extern const char *const push_query[];                 /* the parameters it knows */

#endif
