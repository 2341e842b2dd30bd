/* http_stream.c - answers without an end: MHD asks for bytes, and is laid to sleep when there are none.
 *
 * While a connection is suspended MHD does not look at its socket. So the loop itself waits for its end there. */
#include "http_parts.h"

#include <stdlib.h>
#include <sys/socket.h>

enum {
    BLOCK_BYTES = 1024,      /* for HTTP/1.0; else MHD lets read() write into what is free of the connection's memory */
    SEND_BYTES = 128 * 1024, /* that the kernel keeps for a peer that does not take them; else it would be 4 MiB */
};

struct http_stream {
    struct http_connection *connection;
    const struct http_stream_kind *kind;
    void *user;
    uv_poll_t gone;  /* the peer's end of the connection */
    bool woken;      /* since read() was asked last */
    bool ended;      /* the server stops: no more */
};

static ssize_t on_read(void *user, uint64_t position, char *into, size_t room)
{
    struct http_stream *stream = user;
    size_t size;

    if (stream->connection->cut)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    do {
        stream->woken = false;
        size = stream->ended ? HTTP_STREAM_ENDS : stream->kind->read(stream->user, into, room);
    } while (size == 0 && stream->woken);
    if (size == HTTP_STREAM_ENDS)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (size == 0 && stream->connection->cut) /* Within read(): asleep, nobody would wake it any more. */
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (size == 0)
        http_suspend(stream->connection);
    return (ssize_t)size;
}

static void on_gone(uv_poll_t *poll, int status, int events)
{
    struct http_stream *stream = poll->data;

    uv_poll_stop(poll);
    http_cut(stream->connection, NULL);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void forget(struct http_stream *stream)
{
    uv_close((uv_handle_t *)&stream->gone, on_closed);
}

static struct http_stream *create(struct http_request *request, const struct http_stream_kind *kind, void *user)
{
    struct http_stream *stream = calloc(1, sizeof(*stream));
    int send_bytes = SEND_BYTES;

    if (stream == NULL)
        return NULL;
    setsockopt(request->connection->fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(send_bytes));
    stream->connection = request->connection;
    stream->kind = kind;
    stream->user = user;
    stream->gone.data = stream;
    /* Neither can fail: the descriptor is a socket, which MHD has made non-blocking. */
    uv_poll_init(&request->http->server->loop, &stream->gone, request->connection->fd);
    uv_poll_start(&stream->gone, UV_DISCONNECT, on_gone);
    return stream;
}

struct http_stream *http_stream_begin(struct http_request *request, const char *content_type,
                                      const struct http_stream_kind *kind, void *user)
{
    struct http_stream *stream = NULL;
    struct MHD_Response *answer = NULL;

    if (request->connection != NULL)
        stream = create(request, kind, user);
    if (stream != NULL)
        answer = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, on_read, stream, NULL);
    if (answer == NULL) {
        if (stream != NULL)
            forget(stream);
        http_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, VARVE_NO_MEMORY, NULL, "no memory for a stream");
        return NULL;
    }
    http_add_headers(request, answer, content_type);
    request->stream = stream;
    figure_add(&request->http->server->figures.http_streams, 1);
    http_answered(request, MHD_HTTP_OK, answer, sizeof(*stream) + BLOCK_BYTES);
    return stream;
}

void http_stream_wake(struct http_stream *stream)
{
    stream->woken = true;
    if (stream->connection->state == HTTP_STREAMING)
        http_resume(stream->connection);
}

void http_stream_cut(struct http_stream *stream)
{
    http_cut(stream->connection, NULL);
}

void http_stream_finish(struct http_stream *stream)
{
    stream->ended = true;
    http_stream_wake(stream);
}

void http_stream_close(struct http_stream *stream)
{
    figure_subtract(&stream->connection->http->server->figures.http_streams, 1);
    forget(stream);
    stream->kind->closed(stream->user);
}
