/* partition.h - to which of some workers an event belongs: always the same for a key. */
#ifndef TOOLS_PARTITION_H
#define TOOLS_PARTITION_H

#include "varve/event.h"

enum partition_key { PARTITION_STREAM, PARTITION_CATEGORY, PARTITION_CORRELATION };

bool partition_key_parse(struct varve_view text, enum partition_key *ret);
/* Below `count`. The same in every run, and on every machine: XXH3-64 of the key modulo `count`. An event without a
 * correlation id has its stream for a key. */
unsigned partition_of(const struct varve_event *event, enum partition_key key, unsigned count);

#endif
