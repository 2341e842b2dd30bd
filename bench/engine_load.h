/* engine_load.h - appends into a store in this process: so many events an append, so many appends in flight, over so
 * many streams, each with the version it expects. */
#ifndef BENCH_ENGINE_LOAD_H
#define BENCH_ENGINE_LOAD_H

#include "bench.h"
#include "varve/store.h"

struct load {
    uint32_t events_per_append;
    uint32_t in_flight;      /* 1: varve_append_wait(), else submitted with a window */
    uint32_t streams;
    uint32_t data_bytes;
};

struct engine_load;
struct engine_load *engine_load_create(struct varve_store *store, const struct load *load);
void engine_load_free(struct engine_load *run);
/* Append for so long, or so many events (whichever comes first; 0 = no bound). */
void engine_load_run(struct engine_load *run, uint32_t seconds, uint64_t events, struct measurement *ret);

/* A store for benchmarks in a fresh directory, with all defaults. */
struct varve_store *bench_store_open(const char *path);
/* Stream names as the loads use them: "order-<n>". */
size_t bench_stream_name(char text[32], uint32_t stream);

#endif
