/* push_clients.c - see push_clients.h. Their answers are not taken apart: what arrives is searched for the stamps of
 * events. One that is torn by the end of what was read, or by the frame of a chunk, is counted and not timed. */
#include "push_clients.h"

#include "http_connect.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_BYTES = 1024, RECEIVE_BYTES = 64 * 1024, READY_ROOM = 256, STEP_MS = 20 };

struct push_client {
    int fd;
    size_t size;
    char head[HEAD_BYTES]; /* what came before it had caught up */
};

struct push_clients {
    uint32_t count;
    int epoll;
    struct histogram histogram;
    _Atomic uint64_t arrived;
    atomic_bool stopping;
    pthread_t thread;
    char bytes[RECEIVE_BYTES];
    struct push_client clients[];
};

/* ---- beginning -------------------------------------------------------------------------------------------------- */

static void ask(struct push_client *client, int port, uint32_t number, enum push_wish wish)
{
    char request[256], user[32] = "";

    client->fd = http_connect(port);
    if (wish == PUSH_OF_USER)
        snprintf(user, sizeof(user), "&user=user-%u", number);
    snprintf(request, sizeof(request), "GET /v1/events?after=%s%s HTTP/1.1\r\nHost: localhost\r\n\r\n",
             wish == PUSH_HISTORY ? "start" : "end", user);
    http_send(client->fd, request, strlen(request));
}

static void await_caught_up(struct push_client *client)
{
    while (strstr(client->head, "caught_up") == NULL) {
        ssize_t got = recv(client->fd, client->head + client->size, HEAD_BYTES - 1 - client->size, 0);
        if (got <= 0)
            die("a client of push was not let in: %s", client->head);
        client->size += (size_t)got;
        client->head[client->size] = '\0';
    }
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static bool read_stamp(const char *at, const char *end, uint64_t *ret)
{
    char text[PUSH_STAMP_DIGITS + 1] = "", *last;

    if (end - at < PUSH_STAMP_DIGITS)
        return false;
    memcpy(text, at, PUSH_STAMP_DIGITS);
    *ret = strtoull(text, &last, 16);
    return last == text + PUSH_STAMP_DIGITS;
}

static void take(struct push_clients *clients, size_t size)
{
    const char *at = clients->bytes, *end = clients->bytes + size;
    uint64_t now = now_ns(), count = 0, sent;

    while ((at = memchr(at, PUSH_STAMP, (size_t)(end - at))) != NULL) {
        at++;
        count++;
        if (read_stamp(at, end, &sent))
            histogram_add(&clients->histogram, now - sent);
    }
    atomic_fetch_add_explicit(&clients->arrived, count, memory_order_relaxed);
}

static void *read_main(void *argument)
{
    struct push_clients *clients = argument;
    struct epoll_event ready[READY_ROOM];

    while (!atomic_load(&clients->stopping)) {
        int count = epoll_wait(clients->epoll, ready, READY_ROOM, STEP_MS);
        for (int i = 0; i < count; i++) {
            ssize_t got = recv(ready[i].data.fd, clients->bytes, RECEIVE_BYTES, 0);
            if (got <= 0)
                die("a client of push lost its connection");
            take(clients, (size_t)got);
        }
    }
    return NULL;
}

struct push_clients *push_clients_open(int http_port, uint32_t count, enum push_wish wish)
{
    struct push_clients *clients = calloc(1, sizeof(*clients) + count * sizeof(clients->clients[0]));

    if (clients == NULL)
        die("no memory");
    clients->count = count;
    clients->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (uint32_t i = 0; i < count; i++)
        ask(&clients->clients[i], http_port, i, wish);
    for (uint32_t i = 0; i < count; i++) {
        struct epoll_event interest = { .events = EPOLLIN, .data.fd = clients->clients[i].fd };
        if (wish != PUSH_HISTORY)
            await_caught_up(&clients->clients[i]);
        if (epoll_ctl(clients->epoll, EPOLL_CTL_ADD, clients->clients[i].fd, &interest) != 0)
            die("epoll: %s", strerror(errno));
    }
    if (pthread_create(&clients->thread, NULL, read_main, clients) != 0)
        die("cannot start a thread");
    return clients;
}

/* ---- end -------------------------------------------------------------------------------------------------------- */

uint64_t push_clients_arrived(const struct push_clients *clients)
{
    return atomic_load_explicit(&clients->arrived, memory_order_relaxed);
}

void push_clients_stop(struct push_clients *clients, struct histogram *ret)
{
    atomic_store(&clients->stopping, true);
    pthread_join(clients->thread, NULL);
    *ret = clients->histogram;
}

void push_clients_close(struct push_clients *clients)
{
    for (uint32_t i = 0; i < clients->count; i++)
        shutdown(clients->clients[i].fd, SHUT_WR);
    for (uint32_t i = 0; i < clients->count; i++) {
        while (recv(clients->clients[i].fd, clients->bytes, RECEIVE_BYTES, 0) > 0)
            ;
        close(clients->clients[i].fd);
    }
    close(clients->epoll);
    free(clients);
}
