/* transact.c - TRANSACT: appends, sagas, checkpoints and acks of a consumer group in one append, all or nothing.
 *
 * What is acked is held by its group while the outcome is unknown; see group_transact.h. */
#include "handlers.h"

#include <stdlib.h>
#include <string.h>

#include "metrics.h"
#include "reply.h"
#include "saga_claims.h"
#include "submit.h"
#include "transact_system.h"

enum { REPLY_BYTES_PER_PART = 64 };

struct saga_name { /* in `names`, its bytes behind it */
    uint16_t type_size, id_size;
    bool ends;                    /* completed, or failed */
};

struct transact {
    struct submission submission; /* first */
    struct group_hold *hold;      /* NULL: nothing is acked */
    size_t stream_count, saga_count, checkpoint_count;
    uint32_t actions[VARVE_SAGA_ACTIONS];
    char *names;                  /* of the sagas, behind `places` */
    struct varve_transact_place places[]; /* of sagas, then of checkpoints */
};

/* ---- the outcome ------------------------------------------------------------------------------------------------ */

static void count_changes(struct figures *figures, const struct transact *transact)
{
    _Atomic uint64_t *const of_action[VARVE_SAGA_ACTIONS] = {
        [VARVE_SAGA_BEGIN] = &figures->saga_begins, [VARVE_SAGA_STEP] = &figures->saga_steps,
        [VARVE_SAGA_COMPENSATE] = &figures->saga_compensates, [VARVE_SAGA_COMPLETE] = &figures->saga_completes,
        [VARVE_SAGA_FAIL] = &figures->saga_fails, [VARVE_SAGA_ARCHIVE] = &figures->saga_archives,
        [VARVE_SAGA_TIME_OUT] = &figures->saga_deadlines_fired, /* The server's own: no client can ask for it. */
    };

    figure_add(&figures->transactions, 1);
    for (size_t i = 0; i < VARVE_SAGA_ACTIONS; i++)
        figure_add(of_action[i], transact->actions[i]);
}

/* Whoever claims it is told; what ended is counted, unless that was before. */
static void tell_sagas(struct server *server, const struct transact *transact, bool replayed)
{
    const char *at = transact->names;

    for (size_t i = 0; i < transact->saga_count; i++) {
        struct saga_name name;

        memcpy(&name, at, sizeof(name));
        at += sizeof(name);
        saga_claims_changed(server, varve_view_of(at, name.type_size), varve_view_of(at + name.type_size, name.id_size),
                            transact->places[i].version);
        if (name.ends && !replayed)
            metrics_saga_ended(server->metrics, varve_view_of(at, name.type_size),
                               varve_transact_saga_age_us(transact->submission.append, i));
        at += name.type_size + name.id_size;
    }
}

static void answer(struct session *session, const struct transact *transact,
                   const struct varve_append_outcome *outcome)
{
    const struct varve_transact_outcome wire = {
        .replayed = outcome->replayed, .results = outcome->results, .stream_count = transact->stream_count,
        .sagas = transact->places, .saga_count = transact->saga_count,
        .checkpoints = transact->places + transact->saga_count, .checkpoint_count = transact->checkpoint_count,
    };

    if (session_is_closing(session))
        return;
    varve_encode_transact_ok(session_out(session), transact->submission.request.id, &wire);
    session_sent(session);
}

static void done(struct submission *submission, const struct varve_append_outcome *outcome)
{
    struct transact *transact = (struct transact *)submission;
    struct session *session = submission->request.session;
    struct server *server = session_server(session);
    size_t place_count = transact->saga_count + transact->checkpoint_count;

    if (outcome->status != VARVE_OK) {
        if (transact->hold != NULL)
            group_hold_end(transact->hold, NULL);
        /* Checkpoints come first among the system's streams, so that their conflicts carry their indexes already; the
         * group's streams are written at any version. */
        reply_refused_append(session, submission->request.id, outcome);
        return;
    }
    const struct varve_append_result *results = outcome->results + transact->stream_count;
    for (size_t i = 0; i < place_count; i++)
        transact->places[i] = (struct varve_transact_place){ results[i].last_version, results[i].last_position };
    if (transact->hold != NULL)
        group_hold_end(transact->hold, results + place_count);
    if (!outcome->replayed)
        count_changes(&server->figures, transact);
    tell_sagas(server, transact, outcome->replayed);
    answer(session, transact, outcome);
}

/* ---- the request ------------------------------------------------------------------------------------------------ */

static void note_sagas(struct transact *transact, const struct varve_transact_request *request)
{
    char *at = transact->names;

    for (size_t i = 0; i < request->saga_count; i++) {
        const struct varve_saga_change *change = &request->sagas[i];
        const struct saga_name name = {
            (uint16_t)change->type.size, (uint16_t)change->id.size,
            change->action == VARVE_SAGA_COMPLETE || change->action == VARVE_SAGA_FAIL,
        };

        memcpy(at, &name, sizeof(name));
        memcpy(at + sizeof(name), change->type.data, change->type.size);
        memcpy(at + sizeof(name) + change->type.size, change->id.data, change->id.size);
        at += sizeof(name) + change->type.size + change->id.size;
        transact->actions[change->action]++;
    }
}

/* After the request was found good. NULL: no memory. */
static struct transact *create(const struct varve_transact_request *request, uint64_t *ret_bytes)
{
    size_t places = request->saga_count + request->checkpoint_count;
    uint64_t bytes = sizeof(struct transact) + places * sizeof(struct varve_transact_place);
    uint64_t names_at = bytes;

    for (size_t i = 0; i < request->saga_count; i++)
        bytes += sizeof(struct saga_name) + request->sagas[i].type.size + request->sagas[i].id.size;
    struct transact *transact = calloc(1, bytes);
    if (transact == NULL)
        return NULL;
    transact->names = (char *)transact + names_at;
    transact->stream_count = request->appends.stream_count;
    transact->saga_count = request->saga_count;
    transact->checkpoint_count = request->checkpoint_count;
    transact->submission.done = done;
    note_sagas(transact, request);
    *ret_bytes = bytes + (places + request->appends.stream_count) * REPLY_BYTES_PER_PART;
    return transact;
}

/* The append of the whole transaction. */
static enum varve_status compose(struct server *server, const struct varve_transact_request *request,
                                 const struct group_hold *hold, struct varve_append **ret, struct varve_error *error)
{
    struct transact_system system;
    enum varve_status status = transact_system_make(request, varve_store_last_position(server->store), hold, &system,
                                                    error);

    if (status != VARVE_OK)
        return status;
    const struct varve_transact transact = { .appends = request->appends, .sagas = request->sagas,
                                             .saga_count = request->saga_count, .system = system.request };
    status = varve_transact_create(server->store, &transact, ret, error);
    transact_system_free(&system);
    return status;
}

/* Nothing is held afterwards unless it is on its way. */
static void send_away(struct session *session, uint32_t request_id, const struct varve_transact_request *request,
                      struct group_hold *hold)
{
    struct varve_append *append = NULL;
    struct varve_error error;
    uint64_t bytes = 0;
    struct transact *transact = NULL;

    if (compose(session_server(session), request, hold, &append, &error) != VARVE_OK) {
        reply_error(session, request_id, &error);
    } else if ((transact = create(request, &bytes)) == NULL) {
        varve_append_free(append);
        reply_no_memory(session, request_id);
    } else {
        transact->hold = hold;
        if (submit(session, request_id, &transact->submission, append, bytes))
            return;
        free(transact);
    }
    if (hold != NULL)
        group_hold_end(hold, NULL);
}

/* False: an ERROR was sent. */
static bool hold_acks(struct session *session, uint32_t request_id, const struct varve_group_ack *ack,
                      struct group_hold **ret_hold)
{
    struct varve_conflict *conflicts = calloc(ack->count, sizeof(*conflicts));
    struct varve_append_outcome refusal = { .conflicts = conflicts };

    if (conflicts == NULL) {
        reply_no_memory(session, request_id);
        return false;
    }
    enum varve_status status = group_hold_begin(session, ack, conflicts, &refusal.conflict_count, ret_hold,
                                                &refusal.error);
    if (status != VARVE_OK && refusal.conflict_count > 0)
        reply_refused_append(session, request_id, &refusal);
    else if (status != VARVE_OK)
        reply_error(session, request_id, &refusal.error);
    free(conflicts);
    return status == VARVE_OK;
}

void handle_transact(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct varve_wire_arena *arena = session_server(session)->arena;
    struct varve_transact_request request;
    struct group_hold *hold = NULL;
    struct varve_error error;

    if (varve_decode_transact(body, arena, &request, &error) != VARVE_OK)
        reply_error(session, frame->request_id, &error);
    else if (request.ack == NULL || hold_acks(session, frame->request_id, request.ack, &hold))
        send_away(session, frame->request_id, &request, hold);
    varve_wire_arena_reset(arena); /* An unusually large one gives its memory back. */
}
