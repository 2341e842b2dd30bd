/* bench_client.h - a connection of the C client to a server of the bench; without one there is nothing to measure. */
#ifndef BENCH_BENCH_CLIENT_H
#define BENCH_BENCH_CLIENT_H

#include "varve/client.h"

/* With so many requests in flight at most; 0: the client's default. Ended with varve_client_free(). */
struct varve_client *bench_client_open(const char *url, uint32_t in_flight);

#endif
