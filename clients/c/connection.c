/* connection.c - see connection.h for the states. */
#include "connection.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IN_FIRST (64u << 10)        /* the input buffer at first, */
#define IN_USUAL (1u << 20)         /* and as large as it grows for the sake of fewer system calls */
#define IN_LIMIT_HELLO (64u << 10)  /* the longest HELLO_OK or ERROR in its place */
#define HELLO_ID 1u                 /* alone on its connection; requests begin behind it */

#define BIT(state) (1u << (state))
static const unsigned next_allowed[] = {
    [CONNECTION_DISCONNECTED] = BIT(CONNECTION_CONNECTING),
    [CONNECTION_CONNECTING] = BIT(CONNECTION_HELLO) | BIT(CONNECTION_DISCONNECTED),
    [CONNECTION_HELLO] = BIT(CONNECTION_READY) | BIT(CONNECTION_DISCONNECTED),
    [CONNECTION_READY] = BIT(CONNECTION_DISCONNECTED),
};

static void become(struct connection *c, enum connection_state next)
{
    assert(next_allowed[c->state] & BIT(next));
    c->state = next;
}

enum varve_status connection_init(struct connection *c, const struct url *url, struct varve_error *error)
{
    *c = (struct connection){ .url = url, .fd = -1, .wake_fd = -1, .last_id = HELLO_ID };
    c->arena = varve_wire_arena_create();
    return c->arena == NULL ? varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a connection") : VARVE_OK;
}

void connection_free(struct connection *c)
{
    connection_drop(c);
    varve_wire_buffer_free(&c->out);
    varve_wire_arena_free(c->arena);
    free(c->in);
    free(c->hello);
}

void connection_drop(struct connection *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->abandoned_count = 0;
    if (c->state != CONNECTION_DISCONNECTED)
        become(c, CONNECTION_DISCONNECTED);
}

enum varve_status connection_fail(struct connection *c, struct varve_error *error, enum varve_status status,
                                  const char *format, ...)
{
    char why[384];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(why, sizeof(why), format, arguments);
    va_end(arguments);
    connection_drop(c);
    return varve_fail(error, status, NULL, "%s: %s", c->url->shown, why);
}

uint32_t connection_next_id(struct connection *c)
{
    c->last_id = c->last_id == UINT32_MAX ? HELLO_ID + 1 : c->last_id + 1;
    return c->last_id;
}

/* ---- bytes out -------------------------------------------------------------------------------------------------- */

/* Requests wait until the server has said HELLO_OK. */
static bool has_output(const struct connection *c)
{
    return c->state == CONNECTION_READY && !c->deaf && c->sent < c->out.size;
}

void connection_push(struct connection *c)
{
    while (has_output(c)) {
        ssize_t sent = socket_send(c->fd, c->out.bytes + c->sent, c->out.size - c->sent);

        if (sent == -EAGAIN || sent == -EWOULDBLOCK)
            return;
        if (sent < 0)
            c->deaf = true; /* Receiving will find out why, perhaps after a last word of the server. */
        else
            c->sent += (size_t)sent;
    }
}

void connection_clear_out(struct connection *c)
{
    assert(c->state != CONNECTION_READY || c->sent == c->out.size);
    c->out.size = 0;
    c->out.failed = false;
    c->sent = 0;
}

size_t connection_begin_post(struct connection *c)
{
    if (c->sent == c->out.size)
        connection_clear_out(c);
    return c->out.size;
}

bool connection_post(struct connection *c, size_t begin)
{
    bool whole = !c->out.failed;

    if (!whole)
        c->out.size = begin;
    c->out.failed = false;
    connection_push(c);
    return whole;
}

/* ---- bytes in --------------------------------------------------------------------------------------------------- */

/* How many bytes the frame at the front needs, as far as known: its header was checked when it was first looked at. */
static size_t front_needs(const struct connection *c)
{
    struct varve_frame frame;

    if (c->in_end - c->in_begin < VARVE_WIRE_HEADER ||
        varve_frame_decode(c->in + c->in_begin, c->in_limit, &frame, NULL) != VARVE_OK)
        return VARVE_WIRE_HEADER;
    return VARVE_WIRE_HEADER + (size_t)frame.length;
}

static enum varve_status grow_in(struct connection *c, size_t capacity, struct varve_error *error)
{
    uint8_t *bytes = malloc(capacity);

    if (bytes == NULL)
        return connection_fail(c, error, VARVE_NO_MEMORY, "no memory for an answer of %zu bytes", capacity);
    if (c->in_end > c->in_begin)
        memcpy(bytes, c->in + c->in_begin, c->in_end - c->in_begin);
    free(c->in);
    c->in = bytes;
    c->in_end -= c->in_begin;
    c->in_begin = 0;
    c->in_capacity = capacity;
    return VARVE_OK;
}

/* Room behind in_end: for the rest of the frame at the front at least, and enough for a worthwhile system call. */
static enum varve_status make_room(struct connection *c, struct varve_error *error)
{
    size_t held = c->in_end - c->in_begin, needs = front_needs(c), wanted = c->in_capacity;

    if (wanted < IN_FIRST)
        wanted = IN_FIRST;
    else if (held > wanted / 2 && wanted < IN_USUAL)
        wanted *= 2;
    if (wanted < needs)
        wanted = needs;
    if (wanted > c->in_capacity)
        return grow_in(c, wanted, error);
    if (held == 0)
        c->in_begin = c->in_end = 0;
    if (c->in_begin > 0 && (c->in_begin + needs > c->in_capacity || c->in_capacity - c->in_end < c->in_capacity / 4)) {
        memmove(c->in, c->in + c->in_begin, held);
        c->in_begin = 0;
        c->in_end = held;
    }
    return VARVE_OK;
}

static enum varve_status pull(struct connection *c, struct varve_error *error)
{
    enum varve_status status = make_room(c, error);

    if (status != VARVE_OK)
        return status;
    assert(c->in_end < c->in_capacity);
    ssize_t received = socket_receive(c->fd, c->in + c->in_end, c->in_capacity - c->in_end);
    if (received == -EAGAIN || received == -EWOULDBLOCK)
        return VARVE_OK;
    if (received == 0)
        return connection_fail(c, error, VARVE_DISCONNECTED, "the server ended the connection");
    if (received < 0)
        return connection_fail(c, error, VARVE_DISCONNECTED, "the connection was lost: %s", strerror((int)-received));
    c->in_end += (size_t)received;
    c->heard_us = clock_now_us();
    return VARVE_OK;
}

enum varve_status connection_move(struct connection *c, uint64_t deadline_us, struct varve_error *error)
{
    connection_push(c);
    short ready = socket_wait(c->fd, (short)(POLLIN | (has_output(c) ? POLLOUT : 0)), c->wake_fd, deadline_us);
    if (ready == 0 || ready == SOCKET_WOKEN)
        return ready == 0 ? VARVE_TIMEOUT : VARVE_CANCELLED;
    if (ready & POLLOUT)
        connection_push(c);
    return ready & ~POLLOUT ? pull(c, error) : VARVE_OK;
}

/* ---- frames in -------------------------------------------------------------------------------------------------- */

/* The server's last word about the connection as a whole: an ERROR with request id 0. On a connection in use a fault
 * that may pass is a lost connection to whoever waits for an answer: what became of the request is not known. */
static enum varve_status last_word(struct connection *c, struct varve_view body, struct varve_error *error)
{
    struct varve_wire_error said;

    varve_wire_arena_reset(c->arena);
    enum varve_status status = varve_decode_error(body, c->arena, &said, NULL);
    if (status == VARVE_NO_MEMORY)
        return connection_fail(c, error, VARVE_NO_MEMORY, "no memory for an ERROR of the server");
    if (status != VARVE_OK || said.error.status == VARVE_OK)
        return connection_fail(c, error, VARVE_PROTOCOL, "the server sent an ERROR that cannot be read");
    status = said.error.status;
    if (c->state == CONNECTION_READY && varve_status_retryable(status))
        status = VARVE_DISCONNECTED;
    return connection_fail(c, error, status, "the server ended the connection: %s: %s",
                           varve_status_name(said.error.status), said.error.message);
}

/* Belongs the frame to a read closed early? Then it is skipped, and forgotten with its last frame. */
static bool is_abandoned(struct connection *c, const struct varve_frame *frame)
{
    for (uint32_t i = 0; i < c->abandoned_count; i++) {
        if (c->abandoned[i] != frame->request_id)
            continue;
        if (frame->opcode != VARVE_OP_READ_BATCH && frame->opcode != VARVE_OP_LOADING)
            c->abandoned[i] = c->abandoned[--c->abandoned_count];
        return true;
    }
    return false;
}

static enum varve_status check_frame(struct connection *c, const struct varve_frame *frame, struct varve_error *error)
{
    if (frame->version != VARVE_WIRE_VERSION)
        return connection_fail(c, error, VARVE_PROTOCOL, "a frame of protocol version %u", frame->version);
    if (frame->flags != 0)
        return connection_fail(c, error, VARVE_PROTOCOL, "a frame with the unknown flags 0x%04x", frame->flags);
    return VARVE_OK;
}

enum varve_status connection_take(struct connection *c, bool *ret_taken, struct varve_frame *ret_frame,
                                  struct varve_view *ret_body, struct varve_error *error)
{
    *ret_taken = false;
    while (c->in_end - c->in_begin >= VARVE_WIRE_HEADER) {
        struct varve_error why = { .status = VARVE_OK };
        const uint8_t *at = c->in + c->in_begin;

        if (varve_frame_decode(at, c->in_limit, ret_frame, &why) != VARVE_OK)
            return connection_fail(c, error, VARVE_PROTOCOL, "%s", why.message);
        enum varve_status status = check_frame(c, ret_frame, error);
        if (status != VARVE_OK)
            return status;
        if (c->in_end - c->in_begin - VARVE_WIRE_HEADER < ret_frame->length)
            return VARVE_OK;
        *ret_body = varve_view_of((const char *)at + VARVE_WIRE_HEADER, ret_frame->length);
        c->in_begin += VARVE_WIRE_HEADER + (size_t)ret_frame->length;
        if (ret_frame->request_id == 0 && ret_frame->opcode == VARVE_OP_ERROR)
            return last_word(c, *ret_body, error);
        if (is_abandoned(c, ret_frame))
            continue;
        *ret_taken = true;
        return VARVE_OK;
    }
    return VARVE_OK;
}

enum varve_status connection_receive(struct connection *c, uint64_t deadline_us, struct varve_frame *ret_frame,
                                     struct varve_view *ret_body, struct varve_error *error)
{
    for (;;) {
        bool taken;
        enum varve_status status = connection_take(c, &taken, ret_frame, ret_body, error);

        if (status != VARVE_OK || taken)
            return status;
        status = connection_move(c, deadline_us, error);
        if (status != VARVE_OK)
            return status;
    }
}

void connection_look(struct connection *c)
{
    struct varve_frame frame;
    struct varve_view body;
    bool taken = false, more = true;

    while (c->state == CONNECTION_READY && !taken && more) {
        if (connection_take(c, &taken, &frame, &body, NULL) != VARVE_OK)
            return;
        more = !taken && socket_wait(c->fd, POLLIN, -1, 0) != 0 && pull(c, NULL) == VARVE_OK;
    }
    if (taken)
        connection_drop(c); /* An answer to nothing that was asked: no trust is left. */
}

void connection_abandon(struct connection *c, uint32_t id)
{
    if (c->state != CONNECTION_READY)
        return;
    varve_encode_cancel(&c->out, id);
    connection_push(c);
    if (c->out.failed || c->sent < c->out.size || c->abandoned_count == CONNECTION_ABANDONED_MAX)
        connection_drop(c); /* Too much is going on: a new connection is cheaper than waiting. */
    else
        c->abandoned[c->abandoned_count++] = id;
    connection_clear_out(c);
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

static enum varve_status send_hello(struct connection *c, const char *client_name, struct varve_error *error)
{
    struct varve_hello hello = { VARVE_WIRE_VERSION, VARVE_WIRE_VERSION, varve_view_str(client_name) };
    struct varve_wire_buffer greeting = { 0 };
    enum varve_status status = VARVE_OK;

    varve_encode_hello(&greeting, HELLO_ID, &hello);
    if (greeting.failed)
        status = connection_fail(c, error, VARVE_NO_MEMORY, "no memory for HELLO");
    else if (socket_send(c->fd, greeting.bytes, greeting.size) != (ssize_t)greeting.size)
        status = connection_fail(c, error, VARVE_DISCONNECTED, "the server ended the connection before HELLO");
    varve_wire_buffer_free(&greeting);
    return status;
}

/* Keeps a copy of the body, since `server` points into it for as long as the connection lasts. */
static enum varve_status keep_hello(struct connection *c, struct varve_view body, struct varve_error *error)
{
    struct varve_hello_ok server;
    struct varve_error why = { .status = VARVE_OK };
    uint8_t *copy = malloc(body.size + 1);

    if (copy == NULL)
        return connection_fail(c, error, VARVE_NO_MEMORY, "no memory for HELLO_OK");
    memcpy(copy, body.data, body.size);
    enum varve_status status = varve_decode_hello_ok(varve_view_of((char *)copy, body.size), &server, &why);
    if (status != VARVE_OK)
        status = connection_fail(c, error, VARVE_PROTOCOL, "HELLO_OK cannot be read: %s", why.message);
    else if (server.version != VARVE_WIRE_VERSION)
        status = connection_fail(c, error, VARVE_UNSUPPORTED, "the server chose protocol version %u", server.version);
    else if (server.max_frame_bytes == 0 || server.max_requests == 0 || server.max_credit_bytes == 0)
        status = connection_fail(c, error, VARVE_PROTOCOL, "HELLO_OK holds a limit of 0");
    if (status != VARVE_OK) {
        free(copy);
        return status;
    }
    free(c->hello);
    c->hello = copy;
    c->server = server;
    c->met = true;
    return VARVE_OK;
}

static enum varve_status receive_hello(struct connection *c, uint64_t deadline_us, struct varve_error *error)
{
    struct varve_frame frame;
    struct varve_view body;
    enum varve_status status = connection_receive(c, deadline_us, &frame, &body, error);

    if (status == VARVE_TIMEOUT && c->state == CONNECTION_HELLO)
        return connection_fail(c, error, VARVE_TIMEOUT, "the server did not answer HELLO in time");
    if (status == VARVE_CANCELLED && c->state == CONNECTION_HELLO)
        return connection_fail(c, error, VARVE_CANCELLED, "stopped before the server answered HELLO");
    if (status != VARVE_OK)
        return status;
    if (frame.opcode == VARVE_OP_ERROR)
        return last_word(c, body, error);
    if (frame.opcode != VARVE_OP_HELLO_OK || frame.request_id != HELLO_ID)
        return connection_fail(c, error, VARVE_PROTOCOL, "%s in place of HELLO_OK", varve_opcode_name(frame.opcode));
    return keep_hello(c, body, error);
}

enum varve_status connection_open(struct connection *c, const char *client_name, uint64_t deadline_us,
                                  struct varve_error *error)
{
    become(c, CONNECTION_CONNECTING);
    enum varve_status status = socket_connect(c->url, c->wake_fd, deadline_us, &c->fd, error);
    if (status != VARVE_OK) {
        connection_drop(c);
        return status;
    }
    become(c, CONNECTION_HELLO);
    c->deaf = false;
    c->sent = c->in_begin = c->in_end = 0;
    c->in_limit = IN_LIMIT_HELLO;
    status = send_hello(c, client_name, error);
    if (status == VARVE_OK)
        status = receive_hello(c, deadline_us, error);
    if (status != VARVE_OK)
        return status;
    c->in_limit = VARVE_WIRE_MAX_FRAME;
    become(c, CONNECTION_READY);
    return VARVE_OK;
}
