/* append.c - APPEND and STREAM_CHANGE: to the committer and back.
 *
 * Decoding, checking and encoding the records happen here, on the loop; the committer calls back on its own thread, and
 * the completion brings the outcome home. Submitted in the order they came, so they are committed in that order. */
#include "handlers.h"

#include <stdlib.h>

#include "follow.h"
#include "reply.h"

enum { REPLY_BYTES_PER_STREAM = 64, QUICK_GROUP_US = 2000 };

struct append {
    struct request request;
    struct completion completion;
    struct varve_append *append;
    uint8_t reply_opcode;
};

static const struct request_kind append_kind = { .stop = NULL, .room = NULL };

static void answer(struct session *session, const struct append *append, const struct varve_append_outcome *outcome)
{
    if (outcome->status >= VARVE_IO)
        session_server(session)->fault_suspected = true;
    if (outcome->status != VARVE_OK) {
        reply_refused_append(session, append->request.id, outcome);
    } else if (!session_is_closing(session)) {
        varve_encode_append_ok(session_out(session), append->request.id, append->reply_opcode, outcome);
        session_sent(session);
    }
}

/* The client may be gone by now; the append is durable all the same. */
static void finish(struct completion *completion)
{
    struct append *append = (struct append *)((char *)completion - offsetof(struct append, completion));

    answer(append->request.session, append, varve_append_get_outcome(append->append));
    varve_append_free(append->append);
    session_end(&append->request);
    free(append);
}

/* On the committer's thread. */
static void on_done(struct varve_append *varve_append, void *user)
{
    struct append *append = user;

    completions_push(&session_server(append->request.session)->completions, &append->completion);
}

/* `submitted` is ours now, whatever happens. */
static void submit(struct session *session, uint32_t request_id, uint8_t reply_opcode, struct varve_append *submitted,
                   size_t stream_count)
{
    uint64_t bytes = sizeof(struct append) + varve_append_size_bytes(submitted) + stream_count * REPLY_BYTES_PER_STREAM;
    struct append *append = calloc(1, sizeof(*append));
    struct varve_error error;

    if (append == NULL) {
        varve_append_free(submitted);
        reply_no_memory(session, request_id);
        return;
    }
    if (!session_begin(session, &append->request, &append_kind, request_id, bytes)) {
        varve_append_free(submitted);
        free(append);
        reply_overloaded(session, request_id, "the server's memory for requests is used up");
        return;
    }
    append->request.away = true;
    append->append = submitted;
    append->reply_opcode = reply_opcode;
    append->completion.finish = finish;
    enum varve_status status = varve_append_queue(submitted, on_done, append, &error);
    if (status == VARVE_OK) {
        session_server(session)->appends_queued = true;
        return;
    }
    if (status >= VARVE_IO)
        session_server(session)->fault_suspected = true;
    reply_error(session, request_id, &error);
    varve_append_free(submitted);
    session_end(&append->request);
    free(append);
}

/* Handing a group to the committer's thread and getting it back costs two wake-ups, as much as half a sync. So the loop
 * commits by itself what came in this turn, if that will be quick and nobody is kept waiting: see
 * docs/decisions/0006-who-commits.md. */
void commit_queued(struct server *server)
{
    bool quick = varve_store_last_group_us(server->store) < QUICK_GROUP_US &&
                 figure_get(&server->figures.reads_under_way) == 0 && follow_is_idle(server);

    server->appends_queued = false;
    if (!quick) {
        varve_store_wake(server->store);
        return;
    }
    completions_hold(&server->completions);
    varve_store_commit(server->store);
    completions_finish(&server->completions);
}

void handle_append(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct server *server = session_server(session);
    struct varve_append_request request;
    struct varve_append *append = NULL;
    struct varve_error error;
    size_t stream_count = 0;

    enum varve_status status = varve_decode_append(body, server->arena, &request, &error);
    if (status == VARVE_OK) {
        stream_count = request.stream_count;
        status = varve_append_create(server->store, &request, &append, &error);
    }
    varve_wire_arena_reset(server->arena); /* An unusually large one gives its memory back. */
    if (status != VARVE_OK)
        reply_error(session, frame->request_id, &error);
    else
        submit(session, frame->request_id, VARVE_OP_APPEND_OK, append, stream_count);
}

void handle_stream_change(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct varve_stream_change change;
    struct varve_append *append = NULL;
    struct varve_error error;

    enum varve_status status = varve_decode_stream_change(body, &change, &error);
    if (status == VARVE_OK)
        status = varve_stream_change_create(session_server(session)->store, &change, &append, &error);
    if (status != VARVE_OK)
        reply_error(session, frame->request_id, &error);
    else
        submit(session, frame->request_id, VARVE_OP_STREAM_CHANGE_OK, append, 1);
}
