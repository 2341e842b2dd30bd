/* snapshot_row.h - a snapshot's array, as it stands in every answer that shows snapshots. */
#ifndef SNAPSHOT_ROW_H
#define SNAPSHOT_ROW_H

#include "varve/wire_snapshot.h"

#include "fields.h"
#include "pack.h"

#define LEAST_SNAPSHOT_BYTES 9u

void pack_snapshot(struct pack *pack, const struct varve_snapshot *snapshot, bool with_data);
void fields_snapshot(struct fields *fields, struct varve_snapshot *ret);

/* INT64_MAX, which no version reaches, is nil. */
void pack_version_or_nil(struct pack *pack, int64_t version);
int64_t fields_version_or_nil(struct fields *fields, const char *field, int64_t min);

#endif
