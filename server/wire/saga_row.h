/* saga_row.h - a saga's array, as it stands in every answer that shows sagas. */
#ifndef SAGA_ROW_H
#define SAGA_ROW_H

#include "varve/wire_saga.h"

#include "fields.h"
#include "pack.h"

void pack_saga(struct pack *pack, const struct varve_saga *saga);
void fields_saga(struct fields *fields, struct varve_saga *ret);

/* One element: a list of sagas, in the arena. */
void pack_sagas(struct pack *pack, const struct varve_saga *sagas, size_t count);
struct varve_saga *fields_sagas(struct fields *fields, struct varve_wire_arena *arena, size_t *ret_count);

#endif
