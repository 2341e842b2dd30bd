/* fold_report.h - what came of building and verifying snapshots, for people or as one JSON object. */
#ifndef TOOLS_FOLD_REPORT_H
#define TOOLS_FOLD_REPORT_H

#include "fold_plan.h"
#include "output.h"

#define FOLD_DIFFERING_MAX 1000 /* listed; all are counted */

/* One pass over the streams. */
struct fold_pass {
    bool done;
    struct fold_plan_counts plan;
    struct fold_counts counts;
    uint64_t took_us;
};
struct fold_report {
    bool dry_run;
    struct fold_pass build, verify;
    struct text rows;          /* differing snapshots: "stream\0" and a version as text, "\0" */
    size_t row_count;
};

void fold_report_differs(struct fold_report *report, struct varve_view stream, int64_t version);
void fold_report_print(struct fold_report *report, struct output *output);
void fold_report_free(struct fold_report *report);
/* Did something fail or differ? */
bool fold_report_is_bad(const struct fold_report *report);

#endif
