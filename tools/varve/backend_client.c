/* backend_client.c - a backend that is a server, through clients/c. */
#include <stdlib.h>

#include "backend.h"
#include "memory.h"

#define FOLLOW_ATTEMPTS 60 /* the delay between two grows to 2 s */

struct client_backend {
    struct backend base; /* first */
    struct varve_client *client;
    const char *url; /* the caller's */
    struct varve_subscription *subscription;
};

static struct client_backend *self_of(struct backend *backend)
{
    return (struct client_backend *)backend;
}

static struct varve_client *client_of(struct backend *backend)
{
    return self_of(backend)->client;
}

static enum varve_status client_close(struct backend *backend)
{
    varve_subscription_close(self_of(backend)->subscription);
    varve_client_free(client_of(backend));
    free(backend);
    return VARVE_OK;
}

static enum varve_status client_ping(struct backend *backend, int64_t *ret_now_us, uint64_t *ret_last_position,
                                     struct varve_error *error)
{
    return varve_client_ping(client_of(backend), ret_now_us, ret_last_position, error);
}

static enum varve_status client_limits(struct backend *backend, struct backend_limits *ret_limits,
                                       struct varve_error *error)
{
    enum varve_status status = varve_client_connect(client_of(backend), error);

    if (status != VARVE_OK)
        return status;
    const struct varve_hello_ok *server = varve_client_server(client_of(backend));
    ret_limits->max_event_bytes = server->max_event_bytes;
    ret_limits->max_append_bytes = server->max_append_bytes;
    ret_limits->max_append_events = server->max_append_events;
    return VARVE_OK;
}

static enum varve_status client_append(struct backend *backend, const struct varve_append_request *request,
                                       struct varve_append_outcome *ret_outcome, struct varve_error *error)
{
    return varve_client_append(client_of(backend), request, ret_outcome, error);
}

static enum varve_status client_submit(struct backend *backend, const struct varve_append_request *request,
                                       varve_client_done done, void *user, struct varve_error *error)
{
    enum varve_status status = varve_client_submit(client_of(backend), request, done, user, error);

    if (status != VARVE_OK)
        return status;
    return varve_client_poll(client_of(backend), 0, error); /* on its way while the caller does other things */
}

static enum varve_status client_drain(struct backend *backend, struct varve_error *error)
{
    return varve_client_drain(client_of(backend), error);
}

static enum varve_status client_change(struct backend *backend, const struct varve_stream_change *change,
                                       struct varve_append_outcome *ret_outcome, struct varve_error *error)
{
    return varve_client_stream_change(client_of(backend), change, ret_outcome, error);
}

static enum varve_status client_read_open(struct backend *backend, const struct varve_read *read,
                                          struct varve_error *error)
{
    return varve_client_read_open(client_of(backend), read, error);
}

static enum varve_status client_read_next(struct backend *backend, const struct varve_event **ret_event,
                                          struct varve_error *error)
{
    return varve_client_read_next(client_of(backend), ret_event, error);
}

static void client_read_close(struct backend *backend)
{
    varve_client_read_close(client_of(backend));
}

static enum varve_status client_find(struct backend *backend, const struct varve_uuid *ids, size_t count,
                                     uint64_t *ret_positions, struct varve_error *error)
{
    return varve_client_find(client_of(backend), ids, count, ret_positions, error);
}

static enum varve_status client_get(struct backend *backend, uint64_t position, struct varve_event *ret_event,
                                    struct varve_error *error)
{
    return varve_client_get(client_of(backend), position, ret_event, error);
}

static enum varve_status client_tail_open(struct backend *backend, const struct varve_filter *filter, uint64_t after,
                                          struct varve_error *error)
{
    struct varve_client_options options;

    backend_follow_options(&options);
    return varve_subscription_open(backend_url(backend), &options, filter, after, &self_of(backend)->subscription,
                                   error);
}

static enum varve_status client_tail_next(struct backend *backend, uint32_t timeout_ms, struct varve_notice *ret_notice,
                                          struct varve_error *error)
{
    return varve_subscription_next(self_of(backend)->subscription, timeout_ms, ret_notice, error);
}

static uint64_t client_tail_position(struct backend *backend)
{
    return varve_subscription_position(self_of(backend)->subscription);
}

static void client_tail_stop(struct backend *backend)
{
    varve_subscription_stop(self_of(backend)->subscription);
}

static void client_tail_close(struct backend *backend)
{
    varve_subscription_close(self_of(backend)->subscription);
    self_of(backend)->subscription = NULL;
}

static enum varve_status client_info(struct backend *backend, struct varve_view stream,
                                     struct varve_stream_info *ret_info, struct varve_error *error)
{
    return varve_client_stream_info(client_of(backend), stream, ret_info, error);
}

static enum varve_status client_list(struct backend *backend, const struct varve_stream_list_request *request,
                                     struct varve_stream_list *ret_list, struct varve_error *error)
{
    return varve_client_stream_list(client_of(backend), request, ret_list, error);
}

static enum varve_status client_stats(struct backend *backend, const struct varve_stat **ret_stats, size_t *ret_count,
                                      struct varve_error *error)
{
    return varve_client_stats(client_of(backend), ret_stats, ret_count, error);
}

static const struct backend_functions client_functions = {
    .close = client_close,
    .ping = client_ping,
    .limits = client_limits,
    .append = client_append,
    .submit = client_submit,
    .drain = client_drain,
    .change = client_change,
    .read_open = client_read_open,
    .read_next = client_read_next,
    .read_close = client_read_close,
    .find = client_find,
    .get = client_get,
    .tail_open = client_tail_open,
    .tail_next = client_tail_next,
    .tail_position = client_tail_position,
    .tail_stop = client_tail_stop,
    .tail_close = client_tail_close,
    .info = client_info,
    .list = client_list,
    .list_free = varve_client_stream_list_free,
    .stats = client_stats,
};

struct varve_client *backend_client(struct backend *backend)
{
    return client_of(backend);
}

const char *backend_url(struct backend *backend)
{
    return self_of(backend)->url;
}

void backend_follow_options(struct varve_client_options *ret_options)
{
    varve_client_options_init(ret_options);
    ret_options->client_name = "varve";
    ret_options->reconnect_attempts = FOLLOW_ATTEMPTS;
}

enum varve_status backend_open_client(const char *url, struct backend **ret_backend, struct varve_error *error)
{
    struct varve_client_options options;
    struct varve_client *client = NULL;

    varve_client_options_init(&options);
    options.client_name = "varve";
    enum varve_status status = varve_client_create(url, &options, &client, error);
    if (status != VARVE_OK)
        return status;

    struct client_backend *backend = memory_take(sizeof(*backend));
    backend->base.call = &client_functions;
    backend->client = client;
    backend->url = url;
    *ret_backend = &backend->base;
    return VARVE_OK;
}
