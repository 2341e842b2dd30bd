/* test_saga_list.c - lists and claims of sagas, there and back. */
#include "message_check.h"
#include "random_parts.h"
#include "support/effort.h"

enum { MOST = 12 };

static struct varve_view random_type_or_none(struct parts *parts)
{
    return parts_chance(parts) ? varve_view_of(NULL, 0) : parts_saga_type(parts);
}

static void requests_there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261125) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(300); round++) {
        parts_begin(&parts);
        const struct varve_saga_query query = {
            (enum varve_saga_order)parts_number(&parts, 0, VARVE_SAGA_BY_DEADLINE), random_type_or_none(&parts),
            (unsigned)parts_number(&parts, 0, 31), parts_text_or_none(&parts, VARVE_SAGA_MAX_STEP),
            parts_time_or_none(&parts), parts_time_or_none(&parts), parts_chance(&parts),
            parts_bytes(&parts, VARVE_SAGA_MAX_CURSOR), (uint32_t)parts_number(&parts, 1, VARVE_SAGA_MAX_LIST),
        };
        const struct varve_saga_claim claim = {
            parts_saga_type(&parts), (unsigned)parts_number(&parts, 0, VARVE_SAGA_UNFINISHED),
            parts_text_or_none(&parts, VARVE_SAGA_MAX_STEP), parts_text(&parts, VARVE_MAX_WORKER_NAME),
            (uint32_t)parts_number(&parts, 1, VARVE_MAX_LEASE_MS), (uint32_t)parts_number(&parts, 1, VARVE_MAX_CLAIM),
            (uint32_t)parts_number(&parts, 0, VARVE_MAX_CLAIM_WAIT_MS),
        };

        varve_encode_saga_list(&buffer, 1, &query);
        message_check(&buffer, VARVE_OP_SAGA_LIST, arena, &parts.random);
        varve_encode_saga_claim(&buffer, 1, &claim);
        message_check(&buffer, VARVE_OP_SAGA_CLAIM, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void answers_there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261126) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(150); round++) {
        struct varve_saga sagas[MOST];
        struct varve_saga_list list = { sagas, parts_number(&parts, 0, MOST), parts_chance(&parts), { 0 }, 0 };

        parts_begin(&parts);
        for (size_t i = 0; i < list.count; i++)
            parts_saga(&parts, &sagas[i]);
        if (!list.end) {
            struct varve_view next = parts_text(&parts, VARVE_SAGA_MAX_CURSOR);

            memcpy(list.next, next.data, next.size);
            list.next_size = (uint32_t)next.size;
        }
        varve_encode_saga_list_ok(&buffer, 1, &list);
        message_check(&buffer, VARVE_OP_SAGA_LIST_OK, arena, &parts.random);
        varve_encode_saga_claim_ok(&buffer, 1, sagas, list.count);
        message_check(&buffer, VARVE_OP_SAGA_CLAIM_OK, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void every_field_comes_through(void **state)
{
    const struct varve_saga_query query = { VARVE_SAGA_BY_DEADLINE, varve_view_str("order"), 5, varve_view_str("pay"),
                                            11, 22, true, varve_view_str("cursor"), 33 };
    const struct varve_saga_claim claim = { varve_view_str("order"), 2, varve_view_str("pay"), varve_view_str("w"), 4,
                                            5, 6 };
    struct varve_wire_buffer buffer = { 0 };
    struct varve_saga_query asked;
    struct varve_saga_claim claimed;

    varve_encode_saga_list(&buffer, 1, &query);
    assert_int_equal(varve_decode_saga_list(frame_body(&buffer, VARVE_OP_SAGA_LIST), &asked, NULL), VARVE_OK);
    assert_int_equal(asked.order, VARVE_SAGA_BY_DEADLINE);
    assert_true(varve_view_equal(asked.type, query.type) && varve_view_equal(asked.step, query.step));
    assert_int_equal(asked.statuses, 5);
    assert_int_equal(asked.updated_before_us, 11);
    assert_int_equal(asked.deadline_before_us, 22);
    assert_true(asked.include_state && varve_view_equal(asked.after, query.after));
    assert_int_equal(asked.limit, 33);
    buffer.size = 0;
    varve_encode_saga_claim(&buffer, 1, &claim);
    assert_int_equal(varve_decode_saga_claim(frame_body(&buffer, VARVE_OP_SAGA_CLAIM), &claimed, NULL), VARVE_OK);
    assert_true(varve_view_equal(claimed.type, claim.type) && varve_view_equal(claimed.step, claim.step));
    assert_true(varve_view_equal(claimed.worker, claim.worker));
    assert_int_equal(claimed.statuses, 2);
    assert_int_equal(claimed.lease_ms, 4);
    assert_int_equal(claimed.limit, 5);
    assert_int_equal(claimed.wait_ms, 6);
    varve_wire_buffer_free(&buffer);
}

static void the_end_of_a_list(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct varve_saga_list list = { .next = "abc", .next_size = 3 }, decoded;

    varve_encode_saga_list_ok(&buffer, 1, &list);
    assert_int_equal(varve_decode_saga_list_ok(frame_body(&buffer, VARVE_OP_SAGA_LIST_OK), arena, &decoded, NULL),
                     VARVE_OK);
    assert_false(decoded.end);
    assert_int_equal(decoded.next_size, 3);
    assert_memory_equal(decoded.next, "abc", 3);
    buffer.size = 0;
    list.end = true;
    varve_encode_saga_list_ok(&buffer, 1, &list);
    assert_int_equal(varve_decode_saga_list_ok(frame_body(&buffer, VARVE_OP_SAGA_LIST_OK), arena, &decoded, NULL),
                     VARVE_OK);
    assert_true(decoded.end);
    buffer.size = 0;
    list = (struct varve_saga_list){ .next_size = 0 };
    varve_encode_saga_list_ok(&buffer, 1, &list);
    message_check_field(&buffer, VARVE_OP_SAGA_LIST_OK, arena, "next");
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void queries_out_of_range_are_named(void **state)
{
    char longest[VARVE_SAGA_MAX_STEP + 1];
    const struct varve_view long_text = varve_view_of(longest, sizeof(longest));
    const struct {
        const char *field;
        struct varve_saga_query query;
    } cases[] = {
        { "order", { .order = (enum varve_saga_order)2, .limit = 1 } },
        { "type", { .type = varve_view_str("a-b"), .limit = 1 } },
        { "statuses", { .statuses = 32, .limit = 1 } },
        { "step", { .step = long_text, .limit = 1 } },
        { "step", { .step = varve_view_str("a\nb"), .limit = 1 } },
        { "after", { .after = long_text, .limit = 1 } },
        { "limit", { .limit = 0 } },
        { "limit", { .limit = VARVE_SAGA_MAX_LIST + 1 } },
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    memset(longest, 's', sizeof(longest));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        varve_encode_saga_list(&buffer, 1, &cases[i].query);
        message_check_field(&buffer, VARVE_OP_SAGA_LIST, arena, cases[i].field);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void claims_out_of_range_are_named(void **state)
{
    char longest[VARVE_MAX_WORKER_NAME + 1];
    const struct varve_view t = varve_view_str("t"), none = { 0 };
    const struct {
        const char *field;
        struct varve_saga_claim claim;
    } cases[] = {
        { "type", { none, 0, none, t, 1, 1, 0 } },
        { "statuses", { t, 8, none, t, 1, 1, 0 } },
        { "step", { t, 0, varve_view_of(longest, sizeof(longest)), t, 1, 1, 0 } },
        { "worker", { t, 0, none, none, 1, 1, 0 } },
        { "worker", { t, 0, none, varve_view_of(longest, sizeof(longest)), 1, 1, 0 } },
        { "lease_ms", { t, 0, none, t, 0, 1, 0 } },
        { "lease_ms", { t, 0, none, t, VARVE_MAX_LEASE_MS + 1, 1, 0 } },
        { "limit", { t, 0, none, t, 1, 0, 0 } },
        { "limit", { t, 0, none, t, 1, VARVE_MAX_CLAIM + 1, 0 } },
        { "wait_ms", { t, 0, none, t, 1, 1, VARVE_MAX_CLAIM_WAIT_MS + 1 } },
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    memset(longest, 'w', sizeof(longest));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        varve_encode_saga_claim(&buffer, 1, &cases[i].claim);
        message_check_field(&buffer, VARVE_OP_SAGA_CLAIM, arena, cases[i].field);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void hostile_counts(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();

    message_check_hostile(VARVE_OP_SAGA_LIST_OK, "\x92\xdd\xff\xff\xff\xff", 6, arena);
    message_check_hostile(VARVE_OP_SAGA_CLAIM_OK, "\x91\xdd\xff\xff\xff\xff", 6, arena);
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_there_and_back),       cmocka_unit_test(answers_there_and_back),
        cmocka_unit_test(every_field_comes_through),     cmocka_unit_test(the_end_of_a_list),
        cmocka_unit_test(queries_out_of_range_are_named), cmocka_unit_test(claims_out_of_range_are_named),
        cmocka_unit_test(hostile_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
