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
    bool json;                  /* data are a JSON text, which the server checks; else any bytes */
};

/* Appends, each with the version its stream is expected to have. `versions` comes from server_load_fresh_versions() and
 * lives as long as the server's directory, so that rounds can follow one another. */
void server_load_append(const struct server_load *load, int64_t *versions, struct measurement *ret);
int64_t *server_load_fresh_versions(uint32_t streams); /* ended with free() */
/* At least `length` events of 256 bytes for each of the streams of an empty store, on the average, and one for each. */
void server_load_fill(const char *url, uint32_t streams, uint32_t length);
void server_load_fill_json(const char *url, uint32_t streams, uint32_t length);
/* Whole streams "order-<n>", one after the other on each connection; per_second counts streams. */
void server_load_streams(const struct server_load *load, struct measurement *ret);
/* The whole log once over one connection; per_second counts events. */
void server_load_all(const char *url, struct measurement *ret);

#endif
