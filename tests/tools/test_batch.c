/* test_batch.c - which lines make a batch, which events are sent, and which ids lines without one get. */
#include <stdlib.h>
#include <unistd.h>

#include "support/check.h"
#include "tools/varve/batch.h"
#include "varve/uuid.h"

struct fixture {
    FILE *file;
    struct batch_source source;
    struct batch *batch;
};

static void begin(struct fixture *fixture, const char *lines)
{
    *fixture = (struct fixture){ .file = tmpfile(), .batch = calloc(1, sizeof(*fixture->batch)) };
    assert_non_null(fixture->file);
    assert_non_null(fixture->batch);
    fputs(lines, fixture->file);
    fflush(fixture->file);
    lseek(fileno(fixture->file), 0, SEEK_SET);
    fixture->source.max_event_bytes = 1000;
    lines_begin(&fixture->source.lines, fileno(fixture->file));
}

static void end(struct fixture *fixture)
{
    lines_end(&fixture->source.lines);
    batch_free(fixture->batch);
    fclose(fixture->file);
}

/* `count` lines as "{"stream":"s-<i % streams>","type":"t"}". */
static char *make_lines(unsigned count, unsigned streams)
{
    char *text = malloc((size_t)count * 64 + 1), *at = text;

    assert_non_null(text);
    *at = '\0';
    for (unsigned i = 0; i < count; i++)
        at += sprintf(at, "{\"stream\":\"s-%u\",\"type\":\"t\"}\n", i % streams);
    return text;
}

static void a_batch_weaves_streams_in_the_order_of_the_file(void **state)
{
    struct fixture f;

    begin(&f, "{\"stream\":\"a\",\"type\":\"1\"}\n\n{\"stream\":\"b\",\"type\":\"2\"}\n"
              "{\"stream\":\"a\",\"type\":\"3\"}\n");
    assert_int_equal(batch_fill(f.batch, &f.source, NULL), VARVE_OK);
    assert_true(f.source.over);
    assert_int_equal(f.batch->count, 3);
    assert_int_equal(f.batch->last_line, 4);
    batch_choose(f.batch, NULL);
    struct varve_append_request request = batch_request(f.batch);
    assert_int_equal(request.event_count, 3);
    assert_int_equal(request.stream_count, 2);
    assert_int_equal(request.stream_of[0], 0);
    assert_int_equal(request.stream_of[1], 1);
    assert_int_equal(request.stream_of[2], 0);
    assert_true(request.streams[1].expected == VARVE_EXPECTED_ANY);
    assert_true(varve_view_equal(request.streams[1].stream, varve_view_str("b")));
    end(&f);
}

static void batches_end_after_so_many_lines(void **state)
{
    struct fixture f;
    char *lines = make_lines(2500, 700);
    size_t counts[] = { 1000, 1000, 500 };

    begin(&f, lines);
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        assert_false(f.source.over);
        assert_int_equal(batch_fill(f.batch, &f.source, NULL), VARVE_OK);
        assert_int_equal(f.batch->count, counts[i]);
        assert_int_equal(f.batch->first_line, i * 1000 + 1);
    }
    assert_true(f.source.over);
    free(lines);
    end(&f);
}

static void only_what_is_missing_is_sent_and_each_id_once(void **state)
{
    struct fixture f;
    uint64_t positions[4] = { 17, 0, 0, 0 };

    begin(&f, "{\"stream\":\"a\",\"type\":\"t\",\"id\":\"00000000-0000-0000-0000-000000000001\"}\n"
              "{\"stream\":\"b\",\"type\":\"t\",\"id\":\"00000000-0000-0000-0000-000000000002\"}\n"
              "{\"stream\":\"b\",\"type\":\"t\",\"id\":\"00000000-0000-0000-0000-000000000002\"}\n"
              "{\"stream\":\"c\",\"type\":\"t\",\"id\":\"00000000-0000-0000-0000-000000000003\"}\n");
    assert_int_equal(batch_fill(f.batch, &f.source, NULL), VARVE_OK);
    batch_choose(f.batch, positions);
    assert_int_equal(f.batch->missing_count, 2);
    assert_int_equal(f.batch->stream_count, 2);
    assert_int_equal(f.batch->missing[0].id.bytes[15], 2);
    assert_int_equal(f.batch->missing[1].id.bytes[15], 3);
    end(&f);
}

static void bad_lines_are_named(void **state)
{
    static const struct { const char *lines, *says; } cases[] = {
        { "{\"stream\":\"a\",\"type\":\"t\"}\n\n{\n", "line 3: not JSON at byte 1" },
        { "{\"stream\":\"\",\"type\":\"t\"}\n", "line 1: stream: must be 1 to 480 bytes" },
        { "{\"stream\":\"a\",\"type\":\"\"}\n", "line 1: type: must be" },
        { "{\"stream\":\"a\\u0007\",\"type\":\"t\"}\n", "line 1: stream: must be free of control characters" },
        { "{\"stream\":\"a\",\"type\":\"t\",\"data\":\"wQ==\",\"content_type\":\"application/msgpack\"}\n",
          "line 1: data: " },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fixture f;
        struct varve_error error;
        begin(&f, cases[i].lines);
        CHECK_CASE(batch_fill(f.batch, &f.source, &error) == VARVE_INVALID_ARGUMENT, cases[i].says);
        CHECK_CASE(strncmp(error.message, cases[i].says, strlen(cases[i].says)) == 0, error.message);
        end(&f);
    }
}

static void an_event_above_the_limit_is_named(void **state)
{
    struct fixture f;
    struct varve_error error;
    char line[1200];

    snprintf(line, sizeof(line), "{\"stream\":\"a\",\"type\":\"t\",\"data\":\"%0999d\"}\n", 0);
    begin(&f, line);
    assert_int_equal(batch_fill(f.batch, &f.source, &error), VARVE_EVENT_TOO_LARGE);
    assert_string_equal(error.message, "line 1: data and metadata take 1001 bytes; this store takes 1000");
    end(&f);
}

static void system_events_are_left_out_and_counted(void **state)
{
    struct fixture f;

    begin(&f, "{\"stream\":\"$$a\",\"type\":\"$metadata\",\"data\":{}}\n{\"stream\":\"a\",\"type\":\"t\"}\n");
    assert_int_equal(batch_fill(f.batch, &f.source, NULL), VARVE_OK);
    assert_int_equal(f.batch->count, 1);
    assert_int_equal(f.source.system_events, 1);
    end(&f);
}

static void ids_are_made_from_the_lines_so_far(void **state)
{
    static const char line[] = "{\"stream\":\"a\",\"type\":\"t\"}\n";
    struct fixture once, more;
    char lines[256];

    snprintf(lines, sizeof(lines), "%s%s", line, line);
    begin(&once, lines);
    assert_int_equal(batch_fill(once.batch, &once.source, NULL), VARVE_OK);
    assert_false(varve_uuid_is_nil(&once.batch->events[0].id));
    assert_int_equal(once.batch->events[0].id.bytes[6] >> 4, 8);
    assert_false(varve_uuid_equal(&once.batch->events[0].id, &once.batch->events[1].id));

    snprintf(lines, sizeof(lines), "%s\r\n%s%s", line, line, line); /* a blank line does not count */
    begin(&more, lines);
    assert_int_equal(batch_fill(more.batch, &more.source, NULL), VARVE_OK);
    assert_true(varve_uuid_equal(&once.batch->events[0].id, &more.batch->events[0].id));
    assert_true(varve_uuid_equal(&once.batch->events[1].id, &more.batch->events[1].id));
    assert_false(varve_uuid_equal(&more.batch->events[1].id, &more.batch->events[2].id));
    end(&once);
    end(&more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_weaves_streams_in_the_order_of_the_file),
        cmocka_unit_test(batches_end_after_so_many_lines),
        cmocka_unit_test(only_what_is_missing_is_sent_and_each_id_once),
        cmocka_unit_test(bad_lines_are_named),
        cmocka_unit_test(an_event_above_the_limit_is_named),
        cmocka_unit_test(system_events_are_left_out_and_counted),
        cmocka_unit_test(ids_are_made_from_the_lines_so_far),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
