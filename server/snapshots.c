/* snapshots.c - the cache of snapshots and this server; SNAPSHOT_GET and SNAPSHOT_LIST, which only look. */
#include "snapshots.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "varve/snapshots.h"
#include "varve/wire_snapshot.h"

#include "lookups.h"
#include "snapshot_writer.h"

enum {
    PER_PAGE_BYTES = 4,             /* what the cache remembers of each page of its file */
    PAGE_BYTES = 4096,
    WRITING_BYTES = 32 << 20,       /* a commit: what LMDB holds of it, and the file's list of free pages */
    LOOKING_BYTES = 3 << 20,        /* one snapshot in a reader thread: as found, and as it is sent */
    ENTRY_BYTES = 2 * (VARVE_MAX_SYSTEM_STREAM_NAME + VARVE_SNAPSHOT_MAX_TYPE + 200), /* in a list, and encoded */
};

/* ---- with the server ------------------------------------------------------------------------------------------ */

/* On any thread. */
static void damaged(void *user, const char *message)
{
    const struct server *server = user;

    log_warn(&server->log, "snapshots.damaged", log_text("message", message),
             log_text("consequence", "what is gone is folded anew from the log"));
}

static uint64_t map_size(const struct server *server)
{
    struct varve_snapshots_options options;

    varve_snapshots_options_init(&options);
    return server->limits.map_size_bytes < options.map_size_bytes ? server->limits.map_size_bytes
                                                                  : options.map_size_bytes;
}

/* A file that somebody deleted is told, as it is what the first loads will feel. */
static bool is_missed(const struct server *server, struct varve_store *store)
{
    char path[4096];
    int size = snprintf(path, sizeof(path), "%s/snapshots.mdb", server->config->directory);

    return size > 0 && (size_t)size < sizeof(path) && access(path, F_OK) != 0 && errno == ENOENT &&
           varve_store_last_position(store) > 0;
}

enum varve_status snapshots_load(struct server *server, struct varve_store *store, struct varve_error *error)
{
    struct varve_snapshots_options options;
    struct varve_error why;

    if (server->config->snapshots_keep == 0)
        return VARVE_OK;
    varve_snapshots_options_init(&options);
    options.keep = server->config->snapshots_keep;
    options.map_size_bytes = map_size(server);
    options.damaged = damaged;
    options.user = server;
    bool missed = is_missed(server, store);
    if (varve_snapshots_open(server->config->directory, &server->database_id, &options, &server->snapshots, &why) !=
        VARVE_OK) {
        server->snapshots = NULL;
        log_error(&server->log, "snapshots.unusable", log_text("error", varve_status_name(why.status)),
                  log_text("message", why.message), log_text("consequence", "the server does without snapshots"));
        return VARVE_OK;
    }
    if (missed)
        log_info(&server->log, "snapshots.begun", log_text("message", "there was no snapshots.mdb beside the log"),
                 log_text("consequence", "all is folded from the log until snapshots are put"));
    server->snapshot_writer = snapshot_writer_create(server);
    return server->snapshot_writer != NULL
               ? VARVE_OK
               : varve_fail(error, VARVE_NO_MEMORY, NULL, "the thread that writes snapshots cannot be made");
}

void snapshots_end(struct server *server)
{
    snapshot_writer_destroy(server->snapshot_writer);
    varve_snapshots_close(server->snapshots);
    server->snapshot_writer = NULL;
    server->snapshots = NULL;
}

uint64_t snapshots_memory_bytes(const struct server *server)
{
    if (server->config->snapshots_keep == 0)
        return 0;
    return map_size(server) / PAGE_BYTES * PER_PAGE_BYTES + WRITING_BYTES +
           (uint64_t)server->config->reader_threads * LOOKING_BYTES;
}

/* ---- on a reader thread --------------------------------------------------------------------------------------- */

enum varve_status answer_snapshot_get(const struct lookup_context *context, struct varve_view body,
                                      struct varve_error *error)
{
    struct varve_snapshot_query query;
    struct varve_snapshot *snapshot;
    enum varve_status status = varve_decode_snapshot_get(body, &query, error);

    if (status == VARVE_OK && context->server->snapshots == NULL)
        status = varve_fail(error, VARVE_SNAPSHOT_NOT_FOUND, NULL, "this server keeps no snapshots");
    if (status == VARVE_OK)
        status = varve_snapshots_get(context->server->snapshots, &query, &snapshot, error);
    if (status != VARVE_OK)
        return status;
    varve_encode_snapshot_get_ok(context->out, context->request_id, snapshot);
    free(snapshot);
    return VARVE_OK;
}

enum varve_status answer_snapshot_list(const struct lookup_context *context, struct varve_view body,
                                       struct varve_error *error)
{
    struct varve_snapshot_list_request request;
    struct varve_snapshot *snapshots = NULL;
    size_t count = 0;
    bool end = true;
    enum varve_status status = varve_decode_snapshot_list(body, &request, error);

    if (status == VARVE_OK && context->server->snapshots != NULL)
        status = varve_snapshots_list(context->server->snapshots, request.prefix, request.after_stream,
                                      request.after_version, request.limit, &snapshots, &count, &end, error);
    if (status != VARVE_OK)
        return status;
    varve_encode_snapshot_list_ok(context->out, context->request_id, snapshots, count, end);
    free(snapshots);
    return VARVE_OK;
}

uint64_t snapshot_get_bytes(const struct server *server, struct varve_view body)
{
    return 2 * (uint64_t)VARVE_SNAPSHOT_MAX_BYTES; /* As found, and encoded. */
}

uint64_t snapshot_list_bytes(const struct server *server, struct varve_view body)
{
    struct varve_snapshot_list_request request = { .limit = 0 };

    if (varve_decode_snapshot_list(body, &request, NULL) != VARVE_OK)
        return 0; /* The answer will be an error. */
    return (uint64_t)request.limit * ENTRY_BYTES;
}
