/* top_sample.h - how a server is at one moment: what `varve top` asks for, in a form that outlives the answers. */
#ifndef TOOLS_TOP_SAMPLE_H
#define TOOLS_TOP_SAMPLE_H

#include "varve/group.h"
#include "varve/outbox_client.h"
#include "varve/wire_health.h"

/* X(figure): of STATS, under their names there. A server may not have all of them. */
#define TOP_FIGURES(X)                                                                                                 \
    X(uptime_s) X(last_position) X(settled_position) X(stream_count) X(events_appended) X(appends)                     \
    X(append_conflicts) X(requests) X(requests_failed) X(requests_under_way) X(bytes_in) X(bytes_out)                  \
    X(connections) X(subscriptions) X(subscription_events) X(push_clients) X(push_events)                              \
    X(group_events_delivered) X(consumer_groups) X(queue_appends) X(queue_bytes) X(disk_free_bytes) X(disk_full)       \
    X(store_bytes) X(journal_bytes) X(budget_used_bytes) X(budget_limit_bytes) X(slow_consumers)                       \
    X(log_lines_error) X(sagas_running) X(request_us_p50) X(request_us_p99) X(commit_us_p50) X(commit_us_p99)          \
    X(sync_us_p50) X(sync_us_p99) X(group_events_p50) X(settle_us_p99)

enum top_figure {
#define X(name) TOP_##name,
    TOP_FIGURES(X)
#undef X
    TOP_FIGURE_COUNT
};

struct top_group {
    char name[VARVE_MAX_GROUP_NAME + 1];
    uint64_t lag_events, parked, in_flight, retrying, acked;
    bool stopped;
};
struct top_outbox {
    char name[VARVE_MAX_OUTBOX_NAME + 1];
    char phase[16], breaker[16], halt[24], reason[128];
    uint64_t lag_events, lag_us, published, dead_streams, parked_events;
};
struct top_sample {
    uint64_t taken_us;              /* monotonic */
    char version[32];
    uint64_t values[TOP_FIGURE_COUNT];
    bool has[TOP_FIGURE_COUNT];
    bool has_health, live, ready;
    char reason[256];               /* why it is not ready */
    struct top_group *groups;       /* those that lag most first */
    size_t group_count;
    struct top_outbox outboxes[VARVE_MAX_OUTBOXES];
    size_t outbox_count;
};

const char *top_figure_name(enum top_figure figure);
/* Each fills in its part. */
void top_sample_stats(struct top_sample *sample, const struct varve_stat *stats, size_t count);
void top_sample_health(struct top_sample *sample, const struct varve_health *health);
void top_sample_groups(struct top_sample *sample, const struct varve_group_info *infos, size_t count);
void top_sample_outboxes(struct top_sample *sample, const struct varve_outbox_entry *entries, size_t count);
void top_sample_free(struct top_sample *sample);

#endif
