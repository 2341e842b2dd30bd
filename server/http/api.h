/* api.h - the JSON API of the HTTP port: appends, reads, looks at what there is. docs/http.md is its manual,
 * docs/openapi.json its contract.
 *
 * What may wait for a disk is a look: it is made on a reader thread as a whole answer, and sent by the loop. */
#ifndef SERVER_HTTP_API_H
#define SERVER_HTTP_API_H

#include "http.h"
#include "varve/event_json.h"

enum {
    API_PAGE_BYTES = 1024 * 1024,     /* of events in one answer; one larger event goes alone */
    API_BATCH_BYTES = 256 * 1024,     /* of records taken from the store at a time */
    API_LIMIT = 100,                  /* events, streams, sagas of one answer when the client leaves it to us */
    API_MAX_LIMIT = 1000,
    API_PAGE_US = 250 * 1000,         /* then an answer is sent with what was found, and where to go on */
};

/* ---- looks: api_look.c ------------------------------------------------------------------------------------------ */

/* Embedded first in what the look needs beside it; from malloc, freed when it is answered. */
struct api_look {
    struct http_work work;  /* first */
    struct server *server;  /* its store, limits and figures only: those of any thread */
    /* On a reader thread: write the answer into `out`, or `error`, or say how much memory it `needs` and be called
     * again. */
    void (*make)(struct api_look *look);
    /* On the loop, instead of an answer with `out`, when there is no error. NULL: there is nothing else to do. */
    void (*then)(struct api_look *look, struct http_request *request);
    struct varve_wire_buffer out;
    struct varve_error error;
    uint64_t bytes;         /* charged for it now */
    uint64_t needs;
};
/* Memory for one, zeroed, of `size` bytes. NULL: there is none, and the request was answered so. */
void *api_look_create(struct http_request *request, size_t size);
/* `look` is no longer the caller's, whatever happens. `bytes` is what making it takes at most. */
void api_look_begin(struct http_request *request, struct api_look *look, uint64_t bytes);
void api_look_refuse(struct http_request *request, struct api_look *look, const struct varve_error *error);

/* ---- events of answers: api_event.c ------------------------------------------------------------------------------ */

/* `data=base64` in a query: data of application/msgpack as it is. */
enum varve_status api_event_flags(const struct http_request *request, unsigned *ret_flags, struct varve_error *error);
/* At most so many bytes of JSON. */
uint64_t api_event_bound(const struct varve_event *event, unsigned flags);
void api_write_event(struct varve_wire_buffer *out, const struct varve_event *event, unsigned flags);
/* What a record and an answer of up to API_PAGE_BYTES take; and one of this event alone, 0 when it fits that. */
uint64_t api_page_bytes(const struct server *server);
uint64_t api_needs(const struct server *server, const struct varve_event *event, unsigned flags);
/* Where the event is that a path names by its id or position. INVALID_ARGUMENT. */
struct api_event_name {
    struct varve_uuid id;
    uint64_t position; /* 0: look for the id */
};
enum varve_status api_event_name(struct varve_view text, struct api_event_name *ret, struct varve_error *error);
/* Reader thread. EVENT_NOT_FOUND. */
enum varve_status api_find_event(struct varve_store *store, const struct api_event_name *name, uint64_t *ret_position,
                                 struct varve_error *error);

/* What one large body and what is made of it take beside the budget while it is parsed, at most. */
uint64_t api_memory_bytes(const struct server *server);

/* ---- handlers ---------------------------------------------------------------------------------------------------- */

void handle_api_append(struct http_request *request);         /* POST /v1/streams/{stream} */
void handle_api_read_stream(struct http_request *request);    /* GET /v1/streams/{stream} */
void handle_api_read_category(struct http_request *request);  /* GET /v1/categories/{category} */
void handle_api_read_type(struct http_request *request);      /* GET /v1/types/{type} */
void handle_api_read_correlation(struct http_request *request); /* GET /v1/correlations/{id} */
void handle_api_read_all(struct http_request *request);       /* GET /v1/all */
void handle_api_event(struct http_request *request);          /* GET /v1/events/{id} */
void handle_api_replay(struct http_request *request);         /* POST /v1/events/{id}/replay */
void handle_api_stream_info(struct http_request *request);    /* GET /v1/streams/{stream}/info */
void handle_api_stream_list(struct http_request *request);    /* GET /v1/streams */
void handle_api_outboxes(struct http_request *request);       /* GET /v1/outboxes */
void handle_api_outbox(struct http_request *request);         /* GET /v1/outboxes/{name} */
void handle_api_sagas(struct http_request *request);          /* GET /v1/sagas */
void handle_api_saga(struct http_request *request);           /* GET /v1/sagas/{type}/{id} */
void handle_api_saga_counts(struct http_request *request);    /* GET /v1/saga-counts */
void handle_api_stats(struct http_request *request);          /* GET /v1/stats */
extern const char api_document[];                             /* docs/openapi.json, made by SConstruct */
void handle_api_document(struct http_request *request);       /* GET /v1/openapi.json */

#endif
