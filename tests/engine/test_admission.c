/* test_admission.c - the table of expected versions against every state a stream can be in, wherever that state is
 * kept; what is atomic; and how refusals are told. Replays have test_replay.c. */
#include "engine/admission.h"
#include "engine/conflicts.h"
#include "support/check.h"
#include "support/records.h"
#include "support/store_fixture.h"

#include <stdlib.h>

/* Where the state of the stream is when the append asks for it. */
enum place { IN_TAIL, IN_STORE, IN_BOTH, REOPENED, PLACES };

static void move_to(struct store_fixture *f, enum place place, const char *stream)
{
    char text[64];

    if (place == IN_STORE || place == IN_BOTH)
        fixture_settle(f);
    if (place == REOPENED)
        fixture_reopen(f);
    if (place == IN_BOTH && stream != NULL) { /* Another stream's event in the tail, beside the settled one. */
        snprintf(text, sizeof(text), "other:any=.");
        assert_true(strncmp(fixture_append(f, text), "ok", 2) == 0);
    }
}

enum life { NEVER, LIVES, DELETED, CAME_BACK, TOMBSTONED, LIVES_TOTAL };

static const char *const life_names[] = { "never", "lives", "deleted", "came back", "tombstoned" };

/* Stream "s" in that state, its last version 2 (3 when it came back). */
static void live(struct store_fixture *f, enum life life)
{
    if (life == NEVER)
        return;
    assert_string_equal(fixture_append(f, "s:none=..."), "ok s@0-2/1-3");
    if (life == DELETED || life == CAME_BACK)
        fixture_change(f, VARVE_STREAM_DELETE, "s", 0);
    if (life == CAME_BACK)
        assert_string_equal(fixture_append(f, "s:none=."), "ok s@3-3/5-5");
    if (life == TOMBSTONED)
        fixture_change(f, VARVE_STREAM_TOMBSTONE, "s", 0);
}

static const struct {
    const char *expected;
    const char *outcome[LIVES_TOTAL]; /* "ok" for a success */
} expectations[] = {
    { "any", { "ok", "ok", "ok", "ok", "STREAM_TOMBSTONED any/2" } },
    { "none", { "ok", "WRONG_EXPECTED_VERSION none/2", "ok", "WRONG_EXPECTED_VERSION none/3",
                "STREAM_TOMBSTONED none/2" } },
    { "exists", { "WRONG_EXPECTED_VERSION exists/none", "ok", "WRONG_EXPECTED_VERSION exists/none", "ok",
                  "STREAM_TOMBSTONED exists/2" } },
    { "0", { "WRONG_EXPECTED_VERSION 0/none", "WRONG_EXPECTED_VERSION 0/2", "WRONG_EXPECTED_VERSION 0/2",
             "WRONG_EXPECTED_VERSION 0/3", "STREAM_TOMBSTONED 0/2" } },
    { "2", { "WRONG_EXPECTED_VERSION 2/none", "ok", "ok", "WRONG_EXPECTED_VERSION 2/3", "STREAM_TOMBSTONED 2/2" } },
    { "3", { "WRONG_EXPECTED_VERSION 3/none", "WRONG_EXPECTED_VERSION 3/2", "WRONG_EXPECTED_VERSION 3/2", "ok",
             "STREAM_TOMBSTONED 3/2" } },
    { "9", { "WRONG_EXPECTED_VERSION 9/none", "WRONG_EXPECTED_VERSION 9/2", "WRONG_EXPECTED_VERSION 9/2",
             "WRONG_EXPECTED_VERSION 9/3", "STREAM_TOMBSTONED 9/2" } },
};

/* `asked` is "s:EXPECTED" with events or without. */
static void try_one(enum life life, enum place place, size_t row, bool writes)
{
    struct store_fixture f;
    char asked[64], wanted[96], label[96];

    snprintf(label, sizeof(label), "%s, %s, place %d, %s", expectations[row].expected, life_names[life], (int)place,
             writes ? "written" : "only checked");
    fixture_init(&f);
    fixture_open(&f);
    live(&f, life);
    move_to(&f, place, "s");
    uint64_t before = varve_store_last_position(f.store);
    snprintf(asked, sizeof(asked), writes ? "s:%s=." : "w:any=. s:%s", expectations[row].expected);
    const char *outcome = fixture_append(&f, asked), *row_says = expectations[row].outcome[life];
    bool succeeds = strcmp(row_says, "ok") == 0;
    snprintf(wanted, sizeof(wanted), succeeds ? "ok " : "no: s %s", row_says);
    if (succeeds ? strncmp(outcome, wanted, 3) != 0 : strcmp(outcome, wanted) != 0)
        fail_msg("%s: gives \"%s\", should give \"%s\"", label, outcome, wanted);
    CHECK_CASE(varve_store_last_position(f.store) == before + succeeds, label);
    fixture_free(&f);
}

static void every_expectation_meets_every_state(void **ignored)
{
    for (int life = 0; life < LIVES_TOTAL; life++)
        for (size_t row = 0; row < COUNT_OF(expectations); row++)
            for (int place = 0; place < PLACES; place++)
                try_one((enum life)life, (enum place)place, row, (row + (size_t)place) % 2 == 0);
}

/* The same table without a store around it. */
static void expectation_holds_by_itself(void **ignored)
{
    static const struct stream_state states[LIVES_TOTAL] = {
        [NEVER] = { .version = -1 },
        [LIVES] = { .version = 2 },
        [DELETED] = { .version = 2, .truncate_before = 3, .flags = STREAM_DELETED },
        [CAME_BACK] = { .version = 3, .truncate_before = 3 },
        [TOMBSTONED] = { .version = 2, .truncate_before = 3, .flags = STREAM_TOMBSTONED },
    };
    static const int64_t expected[] = { VARVE_EXPECTED_ANY, VARVE_EXPECTED_NO_STREAM, VARVE_EXPECTED_STREAM_EXISTS,
                                        0, 2, 3, 9 };

    for (size_t row = 0; row < COUNT_OF(expectations); row++)
        for (int life = 0; life < LIVES_TOTAL; life++)
            CHECK_CASE(expectation_holds(expected[row], &states[life]) ==
                           (strcmp(expectations[row].outcome[life], "ok") == 0), life_names[life]);
}

/* ---- changes of streams ---- */

static void changes_expect_too(void **ignored)
{
    static const struct { const char *label; enum life life; int64_t expected; const char *outcome; } cases[] = {
        { "any of none", NEVER, VARVE_EXPECTED_ANY, "no: s STREAM_NOT_FOUND exists/none" },
        { "exists of none", NEVER, VARVE_EXPECTED_STREAM_EXISTS, "no: s STREAM_NOT_FOUND exists/none" },
        { "a version of none", NEVER, 0, "no: s WRONG_EXPECTED_VERSION 0/none" },
        { "no stream of none", NEVER, VARVE_EXPECTED_NO_STREAM, "ok s@0-0/1-1" },
        { "any of one", LIVES, VARVE_EXPECTED_ANY, "ok s@0-0/4-4" },
        { "exists of one", LIVES, VARVE_EXPECTED_STREAM_EXISTS, "ok s@0-0/4-4" },
        { "its version", LIVES, 2, "ok s@0-0/4-4" },
        { "another version", LIVES, 1, "no: s WRONG_EXPECTED_VERSION 1/2" },
        { "no stream of one", LIVES, VARVE_EXPECTED_NO_STREAM, "no: s WRONG_EXPECTED_VERSION none/2" },
        { "any of a deleted one", DELETED, VARVE_EXPECTED_ANY, "no: s STREAM_NOT_FOUND exists/none" },
        { "its last version", DELETED, 2, "ok s@1-1/5-5" },
        { "any of one that came back", CAME_BACK, VARVE_EXPECTED_ANY, "ok s@1-1/6-6" },
        { "any of a tombstone", TOMBSTONED, VARVE_EXPECTED_ANY, "no: s STREAM_TOMBSTONED exists/2" },
        { "a tombstone's version", TOMBSTONED, 2, "no: s STREAM_TOMBSTONED 2/2" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (int kind = VARVE_STREAM_TRUNCATE; kind <= VARVE_STREAM_TOMBSTONE; kind++) {
            struct store_fixture f;
            fixture_init(&f);
            fixture_open(&f);
            live(&f, cases[i].life);
            struct varve_stream_change change = { .kind = (enum varve_stream_change_kind)kind,
                                                  .stream = varve_view_str("s"), .expected = cases[i].expected };
            const char *outcome = fixture_try_change(&f, &change);
            if (strcmp(outcome, cases[i].outcome) != 0)
                fail_msg("%s, kind %d: gives \"%s\", should give \"%s\"", cases[i].label, kind, outcome,
                         cases[i].outcome);
            fixture_free(&f);
        }
}

static void a_name_can_be_closed_before_it_is_used(void **ignored)
{
    struct store_fixture f;
    struct varve_stream_change change = { .kind = VARVE_STREAM_TOMBSTONE, .stream = varve_view_str("s"),
                                          .expected = VARVE_EXPECTED_NO_STREAM };

    fixture_init(&f);
    fixture_open(&f);
    assert_string_equal(fixture_try_change(&f, &change), "ok s@0-0/1-1");
    for (int round = 0; round < 3; round++) {
        assert_string_equal(fixture_append(&f, "s:none=a"), "no: s STREAM_TOMBSTONED none/none");
        assert_string_equal(fixture_read_stream(&f, "s"), "STREAM_NOT_FOUND");
        assert_int_equal(fixture_stats(&f).stream_count, 0);
        if (round == 0)
            fixture_settle(&f);
        else
            fixture_reopen(&f);
    }
    fixture_free(&f);
}

/* ---- atomicity ---- */

/* One refused stream stores nothing of the whole append; every stream in the way is named. */
static void all_or_nothing(void **ignored)
{
    static const struct { const char *append, *outcome; } cases[] = {
        { "a:1=. b:none=.", "no: b WRONG_EXPECTED_VERSION none/0" },
        { "a:0=. b:0=. c:none=.", "no: a WRONG_EXPECTED_VERSION 0/1" },
        { "c:none=. a:none=. b:5=. d:exists=.", "no: a WRONG_EXPECTED_VERSION none/1, b WRONG_EXPECTED_VERSION 5/0, "
                                                "d WRONG_EXPECTED_VERSION exists/none" },
        { "a:1=. t:any=.", "no: t STREAM_TOMBSTONED any/0" },
        { "t:0=. a:7=.", "no: t STREAM_TOMBSTONED 0/0, a WRONG_EXPECTED_VERSION 7/1" },
        { "a:7=. t:0=.", "no: a WRONG_EXPECTED_VERSION 7/1, t STREAM_TOMBSTONED 0/0" },
        { "a:1=. b:7", "no: b WRONG_EXPECTED_VERSION 7/0" },
        { "c:none=.. b:0 t:any a:none", "no: t STREAM_TOMBSTONED any/0, a WRONG_EXPECTED_VERSION none/1" },
        { "a:1=. b:0 c:none d:none", "ok a@2-2/6-6 b@0 c@none d@none" },
        { "a:1=.. b:0=. c:none=...", "ok a@2-3/6-7 b@1-1/8-8 c@0-2/9-11" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct store_fixture f;
        fixture_init(&f);
        fixture_open(&f);
        assert_string_equal(fixture_append(&f, "a:none=.. b:none=. t:none=."), "ok a@0-1/1-2 b@0-0/3-3 t@0-0/4-4");
        fixture_change(&f, VARVE_STREAM_TOMBSTONE, "t", 0);
        if (i % 2 == 0)
            fixture_settle(&f);
        const char *outcome = fixture_append(&f, cases[i].append);
        if (strcmp(outcome, cases[i].outcome) != 0)
            fail_msg("%s: gives \"%s\", should give \"%s\"", cases[i].append, outcome, cases[i].outcome);
        if (outcome[0] != 'o') {
            assert_int_equal(varve_store_last_position(f.store), 5);
            assert_string_equal(fixture_read_all(&f), "a@0 a@1 b@0 $$t@0");
        }
        fixture_free(&f);
    }
}

/* One group by hand, as the committer does it, so that it is one for sure. */
struct hand_group {
    struct store_fixture f;
    struct group group;
};

static void begin_group(struct hand_group *h)
{
    fixture_init(&h->f);
    fixture_open(&h->f);
    pthread_mutex_lock(&h->f.store->commit_lock);
    h->group = (struct group){ .store = h->f.store, .recorded_at_us = 1, .first_position = 1 };
    assert_int_equal(journal_frame_begin(h->f.store->journal, 100, 16384, &h->f.error), VARVE_OK);
}

static void commit_group(struct hand_group *h)
{
    struct varve_store *store = h->f.store;

    db_abort(h->group.txn);
    assert_int_equal(journal_frame_commit(store->journal, 1, &h->f.error), VARVE_OK);
    tail_publish(store->tail);
    store->counters.events += h->group.event_count;
    pthread_mutex_unlock(&store->commit_lock);
}

static void neighbours_in_a_group_are_not_disturbed(void **ignored)
{
    static const struct { const char *append, *outcome; } members[] = {
        { "a:none=x", "ok a@0-0/1-1" },
        { "a:none=.", "no: a WRONG_EXPECTED_VERSION none/0" },
        { "a:0=z c:any=.", "ok a@1-1/2-2 c@0-0/3-3" },
        { "b:none=. c:7=.", "no: c WRONG_EXPECTED_VERSION 7/0" },
        { "b:none=. c:0", "ok b@0-0/4-4 c@0" },
        { "a:exists=.", "ok a@2-2/5-5" },
    };
    struct hand_group h;
    struct varve_append *appends[COUNT_OF(members)];
    struct varve_uuid id = test_uuid('x');
    uint64_t position = 0;

    begin_group(&h);
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        appends[i] = fixture_make(&h.f, members[i].append);
        assert_int_equal(admit(&h.group, appends[i]), members[i].outcome[0] == 'o' ? ADMITTED : REFUSED);
    }
    assert_string_equal(fixture_read_all(&h.f), ""); /* Admitted, but not durable: nobody sees it. */
    assert_string_equal(fixture_read_stream(&h.f, "a"), "STREAM_NOT_FOUND");
    assert_int_equal(varve_store_find(h.f.store, &id, 1, &position, &h.f.error), VARVE_OK);
    assert_int_equal(position, 0);
    commit_group(&h);
    assert_int_equal(varve_store_find(h.f.store, &id, 1, &position, &h.f.error), VARVE_OK);
    assert_int_equal(position, 1);
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        assert_string_equal(fixture_outcome(appends[i], members[i].append), members[i].outcome);
        varve_append_free(appends[i]);
    }
    assert_string_equal(fixture_read_all(&h.f), "a@0 a@1 c@0 b@0 a@2");
    fixture_reopen(&h.f);
    assert_string_equal(fixture_read_all(&h.f), "a@0 a@1 c@0 b@0 a@2");
    fixture_free(&h.f);
}

/* What must be compared with events of its own group waits for the group to be committed. */
static void the_same_append_twice_in_a_group_waits(void **ignored)
{
    static const struct { const char *append; enum verdict now, later; } members[] = {
        { "a:none=xy", ADMITTED, ADMITTED }, { "a:none=xy", DEFERRED, REPLAYED }, { "a:any=x", DEFERRED, REPLAYED },
        { "a:0=y", DEFERRED, REPLAYED },     { "a:none=q", DEFERRED, REFUSED },   { "b:any=x", DEFERRED, REFUSED },
        { "b:any=q", ADMITTED, ADMITTED },
    };
    struct hand_group h;
    struct varve_append *appends[COUNT_OF(members)];

    begin_group(&h);
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        appends[i] = fixture_make(&h.f, members[i].append);
        CHECK_CASE(admit(&h.group, appends[i]) == members[i].now, members[i].append);
    }
    commit_group(&h);
    pthread_mutex_lock(&h.f.store->commit_lock);
    h.group.txn = NULL;
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        if (members[i].now == DEFERRED)
            CHECK_CASE(admit(&h.group, appends[i]) == members[i].later, members[i].append);
        varve_append_free(appends[i]);
    }
    db_abort(h.group.txn);
    pthread_mutex_unlock(&h.f.store->commit_lock);
    assert_string_equal(fixture_read_all(&h.f), "a@0 a@1 b@0");
    fixture_free(&h.f);
}

static void refusals_are_told_in_a_sentence(void **ignored)
{
    static const struct { const char *append, *sentence; } cases[] = {
        { "s:5=.", "stream \"s\": expected 5, actual 2" },
        { "s:none=.", "stream \"s\": expected no_stream, actual 2" },
        { "n:exists=.", "stream \"n\": expected stream_exists, actual no_stream" },
        { "t:any=.", "stream \"t\": is tombstoned, it takes no more events" },
    };
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    live(&f, LIVES);
    assert_string_equal(fixture_append(&f, "t:none=."), "ok t@0-0/4-4");
    fixture_change(&f, VARVE_STREAM_TOMBSTONE, "t", 0);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        fixture_append(&f, cases[i].append);
        assert_string_equal(f.error.message, cases[i].sentence);
    }
    fixture_free(&f);
}

static void time_never_goes_back(void **ignored)
{
    static const struct { int64_t clock_us, recorded_at_us; } steps[] = {
        { 1000, 1000 }, { 2000, 2000 }, { 500, 2000 }, { 2000, 2000 }, { 2001, 2001 }, { 1, 2001 },
    };
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    for (uint64_t i = 0; i < COUNT_OF(steps); i++) {
        uint8_t *record;
        uint32_t size;
        atomic_store(&f.now_us, steps[i].clock_us);
        if (i == 2)
            fixture_reopen(&f); /* It is remembered across opening, */
        if (i == 5)
            fixture_settle(&f); /* and settling. */
        assert_true(strncmp(fixture_append(&f, "s:any=."), "ok", 2) == 0);
        assert_int_equal(varve_store_get(f.store, i + 1, &record, &size, &f.error), VARVE_OK);
        assert_int_equal(varve_record_recorded_at(record), steps[i].recorded_at_us);
        free(record);
    }
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expectation_holds_by_itself),
        cmocka_unit_test(every_expectation_meets_every_state),
        cmocka_unit_test(changes_expect_too),
        cmocka_unit_test(a_name_can_be_closed_before_it_is_used),
        cmocka_unit_test(all_or_nothing),
        cmocka_unit_test(neighbours_in_a_group_are_not_disturbed),
        cmocka_unit_test(the_same_append_twice_in_a_group_waits),
        cmocka_unit_test(refusals_are_told_in_a_sentence),
        cmocka_unit_test(time_never_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
