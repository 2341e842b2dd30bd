/* request_end.c - see request_end.h. */
#include "request_end.h"

#include "metrics.h"

enum { FIELDS_BEFORE = 4, FIELDS_ROOM = FIELDS_BEFORE + REQUEST_MAX_FIELDS };

static bool is_slow(const struct server *server, uint64_t took_us)
{
    uint64_t limit_ms = server->config->slow_request_ms;

    return limit_ms > 0 && took_us >= limit_ms * 1000;
}

static void log_slow(struct session *session, const struct request *request, uint8_t opcode, enum varve_status status,
                     uint64_t took_us)
{
    struct log_field fields[FIELDS_ROOM];
    size_t count = 0;

    fields[count++] = log_text("operation", varve_opcode_name(opcode));
    fields[count++] = log_number("session", session_id(session));
    if (request != NULL && request->kind->describe != NULL)
        count += request->kind->describe(request, fields + count);
    fields[count++] = log_number("dur_ms", took_us / 1000);
    fields[count++] = log_text("status", varve_status_name(status));
    log_event(&session_server(session)->log, LOG_LEVEL_WARN, "request.slow", fields, count);
}

static void tell(struct session *session, const struct request *request, uint8_t opcode, enum varve_status status,
                 uint64_t took_us)
{
    metrics_request(session_server(session)->metrics, opcode, status, took_us);
    if (is_slow(session_server(session), took_us))
        log_slow(session, request, opcode, status, took_us);
}

void request_ended(const struct request *request)
{
    uint64_t now_us = server_now_us(session_server(request->session));
    uint64_t since_us = request->started_us + request->waited_us;

    if (request->opcode == 0)
        return; /* Of the server's own, or a part of one that has been told. */
    if (request->kind->is_subscription) {
        metrics_request(session_server(request->session)->metrics, request->opcode, request->status,
                        METRICS_NO_DURATION);
        return;
    }
    if (request->waits_since_us > 0)
        since_us += now_us - request->waits_since_us;
    tell(request->session, request, request->opcode, request->status, now_us > since_us ? now_us - since_us : 0);
}

void request_answered(struct session *session, uint8_t opcode, enum varve_status status, uint64_t started_us)
{
    tell(session, NULL, opcode, status, uv_hrtime() / 1000 - started_us);
}
