/* metrics_parts.h - what the files of the metrics share: counters by label, and the last seconds. */
#ifndef SERVER_METRICS_PARTS_H
#define SERVER_METRICS_PARTS_H

#include "metrics.h"
#include "metrics_series.h"

enum {
    METRICS_CODES = 128,     /* every status that a server can answer with is below */
    METRICS_OPERATIONS = 64, /* of HTTP, and codes of it: more than there are routes */
    METRICS_REASONS = 64,    /* of failures to publish, likewise */
    RECENT_SECONDS = 10,
};

/* Requests of one opcode. */
struct operation {
    const char *name;
    _Atomic uint64_t codes[METRICS_CODES]; /* by status */
    struct varve_histogram duration_us;
};

/* What STATS tells of the last seconds. X(name of the figure, whose histogram, per mille) */
enum recent_histogram { RECENT_SYNC, RECENT_COMMIT, RECENT_GROUP, RECENT_SETTLE, RECENT_REQUEST, RECENT_HISTOGRAMS };
#define RECENT_FIGURES(X)                                                                                              \
    X(sync_us_p50, RECENT_SYNC, 500)                                                                                   \
    X(sync_us_p99, RECENT_SYNC, 990)                                                                                   \
    X(commit_us_p50, RECENT_COMMIT, 500)                                                                               \
    X(commit_us_p99, RECENT_COMMIT, 990)                                                                               \
    X(group_events_p50, RECENT_GROUP, 500)                                                                             \
    X(settle_us_p99, RECENT_SETTLE, 990)                                                                               \
    X(request_us_p50, RECENT_REQUEST, 500)                                                                             \
    X(request_us_p99, RECENT_REQUEST, 990)

struct metrics_recent {
    struct varve_histogram_view past[RECENT_SECONDS][RECENT_HISTOGRAMS]; /* a ring: one of each second */
    size_t turn;                                                         /* the oldest, which is next to be replaced */
#define X(name, histogram, per_mille) _Atomic uint64_t name;
    RECENT_FIGURES(X)
#undef X
};

struct metrics {
    struct operation *operations[256]; /* by opcode; those that are not known share one */
    struct operation unknown;
    struct series_set http_codes;      /* operation, code */
    struct series_set http_durations;  /* operation */
    struct varve_histogram request_us; /* all of both */
    struct series_set consumed;        /* event_type, service */
    struct series_set processing;      /* event_type, handler */
    struct series_set sagas;           /* saga_type */

    int64_t started_at_us;             /* wall clock */

    pthread_mutex_t lock;              /* whoever counts the next two */
    struct series_set published;       /* event_type, service */
    struct series_set failures;        /* outbox, reason */

    struct metrics_recent recent;      /* the loop's; its figures: any thread */
};

/* metrics_recent.c */
void metrics_recent_tick(struct server *server);

#endif
