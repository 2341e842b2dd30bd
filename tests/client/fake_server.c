/* fake_server.c - see fake_server.h. */
#include "fake_server.h"
#include "support/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 60000

void fake_expect(struct fake_server *server, bool condition, const char *what)
{
    if (condition)
        return;
    snprintf(server->fault, sizeof(server->fault), "connection %u: %s", server->accepted, what);
    longjmp(server->end, 1);
}

static void wait_for_bytes(struct fake_server *server, int fd, const char *what)
{
    struct pollfd waiting = { .fd = fd, .events = POLLIN };

    fake_expect(server, poll(&waiting, 1, PATIENCE_MS) == 1, what);
}

void fake_accept(struct fake_server *server)
{
    if (server->connection >= 0)
        close(server->connection);
    server->connection = -1;
    wait_for_bytes(server, server->listener, "nobody connected");
    server->connection = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
    fake_expect(server, server->connection >= 0, "accept failed");
    server->accepted++;
    server->out.size = 0;
}

/* Exactly `size` bytes. False at the end of the client's bytes. */
static bool receive(struct fake_server *server, uint8_t *bytes, size_t size)
{
    for (size_t had = 0; had < size;) {
        wait_for_bytes(server, server->connection, "the client says nothing");
        ssize_t some = recv(server->connection, bytes + had, size - had, 0);
        if (some <= 0)
            return false;
        had += (size_t)some;
    }
    return true;
}

uint32_t fake_take_any(struct fake_server *server)
{
    uint8_t header[VARVE_WIRE_HEADER];

    fake_expect(server, receive(server, header, sizeof(header)), "the client closed the connection");
    fake_expect(server, varve_frame_decode(header, VARVE_WIRE_MAX_FRAME, &server->frame, NULL) == VARVE_OK,
                "not a frame");
    free(server->bytes);
    server->bytes = malloc(server->frame.length + 1);
    fake_expect(server, server->bytes != NULL, "no memory");
    fake_expect(server, receive(server, server->bytes, server->frame.length), "the client closed within a frame");
    server->body = varve_view_of((char *)server->bytes, server->frame.length);
    varve_wire_arena_reset(server->arena);
    return server->frame.request_id;
}

uint32_t fake_take(struct fake_server *server, uint8_t opcode)
{
    uint32_t id = fake_take_any(server);
    char what[96];

    snprintf(what, sizeof(what), "took %s instead of %s", varve_opcode_name(server->frame.opcode),
             varve_opcode_name(opcode));
    fake_expect(server, server->frame.opcode == opcode, what);
    return id;
}

void fake_hello(struct fake_server *server)
{
    uint32_t id = fake_take(server, VARVE_OP_HELLO);

    varve_encode_hello_ok(&server->out, id, &server->hello);
    fake_send(server);
}

void fake_begin(struct fake_server *server)
{
    fake_accept(server);
    fake_hello(server);
}

void fake_raw(struct fake_server *server, const void *bytes, size_t size)
{
    for (size_t sent = 0; sent < size;) {
        ssize_t some = send(server->connection, (const char *)bytes + sent, size - sent, MSG_NOSIGNAL);
        if (some <= 0)
            return; /* The client has gone, which may be what the test is about. */
        sent += (size_t)some;
    }
}

void fake_send_some(struct fake_server *server, size_t size, size_t at_once)
{
    fake_expect(server, !server->out.failed && size <= server->out.size, "too little was encoded");
    for (size_t sent = 0; sent < size; sent += at_once)
        fake_raw(server, server->out.bytes + sent, size - sent < at_once ? size - sent : at_once);
    server->out.size = 0;
}

void fake_send(struct fake_server *server)
{
    fake_send_some(server, server->out.size, server->out.size + 1);
}

void fake_cut(struct fake_server *server)
{
    close(server->connection);
    server->connection = -1;
}

void fake_gone(struct fake_server *server)
{
    uint8_t byte;

    fake_expect(server, !receive(server, &byte, 1), "the client said more");
    fake_cut(server);
}

void fake_listen_until_gone(struct fake_server *server)
{
    uint8_t byte;

    while (receive(server, &byte, 1))
        continue;
    fake_cut(server);
}

void fake_nobody(struct fake_server *server)
{
    close(server->listener);
    server->listener = -1;
}

void fake_sleep_ms(unsigned ms)
{
    struct timespec rest = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

    nanosleep(&rest, NULL);
}

void fake_sign(struct fake_server *server)
{
    sem_post(&server->sign);
}

void fake_wait_for_sign(struct fake_server *server)
{
    const struct timespec until = { .tv_sec = time(NULL) + PATIENCE_MS / 1000 };

    while (sem_timedwait(&server->sign, &until) != 0 && errno == EINTR)
        continue; /* Without a sign the other side has failed, and what follows here says so. */
}

static void *run(void *argument)
{
    struct fake_server *server = argument;

    if (setjmp(server->end) == 0)
        server->script(server);
    if (server->connection >= 0)
        close(server->connection);
    if (server->listener >= 0)
        close(server->listener);
    return NULL;
}

void fake_hello_ok_init(struct varve_hello_ok *hello)
{
    *hello = (struct varve_hello_ok){
        .version = VARVE_WIRE_VERSION,
        .server_version = varve_view_str("fake"),
        .database_id = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } },
        .max_frame_bytes = 16u << 20,
        .max_event_bytes = 1u << 20,
        .max_append_bytes = 8u << 20,
        .max_append_events = 65536,
        .max_requests = 1024,
        .max_credit_bytes = 16u << 20,
        .last_position = 7,
    };
}

static void listen_on_a_port(struct fake_server *server)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);

    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(server->listener, 8), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    snprintf(server->url, sizeof(server->url), "varve://127.0.0.1:%u", ntohs(address.sin_port));
}

static void listen_locally(struct fake_server *server)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    temp_dir_make(server->scratch);
    snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/socket", server->scratch);
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(server->listener, 8), 0);
    snprintf(server->url, sizeof(server->url), "varve+unix://%.100s", address.sun_path);
}

static struct fake_server *start(void (*script)(struct fake_server *server), void *user,
                                 const struct varve_hello_ok *hello, void (*begin)(struct fake_server *server))
{
    struct fake_server *server = calloc(1, sizeof(*server));

    assert_non_null(server);
    server->hello = *hello;
    server->script = script;
    server->user = user;
    server->connection = -1;
    sem_init(&server->sign, 0, 0);
    server->arena = varve_wire_arena_create();
    assert_non_null(server->arena);
    begin(server);
    assert_int_equal(pthread_create(&server->thread, NULL, run, server), 0);
    return server;
}

struct fake_server *fake_server_start_with(void (*script)(struct fake_server *server), void *user,
                                           const struct varve_hello_ok *hello)
{
    return start(script, user, hello, listen_on_a_port);
}

struct fake_server *fake_server_start(void (*script)(struct fake_server *server), void *user)
{
    struct varve_hello_ok hello;

    fake_hello_ok_init(&hello);
    return start(script, user, &hello, listen_on_a_port);
}

struct fake_server *fake_server_start_local(void (*script)(struct fake_server *server), void *user)
{
    struct varve_hello_ok hello;

    fake_hello_ok_init(&hello);
    return start(script, user, &hello, listen_locally);
}

void fake_server_stop(struct fake_server *server)
{
    char fault[sizeof(server->fault)];

    pthread_join(server->thread, NULL);
    memcpy(fault, server->fault, sizeof(fault));
    if (server->scratch[0] != '\0')
        temp_dir_remove(server->scratch);
    varve_wire_buffer_free(&server->out);
    varve_wire_arena_free(server->arena);
    free(server->bytes);
    sem_destroy(&server->sign);
    free(server);
    if (fault[0] != '\0')
        fail_msg("the fake server: %s", fault);
}
