/* test_append.c - the shape of a request: every rule refuses with the field's name, and what passes is copied whole. */
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

static char big[200 << 10]; /* more than any limit of the fixture */

static void no_event(struct sample *s) { s->request.event_count = 0; }
static void no_stream(struct sample *s) { s->request.stream_count = 0; }
static void no_stream_of(struct sample *s) { all_three(s); s->request.stream_of = NULL; }
static void stream_of_nowhere(struct sample *s) { all_three(s); s->stream_of[1] = 3; }
static void empty_name(struct sample *s) { s->streams[0].stream = varve_view_str(""); }
static void absent_name(struct sample *s) { s->streams[0].stream = varve_view_str(NULL); }
static void system_name(struct sample *s) { s->streams[0].stream = varve_view_str("$s"); }
static void control_name(struct sample *s) { s->streams[0].stream = varve_view_str("a\nb"); }
static void broken_name(struct sample *s) { s->streams[0].stream = varve_view_str("a\xff"); }
static void long_name(struct sample *s) { s->streams[0].stream = varve_view_of(big, VARVE_MAX_STREAM_NAME + 1); }
static void second_name(struct sample *s) { all_three(s); s->streams[2].stream = varve_view_str("$u"); }
static void twice_the_stream(struct sample *s) { all_three(s); s->streams[2].stream = varve_view_str("s"); }
static void odd_expected(struct sample *s) { s->streams[0].expected = -4; }
static void least_expected(struct sample *s) { s->streams[0].expected = INT64_MIN; }
static void twice_the_id(struct sample *s) { all_three(s); s->events[2].id = s->events[0].id; }
static void no_type(struct sample *s) { s->events[0].type = varve_view_str(""); }
static void third_type(struct sample *s) { all_three(s); s->events[2].type = varve_view_of(big, 256); }
static void odd_class(struct sample *s) { s->events[0].class_ = 3; }
static void odd_content_type(struct sample *s) { s->events[0].content_type = 3; }
static void broken_json(struct sample *s) { s->events[0].data = varve_view_str("{"); }
static void broken_metadata(struct sample *s) { s->events[0].metadata = varve_view_str("nul"); }
static void octets(struct sample *s, size_t size)
{
    s->events[0].content_type = VARVE_CONTENT_OCTET_STREAM;
    s->events[0].data = varve_view_of(big, size);
}
static void large_event(struct sample *s) { octets(s, (64 << 10) + 1); }
static void huge_event(struct sample *s) { octets(s, SIZE_MAX); }
static void large_metadata(struct sample *s) { s->events[0].metadata = varve_view_of(big, (64 << 10) - 1); }
static void large_append(struct sample *s)
{
    all_three(s);
    for (int i = 0; i < 3; i++) {
        s->events[i].content_type = VARVE_CONTENT_OCTET_STREAM;
        s->events[i].data = varve_view_of(big, 50 << 10);
    }
}
static void many_events(struct sample *s) { s->request.event_count = 1025; }
static void many_streams(struct sample *s) { s->request.stream_count = 1025; s->request.stream_of = s->stream_of; }

static void every_rule_refuses(void **ignored)
{
    static const struct {
        const char *label;
        void (*bend)(struct sample *sample);
        enum varve_status status;
        const char *field;
        uint64_t limit;
    } cases[] = {
        { "no event", no_event, VARVE_INVALID_ARGUMENT, "events", 0 },
        { "no stream", no_stream, VARVE_INVALID_ARGUMENT, "streams", 0 },
        { "events of no stream", no_stream_of, VARVE_INVALID_ARGUMENT, "stream_of", 0 },
        { "event of a stream that is not there", stream_of_nowhere, VARVE_INVALID_ARGUMENT, "events[1].stream", 0 },
        { "empty name", empty_name, VARVE_INVALID_ARGUMENT, "stream", 0 },
        { "absent name", absent_name, VARVE_INVALID_ARGUMENT, "stream", 0 },
        { "reserved name", system_name, VARVE_INVALID_ARGUMENT, "stream", 0 },
        { "control character in a name", control_name, VARVE_INVALID_ARGUMENT, "stream", 0 },
        { "name that is not UTF-8", broken_name, VARVE_INVALID_ARGUMENT, "stream", 0 },
        { "name too long", long_name, VARVE_INVALID_ARGUMENT, "stream", 0 },
        { "third name reserved", second_name, VARVE_INVALID_ARGUMENT, "streams[2]", 0 },
        { "a stream twice", twice_the_stream, VARVE_INVALID_ARGUMENT, "streams[2]", 0 },
        { "expected below all words", odd_expected, VARVE_INVALID_ARGUMENT, "expected", 0 },
        { "least expected", least_expected, VARVE_INVALID_ARGUMENT, "expected", 0 },
        { "an id twice", twice_the_id, VARVE_INVALID_ARGUMENT, "events[2].id", 0 },
        { "no type", no_type, VARVE_INVALID_ARGUMENT, "events[0].type", 0 },
        { "third type too long", third_type, VARVE_INVALID_ARGUMENT, "events[2].type", 0 },
        { "unknown class", odd_class, VARVE_INVALID_ARGUMENT, "events[0].class", 0 },
        { "unknown content type", odd_content_type, VARVE_INVALID_ARGUMENT, "events[0].content_type", 0 },
        { "data that is not its type", broken_json, VARVE_INVALID_ARGUMENT, "events[0].data", 0 },
        { "metadata that is not JSON", broken_metadata, VARVE_INVALID_ARGUMENT, "events[0].metadata", 0 },
        { "event too large by a byte", large_event, VARVE_EVENT_TOO_LARGE, "", 64 << 10 },
        { "event larger than memory", huge_event, VARVE_EVENT_TOO_LARGE, "", 64 << 10 },
        { "too large with its metadata", large_metadata, VARVE_EVENT_TOO_LARGE, "", 64 << 10 },
        { "append too large", large_append, VARVE_APPEND_TOO_LARGE, "", 128 << 10 },
        { "too many events", many_events, VARVE_APPEND_TOO_LARGE, "", 1024 },
        { "too many streams", many_streams, VARVE_APPEND_TOO_LARGE, "", 1024 },
    };
    struct store_fixture f;

    memset(big, 'x', sizeof(big));
    fixture_init(&f);
    fixture_open(&f);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sample sample;
        struct varve_append *append = NULL;
        make_sample(&sample);
        cases[i].bend(&sample);
        f.error = (struct varve_error){ 0 };
        enum varve_status status = varve_append_create(f.store, &sample.request, &append, &f.error);
        CHECK_CASE(status == cases[i].status && f.error.status == status, cases[i].label);
        CHECK_CASE(strcmp(f.error.field, cases[i].field) == 0, cases[i].label);
        CHECK_CASE(f.error.limit == cases[i].limit, cases[i].label);
        CHECK_CASE(f.error.message[0] != '\0' && append == NULL, cases[i].label);
        assert_int_equal(varve_append_create(f.store, &sample.request, &append, NULL), status);
    }
    assert_int_equal(varve_store_last_position(f.store), 0);
    fixture_free(&f);
}

static void limits_themselves_are_allowed(void **ignored)
{
    struct store_fixture f;
    struct sample sample;
    struct varve_append *append = NULL;

    memset(big, 'x', sizeof(big));
    fixture_init(&f);
    fixture_open(&f);
    make_sample(&sample);
    octets(&sample, 64 << 10);
    sample.streams[0].stream = varve_view_of(big, VARVE_MAX_STREAM_NAME);
    sample.events[0].type = varve_view_of(big, VARVE_MAX_TYPE);
    assert_int_equal(varve_append_create(f.store, &sample.request, &append, &f.error), VARVE_OK);
    assert_int_equal(varve_append_wait(append, &f.error), VARVE_OK);
    assert_in_range(varve_append_size_bytes(append), 64 << 10, 70 << 10);
    varve_append_free(append);

    struct varve_event *events = calloc(1024, sizeof(*events)); /* And as many as may be. */
    assert_non_null(events);
    for (int i = 0; i < 1024; i++)
        events[i] = (struct varve_event){ .type = varve_view_str("t"), .time_us = VARVE_TIME_NONE };
    sample.streams[0].stream = varve_view_str("s");
    struct varve_append_request many = { sample.streams, 1, events, NULL, 1024 };
    assert_int_equal(varve_append_create(f.store, &many, &append, &f.error), VARVE_OK);
    assert_int_equal(varve_append_wait(append, &f.error), VARVE_OK);
    assert_int_equal(varve_append_get_outcome(append)->results[0].last_version, 1023);
    varve_append_free(append);
    free(events);
    fixture_free(&f);
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

static void the_server_writes_to_system_streams_only(void **ignored)
{
    static const struct { const char *names[2]; const char *field; } cases[] = {
        { { "$group-a" }, NULL },
        { { "$group-a", "$parked-a" }, NULL },
        { { "order-1" }, "stream" },
        { { "$$order-1" }, "stream" },
        { { "$$" }, "stream" },
        { { "$group-a", "order-1" }, "streams[1]" },
        { { "$$order-1", "$group-a" }, "streams[0]" },
        { { "" }, "stream" },
        { { "$a\n" }, "stream" },
    };
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sample sample;
        struct varve_append *append = NULL;
        const char *label = cases[i].names[0];
        make_sample(&sample);
        sample.request.stream_count = cases[i].names[1] == NULL ? 1 : 2;
        sample.request.stream_of = sample.stream_of;
        for (size_t k = 0; k < sample.request.stream_count; k++)
            sample.streams[k].stream = varve_view_str(cases[i].names[k]);
        enum varve_status status = varve_append_create_system(f.store, &sample.request, &append, &f.error);
        CHECK_CASE(status == (cases[i].field == NULL ? VARVE_OK : VARVE_INVALID_ARGUMENT), label);
        CHECK_CASE(status == VARVE_OK || strcmp(f.error.field, cases[i].field) == 0, label);
        varve_append_free(append);
    }
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
        cmocka_unit_test(every_rule_refuses),
        cmocka_unit_test(limits_themselves_are_allowed),
        cmocka_unit_test(everything_is_copied),
        cmocka_unit_test(missing_ids_are_made),
        cmocka_unit_test(without_randomness_there_is_no_append),
        cmocka_unit_test(events_may_weave_streams),
        cmocka_unit_test(changes_are_checked_too),
        cmocka_unit_test(a_change_of_the_longest_name),
        cmocka_unit_test(the_server_writes_to_system_streams_only),
        cmocka_unit_test(what_the_server_wrote_is_an_event_like_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
