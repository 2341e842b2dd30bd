/* group_settings.h - the settings' array of a consumer group, and the texts that messages about groups share. */
#ifndef GROUP_SETTINGS_H
#define GROUP_SETTINGS_H

#include "fields.h"
#include "pack.h"

#define LEAST_SETTINGS_BYTES 15u

void pack_group_settings(struct pack *pack, const struct varve_group_settings *settings);

/* The filter, never NULL, is in the arena. Ranges are left to varve_group_settings_check(), except that no more
 * backoffs are kept than there is room for. */
void fields_group_settings(struct fields *fields, struct varve_wire_arena *arena, struct varve_group_settings *ret);

struct varve_view fields_group(struct fields *fields);  /* a group's name, as the field "group" */
struct varve_view fields_reason(struct fields *fields); /* or nil, as the field "reason" */

#endif
