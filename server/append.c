/* append.c - APPEND and STREAM_CHANGE: decoded, checked and encoded as records here, on the loop; submit.c does the
 * rest. */
#include "handlers.h"

#include <stdlib.h>
#include <string.h>

#include "reply.h"
#include "snapshot_writer.h"
#include "submit.h"

enum { REPLY_BYTES_PER_STREAM = 64 };

struct append {
    struct submission submission; /* first */
    uint8_t reply_opcode;
    size_t hidden_size;                        /* of the name of a stream that this hides for ever; 0: of none */
    char hidden[VARVE_MAX_SYSTEM_STREAM_NAME];
};

static void done(struct submission *submission, const struct varve_append_outcome *outcome)
{
    const struct append *append = (struct append *)submission;
    struct session *session = submission->request.session;

    if (outcome->status != VARVE_OK) {
        reply_refused_append(session, submission->request.id, outcome);
    } else if (append->hidden_size > 0) {
        struct varve_wire_buffer reply = { .bytes = NULL };

        varve_encode_append_ok(&reply, submission->request.id, append->reply_opcode, outcome);
        snapshot_writer_drop(session_server(session), varve_view_of(append->hidden, append->hidden_size),
                             session_is_closing(session) ? NULL : session, submission->request.id, &reply);
        varve_wire_buffer_free(&reply);
    } else if (!session_is_closing(session)) {
        varve_encode_append_ok(session_out(session), submission->request.id, append->reply_opcode, outcome);
        session_sent(session);
    }
}

/* `submitted` is ours now, whatever happens. */
static void send_away(struct session *session, uint32_t request_id, uint8_t reply_opcode,
                      struct varve_append *submitted, size_t stream_count, struct varve_view hidden)
{
    struct append *append = calloc(1, sizeof(*append));

    if (append == NULL) {
        varve_append_free(submitted);
        reply_no_memory(session, request_id);
        return;
    }
    append->reply_opcode = reply_opcode;
    append->submission.done = done;
    append->hidden_size = hidden.size;
    if (hidden.size > 0)
        memcpy(append->hidden, hidden.data, hidden.size);
    if (!submit(session, request_id, &append->submission, submitted,
                sizeof(*append) + stream_count * REPLY_BYTES_PER_STREAM))
        free(append);
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
        send_away(session, frame->request_id, VARVE_OP_APPEND_OK, append, stream_count, varve_view_of(NULL, 0));
}

/* A stream that comes back counts its versions on, so that a snapshot of before would seem to fit. It goes before the
 * stream is hidden, and after, with what was put between; only then is it said to be hidden. */
static struct varve_view begin_hiding(struct server *server, const struct varve_stream_change *change)
{
    if (server->snapshots == NULL ||
        (change->kind != VARVE_STREAM_DELETE && change->kind != VARVE_STREAM_TOMBSTONE))
        return varve_view_of(NULL, 0);
    snapshot_writer_drop(server, change->stream, NULL, 0, NULL);
    return change->stream;
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
        send_away(session, frame->request_id, VARVE_OP_STREAM_CHANGE_OK, append, 1,
                  begin_hiding(session_server(session), &change));
}
