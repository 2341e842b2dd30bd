/* top_rates.h - what happened between two samples, a second's worth of it, and how that was in the last minute. */
#ifndef TOOLS_TOP_RATES_H
#define TOOLS_TOP_RATES_H

#include "top_sample.h"

enum { TOP_HISTORY = 60 };

enum top_rate {
    TOP_EVENTS, TOP_APPENDS, TOP_CONFLICTS, TOP_REQUESTS, TOP_FAILED, TOP_DELIVERED, TOP_PUBLISHED, TOP_BYTES_IN,
    TOP_BYTES_OUT, TOP_RATES
};
const char *top_rate_name(enum top_rate rate); /* "events", "conflicts", "bytes_in" */

struct top_rates {
    bool known;                     /* two samples of one life of the server */
    double all[TOP_RATES];          /* a second */
    double *acked;                  /* of each group, in the order of the later sample */
    double published[VARVE_MAX_OUTBOXES];
};
/* `before` may be NULL. A server that was started anew between the two counts from 0, so nothing is known. */
void top_rates_of(struct top_rates *ret, const struct top_sample *before, const struct top_sample *now);
void top_rates_free(struct top_rates *rates);

/* Of each rate the latest values, oldest first; NAN: not known. */
struct top_history {
    double values[TOP_RATES][TOP_HISTORY];
};
void top_history_init(struct top_history *history);
void top_history_add(struct top_history *history, const struct top_rates *rates); /* NULL: the server was away */

#endif
