/* fixture.c - an HTTP port under test, its routes, and clients to it. */
#include "fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server/follow.h"
#include "server/groups.h"
#include "server/http/http_handlers.h"
#include "server/http/push.h"
#include "server/outboxes.h"
#include "server/saga_deadlines.h"
#include "server/wire/arena.h"
#include "support/loopback.h"
#include "support/pause.h"
#include "support/server_line.h"

enum { PATIENCE_S = 60, QUIET_TURNS = 30, TURN_MS = 1 };

struct fixture *fixture_now;

/* ---- routes ------------------------------------------------------------------------------------------------------ */

static void handle_echo(struct http_request *request)
{
    struct varve_view text = http_query(request, "text"), agent = http_header(request, "user-agent");
    char answer[512];

    snprintf(answer, sizeof(answer), "text=%.*s agent=%.*s", (int)text.size, text.size > 0 ? text.data : "",
             (int)agent.size, agent.size > 0 ? agent.data : "");
    http_set_header(request, "X-Test", "yes");
    http_reply_text(request, 200, "text/plain", answer);
}

static void handle_parts(struct http_request *request)
{
    struct varve_view a = http_path_part(request, 0), b = http_path_part(request, 1);
    char answer[512];

    snprintf(answer, sizeof(answer), "a=%.*s b=%.*s", (int)a.size, a.data, (int)b.size, b.data);
    http_reply_text(request, 200, "text/plain", answer);
}

static void handle_numbers(struct http_request *request)
{
    struct varve_error error;
    uint64_t limit = 7;
    bool flag = false;
    int64_t since_us = -1;
    char answer[128];

    if (http_query_uint(request, "limit", 1, 1000, &limit, &error) != VARVE_OK ||
        http_query_flag(request, "flag", &flag, &error) != VARVE_OK ||
        http_query_time(request, "since", &since_us, &error) != VARVE_OK) {
        http_reply_error(request, &error);
        return;
    }
    snprintf(answer, sizeof(answer), "limit=%llu flag=%d since=%lld", (unsigned long long)limit, flag,
             (long long)since_us);
    http_reply_text(request, 200, "text/plain", answer);
}

static void handle_body(struct http_request *request)
{
    struct varve_view body = http_body(request);
    char answer[128];

    snprintf(answer, sizeof(answer), "body of %zu: %.*s", body.size, (int)(body.size > 40 ? 40 : body.size),
             body.size > 0 ? body.data : "");
    http_reply_text(request, 200, "text/plain", answer);
}

static void handle_wait(struct http_request *request)
{
    fixture_now->waiting = request;
}

static void work(struct http_work *away)
{
    usleep(1000);
}

static void work_done(struct http_work *away)
{
    http_reply_text(away->request, 200, "text/plain", "from afar");
}

static void handle_away(struct http_request *request)
{
    fixture_now->work = (struct http_work){ .work = work, .done = work_done };
    http_send_away(request, &fixture_now->work, fixture_now->away_bytes);
}

/* The arena is the thread's own, and empty. */
static void parse(struct http_work *work)
{
    if (fixture_now->parsing++ > 0 || arena_taken(work->arena) > 0)
        fixture_now->parsed_wrongly = true;
    memset(arena_take(work->arena, 1000, 1), 1, 1000);
    usleep(1000);
    fixture_now->parsing--;
}

static void parse_done(struct http_work *work)
{
    char text[32];

    assert_int_equal(fixture_now->parsing, 0); /* The next one begins when this one has been dealt with. */
    assert_false(fixture_now->parsed_wrongly);
    snprintf(text, sizeof(text), "parsed as number %u", ++fixture_now->parses);
    http_reply_text(work->request, 200, "text/plain", text);
    free(work);
}

static void handle_parse(struct http_request *request)
{
    struct http_work *work = calloc(1, sizeof(*work));

    work->work = parse;
    work->done = parse_done;
    fixture_now->parses_asked++;
    if (!http_parse_away(request, work, fixture_now->away_bytes))
        free(work);
}

static size_t read_stream(void *user, char *into, size_t room)
{
    struct fixture *f = user;
    size_t size = strlen(f->to_stream);

    f->reads++;
    if (f->stream_cuts)
        http_stream_cut(f->stream);
    if (size == 0)
        return f->stream_ends ? HTTP_STREAM_ENDS : 0;
    assert_true(size <= room);
    memcpy(into, f->to_stream, size);
    f->to_stream[0] = 0;
    return size;
}

static void stream_closed(void *user)
{
    ((struct fixture *)user)->streams_closed++;
}

static void handle_stream(struct http_request *request)
{
    static const struct http_stream_kind kind = { read_stream, stream_closed };

    fixture_now->stream = http_stream_begin(request, "text/event-stream", &kind, fixture_now);
}

static void handle_conflict(struct http_request *request)
{
    struct varve_error error = { .status = VARVE_OK };

    varve_fail(&error, VARVE_WRONG_EXPECTED_VERSION, "streams[0]", "it is at \"2\", not 1: \xff");
    http_reply_problem(request, &error, varve_view_str("\"conflicts\":[2]"));
}

static void handle_overloaded(struct http_request *request)
{
    struct varve_error error = { .status = VARVE_OVERLOADED, .message = "full", .retry_after_ms = 1500 };

    http_reply_error(request, &error);
}

static void handle_failed(struct http_request *request)
{
    struct varve_wire_buffer body = { .failed = true };

    http_reply(request, 200, "text/plain", &body);
}

static void handle_big(struct http_request *request)
{
    struct varve_wire_buffer body = { .bytes = malloc(8 << 20), .size = 8 << 20, .capacity = 8 << 20 };

    memset(body.bytes, 'x', body.size);
    http_reply(request, 200, "text/plain", &body);
}

static const char *const echo_query[] = { "text", "other", NULL };
static const char *const number_query[] = { "limit", "flag", "since", NULL };

const struct http_route http_routes[] = {
    { "GET", "/", handle_http_index, HTTP_ALWAYS, "index", NULL },
    { "GET", "/v1", handle_http_index, HTTP_ALWAYS, "index", NULL },
    { "GET", "/health/live", handle_http_live, HTTP_ALWAYS, "health_live", NULL },
    { "GET", "/health/ready", handle_http_ready, HTTP_ALWAYS, "health_ready", NULL },
    { "GET", "/metrics", handle_http_metrics, HTTP_BEFORE_STORE, "metrics", NULL },
    { "GET", "/v1/echo", handle_echo, 0, "echo", echo_query },
    { "GET", "/parts/{a}/{b}", handle_parts, 0, "parts", NULL },
    { "GET", "/numbers", handle_numbers, 0, "numbers", number_query },
    { "POST", "/body", handle_body, HTTP_HAS_BODY, "body", NULL },
    { "POST", "/nobody", handle_body, 0, "nobody", NULL },
    { "GET", "/wait", handle_wait, 0, "wait", NULL },
    { "POST", "/wait", handle_wait, HTTP_HAS_BODY, "wait", NULL },
    { "GET", "/away", handle_away, 0, "away", NULL },
    { "GET", "/parse", handle_parse, 0, "parse", NULL },
    { "GET", "/stream", handle_stream, 0, "stream", NULL },
    { "GET", "/conflict", handle_conflict, 0, "conflict", NULL },
    { "GET", "/overloaded", handle_overloaded, 0, "overloaded", NULL },
    { "GET", "/failed", handle_failed, 0, "failed", NULL },
    { "GET", "/big", handle_big, 0, "big", NULL },
    { "GET", "/v1/events", handle_http_events, 0, "events", push_query },
};
const size_t http_route_count = sizeof(http_routes) / sizeof(http_routes[0]);

/* ---- the server -------------------------------------------------------------------------------------------------- */

struct fixture *fixture_open(const char *line)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct varve_error error;

    signal(SIGPIPE, SIG_IGN); /* As varved does. */
    temp_dir_make(f->directory);
    server_line_parse(&f->config, f->directory, "--listen 127.0.0.1:0 --http-listen 127.0.0.1:0 --map-size 1GiB "
                      "--settle-size 1MiB --segment-size 64MiB", line);
    log_pipe_open(&f->log);
    const struct log log = { .fd = f->log.to, .level = f->config.log_level };
    if (varve_store_open(f->directory, &f->config.store, &f->store, &error) != VARVE_OK ||
        server_init(&f->server, &f->config, &log, &error) != VARVE_OK ||
        server_load(&f->server, f->store, &error) != VARVE_OK ||
        server_begin(&f->server, f->store, &error) != VARVE_OK ||
        http_start(&f->server, &error) != VARVE_OK)
        fail_msg("%s", error.message);
    f->away_bytes = 1000;
    fixture_now = f;
    return f;
}

void fixture_turn(struct fixture *f)
{
    http_turn(&f->server);
    uv_run(&f->server.loop, UV_RUN_NOWAIT);
    http_turn(&f->server);
}

void fixture_wait(struct fixture *f, bool (*there)(void *user), void *user)
{
    time_t until = time(NULL) + PATIENCE_S;

    while (!there(user)) {
        fixture_turn(f);
        pause_ms(TURN_MS);
        assert_true(time(NULL) < until);
    }
}

static bool is_idle(void *user)
{
    struct fixture *f = user;

    return http_is_idle(&f->server) && groups_are_idle(&f->server) && follow_is_idle(&f->server) &&
           saga_deadlines_are_idle(&f->server);
}

void fixture_take_store(struct fixture *f)
{
    for (unsigned i = 0; i < QUIET_TURNS; i++) { /* Those that begin with the server have their look at it. */
        fixture_turn(f);
        pause_ms(TURN_MS);
    }
    fixture_wait(f, is_idle, f);
    f->server.store = NULL;
}

void fixture_close(struct fixture *f)
{
    f->server.stopping = true;
    groups_stop(&f->server);
    http_stop(&f->server);
    http_close_all(&f->server);
    fixture_wait(f, is_idle, f);
    http_end(&f->server);
    assert_true(outboxes_end(&f->server));
    assert_int_equal(varve_store_close(f->store), VARVE_OK);
    server_end(&f->server);
    config_end(&f->config);
    log_pipe_close(&f->log);
    temp_dir_remove(f->directory);
    free(f);
    fixture_now = NULL;
}

const char *fixture_log(struct fixture *f)
{
    return log_pipe_take(&f->log);
}

/* ---- clients ----------------------------------------------------------------------------------------------------- */

struct client *client_open(struct fixture *f)
{
    struct client *c = calloc(1, sizeof(*c));

    c->fixture = f;
    c->fd = loopback_connect(f->server.http->listeners[0].port);
    return c;
}

void client_close(struct client *c)
{
    close(c->fd);
    free(c);
}

void client_send_bytes(struct client *c, const char *bytes, size_t size)
{
    time_t until = time(NULL) + PATIENCE_S;

    while (size > 0) {
        ssize_t sent = send(c->fd, bytes, size, MSG_NOSIGNAL);

        if (sent > 0) {
            bytes += sent;
            size -= (size_t)sent;
        } else if (errno != EAGAIN) {
            return; /* The server has seen enough. */
        }
        assert_true(time(NULL) < until);
        fixture_turn(c->fixture);
    }
}

void client_send(struct client *c, const char *text)
{
    client_send_bytes(c, text, strlen(text));
}

static void take_more(struct client *c)
{
    char bytes[65536];
    ssize_t got = recv(c->fd, bytes, sizeof(bytes), 0);

    if (got == 0 || (got < 0 && errno != EAGAIN))
        c->closed = true;
    for (ssize_t i = 0; i < got && c->size < sizeof(c->text) - 1; i++) /* What is beyond is only counted out. */
        c->text[c->size++] = bytes[i];
    c->text[c->size] = 0;
}

struct wanted {
    struct client *client;
    const char *text; /* NULL: the end */
};

static bool has_come(void *user)
{
    struct wanted *wanted = user;
    struct client *c = wanted->client;

    take_more(c);
    if (wanted->text == NULL)
        return c->closed;
    if (strstr(c->text, wanted->text) != NULL)
        return true;
    if (c->closed)
        fail_msg("no \"%s\" in \"%s\"", wanted->text, c->text);
    return false;
}

const char *client_wait_for(struct client *c, const char *text)
{
    fixture_wait(c->fixture, has_come, &(struct wanted){ c, text });
    return c->text;
}

const char *client_wait_for_end(struct client *c)
{
    fixture_wait(c->fixture, has_come, &(struct wanted){ c, NULL });
    return c->text;
}

void client_forget(struct client *c)
{
    c->size = 0;
    c->text[0] = 0;
}

bool client_hears_nothing(struct client *c)
{
    size_t before = c->size;

    for (unsigned i = 0; i < QUIET_TURNS; i++) {
        fixture_turn(c->fixture);
        pause_ms(TURN_MS);
        take_more(c);
    }
    return c->size == before && !c->closed;
}

const char *ask(struct fixture *f, const char *request)
{
    static char answer[256 * 1024];
    struct client *c = client_open(f);

    client_send(c, request);
    snprintf(answer, sizeof(answer), "%s", client_wait_for_end(c));
    client_close(c);
    return answer;
}

int ask_status(struct fixture *f, const char *request)
{
    const char *answer = ask(f, request);

    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? atoi(answer + 9) : -1;
}
