/* records.h - records for tests that work below the store: made in one line, position and version already assigned. */
#ifndef TESTS_RECORDS_H
#define TESTS_RECORDS_H

#include "varve/record.h"

struct test_record {
    const char *stream, *type;
    struct varve_uuid correlation_id;
    uint64_t position, version;
    int64_t recorded_at_us;
    const char *data;  /* NULL: none */
    size_t data_size;  /* 0: strlen(data) */
};

/* The record's bytes, to be freed with free(); its id follows from the position. */
uint8_t *test_record_make(const struct test_record *described, uint32_t *ret_size);

/* An id that `number` alone decides; never nil. */
struct varve_uuid test_uuid(uint64_t number);

#endif
