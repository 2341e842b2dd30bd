/* test_outbox_message_parts.c - headers and members, one by one. */
#include "support/check.h"

#include "server/outbox/outbox_message_parts.h"

static void headers_are_kept_in_order(void **state)
{
    struct outbox_arena *arena = outbox_arena_create(0);
    struct outbox_headers headers;
    const struct varve_uuid nil = { { 0 } }, one = { { 1 } };

    assert_true(outbox_headers_begin(&headers, arena));
    outbox_headers_view(&headers, "a", varve_view_str("x"));
    outbox_headers_view(&headers, "absent", (struct varve_view){ NULL, 0 });
    outbox_headers_view(&headers, "empty", varve_view_str(""));
    outbox_headers_uuid(&headers, "nil", &nil);
    outbox_headers_uuid(&headers, "one", &one);
    outbox_headers_number(&headers, "n", 12);
    outbox_headers_time(&headers, "none", VARVE_TIME_NONE);
    outbox_headers_time(&headers, "t", 0);
    const struct outbox_header *all = outbox_headers_end(&headers, arena);
    assert_int_equal(headers.count, 5);
    assert_int_equal(headers.bytes, 2 + 5 + 3 + 36 + 1 + 2 + 1 + 27);
    assert_string_equal(all[1].name, "empty");
    assert_true(varve_view_equal(all[2].value, varve_view_str("01000000-0000-0000-0000-000000000000")));
    assert_true(varve_view_equal(all[3].value, varve_view_str("12")));
    assert_true(varve_view_equal(all[4].value, varve_view_str("1970-01-01T00:00:00.000000Z")));
    outbox_arena_free(arena);
}

static void write(struct outbox_sink *sink, const struct outbox_making *making)
{
    const struct varve_uuid nil = { { 0 } }, one = { { 1 } };

    outbox_put_text_member(sink, "a", varve_view_str("\"x\""));
    outbox_put_text_member(sink, "b", (struct varve_view){ NULL, 0 });
    outbox_put_uuid_member(sink, "c", &nil);
    outbox_put_uuid_member(sink, "d", &one);
    outbox_put_time_member(sink, "e", VARVE_TIME_NONE);
    outbox_put_time_member(sink, "f", 0);
}

static void members_are_left_out_when_absent(void **state)
{
    struct outbox_making making = { .arena = outbox_arena_create(0) };
    struct varve_view text = outbox_make_text(&making, write);

    assert_true(varve_view_equal(text, varve_view_str(",\"a\":\"\\\"x\\\"\""
                                                      ",\"d\":\"01000000-0000-0000-0000-000000000000\""
                                                      ",\"f\":\"1970-01-01T00:00:00.000000Z\"")));
    outbox_arena_free(making.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_kept_in_order), cmocka_unit_test(members_are_left_out_when_absent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
