/* test_find.c - as many ids as may be asked for, and one more. */
#include "frame_body.h"

#include <stdlib.h>

enum { MOST = 10000 };

static void as_many_ids_as_allowed(void **state)
{
    struct varve_uuid *ids = calloc(MOST + 1, sizeof(*ids));
    struct varve_wire_arena *arena = varve_wire_arena_create();

    for (uint32_t i = 0; i <= MOST; i++) {
        ids[i].bytes[0] = 1;
        memcpy(ids[i].bytes + 4, &i, sizeof(i));
    }
    for (size_t count = MOST; count <= MOST + 1; count++) {
        struct varve_wire_buffer buffer = { 0 };
        const struct varve_uuid *decoded;
        struct varve_error error;
        size_t decoded_count;

        varve_encode_find(&buffer, 1, ids, count);
        enum varve_status status = varve_decode_find(frame_body(&buffer, VARVE_OP_FIND), arena, &decoded,
                                                     &decoded_count, &error);

        assert_int_equal(status, count == MOST ? VARVE_OK : VARVE_INVALID_ARGUMENT);
        if (status == VARVE_OK) {
            assert_int_equal(decoded_count, MOST);
            assert_memory_equal(decoded, ids, MOST * sizeof(*ids));
        } else {
            assert_string_equal(error.field, "ids");
        }
        varve_wire_buffer_free(&buffer);
    }
    varve_wire_arena_free(arena);
    free(ids);
}

static void positions_of_every_width(void **state)
{
    static const uint64_t positions[] = { 0, 1, 127, 128, 255, 256, 65535, 65536, UINT32_MAX, 1ull << 32, UINT64_MAX };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    const uint64_t *decoded;
    size_t count;

    varve_encode_find_ok(&buffer, 1, positions, COUNT_OF(positions));
    assert_int_equal(varve_decode_find_ok(frame_body(&buffer, VARVE_OP_FIND_OK), arena, &decoded, &count, NULL),
                     VARVE_OK);
    assert_int_equal(count, COUNT_OF(positions));
    assert_memory_equal(decoded, positions, sizeof(positions));
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_ids_as_allowed),
        cmocka_unit_test(positions_of_every_width),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
