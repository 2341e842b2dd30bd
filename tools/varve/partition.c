/* partition.c - see partition.h. */
#include "partition.h"

#include <xxhash.h>

#include "varve/uuid.h"

bool partition_key_parse(struct varve_view text, enum partition_key *ret)
{
    static const char *const names[] = { "stream", "category", "correlation" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (varve_view_equal(text, varve_view_str(names[i]))) {
            *ret = (enum partition_key)i;
            return true;
        }
    }
    return false;
}

unsigned partition_of(const struct varve_event *event, enum partition_key key, unsigned count)
{
    struct varve_view text = event->stream;

    if (key == PARTITION_CATEGORY)
        text = varve_category(event->stream);
    else if (key == PARTITION_CORRELATION && !varve_uuid_is_nil(&event->correlation_id))
        text = varve_view_of((const char *)event->correlation_id.bytes, sizeof(event->correlation_id.bytes));
    return (unsigned)(XXH3_64bits(text.data, text.size) % count);
}
