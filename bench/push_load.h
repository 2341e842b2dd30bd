/* push_load.h - clients of server-sent events, all served by one thread and one epoll, and somebody who appends what
 * they follow over the binary port. */
#ifndef BENCH_PUSH_LOAD_H
#define BENCH_PUSH_LOAD_H

#include "bench.h"

struct push_load {
    const char *url;      /* varve://127.0.0.1:PORT */
    int http_port;
    uint32_t clients;     /* 0: appends alone are measured */
    bool per_user;        /* client n follows the channel of user-n, and each event has one of these users */
    uint32_t rate;        /* events per second, whatever becomes of them; 0: as fast as they are taken */
    uint32_t ms;          /* so long */
};

/* Appends for so long, one event of 256 bytes in each. *ret_events: what arrived at the clients, all together, and how
 * long after its sending. With a rate everything is waited for; without one the clients stay behind, and what they got
 * in the time counts. *ret_appends: the appends themselves. Returns how many there were. */
uint64_t push_measure(const struct push_load *load, struct measurement *ret_events, struct measurement *ret_appends);

/* Every client reads the log from the first of so many events on, while nobody appends. *ret: what arrived from the
 * first connection on; how old it was is not told. */
void push_measure_history(const struct push_load *load, uint64_t events, struct measurement *ret);

#endif
