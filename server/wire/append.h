/* append.h - what an APPEND and its outcome have in common with messages that append and do more. */
#ifndef WIRE_APPEND_H
#define WIRE_APPEND_H

#include "fields.h"
#include "pack.h"

/* Two elements: the streams, the events. `min` of each must be there: 0 or 1. */
void pack_append(struct pack *pack, const struct varve_append_request *append);
void fields_append(struct fields *fields, struct varve_wire_arena *arena, uint32_t min,
                   struct varve_append_request *ret);

/* A list of what is to be stored, of min to max items: APPEND_TOO_LARGE above. As fields_list() else. */
uint32_t fields_bounded_list(struct fields *fields, const char *name, size_t least_bytes, uint32_t min, uint32_t max);

/* One element: what became of each stream. */
void pack_results(struct pack *pack, const struct varve_append_result *results, size_t count);
const struct varve_append_result *fields_results(struct fields *fields, struct varve_wire_arena *arena,
                                                 size_t *ret_count);

#endif
