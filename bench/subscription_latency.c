/* subscription_latency.c - see subscription_latency.h. All connections are served by one thread and one epoll, for with
 * a thread for each of a thousand subscribers the time of waking them would be measured. */
#include "subscription_latency.h"

#include "varve/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RECEIVE_BYTES = 256 * 1024, READY_ROOM = 256, APPEND_ID = 1, CREDIT_BYTES = 32 << 20, CREDIT_LOW_EVENTS = 20000,
};

struct connection {
    int fd;
    uint8_t *bytes;
    size_t size;
};

struct bench {
    const struct latency_load *load;
    struct connection *connections; /* the last one appends */
    struct varve_wire_arena *arena;
    struct varve_wire_buffer out;
    struct histogram events, replies;
    uint64_t sent_ns;
    uint32_t greeted, caught_up, arrived, replied;
    uint64_t rounds;
    int epoll;
};

/* ---- out ---- */

static void send_out(struct bench *bench, const struct connection *connection)
{
    for (size_t done = 0; done < bench->out.size;) {
        ssize_t sent = send(connection->fd, bench->out.bytes + done, bench->out.size - done, MSG_NOSIGNAL);
        if (sent < 0)
            die("cannot send: %s", strerror(errno));
        done += (size_t)sent;
    }
    bench->out.size = 0;
}

static void say_hello(struct bench *bench, const struct connection *connection)
{
    struct varve_hello hello = { VARVE_WIRE_VERSION, VARVE_WIRE_VERSION, varve_view_str("varve-bench") };

    varve_encode_hello(&bench->out, 1, &hello);
    send_out(bench, connection);
}

static void subscribe(struct bench *bench, const struct connection *connection, uint32_t count)
{
    struct varve_subscribe_request request = { .after = VARVE_AFTER_END, .credit_bytes = CREDIT_BYTES };

    for (uint32_t i = 0; i < count; i++)
        varve_encode_subscribe(&bench->out, i + 1, &request);
    send_out(bench, connection);
}

static void add_credit(struct bench *bench, uint32_t count)
{
    uint32_t bytes = CREDIT_LOW_EVENTS / 2 * (bench->load->data_bytes + 200);

    for (uint32_t c = 0; c < bench->load->connections; c++) {
        for (uint32_t i = 0; i < count; i++)
            varve_encode_credit(&bench->out, i + 1, bytes);
        send_out(bench, &bench->connections[c]);
    }
}

static void append(struct bench *bench)
{
    static char data[65536];
    struct varve_append_stream stream = { varve_view_str("latency-1"), VARVE_EXPECTED_ANY };
    struct varve_event event = { .type = varve_view_str("order.placed"), .time_us = VARVE_TIME_NONE,
                                 .schema_version = 1, .content_type = VARVE_CONTENT_OCTET_STREAM,
                                 .data = { data, bench->load->data_bytes } };
    struct varve_append_request request = { &stream, 1, &event, NULL, 1 };

    varve_encode_append(&bench->out, APPEND_ID, &request);
    bench->sent_ns = now_ns();
    send_out(bench, &bench->connections[bench->load->connections]);
}

/* ---- in ---- */

static void take_frame(struct bench *bench, const struct varve_frame *frame, struct varve_view body)
{
    const struct varve_view *records;
    uint32_t count = 0;
    uint64_t position;
    struct varve_error error;

    switch (frame->opcode) {
    case VARVE_OP_HELLO_OK:
        bench->greeted++;
        break;
    case VARVE_OP_CAUGHT_UP:
        bench->caught_up++;
        break;
    case VARVE_OP_EVENTS:
        if (varve_decode_events(body, bench->arena, &records, &count, &position, &error) != VARVE_OK)
            die("bad EVENTS: %s", error.message);
        if (count > 0)
            histogram_add(&bench->events, now_ns() - bench->sent_ns);
        bench->arrived += count;
        break;
    case VARVE_OP_APPEND_OK:
        histogram_add(&bench->replies, now_ns() - bench->sent_ns);
        bench->replied++;
        break;
    case VARVE_OP_ERROR:
        die("the server refused a request");
    default:
        break;
    }
}

static void take_frames(struct bench *bench, struct connection *connection)
{
    size_t done = 0;

    while (connection->size - done >= VARVE_WIRE_HEADER) {
        struct varve_frame frame;
        struct varve_error error;
        if (varve_frame_decode(connection->bytes + done, RECEIVE_BYTES - VARVE_WIRE_HEADER, &frame, &error) != VARVE_OK)
            die("bad frame: %s", error.message);
        if (connection->size - done < VARVE_WIRE_HEADER + frame.length)
            break;
        take_frame(bench, &frame, varve_view_of((char *)connection->bytes + done + VARVE_WIRE_HEADER, frame.length));
        done += VARVE_WIRE_HEADER + frame.length;
    }
    memmove(connection->bytes, connection->bytes + done, connection->size - done);
    connection->size -= done;
}

static void receive(struct bench *bench)
{
    struct epoll_event ready[READY_ROOM];
    int count = epoll_wait(bench->epoll, ready, READY_ROOM, 30000);

    if (count <= 0)
        die("the server says nothing");
    for (int i = 0; i < count; i++) {
        struct connection *connection = ready[i].data.ptr;
        ssize_t got = recv(connection->fd, connection->bytes + connection->size, RECEIVE_BYTES - connection->size, 0);
        if (got <= 0)
            die("a connection was lost");
        connection->size += (size_t)got;
        take_frames(bench, connection);
    }
}

/* ---- running ---- */

static void open_connection(struct bench *bench, struct connection *connection)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct epoll_event interest = { .events = EPOLLIN, .data.ptr = connection };
    int one = 1;

    address.sin_port = htons((uint16_t)atoi(strrchr(bench->load->url, ':') + 1));
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    connection->bytes = malloc(RECEIVE_BYTES);
    if (connection->fd < 0 || connection->bytes == NULL ||
        connect(connection->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        die("cannot connect to %s: %s", bench->load->url, strerror(errno));
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (epoll_ctl(bench->epoll, EPOLL_CTL_ADD, connection->fd, &interest) != 0)
        die("epoll: %s", strerror(errno));
    say_hello(bench, connection);
}

static void open_all(struct bench *bench)
{
    const struct latency_load *load = bench->load;

    bench->epoll = epoll_create1(EPOLL_CLOEXEC);
    bench->arena = varve_wire_arena_create();
    bench->connections = calloc(load->connections + 1, sizeof(*bench->connections));
    if (bench->epoll < 0 || bench->arena == NULL || bench->connections == NULL)
        die("no memory");
    for (uint32_t i = 0; i <= load->connections; i++)
        open_connection(bench, &bench->connections[i]);
    while (bench->greeted <= load->connections)
        receive(bench);
    for (uint32_t i = 0; i < load->connections; i++)
        subscribe(bench, &bench->connections[i], load->subscribers / load->connections);
    while (bench->caught_up < load->subscribers)
        receive(bench);
}

static void close_all(struct bench *bench)
{
    for (uint32_t i = 0; i <= bench->load->connections; i++) {
        close(bench->connections[i].fd);
        free(bench->connections[i].bytes);
    }
    close(bench->epoll);
    free(bench->connections);
    varve_wire_arena_free(bench->arena);
    varve_wire_buffer_free(&bench->out);
}

static void summarise(const struct histogram *histogram, struct measurement *ret)
{
    measure_histogram(histogram, 0, 1, ret);
    ret->per_second = ret->p50_us > 0 ? 1e6 / ret->p50_us : 0;
}

void latency_measure(const struct latency_load *load, struct measurement *ret_event, struct measurement *ret_reply)
{
    struct bench *bench = calloc(1, sizeof(*bench));

    if (bench == NULL)
        die("no memory");
    bench->load = load;
    open_all(bench);
    for (uint64_t until_ns = now_ns() + load->seconds * 1000000000ull; now_ns() < until_ns; bench->rounds++) {
        bench->arrived = bench->replied = 0;
        append(bench);
        while (bench->arrived < load->subscribers || bench->replied == 0)
            receive(bench);
        if (load->connections > 0 && bench->rounds % (CREDIT_LOW_EVENTS / 2) == CREDIT_LOW_EVENTS / 2 - 1)
            add_credit(bench, load->subscribers / load->connections);
    }
    summarise(&bench->events, ret_event);
    summarise(&bench->replies, ret_reply);
    close_all(bench);
    free(bench);
}
