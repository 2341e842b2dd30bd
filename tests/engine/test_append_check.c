/* test_append_check.c - the shape of a request: every rule refuses with the field's name. */
#include "engine/append_check.h"
#include "support/check.h"
#include "support/records.h"
#include "support/store_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_refuses),
        cmocka_unit_test(limits_themselves_are_allowed),
        cmocka_unit_test(the_server_writes_to_system_streams_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
