/* test_reader_hidden.c - include_hidden: a read of everything that was ever appended, whatever was hidden since. */
#include "support/check.h"
#include "support/store_fixture.h"

enum { EVENTS = 6 };

/* Positions 1 to 6, recorded at 1000, 2000, ... 6000; the type of each is "tested", the correlation none. */
static const char *const appends[EVENTS] = { "s-1:any=.", "t-1:any=.", "s-1:any=.", "s-1:any=.", "t-1:any=.",
                                             "s-1:any=." };

static const struct {
    const char *label;
    struct varve_stream_change change;
    int64_t now_us;     /* when it is read */
    const char *stream; /* s-1 itself, which include_hidden does not change */
} cases[] = {
    { "nothing hidden", { .kind = VARVE_STREAM_TRUNCATE }, 6000, "s-1@0 s-1@1 s-1@2 s-1@3" },
    { "truncated", { .kind = VARVE_STREAM_TRUNCATE, .truncate_before = 2 }, 6000, "s-1@2 s-1@3" },
    { "all truncated", { .kind = VARVE_STREAM_TRUNCATE, .truncate_before = 4 }, 6000, "" },
    { "by count", { .kind = VARVE_STREAM_RETENTION, .max_count = 1 }, 6000, "s-1@3" },
    { "by age", { .kind = VARVE_STREAM_RETENTION, .max_age_us = 1000 }, 6999, "s-1@3" },
    { "by age, all of it", { .kind = VARVE_STREAM_RETENTION, .max_age_us = 1000 }, 7001, "" },
    { "deleted", { .kind = VARVE_STREAM_DELETE }, 6000, "STREAM_NOT_FOUND" },
    { "tombstoned", { .kind = VARVE_STREAM_TOMBSTONE }, 6000, "STREAM_TOMBSTONED" },
};

static struct varve_read hidden_read(enum varve_read_kind kind, bool backwards)
{
    static const char *const names[] = { NULL, "s-1", "s", "tested", NULL };
    struct varve_read read;

    varve_read_init(&read);
    read.kind = kind;
    read.name = varve_view_str(names[kind]);
    read.backwards = backwards;
    read.include_hidden = true;
    return read;
}

static void expect(struct store_fixture *f, const char *label, const struct varve_read *read, const char *wanted)
{
    for (uint32_t batch = 0; batch < 3; batch++) {
        const char *found = fixture_read(f, read, batch);

        if (strcmp(found, wanted) != 0)
            fail_msg("%s, kind %d, %s, batches of %u: gives \"%s\", should give \"%s\"", label, (int)read->kind,
                     read->backwards ? "backwards" : "forwards", batch, found, wanted);
    }
}

static void check_whole_reads(struct store_fixture *f, const char *label)
{
    static const struct {
        enum varve_read_kind kind;
        const char *forwards, *backwards;
    } reads[] = {
        { VARVE_READ_ALL, "s-1@0 t-1@0 s-1@1 s-1@2 t-1@1 s-1@3", "s-1@3 t-1@1 s-1@2 s-1@1 t-1@0 s-1@0" },
        { VARVE_READ_CATEGORY, "s-1@0 s-1@1 s-1@2 s-1@3", "s-1@3 s-1@2 s-1@1 s-1@0" },
        { VARVE_READ_TYPE, "s-1@0 t-1@0 s-1@1 s-1@2 t-1@1 s-1@3", "s-1@3 t-1@1 s-1@2 s-1@1 t-1@0 s-1@0" },
    };

    for (size_t i = 0; i < COUNT_OF(reads); i++) {
        struct varve_read read = hidden_read(reads[i].kind, false);
        expect(f, label, &read, reads[i].forwards);
        read = hidden_read(reads[i].kind, true);
        expect(f, label, &read, reads[i].backwards);
    }
}

static void check_bounds(struct store_fixture *f, const char *label)
{
    struct varve_read read = hidden_read(VARVE_READ_ALL, false);

    read.from = 3;
    expect(f, label, &read, "s-1@1 s-1@2 t-1@1 s-1@3");
    read.limit = 2;
    expect(f, label, &read, "s-1@1 s-1@2");
    read = hidden_read(VARVE_READ_CATEGORY, true);
    read.from = 4;
    read.limit = 2;
    expect(f, label, &read, "s-1@2 s-1@1");
    read = hidden_read(VARVE_READ_ALL, false);
    read.since_us = 3000;
    read.until_us = 5000;
    expect(f, label, &read, "s-1@1 s-1@2");
}

static void begin(struct store_fixture *f, const struct varve_stream_change *change)
{
    struct varve_stream_change changed = *change;

    fixture_init(f);
    fixture_open(f);
    for (int i = 0; i < EVENTS; i++) {
        atomic_store(&f->now_us, 1000 * (int64_t)(i + 1));
        assert_true(strncmp(fixture_append(f, appends[i]), "ok", 2) == 0);
    }
    changed.stream = varve_view_str("s-1");
    changed.expected = VARVE_EXPECTED_ANY;
    assert_true(strncmp(fixture_try_change(f, &changed), "ok", 2) == 0);
}

/* From the tail, settled, and after a start. */
static void what_is_hidden_is_read_all_the_same(void **state)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct store_fixture f;

        begin(&f, &cases[i].change);
        atomic_store(&f.now_us, cases[i].now_us);
        for (int round = 0; round < 3; round++) {
            struct varve_read of_stream = hidden_read(VARVE_READ_STREAM, false);

            check_whole_reads(&f, cases[i].label);
            check_bounds(&f, cases[i].label);
            expect(&f, cases[i].label, &of_stream, cases[i].stream);
            if (round == 0)
                fixture_settle(&f);
            else
                fixture_reopen(&f);
        }
        fixture_free(&f);
    }
}

/* Truncated, deleted, come back, tombstoned: each event is there once, and the rows about it only when asked for. */
static void a_stream_with_a_past_is_read_whole(void **state)
{
    static const char all[] = "s-1@0 s-1@1 s-1@2 t-1@0 s-1@3 s-1@4";
    struct varve_read read = hidden_read(VARVE_READ_ALL, false);
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    fixture_append(&f, "s-1:any=...");
    fixture_change(&f, VARVE_STREAM_TRUNCATE, "s-1", 2);
    fixture_settle(&f);
    fixture_change(&f, VARVE_STREAM_DELETE, "s-1", 0);
    fixture_append(&f, "t-1:any=.");
    assert_true(strncmp(fixture_append(&f, "s-1:any=.."), "ok", 2) == 0);
    expect(&f, "come back", &read, all);
    fixture_change(&f, VARVE_STREAM_TOMBSTONE, "s-1", 0);
    expect(&f, "tombstoned", &read, all);
    fixture_settle(&f);
    expect(&f, "settled", &read, all);
    fixture_reopen(&f);
    expect(&f, "reopened", &read, all);
    read.include_system = true;
    expect(&f, "with system events", &read,
           "s-1@0 s-1@1 s-1@2 $$s-1@0 $$s-1@1 t-1@0 s-1@3 s-1@4 $$s-1@2");
    read.include_hidden = read.include_system = false;
    expect(&f, "without what is hidden", &read, "t-1@0");
    fixture_free(&f);
}

/* What is hidden while a read is under way stays in it. */
static void a_read_under_way_goes_on(void **state)
{
    struct varve_read read = hidden_read(VARVE_READ_ALL, false);
    struct varve_reader *reader = NULL;
    struct varve_batch batch = { .end = false };
    struct store_fixture f;
    uint32_t count = 0;

    begin(&f, &cases[0].change);
    assert_int_equal(varve_reader_open(f.store, &read, &reader, &f.error), VARVE_OK);
    while (!batch.end) {
        assert_int_equal(varve_reader_next(reader, 1 << 20, 1, &batch, &f.error), VARVE_OK);
        count += batch.count;
        if (count == 1)
            fixture_change(&f, VARVE_STREAM_TOMBSTONE, "s-1", 0);
    }
    varve_reader_close(reader);
    assert_int_equal(count, EVENTS);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_hidden_is_read_all_the_same),
        cmocka_unit_test(a_stream_with_a_past_is_read_whole),
        cmocka_unit_test(a_read_under_way_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
