/* test_replay.c - an append that comes again: recognised with its first numbers, refused when an id has other content,
 * never stored twice. A letter is an id with its content, its upper-case form the same id with another content. */
#include "support/check.h"
#include "support/store_fixture.h"

enum { MOST_STEPS = 8 };

enum place { IN_TAIL, SETTLED, REOPENED, CRASHED, PLACES };

/* First `before`, in order; then `again` gives `outcome`, wherever the events lie by then. */
static const struct {
    const char *label;
    const char *before[MOST_STEPS];
    const char *again, *outcome;
} cases[] = {
    /* With an expected version: for ever, by place. */
    { "new stream", { "s:none=ab" }, "s:none=ab", "again s@0-1/1-2" },
    { "new stream, gone on", { "s:none=ab", "s:1=cd" }, "s:none=ab", "again s@0-1/1-2" },
    { "in the middle", { "s:none=ab", "s:1=cd", "s:3=e" }, "s:1=cd", "again s@2-3/3-4" },
    { "the last", { "s:none=ab", "s:1=cd" }, "s:1=cd", "again s@2-3/3-4" },
    { "a part of it", { "s:none=abc" }, "s:0=b", "again s@1-1/2-2" },
    { "other ids", { "s:none=ab" }, "s:none=cd", "no: s WRONG_EXPECTED_VERSION none/1" },
    { "old, then new", { "s:none=ab" }, "s:0=bc", "no: s WRONG_EXPECTED_VERSION 0/1" },
    { "new, then old", { "s:none=ab" }, "s:1=cb", "no: s WRONG_EXPECTED_VERSION 1/1" },
    { "old ones elsewhere", { "s:none=ab" }, "s:1=ab", "no: s WRONG_EXPECTED_VERSION 1/1" },
    { "in another order", { "s:none=ab" }, "s:none=ba", "no: s WRONG_EXPECTED_VERSION none/1" },
    { "other content", { "s:none=ab" }, "s:none=aB", "no: s ID_REUSED none/1" },
    { "other content, first", { "s:none=ab" }, "s:none=Ab", "no: s ID_REUSED none/1" },
    { "without ids", { "s:none=.." }, "s:none=..", "no: s WRONG_EXPECTED_VERSION none/1" },
    { "ids, then none", { "s:none=a." }, "s:none=a.", "no: s WRONG_EXPECTED_VERSION none/1" },
    { "version ahead", { "s:none=ab" }, "s:7=cd", "no: s WRONG_EXPECTED_VERSION 7/1" },
    /* With any and stream_exists: by id. */
    { "any", { "s:any=ab" }, "s:any=ab", "again s@0-1/1-2" },
    { "any, gone on", { "s:any=ab", "s:any=cd" }, "s:any=ab", "again s@0-1/1-2" },
    { "exists", { "s:any=a", "s:exists=bc", "s:any=d" }, "s:exists=bc", "again s@1-2/2-3" },
    { "any, stored with a version", { "s:none=ab" }, "s:any=ab", "again s@0-1/1-2" },
    { "a version, stored with any", { "s:any=ab", "s:any=cd" }, "s:1=cd", "again s@2-3/3-4" },
    { "any, a mix", { "s:any=ab" }, "s:any=bc", "no: s WRONG_EXPECTED_VERSION any/1" },
    { "any, with a gap", { "s:any=abc" }, "s:any=ac", "no: s WRONG_EXPECTED_VERSION any/2" },
    { "any, other content", { "s:any=ab" }, "s:any=aB", "no: s ID_REUSED any/1" },
    { "any, new then other content", { "s:any=ab" }, "s:any=cB", "no: s ID_REUSED any/1" },
    { "any, one new", { "s:any=ab" }, "s:any=c", "ok s@2-2/3-3" },
    { "id in another stream", { "s:any=ab" }, "u:any=a", "no: u ID_REUSED any/none" },
    { "id in another stream, new one", { "s:any=ab" }, "u:none=c", "ok u@0-0/3-3" },
    /* Several streams. */
    { "two streams", { "s:none=ab u:none=c" }, "s:none=ab u:none=c", "again s@0-1/1-2 u@0-0/3-3" },
    { "two streams, other order", { "s:none=ab u:none=c" }, "u:none=c s:none=ab", "again u@0-0/3-3 s@0-1/1-2" },
    { "two streams, one is new", { "s:none=ab" }, "s:none=ab u:none=c", "no: s WRONG_EXPECTED_VERSION none/1" },
    { "two streams, one alone", { "s:none=ab u:none=c" }, "u:none=c", "again u@0-0/3-3" },
    { "two streams, reused in the second", { "s:any=a u:any=b" }, "s:any=a u:any=B", "no: u ID_REUSED any/0" },
    { "checks do not matter then", { "s:none=ab u:none=c" }, "s:none=ab u:none", "again s@0-1/1-2 u@0" },
    { "a check that fails", { "s:none=ab" }, "u:none=c s:0", "no: s WRONG_EXPECTED_VERSION 0/1" },
};

static void move_to(struct store_fixture *f, enum place place)
{
    if (place == SETTLED)
        fixture_settle(f);
    if (place == REOPENED)
        fixture_reopen(f);
    if (place == CRASHED)
        fixture_crash(f);
}

static void every_case_in_every_place(void **ignored)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (int place = 0; place < PLACES; place++) {
            struct store_fixture f;
            fixture_init(&f);
            fixture_open(&f);
            for (int step = 0; step < MOST_STEPS && cases[i].before[step] != NULL; step++)
                CHECK_CASE(strncmp(fixture_append(&f, cases[i].before[step]), "ok", 2) == 0, cases[i].label);
            uint64_t before = varve_store_last_position(f.store);
            move_to(&f, (enum place)place);
            for (int twice = 0; twice < 2; twice++) {
                bool stores = strncmp(cases[i].outcome, "ok", 2) == 0;
                if (twice && stores)
                    break;
                const char *outcome = fixture_append(&f, cases[i].again);
                if (strcmp(outcome, cases[i].outcome) != 0)
                    fail_msg("%s, place %d: gives \"%s\", should give \"%s\"", cases[i].label, place, outcome,
                             cases[i].outcome);
                if (!stores)
                    CHECK_CASE(varve_store_last_position(f.store) == before, cases[i].label);
            }
            fixture_free(&f);
        }
}

/* A stream's end does not undo what was appended: who asks again hears the same. */
static void replays_outlive_the_stream(void **ignored)
{
    static const struct { const char *label, *again, *outcome; enum varve_stream_change_kind kind; } ends[] = {
        { "deleted", "s:none=ab", "again s@0-1/1-2", VARVE_STREAM_DELETE },
        { "deleted, any", "s:any=ab", "again s@0-1/1-2", VARVE_STREAM_DELETE },
        { "deleted, other ids go on", "s:none=c", "ok s@2-2/4-4", VARVE_STREAM_DELETE },
        { "truncated", "s:none=ab", "again s@0-1/1-2", VARVE_STREAM_TRUNCATE },
        { "tombstoned", "s:none=ab", "again s@0-1/1-2", VARVE_STREAM_TOMBSTONE },
        { "tombstoned, other ids", "s:none=c", "no: s STREAM_TOMBSTONED none/1", VARVE_STREAM_TOMBSTONE },
        { "tombstoned, other content", "s:none=aB", "no: s ID_REUSED none/1", VARVE_STREAM_TOMBSTONE },
    };

    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        struct store_fixture f;
        fixture_init(&f);
        fixture_open(&f);
        assert_string_equal(fixture_append(&f, "s:none=ab"), "ok s@0-1/1-2");
        fixture_change(&f, ends[i].kind, "s", 2);
        const char *outcome = fixture_append(&f, ends[i].again);
        if (strcmp(outcome, ends[i].outcome) != 0)
            fail_msg("%s: gives \"%s\", should give \"%s\"", ends[i].label, outcome, ends[i].outcome);
        fixture_free(&f);
    }
}

static void back_from_deletion_is_replayed_too(void **ignored)
{
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    assert_string_equal(fixture_append(&f, "s:none=ab"), "ok s@0-1/1-2");
    fixture_change(&f, VARVE_STREAM_DELETE, "s", 0);
    assert_string_equal(fixture_append(&f, "s:none=c"), "ok s@2-2/4-4");
    assert_string_equal(fixture_append(&f, "s:none=c"), "again s@2-2/4-4");
    assert_string_equal(fixture_append(&f, "s:1=c"), "again s@2-2/4-4");
    fixture_free(&f);
}

/* By id: as far as ids are remembered; with a version: for ever. */
static void ids_are_forgotten_versions_are_not(void **ignored)
{
    struct store_fixture f;

    fixture_init(&f);
    f.options.max_append_events = 16;
    f.options.settle_events = 4;
    f.options.recent_ids = 32; /* As many as the engine keeps anyway. */
    for (int reopened = 0; reopened < 2; reopened++) {
        fixture_open(&f);
        if (!reopened)
            assert_string_equal(fixture_append(&f, "s:none=ab u:any=c"), "ok s@0-1/1-2 u@0-0/3-3");
        fixture_fill(&f, "filling", reopened ? 1 : 28, 4, 10);
        if (!reopened) {
            assert_string_equal(fixture_append(&f, "u:any=c"), "again u@0-0/3-3");
            assert_string_equal(fixture_append(&f, "s:any=ab"), "again s@0-1/1-2");
            fixture_fill(&f, "filling", 4, 4, 10);
        }
        assert_string_equal(fixture_append(&f, "s:none=ab"), "again s@0-1/1-2");
        assert_string_equal(fixture_append(&f, "s:none=aB"), "no: s ID_REUSED none/1");
        if (reopened) /* Nobody knows it any more: it is stored again. */
            assert_string_equal(fixture_append(&f, "u:any=c"), "ok u@1-1/37-37");
        fixture_close(&f);
    }
    fixture_free(&f);
}

/* The ids of the newest events are known again after opening, settled or not. */
static void ids_survive_reopening(void **ignored)
{
    for (int place = SETTLED; place < PLACES; place++) {
        struct store_fixture f;
        fixture_init(&f);
        fixture_open(&f);
        for (char letter = 'a'; letter <= 'z'; letter++) {
            char text[16];
            snprintf(text, sizeof(text), "s:any=%c", letter);
            assert_true(strncmp(fixture_append(&f, text), "ok", 2) == 0);
            if (letter == 'm')
                fixture_settle(&f);
        }
        move_to(&f, (enum place)place);
        for (char letter = 'a'; letter <= 'z'; letter++) {
            char text[16], wanted[32];
            snprintf(text, sizeof(text), "s:any=%c", letter);
            snprintf(wanted, sizeof(wanted), "again s@%d-%d/%d-%d", letter - 'a', letter - 'a', letter - 'a' + 1,
                     letter - 'a' + 1);
            assert_string_equal(fixture_append(&f, text), wanted);
        }
        assert_int_equal(varve_store_last_position(f.store), 26);
        assert_int_equal(fixture_stats(&f).append_replays, 26);
        fixture_free(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_in_every_place),
        cmocka_unit_test(replays_outlive_the_stream),
        cmocka_unit_test(back_from_deletion_is_replayed_too),
        cmocka_unit_test(ids_are_forgotten_versions_are_not),
        cmocka_unit_test(ids_survive_reopening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
