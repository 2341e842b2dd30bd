/* test_record.c - a record's bytes are those of record.h to the byte, and every event survives them. */
#include "support/check.h"
#include "support/random.h"
#include "support/sample_event.h"
#include "varve/record.h"
#include "varve/uuid.h"

#include <msgpack.h>
#include <stdlib.h>
#include <xxhash.h>

static char many[70000]; /* 'x' all over */

static void assert_events_equal(const struct varve_event *a, const struct varve_event *b)
{
    assert_true(varve_view_equal(a->stream, b->stream) && varve_view_equal(a->type, b->type));
    assert_true(varve_uuid_equal(&a->id, &b->id));
    assert_true(varve_uuid_equal(&a->correlation_id, &b->correlation_id));
    assert_true(varve_uuid_equal(&a->causation_id, &b->causation_id));
    assert_true(a->time_us == b->time_us && a->schema_version == b->schema_version);
    assert_true(a->class_ == b->class_ && a->content_type == b->content_type);
    assert_true(varve_view_equal(a->source, b->source) && varve_view_equal(a->user_id, b->user_id));
    assert_true(varve_view_equal(a->metadata, b->metadata));
    assert_int_equal(a->data.size, b->data.size);
    assert_true(a->data.size == 0 || memcmp(a->data.data, b->data.data, a->data.size) == 0);
    assert_true(a->position == b->position && a->version == b->version && a->recorded_at_us == b->recorded_at_us);
}

static void round_trip(const struct varve_event *event)
{
    struct varve_event decoded;
    size_t size, again_size;
    uint8_t *bytes = sample_event_encode(event, &size);

    assert_true(size <= event->data.size + event->metadata.size + VARVE_RECORD_MAX_OVERHEAD);
    assert_true(varve_record_verify(bytes, size));
    assert_int_equal(varve_record_decode(bytes, size, &decoded), VARVE_OK);
    assert_events_equal(event, &decoded);
    struct varve_uuid correlation_id = varve_record_correlation_id(bytes);
    assert_true(varve_uuid_equal(&correlation_id, &event->correlation_id));
    assert_int_equal(varve_record_class(bytes), event->class_);
    uint8_t *again = sample_event_encode(&decoded, &again_size);
    assert_int_equal(again_size, size);
    assert_memory_equal(again, bytes, size);
    free(again);
    free(bytes);
}

/* Written by hand from record.h. */
static void the_bytes_are_as_documented(void **state)
{
    static const char expected[] =
        "\xdc\x00\x12" "\x01"
        "\xcf\x00\x00\x00\x00\x00\x00\x00\x07" "\xcf\x00\x00\x00\x00\x00\x00\x00\x03"
        "\xcf\x00\x06\x0a\x24\x18\x1e\x40\x00"
        "\xc4\x10\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
        "\xda\x00\x08order-42" "\xd9\x0corder.placed" "\x01" "\xcd\x01\x2c" "\xfb"
        "\xc4\x10\x20\x21\x22\x23\x24\x25\x26\x27\x28\x29\x2a\x2b\x2c\x2d\x2e\x2f"
        "\xc4\x10\x40\x41\x42\x43\x44\x45\x46\x47\x48\x49\x4a\x4b\x4c\x4d\x4e\x4f"
        "\xa4shop" "\xa3""ann" "\x01" "\xc4\x02{}" "\xc4\x02\x91\x01";
    struct varve_event event = sample_event_full();
    size_t size, covered = sizeof(expected) - 1;
    uint8_t *bytes = sample_event_encode(&event, &size);

    assert_int_equal(size, covered + VARVE_RECORD_CHECKSUM);
    assert_memory_equal(bytes, expected, covered);
    assert_int_equal(bytes[covered], 0xcf);
    uint64_t hash = XXH3_64bits(bytes, covered);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(bytes[covered + 1 + i], (uint8_t)(hash >> (56 - 8 * i)));
    free(bytes);
}

static void msgpack_c_reads_the_same(void **state)
{
    struct varve_event event = sample_event_full();
    msgpack_unpacked unpacked;
    size_t size, offset = 0;
    uint8_t *bytes = sample_event_encode(&event, &size);

    msgpack_unpacked_init(&unpacked);
    assert_int_equal(msgpack_unpack_next(&unpacked, (char *)bytes, size, &offset), MSGPACK_UNPACK_SUCCESS);
    assert_int_equal(offset, size);
    assert_int_equal(unpacked.data.type, MSGPACK_OBJECT_ARRAY);
    assert_int_equal(unpacked.data.via.array.size, 18);
    const msgpack_object *o = unpacked.data.via.array.ptr;
    assert_true(o[0].via.u64 == 1 && o[1].via.u64 == 7 && o[2].via.u64 == 3 && o[3].via.u64 == 1700000000000000);
    assert_true(o[4].type == MSGPACK_OBJECT_BIN && o[4].via.bin.size == 16);
    assert_true(o[5].type == MSGPACK_OBJECT_STR && o[5].via.str.size == 8 && !memcmp(o[5].via.str.ptr, "order-42", 8));
    assert_true(o[6].type == MSGPACK_OBJECT_STR && o[6].via.str.size == 12);
    assert_true(o[7].via.u64 == 1 && o[8].via.u64 == 300);
    assert_true(o[9].type == MSGPACK_OBJECT_NEGATIVE_INTEGER && o[9].via.i64 == -5);
    assert_true(o[10].type == MSGPACK_OBJECT_BIN && o[11].type == MSGPACK_OBJECT_BIN);
    assert_true(o[12].type == MSGPACK_OBJECT_STR && o[13].type == MSGPACK_OBJECT_STR && o[14].via.u64 == 1);
    assert_true(o[15].type == MSGPACK_OBJECT_BIN && o[16].type == MSGPACK_OBJECT_BIN);
    assert_true(o[17].type == MSGPACK_OBJECT_POSITIVE_INTEGER);
    assert_true(o[17].via.u64 == XXH3_64bits(bytes, size - VARVE_RECORD_CHECKSUM));
    msgpack_unpacked_destroy(&unpacked);
    free(bytes);
}

static void edges_of_every_width_survive(void **state)
{
    static const size_t sizes[] = { 0, 1, 31, 32, 255, 256, 65535, 65536 };
    static const int64_t times[] = { VARVE_TIME_NONE, INT64_MIN + 1, INT32_MIN - INT64_C(1), INT32_MIN, -32769, -32768,
                                     -129, -128, -33, -32, -1, 0, 127, 128, 255, 256, 65535, 65536, UINT32_MAX,
                                     UINT32_MAX + INT64_C(1), INT64_MAX };
    static const uint32_t schemas[] = { 0, 127, 128, 255, 256, 65535, 65536, UINT32_MAX };

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct varve_event event = sample_event_bare();
        event.data = event.metadata = varve_view_of(many, sizes[i]);
        round_trip(&event);
        if (sizes[i] >= 1 && sizes[i] <= 255) {
            event.source = event.user_id = event.type = event.stream = varve_view_of(many, sizes[i]);
            round_trip(&event);
        }
    }
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        struct varve_event event = sample_event_bare();
        event.time_us = times[i];
        round_trip(&event);
    }
    for (size_t i = 0; i < COUNT_OF(schemas); i++) {
        struct varve_event event = sample_event_bare();
        event.schema_version = schemas[i];
        round_trip(&event);
    }
}

static void the_largest_overhead_fits_the_promise(void **state)
{
    struct varve_event event = sample_event_full();
    size_t size;

    event.stream = varve_view_of(many, VARVE_MAX_SYSTEM_STREAM_NAME);
    event.type = event.source = event.user_id = varve_view_of(many, 255);
    event.time_us = INT64_MIN + 1;
    event.schema_version = UINT32_MAX;
    event.data = event.metadata = varve_view_of(many, 65536);
    uint8_t *bytes = sample_event_encode(&event, &size);
    assert_true(size - 2 * 65536 <= VARVE_RECORD_MAX_OVERHEAD);
    free(bytes);
    round_trip(&event);
}

static struct varve_uuid random_id(uint64_t *seed, bool may_be_nil)
{
    struct varve_uuid id = { { 0 } };

    if (may_be_nil && random_below(seed, 2) == 0)
        return id;
    for (unsigned i = 0; i < 16; i++)
        id.bytes[i] = (uint8_t)random_next(seed);
    return id;
}

static struct varve_view random_text(uint64_t *seed, size_t least, size_t most, bool may_be_absent)
{
    if (may_be_absent && random_below(seed, 2) == 0)
        return varve_view_of(NULL, 0);
    size_t bound = random_below(seed, 2) ? most : 40;
    return varve_view_of(many, least + random_below(seed, (bound < most ? bound : most) - least + 1));
}

static void random_events_survive(void **state)
{
    uint64_t seed = 5;

    for (unsigned round = 0; round < 20000; round++) {
        struct varve_event event = {
            .stream = random_text(&seed, 1, 490, false), .type = random_text(&seed, 1, 255, false),
            .id = random_id(&seed, false), .correlation_id = random_id(&seed, true),
            .causation_id = random_id(&seed, true),
            .schema_version = (uint32_t)random_next(&seed) >> random_below(&seed, 32),
            .time_us = (int64_t)random_next(&seed) >> random_below(&seed, 64),
            .class_ = (enum varve_class)random_below(&seed, 3),
            .content_type = (enum varve_content_type)random_below(&seed, 3),
            .source = random_text(&seed, 1, 255, true), .user_id = random_text(&seed, 1, 255, true),
            .data = random_text(&seed, 0, 700, true), .metadata = random_text(&seed, 1, 700, true),
            .position = random_next(&seed), .version = random_next(&seed),
            .recorded_at_us = (int64_t)random_next(&seed),
        };
        round_trip(&event);
    }
}

static void assigning_later_gives_the_same_bytes(void **state)
{
    struct varve_event event = sample_event_full(), unassigned = event;
    size_t size, other_size;

    unassigned.position = unassigned.version = 0;
    unassigned.recorded_at_us = 0;
    uint8_t *bytes = sample_event_encode(&event, &size), *other = sample_event_encode(&unassigned, &other_size);
    assert_int_equal(size, other_size);
    assert_memory_not_equal(bytes, other, size);
    varve_record_assign(other, size, event.position, event.version, event.recorded_at_us);
    assert_memory_equal(bytes, other, size);
    free(bytes);
    free(other);
}

static void single_fields_are_found(void **state)
{
    struct varve_event event = sample_event_full();
    size_t size;
    uint8_t *bytes = sample_event_encode(&event, &size);
    struct varve_uuid id = varve_record_id(bytes);

    assert_int_equal(varve_record_position(bytes), 7);
    assert_int_equal(varve_record_version(bytes), 3);
    assert_int_equal(varve_record_recorded_at(bytes), 1700000000000000);
    assert_true(varve_uuid_equal(&id, &event.id));
    assert_true(varve_view_equal(varve_record_stream(bytes), event.stream));
    assert_true(varve_view_equal(varve_record_type(bytes), event.type));
    struct varve_uuid correlation_id = varve_record_correlation_id(bytes);
    assert_int_equal(varve_record_class(bytes), event.class_);
    assert_true(varve_uuid_equal(&correlation_id, &event.correlation_id));
    assert_memory_equal(bytes + VARVE_RECORD_PREFIX + 3, "order-42", 8);
    assert_memory_equal(bytes + VARVE_RECORD_CONTENT + 2, event.id.bytes, 16);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_as_documented),
        cmocka_unit_test(msgpack_c_reads_the_same),
        cmocka_unit_test(edges_of_every_width_survive),
        cmocka_unit_test(the_largest_overhead_fits_the_promise),
        cmocka_unit_test(random_events_survive),
        cmocka_unit_test(assigning_later_gives_the_same_bytes),
        cmocka_unit_test(single_fields_are_found),
    };

    memset(many, 'x', sizeof(many));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
