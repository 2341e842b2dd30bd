/* http_load.c - see http_load.h. */
#include "http_load.h"

#include "engine_load.h"
#include "http_connect.h"
#include "random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_ROOM = 4 << 20, REQUEST_HEAD_ROOM = 512, READY_ROOM = 64, PAGE_EVENTS = 1000 };

struct run;
struct peer {
    struct run *run;
    int fd;
    uint32_t index;
    uint64_t random, began_ns, from;
    char *request;
    char *answer;     /* ANSWER_ROOM; as much as comes of it is memory */
    size_t size;
    size_t whole;     /* bytes of the answer, head included; 0: not known yet */
};

struct run {
    const struct http_load *load;
    int64_t *versions;
    char *events;     /* the body's part that is always the same */
    size_t (*write)(struct peer *peer);                    /* the next request; returns its size */
    uint64_t (*count)(struct peer *peer, const char *body); /* what the answer brought */
    struct histogram histogram;
    uint64_t counted;
    int epoll;
};

/* Stream s belongs to the connection s % connections. */
static uint32_t next_stream(struct peer *peer)
{
    const struct http_load *load = peer->run->load;
    uint32_t mine = load->streams / load->connections;

    return (uint32_t)((random_next(&peer->random) >> 16) % mine) * load->connections + peer->index;
}

/* ---- appends ---- */

static char *make_events(const struct http_load *load)
{
    size_t filler_size = load->data_bytes - 2, size; /* Two quotes are data, too. */
    char *text = NULL, *filler = calloc(1, filler_size + 1);
    FILE *out = open_memstream(&text, &size);

    if (out == NULL || filler == NULL)
        die("no memory");
    memset(filler, 'v', filler_size);
    for (uint32_t i = 0; i < load->events_per_append; i++)
        fprintf(out, "%c{\"type\":\"order.placed\",\"data\":\"%s\"}", i == 0 ? '[' : ',', filler);
    fprintf(out, "]");
    if (fclose(out) != 0)
        die("no memory");
    free(filler);
    return text;
}

static size_t write_append(struct peer *peer)
{
    struct run *run = peer->run;
    uint32_t stream = next_stream(peer);
    char name[32], expected[32] = "no_stream";
    size_t size = strlen(run->events);

    bench_stream_name(name, stream);
    if (run->versions[stream] >= 0)
        snprintf(expected, sizeof(expected), "%lld", (long long)run->versions[stream]);
    run->versions[stream] += run->load->events_per_append;
    int head = snprintf(peer->request, REQUEST_HEAD_ROOM, "POST /v1/streams/%s?expected=%s HTTP/1.1\r\n"
                        "Host: localhost\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                        name, expected, size);
    memcpy(peer->request + head, run->events, size);
    return (size_t)head + size;
}

static uint64_t count_appended(struct peer *peer, const char *body)
{
    return peer->run->load->events_per_append;
}

/* ---- reads ---- */

static size_t write_stream(struct peer *peer)
{
    char name[32];

    bench_stream_name(name, next_stream(peer));
    return (size_t)snprintf(peer->request, REQUEST_HEAD_ROOM, "GET /v1/streams/%s?limit=%d HTTP/1.1\r\n"
                            "Host: localhost\r\n\r\n", name, PAGE_EVENTS);
}

static uint64_t count_stream(struct peer *peer, const char *body)
{
    return 1;
}

static size_t write_page(struct peer *peer)
{
    return (size_t)snprintf(peer->request, REQUEST_HEAD_ROOM, "GET /v1/all?from=%llu&limit=%d HTTP/1.1\r\n"
                            "Host: localhost\r\n\r\n", (unsigned long long)peer->from, PAGE_EVENTS);
}

/* Positions are dense, and nobody has appended $-events. */
static uint64_t count_page(struct peer *peer, const char *body)
{
    const char *at = peer->answer + peer->size;
    uint64_t before = peer->from;

    while (at > body && strncmp(at, "\"next\":", 7) != 0)
        at--;
    if (at == body)
        die("a page without its end: %.200s", body);
    uint64_t next = strtoull(at + 7, NULL, 10);
    peer->from = strstr(at, "\"end\":true") != NULL ? 1 : next;
    return next - before;
}

/* ---- requests and answers ---- */

static void ask(struct peer *peer)
{
    size_t size = peer->run->write(peer);

    peer->size = peer->whole = 0;
    peer->began_ns = now_ns();
    http_send(peer->fd, peer->request, size);
}

static bool is_whole(struct peer *peer)
{
    if (peer->whole == 0) {
        peer->answer[peer->size] = '\0';
        const char *end = strstr(peer->answer, "\r\n\r\n"), *length = strcasestr(peer->answer, "\r\nContent-Length:");
        if (end == NULL)
            return false;
        if (strncmp(peer->answer, "HTTP/1.1 20", 11) != 0 || length == NULL || length > end)
            die("a request failed: %.500s", peer->answer);
        peer->whole = (size_t)(end + 4 - peer->answer) + strtoull(length + 17, NULL, 10);
        if (peer->whole >= ANSWER_ROOM)
            die("an answer of %zu bytes", peer->whole);
    }
    return peer->size == peer->whole;
}

/* Did its answer come to the end? */
static bool receive(struct peer *peer)
{
    struct run *run = peer->run;
    ssize_t got = recv(peer->fd, peer->answer + peer->size, ANSWER_ROOM - 1 - peer->size, 0);

    if (got <= 0)
        die("a connection was lost: %s", strerror(errno));
    peer->size += (size_t)got;
    if (!is_whole(peer))
        return false;
    peer->answer[peer->size] = '\0';
    histogram_add(&run->histogram, now_ns() - peer->began_ns);
    run->counted += run->count(peer, strstr(peer->answer, "\r\n\r\n"));
    return true;
}

/* ---- running ---- */

static void open_peer(struct run *run, struct peer *peer, uint32_t index)
{
    struct epoll_event interest = { .events = EPOLLIN, .data.ptr = peer };

    *peer = (struct peer){ .run = run, .index = index, .from = 1, .random = random_seed(index),
                           .fd = http_connect(run->load->port), .answer = malloc(ANSWER_ROOM),
                           .request = malloc(REQUEST_HEAD_ROOM + (run->events != NULL ? strlen(run->events) : 0)) };
    if (peer->answer == NULL || peer->request == NULL || epoll_ctl(run->epoll, EPOLL_CTL_ADD, peer->fd, &interest) != 0)
        die("no memory");
}

static void serve_until(struct run *run, uint64_t ends_ns)
{
    struct epoll_event ready[READY_ROOM];

    for (uint32_t under_way = run->load->connections; under_way > 0;) {
        int count = epoll_wait(run->epoll, ready, READY_ROOM, 30000);
        if (count <= 0)
            die("the server says nothing");
        for (int i = 0; i < count; i++) {
            struct peer *peer = ready[i].data.ptr;
            if (!receive(peer))
                continue;
            if (now_ns() < ends_ns)
                ask(peer);
            else
                under_way--;
        }
    }
}

static void run_all(struct run *run, struct measurement *ret)
{
    uint32_t connections = run->load->connections;
    struct peer *peers = calloc(connections, sizeof(*peers));

    run->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (peers == NULL || run->epoll < 0)
        die("no memory");
    histogram_reset(&run->histogram);
    for (uint32_t i = 0; i < connections; i++)
        open_peer(run, &peers[i], i);
    uint64_t began = now_ns();
    for (uint32_t i = 0; i < connections; i++)
        ask(&peers[i]);
    serve_until(run, began + run->load->ms * 1000000ull);
    measure_histogram(&run->histogram, run->counted, now_ns() - began, ret);
    for (uint32_t i = 0; i < connections; i++) {
        close(peers[i].fd);
        free(peers[i].answer);
        free(peers[i].request);
    }
    free(peers);
    close(run->epoll);
}

void http_load_append(const struct http_load *load, int64_t *versions, struct measurement *ret)
{
    static struct run run;

    run = (struct run){ .load = load, .versions = versions, .events = make_events(load), .write = write_append,
                        .count = count_appended };
    run_all(&run, ret);
    free(run.events);
}

void http_load_streams(const struct http_load *load, struct measurement *ret)
{
    static struct run run;

    run = (struct run){ .load = load, .write = write_stream, .count = count_stream };
    run_all(&run, ret);
}

void http_load_all(const struct http_load *load, struct measurement *ret)
{
    static struct run run;

    run = (struct run){ .load = load, .write = write_page, .count = count_page };
    run_all(&run, ret);
}
