/* session.c - the life of a connection, told at session_state. */
#include "follow.h"
#include "request_end.h"
#include "session_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINGER_MS = 1000, FRAME_TIMEOUT_MS = 30000 };

#define BIT(state) (1u << (state))
static const unsigned next_allowed[] = {
    [GREETING] = BIT(OPEN) | BIT(FLUSHING) | BIT(CLOSING),
    [OPEN] = BIT(FLUSHING) | BIT(CLOSING),
    [FLUSHING] = BIT(LINGERING) | BIT(CLOSING),
    [LINGERING] = BIT(CLOSING),
    [CLOSING] = 0,
};

void session_move(struct session *s, enum session_state next)
{
    assert(next_allowed[s->state] & BIT(next));
    s->state = next;
    s->since_ms = uv_now(&s->server->loop);
}

void session_touch(struct session *s)
{
    if (s->touched)
        return;
    s->touched = true;
    s->next_touched = NULL;
    if (s->server->touched != NULL) /* In order: an append is answered before those are served who follow the log. */
        s->server->touched_last->next_touched = s;
    else
        s->server->touched = s;
    s->server->touched_last = s;
}

bool session_takes_input(const struct session *s)
{
    return s->state == GREETING || s->state == OPEN;
}

struct server *session_server(struct session *s)
{
    return s->server;
}

uint64_t session_id(const struct session *s)
{
    return s->id;
}

bool session_is_greeted(const struct session *s)
{
    return s->state != GREETING;
}

bool session_is_open(const struct session *s)
{
    return s->state == OPEN;
}

bool session_is_closing(const struct session *s)
{
    return s->state == CLOSING;
}

bool session_goes_on(const struct session *s)
{
    return !s->server->stopping && (s->state == OPEN || (s->state == FLUSHING && s->peer_done));
}

struct request_list *session_requests(struct session *s)
{
    return &s->requests;
}

void session_opened(struct session *s, struct varve_view client_name)
{
    size_t size = client_name.size < SESSION_NAME_BYTES ? client_name.size : SESSION_NAME_BYTES;

    if (size > 0)
        memcpy(s->client_name, client_name.data, size);
    session_move(s, OPEN);
    log_debug(&s->server->log, "session.opened", log_number("session", s->id), log_text("client", s->client_name));
}

/* ---- its end ------------------------------------------------------------------------------------------------- */

/* Freed here and nowhere else: libuv has let go, no request points at us, and nobody is about to look at us. */
static void free_when_idle(struct session *s)
{
    struct server *server = s->server;

    if (!s->socket_closed || s->requests.count > 0 || s->touched)
        return;
    if (s->previous != NULL)
        s->previous->next = s->next;
    else
        server->sessions = s->next;
    if (s->next != NULL)
        s->next->previous = s->previous;
    if (s->counted)
        figure_subtract(&server->figures.connections, 1);
    input_clear(&s->input);
    output_free(&s->sender.output);
    server->session_count--;
    free(s);
}

static void on_closed(uv_handle_t *handle)
{
    struct session *s = handle->data;

    s->socket_closed = true;
    free_when_idle(s);
}

void session_close_now(struct session *s, enum log_level level, const char *why)
{
    if (s->state == CLOSING)
        return;
    session_move(s, CLOSING);
    log_event(&s->server->log, level, "session.closed",
              LOG_FIELDS(log_number("session", s->id), log_text("client", s->client_name), log_text("why", why),
                         log_number("under_way", s->requests.count)));
    request_list_stop(&s->requests, NULL);
    uv_close(&s->socket.handle, on_closed);
}

/* Nothing new from now on; `why` goes to the requests that wait for the peer, NULL when the peer is gone. */
void session_begin_flushing(struct session *s, const struct varve_error *why)
{
    session_move(s, FLUSHING);
    request_list_stop(&s->requests, why);
    session_touch(s);
}

void session_dismiss(struct session *s, uint32_t request_id, const struct varve_error *error)
{
    if (!session_takes_input(s))
        return;
    log_event(&s->server->log, s->counted ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "session.dismissed",
              LOG_FIELDS(log_number("session", s->id), log_text("client", s->client_name),
                         log_text("error", varve_status_name(error->status)), log_text("message", error->message)));
    session_begin_flushing(s, error);
    figure_add(&s->server->figures.requests_failed, 1);
    varve_encode_error(session_out(s), request_id, &(struct varve_wire_error){ .error = *error });
    session_sent(s);
}

static void on_shutdown(uv_shutdown_t *shutdown, int status)
{
    /* Nothing to do: LINGERING ends with the peer's end of file, or when it is late. */
}

/* Is everything said? Then shut our side. */
static void finish_flushing(struct session *s)
{
    if (s->state == OPEN && s->server->stopping && s->requests.count == 0)
        session_begin_flushing(s, NULL);
    if (s->state != FLUSHING || s->requests.count > 0 || !sender_is_idle(&s->sender))
        return;
    if (s->peer_done || uv_shutdown(&s->shutdown, &s->socket.stream, on_shutdown) != 0)
        session_close_now(s, LOG_LEVEL_DEBUG, "done");
    else
        session_move(s, LINGERING);
}

/* ---- requests under way -------------------------------------------------------------------------------------- */

bool session_begin(struct session *s, struct request *request, const struct request_kind *kind, uint32_t id,
                   uint64_t bytes)
{
    if (!budget_take(&s->server->budget, bytes))
        return false;
    *request = (struct request){ .kind = kind, .session = s, .id = id, .charged_bytes = bytes,
                                 .opcode = s->server->handling.opcode, .started_us = s->server->handling.started_us };
    s->server->handling.begun = true;
    request_list_add(&s->requests, request);
    figure_add(&s->server->figures.requests_under_way, 1);
    return true;
}

/* Only those that CANCEL can end do wait for their client; acks only say so, lest they are counted. */
static void note_waiting(struct request *request, bool waits)
{
    uint64_t now_us;

    if (request->kind->cancel == NULL)
        return;
    now_us = server_now_us(request->session->server);
    if (!waits)
        request->waited_us += now_us - request->waits_since_us;
    request->waits_since_us = waits ? now_us : 0;
}

void session_wait_for_peer(struct request *request, bool waits)
{
    struct session *s = request->session;

    if (request->waits_for_peer == waits)
        return;
    request->waits_for_peer = waits;
    note_waiting(request, waits);
    s->waiting_count += waits ? 1 : -1;
    session_touch(s);
}

void session_end(struct request *request)
{
    struct session *s = request->session;

    session_wait_for_peer(request, false);
    request_ended(request);
    request_list_remove(&s->requests, request);
    budget_give(&s->server->budget, request->charged_bytes);
    figure_subtract(&s->server->figures.requests_under_way, 1);
    if (s->state == CLOSING)
        free_when_idle(s);
    else
        session_touch(s);
}

static bool has_room(const struct session *s)
{
    return s->sender.output.bytes < s->server->config->max_output_bytes && budget_has_room(&s->server->budget);
}

/* Room in the output comes with a write of this session, which then is looked at; room in the budget, from others. */
static void want_room(struct session *s)
{
    s->room_wanted = true;
    if (!budget_has_room(&s->server->budget))
        s->server->rooms_wanted = true;
}

bool session_has_room(struct session *s)
{
    if (has_room(s))
        return true;
    want_room(s);
    return false;
}

struct varve_wire_buffer *session_out(struct session *s)
{
    return output_writer(&s->sender.output);
}

/* Closing here would pull the ground from under the caller's feet: the next flush does it. */
static void note_output(struct session *s, bool whole)
{
    s->broken |= !whole;
    session_touch(s);
}

void session_sent(struct session *s)
{
    if (s->state != CLOSING)
        note_output(s, output_commit(&s->sender.output));
}

void session_send_buffer(struct session *s, struct varve_wire_buffer *buffer)
{
    if (s->state != CLOSING)
        note_output(s, !buffer->failed && output_adopt(&s->sender.output, buffer));
    varve_wire_buffer_free(buffer);
}

void session_send_shared(struct session *s, uint32_t request_id, struct shared_bytes *frame)
{
    if (s->state != CLOSING)
        note_output(s, output_share(&s->sender.output, frame, request_id));
}

bool session_take_room(struct request *request, uint64_t bytes)
{
    struct session *s = request->session;

    if (!session_has_room(s))
        return false;
    if (!budget_take(&s->server->budget, bytes)) {
        s->room_wanted = true;
        s->server->rooms_wanted = true;
        return false;
    }
    request->charged_bytes += bytes;
    return true;
}

void session_give_room(struct request *request, uint64_t bytes)
{
    request->charged_bytes -= bytes;
    budget_give(&request->session->server->budget, bytes);
}

/* ---- for the loop -------------------------------------------------------------------------------------------- */

static void give_room(struct session *s)
{
    if (!s->room_wanted || s->state == CLOSING)
        return;
    if (!has_room(s)) {
        want_room(s);
        return;
    }
    s->room_wanted = false; /* Whoever still finds none asks again. */
    request_list_give_room(&s->requests);
}

static void flush(struct session *s)
{
    if (s->broken)
        session_close_now(s, LOG_LEVEL_ERROR, "no memory for a reply");
    session_write_out(s);
    if (!session_takes_input(s))
        input_clear(&s->input);
    session_take_waiting(s);
    give_room(s);
    finish_flushing(s);
    session_update_reading(s);
}

static void give_rooms(struct server *server)
{
    if (!server->rooms_wanted || !budget_has_room(&server->budget))
        return;
    server->rooms_wanted = false;
    follow_give_room(server);
    for (struct session *s = server->sessions; s != NULL; s = s->next) {
        if (s->room_wanted)
            session_touch(s);
    }
}

void session_flush_all(struct server *server)
{
    give_rooms(server);
    while (server->touched != NULL) {
        struct session *s = server->touched;

        server->touched = s->next_touched;
        flush(s); /* Touching it now would do nothing: it is still marked, and looked at again below. */
        s->touched = false;
        if (s->state == CLOSING)
            free_when_idle(s);
        else if (s->sender.output.bytes > 0 && !s->sender.writing)
            session_touch(s);
    }
    server_forget_time(server); /* The loop sleeps now. */
    figure_set(&server->figures.budget_used_bytes, server->budget.used_bytes);
}

static void tick(struct session *s, uint64_t now_ms)
{
    if (s->state == CLOSING)
        return;
    if (sender_is_stuck(&s->sender, now_ms, s->server->config->send_timeout_ms)) {
        figure_add(&s->server->figures.slow_consumers, 1);
        session_close_now(s, LOG_LEVEL_WARN, varve_status_name(VARVE_CONSUMER_TOO_SLOW));
    } else if (s->state == GREETING && now_ms - s->since_ms >= s->server->config->hello_timeout_ms) {
        session_close_now(s, LOG_LEVEL_INFO, "no HELLO in time");
    } else if (s->state == LINGERING && now_ms - s->since_ms >= LINGER_MS) {
        session_close_now(s, LOG_LEVEL_DEBUG, "lingered");
    } else if (s->state == OPEN && s->reading && (s->input.size > 0 || s->skip_bytes > 0) &&
               now_ms - s->heard_ms >= FRAME_TIMEOUT_MS) {
        session_close_now(s, LOG_LEVEL_INFO, "a frame that never ended");
    }
}

/* One line for however many there were: a flood of connections must not become a flood of lines. */
static void log_refused(struct server *server)
{
    uint64_t refused = figure_get(&server->figures.connections_refused);

    if (refused != server->refused_logged)
        log_warn(&server->log, "server.connections_refused", log_number("refused", refused - server->refused_logged),
                 log_number("limit", server->config->max_connections));
    server->refused_logged = refused;
}

void session_tick_all(struct server *server)
{
    uint64_t now_ms = uv_now(&server->loop);

    for (struct session *s = server->sessions; s != NULL; s = s->next)
        tick(s, now_ms);
    log_refused(server);
}

void session_stop_all(struct server *server, const struct varve_error *why)
{
    for (struct session *s = server->sessions; s != NULL; s = s->next) {
        if (s->state == GREETING)
            session_dismiss(s, 0, why);
        else if (s->state == OPEN)
            request_list_stop(&s->requests, why);
        if (s->state != CLOSING)
            session_touch(s);
    }
}

void session_close_all(struct server *server, const char *why)
{
    for (struct session *s = server->sessions; s != NULL; s = s->next)
        session_close_now(s, LOG_LEVEL_INFO, why);
}

/* ---- its beginning ------------------------------------------------------------------------------------------- */

static struct session *create(struct server *server, uv_handle_type type)
{
    struct session *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->server = server;
    s->id = ++server->session_ids;
    s->state = GREETING;
    s->since_ms = s->heard_ms = uv_now(&server->loop);
    input_init(&s->input, SERVER_INPUT_FLOOR_BYTES, &server->budget);
    sender_init(&s->sender, &s->socket.stream, &server->budget, &server->pool, session_on_written, s, s->since_ms);
    if (type == UV_TCP)
        uv_tcp_init(&server->loop, &s->socket.tcp);
    else
        uv_pipe_init(&server->loop, &s->socket.pipe, 0);
    s->socket.handle.data = s;
    s->next = server->sessions;
    if (s->next != NULL)
        s->next->previous = s;
    server->sessions = s;
    server->session_count++;
    return s;
}

/* A few more than the limit may stay as long as it takes to tell them. */
static void refuse_if_too_many(struct session *s)
{
    struct server *server = s->server;
    uint64_t limit = server->config->max_connections;
    struct varve_error error;

    if (figure_get(&server->figures.connections) < limit) {
        s->counted = true;
        figure_add(&server->figures.connections, 1);
        return;
    }
    figure_add(&server->figures.connections_refused, 1);
    if (server->session_count > limit + SERVER_SPARE_CONNECTIONS) {
        session_close_now(s, LOG_LEVEL_DEBUG, "too many connections");
        return;
    }
    varve_fail(&error, VARVE_OVERLOADED, NULL, "all %" PRIu64 " connections are taken", limit);
    error.retry_after_ms = SERVER_RETRY_AFTER_MS;
    session_dismiss(s, 0, &error);
}

bool session_accept(struct server *server, uv_stream_t *listener)
{
    struct session *s = create(server, listener->type);

    if (s == NULL)
        return false;
    int fault = uv_accept(listener, &s->socket.stream);
    if (fault != 0) {
        session_close_now(s, LOG_LEVEL_WARN, uv_strerror(fault));
        return true;
    }
    if (listener->type == UV_TCP)
        uv_tcp_nodelay(&s->socket.tcp, 1);
    figure_add(&server->figures.connections_total, 1);
    refuse_if_too_many(s);
    session_update_reading(s);
    return true;
}
