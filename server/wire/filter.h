/* filter.h - a filter's array, as it stands in SUBSCRIBE and in a group's settings. */
#ifndef WIRE_FILTER_H
#define WIRE_FILTER_H

#include "fields.h"
#include "pack.h"

#define LEAST_FILTER_BYTES 8u

void pack_filter(struct pack *pack, const struct varve_filter *filter); /* NULL: the filter that asks for nothing */

/* Its lists are in the arena. A list longer than VARVE_FILTER_MAX_ITEMS is out of range and costs no more than one of
 * that length; what else a filter must be is left to varve_filter_check(). */
void fields_filter(struct fields *fields, struct varve_wire_arena *arena, struct varve_filter *ret);

#endif
