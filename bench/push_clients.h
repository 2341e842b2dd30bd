/* push_clients.h - so many clients of GET /v1/events, and what arrived at them. */
#ifndef BENCH_PUSH_CLIENTS_H
#define BENCH_PUSH_CLIENTS_H

#include "bench.h"

/* In the data of an event: a character that is nowhere else in its text, and when it was sent in so many hexadecimal
 * digits. */
enum { PUSH_STAMP = '~', PUSH_STAMP_DIGITS = 16 };

enum push_wish {
    PUSH_NEW,     /* all that is appended from now on */
    PUSH_OF_USER, /* likewise, and client n the channel of user-n */
    PUSH_HISTORY, /* all from the first event on */
};

struct push_clients;
/* Connects all of them, and returns when each has caught up with the log, unless it wants history. From then on a
 * thread reads. */
struct push_clients *push_clients_open(int http_port, uint32_t count, enum push_wish wish);
uint64_t push_clients_arrived(const struct push_clients *clients); /* events, at all clients together */
/* Ends the thread: how long each event took. */
void push_clients_stop(struct push_clients *clients, struct histogram *ret);
/* Ends them, and waits until the server has let them go. */
void push_clients_close(struct push_clients *clients);

#endif
