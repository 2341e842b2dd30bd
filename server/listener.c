/* listener.c - listens on TCP and on a unix socket, and hands connections to session_accept(). */
#include "listener.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "config_address.h"
#include "port_file.h"
#include "session.h"

enum { BACKLOG = 511, BREATH_US = 10000 };

static void accept_next(struct listener *listener)
{
    listener->waiting = !session_accept(listener->server, &listener->socket.stream);
    if (listener->waiting)
        log_error(&listener->server->log, "listener.no_memory", log_text("address", listener->address));
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct listener *listener = stream->data;

    if (status == 0) {
        accept_next(listener);
        return;
    }
    log_warn(&listener->server->log, "listener.failed", log_text("address", listener->address),
             log_text("error", uv_strerror(status)));
    usleep(BREATH_US); /* Out of descriptors, say: libuv asks again at once, and must not spin. */
}

static enum varve_status listen_on(struct listener *listener, struct varve_error *error)
{
    int fault = uv_listen(&listener->socket.stream, BACKLOG, on_connection);

    if (fault != 0)
        return varve_fail(error, VARVE_IO, NULL, "cannot listen on %s: %s (see server.listen and server.unix)",
                          listener->address, uv_strerror(fault));
    return VARVE_OK;
}

/* The address that was really taken, for port 0 and for people. */
static void learn_address(struct listener *listener)
{
    struct sockaddr_storage address;
    int size = sizeof(address);

    uv_tcp_getsockname(&listener->socket.tcp, (struct sockaddr *)&address, &size);
    listener->port = config_format_address(&address, listener->address, sizeof(listener->address));
}

static enum varve_status open_tcp(struct listener *listener, const struct config_address *wanted,
                                  struct varve_error *error)
{
    uv_tcp_init(&listener->server->loop, &listener->socket.tcp);
    listener->open = true;
    snprintf(listener->address, sizeof(listener->address), "%s", wanted->text);
    int fault = uv_tcp_bind(&listener->socket.tcp, (const struct sockaddr *)&wanted->address, 0);
    if (fault != 0)
        return varve_fail(error, VARVE_IO, NULL, "cannot bind %s: %s (server.listen names another address)",
                          wanted->text, uv_strerror(fault));
    enum varve_status status = listen_on(listener, error);
    if (status == VARVE_OK)
        learn_address(listener);
    return status;
}

/* A socket file that nobody listens on was left by a process that was killed. */
static bool is_stale(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct stat found;

    if (lstat(path, &found) != 0 || !S_ISSOCK(found.st_mode))
        return false;
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool refused = connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

static enum varve_status open_unix(struct listener *listener, const char *path, struct varve_error *error)
{
    if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "unix", "--unix %s: a socket's path has at most %zu bytes",
                          path, sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
    if (is_stale(path))
        unlink(path);
    uv_pipe_init(&listener->server->loop, &listener->socket.pipe, 0);
    listener->open = true;
    snprintf(listener->address, sizeof(listener->address), "unix:%s", path);
    mode_t before = umask(0177); /* Only its owner may connect: from the first moment on. */
    int fault = uv_pipe_bind(&listener->socket.pipe, path);
    umask(before);
    if (fault != 0)
        return varve_fail(error, VARVE_IO, NULL, "cannot bind %s: %s", listener->address, uv_strerror(fault));
    return listen_on(listener, error);
}

static struct listener *next_listener(struct listeners *listeners, struct server *server)
{
    struct listener *listener = &listeners->all[listeners->count++];

    listener->server = server;
    listener->socket.handle.data = listener;
    return listener;
}

enum varve_status listeners_open(struct listeners *listeners, struct server *server, struct varve_error *error)
{
    const struct config *config = server->config;
    enum varve_status status = VARVE_OK;

    memset(listeners, 0, sizeof(*listeners));
    for (size_t i = 0; i < config->listen_count && status == VARVE_OK; i++)
        status = open_tcp(next_listener(listeners, server), &config->listen[i], error);
    if (config->unix_path != NULL && status == VARVE_OK)
        status = open_unix(next_listener(listeners, server), config->unix_path, error);
    return status;
}

void listeners_retry(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++) {
        if (listeners->all[i].open && listeners->all[i].waiting)
            accept_next(&listeners->all[i]);
    }
}

void listeners_close(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++) {
        if (listeners->all[i].open)
            uv_close(&listeners->all[i].socket.handle, NULL); /* Removes a unix socket's file as well. */
        listeners->all[i].open = false;
    }
}

enum varve_status listeners_write_ports(const struct listeners *listeners, const char *path,
                                        struct varve_error *error)
{
    uint16_t ports[CONFIG_MAX_LISTEN + 1];
    size_t count = 0;

    for (size_t i = 0; i < listeners->count; i++) {
        if (listeners->all[i].port != 0)
            ports[count++] = listeners->all[i].port;
    }
    return port_file_write("--port-file", path, ports, count, error);
}
