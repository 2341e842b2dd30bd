/* test_saga_query.c - looking at sagas: one of them, lists with every filter, counts; and questions that make no
 * sense. */
#include "support/check.h"
#include "support/fail_alloc.h"
#include "support/transact_fixture.h"

#include <stdlib.h>

static struct varve_saga_query all(void)
{
    struct varve_saga_query query;

    varve_saga_query_init(&query);
    return query;
}

static void one_saga(void **ignored)
{
    struct varve_saga *saga;
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    atomic_store(&f.now_us, 1000);
    transact(&f, "*order-1:begin/reserve=S!5000");
    atomic_store(&f.now_us, 2000);
    transact(&f, "*order-1:compensate/release^broken");
    assert_string_equal(saga_text(&f, "order", "1"), "compensating release v1 @2 =S ^broken");
    atomic_store(&f.now_us, 3000);
    transact(&f, "*order-1:fail=T");
    assert_int_equal(varve_saga_get(f.store, varve_view_str("order"), varve_view_str("1"), &saga, &f.error), VARVE_OK);
    assert_true(saga->started_at_us == 1000 && saga->updated_at_us == 3000 && saga->failed_at_us == 3000);
    assert_true(saga->completed_at_us == VARVE_TIME_NONE && saga->deadline_us == VARVE_TIME_NONE);
    assert_true(saga->content_type == VARVE_CONTENT_OCTET_STREAM && saga->status == VARVE_SAGA_FAILED);
    free(saga);
    assert_string_equal(saga_text(&f, "order", "1"), "failed release v2 @3 =T ^broken");
    transact(&f, "*order-1:archive");
    assert_string_equal(saga_text(&f, "order", "1"), "SAGA_NOT_FOUND");
    assert_string_equal(f.error.message, "saga order \"1\": not found, it was archived");
    assert_string_equal(saga_text(&f, "order", "2"), "SAGA_NOT_FOUND");
    assert_string_equal(f.error.message, "saga order \"2\": not found, it was never begun");
    assert_string_equal(saga_text(&f, "or-der", "2"), "INVALID_ARGUMENT");
    assert_string_equal(f.error.field, "type");
    assert_string_equal(saga_text(&f, "order", ""), "INVALID_ARGUMENT");
    assert_string_equal(f.error.field, "id");
    fixture_free(&f);
}

/* Every filter, with pages of one, two and all. */
static void lists(void **ignored)
{
    static const struct {
        enum varve_saga_order order;
        const char *type, *step;
        unsigned statuses;
        int64_t updated_before_us, deadline_before_us;
        const char *list;
    } cases[] = {
        { 0, "", "", 0, VARVE_TIME_NONE, VARVE_TIME_NONE, "a-1@1 a-2@7 a-3@8 b-1@4 b-2@9 b-3@10" },
        { 0, "a", "", 0, VARVE_TIME_NONE, VARVE_TIME_NONE, "a-1@1 a-2@7 a-3@8" },
        { 0, "b", "", 0, VARVE_TIME_NONE, VARVE_TIME_NONE, "b-1@4 b-2@9 b-3@10" },
        { 0, "c", "", 0, VARVE_TIME_NONE, VARVE_TIME_NONE, "" },
        { 0, "", "", 1u << VARVE_SAGA_RUNNING, VARVE_TIME_NONE, VARVE_TIME_NONE, "a-1@1 a-2@7 b-1@4" },
        { 0, "", "", VARVE_SAGA_UNFINISHED, VARVE_TIME_NONE, VARVE_TIME_NONE, "a-1@1 a-2@7 b-1@4 b-2@9" },
        { 0, "", "", 1u << VARVE_SAGA_FAILED | 1u << VARVE_SAGA_TIMED_OUT, VARVE_TIME_NONE, VARVE_TIME_NONE,
          "b-2@9 b-3@10" },
        { 0, "b", "", 1u << VARVE_SAGA_COMPLETED, VARVE_TIME_NONE, VARVE_TIME_NONE, "" },
        { 0, "", "pay", 0, VARVE_TIME_NONE, VARVE_TIME_NONE, "a-2@7" },
        { 0, "", "", 0, 2000, VARVE_TIME_NONE, "a-1@1 b-1@4" },
        { 0, "", "", 0, 1000, VARVE_TIME_NONE, "" },
        { 0, "", "", 0, VARVE_TIME_NONE, 40, "a-1@1 a-2@7" },
        { 1, "", "", 0, VARVE_TIME_NONE, VARVE_TIME_NONE, "a-1@1 a-2@7 b-1@4" },
        { 1, "b", "", 0, VARVE_TIME_NONE, VARVE_TIME_NONE, "b-1@4" },
        { 1, "", "", 0, VARVE_TIME_NONE, 40, "a-1@1 a-2@7" },
        { 1, "", "", 0, VARVE_TIME_NONE, 10, "" },
        { 1, "", "", 0, 2000, VARVE_TIME_NONE, "a-1@1 b-1@4" },
        { 1, "", "pay", 0, VARVE_TIME_NONE, VARVE_TIME_NONE, "a-2@7" },
        { 1, "", "", 1u << VARVE_SAGA_FAILED, VARVE_TIME_NONE, VARVE_TIME_NONE, "" },
    };
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    atomic_store(&f.now_us, 1000);
    transact(&f, "*a-1:begin!10 *a-2:begin!20 *a-3:begin *b-1:begin!40 *b-2:begin!50 *b-3:begin");
    for (int layers = 0; layers < 2; layers++) {
        if (layers == 1)
            fixture_freeze(&f);
        atomic_store(&f.now_us, 2000);
        if (layers == 0)
            transact(&f, "*a-2:step/pay!30 *a-3:complete *b-2:time_out *b-3:fail");
        for (size_t i = 0; i < COUNT_OF(cases); i++)
            for (uint32_t limit = 1; limit <= 8; limit *= 2) {
                struct varve_saga_query query = {
                    .order = cases[i].order, .type = varve_view_str(cases[i].type),
                    .step = varve_view_str(cases[i].step), .statuses = cases[i].statuses,
                    .updated_before_us = cases[i].updated_before_us,
                    .deadline_before_us = cases[i].deadline_before_us, .limit = limit,
                };
                assert_string_equal(saga_list_text(&f, &query), cases[i].list);
            }
    }
    fixture_thaw(&f);
    fixture_free(&f);
}

static void questions_without_sense(void **ignored)
{
    static const uint8_t by_deadline[17] = { 'D' };
    uint8_t cursor[VARVE_SAGA_MAX_CURSOR];
    uint32_t size = varve_saga_cursor(varve_view_str("a"), VARVE_SAGA_RUNNING, 3, cursor);
    const struct { const char *field; struct varve_saga_query query; } cases[] = {
        { "order", { .order = 2, .limit = 1 } },
        { "statuses", { .statuses = 1u << VARVE_SAGA_STATUSES, .limit = 1 } },
        { "limit", { .limit = 0 } },
        { "limit", { .limit = VARVE_SAGA_MAX_LIST + 1 } },
        { "type", { .limit = 1, .type = varve_view_str("a-b") } },
        { "step", { .limit = 1, .step = varve_view_of((const char *)cursor, VARVE_SAGA_MAX_STEP + 1) } },
        { "after", { .limit = 1, .after = varve_view_str("x") } },
        { "after", { .limit = 1, .after = varve_view_of((const char *)by_deadline, 17) } },
        { "after", { .limit = 1, .order = 1, .after = varve_view_of((const char *)cursor, size) } },
        { "after", { .limit = 1, .type = varve_view_str("b"), .after = varve_view_of((const char *)cursor, size) } },
    };
    struct store_fixture f;
    struct varve_saga_list *list;

    fixture_init(&f);
    fixture_open(&f);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(varve_saga_list(f.store, &cases[i].query, &list, &f.error), VARVE_INVALID_ARGUMENT);
        assert_string_equal(f.error.field, cases[i].field);
    }
    fixture_free(&f);
}

static void a_cursor_can_be_made(void **ignored)
{
    struct varve_saga_query query = all();
    uint8_t cursor[VARVE_SAGA_MAX_CURSOR];
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    transact(&f, "*a-1:begin *a-2:begin *b-1:begin *a-3:begin");
    query.type = varve_view_str("a");
    query.after = varve_view_of((const char *)cursor, varve_saga_cursor(query.type, VARVE_SAGA_RUNNING, 2, cursor));
    assert_string_equal(saga_list_text(&f, &query), "a-3@4");
    query.after.size = varve_saga_cursor(query.type, VARVE_SAGA_RUNNING, 3, cursor);
    assert_string_equal(saga_list_text(&f, &query), "a-3@4");
    query.after.size = varve_saga_cursor(query.type, VARVE_SAGA_RUNNING, UINT64_MAX, cursor);
    assert_string_equal(saga_list_text(&f, &query), "");
    fixture_free(&f);
}

/* A list with states ends early when they are large. */
static void states_fill_a_list(void **ignored)
{
    static char state[60 << 10];
    struct varve_saga_query query = all();
    struct varve_saga_list *list;
    struct store_fixture f;
    char id[16];
    size_t count = 0;

    memset(state, 'x', sizeof(state));
    fixture_init(&f);
    fixture_open(&f);
    for (int i = 0; i < 40; i++) {
        snprintf(id, sizeof(id), "%d", i);
        struct varve_saga_change change = { .type = varve_view_str("a"), .id = varve_view_str(id), .has_state = true,
            .state = varve_view_of(state, sizeof(state)), .content_type = VARVE_CONTENT_OCTET_STREAM,
            .deadline_us = VARVE_TIME_NONE };
        struct varve_transact transaction = { .sagas = &change, .saga_count = 1 };
        struct varve_append *append;
        assert_int_equal(varve_transact_create(f.store, &transaction, &append, &f.error), VARVE_OK);
        assert_int_equal(varve_append_wait(append, &f.error), VARVE_OK);
        varve_append_free(append);
    }
    query.include_state = true;
    uint8_t after[VARVE_SAGA_MAX_CURSOR];
    for (int page = 0; page < 3; page++) {
        assert_int_equal(varve_saga_list(f.store, &query, &list, &f.error), VARVE_OK);
        assert_int_equal(list->count, page < 2 ? 18 : 4); /* 17 are not yet 1 MiB. */
        assert_int_equal(list->end, page == 2);
        for (size_t i = 0; i < list->count; i++, count++) {
            snprintf(id, sizeof(id), "%zu", count);
            assert_true(varve_view_equal(list->sagas[i].id, varve_view_str(id)));
            assert_true(varve_view_equal(list->sagas[i].state, varve_view_of(state, sizeof(state))));
        }
        memcpy(after, list->next, list->next_size);
        query.after = varve_view_of((const char *)after, list->next_size);
        free(list);
    }
    assert_int_equal(count, 40);
    fixture_free(&f);
}

static void counts(void **ignored)
{
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    assert_string_equal(saga_counts_text(&f), "");
    transact(&f, "*b-1:begin *a-1:begin *b-2:begin *a-2:begin");
    assert_string_equal(saga_counts_text(&f), "a 2,0,0,0,0 b 2,0,0,0,0");
    transact(&f, "*b-1:complete *a-1:fail *b-2:compensate/s");
    assert_string_equal(saga_counts_text(&f), "a 1,0,0,0,1 b 0,1,0,1,0");
    transact(&f, "*b-1:archive *b-2:fail");
    transact(&f, "*b-2:archive *c-1:step/s"); /* refused */
    transact(&f, "*b-2:archive");
    assert_string_equal(saga_counts_text(&f), "a 1,0,0,0,1 b 0,0,0,0,0");
    fixture_free(&f);
}

/* The n-th allocation fails, for every n: NO_MEMORY, and the second time an answer. */
static void without_memory_there_is_no_answer(void **ignored)
{
    struct varve_saga_query query = all();
    struct store_fixture f;
    unsigned failed = 0;

    if (!FAIL_ALLOC_WORKS)
        skip();
    fixture_init(&f);
    fixture_open(&f);
    transact(&f, "*a-1:begin=S *a-2:begin/s=T *b-1:begin");
    fixture_settle(&f);
    transact(&f, "*a-1:step/t *c-1:begin=U");
    query.include_state = true;
    for (int question = 0; question < 3; question++) {
        bool fired = true;
        for (unsigned nth = 1; fired; nth++) {
            struct varve_saga *saga = NULL;
            struct varve_saga_list *list = NULL;
            struct varve_saga_counts *found = NULL;
            fail_alloc_arm(nth);
            enum varve_status status =
                question == 0 ? varve_saga_get(f.store, varve_view_str("a"), varve_view_str("2"), &saga, &f.error)
                : question == 1 ? varve_saga_list(f.store, &query, &list, &f.error)
                                : varve_saga_counts(f.store, &found, &f.error);
            fired = fail_alloc_disarm();
            assert_true(status == VARVE_OK || (fired && status == VARVE_NO_MEMORY));
            assert_true((status == VARVE_OK) == (saga != NULL || list != NULL || found != NULL));
            assert_true(list == NULL || (list->count == 4 && list->end));
            failed += status != VARVE_OK;
            free(saga);
            free(list);
            free(found);
        }
    }
    assert_true(failed >= 6);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_saga),
        cmocka_unit_test(lists),
        cmocka_unit_test(questions_without_sense),
        cmocka_unit_test(a_cursor_can_be_made),
        cmocka_unit_test(states_fill_a_list),
        cmocka_unit_test(counts),
        cmocka_unit_test(without_memory_there_is_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
