/* lookups.h - requests that one look into the store answers. Pure: from a body to a reply, on whichever thread. */
#ifndef SERVER_LOOKUPS_H
#define SERVER_LOOKUPS_H

#include "server.h"

struct lookup_context {
    struct server *server;          /* its store, log and figures only: those of any thread */
    struct varve_wire_arena *arena;
    uint32_t request_id;
    struct varve_wire_buffer *out;  /* exactly one frame is encoded into it */
};
/* Answer into context->out, or return why not, with *error filled in. */
typedef enum varve_status (*lookup_answer)(const struct lookup_context *context, struct varve_view body,
                                           struct varve_error *error);

/* streams.c */
enum varve_status answer_stream_info(const struct lookup_context *context, struct varve_view body,
                                     struct varve_error *error);
enum varve_status answer_stream_list(const struct lookup_context *context, struct varve_view body,
                                     struct varve_error *error);
/* events.c */
enum varve_status answer_find(const struct lookup_context *context, struct varve_view body, struct varve_error *error);
enum varve_status answer_get(const struct lookup_context *context, struct varve_view body, struct varve_error *error);
/* stats.c */
enum varve_status answer_stats(const struct lookup_context *context, struct varve_view body, struct varve_error *error);
/* health_lookup.c */
enum varve_status answer_health(const struct lookup_context *context, struct varve_view body,
                                struct varve_error *error);
/* sagas.c */
enum varve_status answer_saga_get(const struct lookup_context *context, struct varve_view body,
                                  struct varve_error *error);
enum varve_status answer_saga_list(const struct lookup_context *context, struct varve_view body,
                                   struct varve_error *error);
enum varve_status answer_saga_counts(const struct lookup_context *context, struct varve_view body,
                                     struct varve_error *error);

/* snapshots.c */
enum varve_status answer_snapshot_get(const struct lookup_context *context, struct varve_view body,
                                      struct varve_error *error);
enum varve_status answer_snapshot_list(const struct lookup_context *context, struct varve_view body,
                                       struct varve_error *error);

/* outbox_lookups.c, outbox_history_request.c */
enum varve_status answer_outbox_list(const struct lookup_context *context, struct varve_view body,
                                     struct varve_error *error);
enum varve_status answer_outbox_dead(const struct lookup_context *context, struct varve_view body,
                                     struct varve_error *error);
enum varve_status answer_outbox_history(const struct lookup_context *context, struct varve_view body,
                                        struct varve_error *error);

/* About how much memory answering takes at most, body included: what to charge the budget. */
uint64_t stream_list_bytes(const struct server *server, struct varve_view body);
uint64_t get_bytes(const struct server *server, struct varve_view body);
uint64_t saga_get_bytes(const struct server *server, struct varve_view body);
uint64_t saga_list_bytes(const struct server *server, struct varve_view body);
uint64_t saga_counts_bytes(const struct server *server, struct varve_view body);
uint64_t snapshot_get_bytes(const struct server *server, struct varve_view body);
uint64_t snapshot_list_bytes(const struct server *server, struct varve_view body);
uint64_t outbox_list_bytes(const struct server *server, struct varve_view body);
uint64_t outbox_dead_bytes(const struct server *server, struct varve_view body);
uint64_t outbox_history_bytes(const struct server *server, struct varve_view body);

#endif
