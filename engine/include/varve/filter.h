/* filter.h - which events a subscription or a consumer group is about.
 *
 * A filter is a conjunction: an event matches when it satisfies every part that is given, and a part that is a list is
 * satisfied by any of its items. An empty filter matches every event that is not a system event. */
#ifndef VARVE_FILTER_H
#define VARVE_FILTER_H

#include "varve/store.h"

#define VARVE_FILTER_MAX_ITEMS 256u   /* of one list */
#define VARVE_FILTER_MAX_BYTES 32768u /* of all names together */

struct varve_filter {
    const struct varve_view *streams;    /* names in full; a system stream named here needs no include_system */
    const struct varve_view *categories; /* what stands before the first '-' of a stream's name */
    const struct varve_view *types;
    const struct varve_view *prefixes;   /* of stream names */
    size_t stream_count, category_count, type_count, prefix_count;
    struct varve_uuid correlation_id;    /* nil: any or none */
    unsigned classes;                    /* bit 1 << enum varve_class each; 0: all */
    bool include_system;                 /* also events of `$` streams */
};

/* The shape of every part, and whether any event can match at all: INVALID_ARGUMENT names the field, such as
 * "filter.types[2]", or "filter" when its parts contradict each other (stream "order-1" in category "payment", a prefix
 * "$group-" without include_system, ...). Lists over the bounds above: INVALID_ARGUMENT too. */
enum varve_status varve_filter_check(const struct varve_filter *filter, struct varve_error *error);

/* A checked filter in one piece of memory, ended with free(). Its lists are sorted by bytes and without doubles, so
 * that two filters that say the same in another order are equal. NULL: no memory. */
struct varve_filter *varve_filter_copy(const struct varve_filter *filter);
/* Of two made by varve_filter_copy(). */
bool varve_filter_equal(const struct varve_filter *a, const struct varve_filter *b);

/* Does this verified record match? Of a filter made by varve_filter_copy(). Looks at no more of the record than the
 * filter needs; takes no memory. */
bool varve_filter_matches(const struct varve_filter *filter, const uint8_t *record, uint32_t size);

/* The read through which few events outside of the filter would be met: by the one stream, correlation id, type or
 * category that it names, as far as `indexes` keeps them; else ALL. `from` is left at the edge; include_system is set.
 * ret_read->name points into the filter. */
void varve_filter_choose_read(const struct varve_filter *filter, unsigned indexes, struct varve_read *ret_read);

#endif
