/* report.c - the table people look at and the JSON programs read. Medians over the rounds. */
#include "bench.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct report {
    const struct settings *settings;
    const char *section;
    json_t *rows, *notes;
};

struct report *report_open(const struct settings *settings)
{
    struct report *report = calloc(1, sizeof(*report));

    if (report == NULL)
        die("no memory");
    report->settings = settings;
    report->rows = json_array();
    report->notes = json_array();
    return report;
}

bool is_chosen(const struct settings *settings, const char *name)
{
    return settings->only == NULL || strstr(name, settings->only) != NULL;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, uint32_t count)
{
    qsort(values, count, sizeof(*values), compare_doubles);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

#define MEDIAN_OF(rounds, count, field)                     \
    ({                                                      \
        double values_[MAX_ROUNDS];                         \
        for (uint32_t i_ = 0; i_ < (count); i_++)           \
            values_[i_] = (rounds)[i_].field;               \
        median(values_, (count));                           \
    })

static struct measurement median_of(const struct measurement *rounds, uint32_t count)
{
    return (struct measurement){ MEDIAN_OF(rounds, count, per_second), MEDIAN_OF(rounds, count, p50_us),
                                 MEDIAN_OF(rounds, count, p99_us), MEDIAN_OF(rounds, count, p999_us) };
}

static double median_ratio(const struct row *row)
{
    double ratios[MAX_ROUNDS];

    for (uint32_t i = 0; i < row->rounds; i++)
        ratios[i] = row->ours[i].per_second / row->raw[i].per_second;
    return median(ratios, row->rounds);
}

static void human(double value, char text[16])
{
    if (value >= 1e6)
        snprintf(text, 16, "%.2f M", value / 1e6);
    else if (value >= 1e4)
        snprintf(text, 16, "%.0f k", value / 1e3);
    else if (value >= 1e3)
        snprintf(text, 16, "%.1f k", value / 1e3);
    else
        snprintf(text, 16, "%.1f", value);
}

static void print_section(struct report *report, const char *section)
{
    if (report->section != NULL && strcmp(report->section, section) == 0)
        return;
    report->section = section;
    printf("\n%s\n%-44s %12s %9s %9s %9s %12s %6s %6s\n", section, "case", "per second", "p50 us", "p99 us", "p99.9 us",
           "raw", "ratio", "goal");
}

static json_t *measurement_json(const struct measurement *m)
{
    return json_pack("{s:f,s:f,s:f,s:f}", "per_second", m->per_second, "p50_us", m->p50_us, "p99_us", m->p99_us,
                     "p999_us", m->p999_us);
}

void report_row(struct report *report, const struct row *row)
{
    struct measurement ours = median_of(row->ours, row->rounds), raw = { 0 };
    char rate[16], raw_rate[16] = "-", ratio[16] = "-", goal[16] = "-";
    json_t *object = json_pack("{s:s,s:s,s:s,s:i,s:o}", "section", row->section, "case", row->name, "unit", row->unit,
                               "rounds", (int)row->rounds, "varve", measurement_json(&ours));

    if (row->has_raw) {
        raw = median_of(row->raw, row->rounds);
        human(raw.per_second, raw_rate);
        snprintf(ratio, sizeof(ratio), "%.2f", median_ratio(row));
        json_object_set_new(object, "raw", measurement_json(&raw));
        json_object_set_new(object, "raw_is", json_string(row->raw_name));
        json_object_set_new(object, "ratio", json_real(median_ratio(row)));
    }
    if (row->goal > 0) {
        if (row->has_raw)
            snprintf(goal, sizeof(goal), "%.2f", row->goal);
        else
            human(row->goal, goal);
        json_object_set_new(object, "goal", json_real(row->goal));
    }
    json_array_append_new(report->rows, object);
    print_section(report, row->section);
    human(ours.per_second, rate);
    printf("%-44s %12s %9.0f %9.0f %9.0f %12s %6s %6s\n", row->name, rate, ours.p50_us, ours.p99_us, ours.p999_us,
           raw_rate, ratio, goal);
    fflush(stdout);
}

void report_note(struct report *report, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    printf("  %s\n", text);
    fflush(stdout);
    json_array_append_new(report->notes, json_string(text));
}

bool report_close(struct report *report)
{
    json_t *document = json_pack("{s:o,s:o}", "rows", report->rows, "notes", report->notes);
    bool written = report->settings->json_path == NULL ||
                   json_dump_file(document, report->settings->json_path, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) == 0;

    json_decref(document);
    free(report);
    return written;
}

void measure_histogram(const struct histogram *histogram, uint64_t items, uint64_t elapsed_ns, struct measurement *ret)
{
    *ret = (struct measurement){
        .per_second = (double)items * 1e9 / (double)(elapsed_ns == 0 ? 1 : elapsed_ns),
        .p50_us = (double)histogram_at(histogram, 0.5) / 1e3,
        .p99_us = (double)histogram_at(histogram, 0.99) / 1e3,
        .p999_us = (double)histogram_at(histogram, 0.999) / 1e3,
    };
}
