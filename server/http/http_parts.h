/* http_parts.h - what the files of the HTTP port share, and nobody else sees.
 *
 * A connection is MHD's; ours is what hangs on it: its place in the list, what it does now and since when. A request
 * hangs on a connection from its first line on until MHD tells that it is over. */
#ifndef SERVER_HTTP_PARTS_H
#define SERVER_HTTP_PARTS_H

#include <microhttpd.h>

#include "http.h"
#include "http_target.h"

enum {
    HTTP_POOL_BYTES = 16 * 1024,     /* of MHD, for each connection: a request's head, and what is being sent */
    HTTP_MAX_TARGET = 8 * 1024,      /* path and query */
    HTTP_FIXED_BYTES = 4 * 1024,     /* of a connection: MHD's and our structs, the allocator's rounding */
    HTTP_SPARE_CONNECTIONS = 32,     /* over the limit: only to be told so */
    HTTP_MAX_HEADERS = 8,            /* that a handler may set */
};

enum http_connection_state {
    HTTP_IDLE,      /* between requests, or a first line has not come whole */
    HTTP_RECEIVING, /* the rest of a request is awaited */
    HTTP_SERVING,   /* we are to answer */
    HTTP_SENDING,   /* the peer is to take the answer */
    HTTP_STREAMING, /* likewise, without an end */
};

struct http_connection {
    struct http *http;
    struct http_connection *next, *previous;
    struct MHD_Connection *mhd;
    struct http_request *request; /* NULL: none */
    int fd;
    enum http_connection_state state;
    uint64_t since_ms;            /* in this state; of SENDING: since the peer took something */
    uint64_t taken_bytes;         /* of SENDING: what the peer has taken */
    bool used;                    /* a request was answered on it */
    bool suspended;               /* MHD leaves it alone until http_resume() */
    bool cut;                     /* shut down by us */
};

enum http_request_state {
    HTTP_BEGUN,    /* the first line is there */
    HTTP_TAKING,   /* its head was judged; the body comes */
    HTTP_ROUTED,   /* with its handler, which has not returned */
    HTTP_WAITING,  /* with somebody who will answer; suspended */
    HTTP_ANSWERED, /* not yet given to MHD */
    HTTP_QUEUED,   /* MHD sends it */
};

struct http_request {
    struct http *http;
    struct http_connection *connection; /* NULL: lost while somebody was to answer */
    enum http_request_state state;
    uint64_t begun_us;
    uint64_t handled_us;                /* since when a handler has it, all of it; 0: none was called */
    uint64_t charged_bytes;             /* of the budget: all below */
    const struct http_route *route;     /* NULL: none fits */
    const char *method;
    struct http_target target;          /* decoded, in `text` */
    struct varve_view parts[HTTP_MAX_PARTS]; /* of the path: what stands for {names} */
    struct varve_wire_buffer body;
    uint64_t body_expected;             /* bytes, or UINT64_MAX: chunked */
    bool body_dropped;                  /* it was answered without */
    struct MHD_Response *answer;        /* while ANSWERED */
    unsigned status;                    /* likewise, and later; 0: it was told nothing */
    uint64_t answer_bytes;              /* of the budget */
    struct http_stream *stream;
    unsigned header_count;
    struct {
        const char *name;
        char *value;                    /* ours */
    } headers[HTTP_MAX_HEADERS];
    size_t text_size;
    char text[];                        /* the target */
};

struct http_listener {
    struct http *http;
    uv_poll_t poll;
    int fd;                             /* -1: closed */
    bool polled;                        /* false: out of descriptors for now */
    char address[160];
    uint16_t port;
};

struct http {
    struct server *server;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;                     /* MHD's epoll descriptor */
    uv_timer_t again;                   /* it has more to do at once */
    struct workers parser;              /* one thread */
    struct job *parses, **parses_end;   /* bodies that wait for it */
    bool parsing;                       /* it has one, whose outcome is not taken yet */
    struct http_listener listeners[CONFIG_MAX_LISTEN];
    size_t listener_count;
    struct http_connection *connections;
    uint32_t connection_count;
    uint32_t request_count;             /* all there are, those in other hands included */
    uint64_t refused_logged;
    unsigned handle_count;              /* of the loop's; the last that closes frees all */
    bool wanted;                        /* MHD has something to do: resumed connections */
    uint64_t turned_us;                 /* that http_turn() has taken, all turns together */
    bool stopping;
    struct MHD_Response *overloaded;    /* when there is no memory for a request */
};

/* ---- http.c ------------------------------------------------------------------------------------------------------ */
void http_close_handle(struct http *http, uv_handle_t *handle);

/* ---- http_listen.c ----------------------------------------------------------------------------------------------- */
enum varve_status http_listen_all(struct http *http, struct varve_error *error);
void http_listen_again(struct http *http); /* now and then: those that ran out of descriptors */
void http_listen_end(struct http *http);   /* twice is fine */

/* ---- http_connection.c ------------------------------------------------------------------------------------------- */
void http_take_connection(struct http *http, int fd, const struct sockaddr *address, socklen_t size);
void http_on_connection(void *http, struct MHD_Connection *mhd, void **socket_context,
                        enum MHD_ConnectionNotificationCode code);
void http_move_connection(struct http_connection *connection, enum http_connection_state state);
void http_suspend(struct http_connection *connection); /* within one of its callbacks */
void http_resume(struct http_connection *connection);
/* Say one last thing that MHD cannot say, when it says nothing itself at the moment, and end the connection. */
struct http_last_words {
    unsigned status;
    const char *text; /* the whole answer */
};
void http_cut(struct http_connection *connection, const struct http_last_words *last_words);
void http_tick_connections(struct http *http);
extern const struct http_last_words http_says_timeout, http_says_overloaded, http_says_too_large;

/* ---- http_request.c ---------------------------------------------------------------------------------------------- */
void *http_on_target(void *http, const char *target, struct MHD_Connection *mhd);
enum MHD_Result http_on_access(void *http, struct MHD_Connection *mhd, const char *url, const char *method,
                               const char *version, const char *upload, size_t *upload_size, void **user);
void http_on_completed(void *http, struct MHD_Connection *mhd, void **user, enum MHD_RequestTerminationCode code);
/* The answer is there: it goes to MHD, or is dropped when nobody waits for it any more. */
void http_answered(struct http_request *request, unsigned status, struct MHD_Response *answer, uint64_t bytes);
/* An answer went past it: the last words of its connection, or MHD's own. Counted, unless it had one. */
void http_was_told(struct http_request *request, unsigned status);

/* ---- http_guard.c: may this request be looked at? False: it was answered. ---------------------------------------- */
bool http_guard(struct http_request *request, const char *version);
bool http_origin_allowed(const struct http_request *request, struct varve_view *ret_origin);
/* Pure: is the Host header loopback or one of `hosts`? Is `origin` in the list `origins`? */
bool http_host_is_known(struct varve_view host, const char *hosts);
bool http_list_has(const char *list, struct varve_view word);

/* ---- http_reply.c ------------------------------------------------------------------------------------------------ */
/* What every answer says of itself. */
void http_add_headers(const struct http_request *request, struct MHD_Response *answer, const char *content_type);

/* ---- http_routing.c ---------------------------------------------------------------------------------------------- */
/* Finds the route and the parts of the path; false: it was answered (404, 405, OPTIONS). */
bool http_route_request(struct http_request *request);
/* The parameters are known to the route. */
bool http_check_query(struct http_request *request);

/* ---- http_stream.c ----------------------------------------------------------------------------------------------- */
void http_stream_close(struct http_stream *stream);  /* its request is over */
void http_stream_finish(struct http_stream *stream); /* it ends behind what was read */

#endif
