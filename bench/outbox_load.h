/* outbox_load.h - events for an outbox, appended to a timetable or as fast as they go; what the server tells of it. */
#ifndef BENCH_OUTBOX_LOAD_H
#define BENCH_OUTBOX_LOAD_H

#include "bench.h"

struct outbox_load {
    const char *url;
    uint32_t rate;       /* events per second, whatever becomes of them; 0: as fast as they are taken */
    uint32_t per_append;
    uint64_t count;      /* of events; a multiple of per_append */
    uint32_t streams;
    uint64_t first;      /* number of the first event: kafka_bench.h says where it stands */
};

/* Appends, each event with 256 bytes. By number (from 0): when it was sent, or was to be if that was not kept to; when
 * it was acknowledged. Both may be NULL. Returns the time until the last acknowledgement. */
uint64_t outbox_load_run(const struct outbox_load *load, uint64_t *sent_ns, uint64_t *acked_ns);

/* A figure of the server's only outbox, as `varve outbox status` shows it. */
uint64_t outbox_figure(const char *url, const char *name);
/* Waits until nothing is left to be published; dies when nothing moves for a minute. */
void outbox_load_await(const char *url);

#endif
