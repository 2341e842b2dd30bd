/* notify.h - tells the service manager how the server does, in the words of sd_notify(3).
 *
 * Says nothing when NOTIFY_SOCKET is not set. Never waits: what the manager has no room for is said again a little
 * later. A sign of life (WATCHDOG=1) goes out only while the loop turns and whoever looks calls the server healthy.
 * docs/decisions/0013-service-and-package.md says why this is not libsystemd.
 *
 *   STARTING --ready--> SERVING --reloading--> RELOADING --ready--> SERVING
 *   any phase --stopping--> STOPPING */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <uv.h>

enum notify_phase { NOTIFY_STARTING, NOTIFY_SERVING, NOTIFY_RELOADING, NOTIFY_STOPPING };

/* What is to be told: `status` is one line for `systemctl status`; false: no sign of life. */
typedef bool (*notify_look)(void *user, enum notify_phase phase, char *status, size_t room);

struct notify {
    int fd;                      /* -1: there is nobody to tell */
    struct sockaddr_un manager;
    socklen_t manager_size;
    uint64_t watchdog_us;        /* 0: nobody waits for signs of life */
    enum notify_phase phase;
    bool told;                   /* the phase has reached the manager */
    char last_status[256];       /* likewise */
    notify_look look;
    void *user;
    uv_timer_t timer;
};

/* Begins in STARTING: until notify_ready() the manager is asked for more time, again and again. */
void notify_open(struct notify *notify, uv_loop_t *loop, notify_look look, void *user);
void notify_ready(struct notify *notify);
void notify_reloading(struct notify *notify);
void notify_stopping(struct notify *notify);
/* The timer is gone after the loop's next turn; opened or not. */
void notify_close(struct notify *notify);

#endif
