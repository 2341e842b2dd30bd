/* test_outbox_message_raw.c - data as it is, and all else in headers. */
#include "message_check.h"
#include "support/check.h"

static void headers_say_everything(void **state)
{
    struct varve_event event = message_event();
    struct outbox_message message = message_by("-> format=raw", &event, NULL);

    assert_string_equal(message_headers(&message),
                        "v-id=10111213-1415-1617-1819-1a1b1c1d1e1f\n"
                        "v-type=payment.captured\n"
                        "v-agg=payment-17\n"
                        "v-ver=17\n"
                        "v-pos=4711\n"
                        "v-ts=2026-11-21T18:00:00.123456Z\n"
                        "v-time=2026-11-21T18:00:00.000000Z\n"
                        "v-corr=20212223-2425-2627-2829-2a2b2c2d2e2f\n"
                        "v-caus=30313233-3435-3637-3839-3a3b3c3d3e3f\n"
                        "v-schema=2\n"
                        "v-user=ann\n"
                        "v-source=till 4\n"
                        "v-class=integration\n"
                        "v-meta={\"tenant\":\"acme\"}\n"
                        "content-type=application/json\n");
    message_value_is(&message, "{ \"amount\": 12.50 }");
    assert_ptr_equal(message.value.data, event.data.data); /* Not copied. */
}

static void what_is_absent_has_no_header(void **state)
{
    struct varve_event event = message_bare_event();
    struct outbox_message message = message_by("-> format=raw", &event, NULL);

    assert_string_equal(message_headers(&message),
                        "v-id=10111213-1415-1617-1819-1a1b1c1d1e1f\nv-type=t\nv-agg=s\nv-ver=0\nv-pos=1\n"
                        "v-ts=1970-01-01T00:00:00.000001Z\nv-schema=0\nv-class=domain\n");
    message_value_is(&message, ""); /* Nothing, which is no tombstone. */
}

static void bytes_stay_bytes(void **state)
{
    struct varve_event event = message_bare_event();

    event.data = varve_view_of("\0\xff\n", 3);
    event.content_type = VARVE_CONTENT_OCTET_STREAM;
    struct outbox_message message = message_by("-> format=raw", &event, NULL);
    assert_true(varve_view_equal(message.value, event.data));
    assert_true(varve_view_equal(message_header(&message, "content-type"),
                                 varve_view_str("application/octet-stream")));
}

static int end(void **state)
{
    message_end();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_say_everything), cmocka_unit_test(what_is_absent_has_no_header),
        cmocka_unit_test(bytes_stay_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, end);
}
