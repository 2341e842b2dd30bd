/* http.c - the port as a whole: begun, turned by the loop, stopped, ended.
 *
 * MHD has an epoll descriptor of its own, in which its connections are. It is readable when one of them has something;
 * then, and when we have resumed one, MHD is run, and never waits itself. */
#include "http_parts.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS_IN_A_TURN = 8 }; /* then the others of the loop have their turn */

/* What MHD says of its peers is of no use to anybody: they have got the same as an answer. */
static void on_message(void *user, const char *format, va_list arguments)
{
}

static void run(struct http *http)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = 1;

    for (unsigned i = 0; i < RUNS_IN_A_TURN; i++) {
        http->wanted = false;
        MHD_run(http->daemon);
        if (!http->wanted)
            break;
    }
    if (MHD_get_timeout(http->daemon, &wait_ms) == MHD_YES && wait_ms == 0)
        http->wanted = true;
}

/* MHD has more to do, but others first. */
static void on_again(uv_timer_t *timer)
{
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    run(poll->data);
}

static void free_all(struct http *http)
{
    if (http->overloaded != NULL)
        MHD_destroy_response(http->overloaded);
    free(http);
}

static void on_closed(uv_handle_t *handle)
{
    struct http *http = handle->data;

    if (--http->handle_count == 0)
        free_all(http);
}

void http_close_handle(struct http *http, uv_handle_t *handle)
{
    handle->data = http;
    uv_close(handle, on_closed);
}

/* ---- begun ------------------------------------------------------------------------------------------------------- */

static enum varve_status start_mhd(struct http *http, struct varve_error *error)
{
    /* http_guard.c is stricter with clients than MHD, and says why. The limit of connections is ours: it may change. */
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, http_on_access, http,
        MHD_OPTION_EXTERNAL_LOGGER, on_message, NULL, MHD_OPTION_NOTIFY_CONNECTION, http_on_connection, http,
        MHD_OPTION_URI_LOG_CALLBACK, http_on_target, http, MHD_OPTION_NOTIFY_COMPLETED, http_on_completed, http,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_POOL_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 0,
        MHD_OPTION_CONNECTION_LIMIT, UINT_MAX, MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_END);
    if (http->daemon == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "HTTP cannot be begun: no memory or no descriptors");
    return VARVE_OK;
}

static enum varve_status start_parser(struct http *http, struct varve_error *error)
{
    if (workers_start(&http->parser, 1, SERVER_WORK_QUEUE, &http->server->completions) == VARVE_OK)
        return VARVE_OK;
    MHD_stop_daemon(http->daemon);
    return varve_fail(error, VARVE_NO_MEMORY, NULL, "HTTP cannot be begun: no thread for large bodies");
}

static void make_handles(struct http *http)
{
    uv_loop_t *loop = &http->server->loop;

    /* None of these can fail: the descriptor is that of an epoll, which can be in another. */
    uv_poll_init(loop, &http->poll, MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
    uv_timer_init(loop, &http->again);
    http->poll.data = http->again.data = http;
    http->handle_count = 2;
    uv_poll_start(&http->poll, UV_READABLE, on_readable);
}

static enum varve_status make_answer(struct http *http, struct varve_error *error)
{
    static char text[] = "{\"type\":\"urn:varve:error:OVERLOADED\",\"title\":\"the server's queue is full; try again "
                         "a little later\",\"status\":503,\"code\":\"OVERLOADED\",\"detail\":\"no memory for this "
                         "request\",\"retry_after_ms\":1000}\n";

    http->overloaded = MHD_create_response_from_buffer(sizeof(text) - 1, text, MHD_RESPMEM_PERSISTENT);
    if (http->overloaded == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "HTTP cannot be begun: no memory");
    MHD_add_response_header(http->overloaded, "Content-Type", "application/problem+json");
    MHD_add_response_header(http->overloaded, "Retry-After", "1");
    return VARVE_OK;
}

enum varve_status http_start(struct server *server, struct varve_error *error)
{
    if (server->config->http.listen_count == 0)
        return VARVE_OK;
    struct http *http = calloc(1, sizeof(*http));
    if (http == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "HTTP cannot be begun: no memory");
    http->server = server;
    http->parses_end = &http->parses;
    enum varve_status status = start_mhd(http, error);
    if (status == VARVE_OK)
        status = start_parser(http, error);
    if (status != VARVE_OK) {
        free(http);
        return status;
    }
    server->http = http; /* From here on http_end() ends it. */
    make_handles(http);
    status = make_answer(http, error);
    return status == VARVE_OK ? http_listen_all(http, error) : status;
}

/* ---- turned ------------------------------------------------------------------------------------------------------ */

void http_turn(struct server *server)
{
    struct http *http = server->http;

    if (http == NULL)
        return;
    if (http->wanted) {
        uint64_t begun_ns = uv_hrtime();

        run(http);
        http->turned_us += (uv_hrtime() - begun_ns) / 1000;
    }
    if (http->wanted)
        uv_timer_start(&http->again, on_again, 0, 0);
}

uint64_t http_turned_us(const struct server *server)
{
    return server->http != NULL ? server->http->turned_us : 0;
}

void http_tick(struct server *server)
{
    struct http *http = server->http;

    if (http == NULL)
        return;
    uint64_t refused = figure_get(&server->figures.http_connections_refused);
    if (refused > http->refused_logged)
        log_warn(&server->log, "http.refused", log_number("connections", refused - http->refused_logged),
                 log_number("limit", server->config->http.max_connections));
    http->refused_logged = refused;
    http_tick_connections(http);
    http->wanted = true; /* MHD may have found that a peer has gone, and clear the connection away only when it runs. */
    if (!http->stopping)
        http_listen_again(http);
}

/* ---- stopped, ended ---------------------------------------------------------------------------------------------- */

/* Whoever asks for the server's health is answered to the end, on new connections, too. */
void http_stop(struct server *server)
{
    struct http *http = server->http;

    if (http == NULL || http->stopping)
        return;
    http->stopping = true;
    for (struct http_connection *one = http->connections; one != NULL; one = one->next) {
        if (one->request == NULL && one->used)
            http_cut(one, NULL);
        else if (one->request != NULL && one->request->stream != NULL)
            http_stream_finish(one->request->stream);
    }
}

bool http_is_idle(const struct server *server)
{
    return server->http == NULL || server->http->request_count == 0;
}

void http_close_all(struct server *server)
{
    if (server->http == NULL)
        return;
    for (struct http_connection *one = server->http->connections; one != NULL; one = one->next)
        http_cut(one, NULL);
}

void http_end(struct server *server)
{
    struct http *http = server->http;

    if (http == NULL)
        return;
    server->http = NULL;
    http_listen_end(http);
    http_close_handle(http, (uv_handle_t *)&http->poll);
    http_close_handle(http, (uv_handle_t *)&http->again);
    for (struct http_connection *one = http->connections; one != NULL; one = one->next)
        http_resume(one); /* MHD ends no suspended ones. */
    MHD_stop_daemon(http->daemon);
    workers_stop(&http->parser);
    assert(http->request_count == 0); /* Whoever was to answer has done so: the loop ran until then. */
}

uint64_t http_memory_bytes(const struct config *config)
{
    if (config->http.listen_count == 0)
        return 0;
    return ((uint64_t)config_number(&config->http.max_connections) + HTTP_SPARE_CONNECTIONS) *
           (HTTP_POOL_BYTES + HTTP_FIXED_BYTES);
}
