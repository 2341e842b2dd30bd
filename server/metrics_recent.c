/* metrics_recent.c - the last ten seconds as STATS tells them: what histograms hold now, less what they held then. */
#include "metrics_parts.h"

static void look(const struct server *server, struct varve_histogram_view ret[RECENT_HISTOGRAMS])
{
    struct varve_store_histograms engine;

    varve_store_histograms(server->store, &engine);
    ret[RECENT_SYNC] = engine.sync_us;
    ret[RECENT_COMMIT] = engine.commit_us;
    ret[RECENT_GROUP] = engine.group_events;
    ret[RECENT_SETTLE] = engine.settle_us;
    varve_histogram_look(&server->metrics->request_us, &ret[RECENT_REQUEST]);
}

/* On the loop once a second: some 15 KiB are read, a tenth of which is not 0. */
void metrics_recent_tick(struct server *server)
{
    struct metrics_recent *recent = &server->metrics->recent;
    struct varve_histogram_view *oldest = recent->past[recent->turn], now[RECENT_HISTOGRAMS];

    look(server, now);
    for (size_t i = 0; i < RECENT_HISTOGRAMS; i++) {
        struct varve_histogram_view newest = now[i];

        varve_histogram_subtract(&now[i], &oldest[i]);
        oldest[i] = newest;
    }
    recent->turn = (recent->turn + 1) % RECENT_SECONDS;
#define X(name, histogram, per_mille) figure_set(&recent->name, varve_histogram_quantile(&now[histogram], per_mille));
    RECENT_FIGURES(X)
#undef X
}
