/* sample_event.c - an event with everything, one with nothing, and their bytes. */
#include "sample_event.h"

#include "check.h"
#include "varve/record.h"

#include <stdlib.h>

struct varve_event sample_event_full(void)
{
    struct varve_event event = {
        .stream = varve_view_str("order-42"), .type = varve_view_str("order.placed"), .time_us = -5,
        .schema_version = 300, .class_ = VARVE_CLASS_INTEGRATION, .content_type = VARVE_CONTENT_MSGPACK,
        .source = varve_view_str("shop"), .user_id = varve_view_str("ann"), .data = varve_view_str("\x91\x01"),
        .metadata = varve_view_str("{}"), .position = 7, .version = 3, .recorded_at_us = 1700000000000000,
    };

    for (unsigned i = 0; i < 16; i++) {
        event.id.bytes[i] = (uint8_t)(i + 1);
        event.correlation_id.bytes[i] = (uint8_t)(0x20 + i);
        event.causation_id.bytes[i] = (uint8_t)(0x40 + i);
    }
    return event;
}

struct varve_event sample_event_bare(void)
{
    return (struct varve_event){ .stream = varve_view_str("s"), .type = varve_view_str("t"), .id = { { 1 } },
                                 .time_us = VARVE_TIME_NONE };
}

uint8_t *sample_event_encode(const struct varve_event *event, size_t *ret_size)
{
    size_t size = varve_record_size(event);
    uint8_t *bytes = malloc(size);

    assert_non_null(bytes);
    assert_int_equal(varve_record_encode(event, bytes), size);
    *ret_size = size;
    return bytes;
}
