/* test_transact.c - transactions: the shape of every part, all or nothing, and repetitions. */
#include "engine/append.h"
#include "support/check.h"
#include "support/fail_alloc.h"
#include "support/records.h"
#include "support/transact_fixture.h"

#include <errno.h>
#include <stdlib.h>

static void a_transaction_is_one_append(void **ignored)
{
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    assert_string_equal(transact(&f, "a:none=.. *order-1:begin/reserve=S b:none=. $checkpoint-p:any=. c:none"),
                        "ok a@0-1/1-2 b@0-0/3-3 c@none *order-1@0-0/4-4 $checkpoint-p@0-0/5-5");
    assert_string_equal(saga_text(&f, "order", "1"), "running reserve v0 @4 =S");
    assert_string_equal(transact(&f, "*order-1:step:0/pay!500 *order-2:begin"), "ok *order-1@1-1/6-6 *order-2@0-0/7-7");
    assert_string_equal(saga_text(&f, "order", "1"), "running pay v1 @6 =S !500");
    assert_string_equal(saga_text(&f, "order", "2"), "running  v0 @7");
    assert_string_equal(transact(&f, "*order-1:complete:1=T"), "ok *order-1@2-2/8-8");
    assert_string_equal(transact(&f, "$checkpoint-p:any=. a:1"), "ok a@1 $checkpoint-p@1-1/9-9");
    assert_string_equal(fixture_read_all(&f), "a@0 a@1 b@0 $saga-order-1@0 $checkpoint-p@0 $saga-order-1@1 "
                                              "$saga-order-2@0 $saga-order-1@2 $checkpoint-p@1");
    for (int i = 0; i < 2; i++) {
        assert_string_equal(saga_text(&f, "order", "1"), "completed pay v2 @8 =T");
        assert_string_equal(saga_counts_text(&f), "order 1,0,0,1,0");
        fixture_reopen(&f);
    }
    fixture_free(&f);
}

static void a_transition_knows_the_age_of_its_saga(void **ignored)
{
    struct store_fixture f;
    struct varve_append *append = NULL;
    const struct varve_saga_change changes[] = {
        { .action = VARVE_SAGA_COMPLETE, .type = varve_view_str("order"), .id = varve_view_str("1"),
          .deadline_us = VARVE_TIME_NONE },
        { .action = VARVE_SAGA_BEGIN, .type = varve_view_str("order"), .id = varve_view_str("2"),
          .deadline_us = VARVE_TIME_NONE },
        { .action = VARVE_SAGA_STEP, .type = varve_view_str("order"), .id = varve_view_str("3"),
          .step = varve_view_str("pay"), .deadline_us = VARVE_TIME_NONE },
    };
    const struct varve_transact whole = { .sagas = changes, .saga_count = COUNT_OF(changes) };

    fixture_init(&f);
    atomic_store(&f.now_us, 1000);
    fixture_open(&f);
    transact(&f, "*order-1:begin");
    fixture_settle(&f); /* One row is found in the store, one in the tail. */
    atomic_store(&f.now_us, 1200);
    transact(&f, "*order-3:begin");
    atomic_store(&f.now_us, 5000);
    assert_int_equal(varve_transact_create(f.store, &whole, &append, &f.error), VARVE_OK);
    assert_int_equal(varve_append_wait(append, &f.error), VARVE_OK);
    assert_int_equal(varve_transact_saga_age_us(append, 0), 4000);
    assert_int_equal(varve_transact_saga_age_us(append, 1), 0);
    assert_int_equal(varve_transact_saga_age_us(append, 2), 3800);
    varve_append_free(append);
    fixture_free(&f);
}

/* ---- shape ---- */

static char big[200 << 10];

static void large_data(struct transact_parsed *p)
{
    p->events[0][0].content_type = VARVE_CONTENT_OCTET_STREAM;
    p->events[0][0].data = varve_view_of(big, (64 << 10) + 1);
}
static void large_state(struct transact_parsed *p) { p->sagas[0].state.size = VARVE_SAGA_MAX_STATE + 1; }
static void large_append(struct transact_parsed *p) { p->sagas[0].state = varve_view_of(big, 128 << 10); }
static void large_together(struct transact_parsed *p)
{
    p->sagas[0].state = p->sagas[1].state = varve_view_of(big, 60 << 10);
    large_data(p);
    p->events[0][0].data.size = 20 << 10;
}
static void large_metadata(struct transact_parsed *p)
{
    p->sagas[0].state = varve_view_of(big, (128 << 10) - 200);
    p->sagas[0].error = varve_view_of(big, VARVE_SAGA_MAX_ERROR);
}
static void broken_data(struct transact_parsed *p) { p->events[0][0].data = varve_view_str("{"); }
static void broken_system_data(struct transact_parsed *p) { p->events[1][0].data = varve_view_str("{"); }
static void no_stream_of(struct transact_parsed *p) { p->transact.appends.stream_of = NULL; }
static void no_system_stream_of(struct transact_parsed *p) { p->transact.system.stream_of = NULL; }
static void stream_of_nowhere(struct transact_parsed *p) { p->stream_of[1][0] = 1; }
static void no_system_stream(struct transact_parsed *p) { p->transact.system.stream_count = 0; }
static void odd_expected(struct transact_parsed *p) { p->streams[0][0].expected = -4; }
static void odd_system_expected(struct transact_parsed *p) { p->streams[1][0].expected = -4; }
static void odd_saga_expected(struct transact_parsed *p) { p->sagas[0].expected = VARVE_EXPECTED_ANY; }
static void name_system(struct transact_parsed *p, const char *name) { p->streams[1][0].stream = varve_view_str(name); }
static void saga_stream(struct transact_parsed *p) { name_system(p, "$saga-order-1"); }
static void saga_prefix(struct transact_parsed *p) { name_system(p, "$saga-"); }
static void meta_stream(struct transact_parsed *p) { name_system(p, "$$a"); }
static void client_stream(struct transact_parsed *p) { name_system(p, "a"); }
static void system_in_appends(struct transact_parsed *p) { p->streams[0][0].stream = varve_view_str("$saga-order-1"); }
static void many_sagas(struct transact_parsed *p) { p->transact.saga_count = 1025; }
static void many_events(struct transact_parsed *p) { p->transact.appends.event_count = 1024; }
static void endless_events(struct transact_parsed *p) { p->transact.system.event_count = SIZE_MAX; }
static void endless_sagas(struct transact_parsed *p) { p->transact.saga_count = SIZE_MAX; }
static void as_it_is(struct transact_parsed *p) { (void)p; }

static const struct {
    const char *text;
    void (*bend)(struct transact_parsed *parsed);
    enum varve_status status;
    const char *field;
    uint64_t limit;
} rules[] = {
    { "", as_it_is, VARVE_INVALID_ARGUMENT, "events", 0 },
    { "a:any $p:any", as_it_is, VARVE_INVALID_ARGUMENT, "events", 0 },
    { "a:any=. b:any a:any", as_it_is, VARVE_INVALID_ARGUMENT, "streams[2]", 0 },
    { "a:any *t-1:begin *t-2:begin *t-1:fail", as_it_is, VARVE_INVALID_ARGUMENT, "sagas[2]", 0 },
    { "a:any *t-1:begin $p:any=. $p:any", as_it_is, VARVE_INVALID_ARGUMENT, "system.streams[1]", 0 },
    { "a:any=xy b:any=x", as_it_is, VARVE_INVALID_ARGUMENT, "events[2].id", 0 },
    { "a:any=x *t-1:begin#y *t-2:begin#x", as_it_is, VARVE_INVALID_ARGUMENT, "sagas[1].event_id", 0 },
    { "a:any=x *t-1:begin#y $p:any=zy", as_it_is, VARVE_INVALID_ARGUMENT, "system.events[1].id", 0 },
    { "*t-1:begin *t.-2:step", as_it_is, VARVE_INVALID_ARGUMENT, "sagas[1].step", 0 },
    { "*t-1:begin *t!-2:begin", as_it_is, VARVE_INVALID_ARGUMENT, "sagas[1].type", 0 },
    { "*t-:begin", as_it_is, VARVE_INVALID_ARGUMENT, "sagas[0].id", 0 },
    { "*t-1:complete/x", as_it_is, VARVE_INVALID_ARGUMENT, "sagas[0].step", 0 },
    { "*t-1:fail", odd_saga_expected, VARVE_INVALID_ARGUMENT, "sagas[0].expected", 0 },
    { "a:any=. b:any=.", no_stream_of, VARVE_INVALID_ARGUMENT, "stream_of", 0 },
    { "$p:any=. $q:any=.", no_system_stream_of, VARVE_INVALID_ARGUMENT, "system.stream_of", 0 },
    { "$p:any=.", stream_of_nowhere, VARVE_INVALID_ARGUMENT, "system.events[0].stream", 0 },
    { "$p:any=.", no_system_stream, VARVE_INVALID_ARGUMENT, "system.streams", 0 },
    { "a:any=.", odd_expected, VARVE_INVALID_ARGUMENT, "streams[0].expected", 0 },
    { "$p:any=.", odd_system_expected, VARVE_INVALID_ARGUMENT, "system.streams[0].expected", 0 },
    { "$p:any=.", saga_stream, VARVE_INVALID_ARGUMENT, "system.streams[0]", 0 },
    { "$p:any=.", saga_prefix, VARVE_INVALID_ARGUMENT, "system.streams[0]", 0 },
    { "$p:any=.", meta_stream, VARVE_INVALID_ARGUMENT, "system.streams[0]", 0 },
    { "$p:any=.", client_stream, VARVE_INVALID_ARGUMENT, "system.streams[0]", 0 },
    { "a:any=.", system_in_appends, VARVE_INVALID_ARGUMENT, "streams[0]", 0 },
    { "a:any=. *t-1:begin", broken_data, VARVE_INVALID_ARGUMENT, "events[0].data", 0 },
    { "*t-1:begin $p:any=.", broken_system_data, VARVE_INVALID_ARGUMENT, "system.events[0].data", 0 },
    { "a:any=.", large_data, VARVE_EVENT_TOO_LARGE, "", 64 << 10 },
    { "*t-1:begin=S", large_state, VARVE_EVENT_TOO_LARGE, "", VARVE_SAGA_MAX_STATE },
    { "*t-1:begin=S", large_append, VARVE_APPEND_TOO_LARGE, "", 128 << 10 },
    { "a:any=. *t-1:begin=S *t-2:begin=S", large_together, VARVE_APPEND_TOO_LARGE, "", 128 << 10 },
    { "*t-1:fail=S^e", large_metadata, VARVE_APPEND_TOO_LARGE, "", 128 << 10 },
    { "*t-1:begin", many_sagas, VARVE_APPEND_TOO_LARGE, "", 1024 },
    { "a:any=. *t-1:begin", many_events, VARVE_APPEND_TOO_LARGE, "", 1024 },
    { "a:any=. *t-1:begin", endless_sagas, VARVE_APPEND_TOO_LARGE, "", 1024 },
    { "a:any=. *t-1:begin", endless_events, VARVE_APPEND_TOO_LARGE, "", 1024 },
};

static void every_rule_refuses(void **ignored)
{
    struct store_fixture f;

    memset(big, 'x', sizeof(big));
    fixture_init(&f);
    fixture_open(&f);
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        struct transact_parsed *parsed = transact_parse(rules[i].text);
        struct varve_append *append = NULL;
        rules[i].bend(parsed);
        f.error = (struct varve_error){ 0 };
        enum varve_status status = varve_transact_create(f.store, &parsed->transact, &append, &f.error);
        if (status != rules[i].status || f.error.status != status || strcmp(f.error.field, rules[i].field) != 0 ||
            f.error.limit != rules[i].limit || append != NULL)
            fail_msg("case %zu, \"%s\": %s, field \"%s\", limit %llu: %s", i, rules[i].text,
                     varve_status_name(status), f.error.field, (unsigned long long)f.error.limit, f.error.message);
        size_t field = strlen(rules[i].field);
        CHECK_CASE(strncmp(f.error.message, rules[i].field, field) == 0 || field == 0, rules[i].text);
        assert_int_equal(varve_transact_create(f.store, &parsed->transact, &append, NULL), status);
        free(parsed);
    }
    assert_int_equal(varve_store_last_position(f.store), 0);
    fixture_free(&f);
}

/* A state of the largest size fits a store of the usual measures, whose events may not be larger without it. */
static void the_largest_state_fits(void **ignored)
{
    struct store_fixture f;
    struct varve_options usual;
    char *state = malloc(VARVE_SAGA_MAX_STATE), error[VARVE_SAGA_MAX_ERROR];

    assert_non_null(state);
    varve_options_init(&usual);
    fixture_init(&f);
    f.options.segment_size_bytes = usual.segment_size_bytes;
    f.options.max_event_bytes = usual.max_event_bytes;
    f.options.max_append_bytes = usual.max_append_bytes;
    fixture_open(&f);
    memset(state, 'x', VARVE_SAGA_MAX_STATE);
    memset(error, '\x01', sizeof(error)); /* Six bytes each, as JSON. */
    assert_string_equal(transact(&f, "*t-1:begin"), "ok *t-1@0-0/1-1");
    struct transact_parsed *parsed = transact_parse("*t-1:fail:0");
    parsed->sagas[0].has_state = true;
    parsed->sagas[0].content_type = VARVE_CONTENT_OCTET_STREAM;
    parsed->sagas[0].state = varve_view_of(state, VARVE_SAGA_MAX_STATE);
    parsed->sagas[0].error = varve_view_of(error, sizeof(error));
    struct varve_append *append;
    assert_int_equal(varve_transact_create(f.store, &parsed->transact, &append, &f.error), VARVE_OK);
    free(parsed);
    assert_int_equal(varve_append_wait(append, &f.error), VARVE_OK);
    varve_append_free(append);
    for (int i = 0; i < 3; i++) {
        struct varve_saga *saga;
        assert_int_equal(varve_saga_get(f.store, varve_view_str("t"), varve_view_str("1"), &saga, &f.error), VARVE_OK);
        assert_int_equal(saga->state.size, VARVE_SAGA_MAX_STATE);
        assert_memory_equal(saga->state.data, state, VARVE_SAGA_MAX_STATE);
        assert_true(varve_view_equal(saga->error, varve_view_of(error, sizeof(error))));
        free(saga);
        if (i == 0)
            fixture_crash(&f);
        else
            fixture_settle(&f);
    }
    free(state);
    fixture_free(&f);
}

/* ---- types ---- */

/* Types are counted as they are begun: those of one transaction together, none twice. */
static void there_are_not_any_number_of_types(void **ignored)
{
    struct store_fixture f;
    char text[8192];

    fixture_init(&f);
    f.options.segment_size_bytes = 4u << 20;
    fixture_open(&f);
    for (unsigned n = 0; n < VARVE_SAGA_MAX_TYPES - 2;) {
        text[0] = '\0';
        for (int i = 0; i < TRANSACT_ITEMS && n < VARVE_SAGA_MAX_TYPES - 2; i++)
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "*t%u-1:begin ", n++);
        if (strncmp(transact(&f, text), "ok ", 3) != 0)
            fail_msg("%s", f.error.message);
    }
    for (int i = 0; i < 2; i++) {
        assert_string_equal(transact(&f, "*t0-2:begin *x-1:begin *y-1:begin *z-1:begin"), "INVALID_ARGUMENT");
        assert_string_equal(f.error.field, "sagas[3].type");
        fixture_reopen(&f); /* What was refused has reserved nothing, and what was begun is known. */
    }
    assert_string_equal(saga_text(&f, "t0", "2"), "SAGA_NOT_FOUND");
    assert_memory_equal(transact(&f, "*t0-2:begin *x-1:begin *x-2:begin *y-1:begin *y-2:begin *t1-2:begin"), "ok ", 3);
    assert_string_equal(transact(&f, "*z-1:begin"), "INVALID_ARGUMENT");
    assert_string_equal(f.error.message,
                        "sagas[0].type: a store has at most 4096 types of sagas, \"z\" would be one more");
    assert_memory_equal(transact(&f, "*x-3:begin"), "ok ", 3);
    assert_string_equal(transact(&f, "*z-1:step/s"), "no: *z-1 SAGA_NOT_FOUND exists/none");
    fixture_free(&f);
}

/* ---- repetitions ---- */

static void a_repeated_transaction_is_recognised(void **ignored)
{
    static const struct { const char *label, *text, *first, *again; } cases[] = {
        { "a step at a version", "*order-1:step:0/pay=S!500#s", "ok *order-1@1-1/4-4", "again *order-1@1-1/4-4" },
        { "a step at any version", "*order-1:step/pay#s", "ok *order-1@1-1/4-4", "again *order-1@1-1/4-4" },
        { "a beginning", "*order-2:begin/x=S#b", "ok *order-2@0-0/4-4", "again *order-2@0-0/4-4" },
        { "of all parts", "a:any=xy b:0 *order-1:step:0/pay#s *order-2:begin#b $p:any=. $q:none=..",
          "ok a@1-2/4-5 b@0 *order-1@1-1/6-6 *order-2@0-0/7-7 $p@0-0/8-8 $q@0-1/9-10",
          "again a@1-2/4-5 b@0 *order-1@1-1/6-6 *order-2@0-0/7-7 $p@0-0/8-8 $q@0-1/9-10" },
        { "without ids", "*order-1:step:0/pay", "ok *order-1@1-1/4-4", "no: *order-1 SAGA_CONFLICT 0/1" },
        { "without an id, begun", "*order-2:begin", "ok *order-2@0-0/4-4", "no: *order-2 SAGA_EXISTS none/0" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (int later = 0; later < 3; later++) {
            struct store_fixture f;
            fixture_init(&f);
            fixture_open(&f);
            assert_string_equal(transact(&f, "a:none=. b:none=. *order-1:begin"),
                                "ok a@0-0/1-1 b@0-0/2-2 *order-1@0-0/3-3");
            const char *outcome = transact(&f, cases[i].text);
            if (strcmp(outcome, cases[i].first) != 0)
                fail_msg("%s: %s (%s)", cases[i].label, outcome, f.error.message);
            if (later == 1)
                fixture_settle(&f);
            if (later == 2)
                fixture_crash(&f);
            outcome = transact(&f, cases[i].text);
            if (strcmp(outcome, cases[i].again) != 0)
                fail_msg("%s, again: %s (%s)", cases[i].label, outcome, f.error.message);
            fixture_free(&f);
        }
}

static void what_is_not_the_same_is_refused(void **ignored)
{
    static const struct { const char *text, *outcome; } cases[] = {
        { "a:any=x *order-1:step:0/pay=S#s", "no: *order-1 ID_REUSED 0/1" },            /* another state */
        { "a:any=x *order-1:step:0/pack#s", "no: *order-1 ID_REUSED 0/1" },             /* another step */
        { "a:any=X *order-1:step:0/pay#s", "no: a ID_REUSED any/0" },
        { "a:any=xz *order-1:step:0/pay#s", "no: *order-1 SAGA_CONFLICT 0/1" },         /* more than before */
        { "*order-1:step:1/pay#s", "no: *order-1 SAGA_CONFLICT 1/1" },                  /* at another version */
        { "a:any=y *order-2:begin#s", "no: *order-2 ID_REUSED none/none" },             /* of another saga */
        { "a:any=x *order-2:begin#b", "no: a WRONG_EXPECTED_VERSION any/0" },           /* old and new */
    };
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    assert_string_equal(transact(&f, "*order-1:begin"), "ok *order-1@0-0/1-1");
    assert_string_equal(transact(&f, "a:any=x *order-1:step:0/pay#s"), "ok a@0-0/2-2 *order-1@1-1/3-3");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *outcome = transact(&f, cases[i].text);
        if (strcmp(outcome, cases[i].outcome) != 0)
            fail_msg("%s: \"%s\", should be \"%s\": %s", cases[i].text, outcome, cases[i].outcome, f.error.message);
    }
    assert_int_equal(varve_store_last_position(f.store), 3);
    fixture_free(&f);
}

/* With a version, or as a beginning, a repetition is recognised when the ids are long forgotten: also of a saga that
 * was archived meanwhile. */
static void repetitions_are_recognised_for_ever(void **ignored)
{
    struct store_fixture f;

    fixture_init(&f);
    f.options.recent_ids = 0;
    f.options.settle_events = 1;
    f.options.max_append_events = 10;
    fixture_open(&f);
    transact(&f, "*order-1:begin/reserve=S#b");
    transact(&f, "*order-1:step:0/pay#s");
    transact(&f, "*order-1:step/ship#t");
    transact(&f, "*order-1:complete:2#c");
    transact(&f, "*order-1:archive:3#d");
    fixture_fill(&f, "filler", 100, 5, 10);
    assert_string_equal(transact(&f, "*order-1:begin/reserve=S#b"), "again *order-1@0-0/1-1");
    assert_string_equal(transact(&f, "*order-1:begin/reserve=T#b"), "no: *order-1 ID_REUSED none/4");
    assert_string_equal(transact(&f, "*order-1:begin/reserve=S#x"), "no: *order-1 SAGA_EXISTS none/4");
    assert_string_equal(transact(&f, "*order-1:step:0/pay#s"), "again *order-1@1-1/2-2");
    assert_string_equal(transact(&f, "*order-1:step/ship#t"), "no: *order-1 SAGA_NOT_FOUND exists/4");
    assert_string_equal(transact(&f, "*order-1:complete:2#c"), "again *order-1@3-3/4-4");
    assert_string_equal(transact(&f, "*order-1:archive:3#d"), "again *order-1@4-4/5-5");
    fixture_free(&f);
}

/* ---- groups ---- */

struct done_count {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    unsigned done;
};

static void count_done(struct varve_append *append, void *user)
{
    struct done_count *count = user;

    pthread_mutex_lock(&count->lock);
    count->done++;
    pthread_cond_signal(&count->wake);
    pthread_mutex_unlock(&count->lock);
}

/* Each sees what those before it did, though nothing of it is published yet. */
static void a_group_changes_a_saga_many_times(void **ignored)
{
    static const struct { const char *text, *outcome; } members[] = {
        { "*order-1:begin/reserve=S!100", "ok *order-1@0-0/1-1" },
        { "*order-1:begin", "no: *order-1 SAGA_EXISTS none/0" },
        { "*order-1:step:0/pay a:any=.", "ok a@0-0/2-2 *order-1@1-1/3-3" },
        { "*order-1:time_out:1", "no: *order-1 SAGA_FINISHED 1/1" },
        { "*order-1:step:0/pay", "no: *order-1 SAGA_CONFLICT 0/1" },
        { "*order-1:compensate:1/undo^why *order-2:begin!7", "ok *order-1@2-2/4-4 *order-2@0-0/5-5" },
        { "*order-2:fail *order-1:fail", "ok *order-2@1-1/6-6 *order-1@3-3/7-7" },
        { "*order-2:archive", "ok *order-2@2-2/8-8" },
        { "*order-2:archive", "no: *order-2 SAGA_NOT_FOUND exists/2" },
    };
    struct done_count count = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };
    struct varve_append *appends[COUNT_OF(members)];
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        appends[i] = transact_make(&f, members[i].text);
        assert_int_equal(varve_append_queue(appends[i], count_done, &count, &f.error), VARVE_OK);
    }
    varve_store_commit(f.store);
    pthread_mutex_lock(&count.lock);
    while (count.done < COUNT_OF(members))
        pthread_cond_wait(&count.wake, &count.lock);
    pthread_mutex_unlock(&count.lock);
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        assert_string_equal(transact_outcome(appends[i], members[i].text), members[i].outcome);
        varve_append_free(appends[i]);
    }
    assert_string_equal(saga_text(&f, "order", "1"), "failed undo v3 @7 =S ^why");
    assert_string_equal(saga_counts_text(&f), "order 0,0,0,0,1");
    fixture_free(&f);
}

/* ---- faults ---- */

#define SWEPT "a:any=. *order-1:step:0/pay=S!500 *new.type-1:begin=T!600 $p:any=."

static void expect_nothing(struct store_fixture *f)
{
    assert_string_equal(fixture_read_all(f), "$saga-order-1@0");
    assert_string_equal(saga_text(f, "order", "1"), "running  v0 @1 !9");
    assert_string_equal(saga_text(f, "new.type", "1"), "SAGA_NOT_FOUND");
    assert_string_equal(saga_counts_text(f), "order 1,0,0,0,0");
}

static void expect_all(struct store_fixture *f)
{
    assert_string_equal(fixture_read_all(f), "$saga-order-1@0 a@0 $saga-order-1@1 $saga-new.type-1@0 $p@0");
    assert_string_equal(saga_text(f, "order", "1"), "running pay v1 @3 =S !500");
    assert_string_equal(saga_text(f, "new.type", "1"), "running  v0 @4 =T !600");
    assert_string_equal(saga_counts_text(f), "new.type 1,0,0,0,0 order 1,0,0,0,0");
}

/* Go on with what a store that gave up left behind. */
static void open_anew(struct store_fixture *f)
{
    struct store_fixture copy;

    fixture_copy(f, &copy);
    assert_int_not_equal(varve_store_close(f->store), VARVE_OK);
    f->store = NULL;
    fixture_free(f);
    *f = copy;
    f->options.os = &f->fault.os; /* Not that of the copy any more. */
    f->fault.os.self = f;
    fixture_open(f);
}

/* Memory that cannot be had: nothing happened, and it works the second time, unless the store gave up; then it works
 * when it is opened anew. */
static void without_memory_nothing_is_stored(void **ignored)
{
    unsigned failed = 0;
    bool fired = true;

    if (!FAIL_ALLOC_WORKS)
        skip();
    for (unsigned nth = 1; fired; nth++) {
        struct transact_parsed *parsed = transact_parse(SWEPT);
        struct varve_append *append = NULL;
        struct store_fixture f;
        fixture_init(&f);
        fixture_open(&f);
        transact(&f, "*order-1:begin!9");
        fixture_settle(&f);
        fail_alloc_arm(nth);
        enum varve_status status = varve_transact_create(f.store, &parsed->transact, &append, &f.error);
        if (status == VARVE_OK)
            status = varve_append_wait(append, &f.error);
        fired = fail_alloc_disarm();
        varve_append_free(append);
        free(parsed);
        if (status != VARVE_OK) {
            failed++;
            assert_int_equal(status, VARVE_NO_MEMORY);
            expect_nothing(&f);
            if (varve_store_fault(f.store, NULL) != VARVE_OK)
                open_anew(&f);
            expect_nothing(&f);
            assert_memory_equal(transact(&f, SWEPT), "ok ", 3);
        }
        expect_all(&f);
        fixture_free(&f);
    }
    assert_true(failed >= 10);
}

/* A disk that fails: what is told holds, and whoever opens the store then finds all or nothing. The store's other
 * threads write, too, so the fault may be theirs. */
static void a_failing_disk_stores_all_or_nothing(void **ignored)
{
    unsigned refused = 0;

    for (unsigned nth = 1; nth <= 8; nth++) {
        struct store_fixture f;
        fixture_init(&f);
        fixture_open(&f);
        transact(&f, "*order-1:begin!9");
        fault_os_arm(&f.fault, nth, EIO, false);
        bool stored = strncmp(transact(&f, SWEPT), "ok ", 3) == 0;
        fault_os_arm(&f.fault, 0, 0, false);
        if (stored)
            expect_all(&f);
        else
            expect_nothing(&f);
        refused += !stored;
        if (varve_store_fault(f.store, NULL) != VARVE_OK)
            open_anew(&f);
        else
            fixture_reopen(&f);
        if (!stored && varve_store_last_position(f.store) == 1)
            expect_nothing(&f);
        else
            expect_all(&f);
        fixture_free(&f);
    }
    assert_in_range(refused, 1, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transaction_is_one_append),
        cmocka_unit_test(a_transition_knows_the_age_of_its_saga),
        cmocka_unit_test(every_rule_refuses),
        cmocka_unit_test(the_largest_state_fits),
        cmocka_unit_test(there_are_not_any_number_of_types),
        cmocka_unit_test(a_repeated_transaction_is_recognised),
        cmocka_unit_test(what_is_not_the_same_is_refused),
        cmocka_unit_test(repetitions_are_recognised_for_ever),
        cmocka_unit_test(a_group_changes_a_saga_many_times),
        cmocka_unit_test(without_memory_nothing_is_stored),
        cmocka_unit_test(a_failing_disk_stores_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
