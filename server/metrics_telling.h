/* metrics_telling.h - /metrics on its way: what was looked at, once, and the functions that tell what is no plain
 * figure. */
#ifndef SERVER_METRICS_TELLING_H
#define SERVER_METRICS_TELLING_H

#include "health.h"
#include "metrics_parts.h"
#include "metrics_table.h"
#include "metrics_write.h"
#include "outbox_status.h"
#include "varve/saga.h"

enum { TELLING_FIGURES = 160 };

struct telling {
    struct server *server;
    const struct metrics_look *look;
    struct varve_wire_buffer *out;
    struct varve_stat engine[TELLING_FIGURES];
    struct varve_stat own[TELLING_FIGURES]; /* FIGURES, and what is worked out by metrics_figures.c */
    size_t engine_count, own_count;
    char engine_texts[2 * 64];
    struct varve_store_histograms histograms;
    struct varve_saga_counts *sagas;
    struct health health;
    size_t outbox_count;
    struct outbox_status *outboxes;
    char label_names[METRIC_MAX_LABELS][32]; /* of the metric that is being told */
};

/* Cuts metric->labels into telling->label_names; returns how many there are. */
size_t telling_name_labels(struct telling *telling, const struct metric *metric);
/* NULL: there is no such figure. */
const struct varve_stat *telling_find(const struct varve_stat *figures, size_t count, const char *name);
/* A sample whose labels have these values, as many as metric->labels names. */
void tell_values(struct telling *telling, const struct metric *metric, const struct varve_view *values,
                 uint64_t number);
void tell_spread(struct telling *telling, const struct metric *metric, const struct varve_view *values,
                 const struct varve_histogram_view *view);
/* All series of a set, by the names of metric->labels; those that counted nothing are left out. */
void tell_series(struct telling *telling, const struct metric *metric, const struct series_set *set);

/* metrics_tell.c: the engine, requests, events, sagas, groups */
void tell_build(struct telling *telling, const struct metric *metric);
void tell_health(struct telling *telling, const struct metric *metric);
void tell_store(struct telling *telling, const struct metric *metric);
void tell_commits(struct telling *telling, const struct metric *metric);
void tell_syncs(struct telling *telling, const struct metric *metric);
void tell_group_events(struct telling *telling, const struct metric *metric);
void tell_settles(struct telling *telling, const struct metric *metric);
void tell_published(struct telling *telling, const struct metric *metric);
void tell_publish_failures(struct telling *telling, const struct metric *metric);
void tell_consumed(struct telling *telling, const struct metric *metric);
void tell_processing(struct telling *telling, const struct metric *metric);
void tell_saga_durations(struct telling *telling, const struct metric *metric);
void tell_sagas(struct telling *telling, const struct metric *metric);
void tell_requests(struct telling *telling, const struct metric *metric);
void tell_request_durations(struct telling *telling, const struct metric *metric);
void tell_http_requests(struct telling *telling, const struct metric *metric);
void tell_http_durations(struct telling *telling, const struct metric *metric);
void tell_group_members(struct telling *telling, const struct metric *metric);
void tell_group_lag(struct telling *telling, const struct metric *metric);
void tell_group_parked(struct telling *telling, const struct metric *metric);
void tell_group_checkpoint(struct telling *telling, const struct metric *metric);

/* metrics_figures.c: what is no figure of anybody's, but one number all the same, into telling->own. */
void telling_add(struct telling *telling, const char *name, uint64_t number);
enum varve_status telling_work_out(struct telling *telling, struct varve_error *error);

/* metrics_tell_outbox.c */
void tell_outbox_figure(struct telling *telling, const struct metric *metric); /* metric->figure, of each outbox */
void tell_outbox_info(struct telling *telling, const struct metric *metric);
void tell_outbox_state(struct telling *telling, const struct metric *metric);
void tell_outbox_breaker(struct telling *telling, const struct metric *metric);
void tell_outbox_halted(struct telling *telling, const struct metric *metric);
void tell_outbox_by_code(struct telling *telling, const struct metric *metric);
void tell_outbox_measure(struct telling *telling, const struct metric *metric);

/* metrics_process.c: "process_resident_memory_bytes" and so on; returns how many there are. */
enum { PROCESS_FIGURES = 6 };
size_t metrics_process_look(struct varve_stat ret[PROCESS_FIGURES]);

#endif
