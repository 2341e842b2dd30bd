/* test_outbox_message_envelope.c - one document with metadata and payload. */
#include "message_check.h"
#include "support/check.h"

#include <jansson.h>

#include "varve/json.h"

static void a_document_says_everything(void **state)
{
    struct varve_event event = message_event();
    struct outbox_message message = message_by("-> format=envelope", &event, NULL);

    message_value_is(&message,
                     "{\"metadata\":{\"id\":\"10111213-1415-1617-1819-1a1b1c1d1e1f\",\"type\":\"payment.captured\","
                     "\"stream\":\"payment-17\",\"version\":17,\"position\":4711,"
                     "\"recorded_at\":\"2026-11-21T18:00:00.123456Z\",\"time\":\"2026-11-21T18:00:00.000000Z\","
                     "\"schema_version\":2,\"class\":\"integration\","
                     "\"correlation_id\":\"20212223-2425-2627-2829-2a2b2c2d2e2f\","
                     "\"causation_id\":\"30313233-3435-3637-3839-3a3b3c3d3e3f\",\"source\":\"till 4\","
                     "\"user_id\":\"ann\",\"content_type\":\"application/json\",\"metadata\":{\"tenant\":\"acme\"}},"
                     "\"payload\":{ \"amount\": 12.50 }}");
    assert_string_equal(message_headers(&message), "content-type=application/json\n"
                        "v-id=10111213-1415-1617-1819-1a1b1c1d1e1f\nv-pos=4711\n");
}

static void what_is_absent_is_left_out(void **state)
{
    struct varve_event event = message_bare_event();
    struct outbox_message message = message_by("-> format=envelope", &event, NULL);

    message_value_is(&message,
                     "{\"metadata\":{\"id\":\"10111213-1415-1617-1819-1a1b1c1d1e1f\",\"type\":\"t\",\"stream\":\"s\","
                     "\"version\":0,\"position\":1,\"recorded_at\":\"1970-01-01T00:00:00.000001Z\","
                     "\"schema_version\":0,\"class\":\"domain\"},\"payload\":null}");
}

static void all_kinds_of_data(void **state)
{
    static const struct { enum varve_content_type type; struct varve_view data; const char *end; } cases[] = {
        { VARVE_CONTENT_JSON, { "\n1.10\n", 6 }, ",\"payload\":\n1.10\n}" },
        { VARVE_CONTENT_MSGPACK, { "\x91\x01", 2 }, ",\"payload_base64\":\"kQE=\"}" },
        { VARVE_CONTENT_OCTET_STREAM, { "x", 1 }, ",\"payload_base64\":\"eA==\"}" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_event event = message_event();

        event.content_type = cases[i].type;
        event.data = cases[i].data;
        event.stream = event.type = varve_view_str("a\"b\\");
        struct outbox_message message = message_by("-> topic=x format=envelope", &event, NULL);
        size_t size = strlen(cases[i].end);
        CHECK_CASE(memcmp(message.value.data + message.value.size - size, cases[i].end, size) == 0, cases[i].end);
        json_t *document = json_loadb(message.value.data, message.value.size, JSON_REJECT_DUPLICATES, NULL);
        const json_t *metadata = json_object_get(document, "metadata");
        assert_string_equal(json_string_value(json_object_get(metadata, "type")), "a\"b\\");
        assert_int_equal(json_object_size(document), 2);
        json_decref(document);
    }
}

static int end(void **state)
{
    message_end();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_says_everything), cmocka_unit_test(what_is_absent_is_left_out),
        cmocka_unit_test(all_kinds_of_data),
    };

    return cmocka_run_group_tests(tests, NULL, end);
}
