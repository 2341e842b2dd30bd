/* metrics_table.h - every metric there is, in one table: /metrics, docs/metrics.md and their tests come from it.
 *
 * A figure of the engine, of the server or of an outbox is a row and no more; what needs more thought than that has a
 * function that tells it. A test holds that no figure is forgotten. */
#ifndef SERVER_METRICS_TABLE_H
#define SERVER_METRICS_TABLE_H

#include "metrics_text.h"

struct telling;

/* Whose figures `figure` names: of varve_stats_list(), of FIGURES, of OUTBOX_LIST. */
enum metric_source { METRIC_OF_ENGINE, METRIC_OF_SERVER, METRIC_OF_OUTBOX, METRIC_OF_NOBODY };

struct metric {
    const char *name;          /* in full; rows with the same name stand together, with the first one's help */
    enum metric_type type;
    const char *help;          /* one sentence, without `\` and line ends */
    const char *labels;        /* their names, with a comma between; NULL: none. An outbox's figure has `outbox` */
    enum metric_source source;
    const char *figure;        /* told as it is; with `tell`: those that it covers, with blanks between */
    const char *value;         /* of the one label, of a row that shares its name with others; NULL: no such label */
    enum metric_unit unit;
    struct metric_bounds bounds; /* of a histogram */
    void (*tell)(struct telling *telling, const struct metric *metric); /* all of it but the head; NULL: the figure */
};
extern const struct metric metrics_table[];
extern const size_t metrics_table_count;
/* Told also before there is a store: the process, its health, HTTP and the log. */
bool metric_needs_no_store(const struct metric *metric);

#endif
