/* raw_server.c - see raw_server.h. */
#include "raw_server.h"

#include "raw_disk.h"
#include "varve/wire.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

enum { FILE_BYTES = 64 << 20, INPUT_BYTES = 1 << 20 };

struct raw_connection {
    uv_tcp_t tcp;
    struct raw_connection *next; /* all of them */
    struct raw_server *server;
    uint8_t *input;
    size_t size, capacity;
    struct varve_wire_buffer output;
};

struct raw_server {
    uv_loop_t loop;
    uv_tcp_t listener;
    uv_check_t after_poll;
    struct raw_connection *connections;
    struct raw_disk *disk;
    uint8_t *group;
    size_t group_size, group_capacity;
};

/* ---- frames ---- */

static void reply_hello(struct raw_connection *c, uint32_t request_id)
{
    struct varve_hello_ok hello = {
        .version = VARVE_WIRE_VERSION, .server_version = varve_view_str("raw"), .database_id = { { 1 } },
        .max_frame_bytes = VARVE_WIRE_MAX_FRAME, .max_event_bytes = 1 << 20, .max_append_bytes = 8 << 20,
        .max_append_events = 65536, .max_requests = 256, .max_credit_bytes = 64 << 20,
    };

    varve_encode_hello_ok(&c->output, request_id, &hello);
}

static void reply_append(struct raw_connection *c, uint32_t request_id)
{
    struct varve_append_result result = { 0, 0, 1, 1 };
    struct varve_append_outcome outcome = { .results = &result, .stream_count = 1 };

    varve_encode_append_ok(&c->output, request_id, VARVE_OP_APPEND_OK, &outcome);
}

static void add_to_group(struct raw_server *server, const uint8_t *bytes, size_t size)
{
    if (server->group_size + size > server->group_capacity) {
        server->group_capacity = 2 * (server->group_size + size);
        server->group = realloc(server->group, server->group_capacity);
        if (server->group == NULL)
            die("no memory");
    }
    memcpy(server->group + server->group_size, bytes, size);
    server->group_size += size;
}

static void take_frames(struct raw_connection *c)
{
    size_t at = 0;
    struct varve_frame frame;

    while (c->size - at >= VARVE_WIRE_HEADER) {
        if (varve_frame_decode(c->input + at, VARVE_WIRE_MAX_FRAME, &frame, NULL) != VARVE_OK)
            die("the raw server got a bad frame");
        if (c->size - at < VARVE_WIRE_HEADER + frame.length)
            break;
        if (frame.opcode == VARVE_OP_HELLO) {
            reply_hello(c, frame.request_id);
        } else {
            add_to_group(c->server, c->input + at, VARVE_WIRE_HEADER + frame.length);
            reply_append(c, frame.request_id);
        }
        at += VARVE_WIRE_HEADER + frame.length;
    }
    memmove(c->input, c->input + at, c->size - at);
    c->size -= at;
}

/* ---- libuv ---- */

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct raw_connection *c = handle->data;

    if (c->capacity - c->size < INPUT_BYTES / 2) {
        c->capacity = c->capacity * 2 + INPUT_BYTES;
        c->input = realloc(c->input, c->capacity);
        if (c->input == NULL)
            die("no memory");
    }
    *ret = uv_buf_init((char *)c->input + c->size, (unsigned)(c->capacity - c->size));
}

static void on_closed(uv_handle_t *handle)
{
    struct raw_connection *c = handle->data;
    struct raw_connection **at = &c->server->connections;

    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    varve_wire_buffer_free(&c->output);
    free(c->input);
    free(c);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct raw_connection *c = stream->data;

    if (size < 0) {
        uv_close((uv_handle_t *)stream, on_closed);
        return;
    }
    c->size += (size_t)size;
    take_frames(c);
}

static void send_output(struct raw_connection *c)
{
    uv_buf_t buffer = uv_buf_init((char *)c->output.bytes, (unsigned)c->output.size);

    while (buffer.len > 0) {
        int written = uv_try_write((uv_stream_t *)&c->tcp, &buffer, 1);
        if (written == UV_EAGAIN)
            continue; /* Replies are small and the load generator reads: a short wait at most. */
        if (written < 0)
            break;
        buffer.base += written;
        buffer.len -= (unsigned)written;
    }
    c->output.size = 0;
}

static void after_poll(uv_check_t *check)
{
    struct raw_server *server = check->data;

    if (server->group_size > 0)
        raw_disk_write(server->disk, server->group, server->group_size);
    server->group_size = 0;
    for (struct raw_connection *c = server->connections; c != NULL; c = c->next)
        if (c->output.size > 0 && !uv_is_closing((uv_handle_t *)&c->tcp))
            send_output(c);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct raw_server *server = listener->data;
    struct raw_connection *c = calloc(1, sizeof(*c));

    if (c == NULL || uv_tcp_init(&server->loop, &c->tcp) != 0 || uv_accept(listener, (uv_stream_t *)&c->tcp) != 0)
        die("the raw server cannot accept");
    uv_tcp_nodelay(&c->tcp, 1);
    c->tcp.data = c;
    c->server = server;
    c->next = server->connections;
    server->connections = c;
    uv_read_start((uv_stream_t *)&c->tcp, on_allocate, on_read);
}

static int port_of(const uv_tcp_t *listener)
{
    struct sockaddr_storage name;
    int size = sizeof(name);

    uv_tcp_getsockname(listener, (struct sockaddr *)&name, &size);
    return ntohs(((struct sockaddr_in *)&name)->sin_port);
}

static void serve(const char *path, int port_fd)
{
    static struct raw_server server;
    struct sockaddr_in address;

    uv_loop_init(&server.loop);
    server.disk = raw_disk_open(path, FILE_BYTES);
    uv_tcp_init(&server.loop, &server.listener);
    uv_ip4_addr("127.0.0.1", 0, &address);
    server.listener.data = server.after_poll.data = &server;
    if (uv_tcp_bind(&server.listener, (struct sockaddr *)&address, 0) != 0 ||
        uv_listen((uv_stream_t *)&server.listener, 128, on_connection) != 0)
        die("the raw server cannot listen");
    uv_check_init(&server.loop, &server.after_poll);
    server.after_poll.data = &server;
    uv_check_start(&server.after_poll, after_poll);
    int port = port_of(&server.listener);
    if (write(port_fd, &port, sizeof(port)) != sizeof(port))
        die("the raw server cannot say its port");
    close(port_fd);
    uv_run(&server.loop, UV_RUN_DEFAULT);
}

pid_t raw_server_start(const char *path, char ret_url[64])
{
    int ends[2], port = 0;

    if (pipe(ends) != 0)
        die("no pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid < 0)
        die("cannot fork: %s", strerror(errno));
    if (pid == 0) {
        close(ends[0]);
        serve(path, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    if (read(ends[0], &port, sizeof(port)) != sizeof(port))
        die("the raw server did not start");
    close(ends[0]);
    snprintf(ret_url, 64, "varve://127.0.0.1:%d", port);
    return pid;
}

/* ---- varved ---- */

static int read_port(const char *port_file)
{
    for (int tries = 0; tries < 1000; tries++) {
        FILE *file = fopen(port_file, "r");
        int port = 0;
        if (file != NULL) {
            int found = fscanf(file, "%d", &port);
            fclose(file);
            if (found == 1 && port > 0)
                return port;
        }
        usleep(10000);
    }
    die("varved did not write %s", port_file);
}

/* With up to four more words on its command line, NULL where they end. */
static pid_t launch(const char *binary, const char *directory, const char *const more[4], char ret_url[64])
{
    char port_file[4200];

    snprintf(port_file, sizeof(port_file), "%s.port", directory);
    unlink(port_file);
    pid_t pid = fork();
    if (pid < 0)
        die("cannot fork: %s", strerror(errno));
    if (pid == 0) {
        setenv("VARVED_HTTP__LISTEN", "off", 0); /* Several run at a time. */
        execl(binary, binary, directory, "--listen", "127.0.0.1:0", "--port-file", port_file, "--log-level", "warn",
              more[0], more[1], more[2], more[3], (char *)NULL);
        die("cannot run %s: %s", binary, strerror(errno));
    }
    snprintf(ret_url, 64, "varve://127.0.0.1:%d", read_port(port_file));
    unlink(port_file);
    return pid;
}

static const char *own_binary(const struct settings *settings)
{
    static char binary[4096];

    snprintf(binary, sizeof(binary), "%s/varved", settings->bin);
    return binary;
}

pid_t varved_start_with(const struct settings *settings, const char *directory, const char *config, char ret_url[64])
{
    return launch(own_binary(settings), directory,
                  (const char *const[4]){ config != NULL ? "--config" : NULL, config }, ret_url);
}

pid_t varved_start_other(const struct settings *settings, const char *binary, const char *directory, char ret_url[64])
{
    return launch(binary != NULL ? binary : own_binary(settings), directory, (const char *const[4]){ NULL }, ret_url);
}

pid_t varved_start_with_http(const struct settings *settings, const char *directory, char ret_url[64],
                             int *ret_http_port)
{
    char http_file[4200];

    snprintf(http_file, sizeof(http_file), "%s.http", directory);
    unlink(http_file);
    pid_t pid = launch(own_binary(settings), directory,
                       (const char *const[4]){ "--http.listen", "127.0.0.1:0", "--http.port_file", http_file },
                       ret_url);
    *ret_http_port = read_port(http_file);
    unlink(http_file);
    return pid;
}

pid_t varved_start(const struct settings *settings, const char *directory, char ret_url[64])
{
    return varved_start_with(settings, directory, NULL, ret_url);
}

void server_stop(pid_t pid)
{
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
}
