/* metrics_text.c - see metrics_text.h. A buffer that ran out of memory takes nothing more and says so in the end. */
#include "metrics_text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BYTES = 32 * 1024, NUMBER_TEXT = 32 };

const char *metric_type_name(enum metric_type type)
{
    static const char *const names[] = { [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge",
                                         [METRIC_HISTOGRAM] = "histogram" };

    return names[type];
}

/* ---- the buffer ------------------------------------------------------------------------------------------------- */

static bool make_room(struct varve_wire_buffer *out, size_t size)
{
    size_t capacity = out->capacity < FIRST_BYTES ? FIRST_BYTES : out->capacity;

    if (out->failed || size <= out->capacity - out->size)
        return !out->failed;
    while (capacity - out->size < size)
        capacity *= 2;
    uint8_t *bytes = realloc(out->bytes, capacity);
    out->failed = bytes == NULL;
    if (out->failed)
        return false;
    out->bytes = bytes;
    out->capacity = capacity;
    return true;
}

static void put(struct varve_wire_buffer *out, const char *text, size_t size)
{
    if (size == 0 || !make_room(out, size))
        return;
    memcpy(out->bytes + out->size, text, size);
    out->size += size;
}

static void put_text(struct varve_wire_buffer *out, const char *text)
{
    put(out, text, strlen(text));
}

/* Microseconds as seconds, without zeros at the end: nothing is rounded. */
static size_t format(uint64_t value, enum metric_unit unit, char ret[NUMBER_TEXT])
{
    size_t size;

    if (unit == METRIC_PLAIN)
        return (size_t)snprintf(ret, NUMBER_TEXT, "%" PRIu64, value);
    size = (size_t)snprintf(ret, NUMBER_TEXT, "%" PRIu64 ".%06" PRIu64, value / 1000000, value % 1000000);
    while (ret[size - 1] == '0')
        size--;
    return ret[size - 1] == '.' ? size - 1 : size;
}

static void put_number(struct varve_wire_buffer *out, uint64_t value, enum metric_unit unit)
{
    char text[NUMBER_TEXT];

    put(out, text, format(value, unit, text));
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

void metric_text_head(struct varve_wire_buffer *out, const char *name, enum metric_type type, const char *help)
{
    put_text(out, "# HELP ");
    put_text(out, name);
    put_text(out, " ");
    put_text(out, help);
    put_text(out, "\n# TYPE ");
    put_text(out, name);
    put_text(out, " ");
    put_text(out, metric_type_name(type));
    put_text(out, "\n");
}

static void put_labels(struct varve_wire_buffer *out, const struct metric_label *labels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put_text(out, i == 0 ? "{" : ",");
        put_text(out, labels[i].name);
        put_text(out, "=\"");
        put(out, labels[i].value.data, labels[i].value.size);
        put_text(out, "\"");
    }
    put_text(out, count > 0 ? "} " : " ");
}

static void put_line(struct varve_wire_buffer *out, const char *name, const char *suffix,
                     const struct metric_label *labels, size_t label_count, uint64_t value, enum metric_unit unit)
{
    put_text(out, name);
    put_text(out, suffix);
    put_labels(out, labels, label_count);
    put_number(out, value, unit);
    put_text(out, "\n");
}

void metric_text_sample(struct varve_wire_buffer *out, const char *name, const struct metric_label *labels,
                        size_t label_count, uint64_t value, enum metric_unit unit)
{
    put_line(out, name, "", labels, label_count, value, unit);
}

void metric_text_histogram(struct varve_wire_buffer *out, const char *name, const struct metric_label *labels,
                           size_t label_count, const struct varve_histogram_view *view,
                           const struct metric_bounds *bounds, enum metric_unit unit)
{
    struct metric_label all[METRIC_MAX_LABELS];
    char bound[NUMBER_TEXT];

    assert(label_count < METRIC_MAX_LABELS && bounds->step > 0 && bounds->last < 64);
    if (label_count > 0)
        memcpy(all, labels, label_count * sizeof(*all));
    for (unsigned shift = bounds->first; shift <= bounds->last; shift += bounds->step) {
        uint64_t most = UINT64_C(1) << shift;

        all[label_count] = (struct metric_label){ "le", varve_view_of(bound, format(most, unit, bound)) };
        put_line(out, name, "_bucket", all, label_count + 1, varve_histogram_below(view, most), METRIC_PLAIN);
    }
    all[label_count] = (struct metric_label){ "le", varve_view_str("+Inf") };
    put_line(out, name, "_bucket", all, label_count + 1, view->count, METRIC_PLAIN);
    put_line(out, name, "_sum", labels, label_count, view->sum, unit);
    put_line(out, name, "_count", labels, label_count, view->count, METRIC_PLAIN);
}
