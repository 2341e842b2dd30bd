/* http_connection.c - connections: counted, limited, timed, suspended and ended.
 *
 *   IDLE --first line--> RECEIVING --request whole--> SERVING --answered--> SENDING --sent--> IDLE
 *                                                        '--stream--> STREAMING
 *   any state --the peer, a limit of time, stop--> gone
 *
 * MHD's own timeouts are not used: those of single connections cost it a walk over all of them in each turn. */
#include "http_parts.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LOOK_FOR_END_MS = 3500,
    ACKED_OFFSET = 120, /* of tcpi_bytes_acked in Linux's struct tcp_info, which glibc's does not have yet */
};

/* A problem as http_reply_problem() makes them; `title` is what the registry says of the code. */
#define LAST_WORDS(http, status, headers, code, title, detail, members)                                                \
    { status,                                                                                                          \
      "HTTP/1.1 " #status " " http "\r\nContent-Type: application/problem+json\r\nConnection: close\r\n"               \
      headers "\r\n{\"type\":\"urn:varve:error:" code "\",\"title\":\"" title "\",\"status\":" #status                 \
      ",\"code\":\"" code "\",\"detail\":\"" detail "\"" members "}\n" }

const struct http_last_words http_says_timeout =
    LAST_WORDS("Request Timeout", 408, "", "TIMEOUT", "the deadline passed before the answer, outcome unknown",
               "the request did not come within http.header_timeout", "");
const struct http_last_words http_says_overloaded =
    LAST_WORDS("Service Unavailable", 503, "Retry-After: 1\r\n", "OVERLOADED",
               "the server's queue is full; try again a little later",
               "no room for more now: http.max_connections, server.memory_budget", ",\"retry_after_ms\":1000");
const struct http_last_words http_says_too_large =
    LAST_WORDS("Content Too Large", 413, "", "APPEND_TOO_LARGE", "one append is larger than the store's limits",
               "the body is larger than http.max_body", "");

static uint64_t now_ms(const struct http *http)
{
    return uv_now(&http->server->loop);
}

static void say(int fd, const struct http_last_words *words)
{
    /* Into an empty socket buffer: all of it or, when the peer is gone, nothing. */
    ssize_t sent = send(fd, words->text, strlen(words->text), MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent;
}

void http_take_connection(struct http *http, int fd, const struct sockaddr *address, socklen_t size)
{
    struct figures *figures = &http->server->figures;

    if (http->connection_count >= http->server->config->http.max_connections) {
        figure_add(&figures->http_connections_refused, 1);
        say(fd, &http_says_overloaded);
        shutdown(fd, SHUT_WR);
        close(fd);
        return;
    }
    figure_add(&figures->http_connections_total, 1);
    MHD_add_connection(http->daemon, fd, address, size); /* Closes it when there is no memory. */
}

static void begin(struct http *http, struct MHD_Connection *mhd, void **ret)
{
    struct http_connection *connection = calloc(1, sizeof(*connection));

    if (connection == NULL) {
        shutdown(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd, SHUT_RDWR);
        return; /* Nobody would time it; MHD finds it so, and closes it. */
    }
    connection->http = http;
    connection->mhd = mhd;
    connection->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    connection->since_ms = now_ms(http);
    connection->next = http->connections;
    if (connection->next != NULL)
        connection->next->previous = connection;
    http->connections = connection;
    http->connection_count++;
    figure_set(&http->server->figures.http_connections, http->connection_count);
    *ret = connection;
}

static void end(struct http_connection *connection)
{
    struct http *http = connection->http;

    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        http->connections = connection->next;
    http->connection_count--;
    figure_set(&http->server->figures.http_connections, http->connection_count);
    free(connection);
}

void http_on_connection(void *http, struct MHD_Connection *mhd, void **socket_context,
                        enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        begin(http, mhd, socket_context);
    else if (*socket_context != NULL)
        end(*socket_context);
}

void http_move_connection(struct http_connection *connection, enum http_connection_state state)
{
    static const unsigned next_allowed[] = {
        [HTTP_IDLE] = 1u << HTTP_RECEIVING,
        [HTTP_RECEIVING] = 1u << HTTP_SERVING | 1u << HTTP_SENDING | 1u << HTTP_IDLE,
        [HTTP_SERVING] = 1u << HTTP_SENDING | 1u << HTTP_STREAMING | 1u << HTTP_IDLE,
        [HTTP_SENDING] = 1u << HTTP_IDLE,
        [HTTP_STREAMING] = 1u << HTTP_IDLE,
    };

    assert(next_allowed[connection->state] & 1u << state);
    connection->state = state;
    connection->since_ms = now_ms(connection->http);
    connection->taken_bytes = 0;
}

void http_suspend(struct http_connection *connection)
{
    if (connection->suspended)
        return;
    connection->suspended = true;
    MHD_suspend_connection(connection->mhd);
}

void http_resume(struct http_connection *connection)
{
    if (!connection->suspended)
        return;
    connection->suspended = false;
    MHD_resume_connection(connection->mhd);
    connection->http->wanted = true;
}

void http_cut(struct http_connection *connection, const struct http_last_words *last_words)
{
    if (connection->cut)
        return;
    connection->cut = true;
    if (last_words != NULL) {
        say(connection->fd, last_words);
        if (connection->request != NULL)
            http_was_told(connection->request, last_words->status);
    }
    shutdown(connection->fd, SHUT_RDWR); /* MHD finds it so, and closes it. */
    if (connection->state == HTTP_STREAMING)
        http_resume(connection);
}

/* The peer has taken something since the last look. */
static bool moves_on(struct http_connection *connection)
{
    char info[ACKED_OFFSET + sizeof(uint64_t)] = { 0 };
    socklen_t size = sizeof(info);
    uint64_t acked;

    getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, info, &size);
    memcpy(&acked, info + ACKED_OFFSET, sizeof(acked));
    bool moved = acked != connection->taken_bytes;
    connection->taken_bytes = acked;
    return moved;
}

/* MHD misses a peer's end that comes together with its last bytes: it waits for an edge, and there is none any more. */
static bool has_ended(const struct http_connection *connection, uint64_t age)
{
    char byte;

    return age < LOOK_FOR_END_MS && recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void tick(struct http_connection *connection, uint64_t now)
{
    const struct config *config = connection->http->server->config;
    uint64_t age = now - connection->since_ms;

    switch (connection->state) {
    case HTTP_IDLE:
        if (!connection->used && age > config->http.header_timeout_ms)
            http_cut(connection, &http_says_timeout);
        else if (age > config->http.idle_timeout_ms || has_ended(connection, age))
            http_cut(connection, NULL);
        break;
    case HTTP_RECEIVING:
        if (age > config->http.header_timeout_ms)
            http_cut(connection, &http_says_timeout);
        else if (has_ended(connection, age))
            http_cut(connection, NULL);
        break;
    case HTTP_SENDING:
        if (moves_on(connection))
            connection->since_ms = now;
        else if (age > config->send_timeout_ms) {
            figure_add(&connection->http->server->figures.slow_consumers, 1);
            http_cut(connection, NULL);
        }
        break;
    case HTTP_SERVING:
    case HTTP_STREAMING: /* Whoever fills a stream knows best what waits, and for how long. */
        break;
    }
}

void http_tick_connections(struct http *http)
{
    uint64_t now = now_ms(http);

    for (struct http_connection *one = http->connections; one != NULL; one = one->next) {
        if (!one->cut)
            tick(one, now);
    }
}
