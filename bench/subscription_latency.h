/* subscription_latency.h - how long after an append its event reaches those who follow the log. */
#ifndef BENCH_SUBSCRIPTION_LATENCY_H
#define BENCH_SUBSCRIPTION_LATENCY_H

#include "bench.h"

struct latency_load {
    const char *url;            /* varve://127.0.0.1:PORT */
    uint32_t subscribers;
    uint32_t connections;       /* they share; subscribers is a multiple of it; both 0: only replies are measured */
    uint32_t data_bytes;
    uint32_t seconds;
};

/* One append of one event at a time; the next goes out when every subscriber has the event and the reply is here. Times
 * run from the append's sending to the arrival at each subscriber (*ret_event) and to that of its reply (*ret_reply).
 * per_second is 1 / p50: what a ping-pong would reach. */
void latency_measure(const struct latency_load *load, struct measurement *ret_event, struct measurement *ret_reply);

#endif
