/* outbox_figures.h - what an outbox counts and measures. Written by its thread (and librdkafka's callbacks on it), read
 * by any. */
#ifndef SERVER_OUTBOX_FIGURES_H
#define SERVER_OUTBOX_FIGURES_H

#include <pthread.h>
#include <stdatomic.h>

#include "outbox_route.h"
#include "varve/histogram.h"
#include "varve/wire.h"

#define OUTBOX_FIGURES(X)                                                                                              \
    X(events_published)    /* visible to read_committed consumers, by this process */                                  \
    X(events_replayed)     /* again, by order */                                                                       \
    X(transactions)        /* committed, those with a checkpoint only included */                                      \
    X(transaction_aborts)                                                                                              \
    X(rebuilds)            /* producers made anew after a failure, */                                                  \
    X(epoch_refreshes)     /* and after a success over a doubtful connection */                                        \
    X(fenced)                                                                                                          \
    X(queue_full)          /* waits for room in librdkafka's queue */                                                  \
    X(dead_letters)        /* streams set aside, ever */                                                               \
    X(dead_retries)        /* attempts to deliver them, */                                                             \
    X(dead_delivered)      /* and events delivered so */                                                               \
    X(breaker_opened)      /* times */                                                                                 \
    X(bytes_published)     /* keys, values, headers */

enum outbox_measure {
    OUTBOX_MEASURE_TRANSACTION_EVENTS, /* events in one */
    OUTBOX_MEASURE_ACK_US,             /* first produce to last acknowledgement */
    OUTBOX_MEASURE_COMMIT_US,
    OUTBOX_MEASURE_PUBLISH_DELAY_US,   /* commit in varve to commit in Kafka, of a transaction's oldest event */
    OUTBOX_MEASURE_TAKEOVER_US,        /* INIT to RUN */
    OUTBOX_MEASURES,
};
enum { OUTBOX_MAX_CODES = 32 };

struct outbox_coded { /* counts by an error's code; what does not fit is counted as "other" */
    char codes[OUTBOX_MAX_CODES][48];
    uint64_t counts[OUTBOX_MAX_CODES];
    size_t count;
};
struct outbox_figures {
#define X(name) _Atomic uint64_t name;
    OUTBOX_FIGURES(X)
#undef X
    _Atomic uint64_t filtered[OUTBOX_FILTER_REASONS];
    struct varve_histogram measures[OUTBOX_MEASURES];
    pthread_mutex_t lock;              /* of the rest */
    struct outbox_coded delivery_errors, rebuild_reasons;
    char broker_stats[1024];           /* a digest of librdkafka's: round trips, retries, timeouts, as JSON */
};

void outbox_figures_init(struct outbox_figures *figures);
void outbox_figures_end(struct outbox_figures *figures);
const char *outbox_measure_name(enum outbox_measure measure); /* "ack_us" */
/* The outbox's thread. */
void outbox_figures_measure(struct outbox_figures *figures, enum outbox_measure measure, uint64_t value);
void outbox_figures_count_code(struct outbox_figures *figures, struct outbox_coded *coded, const char *code);
/* All as (name, number | text): names are the metrics', texts live in `texts`. */
enum { OUTBOX_FIGURE_STATS = 160, OUTBOX_FIGURE_TEXTS = 8192 };
size_t outbox_figures_list(struct outbox_figures *figures, struct varve_stat ret[OUTBOX_FIGURE_STATS],
                           char texts[OUTBOX_FIGURE_TEXTS]);

#endif
