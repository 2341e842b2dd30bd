/* socket.c - TCP and unix sockets, opened with a deadline. */
#include "socket.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

uint64_t clock_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

uint64_t deadline_after(uint32_t timeout_ms)
{
    return timeout_ms == 0 ? DEADLINE_NONE : clock_now_us() + (uint64_t)timeout_ms * 1000u;
}

short socket_wait(int fd, short events, int wake_fd, uint64_t deadline_us)
{
    struct pollfd waiting[] = { { .fd = fd, .events = events }, { .fd = wake_fd, .events = POLLIN } };

    for (;;) {
        uint64_t now = deadline_us == DEADLINE_NONE ? 0 : clock_now_us();
        uint64_t left = deadline_us > now ? deadline_us - now : 0;
        struct timespec patience = { .tv_sec = (time_t)(left / 1000000u), .tv_nsec = (long)(left % 1000000u) * 1000 };
        int ready = ppoll(waiting, 2, deadline_us == DEADLINE_NONE ? NULL : &patience, NULL);

        if (ready > 0)
            return waiting[1].revents != 0 ? SOCKET_WOKEN : waiting[0].revents;
        if (ready < 0 && errno != EINTR && errno != EAGAIN && errno != ENOMEM)
            return POLLERR; /* The next call on the socket says what is wrong. */
        if (ready == 0 && (left == 0 || clock_now_us() >= deadline_us))
            return 0;
    }
}

ssize_t socket_send(int fd, const void *bytes, size_t size)
{
    ssize_t sent;

    do
        sent = send(fd, bytes, size, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

ssize_t socket_receive(int fd, void *bytes, size_t size)
{
    ssize_t received;

    do
        received = recv(fd, bytes, size, 0);
    while (received < 0 && errno == EINTR);
    return received < 0 ? -errno : received;
}

/* On loopback, connecting to a free port that the system also chose for our own end succeeds: we talk to ourselves, and
 * a server that restarts finds its port taken. */
static bool is_connected_to_itself(int fd)
{
    struct sockaddr_storage own = { 0 }, peer = { 0 };
    socklen_t own_size = sizeof(own), peer_size = sizeof(peer);

    if (getsockname(fd, (struct sockaddr *)&own, &own_size) != 0 || own.ss_family == AF_UNIX)
        return false;
    if (getpeername(fd, (struct sockaddr *)&peer, &peer_size) != 0)
        return false;
    return own_size == peer_size && memcmp(&own, &peer, own_size) == 0;
}

/* 0, ETIMEDOUT when the deadline came first, ECANCELED when woken, or the errno of the connection. */
static int finish_connecting(int fd, int wake_fd, uint64_t deadline_us)
{
    int fault = 0;
    socklen_t size = sizeof(fault);
    short ready = socket_wait(fd, POLLOUT, wake_fd, deadline_us);

    if (ready == 0 || ready == SOCKET_WOKEN)
        return ready == 0 ? ETIMEDOUT : ECANCELED;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &size) != 0)
        return errno;
    if (fault == 0 && is_connected_to_itself(fd))
        return ECONNREFUSED;
    return fault;
}

/* One address. 0 and *ret_fd, or an errno. */
static int connect_to(int family, const struct sockaddr *address, socklen_t size, int wake_fd, uint64_t deadline_us,
                      int *ret_fd)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int fault = 0;

    if (fd < 0)
        return errno;
    if (connect(fd, address, size) == 0)
        fault = is_connected_to_itself(fd) ? ECONNREFUSED : 0;
    else
        fault = errno == EINPROGRESS || errno == EINTR ? finish_connecting(fd, wake_fd, deadline_us) : errno;
    if (fault != 0) {
        close(fd);
        return fault;
    }
    if (family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)); /* A slower connection works as well. */
    *ret_fd = fd;
    return 0;
}

static enum varve_status say_fault(const struct url *url, int fault, struct varve_error *error)
{
    if (fault == ETIMEDOUT)
        return varve_fail(error, VARVE_TIMEOUT, NULL, "%s did not take the connection in time", url->shown);
    if (fault == ECANCELED)
        return varve_fail(error, VARVE_CANCELLED, NULL, "stopped while connecting to %s", url->shown);
    return varve_fail(error, fault == ENOMEM || fault == ENOBUFS ? VARVE_NO_MEMORY : VARVE_UNREACHABLE, NULL,
                      "cannot connect to %s: %s", url->shown, strerror(fault));
}

static enum varve_status connect_unix(const struct url *url, int wake_fd, uint64_t deadline_us, int *ret_fd,
                                      struct varve_error *error)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    memcpy(address.sun_path, url->path, sizeof(address.sun_path)); /* Both are 108 bytes and hold the NUL. */
    int fault = connect_to(AF_UNIX, (const struct sockaddr *)&address, sizeof(address), wake_fd, deadline_us, ret_fd);
    return fault == 0 ? VARVE_OK : say_fault(url, fault, error);
}

/* Each address gets its share of what is left, so that one that swallows everything does not hide the others. */
static int connect_to_any(const struct addrinfo *list, int wake_fd, uint64_t deadline_us, int *ret_fd)
{
    unsigned untried = 0;
    int fault = ECONNREFUSED;

    for (const struct addrinfo *a = list; a != NULL; a = a->ai_next)
        untried++;
    for (const struct addrinfo *a = list; a != NULL; a = a->ai_next, untried--) {
        uint64_t until = deadline_us, now = clock_now_us();

        if (deadline_us != DEADLINE_NONE)
            until = now + (deadline_us > now ? (deadline_us - now) / untried : 0);
        fault = connect_to(a->ai_family, a->ai_addr, a->ai_addrlen, wake_fd, until, ret_fd);
        if (fault == 0 || fault == ECANCELED)
            return fault;
    }
    return fault;
}

static enum varve_status connect_tcp(const struct url *url, int wake_fd, uint64_t deadline_us, int *ret_fd,
                                     struct varve_error *error)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    struct addrinfo *list = NULL;
    int answer = getaddrinfo(url->host, url->port, &hints, &list);

    if (answer != 0)
        return varve_fail(error, answer == EAI_MEMORY ? VARVE_NO_MEMORY : VARVE_UNREACHABLE, NULL,
                          "cannot find the host %s: %s", url->host, gai_strerror(answer));
    int fault = connect_to_any(list, wake_fd, deadline_us, ret_fd);
    freeaddrinfo(list);
    return fault == 0 ? VARVE_OK : say_fault(url, fault, error);
}

enum varve_status socket_connect(const struct url *url, int wake_fd, uint64_t deadline_us, int *ret_fd,
                                 struct varve_error *error)
{
    return url->is_unix ? connect_unix(url, wake_fd, deadline_us, ret_fd, error)
                        : connect_tcp(url, wake_fd, deadline_us, ret_fd, error);
}
