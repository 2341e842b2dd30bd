/* lookup.c - STREAM_INFO, STREAM_LIST, FIND, GET, STATS, HEALTH, SAGA_GET, SAGA_LIST, SAGA_COUNTS, OUTBOX_LIST,
 * OUTBOX_DEAD, OUTBOX_HISTORY: what one look answers, on a reader thread, because the look may wait for a disk. */
#include "handlers.h"
#include "lookups.h"

#include <stdlib.h>
#include <string.h>

#include "reply.h"

enum { SMALL_ANSWER_BYTES = 4096, FIND_ANSWER_FACTOR = 3 };

struct lookup {
    struct request request;
    struct job job;
    struct server *server;
    uint8_t opcode;
    lookup_answer answer;
    uint64_t answer_bytes; /* at most, while it is made */
    enum varve_status status;
    struct varve_wire_buffer out;
    size_t body_size;
    char body[];
};

static uint64_t small_bytes(const struct server *server, struct varve_view body)
{
    /* Of FIND: the ids decoded, the positions, the reply. */
    return SMALL_ANSWER_BYTES + FIND_ANSWER_FACTOR * body.size;
}

static const struct {
    lookup_answer answer;
    uint64_t (*bytes)(const struct server *server, struct varve_view body);
} lookups[256] = {
    [VARVE_OP_STREAM_INFO] = { answer_stream_info, small_bytes },
    [VARVE_OP_STREAM_LIST] = { answer_stream_list, stream_list_bytes },
    [VARVE_OP_FIND] = { answer_find, small_bytes },
    [VARVE_OP_GET] = { answer_get, get_bytes },
    [VARVE_OP_SNAPSHOT_GET] = { answer_snapshot_get, snapshot_get_bytes },
    [VARVE_OP_SNAPSHOT_LIST] = { answer_snapshot_list, snapshot_list_bytes },
    [VARVE_OP_STATS] = { answer_stats, small_bytes },
    [VARVE_OP_HEALTH] = { answer_health, small_bytes },
    [VARVE_OP_SAGA_GET] = { answer_saga_get, saga_get_bytes },
    [VARVE_OP_SAGA_LIST] = { answer_saga_list, saga_list_bytes },
    [VARVE_OP_SAGA_COUNTS] = { answer_saga_counts, saga_counts_bytes },
    [VARVE_OP_OUTBOX_LIST] = { answer_outbox_list, outbox_list_bytes },
    [VARVE_OP_OUTBOX_DEAD] = { answer_outbox_dead, outbox_dead_bytes },
    [VARVE_OP_OUTBOX_HISTORY] = { answer_outbox_history, outbox_history_bytes },
};

static void work(struct job *job, struct varve_wire_arena *arena)
{
    struct lookup *lookup = (struct lookup *)((char *)job - offsetof(struct lookup, job));
    struct lookup_context context = { .server = lookup->server, .arena = arena, .request_id = lookup->request.id,
                                      .out = &lookup->out };
    struct varve_wire_error wire = { .error = { .status = VARVE_OK } };

    if (arena == NULL)
        varve_fail(&wire.error, VARVE_NO_MEMORY, NULL, "the server has no memory for this request");
    else
        lookup->answer(&context, varve_view_of(lookup->body, lookup->body_size), &wire.error);
    lookup->status = wire.error.status;
    if (wire.error.status == VARVE_OK)
        return;
    if (wire.error.status >= VARVE_IO)
        log_error(&lookup->server->log, "lookup.failed", log_text("operation", varve_opcode_name(lookup->opcode)),
                  log_number("session", session_id(lookup->request.session)),
                  log_text("error", varve_status_name(wire.error.status)), log_text("message", wire.error.message));
    varve_encode_error(&lookup->out, lookup->request.id, &wire);
}

static void finish(struct completion *completion)
{
    struct lookup *lookup = (struct lookup *)((char *)completion - offsetof(struct lookup, job.completion));

    lookup->request.status = lookup->status;
    if (lookup->status != VARVE_OK)
        figure_add(&lookup->server->figures.requests_failed, 1);
    session_send_buffer(lookup->request.session, &lookup->out);
    session_end(&lookup->request);
    free(lookup);
}

/* Waiting is cheap; what the answer may take is charged only when a thread is to make it. */
static void start(struct request *request)
{
    struct lookup *lookup = (struct lookup *)request; /* Its first member. */

    if (!session_take_room(request, lookup->answer_bytes))
        return;
    request->away = true;
    workers_submit(&lookup->server->workers, &lookup->job);
}

static void stop(struct request *request, const struct varve_error *why)
{
    if (why == NULL && !session_is_closing(request->session))
        return; /* It needs no more from the peer. */
    if (why != NULL)
        reply_error(request->session, request->id, why);
    else
        request->status = VARVE_CANCELLED; /* Nobody is there to be answered. */
    session_end(request);
    free(request);
}

static size_t describe(const struct request *request, struct log_field *ret_fields)
{
    const struct lookup *lookup = (const struct lookup *)request; /* Its first member. */
    const struct varve_view body = varve_view_of(lookup->body, lookup->body_size);
    struct varve_view stream;
    uint64_t position;

    if (request->opcode == VARVE_OP_STREAM_INFO && varve_decode_stream_info(body, &stream, NULL) == VARVE_OK)
        ret_fields[0] = log_view("stream", stream);
    else if (request->opcode == VARVE_OP_GET && varve_decode_get(body, &position, NULL) == VARVE_OK)
        ret_fields[0] = log_number("position", position);
    else
        return 0;
    return 1;
}

static const struct request_kind lookup_kind = { .stop = stop, .room = start, .describe = describe };

static struct lookup *create(struct server *server, uint8_t opcode, struct varve_view body)
{
    struct lookup *lookup = calloc(1, sizeof(*lookup) + body.size);

    if (lookup == NULL)
        return NULL;
    lookup->job = (struct job){ .work = work, .completion.finish = finish };
    lookup->server = server;
    lookup->opcode = opcode;
    lookup->answer = lookups[opcode].answer;
    lookup->answer_bytes = lookups[opcode].bytes(server, body);
    lookup->body_size = body.size;
    if (body.size > 0)
        memcpy(lookup->body, body.data, body.size);
    return lookup;
}

void handle_lookup(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct server *server = session_server(session);

    if (workers_full(&server->workers)) {
        reply_overloaded(session, frame->request_id, "too much waits for the reader threads");
        return;
    }
    struct lookup *lookup = create(server, frame->opcode, body);
    if (lookup == NULL) {
        reply_no_memory(session, frame->request_id);
        return;
    }
    if (!session_begin(session, &lookup->request, &lookup_kind, frame->request_id, sizeof(*lookup) + body.size)) {
        free(lookup);
        reply_overloaded(session, frame->request_id, "the server's memory for requests is used up");
        return;
    }
    start(&lookup->request);
}
