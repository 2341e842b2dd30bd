/* system_append.c - to the committer and back, as a client's append, but nobody is answered. */
#include "system_append.h"

static void finish(struct completion *completion)
{
    struct system_append *append = (struct system_append *)((char *)completion -
                                                            offsetof(struct system_append, completion));
    struct varve_append *ended = append->append;
    const struct varve_append_outcome *outcome = varve_append_get_outcome(ended);

    if (outcome->status >= VARVE_IO)
        append->server->fault_suspected = true;
    append->done(append, outcome);
    varve_append_free(ended);
}

/* On the committer's thread. */
static void on_done(struct varve_append *varve_append, void *user)
{
    struct system_append *append = user;

    completions_push(&append->server->completions, &append->completion);
}

enum varve_status system_append_queue(struct server *server, struct system_append *append, struct varve_view stream,
                                      const char *type, struct varve_view data,
                                      void (*done)(struct system_append *append,
                                                   const struct varve_append_outcome *outcome),
                                      struct varve_error *error)
{
    const struct varve_append_stream streams[] = { { stream, VARVE_EXPECTED_ANY } };
    const struct varve_event event = { .type = varve_view_str(type), .time_us = VARVE_TIME_NONE, .schema_version = 1,
                                       .content_type = VARVE_CONTENT_JSON, .data = data };
    const struct varve_append_request request = { .streams = streams, .stream_count = 1, .events = &event,
                                                  .event_count = 1 };
    enum varve_status status = varve_append_create_system(server->store, &request, &append->append, error);

    if (status != VARVE_OK)
        return status;
    append->server = server;
    append->completion.finish = finish;
    append->done = done;
    status = varve_append_queue(append->append, on_done, append, error);
    if (status == VARVE_OK) {
        server->appends_queued = true;
        return VARVE_OK;
    }
    if (status >= VARVE_IO)
        server->fault_suspected = true;
    varve_append_free(append->append);
    return status;
}

bool system_append_passes(enum varve_status status)
{
    return status == VARVE_OVERLOADED || status == VARVE_DISK_FULL || status == VARVE_NO_MEMORY;
}
