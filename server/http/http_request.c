/* http_request.c - the life of a request: begun, judged, its body taken, handled, answered, over.
 *
 *   BEGUN --head--> TAKING --whole--> ROUTED --handler--> ANSWERED --MHD asks--> QUEUED --sent or lost--> freed
 *      '--refused-------'--refused----> ANSWERED  '--> WAITING --> ANSWERED
 *
 * MHD asks again and again: with the head, with each piece of the body, when all is there, and when it was resumed. */
#include "http_parts.h"
#include "metrics.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FIRST_BODY_BYTES = 4096, SHORT_BODY_BYTES = 64 * 1024 };

static uint64_t now_us(void)
{
    return uv_hrtime() / 1000;
}

static bool charge(struct http_request *request, uint64_t bytes)
{
    struct server *server = request->http->server;

    if (!budget_take(&server->budget, bytes))
        return false;
    request->charged_bytes += bytes;
    return true;
}

static void let_go(struct http_request *request)
{
    if (request->answer != NULL && request->answer != request->http->overloaded)
        MHD_destroy_response(request->answer); /* MHD keeps one that it sends. */
    request->answer = NULL;
}

static void free_request(struct http_request *request)
{
    struct http *http = request->http;

    let_go(request);
    for (unsigned i = 0; i < request->header_count; i++)
        free(request->headers[i].value);
    varve_wire_buffer_free(&request->body);
    budget_give(&http->server->budget, request->charged_bytes);
    http->request_count--;
    figure_set(&http->server->figures.http_requests_under_way, http->request_count);
    free(request);
}

static struct http_request *create(struct http *http, struct http_connection *connection, const char *target)
{
    size_t size = target == NULL ? 0 : strnlen(target, HTTP_MAX_TARGET + 1); /* One too many shows later. */
    uint64_t bytes = sizeof(struct http_request) + size;

    if (!budget_take(&http->server->budget, bytes))
        return NULL;
    struct http_request *request = calloc(1, bytes);
    if (request == NULL) {
        budget_give(&http->server->budget, bytes);
        return NULL;
    }
    request->http = http;
    request->connection = connection;
    request->charged_bytes = bytes;
    request->begun_us = now_us();
    request->text_size = size;
    if (size > 0)
        memcpy(request->text, target, size);
    http->request_count++;
    return request;
}

void *http_on_target(void *user, const char *target, struct MHD_Connection *mhd)
{
    struct http *http = user;
    struct http_connection *connection =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

    figure_add(&http->server->figures.http_requests, 1);
    struct http_request *request = connection == NULL ? NULL : create(http, connection, target);
    if (request == NULL)
        return NULL;
    figure_set(&http->server->figures.http_requests_under_way, http->request_count);
    connection->request = request;
    http_move_connection(connection, HTTP_RECEIVING);
    return request;
}

/* As request_end.c tells those of the binary port. The time that a client takes to send its request is its own. */
static void log_if_slow(const struct http_request *request, unsigned status)
{
    struct server *server = request->http->server;
    uint64_t took_us = request->handled_us > 0 ? now_us() - request->handled_us : 0;
    uint64_t limit_ms = server->config->slow_request_ms;

    if (limit_ms > 0 && took_us >= limit_ms * 1000)
        log_warn(&server->log, "http.slow", log_text("operation", request->route->operation),
                 log_view("about", request->parts[0]), log_number("dur_ms", took_us / 1000),
                 log_number("status", status));
}

static void count(struct server *server, const struct http_route *route, unsigned status, uint64_t duration_us)
{
    if (status >= 400)
        figure_add(&server->figures.http_requests_failed, 1);
    metrics_http_request(server->metrics, route != NULL ? route->operation : "none", status, duration_us);
}

/* How long the client took to send a part of it says nothing of the server. */
void http_was_told(struct http_request *request, unsigned status)
{
    if (request->status != 0)
        return;
    request->status = status;
    count(request->http->server, request->route, status, METRICS_NO_DURATION);
}

void http_answered(struct http_request *request, unsigned status, struct MHD_Response *answer, uint64_t bytes)
{
    struct server *server = request->http->server;
    enum http_request_state before = request->state;

    assert(before < HTTP_ANSWERED); /* One answer for each request. */
    budget_force(&server->budget, bytes);
    request->charged_bytes += bytes;
    request->answer = answer;
    request->status = status;
    request->state = HTTP_ANSWERED;
    count(server, request->route, status, now_us() - request->begun_us);
    log_if_slow(request, status);
    if (request->connection == NULL)
        free_request(request);
    else if (before == HTTP_WAITING)
        http_resume(request->connection);
}

/* Give MHD the answer. It reads no more of a body when that is done before all of it has come. */
static enum MHD_Result queue(struct http_request *request)
{
    struct http_connection *connection = request->connection;

    enum MHD_Result result = MHD_queue_response(connection->mhd, request->status, request->answer);
    let_go(request);
    request->state = HTTP_QUEUED;
    http_move_connection(connection, request->stream != NULL ? HTTP_STREAMING : HTTP_SENDING);
    return result;
}

/* ---- the head ---------------------------------------------------------------------------------------------------- */

/* False: it was answered. Memory is only taken for what is known to fit. */
static bool expect_body(struct http_request *request)
{
    uint64_t limit = request->http->server->config->http.max_body_bytes, bytes = request->body_expected;

    if (bytes == 0)
        return true;
    if (!(request->route->flags & HTTP_HAS_BODY)) {
        http_refuse(request, MHD_HTTP_BAD_REQUEST, VARVE_INVALID_ARGUMENT, "body", "%s %s takes no body",
                    request->route->method, request->route->path);
        return false;
    }
    if (bytes == UINT64_MAX)
        bytes = limit < FIRST_BODY_BYTES ? limit : FIRST_BODY_BYTES;
    if (bytes > limit) {
        http_refuse(request, MHD_HTTP_CONTENT_TOO_LARGE, VARVE_APPEND_TOO_LARGE, "body",
                    "a body of %llu bytes; http.max_body allows %llu", (unsigned long long)bytes,
                    (unsigned long long)limit);
        return false;
    }
    if (charge(request, bytes) && (request->body.bytes = malloc(bytes)) != NULL) {
        request->body.capacity = bytes;
        return true;
    }
    http_refuse(request, MHD_HTTP_TOO_MANY_REQUESTS, VARVE_OVERLOADED, NULL,
                "the server's memory for requests is used up");
    return false;
}

static bool may_be_served(struct http_request *request)
{
    const struct server *server = request->http->server;
    unsigned flags = request->route->flags;
    bool stopping = request->http->stopping;

    if (stopping ? flags & HTTP_TO_THE_END : server->store != NULL || flags & HTTP_BEFORE_STORE)
        return true;
    http_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, VARVE_NOT_READY, NULL, "the server is %s%s",
                stopping ? "stopping" : "recovering: ", stopping ? "" : server->doing);
    return false;
}

/* A refused request's body is read over only when it is known to be short, and was sent already. */
static bool ends_connection(const struct http_request *request)
{
    return request->body_expected > SHORT_BODY_BYTES || http_header(request, "Expect").data != NULL;
}

static enum MHD_Result judge(struct http_request *request, const char *method, const char *version)
{
    request->method = method;
    request->state = HTTP_TAKING;
    if (http_guard(request, version) && http_route_request(request) && may_be_served(request) &&
        http_check_query(request) && expect_body(request))
        return MHD_YES;
    request->body_dropped = true;
    return ends_connection(request) ? queue(request) : MHD_YES;
}

/* ---- the body ---------------------------------------------------------------------------------------------------- */

/* Only a chunked body grows; of others all is there. */
static bool make_room(struct http_request *request, size_t size)
{
    size_t capacity = request->body.capacity;

    while (capacity - request->body.size < size)
        capacity *= 2;
    if (capacity == request->body.capacity)
        return true;
    if (!charge(request, capacity - request->body.capacity))
        return false;
    uint8_t *bytes = realloc(request->body.bytes, capacity);
    if (bytes == NULL)
        return false;
    request->body.bytes = bytes;
    request->body.capacity = capacity;
    return true;
}

static enum MHD_Result take_body(struct http_request *request, const char *bytes, size_t size)
{
    if (request->body_dropped)
        return MHD_YES;
    if (request->body.size + (uint64_t)size > request->http->server->config->http.max_body_bytes) {
        http_cut(request->connection, &http_says_too_large);
        return MHD_NO;
    }
    if (!make_room(request, size)) {
        http_cut(request->connection, &http_says_overloaded);
        return MHD_NO;
    }
    memcpy(request->body.bytes + request->body.size, bytes, size);
    request->body.size += size;
    return MHD_YES;
}

/* ---- handled, answered, over ------------------------------------------------------------------------------------- */

static void serve(struct http_request *request)
{
    request->state = HTTP_ROUTED;
    request->handled_us = now_us();
    request->route->handler(request);
    if (request->state == HTTP_ROUTED)
        request->state = HTTP_WAITING;
}

enum MHD_Result http_on_access(void *user, struct MHD_Connection *mhd, const char *url, const char *method,
                               const char *version, const char *upload, size_t *upload_size, void **request_of)
{
    struct http *http = user;
    struct http_request *request = *request_of;

    if (request == NULL) {
        count(http->server, NULL, MHD_HTTP_SERVICE_UNAVAILABLE, METRICS_NO_DURATION);
        return MHD_queue_response(mhd, MHD_HTTP_SERVICE_UNAVAILABLE, http->overloaded);
    }
    if (request->connection->cut && request->state < HTTP_ROUTED)
        return MHD_NO; /* It was told that it had not come, or nothing: what comes of it now is not done. */
    if (request->state == HTTP_BEGUN)
        return judge(request, method, version);
    if (*upload_size > 0) {
        size_t size = *upload_size;

        *upload_size = 0;
        return take_body(request, upload, size);
    }
    if (request->connection->state == HTTP_RECEIVING)
        http_move_connection(request->connection, HTTP_SERVING);
    if (request->state == HTTP_TAKING)
        serve(request);
    if (request->state == HTTP_ANSWERED)
        return queue(request);
    if (request->state == HTTP_WAITING)
        http_suspend(request->connection);
    return MHD_YES;
}

void http_on_completed(void *user, struct MHD_Connection *mhd, void **request_of,
                       enum MHD_RequestTerminationCode code)
{
    struct http_request *request = *request_of;
    const union MHD_ConnectionInfo *told = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_HTTP_STATUS);

    *request_of = NULL;
    if (request == NULL)
        return;
    if (told != NULL)
        http_was_told(request, told->http_status); /* By MHD itself, such as that its head is too large. */
    struct http_connection *connection = request->connection;
    connection->request = NULL;
    connection->used = true;
    connection->suspended = false;
    http_move_connection(connection, HTTP_IDLE);
    request->connection = NULL;
    request->http->wanted |= connection->cut; /* MHD clears it away when it runs the next time. */
    if (request->http->stopping)
        http_cut(connection, NULL);
    if (request->stream != NULL)
        http_stream_close(request->stream);
    if (request->state != HTTP_WAITING) /* Else whoever has it still answers it. */
        free_request(request);
}

/* ---- what handlers ask ------------------------------------------------------------------------------------------- */

struct server *http_server(const struct http_request *request)
{
    return request->http->server;
}

const struct http_route *http_route_of(const struct http_request *request)
{
    return request->route;
}

struct varve_view http_path_part(const struct http_request *request, size_t index)
{
    return request->parts[index];
}

struct varve_view http_header(const struct http_request *request, const char *name)
{
    const char *value = NULL;
    size_t size = 0;

    if (request->connection == NULL ||
        MHD_lookup_connection_value_n(request->connection->mhd, MHD_HEADER_KIND, name, strlen(name), &value, &size) !=
        MHD_YES || value == NULL)
        return varve_view_of(NULL, 0);
    return varve_view_of(value, size);
}

struct varve_view http_body(const struct http_request *request)
{
    return varve_view_of((const char *)request->body.bytes, request->body.size);
}
