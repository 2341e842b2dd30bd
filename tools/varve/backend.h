/* backend.h - where a command finds its events: a server, or a directory opened in process. Same calls, same answers.
 *
 * What an outcome, list or event points to lives until the next call on the backend. */
#ifndef TOOLS_BACKEND_H
#define TOOLS_BACKEND_H

#include "varve/client.h"
#include "varve/store.h"
#include "varve/subscription.h"

struct backend_limits {
    uint32_t max_event_bytes; /* data + metadata of one event */
    uint32_t max_append_bytes, max_append_events;
};

struct backend;
struct backend_functions {
    /* The first fault met on the way; the backend is gone all the same. */
    enum varve_status (*close)(struct backend *backend);
    /* Also the check that somebody answers. */
    enum varve_status (*ping)(struct backend *backend, int64_t *ret_now_us, uint64_t *ret_last_position,
                              struct varve_error *error);
    enum varve_status (*limits)(struct backend *backend, struct backend_limits *ret_limits, struct varve_error *error);

    enum varve_status (*append)(struct backend *backend, const struct varve_append_request *request,
                                struct varve_append_outcome *ret_outcome, struct varve_error *error);
    /* An append that need not be waited for: `done` is called from inside submit or drain, in the order of submission.
     * The request's memory must stay until then. */
    enum varve_status (*submit)(struct backend *backend, const struct varve_append_request *request,
                                varve_client_done done, void *user, struct varve_error *error);
    enum varve_status (*drain)(struct backend *backend, struct varve_error *error);
    enum varve_status (*change)(struct backend *backend, const struct varve_stream_change *change,
                                struct varve_append_outcome *ret_outcome, struct varve_error *error);

    /* Open, then next until *ret_event is NULL, then close. */
    enum varve_status (*read_open)(struct backend *backend, const struct varve_read *read, struct varve_error *error);
    enum varve_status (*read_next)(struct backend *backend, const struct varve_event **ret_event,
                                   struct varve_error *error);
    void (*read_close)(struct backend *backend);
    enum varve_status (*find)(struct backend *backend, const struct varve_uuid *ids, size_t count,
                              uint64_t *ret_positions, struct varve_error *error);
    enum varve_status (*get)(struct backend *backend, uint64_t position, struct varve_event *ret_event,
                             struct varve_error *error);

    /* Open, then next, then close: what varve/subscription.h says of subscriptions. One at a time. A directory is
     * history and then silence. */
    enum varve_status (*tail_open)(struct backend *backend, const struct varve_filter *filter, uint64_t after,
                                   struct varve_error *error);
    enum varve_status (*tail_next)(struct backend *backend, uint32_t timeout_ms, struct varve_notice *ret_notice,
                                   struct varve_error *error);
    uint64_t (*tail_position)(struct backend *backend);
    void (*tail_stop)(struct backend *backend); /* any thread, or a signal handler */
    void (*tail_close)(struct backend *backend);

    enum varve_status (*info)(struct backend *backend, struct varve_view stream, struct varve_stream_info *ret_info,
                              struct varve_error *error);
    enum varve_status (*list)(struct backend *backend, const struct varve_stream_list_request *request,
                              struct varve_stream_list *ret_list, struct varve_error *error);
    void (*list_free)(struct varve_stream_list *list);
    enum varve_status (*stats)(struct backend *backend, const struct varve_stat **ret_stats, size_t *ret_count,
                               struct varve_error *error);
};
struct backend {
    const struct backend_functions *call;
};

/* Checks the URL, which must outlive the backend; connects at the first call. */
enum varve_status backend_open_client(const char *url, struct backend **ret_backend, struct varve_error *error);
/* Of such a backend: its client, for what only a server does, and what a connection of one's own is made with. */
struct varve_client *backend_client(struct backend *backend);
const char *backend_url(struct backend *backend);
/* Patient: a server that restarts is waited for, about two minutes. */
void backend_follow_options(struct varve_client_options *ret_options);
/* `create`: make a store when there is none. */
enum varve_status backend_open_store(const char *path, bool create, struct backend **ret_backend,
                                     struct varve_error *error);
struct varve_store *backend_store(struct backend *backend); /* of such a backend */

#endif
