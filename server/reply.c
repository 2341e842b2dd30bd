/* reply.c - sends ERROR replies and counts them. */
#include "reply.h"

static void send_reply(struct session *session, uint32_t request_id, const struct varve_wire_error *error)
{
    struct figures *figures = &session_server(session)->figures;
    enum varve_status status = error->error.status;

    figure_add(&figures->requests_failed, 1);
    session_server(session)->handling.status = status;
    request_list_note(session_requests(session), request_id, status);
    if (status == VARVE_OVERLOADED || status == VARVE_NOT_READY)
        figure_add(&figures->requests_refused, 1);
    if (session_is_closing(session))
        return;
    varve_encode_error(session_out(session), request_id, error);
    session_sent(session);
}

void reply_error(struct session *session, uint32_t request_id, const struct varve_error *error)
{
    struct varve_wire_error wire = { .error = *error };

    if (error->status == VARVE_OVERLOADED && error->retry_after_ms == 0)
        wire.error.retry_after_ms = SERVER_RETRY_AFTER_MS;
    send_reply(session, request_id, &wire);
}

void reply_refused_append(struct session *session, uint32_t request_id, const struct varve_append_outcome *outcome)
{
    const struct varve_wire_error error = { .error = outcome->error, .conflicts = outcome->conflicts,
                                            .conflict_count = outcome->conflict_count };

    send_reply(session, request_id, &error);
}

void reply_overloaded(struct session *session, uint32_t request_id, const char *what)
{
    struct varve_error error = { .status = VARVE_OVERLOADED };

    varve_fail(&error, VARVE_OVERLOADED, NULL, "%s", what);
    reply_error(session, request_id, &error);
}

void reply_no_memory(struct session *session, uint32_t request_id)
{
    struct varve_error error = { .status = VARVE_NO_MEMORY };

    varve_fail(&error, VARVE_NO_MEMORY, NULL, "the server has no memory for this request");
    reply_error(session, request_id, &error);
}
