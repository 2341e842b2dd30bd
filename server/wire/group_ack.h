/* group_ack.h - which events of a membership a message speaks of. */
#ifndef GROUP_ACK_H
#define GROUP_ACK_H

#include "fields.h"
#include "pack.h"

/* Three elements: the group, the epoch, the positions. */
void pack_acked(struct pack *pack, const struct varve_group_ack *ack);
void fields_acked(struct fields *fields, struct varve_wire_arena *arena, struct varve_group_ack *ret);

#endif
