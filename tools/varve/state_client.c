/* state_client.c - a state source that is a server: one connection for loading and listing streams, one for snapshots,
 * so that snapshots can be put while streams are loaded. */
#include <stdlib.h>

#include "memory.h"
#include "state_source.h"

#define PUTS_IN_FLIGHT 64 /* of up to 1 MiB each */

struct state_client {
    struct state_source base; /* first */
    struct varve_client *streams, *snapshots;
};

static struct varve_client *streams_of(struct state_source *source)
{
    return ((struct state_client *)source)->streams;
}

static struct varve_client *snapshots_of(struct state_source *source)
{
    return ((struct state_client *)source)->snapshots;
}

static void client_close(struct state_source *source)
{
    varve_client_free(streams_of(source));
    varve_client_free(snapshots_of(source));
    free(source);
}

static enum varve_status client_load_open(struct state_source *source, const struct varve_view *streams, size_t count,
                                          const struct varve_load_wanted *wanted, struct varve_error *error)
{
    return varve_client_load_open(streams_of(source), streams, count, wanted, error);
}

static enum varve_status client_load_stream(struct state_source *source, struct varve_loaded *ret_loaded,
                                            struct varve_error *error)
{
    return varve_client_load_stream(streams_of(source), ret_loaded, error);
}

static enum varve_status client_load_event(struct state_source *source, const struct varve_event **ret_event,
                                           struct varve_error *error)
{
    return varve_client_load_event(streams_of(source), ret_event, error);
}

static void client_load_close(struct state_source *source)
{
    varve_client_load_close(streams_of(source));
}

static enum varve_status client_streams(struct state_source *source, const struct varve_stream_list_request *request,
                                        struct varve_stream_list *ret_list, struct varve_error *error)
{
    return varve_client_stream_list(streams_of(source), request, ret_list, error);
}

static enum varve_status client_info(struct state_source *source, struct varve_view stream,
                                     struct varve_stream_info *ret_info, struct varve_error *error)
{
    return varve_client_stream_info(streams_of(source), stream, ret_info, error);
}

static enum varve_status client_list(struct state_source *source, const struct varve_snapshot_list_request *request,
                                     const struct varve_snapshot **ret_snapshots, size_t *ret_count, bool *ret_end,
                                     struct varve_error *error)
{
    return varve_client_snapshot_list(snapshots_of(source), request, ret_snapshots, ret_count, ret_end, error);
}

static enum varve_status client_get(struct state_source *source, const struct varve_snapshot_query *query,
                                    struct varve_snapshot *ret_snapshot, struct varve_error *error)
{
    return varve_client_snapshot_get(snapshots_of(source), query, ret_snapshot, error);
}

static enum varve_status client_submit(struct state_source *source, const struct varve_snapshot *snapshot,
                                       uint32_t keep, varve_snapshot_done done, void *user, struct varve_error *error)
{
    enum varve_status status = varve_client_submit_snapshot(snapshots_of(source), snapshot, keep, done, user, error);

    return status == VARVE_OK ? varve_client_poll(snapshots_of(source), 0, error) : status; /* on its way meanwhile */
}

static enum varve_status client_drain(struct state_source *source, struct varve_error *error)
{
    return varve_client_drain(snapshots_of(source), error);
}

static enum varve_status client_remove(struct state_source *source, struct varve_view stream, int64_t from_version,
                                       int64_t until_version, uint64_t *ret_count, struct varve_error *error)
{
    return varve_client_snapshot_delete(snapshots_of(source), stream, from_version, until_version, ret_count, error);
}

static const struct state_source_functions functions = {
    .close = client_close,
    .load_open = client_load_open,
    .load_stream = client_load_stream,
    .load_event = client_load_event,
    .load_close = client_load_close,
    .streams = client_streams,
    .streams_free = varve_client_stream_list_free,
    .info = client_info,
    .list = client_list,
    .get = client_get,
    .submit = client_submit,
    .drain = client_drain,
    .remove = client_remove,
};

enum varve_status state_client_open(const char *url, struct state_source **ret_source, struct varve_error *error)
{
    struct state_client *self = memory_take(sizeof(*self));
    struct varve_client_options options;

    self->base.call = &functions;
    varve_client_options_init(&options);
    options.client_name = "varve snapshot";
    enum varve_status status = varve_client_create(url, &options, &self->streams, error);
    options.max_in_flight = PUTS_IN_FLIGHT;
    if (status == VARVE_OK)
        status = varve_client_create(url, &options, &self->snapshots, error);
    if (status == VARVE_OK)
        *ret_source = &self->base;
    else
        client_close(&self->base);
    return status;
}
