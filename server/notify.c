/* notify.c - see notify.h. */
#include "notify.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The manager gets a line at least so often; what is asked for lasts for several of them, on a slow machine, too. */
enum { PERIOD_MS = 5000, MORE_TIME_US = 60 * 1000 * 1000, MESSAGE_ROOM = 512 };

static bool find_manager(struct notify *notify)
{
    const char *path = getenv("NOTIFY_SOCKET");
    size_t size = path != NULL ? strlen(path) : 0;

    if (size < 2 || size >= sizeof(notify->manager.sun_path) || (path[0] != '/' && path[0] != '@'))
        return false;
    notify->manager.sun_family = AF_UNIX;
    memcpy(notify->manager.sun_path, path, size + 1);
    notify->manager_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (path[0] == '/'));
    if (path[0] == '@')
        notify->manager.sun_path[0] = '\0'; /* an abstract name: without the zero at its end */
    return true;
}

/* The manager waits for signs of life of one process: WATCHDOG_PID, when it says which. */
static uint64_t watchdog_us(void)
{
    const char *text = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

    if (text == NULL || (pid != NULL && strtoull(pid, NULL, 10) != (unsigned long long)getpid()))
        return 0;
    return strtoull(text, NULL, 10);
}

/* Half of what the manager has patience for. */
static uint64_t period_ms(const struct notify *notify)
{
    uint64_t half_ms = notify->watchdog_us / 2000;

    if (notify->watchdog_us == 0 || half_ms > PERIOD_MS)
        return PERIOD_MS;
    return half_ms > 0 ? half_ms : 1;
}

static size_t name_phase(enum notify_phase phase, char *text, size_t room)
{
    struct timespec now;

    switch (phase) {
    case NOTIFY_STARTING:
        return 0;
    case NOTIFY_SERVING:
        return (size_t)snprintf(text, room, "READY=1\n");
    case NOTIFY_RELOADING:
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (size_t)snprintf(text, room, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n",
                                (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
    case NOTIFY_STOPPING:
        return (size_t)snprintf(text, room, "STOPPING=1\n");
    }
    return 0;
}

/* Everything that is to be said now, in one message: parts of it cannot get lost. */
static void tell(struct notify *notify)
{
    char status[sizeof(notify->last_status)] = "", message[MESSAGE_ROOM];
    bool healthy, wants_time = notify->phase == NOTIFY_STARTING || notify->phase == NOTIFY_STOPPING;
    size_t size = 0;

    if (notify->fd < 0)
        return;
    healthy = notify->look(notify->user, notify->phase, status, sizeof(status));
    if (!notify->told)
        size += name_phase(notify->phase, message, sizeof(message));
    if (notify->watchdog_us > 0 && healthy)
        size += (size_t)snprintf(message + size, sizeof(message) - size, "WATCHDOG=1\n");
    if (wants_time)
        size += (size_t)snprintf(message + size, sizeof(message) - size, "EXTEND_TIMEOUT_USEC=%d\n", MORE_TIME_US);
    if (strcmp(status, notify->last_status) != 0)
        size += (size_t)snprintf(message + size, sizeof(message) - size, "STATUS=%s\n", status);
    assert(size < sizeof(message));
    if (size == 0 || sendto(notify->fd, message, size, MSG_DONTWAIT | MSG_NOSIGNAL,
                            (struct sockaddr *)&notify->manager, notify->manager_size) != (ssize_t)size)
        return; /* The manager is busy, or gone: later. */
    notify->told = true;
    memcpy(notify->last_status, status, sizeof(status));
}

static void on_timer(uv_timer_t *timer)
{
    tell(timer->data);
}

static void enter(struct notify *notify, enum notify_phase phase)
{
    if (notify->phase == NOTIFY_STOPPING)
        return; /* There is no way back. */
    notify->phase = phase;
    notify->told = false;
    tell(notify);
}

void notify_open(struct notify *notify, uv_loop_t *loop, notify_look look, void *user)
{
    memset(notify, 0, sizeof(*notify));
    notify->fd = -1;
    notify->look = look;
    notify->user = user;
    notify->watchdog_us = watchdog_us();
    uv_timer_init(loop, &notify->timer);
    notify->timer.data = notify;
    if (!find_manager(notify) || (notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
        return;
    uv_timer_start(&notify->timer, on_timer, period_ms(notify), period_ms(notify));
    tell(notify);
}

void notify_ready(struct notify *notify)
{
    enter(notify, NOTIFY_SERVING);
}

void notify_reloading(struct notify *notify)
{
    enter(notify, NOTIFY_RELOADING);
}

void notify_stopping(struct notify *notify)
{
    enter(notify, NOTIFY_STOPPING);
}

void notify_close(struct notify *notify)
{
    uv_close((uv_handle_t *)&notify->timer, NULL);
    if (notify->fd >= 0)
        close(notify->fd);
    notify->fd = -1;
}
