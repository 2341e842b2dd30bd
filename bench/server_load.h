/* server_load.h - load on a server through the C client: one thread and one connection for each of `connections`. */
#ifndef BENCH_SERVER_LOAD_H
#define BENCH_SERVER_LOAD_H

#include "bench.h"

struct server_load {
    const char *url;
    uint32_t connections;
    uint32_t in_flight;         /* on each connection */
    uint32_t events_per_append;
    uint32_t streams;           /* shared out among the connections */
    uint32_t data_bytes;
    uint32_t seconds;
};

/* Appends, each with the version its stream is expected to have. `versions` has a cell for each stream and lives as
 * long as the server's directory (all -1 at first), so that rounds can follow one another. */
void server_load_append(const struct server_load *load, int64_t *versions, struct measurement *ret);
/* Whole streams "order-<n>", one after the other on each connection; per_second counts streams. */
void server_load_streams(const struct server_load *load, struct measurement *ret);
/* The whole log once over one connection; per_second counts events. */
void server_load_all(const char *url, struct measurement *ret);

#endif
