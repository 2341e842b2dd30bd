/* records.c - see records.h. */
#include "support/records.h"

#include "support/check.h"
#include "support/random.h"

#include <stdlib.h>

struct varve_uuid test_uuid(uint64_t number)
{
    struct varve_uuid id;
    uint64_t state = number, halves[2] = { random_next(&state), random_next(&state) | 1 };

    memcpy(id.bytes, halves, sizeof(halves));
    return id;
}

uint8_t *test_record_make(const struct test_record *described, uint32_t *ret_size)
{
    size_t data_size = described->data_size;
    struct varve_event event = {
        .stream = varve_view_str(described->stream), .type = varve_view_str(described->type),
        .id = test_uuid(described->position), .correlation_id = described->correlation_id,
        .time_us = VARVE_TIME_NONE, .schema_version = 1, .content_type = VARVE_CONTENT_OCTET_STREAM,
    };

    if (described->data != NULL)
        event.data = varve_view_of(described->data, data_size == 0 ? strlen(described->data) : data_size);
    size_t size = varve_record_size(&event);
    uint8_t *record = malloc(size);
    assert_non_null(record);
    assert_int_equal(varve_record_encode(&event, record), size);
    varve_record_assign(record, size, described->position, described->version, described->recorded_at_us);
    *ret_size = (uint32_t)size;
    return record;
}
