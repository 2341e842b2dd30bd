/* snapshot_text.h - snapshots for people and as JSON. */
#ifndef TOOLS_SNAPSHOT_TEXT_H
#define TOOLS_SNAPSHOT_TEXT_H

#include "output.h"
#include "varve/snapshots.h"

/* Rows of a list. */
extern const struct table_column snapshot_columns[];
extern const size_t snapshot_column_count;
void snapshot_print_row(struct table *table, const struct varve_snapshot *snapshot);
/* One as a table of its own, its data with it. */
void snapshot_print(struct output *output, const struct varve_snapshot *snapshot);
/* As an object; `data` only when it has some: JSON as it is, else base64. */
void snapshot_format(struct text *out, const struct varve_snapshot *snapshot);

#endif
