/* test_outbox_message_cloudevents.c - held against the rules of CloudEvents 1.0.2 and its Kafka and JSON formats. */
#include "message_check.h"
#include "support/check.h"

#include <ctype.h>
#include <jansson.h>
#include <regex.h>

#include "varve/json.h"

static bool matches(const char *pattern, const char *text)
{
    regex_t regex;

    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool good = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return good;
}

/* "attribute names MUST consist of lower-case letters or digits", "SHOULD NOT exceed 20 characters". */
static void check_name(const char *name)
{
    CHECK_CASE(matches("^[a-z0-9]{1,20}$", name), name);
}

/* A string must not have control characters; what is there must not be empty. */
static void check_text(const char *name, const char *text)
{
    CHECK_CASE(*text != 0, name);
    for (const char *at = text; *at != 0; at++)
        CHECK_CASE((unsigned char)*at >= 0x20 && *at != 0x7f, name);
    if (strcmp(name, "time") == 0)
        CHECK_CASE(matches("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]+Z$", text), text);
    if (strcmp(name, "source") == 0)
        CHECK_CASE(matches("^[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]+$", text), text);
    if (strcmp(name, "specversion") == 0)
        CHECK_CASE(strcmp(text, "1.0") == 0, text);
}

static const char *const required[] = { "id", "source", "specversion", "type" };

static void check_binary(const struct outbox_message *message)
{
    for (size_t i = 0; i < COUNT_OF(required); i++) {
        char name[32];

        snprintf(name, sizeof(name), "ce_%s", required[i]);
        CHECK_CASE(message_header(message, name).data != NULL, name);
    }
    for (size_t i = 0; i < message->header_count; i++) {
        char text[600];

        if (strncmp(message->headers[i].name, "ce_", 3) != 0)
            continue;
        snprintf(text, sizeof(text), "%.*s", (int)message->headers[i].value.size, message->headers[i].value.data);
        check_name(message->headers[i].name + 3);
        check_text(message->headers[i].name + 3, text);
    }
    struct varve_view type = message_header(message, "content-type");
    assert_true(type.data == NULL || type.size < 21 || memcmp(type.data, "application/cloudevents", 23) != 0);
}

static json_t *check_structured(const struct outbox_message *message)
{
    json_t *document = json_loadb(message->value.data, message->value.size, JSON_REJECT_DUPLICATES, NULL);
    const char *name;
    json_t *value;

    assert_true(json_is_object(document));
    assert_true(varve_json_check_envelope(message->value, 1, NULL, NULL));
    assert_true(varve_view_equal(message_header(message, "content-type"),
                                 varve_view_str("application/cloudevents+json; charset=UTF-8")));
    for (size_t i = 0; i < COUNT_OF(required); i++)
        CHECK_CASE(json_is_string(json_object_get(document, required[i])), required[i]);
    json_object_foreach(document, name, value) {
        if (strcmp(name, "data") == 0 || strcmp(name, "data_base64") == 0)
            continue;
        check_name(name);
        CHECK_CASE(json_is_string(value), name);
        check_text(name, json_string_value(value));
    }
    assert_true(json_object_get(document, "data") == NULL || json_object_get(document, "data_base64") == NULL);
    return document;
}

static void binary_has_attributes_in_headers(void **state)
{
    struct varve_event event = message_event();
    struct outbox_message message = message_by("-> format=cloudevents", &event, NULL);

    check_binary(&message);
    assert_string_equal(message_headers(&message),
                        "ce_specversion=1.0\n"
                        "ce_id=10111213-1415-1617-1819-1a1b1c1d1e1f\n"
                        "ce_source=till%204\n"
                        "ce_type=payment.captured\n"
                        "ce_time=2026-11-21T18:00:00.000000Z\n"
                        "ce_subject=payment-17\n"
                        "ce_partitionkey=payment-17\n"
                        "ce_vver=17\n"
                        "ce_vpos=4711\n"
                        "ce_vschema=2\n"
                        "ce_vclass=integration\n"
                        "ce_correlationid=20212223-2425-2627-2829-2a2b2c2d2e2f\n"
                        "ce_causationid=30313233-3435-3637-3839-3a3b3c3d3e3f\n"
                        "ce_vuser=ann\n"
                        "content-type=application/json\n"
                        "v-id=10111213-1415-1617-1819-1a1b1c1d1e1f\n"
                        "v-pos=4711\n");
    message_value_is(&message, "{ \"amount\": 12.50 }");
    assert_ptr_equal(message.value.data, event.data.data);
}

static void binary_of_little(void **state)
{
    struct varve_event event = message_bare_event();
    struct outbox_message message = message_by("-> format=cloudevents key=event_id", &event, NULL);

    check_binary(&message);
    assert_string_equal(message_headers(&message),
                        "ce_specversion=1.0\nce_id=10111213-1415-1617-1819-1a1b1c1d1e1f\nce_source=varve\nce_type=t\n"
                        "ce_time=1970-01-01T00:00:00.000001Z\nce_subject=s\n"
                        "ce_partitionkey=10111213-1415-1617-1819-1a1b1c1d1e1f\n"
                        "ce_vver=0\nce_vpos=1\nce_vschema=0\nce_vclass=domain\n"
                        "v-id=10111213-1415-1617-1819-1a1b1c1d1e1f\nv-pos=1\n");
    message_value_is(&message, "");
}

static void structured_is_one_document(void **state)
{
    struct varve_event event = message_event();
    struct outbox_message message = message_by("-> format=cloudevents_structured", &event, NULL);

    json_decref(check_structured(&message));
    message_value_is(&message,
                     "{\"specversion\":\"1.0\",\"id\":\"10111213-1415-1617-1819-1a1b1c1d1e1f\",\"source\":\"till%204\","
                     "\"type\":\"payment.captured\",\"time\":\"2026-11-21T18:00:00.000000Z\","
                     "\"subject\":\"payment-17\",\"partitionkey\":\"payment-17\",\"vver\":\"17\",\"vpos\":\"4711\","
                     "\"vschema\":\"2\",\"vclass\":\"integration\","
                     "\"correlationid\":\"20212223-2425-2627-2829-2a2b2c2d2e2f\","
                     "\"causationid\":\"30313233-3435-3637-3839-3a3b3c3d3e3f\",\"vuser\":\"ann\","
                     "\"datacontenttype\":\"application/json\",\"data\":{ \"amount\": 12.50 }}");
    assert_true(varve_view_equal(message_header(&message, "v-pos"), varve_view_str("4711")));
    assert_true(varve_view_equal(message.key, event.stream));
}

static void structured_of_all_kinds_of_data(void **state)
{
    static const struct { enum varve_content_type type; struct varve_view data; const char *end; } cases[] = {
        { VARVE_CONTENT_JSON, { NULL, 0 }, "\"vclass\":\"domain\"}" },
        { VARVE_CONTENT_JSON, { " [1e400] ", 9 }, "\"datacontenttype\":\"application/json\",\"data\": [1e400] }" },
        { VARVE_CONTENT_JSON, { "\"\\ud800\"", 8 }, "\"data\":\"\\ud800\"}" },
        { VARVE_CONTENT_MSGPACK, { "\x91\x01", 2 },
          "\"datacontenttype\":\"application/msgpack\",\"data_base64\":\"kQE=\"}" },
        { VARVE_CONTENT_OCTET_STREAM, { "\0\xff", 2 },
          "\"datacontenttype\":\"application/octet-stream\",\"data_base64\":\"AP8=\"}" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_event event = message_bare_event();

        event.content_type = cases[i].type;
        event.data = cases[i].data;
        struct outbox_message message = message_by("-> format=cloudevents_structured", &event, NULL);
        size_t size = strlen(cases[i].end);
        CHECK_CASE(message.value.size > size, cases[i].end);
        CHECK_CASE(memcmp(message.value.data + message.value.size - size, cases[i].end, size) == 0, cases[i].end);
        CHECK_CASE(varve_json_check_envelope(message.value, 1, NULL, NULL), cases[i].end);
        if (i == 0 || i > 2)
            json_decref(check_structured(&message));
    }
}

static void odd_names_come_through(void **state)
{
    static const char *const names[] = { "a\"b\\c", "k\xc3\xa4se und brot", "<&>", "a/b?c#d#e", "\xf0\x9f\x98\x80" };

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct varve_event event = message_event();

        event.stream = event.type = event.source = event.user_id = varve_view_str(names[i]);
        struct outbox_message message = message_by("-> topic=x format=cloudevents", &event, NULL);
        check_binary(&message);
        assert_true(varve_view_equal(message_header(&message, "ce_subject"), event.stream));
        message = message_by("-> topic=x format=cloudevents_structured", &event, NULL);
        json_t *document = check_structured(&message);
        assert_string_equal(json_string_value(json_object_get(document, "type")), names[i]);
        assert_string_equal(json_string_value(json_object_get(document, "subject")), names[i]);
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
        cmocka_unit_test(binary_has_attributes_in_headers), cmocka_unit_test(binary_of_little),
        cmocka_unit_test(structured_is_one_document), cmocka_unit_test(structured_of_all_kinds_of_data),
        cmocka_unit_test(odd_names_come_through),
    };

    return cmocka_run_group_tests(tests, NULL, end);
}
