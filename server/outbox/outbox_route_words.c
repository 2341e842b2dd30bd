/* outbox_route_words.c - names of the reasons for which events are not sent. */
#include "outbox_route.h"

const char *outbox_filter_reason_name(enum outbox_filter_reason reason)
{
    static const char *const names[OUTBOX_FILTER_REASONS] = {
        [OUTBOX_FILTER_SYSTEM] = "system", [OUTBOX_FILTER_NO_ROUTE] = "no_route",
        [OUTBOX_FILTER_DROPPED] = "dropped", [OUTBOX_FILTER_TYPE_NOT_ALLOWED] = "type_not_allowed",
        [OUTBOX_FILTER_FIELD_MISSING] = "field_missing", [OUTBOX_FILTER_OTHER_PRIORITY] = "other_priority",
    };

    return (unsigned)reason < OUTBOX_FILTER_REASONS ? names[reason] : NULL;
}
