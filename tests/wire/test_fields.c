/* test_fields.c - what is said about bodies that are wrong, and about which of several wrongs. */
#include "server/wire/fields.h"
#include "support/check.h"

#define BODY(literal) { literal, sizeof(literal) - 1 }

/* An array of: a number from 1 to 9, a list "items" of numbers from 0 to 5, a UUID or nil. */
static enum varve_status decode(struct varve_view body, struct varve_error *error)
{
    struct fields fields;
    struct varve_uuid id;

    fields_begin(&fields, "SAMPLE", body, error);
    uint32_t unknown = fields_open(&fields, 3);

    fields_int(&fields, "number", 1, 9);

    uint32_t count = fields_list(&fields, "items", 1);

    for (uint32_t i = 0; i < count; i++) {
        fields.index = i;
        fields_uint(&fields, "size", 0, 5);
    }
    fields_list_end(&fields);
    fields_uuid_or_nil(&fields, "id", &id);
    fields_close(&fields, unknown);
    return fields_end(&fields);
}

static void what_is_wrong_is_said(void **state)
{
    static const struct {
        const char *label;
        struct varve_view body;
        enum varve_status status;
        const char *field;
    } cases[] = {
        { "all good", BODY("\x93\x01\x92\x00\x05\xc0"), VARVE_OK, "" },
        { "an empty list", BODY("\x93\x09\x90\xc0"), VARVE_OK, "" },
        { "more than is known", BODY("\x95\x01\x90\xc0\x81\xa1x\xcb\x00\x00\x00\x00\x00\x00\x00\x00\xc7\x01\x05z"),
          VARVE_OK, "" },
        { "below the range", BODY("\x93\x00\x90\xc0"), VARVE_INVALID_ARGUMENT, "number" },
        { "above the range", BODY("\x93\x0a\x90\xc0"), VARVE_INVALID_ARGUMENT, "number" },
        { "above any range", BODY("\x93\xcf\xff\xff\xff\xff\xff\xff\xff\xff\x90\xc0"), VARVE_INVALID_ARGUMENT,
          "number" },
        { "in a list", BODY("\x93\x01\x93\x00\x05\x06\xc0"), VARVE_INVALID_ARGUMENT, "items[2].size" },
        { "negative in a list", BODY("\x93\x01\x91\xff\xc0"), VARVE_INVALID_ARGUMENT, "items[0].size" },
        { "after a list", BODY("\x93\x01\x90\xc4\x01x"), VARVE_INVALID_ARGUMENT, "id" },
        { "the first of two", BODY("\x93\x00\x91\x09\xc0"), VARVE_INVALID_ARGUMENT, "number" },
        { "malformed after a bad field", BODY("\x93\x00\x91\x09\xc1"), VARVE_PROTOCOL, "" },
        { "a text for a number", BODY("\x93\xa1" "1\x90\xc0"), VARVE_PROTOCOL, "" },
        { "cut inside a number", BODY("\x93\xcd\x00"), VARVE_PROTOCOL, "" },
        { "a list longer than its bytes", BODY("\x93\x01\x9f\x00\x00\xc0"), VARVE_PROTOCOL, "" },
        { "an element too few", BODY("\x92\x01\x90"), VARVE_PROTOCOL, "" },
        { "a byte too many", BODY("\x93\x01\x90\xc0\x00"), VARVE_PROTOCOL, "" },
        { "unknown, seven deep inside the body", BODY("\x94\x01\x90\xc0\x91\x91\x91\x91\x91\x91\x90"), VARVE_OK, "" },
        { "unknown, eight deep", BODY("\x94\x01\x90\xc0\x91\x91\x91\x91\x91\x91\x91\x90"), VARVE_PROTOCOL, "" },
        { "an unknown element missing", BODY("\x94\x01\x90\xc0"), VARVE_PROTOCOL, "" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_error error = { .field = "" };
        enum varve_status status = decode(cases[i].body, &error);

        CHECK_CASE(status == cases[i].status, cases[i].label);
        CHECK_CASE(error.status == cases[i].status, cases[i].label);
        CHECK_CASE(strcmp(error.field, cases[i].field) == 0, cases[i].label);
        CHECK_CASE((error.message[0] == '\0') == (status == VARVE_OK), cases[i].label);
        CHECK_CASE(decode(cases[i].body, NULL) == cases[i].status, cases[i].label);
    }
}

static void a_message_says_what_was_expected(void **state)
{
    static const struct varve_view body = BODY("\x93\x01\x91\x09\xc0");
    struct varve_error error;

    assert_int_equal(decode(body, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.message, "SAMPLE: items[0].size: expected an integer from 0 to 5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(a_message_says_what_was_expected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
