/* fixture.c - a server under test, and clients to it. */
#include "fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server/dispatch.h"
#include "server/follow.h"
#include "server/groups.h"
#include "server/outboxes.h"
#include "server/saga_deadlines.h"
#include "server/submit.h"
#include "support/loopback.h"
#include "support/pause.h"
#include "support/server_line.h"

enum { PATIENCE_S = 60, QUIET_TURNS = 30, TURN_MS = 1 };

static void parse(struct fixture *f, const char *line)
{
    server_line_parse(&f->config, f->directory,
                      "--listen 127.0.0.1:0 --http-listen off --map-size 1GiB --settle-size 1MiB", line);
    f->config.store.segment_size_bytes = f->config.store.max_append_bytes <= 1 << 20 ? 2 << 20 : 64 << 20;
}

static void start(struct fixture *f)
{
    struct varve_error error;
    const struct log log = { .fd = f->log.to, .level = f->config.log_level };
    if (varve_store_open(f->directory, &f->config.store, &f->store, &error) != VARVE_OK ||
        server_init(&f->server, &f->config, &log, &error) != VARVE_OK ||
        server_load(&f->server, f->store, &error) != VARVE_OK ||
        server_begin(&f->server, f->store, &error) != VARVE_OK)
        fail_msg("%s", error.message);
    f->server.on_frame = dispatch_frame;
    if (listeners_open(&f->listeners, &f->server, &error) != VARVE_OK)
        fail_msg("%s", error.message);
}

struct fixture *fixture_open(const char *line)
{
    struct fixture *f = calloc(1, sizeof(*f));

    signal(SIGPIPE, SIG_IGN); /* As varved does. */
    temp_dir_make(f->directory);
    parse(f, line);
    log_pipe_open(&f->log);
    start(f);
    return f;
}

void fixture_turn(struct fixture *f)
{
    session_flush_all(&f->server);
    uv_run(&f->server.loop, UV_RUN_NOWAIT);
    if (f->server.appends_queued)
        commit_queued(&f->server);
    session_flush_all(&f->server);
}

static void stop(struct fixture *f)
{
    listeners_close(&f->listeners);
    session_close_all(&f->server, "the test is over");
    f->server.stopping = true;
    groups_stop(&f->server);
    while (f->server.session_count > 0 || !groups_are_idle(&f->server) || !follow_is_idle(&f->server) ||
           !saga_deadlines_are_idle(&f->server)) {
        fixture_turn(f);
        pause_ms(TURN_MS);
    }
    assert_true(outboxes_end(&f->server));
    assert_int_equal(varve_store_close(f->store), VARVE_OK);
    server_end(&f->server);
}

void fixture_restart(struct fixture *f)
{
    stop(f);
    start(f);
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

void fixture_close(struct fixture *f)
{
    stop(f);
    config_end(&f->config);
    log_pipe_close(&f->log);
    temp_dir_remove(f->directory);
    free(f);
}

const char *fixture_log(struct fixture *f)
{
    return log_pipe_take(&f->log);
}

struct client *client_connect(struct fixture *f)
{
    struct client *c = calloc(1, sizeof(*c));

    c->fixture = f;
    c->arena = varve_wire_arena_create();
    c->fd = loopback_connect(f->listeners.all[0].port);
    uint64_t before = figure_get(&f->server.figures.connections_total);
    while (figure_get(&f->server.figures.connections_total) == before)
        fixture_turn(f);
    return c;
}

struct client *client_open(struct fixture *f)
{
    struct client *c = client_connect(f);

    varve_encode_hello(&c->out, 1, &(struct varve_hello){ 1, 1, varve_view_str("test") });
    client_send(c);
    client_expect(c, VARVE_OP_HELLO_OK, 1);
    return c;
}

void client_close(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    varve_wire_buffer_free(&c->out);
    varve_wire_arena_free(c->arena);
    free(c->bytes);
    free(c);
}

void client_send_bytes(struct client *c, const void *bytes, size_t size)
{
    const char *at = bytes;
    time_t until = time(NULL) + PATIENCE_S;

    while (size > 0) {
        ssize_t sent = send(c->fd, at, size, MSG_NOSIGNAL);

        if (sent > 0) {
            at += sent;
            size -= (size_t)sent;
        } else {
            assert_true(sent < 0 && errno == EAGAIN && time(NULL) < until);
        }
        fixture_turn(c->fixture);
    }
}

void client_send(struct client *c)
{
    assert_false(c->out.failed);
    client_send_bytes(c, c->out.bytes, c->out.size);
    c->out.size = 0;
}

void client_shut(struct client *c)
{
    assert_int_equal(shutdown(c->fd, SHUT_WR), 0);
}

/* Take what has come. False at the end. */
static bool take_more(struct client *c)
{
    uint8_t bytes[65536];
    ssize_t size = recv(c->fd, bytes, sizeof(bytes), 0);

    if (size < 0 && (errno == EAGAIN || errno == ECONNRESET))
        return errno == EAGAIN;
    assert_true(size >= 0);
    if (size > 0) {
        c->bytes = realloc(c->bytes, c->size + (size_t)size);
        memcpy(c->bytes + c->size, bytes, (size_t)size);
        c->size += (size_t)size;
    }
    return size > 0;
}

static void wait_for(struct client *c, size_t size)
{
    time_t until = time(NULL) + PATIENCE_S;

    while (c->size < size) {
        fixture_turn(c->fixture);
        size_t before = c->size;
        if (!take_more(c))
            fail_msg("the server closed the connection");
        if (c->size == before)
            pause_ms(TURN_MS);
        assert_true(time(NULL) < until);
    }
}

struct varve_frame client_receive(struct client *c)
{
    struct varve_frame frame;

    if (c->body.data != NULL) { /* The last frame is done with. */
        size_t used = (size_t)(c->body.data - (char *)c->bytes) + c->body.size;

        memmove(c->bytes, c->bytes + used, c->size - used);
        c->size -= used;
        c->body = varve_view_of(NULL, 0);
    }
    wait_for(c, VARVE_WIRE_HEADER);
    assert_int_equal(varve_frame_decode(c->bytes, VARVE_WIRE_MAX_FRAME, &frame, NULL), VARVE_OK);
    wait_for(c, VARVE_WIRE_HEADER + frame.length);
    c->body = varve_view_of((char *)c->bytes + VARVE_WIRE_HEADER, frame.length);
    return frame;
}

void client_expect(struct client *c, uint8_t opcode, uint32_t request_id)
{
    struct varve_frame frame = client_receive(c);

    if (frame.opcode != opcode)
        fail_msg("got %s, expected %s", varve_opcode_name(frame.opcode), varve_opcode_name(opcode));
    assert_int_equal(frame.request_id, request_id);
}

struct varve_wire_error client_receive_error(struct client *c, uint32_t request_id, enum varve_status status)
{
    struct varve_wire_error error;

    client_expect(c, VARVE_OP_ERROR, request_id);
    assert_int_equal(varve_decode_error(c->body, c->arena, &error, NULL), VARVE_OK);
    assert_string_equal(varve_status_name(error.error.status), varve_status_name(status));
    return error;
}

void client_expect_closed(struct client *c)
{
    time_t until = time(NULL) + PATIENCE_S;
    size_t taken = c->body.data == NULL ? 0 : (size_t)(c->body.data - (char *)c->bytes) + c->body.size;

    while (take_more(c)) {
        assert_int_equal(c->size, taken);
        fixture_turn(c->fixture);
        pause_ms(TURN_MS);
        assert_true(time(NULL) < until);
    }
    assert_int_equal(c->size, taken);
}

bool client_hears_nothing(struct client *c)
{
    size_t before = c->size;

    for (int i = 0; i < QUIET_TURNS && c->size == before; i++) {
        fixture_turn(c->fixture);
        pause_ms(TURN_MS);
        if (!take_more(c))
            return false;
    }
    return c->size == before;
}

void client_encode_append(struct client *c, uint32_t request_id, const char *stream, int64_t expected, size_t count,
                          size_t data_size)
{
    struct varve_append_stream streams[] = { { varve_view_str(stream), expected } };
    struct varve_event *events = calloc(count, sizeof(*events));
    char *data = calloc(1, data_size + 1);

    for (size_t i = 0; i < count; i++)
        events[i] = (struct varve_event){ .type = varve_view_str("tested"), .time_us = VARVE_TIME_NONE,
                                          .schema_version = 1, .content_type = VARVE_CONTENT_OCTET_STREAM,
                                          .data = varve_view_of(data, data_size) };
    varve_encode_append(&c->out, request_id,
                        &(struct varve_append_request){ .streams = streams, .stream_count = 1, .events = events,
                                                        .event_count = count });
    free(events);
    free(data);
}

void client_append(struct client *c, const char *stream, size_t count)
{
    client_encode_append(c, 7, stream, VARVE_EXPECTED_ANY, count, 10);
    client_send(c);
    client_expect(c, VARVE_OP_APPEND_OK, 7);
}
