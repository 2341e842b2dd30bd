/* http_listen.c - the sockets that HTTP listens on. Ours, so that connections can be counted before MHD sees them. */
#include "http_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config_address.h"
#include "port_file.h"

enum { BACKLOG = 511, ACCEPTS_AT_A_TIME = 64 };

/* Out of descriptors, say: the socket stays readable, and the loop must not spin over it. */
static void pause_polling(struct http_listener *listener, int fault)
{
    log_warn(&listener->http->server->log, "listener.failed", log_text("address", listener->address),
             log_text("error", strerror(fault)));
    uv_poll_stop(&listener->poll);
    listener->polled = false;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct http_listener *listener = poll->data;

    for (unsigned i = 0; i < ACCEPTS_AT_A_TIME; i++) {
        struct sockaddr_storage address;
        socklen_t size = sizeof(address);
        int fd = accept4(listener->fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            http_take_connection(listener->http, fd, (struct sockaddr *)&address, size);
            continue;
        }
        if (errno == ECONNABORTED || errno == EINTR)
            continue;
        if (errno != EAGAIN)
            pause_polling(listener, errno);
        return;
    }
}

/* The address that was really taken, for port 0 and for people. */
static void learn_address(struct http_listener *listener)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);

    getsockname(listener->fd, (struct sockaddr *)&address, &size);
    listener->port = config_format_address(&address, listener->address, sizeof(listener->address));
}

static bool begin_listening(struct http_listener *listener, const struct sockaddr_storage *address)
{
    socklen_t size = address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    int yes = 1;

    listener->fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return listener->fd >= 0 && setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
           bind(listener->fd, (const struct sockaddr *)address, size) == 0 && listen(listener->fd, BACKLOG) == 0;
}

static enum varve_status listen_on(struct http *http, const struct config_address *wanted, struct varve_error *error)
{
    struct http_listener *listener = &http->listeners[http->listener_count];

    listener->http = http;
    if (!begin_listening(listener, &wanted->address)) {
        int fault = errno;

        if (listener->fd >= 0)
            close(listener->fd);
        return varve_fail(error, VARVE_IO, "http.listen", "cannot listen on %s for HTTP: %s (http.listen names "
                          "another address, or `off`)", wanted->text, strerror(fault));
    }
    http->listener_count++;
    learn_address(listener);
    listener->poll.data = listener;
    uv_poll_init(&http->server->loop, &listener->poll, listener->fd); /* A new socket: it cannot fail. */
    http->handle_count++;
    uv_poll_start(&listener->poll, UV_READABLE, on_readable);
    listener->polled = true;
    log_info(&http->server->log, "http.ready", log_text("address", listener->address));
    return VARVE_OK;
}

enum varve_status http_listen_all(struct http *http, struct varve_error *error)
{
    const struct http_config *config = &http->server->config->http;
    enum varve_status status = VARVE_OK;

    for (size_t i = 0; i < config->listen_count && status == VARVE_OK; i++)
        status = listen_on(http, &config->listen[i], error);
    return status;
}

void http_listen_again(struct http *http)
{
    for (size_t i = 0; i < http->listener_count; i++) {
        struct http_listener *listener = &http->listeners[i];

        if (listener->fd >= 0 && !listener->polled) {
            uv_poll_start(&listener->poll, UV_READABLE, on_readable);
            listener->polled = true;
        }
    }
}

void http_listen_end(struct http *http)
{
    for (size_t i = 0; i < http->listener_count; i++) {
        struct http_listener *listener = &http->listeners[i];

        if (listener->fd < 0)
            continue;
        http_close_handle(http, (uv_handle_t *)&listener->poll);
        close(listener->fd);
        listener->fd = -1;
    }
}

enum varve_status http_write_ports(const struct server *server, const char *path, struct varve_error *error)
{
    uint16_t ports[CONFIG_MAX_LISTEN];
    size_t count = 0;

    for (; server->http != NULL && count < server->http->listener_count; count++)
        ports[count] = server->http->listeners[count].port;
    return port_file_write("http.port_file", path, ports, count, error);
}
