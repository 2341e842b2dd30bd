/* test_snapshot.c - which snapshots may be put. */
#include "support/check.h"

#include "varve/snapshots.h"

static struct varve_snapshot sound(void)
{
    return (struct varve_snapshot){
        .stream = varve_view_str("account-1"), .version = 0, .type = varve_view_str("account"), .schema_version = 1,
        .content_type = VARVE_CONTENT_JSON, .data = varve_view_str("{\"balance\":1}"),
    };
}

static void sound_ones_pass(void **state)
{
    static char most[VARVE_SNAPSHOT_MAX_BYTES];
    struct varve_snapshot snapshot = sound();

    assert_int_equal(varve_snapshot_check(&snapshot, NULL), VARVE_OK);
    snapshot.stream = varve_view_str("$saga-order-7");
    snapshot.version = INT64_MAX - 1;
    snapshot.schema_version = UINT32_MAX;
    snapshot.content_type = VARVE_CONTENT_OCTET_STREAM;
    snapshot.data = varve_view_of(most, sizeof(most));
    assert_int_equal(varve_snapshot_check(&snapshot, NULL), VARVE_OK);
    snapshot.data = varve_view_of("", 0);
    assert_int_equal(varve_snapshot_check(&snapshot, NULL), VARVE_OK);
}

static void check_refused(const struct varve_snapshot *snapshot, enum varve_status expected, const char *field)
{
    struct varve_error error;

    CHECK_CASE(varve_snapshot_check(snapshot, &error) == expected, field);
    assert_string_equal(error.field, field);
}

static void each_field_has_its_rule(void **state)
{
    static char too_long[VARVE_SNAPSHOT_MAX_BYTES + 1];
    struct varve_snapshot snapshot = sound();
    struct varve_error error;

    memset(too_long, '1', sizeof(too_long));
    snapshot.stream = varve_view_of("", 0);
    check_refused(&snapshot, VARVE_INVALID_ARGUMENT, "stream");
    snapshot.stream = varve_view_of("a\0b", 3);
    check_refused(&snapshot, VARVE_INVALID_ARGUMENT, "stream");
    snapshot = sound();
    snapshot.type = varve_view_of("", 0);
    check_refused(&snapshot, VARVE_INVALID_ARGUMENT, "type");
    snapshot.type = varve_view_of(too_long, VARVE_SNAPSHOT_MAX_TYPE + 1);
    check_refused(&snapshot, VARVE_INVALID_ARGUMENT, "type");
    snapshot = sound();
    snapshot.version = -1;
    check_refused(&snapshot, VARVE_INVALID_ARGUMENT, "version");
    snapshot.version = INT64_MAX;
    check_refused(&snapshot, VARVE_INVALID_ARGUMENT, "version");
    snapshot = sound();
    snapshot.schema_version = 0;
    check_refused(&snapshot, VARVE_INVALID_ARGUMENT, "schema_version");
    snapshot = sound();
    snapshot.content_type = (enum varve_content_type)3;
    check_refused(&snapshot, VARVE_INVALID_ARGUMENT, "content_type");
    snapshot = sound();
    snapshot.data = varve_view_str("{\"balance\":}");
    check_refused(&snapshot, VARVE_INVALID_ARGUMENT, "data");
    snapshot.data = varve_view_of(too_long, sizeof(too_long));
    check_refused(&snapshot, VARVE_EVENT_TOO_LARGE, "data");
    varve_snapshot_check(&snapshot, &error);
    assert_int_equal(error.limit, VARVE_SNAPSHOT_MAX_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_ones_pass),
        cmocka_unit_test(each_field_has_its_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
