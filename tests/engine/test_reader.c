/* test_reader.c - every kind of read, both ways, with every bound, over store and tail; and what is hidden from it. */
#include "support/check.h"
#include "support/records.h"
#include "support/store_fixture.h"
#include "varve/record.h"

#include <limits.h>
#include <stdlib.h>

/* Where the twelve events of the sample lie: all in the tail, the first so many settled, or all of them. */
static const unsigned settled_counts[] = { 0, 1, 5, 6, 11, 12 };

/* Position, stream, type, correlation, recorded_at = 10 * position:
 *   1 a-1 x 7 | 2 a-2 y - | 3 b-1 x 7 | 4 a-1 y 8 | 5 a-1 x - | 6 c y 7
 *   7 a-2 x 7 | 8 b-1 y - | 9 a-1 x 8 | 10 a-1 y 7 | 11 c x - | 12 a-2 y 7 */
static void fill_sample_frozen(struct store_fixture *f, unsigned settled, unsigned frozen)
{
    static const struct { const char *stream, *type; unsigned correlation; } sample[] = {
        { "a-1", "x", 7 }, { "a-2", "y", 0 }, { "b-1", "x", 7 }, { "a-1", "y", 8 }, { "a-1", "x", 0 }, { "c", "y", 7 },
        { "a-2", "x", 7 }, { "b-1", "y", 0 }, { "a-1", "x", 8 }, { "a-1", "y", 7 }, { "c", "x", 0 }, { "a-2", "y", 7 },
    };

    fixture_init(f);
    fixture_open(f);
    for (unsigned i = 0; i < COUNT_OF(sample); i++) {
        struct varve_append_stream stream = { varve_view_str(sample[i].stream), VARVE_EXPECTED_ANY };
        struct varve_event event = { .type = varve_view_str(sample[i].type), .time_us = VARVE_TIME_NONE };
        struct varve_append_request request = { &stream, 1, &event, NULL, 1 };
        struct varve_append *append = NULL;
        if (sample[i].correlation != 0)
            event.correlation_id = test_uuid(sample[i].correlation);
        if (i == settled && i > 0)
            fixture_settle(f);
        if (i == frozen)
            fixture_freeze(f);
        atomic_store(&f->now_us, 10 * (int64_t)(i + 1));
        assert_int_equal(varve_append_create(f->store, &request, &append, &f->error), VARVE_OK);
        assert_int_equal(varve_append_wait(append, &f->error), VARVE_OK);
        varve_append_free(append);
    }
    if (settled == COUNT_OF(sample))
        fixture_settle(f);
}

static void fill_sample(struct store_fixture *f, unsigned settled)
{
    fill_sample_frozen(f, settled, UINT_MAX);
}

struct read_case {
    const char *label;
    enum varve_read_kind kind;
    const char *name;     /* of the stream, category or type */
    unsigned correlation;
    uint64_t from, limit;
    int64_t since_us, until_us;
    const char *forwards, *backwards; /* NULL: not asked */
};

#define EDGE VARVE_FROM_EDGE
#define NONE VARVE_TIME_NONE

static const struct read_case read_cases[] = {
    { "all", VARVE_READ_ALL, NULL, 0, EDGE, 0, NONE, NONE,
      "a-1@0 a-2@0 b-1@0 a-1@1 a-1@2 c@0 a-2@1 b-1@1 a-1@3 a-1@4 c@1 a-2@2",
      "a-2@2 c@1 a-1@4 a-1@3 b-1@1 a-2@1 c@0 a-1@2 a-1@1 b-1@0 a-2@0 a-1@0" },
    { "all from", VARVE_READ_ALL, NULL, 0, 6, 0, NONE, NONE, "c@0 a-2@1 b-1@1 a-1@3 a-1@4 c@1 a-2@2",
      "c@0 a-1@2 a-1@1 b-1@0 a-2@0 a-1@0" },
    { "all from the last", VARVE_READ_ALL, NULL, 0, 12, 1, NONE, NONE, "a-2@2", "a-2@2" },
    { "all from the first", VARVE_READ_ALL, NULL, 0, 1, 1, NONE, NONE, "a-1@0", "a-1@0" },
    { "all from before the first", VARVE_READ_ALL, NULL, 0, 0, 2, NONE, NONE, "a-1@0 a-2@0", "" },
    { "all from behind the last", VARVE_READ_ALL, NULL, 0, 13, 2, NONE, NONE, "", "a-2@2 c@1" },
    { "all from far behind", VARVE_READ_ALL, NULL, 0, EDGE - 1, 1, NONE, NONE, "", "a-2@2" },
    { "all, a few", VARVE_READ_ALL, NULL, 0, EDGE, 3, NONE, NONE, "a-1@0 a-2@0 b-1@0", "a-2@2 c@1 a-1@4" },
    { "all, exactly as many", VARVE_READ_ALL, NULL, 0, 10, 3, NONE, NONE, "a-1@4 c@1 a-2@2", "a-1@4 a-1@3 b-1@1" },
    { "all since", VARVE_READ_ALL, NULL, 0, EDGE, 0, 105, NONE, "c@1 a-2@2", "a-2@2 c@1" },
    { "all since just then", VARVE_READ_ALL, NULL, 0, EDGE, 0, 110, NONE, "c@1 a-2@2", "a-2@2 c@1" },
    { "all until", VARVE_READ_ALL, NULL, 0, EDGE, 0, NONE, 30, "a-1@0 a-2@0", "a-2@0 a-1@0" },
    { "all between", VARVE_READ_ALL, NULL, 0, EDGE, 0, 50, 71, "a-1@2 c@0 a-2@1", "a-2@1 c@0 a-1@2" },
    { "all between, from inside", VARVE_READ_ALL, NULL, 0, 6, 0, 50, 71, "c@0 a-2@1", "c@0 a-1@2" },
    { "all between, from before", VARVE_READ_ALL, NULL, 0, 2, 0, 50, 71, "a-1@2 c@0 a-2@1", "" },
    { "all between, from behind", VARVE_READ_ALL, NULL, 0, 9, 0, 50, 71, "", "a-2@1 c@0 a-1@2" },
    { "all in an empty time", VARVE_READ_ALL, NULL, 0, EDGE, 0, 51, 60, "", "" },
    { "all in a time turned over", VARVE_READ_ALL, NULL, 0, EDGE, 0, 80, 20, "", "" },
    { "all before time", VARVE_READ_ALL, NULL, 0, EDGE, 0, NONE, 10, "", "" },
    { "all after time", VARVE_READ_ALL, NULL, 0, EDGE, 0, 121, NONE, "", "" },
    { "all of all times", VARVE_READ_ALL, NULL, 0, 11, 0, INT64_MIN + 1, INT64_MAX, "c@1 a-2@2", NULL },
    { "stream", VARVE_READ_STREAM, "a-1", 0, EDGE, 0, NONE, NONE, "a-1@0 a-1@1 a-1@2 a-1@3 a-1@4",
      "a-1@4 a-1@3 a-1@2 a-1@1 a-1@0" },
    { "stream from", VARVE_READ_STREAM, "a-1", 0, 3, 0, NONE, NONE, "a-1@3 a-1@4", "a-1@3 a-1@2 a-1@1 a-1@0" },
    { "stream from its first", VARVE_READ_STREAM, "a-1", 0, 0, 0, NONE, NONE, "a-1@0 a-1@1 a-1@2 a-1@3 a-1@4",
      "a-1@0" },
    { "stream from behind", VARVE_READ_STREAM, "a-1", 0, 5, 0, NONE, NONE, "", "a-1@4 a-1@3 a-1@2 a-1@1 a-1@0" },
    { "stream, a few", VARVE_READ_STREAM, "a-1", 0, 1, 2, NONE, NONE, "a-1@1 a-1@2", "a-1@1 a-1@0" },
    { "stream since", VARVE_READ_STREAM, "a-1", 0, EDGE, 0, 41, NONE, "a-1@2 a-1@3 a-1@4", "a-1@4 a-1@3 a-1@2" },
    { "stream until", VARVE_READ_STREAM, "a-1", 0, EDGE, 0, NONE, 41, "a-1@0 a-1@1", "a-1@1 a-1@0" },
    { "stream between", VARVE_READ_STREAM, "a-1", 0, EDGE, 1, 40, 100, "a-1@1", "a-1@3" },
    { "stream between, from inside", VARVE_READ_STREAM, "a-1", 0, 2, 0, 40, 100, "a-1@2 a-1@3", "a-1@2 a-1@1" },
    { "stream before its time", VARVE_READ_STREAM, "c", 0, EDGE, 0, NONE, 60, "", "" },
    { "stream after its time", VARVE_READ_STREAM, "b-1", 0, EDGE, 0, 81, NONE, "", "" },
    { "stream between its events", VARVE_READ_STREAM, "b-1", 0, EDGE, 0, 31, 80, "", "" },
    { "no such stream", VARVE_READ_STREAM, "a-3", 0, EDGE, 0, NONE, NONE, "STREAM_NOT_FOUND", "STREAM_NOT_FOUND" },
    { "a category is no stream", VARVE_READ_STREAM, "a", 0, EDGE, 0, NONE, NONE, "STREAM_NOT_FOUND",
      "STREAM_NOT_FOUND" },
    { "category", VARVE_READ_CATEGORY, "a", 0, EDGE, 0, NONE, NONE, "a-1@0 a-2@0 a-1@1 a-1@2 a-2@1 a-1@3 a-1@4 a-2@2",
      "a-2@2 a-1@4 a-1@3 a-2@1 a-1@2 a-1@1 a-2@0 a-1@0" },
    { "category from", VARVE_READ_CATEGORY, "a", 0, 6, 0, NONE, NONE, "a-2@1 a-1@3 a-1@4 a-2@2",
      "a-1@2 a-1@1 a-2@0 a-1@0" },
    { "category from one of its own", VARVE_READ_CATEGORY, "a", 0, 7, 2, NONE, NONE, "a-2@1 a-1@3", "a-2@1 a-1@2" },
    { "category between", VARVE_READ_CATEGORY, "a", 0, EDGE, 0, 50, 100, "a-1@2 a-2@1 a-1@3", "a-1@3 a-2@1 a-1@2" },
    { "a name without hyphen is its own", VARVE_READ_CATEGORY, "c", 0, EDGE, 0, NONE, NONE, "c@0 c@1", "c@1 c@0" },
    { "no such category", VARVE_READ_CATEGORY, "a-1", 0, EDGE, 0, NONE, NONE, "", "" },
    { "type", VARVE_READ_TYPE, "x", 0, EDGE, 0, NONE, NONE, "a-1@0 b-1@0 a-1@2 a-2@1 a-1@3 c@1",
      "c@1 a-1@3 a-2@1 a-1@2 b-1@0 a-1@0" },
    { "type from", VARVE_READ_TYPE, "y", 0, 7, 2, NONE, NONE, "b-1@1 a-1@4", "c@0 a-1@1" },
    { "type until", VARVE_READ_TYPE, "x", 0, EDGE, 0, NONE, 71, "a-1@0 b-1@0 a-1@2 a-2@1", "a-2@1 a-1@2 b-1@0 a-1@0" },
    { "no such type", VARVE_READ_TYPE, "z", 0, EDGE, 0, NONE, NONE, "", "" },
    { "correlation", VARVE_READ_CORRELATION, NULL, 7, EDGE, 0, NONE, NONE, "a-1@0 b-1@0 c@0 a-2@1 a-1@4 a-2@2",
      "a-2@2 a-1@4 a-2@1 c@0 b-1@0 a-1@0" },
    { "correlation from", VARVE_READ_CORRELATION, NULL, 7, 6, 2, NONE, NONE, "c@0 a-2@1", "c@0 b-1@0" },
    { "another correlation", VARVE_READ_CORRELATION, NULL, 8, EDGE, 0, NONE, NONE, "a-1@1 a-1@3", "a-1@3 a-1@1" },
    { "no such correlation", VARVE_READ_CORRELATION, NULL, 9, EDGE, 0, NONE, NONE, "", "" },
};

static struct varve_read read_of(const struct read_case *c, bool backwards)
{
    struct varve_read read = { .kind = c->kind, .name = varve_view_str(c->name), .backwards = backwards,
                               .from = c->from, .limit = c->limit, .since_us = c->since_us, .until_us = c->until_us };

    if (c->correlation != 0)
        read.correlation_id = test_uuid(c->correlation);
    return read;
}

static void check_case(struct store_fixture *f, const struct read_case *c, unsigned settled)
{
    static const uint32_t batches[] = { 0, 1, 2 };

    for (int backwards = 0; backwards < 2; backwards++)
        for (size_t batch = 0; batch < COUNT_OF(batches); batch++) {
            struct varve_read read = read_of(c, backwards);
            const char *wanted = backwards ? c->backwards : c->forwards;
            const char *found = wanted == NULL ? NULL : fixture_read(f, &read, batches[batch]);
            if (wanted != NULL && strcmp(found, wanted) != 0)
                fail_msg("%s, %s, %u settled: gives \"%s\", should give \"%s\"", c->label,
                         backwards ? "backwards" : "forwards", settled, found, wanted);
        }
}

static void every_read_over_store_and_tail(void **ignored)
{
    for (size_t i = 0; i < COUNT_OF(settled_counts); i++) {
        struct store_fixture f;
        fill_sample(&f, settled_counts[i]);
        assert_int_equal(fixture_stats(&f).settled_position, settled_counts[i]);
        for (size_t c = 0; c < COUNT_OF(read_cases); c++)
            check_case(&f, &read_cases[c], settled_counts[i]);
        fixture_free(&f);
    }
}

/* A part in the store, a part in the frozen layer, the rest in the active one. */
static void every_read_over_both_layers(void **ignored)
{
    for (unsigned settled = 0; settled < 3; settled++) {
        struct store_fixture f;
        fill_sample_frozen(&f, 3 * settled, 8);
        for (size_t c = 0; c < COUNT_OF(read_cases); c++)
            check_case(&f, &read_cases[c], 3 * settled);
        fixture_thaw(&f);
        fixture_free(&f);
    }
}

/* ---- what may be asked ---- */

static void questions_are_checked(void **ignored)
{
    static const struct { const char *label; struct varve_read read; const char *field; } cases[] = {
        { "no kind", { .kind = 5 }, "kind" },
        { "a negative kind", { .kind = -1 }, "kind" },
        { "a stream without a name", { .kind = VARVE_READ_STREAM }, "name" },
        { "an empty category", { .kind = VARVE_READ_CATEGORY, .name = { "", 0 } }, "name" },
        { "a type with a control character", { .kind = VARVE_READ_TYPE, .name = { "a\n", 2 } }, "name" },
        { "no correlation id", { .kind = VARVE_READ_CORRELATION }, "correlation_id" },
    };
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_reader *reader = NULL;
        CHECK_CASE(varve_reader_open(f.store, &cases[i].read, &reader, &f.error) == VARVE_INVALID_ARGUMENT,
                   cases[i].label);
        CHECK_CASE(strcmp(f.error.field, cases[i].field) == 0 && reader == NULL, cases[i].label);
    }
    varve_reader_close(NULL);
    fixture_free(&f);
}

static void only_kept_indexes_are_read(void **ignored)
{
    for (unsigned indexes = 0; indexes <= VARVE_INDEX_ALL; indexes++) {
        struct store_fixture f;
        fixture_init(&f);
        f.options.indexes = indexes;
        fixture_open(&f);
        assert_string_equal(fixture_append(&f, "a-1:none=a"), "ok a-1@0-0/1-1");
        f.options.indexes = VARVE_INDEX_ALL; /* Counts only at creation. */
        for (int settled = 0; settled < 2; settled++) {
            struct varve_read read = { .kind = VARVE_READ_CATEGORY, .name = varve_view_str("a"), .from = EDGE,
                                       .since_us = NONE, .until_us = NONE };
            assert_string_equal(fixture_read(&f, &read, 0),
                                indexes & VARVE_INDEX_CATEGORY ? "a-1@0" : "INDEX_NOT_KEPT");
            read.kind = VARVE_READ_TYPE;
            read.name = varve_view_str("tested");
            assert_string_equal(fixture_read(&f, &read, 0), indexes & VARVE_INDEX_TYPE ? "a-1@0" : "INDEX_NOT_KEPT");
            read.kind = VARVE_READ_CORRELATION;
            read.correlation_id = test_uuid(5);
            assert_string_equal(fixture_read(&f, &read, 0), indexes & VARVE_INDEX_CORRELATION ? "" : "INDEX_NOT_KEPT");
            assert_string_equal(fixture_read_stream(&f, "a-1"), "a-1@0");
            fixture_reopen(&f);
        }
        fixture_free(&f);
    }
}

/* ---- what is hidden ---- */

static struct varve_read of_kind(enum varve_read_kind kind, bool backwards)
{
    static const char *const names[] = { NULL, "s-1", "s", "tested", NULL };
    struct varve_read read = { .kind = kind, .name = varve_view_str(names[kind]), .backwards = backwards,
                               .from = EDGE, .since_us = NONE, .until_us = NONE };

    return read;
}

/* Every way to the events of "s-1" beside those of "t-1" must agree on what is shown. */
static void check_shown(struct store_fixture *f, const char *label, const char *stream, const char *all,
                        const char *all_backwards)
{
    for (int settled = 0; settled < 3; settled++) {
        for (int kind = VARVE_READ_ALL; kind <= VARVE_READ_TYPE; kind++)
            for (int backwards = 0; backwards < 2; backwards++) {
                struct varve_read read = of_kind((enum varve_read_kind)kind, backwards);
                const char *found = fixture_read(f, &read, settled == 1);
                const char *wanted = kind == VARVE_READ_STREAM || kind == VARVE_READ_CATEGORY ? stream
                                     : backwards                                            ? all_backwards
                                                                                            : all;
                if (kind == VARVE_READ_CATEGORY && stream[0] != '\0' && stream[0] != 's')
                    wanted = ""; /* The stream cannot be read; its category is empty. */
                if ((kind == VARVE_READ_STREAM || kind == VARVE_READ_CATEGORY) && backwards)
                    continue; /* Below, where the text is turned round. */
                if (strcmp(found, wanted) != 0)
                    fail_msg("%s, kind %d, backwards %d, round %d: gives \"%s\", should give \"%s\"", label, kind,
                             backwards, settled, found, wanted);
            }
        if (settled == 0)
            fixture_settle(f);
        else
            fixture_reopen(f);
    }
}

/* The events of one read in the opposite order. */
static void check_backwards(struct store_fixture *f, const char *label, const char *wanted)
{
    struct varve_read read = of_kind(VARVE_READ_STREAM, true);

    for (uint32_t batch = 0; batch < 3; batch++)
        CHECK_CASE(strcmp(fixture_read(f, &read, batch), wanted) == 0, label);
    read.kind = VARVE_READ_CATEGORY;
    read.name = varve_view_str("s");
    if (wanted[0] == 's')
        CHECK_CASE(strcmp(fixture_read(f, &read, 0), wanted) == 0, label);
}

static void make_hideable(struct store_fixture *f)
{
    static const char *const appends[] = { "s-1:any=.", "t-1:any=.", "s-1:any=.",
                                           "s-1:any=.", "t-1:any=.", "s-1:any=." };

    fixture_init(f);
    fixture_open(f);
    for (unsigned i = 0; i < COUNT_OF(appends); i++) { /* recorded at 1000, 2000, ... 6000 */
        atomic_store(&f->now_us, 1000 * (int64_t)(i + 1));
        assert_true(strncmp(fixture_append(f, appends[i]), "ok", 2) == 0);
    }
}

static void bounds_hide_at_once(void **ignored)
{
    static const struct {
        const char *label;
        struct varve_stream_change change;
        int64_t now_us;
        const char *stream, *backwards, *all, *all_backwards;
    } cases[] = {
        { "nothing hidden", { .kind = VARVE_STREAM_TRUNCATE }, 6000, "s-1@0 s-1@1 s-1@2 s-1@3",
          "s-1@3 s-1@2 s-1@1 s-1@0", "s-1@0 t-1@0 s-1@1 s-1@2 t-1@1 s-1@3", "s-1@3 t-1@1 s-1@2 s-1@1 t-1@0 s-1@0" },
        { "truncated", { .kind = VARVE_STREAM_TRUNCATE, .truncate_before = 2 }, 6000, "s-1@2 s-1@3", "s-1@3 s-1@2",
          "t-1@0 s-1@2 t-1@1 s-1@3", "s-1@3 t-1@1 s-1@2 t-1@0" },
        { "all truncated", { .kind = VARVE_STREAM_TRUNCATE, .truncate_before = 4 }, 6000, "", "", "t-1@0 t-1@1",
          "t-1@1 t-1@0" },
        { "truncated beyond", { .kind = VARVE_STREAM_TRUNCATE, .truncate_before = 99 }, 6000, "", "", "t-1@0 t-1@1",
          "t-1@1 t-1@0" },
        { "by count", { .kind = VARVE_STREAM_RETENTION, .max_count = 1 }, 6000, "s-1@3", "s-1@3", "t-1@0 t-1@1 s-1@3",
          "s-1@3 t-1@1 t-1@0" },
        { "by a large count", { .kind = VARVE_STREAM_RETENTION, .max_count = 4 }, 6000, "s-1@0 s-1@1 s-1@2 s-1@3",
          "s-1@3 s-1@2 s-1@1 s-1@0", "s-1@0 t-1@0 s-1@1 s-1@2 t-1@1 s-1@3", "s-1@3 t-1@1 s-1@2 s-1@1 t-1@0 s-1@0" },
        { "by age", { .kind = VARVE_STREAM_RETENTION, .max_age_us = 2000 }, 6000, "s-1@2 s-1@3", "s-1@3 s-1@2",
          "t-1@0 s-1@2 t-1@1 s-1@3", "s-1@3 t-1@1 s-1@2 t-1@0" },
        { "by age, later", { .kind = VARVE_STREAM_RETENTION, .max_age_us = 2000 }, 8000, "s-1@3", "s-1@3",
          "t-1@0 t-1@1 s-1@3", "s-1@3 t-1@1 t-1@0" },
        { "by age, too late", { .kind = VARVE_STREAM_RETENTION, .max_age_us = 2000 }, 8001, "", "", "t-1@0 t-1@1",
          "t-1@1 t-1@0" },
        { "by age and count", { .kind = VARVE_STREAM_RETENTION, .max_count = 3, .max_age_us = 3000 }, 6000,
          "s-1@1 s-1@2 s-1@3", "s-1@3 s-1@2 s-1@1", "t-1@0 s-1@1 s-1@2 t-1@1 s-1@3", "s-1@3 t-1@1 s-1@2 s-1@1 t-1@0" },
        { "deleted", { .kind = VARVE_STREAM_DELETE }, 6000, "STREAM_NOT_FOUND", "STREAM_NOT_FOUND", "t-1@0 t-1@1",
          "t-1@1 t-1@0" },
        { "tombstoned", { .kind = VARVE_STREAM_TOMBSTONE }, 6000, "STREAM_TOMBSTONED", "STREAM_TOMBSTONED",
          "t-1@0 t-1@1", "t-1@1 t-1@0" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct store_fixture f;
        make_hideable(&f);
        struct varve_stream_change change = cases[i].change;
        change.stream = varve_view_str("s-1");
        change.expected = VARVE_EXPECTED_ANY;
        CHECK_CASE(strncmp(fixture_try_change(&f, &change), "ok", 2) == 0, cases[i].label);
        atomic_store(&f.now_us, cases[i].now_us);
        check_backwards(&f, cases[i].label, cases[i].backwards);
        check_shown(&f, cases[i].label, cases[i].stream, cases[i].all, cases[i].all_backwards);
        check_backwards(&f, cases[i].label, cases[i].backwards);
        fixture_free(&f);
    }
}

static void deleted_and_back_again(void **ignored)
{
    struct store_fixture f;

    make_hideable(&f);
    fixture_change(&f, VARVE_STREAM_DELETE, "s-1", 0);
    assert_string_equal(fixture_append(&f, "s-1:none=."), "ok s-1@4-4/8-8");
    assert_string_equal(fixture_append(&f, "s-1:4=."), "ok s-1@5-5/9-9");
    check_backwards(&f, "came back", "s-1@5 s-1@4");
    check_shown(&f, "came back", "s-1@4 s-1@5", "t-1@0 t-1@1 s-1@4 s-1@5", "s-1@5 s-1@4 t-1@1 t-1@0");
    fixture_change(&f, VARVE_STREAM_DELETE, "s-1", 0);
    check_shown(&f, "gone again", "STREAM_NOT_FOUND", "t-1@0 t-1@1", "t-1@1 t-1@0");
    fixture_free(&f);
}

/* A count moves on with every append; limits count what is shown. */
static void a_count_slides(void **ignored)
{
    struct store_fixture f;
    struct varve_read read = of_kind(VARVE_READ_ALL, false);

    make_hideable(&f);
    fixture_change(&f, VARVE_STREAM_RETENTION, "s-1", 2); /* Also max_age_us = 0. */
    assert_string_equal(fixture_read_stream(&f, "s-1"), "s-1@2 s-1@3");
    assert_string_equal(fixture_append(&f, "s-1:3=."), "ok s-1@4-4/8-8");
    assert_string_equal(fixture_read_stream(&f, "s-1"), "s-1@3 s-1@4");
    read.limit = 3;
    assert_string_equal(fixture_read(&f, &read, 0), "t-1@0 t-1@1 s-1@3");
    read.kind = VARVE_READ_TYPE;
    read.name = varve_view_str("tested");
    read.backwards = true;
    assert_string_equal(fixture_read(&f, &read, 0), "s-1@4 s-1@3 t-1@1");
    fixture_free(&f);
}

static void system_events_only_if_asked_for(void **ignored)
{
    struct store_fixture f;
    struct varve_read read = of_kind(VARVE_READ_ALL, false);

    make_hideable(&f);
    fixture_change(&f, VARVE_STREAM_TRUNCATE, "t-1", 1);
    fixture_change(&f, VARVE_STREAM_TRUNCATE, "t-1", 2);
    for (int settled = 0; settled < 2; settled++) {
        read = of_kind(VARVE_READ_ALL, false);
        read.from = 6;
        assert_string_equal(fixture_read(&f, &read, 0), "s-1@3");
        read.include_system = true;
        assert_string_equal(fixture_read(&f, &read, 0), "s-1@3 $$t-1@0 $$t-1@1");
        read = of_kind(VARVE_READ_TYPE, true);
        read.name = varve_view_str("$metadata");
        assert_string_equal(fixture_read(&f, &read, 0), "");
        read.include_system = true;
        assert_string_equal(fixture_read(&f, &read, 0), "$$t-1@1 $$t-1@0");
        read.kind = VARVE_READ_CATEGORY;
        read.name = varve_view_str("$$t");
        assert_string_equal(fixture_read(&f, &read, 0), "$$t-1@1 $$t-1@0");
        assert_string_equal(fixture_read_stream(&f, "$$t-1"), "$$t-1@0 $$t-1@1"); /* By name it is always read. */
        fixture_settle(&f);
    }
    fixture_free(&f);
}

/* ---- batches ---- */

static void batches_keep_their_bounds(void **ignored)
{
    static const struct { size_t max_bytes; uint32_t max_events; } bounds[] = {
        { 0, 0 }, { 1, 0 }, { 400, 0 }, { 5000, 0 }, { 5000, 7 }, { 1 << 30, 0 }, { 1 << 30, 1 }, { 1 << 30, 300 },
    };
    struct store_fixture f;
    struct varve_read read = of_kind(VARVE_READ_ALL, false);

    fixture_init(&f);
    fixture_open(&f);
    fixture_fill(&f, "small", 500, 50, 100);
    fixture_fill(&f, "large", 3, 1, 64 << 10); /* A block of their own each. */
    fixture_settle(&f);
    fixture_fill(&f, "small", 500, 50, 100);
    for (size_t i = 0; i < COUNT_OF(bounds); i++) {
        struct varve_reader *reader = NULL;
        struct varve_batch batch = { .end = false };
        uint64_t seen = 0;
        assert_int_equal(varve_reader_open(f.store, &read, &reader, &f.error), VARVE_OK);
        while (!batch.end) {
            size_t size = 0;
            assert_int_equal(varve_reader_next(reader, bounds[i].max_bytes, bounds[i].max_events, &batch, &f.error),
                             VARVE_OK);
            assert_true(batch.count > 0 || batch.end);
            assert_true(bounds[i].max_events == 0 || batch.count <= bounds[i].max_events);
            for (uint32_t k = 0; k < batch.count; k++) {
                assert_int_equal(varve_record_position(batch.records[k]), ++seen);
                size += batch.sizes[k];
            }
            assert_true(batch.count <= 1 || size <= bounds[i].max_bytes);
            assert_true(batch.end || batch.next == seen + 1);
        }
        assert_int_equal(seen, 1003);
        varve_reader_close(reader);
    }
    fixture_free(&f);
}

/* A read shows what was visible when it was opened, and hides what is hidden since. */
static void a_read_is_of_its_moment(void **ignored)
{
    static const struct { enum varve_read_kind kind; uint64_t events; } kinds[] = {
        { VARVE_READ_ALL, 6 }, { VARVE_READ_STREAM, 4 }, { VARVE_READ_CATEGORY, 4 }, { VARVE_READ_TYPE, 6 },
    };
    struct varve_batch batch;

    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct store_fixture f;
        struct varve_reader *reader = NULL;
        struct varve_read read = of_kind(kinds[i].kind, false);
        uint64_t seen = 1;
        make_hideable(&f);
        assert_int_equal(varve_reader_open(f.store, &read, &reader, &f.error), VARVE_OK);
        assert_int_equal(varve_reader_next(reader, 1, 1, &batch, &f.error), VARVE_OK);
        assert_string_equal(fixture_append(&f, "s-1:any=. t-1:any=."), "ok s-1@4-4/7-7 t-1@2-2/8-8");
        fixture_settle(&f);
        while (!batch.end) {
            assert_int_equal(varve_reader_next(reader, 1, 1, &batch, &f.error), VARVE_OK);
            seen += batch.count;
        }
        assert_int_equal(seen, kinds[i].events);
        varve_reader_close(reader);

        assert_int_equal(varve_reader_open(f.store, &read, &reader, &f.error), VARVE_OK);
        assert_int_equal(varve_reader_next(reader, 1, 1, &batch, &f.error), VARVE_OK);
        fixture_change(&f, VARVE_STREAM_DELETE, "s-1", 0);
        for (seen = 0; !batch.end; seen += batch.count)
            assert_int_equal(varve_reader_next(reader, 1 << 20, 0, &batch, &f.error), VARVE_OK);
        assert_int_equal(seen, kinds[i].kind == VARVE_READ_ALL || kinds[i].kind == VARVE_READ_TYPE ? 3 : 0);
        varve_reader_close(reader);
        fixture_free(&f);
    }
}

static void an_empty_store_reads_as_empty(void **ignored)
{
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    for (int backwards = 0; backwards < 2; backwards++)
        for (int kind = VARVE_READ_ALL; kind <= VARVE_READ_CORRELATION; kind++) {
            struct varve_read read = of_kind((enum varve_read_kind)kind, backwards);
            read.correlation_id = test_uuid(1);
            assert_string_equal(fixture_read(&f, &read, 0), kind == VARVE_READ_STREAM ? "STREAM_NOT_FOUND" : "");
            read.since_us = 0;
            read.until_us = 1000;
            assert_string_equal(fixture_read(&f, &read, 0), kind == VARVE_READ_STREAM ? "STREAM_NOT_FOUND" : "");
        }
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_read_over_both_layers),
        cmocka_unit_test(every_read_over_store_and_tail), cmocka_unit_test(questions_are_checked),
        cmocka_unit_test(only_kept_indexes_are_read),     cmocka_unit_test(bounds_hide_at_once),
        cmocka_unit_test(deleted_and_back_again),         cmocka_unit_test(a_count_slides),
        cmocka_unit_test(system_events_only_if_asked_for), cmocka_unit_test(batches_keep_their_bounds),
        cmocka_unit_test(a_read_is_of_its_moment),        cmocka_unit_test(an_empty_store_reads_as_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
