/* test_append.c - appends that are made: everything is copied, what is absent is made up; and changes of streams. */
#include "engine/append.h"
#include "support/check.h"
#include "support/records.h"
#include "support/store_fixture.h"
#include "varve/uuid.h"

#include <stdlib.h>

/* A request for one event of stream "s", to be bent by a case. */
struct sample {
    struct varve_append_stream streams[3];
    struct varve_event events[3];
    uint32_t stream_of[3];
    struct varve_append_request request;
};

static void make_sample(struct sample *sample)
{
    static const char *const names[] = { "s", "t", "u" };

    memset(sample, 0, sizeof(*sample));
    for (int i = 0; i < 3; i++) {
        sample->streams[i] = (struct varve_append_stream){ varve_view_str(names[i]), VARVE_EXPECTED_ANY };
        sample->events[i] = (struct varve_event){ .type = varve_view_str("t"), .id = test_uuid((uint64_t)i + 1),
                                                  .time_us = VARVE_TIME_NONE, .data = varve_view_str("{}") };
        sample->stream_of[i] = (uint32_t)i;
    }
    sample->request = (struct varve_append_request){ sample->streams, 1, sample->events, NULL, 1 };
}

static void all_three(struct sample *s)
{
    s->request.stream_count = s->request.event_count = 3;
    s->request.stream_of = s->stream_of;
}

/* Nothing of the caller's is needed once the append is made. */
static void everything_is_copied(void **ignored)
{
    struct store_fixture f;
    struct sample *sample = malloc(sizeof(*sample));
    struct varve_append *append = NULL;
    char name[] = "stream-1", type[] = "a type", data[] = "{\"a\":1}", user[] = "me";
    struct varve_event event;
    uint8_t *record;
    uint32_t size;

    assert_non_null(sample);
    make_sample(sample);
    fixture_init(&f);
    fixture_open(&f);
    sample->streams[0].stream = varve_view_str(name);
    sample->events[0].type = varve_view_str(type);
    sample->events[0].data = varve_view_str(data);
    sample->events[0].user_id = varve_view_str(user);
    sample->events[0].correlation_id = test_uuid(70);
    sample->events[0].causation_id = test_uuid(71);
    sample->events[0].time_us = -5;
    sample->events[0].schema_version = 9;
    sample->events[0].class_ = VARVE_CLASS_REALTIME;
    sample->events[0].stream = varve_view_str("not looked at");
    sample->events[0].version = sample->events[0].position = 99;
    assert_int_equal(varve_append_create(f.store, &sample->request, &append, &f.error), VARVE_OK);
    memset(name, '#', sizeof(name));
    memset(type, '#', sizeof(type));
    memset(data, '#', sizeof(data));
    memset(user, '#', sizeof(user));
    memset(sample, 0xff, sizeof(*sample));
    free(sample);
    assert_int_equal(varve_append_wait(append, &f.error), VARVE_OK);
    varve_append_free(append);
    assert_int_equal(varve_store_get(f.store, 1, &record, &size, &f.error), VARVE_OK);
    assert_int_equal(varve_record_decode(record, size, &event), VARVE_OK);
    assert_true(varve_view_equal(event.stream, varve_view_str("stream-1")));
    assert_true(varve_view_equal(event.type, varve_view_str("a type")));
    assert_true(varve_view_equal(event.data, varve_view_str("{\"a\":1}")));
    assert_true(varve_view_equal(event.user_id, varve_view_str("me")));
    struct varve_uuid id = test_uuid(1), correlation = test_uuid(70), causation = test_uuid(71);
    assert_true(varve_uuid_equal(&event.id, &id));
    assert_true(varve_uuid_equal(&event.correlation_id, &correlation));
    assert_true(varve_uuid_equal(&event.causation_id, &causation));
    assert_int_equal(event.time_us, -5);
    assert_int_equal(event.schema_version, 9);
    assert_int_equal(event.class_, VARVE_CLASS_REALTIME);
    assert_int_equal(event.version, 0);
    free(record);
    fixture_free(&f);
}

static void missing_ids_are_made(void **ignored)
{
    struct store_fixture f;
    struct varve_uuid ids[4];
    uint64_t positions[4];

    fixture_init(&f);
    fixture_open(&f);
    atomic_store(&f.now_us, INT64_C(1700000000123456));
    assert_string_equal(fixture_append(&f, "s:any=..a."), "ok s@0-3/1-4");
    for (uint64_t i = 0; i < 4; i++) {
        uint8_t *record;
        uint32_t size;
        assert_int_equal(varve_store_get(f.store, i + 1, &record, &size, &f.error), VARVE_OK);
        ids[i] = varve_record_id(record);
        assert_int_equal(varve_record_recorded_at(record), INT64_C(1700000000123456));
        free(record);
        assert_false(varve_uuid_is_nil(&ids[i]));
        for (uint64_t k = 0; k < i; k++)
            assert_false(varve_uuid_equal(&ids[i], &ids[k]));
        if (i != 2) {
            assert_int_equal(ids[i].bytes[6] >> 4, 7); /* version 7, of the clock's millisecond */
            uint64_t ms = 0;
            for (int byte = 0; byte < 6; byte++)
                ms = ms << 8 | ids[i].bytes[byte];
            assert_int_equal(ms, UINT64_C(1700000000123));
        }
    }
    assert_int_equal(varve_store_find(f.store, ids, 4, positions, &f.error), VARVE_OK);
    for (uint64_t i = 0; i < 4; i++)
        assert_int_equal(positions[i], i + 1);
    fixture_free(&f);
}

static void without_randomness_there_is_no_append(void **ignored)
{
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    atomic_store(&f.random_error, 5);
    assert_string_equal(fixture_append(&f, "s:any=."), "IO");
    atomic_store(&f.random_error, 0);
    assert_string_equal(fixture_append(&f, "s:any=."), "ok s@0-0/1-1");
    fixture_free(&f);
}

static void events_may_weave_streams(void **ignored)
{
    struct store_fixture f;
    struct sample sample;
    struct varve_append *append = NULL;

    fixture_init(&f);
    fixture_open(&f);
    make_sample(&sample);
    all_three(&sample);
    sample.stream_of[0] = 1;
    sample.stream_of[1] = 0;
    sample.stream_of[2] = 1;
    assert_int_equal(varve_append_create(f.store, &sample.request, &append, &f.error), VARVE_OK);
    assert_int_equal(varve_append_wait(append, &f.error), VARVE_OK);
    const struct varve_append_outcome *outcome = varve_append_get_outcome(append);
    assert_int_equal(outcome->stream_count, 3);
    assert_int_equal(outcome->results[0].first_position, 2);
    assert_int_equal(outcome->results[1].first_position, 1);
    assert_int_equal(outcome->results[1].last_position, 3);
    assert_int_equal(outcome->results[1].last_version, 1);
    assert_int_equal(outcome->results[2].first_version, -1);
    assert_int_equal(outcome->results[2].last_version, -1);
    varve_append_free(append);
    assert_string_equal(fixture_read_all(&f), "t@0 s@0 t@1");
    fixture_free(&f);
}

static void changes_are_checked_too(void **ignored)
{
    static const struct {
        const char *label;
        struct varve_stream_change change;
        const char *field; /* NULL: it may be */
    } cases[] = {
        { "as it should be", { .stream = { "s", 1 }, .expected = VARVE_EXPECTED_ANY }, NULL },
        { "no name", { .stream = { "", 0 }, .expected = VARVE_EXPECTED_ANY }, "stream" },
        { "a reserved name", { .stream = { "$$s", 3 }, .expected = VARVE_EXPECTED_ANY }, "stream" },
        { "no kind", { .stream = { "s", 1 }, .kind = 4, .expected = VARVE_EXPECTED_ANY }, "kind" },
        { "a negative kind", { .stream = { "s", 1 }, .kind = -1, .expected = VARVE_EXPECTED_ANY }, "kind" },
        { "no expectation", { .stream = { "s", 1 }, .expected = -4 }, "expected" },
        { "a negative age", { .stream = { "s", 1 }, .kind = VARVE_STREAM_RETENTION, .max_age_us = -1 }, "max_age_us" },
        { "a count beyond numbers", { .stream = { "s", 1 }, .kind = VARVE_STREAM_RETENTION,
          .max_count = UINT64_C(1) << 63 }, "max_count" },
        { "a version beyond numbers", { .stream = { "s", 1 }, .truncate_before = UINT64_C(1) << 63 },
          "truncate_before" },
    };
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_append *append = NULL;
        enum varve_status status = varve_stream_change_create(f.store, &cases[i].change, &append, &f.error);
        CHECK_CASE(status == (cases[i].field == NULL ? VARVE_OK : VARVE_INVALID_ARGUMENT), cases[i].label);
        CHECK_CASE(status == VARVE_OK || strcmp(f.error.field, cases[i].field) == 0, cases[i].label);
        varve_append_free(append);
    }
    fixture_free(&f);
}

static void a_change_of_the_longest_name(void **ignored)
{
    struct store_fixture f;
    char name[VARVE_MAX_STREAM_NAME + 1], text[600];

    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    fixture_init(&f);
    fixture_open(&f);
    snprintf(text, sizeof(text), "%s:none=ab", name);
    assert_string_equal(fixture_append(&f, text) + strlen("ok ") + strlen(name), "@0-1/1-2");
    fixture_change(&f, VARVE_STREAM_TRUNCATE, name, 1);
    snprintf(text, sizeof(text), "%s@1", name);
    assert_string_equal(fixture_read_stream(&f, name), text);
    fixture_reopen(&f);
    assert_string_equal(fixture_read_stream(&f, name), text);
    fixture_free(&f);
}

static void what_the_server_wrote_is_an_event_like_others(void **ignored)
{
    struct store_fixture f;
    struct sample sample;
    struct varve_append *append = NULL;

    fixture_init(&f);
    fixture_open(&f);
    make_sample(&sample);
    sample.streams[0] = (struct varve_append_stream){ varve_view_str("$group-a"), VARVE_EXPECTED_NO_STREAM };
    for (int i = 0; i < 2; i++) { /* The second time it is a replay. */
        assert_int_equal(varve_append_create_system(f.store, &sample.request, &append, &f.error), VARVE_OK);
        assert_int_equal(varve_append_wait(append, &f.error), VARVE_OK);
        assert_int_equal(varve_append_get_outcome(append)->replayed, i == 1);
        assert_int_equal(varve_append_get_outcome(append)->results[0].first_position, 1);
        varve_append_free(append);
    }
    sample.events[0].id = test_uuid(9);
    assert_int_equal(varve_append_create_system(f.store, &sample.request, &append, &f.error), VARVE_OK);
    assert_int_equal(varve_append_wait(append, &f.error), VARVE_WRONG_EXPECTED_VERSION);
    varve_append_free(append);
    assert_string_equal(fixture_append(&f, "s:none=a"), "ok s@0-0/2-2");
    fixture_reopen(&f);
    assert_string_equal(fixture_read_all(&f), "$group-a@0 s@0");
    assert_string_equal(fixture_read_stream(&f, "$group-a"), "$group-a@0");
    assert_int_equal(fixture_stats(&f).system_stream_count, 1);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_copied),
        cmocka_unit_test(missing_ids_are_made),
        cmocka_unit_test(without_randomness_there_is_no_append),
        cmocka_unit_test(events_may_weave_streams),
        cmocka_unit_test(changes_are_checked_too),
        cmocka_unit_test(a_change_of_the_longest_name),
        cmocka_unit_test(what_the_server_wrote_is_an_event_like_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
