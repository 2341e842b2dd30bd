/* http.h - the HTTP port: requests in, answers and streams out. docs/http.md is its manual.
 *
 * libmicrohttpd reads and writes HTTP; it has no thread of its own: the loop waits for its epoll descriptor and runs
 * it. So all of this is on the loop thread, and whoever handles a request may use what the loop may. What waits for a
 * disk goes to a reader thread with http_send_away(), a large body to another with http_parse_away().
 *
 *   ROUTED --http_reply--> ANSWERED
 *   ROUTED --handler returns without an answer--> WAITING (suspended) --http_reply--> ANSWERED
 *   ROUTED, WAITING --http_stream_begin--> STREAMING --ended by us or the peer--> gone
 *
 * A request lives until its answer is sent or its connection is lost. A lost connection ends a WAITING request only
 * when it is answered: its handler need not care. */
#ifndef SERVER_HTTP_HTTP_H
#define SERVER_HTTP_HTTP_H

#include "server.h"

struct http_request;
struct http_stream;

/* ---- the port ------------------------------------------------------------------------------------------------- */

/* Listen where the configuration says; nothing when it says `off`. Requests are taken from now on: before the store is
 * open those that need it get 503 NOT_READY. */
enum varve_status http_start(struct server *server, struct varve_error *error);
enum varve_status http_write_ports(const struct server *server, const char *path, struct varve_error *error);
void http_turn(struct server *server);            /* before the loop sleeps: go on with what was answered or woken */
uint64_t http_turned_us(const struct server *server); /* that http_turn() has taken since the start */
void http_tick(struct server *server);            /* once a second */
void http_stop(struct server *server);            /* no new connection, no new request; streams end */
bool http_is_idle(const struct server *server);   /* nothing is under way */
void http_close_all(struct server *server);       /* cut what is left */
void http_end(struct server *server);
uint64_t http_memory_bytes(const struct config *config); /* at most, outside the budget */

/* ---- routes --------------------------------------------------------------------------------------------------- */

typedef void (*http_handler)(struct http_request *request);

enum http_route_flags {
    HTTP_BEFORE_STORE = 1, /* answered also while the store is not open */
    HTTP_HAS_BODY = 2,     /* takes one: application/json, at most http.max_body */
    HTTP_TO_THE_END = 4,   /* answered also while the server stops */
    HTTP_ALWAYS = HTTP_BEFORE_STORE | HTTP_TO_THE_END,
};
/* One row of the table in http_routes.c. `{name}` stands for one segment, %-decoded, at least a byte. HEAD is answered
 * by GET's handler. */
struct http_route {
    const char *method, *path; /* "GET", "/v1/streams/{stream}" */
    http_handler handler;
    unsigned flags;
    const char *operation;     /* label of the metrics, such as "stream_read" */
    const char *const *query;  /* the parameters it knows, NULL at the end; another is an error with the nearest one */
};
extern const struct http_route http_routes[];
extern const size_t http_route_count;

/* ---- a request ------------------------------------------------------------------------------------------------ */

struct server *http_server(const struct http_request *request);
/* The texts live as long as the request. */
const struct http_route *http_route_of(const struct http_request *request);
struct varve_view http_path_part(const struct http_request *request, size_t index); /* of the {names}, from 0 */
struct varve_view http_query(const struct http_request *request, const char *name); /* decoded; absent when not there */
struct varve_view http_header(const struct http_request *request, const char *name); /* likewise; any case */
struct varve_view http_body(const struct http_request *request);

/* Parameters that are numbers and the like; INVALID_ARGUMENT names the parameter and what was expected. Untouched when
 * the parameter is not there. */
enum varve_status http_query_uint(const struct http_request *request, const char *name, uint64_t min, uint64_t max,
                                  uint64_t *ret, struct varve_error *error);
enum varve_status http_query_flag(const struct http_request *request, const char *name, bool *ret,
                                  struct varve_error *error); /* true, false; a name alone is true */
enum varve_status http_query_time(const struct http_request *request, const char *name, int64_t *ret_us,
                                  struct varve_error *error); /* RFC 3339 */
int http_shown(struct varve_view value); /* bytes of it in a message, so that what was expected has room behind them */

/* ---- answers: exactly one for each request -------------------------------------------------------------------- */

/* A header of the answer. Before http_reply(). */
void http_set_header(struct http_request *request, const char *name, const char *value);
/* Takes over the bytes, which is empty afterwards; a buffer that failed becomes 500. */
void http_reply(struct http_request *request, unsigned status, const char *content_type,
                struct varve_wire_buffer *body);
void http_reply_text(struct http_request *request, unsigned status, const char *content_type, const char *text);
/* application/problem+json (RFC 9457) with the registry's code: {"type", "title", "status", "detail", "code", "field",
 * "retry_after_ms"}; 429 and 503 carry Retry-After. */
void http_reply_error(struct http_request *request, const struct varve_error *error);
/* The same with a status of HTTP that need not be the code's. `field` may be NULL. */
void http_refuse(struct http_request *request, unsigned http_status, enum varve_status status, const char *field,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same with more members: `members` is JSON such as "\"conflicts\":[...]", or absent. */
void http_reply_problem(struct http_request *request, const struct varve_error *error, struct varve_view members);
unsigned http_status_of(enum varve_status status); /* 400, 404, 409, 413, 429, 503, ... */

/* ---- work on other threads ------------------------------------------------------------------------------------ */

/* Embedded in what the work needs; owned by the caller, who frees it in `done`. */
struct http_work {
    void (*work)(struct http_work *work);   /* on another thread: no call of this file */
    void (*done)(struct http_work *work);   /* on the loop: answers the request */
    struct http_request *request;           /* set by http_send_away() */
    uint64_t charged_bytes;                 /* likewise */
    struct job job;                         /* likewise */
    struct varve_wire_arena *arena;         /* during work(): empty, of its thread; NULL: there is no memory for one */
};
/* `bytes`: what the work takes at most, charged to the memory budget until done() is called, which charges what it
 * keeps. False: the queue or the budget is full, and the request was answered so; `work` is still the caller's. */
bool http_send_away(struct http_request *request, struct http_work *work, uint64_t bytes);
/* The same, to the one thread that takes large bodies apart: it waits for no disk, but keeps a processor busy for so
 * long that neither the loop nor those who read should wait for it. One at a time, in the order they came, the next
 * when done() has returned: so what is made of a body exists once, and is counted in api_memory_bytes() instead of
 * `bytes`. */
bool http_parse_away(struct http_request *request, struct http_work *work, uint64_t bytes);

/* ---- streams: answers without an end -------------------------------------------------------------------------- */

struct http_stream_kind {
    /* Up to `room` bytes of what comes next; 0: nothing now, http_stream_wake() will tell; HTTP_STREAM_ENDS. */
    size_t (*read)(void *user, char *into, size_t room);
    /* The peer is gone, or it ended: no call for `user` will come, and `stream` is no more. */
    void (*closed)(void *user);
};
#define HTTP_STREAM_ENDS SIZE_MAX
/* Answer with a stream. NULL: no memory; the request was answered so, and closed() will not be called. */
struct http_stream *http_stream_begin(struct http_request *request, const char *content_type,
                                      const struct http_stream_kind *kind, void *user);
void http_stream_wake(struct http_stream *stream); /* read() has something. Cheap; twice is fine */
void http_stream_cut(struct http_stream *stream);  /* end it now; closed() follows, not at once */

#endif
