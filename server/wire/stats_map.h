/* stats_map.h - figures by name as a map, as they stand in STATS_OK and in the answers about outboxes. */
#ifndef STATS_MAP_H
#define STATS_MAP_H

#include "fields.h"
#include "pack.h"

void pack_stats(struct pack *pack, const struct varve_stat *stats, size_t count);
/* How many there are; checks them as fields_stats() does. */
size_t fields_stats_skip(struct fields *fields);
/* In the arena. Values of other kinds than text and count are skipped. */
const struct varve_stat *fields_stats(struct fields *fields, struct varve_wire_arena *arena, size_t *ret_count);

#endif
