/* random_parts.h - random but allowed parts of messages: texts, filters, settings, sagas. */
#ifndef TESTS_WIRE_RANDOM_PARTS_H
#define TESTS_WIRE_RANDOM_PARTS_H

#include "varve/wire_outbox.h"
#include "varve/wire_saga.h"
#include "varve/wire_snapshot.h"

/* What the parts of one message point into. */
struct parts {
    uint64_t random;
    char text[1 << 16];
    size_t text_used;
    struct varve_view names[4][8];
    struct varve_filter filter;
};
void parts_begin(struct parts *parts); /* forgets the parts made so far */

uint64_t parts_number(struct parts *parts, uint64_t min, uint64_t max); /* often one of the two, or small, or large */
bool parts_chance(struct parts *parts);
struct varve_view parts_text(struct parts *parts, size_t max_bytes); /* at least a byte */
struct varve_view parts_text_or_none(struct parts *parts, size_t max_bytes);
struct varve_view parts_bytes(struct parts *parts, size_t max_bytes);
struct varve_uuid parts_uuid(struct parts *parts);
struct varve_uuid parts_uuid_or_none(struct parts *parts);
int64_t parts_version(struct parts *parts, int64_t min); /* min or above, below INT64_MAX */
int64_t parts_time_or_none(struct parts *parts);
struct varve_view parts_saga_type(struct parts *parts);
void parts_filter(struct parts *parts, struct varve_filter *ret); /* one that varve_filter_check() allows */
void parts_settings(struct parts *parts, struct varve_group_settings *ret);
void parts_saga(struct parts *parts, struct varve_saga *ret);
struct varve_view parts_outbox_name(struct parts *parts);
void parts_snapshot(struct parts *parts, struct varve_snapshot *ret);

#endif
