/* http_reply.c - answers: bytes, texts, and errors as application/problem+json. */
#include "http_parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "varve/json_text.h"

static void add_header(struct MHD_Response *answer, const char *name, const char *value)
{
    MHD_add_response_header(answer, name, value); /* Without memory for it the answer goes without. */
}

/* Which page may read the answer, if any: said in each, so that no cache mixes them up. */
static void add_cors(const struct http_request *request, struct MHD_Response *answer)
{
    struct varve_view origin;
    char text[256];

    if (request->http->server->config->http.cors_origins == NULL)
        return;
    add_header(answer, "Vary", "Origin");
    if (!http_origin_allowed(request, &origin) || origin.size >= sizeof(text))
        return;
    snprintf(text, sizeof(text), "%.*s", (int)origin.size, origin.data);
    add_header(answer, "Access-Control-Allow-Origin", text);
    add_header(answer, "Access-Control-Expose-Headers", "Retry-After, Location");
}

void http_add_headers(const struct http_request *request, struct MHD_Response *answer, const char *content_type)
{
    if (content_type != NULL)
        add_header(answer, "Content-Type", content_type);
    add_header(answer, "Cache-Control", "no-store");
    add_header(answer, "X-Content-Type-Options", "nosniff");
    if (request->connection != NULL)
        add_cors(request, answer);
    for (unsigned i = 0; i < request->header_count; i++)
        add_header(answer, request->headers[i].name, request->headers[i].value);
    if (request->http->stopping)
        add_header(answer, "Connection", "close");
}

void http_set_header(struct http_request *request, const char *name, const char *value)
{
    assert(request->header_count < HTTP_MAX_HEADERS);
    char *copy = strdup(value);
    if (copy == NULL)
        return;
    request->headers[request->header_count].name = name;
    request->headers[request->header_count++].value = copy;
}

/* Without any memory there is one answer that was made beforehand. */
static void answer_overloaded(struct http_request *request)
{
    http_answered(request, MHD_HTTP_SERVICE_UNAVAILABLE, request->http->overloaded, 0);
}

void http_reply(struct http_request *request, unsigned status, const char *content_type,
                struct varve_wire_buffer *body)
{
    static char nothing[1];
    struct varve_wire_buffer taken = *body;

    *body = (struct varve_wire_buffer){ 0 };
    if (taken.failed) {
        varve_wire_buffer_free(&taken);
        answer_overloaded(request);
        return;
    }
    struct MHD_Response *answer =
        taken.bytes == NULL
            ? MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT)
            : MHD_create_response_from_buffer_with_free_callback(taken.size, taken.bytes, free);
    if (answer == NULL) {
        varve_wire_buffer_free(&taken);
        answer_overloaded(request);
        return;
    }
    http_add_headers(request, answer, content_type);
    http_answered(request, status, answer, taken.capacity);
}

void http_reply_text(struct http_request *request, unsigned status, const char *content_type, const char *text)
{
    struct varve_wire_buffer body = { 0 };

    varve_json_write_raw(&body, text);
    http_reply(request, status, content_type, &body);
}

/* ---- errors ------------------------------------------------------------------------------------------------------ */

unsigned http_status_of(enum varve_status status)
{
    static const struct {
        enum varve_status status;
        unsigned http;
    } table[] = {
        { VARVE_OK, 200 }, { VARVE_WRONG_EXPECTED_VERSION, 409 }, { VARVE_STREAM_NOT_FOUND, 404 },
        { VARVE_STREAM_TOMBSTONED, 410 }, { VARVE_ID_REUSED, 409 }, { VARVE_EVENT_TOO_LARGE, 413 },
        { VARVE_APPEND_TOO_LARGE, 413 }, { VARVE_INVALID_ARGUMENT, 400 }, { VARVE_UNAUTHENTICATED, 401 },
        { VARVE_ACCESS_DENIED, 403 }, { VARVE_OVERLOADED, 429 }, { VARVE_DISK_FULL, 507 }, { VARVE_NOT_READY, 503 },
        { VARVE_EVENT_NOT_FOUND, 404 }, { VARVE_CONSUMER_TOO_SLOW, 408 }, { VARVE_UNSUPPORTED, 501 },
        { VARVE_CANCELLED, 409 }, { VARVE_PROTOCOL, 400 }, { VARVE_INDEX_NOT_KEPT, 409 },
        { VARVE_GROUP_NOT_FOUND, 404 }, { VARVE_GROUP_EXISTS, 409 }, { VARVE_GROUP_STOPPED, 409 },
        { VARVE_CONSUMER_EXISTS, 409 }, { VARVE_FENCED, 409 }, { VARVE_NOT_DELIVERED, 409 },
        { VARVE_SAGA_NOT_FOUND, 404 }, { VARVE_SAGA_EXISTS, 409 }, { VARVE_SAGA_CONFLICT, 409 },
        { VARVE_SAGA_FINISHED, 409 }, { VARVE_SNAPSHOT_NOT_FOUND, 404 }, { VARVE_SNAPSHOT_AHEAD, 409 },
        { VARVE_OUTBOX_NOT_FOUND, 404 }, { VARVE_OUTBOX_BUSY, 409 }, { VARVE_DEAD_LETTER_NOT_FOUND, 404 },
        { VARVE_NO_MEMORY, 503 }, { VARVE_LOCKED, 503 },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].status == status)
            return table[i].http;
    }
    return MHD_HTTP_INTERNAL_SERVER_ERROR;
}

/* A message may quote what the client sent, and may have been cut within a character. */
static struct varve_view clean(const char *message, char *room, size_t size)
{
    snprintf(room, size, "%s", message);
    if (varve_check_text(varve_view_str(room), size, "message", NULL) == VARVE_OK)
        return varve_view_str(room);
    for (char *at = room; *at != 0; at++) {
        if ((unsigned char)*at < ' ' || (unsigned char)*at >= 0x7f)
            *at = '?';
    }
    return varve_view_str(room);
}

static void write_problem(struct varve_wire_buffer *out, unsigned http_status, const struct varve_error *error,
                          struct varve_view members)
{
    char room[sizeof(error->message)], text[128];
    const char *name = varve_status_name(error->status);

    snprintf(text, sizeof(text), "{\"type\":\"urn:varve:error:%s\",\"title\":", name);
    varve_json_write_raw(out, text);
    varve_json_write_text(out, varve_view_str(varve_status_meaning(error->status)));
    snprintf(text, sizeof(text), ",\"status\":%u,\"code\":\"%s\"", http_status, name);
    varve_json_write_raw(out, text);
    varve_json_member_text(out, "detail", clean(error->message, room, sizeof(room)));
    if (error->field[0] != 0)
        varve_json_member_text(out, "field", clean(error->field, room, sizeof(room)));
    if (error->limit != 0)
        varve_json_member_number(out, "limit", error->limit);
    if (error->retry_after_ms != 0)
        varve_json_member_number(out, "retry_after_ms", error->retry_after_ms);
    if (members.size > 0) {
        varve_json_write_raw(out, ",");
        varve_json_write_bytes(out, members);
    }
    varve_json_write_raw(out, "}\n");
}

static void reply_problem(struct http_request *request, unsigned http_status, const struct varve_error *error,
                          struct varve_view members)
{
    struct varve_error told = *error;
    struct varve_wire_buffer body = { 0 };
    char seconds[16];

    if (http_status == MHD_HTTP_TOO_MANY_REQUESTS || http_status == MHD_HTTP_SERVICE_UNAVAILABLE) {
        if (told.retry_after_ms == 0)
            told.retry_after_ms = error->status == VARVE_OVERLOADED ? SERVER_RETRY_AFTER_MS : 1000;
        snprintf(seconds, sizeof(seconds), "%u", (told.retry_after_ms + 999) / 1000);
        http_set_header(request, "Retry-After", seconds);
    }
    write_problem(&body, http_status, &told, members);
    http_reply(request, http_status, "application/problem+json", &body);
}

void http_reply_problem(struct http_request *request, const struct varve_error *error, struct varve_view members)
{
    reply_problem(request, http_status_of(error->status), error, members);
}

void http_reply_error(struct http_request *request, const struct varve_error *error)
{
    reply_problem(request, http_status_of(error->status), error, varve_view_of(NULL, 0));
}

void http_refuse(struct http_request *request, unsigned http_status, enum varve_status status, const char *field,
                 const char *format, ...)
{
    char message[sizeof(((struct varve_error *)0)->message)];
    struct varve_error error;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    error = (struct varve_error){ .status = status };
    varve_fail(&error, status, field, "%s", message);
    reply_problem(request, http_status, &error, varve_view_of(NULL, 0));
}
