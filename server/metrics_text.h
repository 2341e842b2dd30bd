/* metrics_text.h - Prometheus' text format, version 0.0.4: heads, samples and histograms, appended to a buffer. */
#ifndef SERVER_METRICS_TEXT_H
#define SERVER_METRICS_TEXT_H

#include "varve/histogram.h"
#include "varve/wire.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };
const char *metric_type_name(enum metric_type type); /* "counter" */

/* Values are counted in microseconds or plainly; durations are told in seconds, exactly. */
enum metric_unit { METRIC_PLAIN, METRIC_SECONDS };

/* Upper bounds of the buckets that are told: 2^first, 2^(first + step), ..., 2^last; and the rest. */
struct metric_bounds {
    unsigned first, last, step;
};

enum { METRIC_MAX_LABELS = 3 };
struct metric_label {
    const char *name;
    struct varve_view value; /* as it stands between the quotes: escaped */
};

void metric_text_head(struct varve_wire_buffer *out, const char *name, enum metric_type type, const char *help);
void metric_text_sample(struct varve_wire_buffer *out, const char *name, const struct metric_label *labels,
                        size_t label_count, uint64_t value, enum metric_unit unit);
/* At most METRIC_MAX_LABELS - 1 labels: `le` is one more. */
void metric_text_histogram(struct varve_wire_buffer *out, const char *name, const struct metric_label *labels,
                           size_t label_count, const struct varve_histogram_view *view,
                           const struct metric_bounds *bounds, enum metric_unit unit);

#endif
