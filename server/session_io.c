/* session_io.c - the bytes of a connection: frames out of its socket, replies into it, and when not to read on. */
#include "session_parts.h"

void session_on_written(struct sender *sender, int status)
{
    struct session *s = sender->user;

    if (s->state == CLOSING)
        return;
    if (status < 0)
        session_close_now(s, LOG_LEVEL_DEBUG, uv_strerror(status));
    else
        session_touch(s);
}

void session_write_out(struct session *s)
{
    uint64_t before = s->sender.handed_bytes;

    if (s->state == CLOSING)
        return;
    int fault = sender_flush(&s->sender);
    figure_add(&s->server->figures.bytes_out, s->sender.handed_bytes - before);
    if (fault != 0)
        session_close_now(s, LOG_LEVEL_DEBUG, uv_strerror(fault));
}

static bool takes_requests(const struct session *s)
{
    const struct config *config = s->server->config;

    return session_takes_input(s) && s->requests.count - s->waiting_count < config->max_requests &&
           s->sender.output.bytes < config->max_output_bytes;
}

/* Handle the frame at `bytes`. Returns its size; 0 when it is not whole yet, or none, and then the session ends. */
static size_t take_frame(struct session *s, const uint8_t *bytes, size_t size)
{
    uint32_t limit = s->state == GREETING ? VARVE_WIRE_MAX_FRAME_BEFORE_HELLO : s->server->max_frame_bytes;
    struct varve_frame frame;
    struct varve_error error;

    if (size < VARVE_WIRE_HEADER)
        return 0;
    if (varve_frame_decode(bytes, limit, &frame, &error) != VARVE_OK) {
        session_dismiss(s, 0, &error);
        return 0;
    }
    if (size - VARVE_WIRE_HEADER < frame.length)
        return 0;
    s->server->on_frame(s, &frame, varve_view_of((const char *)bytes + VARVE_WIRE_HEADER, frame.length));
    return VARVE_WIRE_HEADER + frame.length;
}

static size_t take_frames(struct session *s, const uint8_t *bytes, size_t size)
{
    size_t used = 0, one;

    while (takes_requests(s) && (one = take_frame(s, bytes + used, size - used)) > 0)
        used += one;
    return used;
}

static void refuse_for_memory(struct session *s, uint32_t request_id)
{
    struct varve_wire_error error = { .conflicts = NULL };

    varve_fail(&error.error, VARVE_OVERLOADED, NULL, "the server's memory for requests is used up");
    error.error.retry_after_ms = SERVER_RETRY_AFTER_MS;
    figure_add(&s->server->figures.requests_failed, 1);
    figure_add(&s->server->figures.requests_refused, 1);
    varve_encode_error(session_out(s), request_id, &error);
    session_sent(s);
}

/* There is no room for the frame whose first part is in the input: answer it, and drop the rest as it comes. */
static void refuse_frame(struct session *s)
{
    struct varve_frame frame;

    if (s->input.size < VARVE_WIRE_HEADER ||
        varve_frame_decode(s->input.bytes, s->server->max_frame_bytes, &frame, NULL) != VARVE_OK) {
        session_close_now(s, LOG_LEVEL_ERROR, "no memory for a request");
        return;
    }
    s->skip_bytes = VARVE_WIRE_HEADER + (uint64_t)frame.length - s->input.size;
    input_clear(&s->input);
    refuse_for_memory(s, frame.request_id);
}

static size_t skip_refused(struct session *s, size_t size)
{
    size_t skip = s->skip_bytes < size ? (size_t)s->skip_bytes : size;

    s->skip_bytes -= skip;
    return skip;
}

/* Frames that came whole are handled where they lie; only what is left of the last one is kept. */
static void take_bytes(struct session *s, const uint8_t *bytes, size_t size)
{
    size_t used = skip_refused(s, size);
    bool was_empty = s->input.size == 0;

    if (was_empty)
        used += take_frames(s, bytes + used, size - used);
    if (!session_takes_input(s))
        return;
    if (!input_append(&s->input, bytes + used, size - used)) {
        refuse_frame(s);
        take_bytes(s, bytes + used, size - used); /* Now there is something to skip: this goes no deeper. */
    } else if (!was_empty) {
        input_drop(&s->input, take_frames(s, s->input.bytes, s->input.size));
    }
}

static void on_allocate(uv_handle_t *handle, size_t suggested_size, uv_buf_t *buf)
{
    struct session *s = handle->data;

    *buf = uv_buf_init((char *)s->server->receive, SERVER_RECEIVE_BYTES); /* Used up before anybody else reads. */
}

static void on_end_of_input(struct session *s, ssize_t status)
{
    s->peer_done = true;
    s->reading = false;
    uv_read_stop(&s->socket.stream);
    if (status != UV_EOF)
        session_close_now(s, LOG_LEVEL_DEBUG, uv_strerror((int)status));
    else if (s->state == LINGERING)
        session_close_now(s, LOG_LEVEL_DEBUG, "done");
    else if (session_takes_input(s))
        session_begin_flushing(s, NULL); /* It may still listen to what it asked for. */
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct session *s = stream->data;

    if (size < 0) {
        on_end_of_input(s, size);
        return;
    }
    s->heard_ms = uv_now(&s->server->loop);
    figure_add(&s->server->figures.bytes_in, (uint64_t)size);
    take_bytes(s, (const uint8_t *)buf->base, (size_t)size);
    session_update_reading(s);
}

/* Back-pressure: a connection with enough under way is not read; its bytes wait at the peer. */
void session_update_reading(struct session *s)
{
    bool wanted = !s->peer_done && (takes_requests(s) || s->state == FLUSHING || s->state == LINGERING);

    if (s->state == CLOSING || wanted == s->reading)
        return;
    s->reading = wanted;
    if (!wanted)
        uv_read_stop(&s->socket.stream);
    else if (uv_read_start(&s->socket.stream, on_allocate, on_read) != 0)
        session_close_now(s, LOG_LEVEL_WARN, "cannot read the socket");
}

void session_take_waiting(struct session *s)
{
    if (s->input.size > 0 && takes_requests(s) && !s->reading)
        input_drop(&s->input, take_frames(s, s->input.bytes, s->input.size));
}
