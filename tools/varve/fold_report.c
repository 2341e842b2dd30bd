/* fold_report.c - see fold_report.h. */
#include "fold_report.h"

#include <inttypes.h>
#include <string.h>

#include "pairs.h"

#define FIGURES_MAX 24

struct figure {
    const char *name;
    uint64_t value;
    bool always; /* in a table; the others only when they are not 0 */
};
struct figures {
    struct figure all[FIGURES_MAX];
    size_t count;
};

void fold_report_differs(struct fold_report *report, struct varve_view stream, int64_t version)
{
    if (report->row_count == FOLD_DIFFERING_MAX)
        return;
    report->row_count++;
    text_add(&report->rows, stream);
    text_add(&report->rows, varve_view_of("", 1));
    text_printf(&report->rows, "%" PRId64, version);
    text_add(&report->rows, varve_view_of("", 1));
}

void fold_report_free(struct fold_report *report)
{
    text_free(&report->rows);
}

bool fold_report_is_bad(const struct fold_report *report)
{
    return report->build.counts.failed + report->build.plan.crashed + report->verify.counts.failed +
           report->verify.plan.crashed + report->verify.counts.different > 0;
}

static void add(struct figures *figures, const char *name, uint64_t value, bool always)
{
    figures->all[figures->count++] = (struct figure){ name, value, always };
}

static void add_pace(struct figures *figures, const struct fold_pass *pass)
{
    double rate = pass->took_us > 0 ? (double)pass->counts.events * 1e6 / (double)pass->took_us : 0;

    add(figures, "milliseconds", pass->took_us / 1000, true);
    add(figures, "events_per_second", (uint64_t)rate, true);
}

static void add_passed_over(struct figures *figures, const struct fold_pass *pass)
{
    add(figures, "ended", pass->plan.ended, false);
    add(figures, "gone", pass->counts.gone, false);
    add(figures, "no_beginning", pass->counts.no_beginning, false);
    add(figures, "crashed", pass->plan.crashed, false);
    add(figures, "failed", pass->counts.failed, true);
}

static void add_build(struct figures *figures, const struct fold_report *report)
{
    const struct fold_pass *pass = &report->build;

    add(figures, "streams", pass->plan.streams, true);
    add(figures, "up_to_date", pass->plan.up_to_date, true);
    add(figures, "not_due", pass->plan.not_due, false);
    add(figures, "too_short", pass->plan.too_short, false);
    add(figures, report->dry_run ? "to_fold" : "folded", report->dry_run ? pass->plan.due : pass->counts.folded, true);
    add(figures, "events", report->dry_run ? pass->plan.events : pass->counts.events, true);
    if (!report->dry_run)
        add(figures, "stored", pass->counts.stored, true);
    add_passed_over(figures, pass);
    if (!report->dry_run)
        add_pace(figures, pass);
}

/* Behind a build only what it adds. */
static void add_verify(struct figures *figures, const struct fold_report *report)
{
    const struct fold_pass *pass = &report->verify;

    if (!report->build.done) {
        add(figures, "streams", pass->plan.streams, true);
        add(figures, "without_snapshot", pass->plan.without, true);
        add(figures, "folded", pass->counts.folded, true);
        add(figures, "events", pass->counts.events, true);
        add_passed_over(figures, pass);
        add_pace(figures, pass);
    }
    add(figures, "same", pass->counts.same, true);
    add(figures, "different", pass->counts.different, true);
}

/* The n-th row's stream and version; *at moves. */
static void next_row(const struct fold_report *report, size_t *at, struct varve_view *ret_stream,
                     struct varve_view *ret_version)
{
    *ret_stream = varve_view_str(report->rows.bytes + *at);
    *at += ret_stream->size + 1;
    *ret_version = varve_view_str(report->rows.bytes + *at);
    *at += ret_version->size + 1;
}

static void print_differing(const struct fold_report *report, struct output *output)
{
    static const struct table_column columns[] = { { "differs", false, 1 }, { "version", true, 0 } };
    struct varve_view stream, version;
    size_t at = 0;

    if (report->row_count == 0)
        return;
    struct table *table = table_begin(output, columns, 2);
    for (size_t i = 0; i < report->row_count; i++) {
        next_row(report, &at, &stream, &version);
        table_cell(table, stream);
        table_cell(table, version);
        table_row_end(table);
    }
    table_end(table);
    fputc('\n', output->file);
}

static void print_table(const struct fold_report *report, const struct figures *figures, struct output *output)
{
    print_differing(report, output);
    struct table *table = pairs_begin(output);
    for (size_t i = 0; i < figures->count; i++) {
        const struct figure *figure = &figures->all[i];
        if (figure->always || figure->value > 0)
            pairs_printf(table, figure->name, "%" PRIu64, figure->value);
    }
    table_end(table);
}

static void print_object(const struct fold_report *report, const struct figures *figures, struct output *output)
{
    struct text object = { 0 };
    struct varve_view stream, version;
    size_t at = 0;

    text_add_str(&object, "{");
    for (size_t i = 0; i < figures->count; i++)
        text_member_uint(&object, figures->all[i].name, figures->all[i].value);
    if (report->verify.done) {
        text_key(&object, "differing");
        text_add_str(&object, "[");
        for (size_t i = 0; i < report->row_count; i++) {
            next_row(report, &at, &stream, &version);
            text_add_str(&object, i > 0 ? ",{" : "{");
            text_member(&object, "stream", stream);
            text_key(&object, "version");
            text_add(&object, version);
            text_add_str(&object, "}");
        }
        text_add_str(&object, "]");
    }
    text_add_str(&object, "}");
    output_object(output, &object);
    text_free(&object);
}

void fold_report_print(struct fold_report *report, struct output *output)
{
    struct figures figures = { .count = 0 };

    if (report->build.done)
        add_build(&figures, report);
    if (report->verify.done)
        add_verify(&figures, report);
    if (output->format == OUTPUT_TABLE)
        print_table(report, &figures, output);
    else
        print_object(report, &figures, output);
}
