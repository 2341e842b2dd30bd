/* test_json_fields.c - fields that are good, missing, or something else. */
#include "support/check.h"

#include <stdlib.h>

#include "server/json_fields.h"

static const char text[] = "{\"n\": 7, \"neg\": -3, \"yes\": true, \"text\": \"a\\u00e9\", \"list\": [1, 2], "
                           "\"id\": \"0190d2f0-0000-7000-8000-000000000001\", \"null\": null}";

static void what_is_there_is_taken(void **state)
{
    struct json_fields fields;
    json_t *object = json_fields_parse(&fields, varve_view_str(text), NULL);

    assert_non_null(object);
    assert_int_equal(json_fields_uint(&fields, "n", 10), 7);
    assert_int_equal(json_fields_uint_or(&fields, "other", 10, 5), 5);
    assert_int_equal(json_fields_int(&fields, "neg"), -3);
    assert_true(json_fields_flag(&fields, "yes"));
    assert_false(json_fields_flag(&fields, "other"));
    assert_int_equal(json_fields_text(&fields, "text", 3).size, 3);
    assert_null(json_fields_text(&fields, "null", 3).data);
    assert_int_equal(json_array_size(json_fields_list(&fields, "list", 2)), 2);
    assert_null(json_fields_list(&fields, "other", 2));
    assert_int_equal(json_fields_uuid(&fields, "id").bytes[15], 1);
    assert_false(fields.failed);
    json_decref(object);
}

static void what_is_not_good_is_named(void **state)
{
    for (int i = 0; i < 9; i++) {
        struct varve_error error = { .status = VARVE_OK };
        struct json_fields fields;
        json_t *object = json_fields_parse(&fields, varve_view_str(text), &error);

        switch (i) {
        case 0: json_fields_uint(&fields, "n", 6); break;
        case 1: json_fields_uint(&fields, "other", 6); break;
        case 2: json_fields_uint(&fields, "neg", 6); break;
        case 3: json_fields_int(&fields, "text"); break;
        case 4: json_fields_flag(&fields, "n"); break;
        case 5: json_fields_text(&fields, "text", 2); break;
        case 6: json_fields_list(&fields, "list", 1); break;
        case 7: json_fields_uuid(&fields, "text"); break;
        case 8: json_fields_list(&fields, "n", 1); break;
        }
        assert_true(fields.failed);
        assert_int_equal(error.status, VARVE_CORRUPT);
        assert_non_null(strstr(error.message, "expected"));
        json_decref(object);
    }
}

static void what_is_no_object_is_refused(void **state)
{
    static const char *const bad[] = { "", "[]", "7", "{", "{\"a\": 1, \"a\": 2}", "{\"a\": \"\xff\"}" };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct json_fields fields;

        assert_null(json_fields_parse(&fields, varve_view_str(bad[i]), NULL));
        assert_true(fields.failed);
    }
}

static void what_is_written_is_read_back(void **state)
{
    const struct varve_uuid id = { { 1, 2, 3 } }, nil = { { 0 } };
    json_t *object = json_object();
    struct json_fields fields;

    assert_true(json_set_text(object, "text", varve_view_str("\"x\\")));
    assert_true(json_set_text(object, "absent", varve_view_of(NULL, 0)));
    assert_true(json_set_uint(object, "n", INT64_MAX));
    assert_true(json_set_uuid(object, "id", &id));
    assert_true(json_set_uuid(object, "nil", &nil));
    struct varve_view written = json_finish(object, true);
    object = json_fields_parse(&fields, written, NULL);
    assert_int_equal(json_object_size(object), 3);
    assert_true(varve_view_equal(json_fields_text(&fields, "text", 9), varve_view_str("\"x\\")));
    assert_int_equal(json_fields_uint(&fields, "n", INT64_MAX), INT64_MAX);
    assert_int_equal(json_fields_uuid(&fields, "id").bytes[2], 3);
    json_decref(object);
    free((char *)written.data);
    assert_null(json_finish(json_object(), false).data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there_is_taken),
        cmocka_unit_test(what_is_not_good_is_named),
        cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(what_is_written_is_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
