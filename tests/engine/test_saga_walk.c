/* test_saga_walk.c - sagas in order from three sources: each once, as it is now, however it is spread over them. */
#include "engine/saga_walk.h"
#include "engine/settle_parts.h"
#include "support/check.h"
#include "support/transact_fixture.h"

#include <stdlib.h>

struct taken {
    char text[4096];
    size_t count, most;
};

static bool take(void *user, struct varve_view type, struct varve_view id, const struct saga_row *row)
{
    struct taken *taken = user;
    size_t used = strlen(taken->text);

    snprintf(taken->text + used, sizeof(taken->text) - used, "%s%.*s-%.*s@%llu", used == 0 ? "" : " ", (int)type.size,
             type.data, (int)id.size, id.data, (unsigned long long)row->position);
    return ++taken->count < taken->most;
}

/* Of a walk that begins behind `after` (of another) and takes at most so many. Free it. */
static struct saga_walk *walk(struct store_fixture *f, struct varve_saga_query query, const struct saga_walk *after,
                              size_t most, struct taken *ret_taken)
{
    struct saga_walk *made = malloc(sizeof(*made));
    struct view view;

    assert_non_null(made);
    *ret_taken = (struct taken){ .most = most };
    if (after != NULL)
        query.after = varve_view_of((const char *)after->at, after->at_size);
    query.limit = (uint32_t)most;
    assert_int_equal(view_begin(&view, f->store, false, &f->error), VARVE_OK);
    saga_walk_begin(made, &view, &query, take, ret_taken);
    assert_int_equal(saga_walk_run(made, &f->error), VARVE_OK);
    view_end(&view);
    return made;
}

static struct varve_saga_query query_of(enum varve_saga_order order)
{
    struct varve_saga_query query;

    varve_saga_query_init(&query);
    query.order = order;
    return query;
}

/* What changed while the first layer was frozen is listed by its new place only. */
static void newer_sources_hide_older_ones(void **ignored)
{
    struct store_fixture f;
    struct taken taken;

    fixture_init(&f);
    fixture_open(&f);
    transact(&f, "*a-1:begin!10 *a-2:begin!20 *a-3:begin!30 *b-1:begin *a-4:begin");
    fixture_freeze(&f);
    transact(&f, "*a-2:step/s!5 *a-3:complete *a-4:fail *c-1:begin!1");
    transact(&f, "*a-4:archive");
    struct saga_walk *by_change = walk(&f, query_of(VARVE_SAGA_BY_CHANGE), NULL, 100, &taken);
    assert_string_equal(taken.text, "a-1@1 a-2@6 a-3@7 b-1@4 c-1@9");
    assert_true(by_change->end && !by_change->stopped);
    free(by_change);
    struct saga_walk *by_deadline = walk(&f, query_of(VARVE_SAGA_BY_DEADLINE), NULL, 100, &taken);
    assert_string_equal(taken.text, "c-1@9 a-2@6 a-1@1");
    assert_true(by_deadline->end);
    free(by_deadline);
    fixture_thaw(&f);
    fixture_free(&f);
}

/* While the settler is amid the frozen layer both have a part of it, in different states. */
static void a_layer_may_be_settled_in_part(void **ignored)
{
    struct store_fixture f;
    struct taken taken;

    fixture_init(&f);
    fixture_open(&f);
    transact(&f, "*a-1:begin!10 *a-2:begin!20 *a-3:begin!30");
    transact(&f, "*a-1:step/s!40 *a-2:complete *b-1:begin!5");
    transact(&f, "*a-3:fail *b-1:step/s");
    fixture_freeze(&f);
    transact(&f, "*a-1:step/t!50 *c-1:begin");
    for (uint32_t until = 1; until <= 8; until++) {
        assert_int_equal(settle_slices(f.store->db, tail_frozen(f.store->tail), 1, until, &f.error), VARVE_OK);
        free(walk(&f, query_of(VARVE_SAGA_BY_CHANGE), NULL, 100, &taken));
        assert_string_equal(taken.text, "a-1@9 a-2@5 a-3@7 b-1@8 c-1@10");
        free(walk(&f, query_of(VARVE_SAGA_BY_DEADLINE), NULL, 100, &taken));
        assert_string_equal(taken.text, "a-1@9");
    }
    fixture_thaw(&f);
    free(walk(&f, query_of(VARVE_SAGA_BY_CHANGE), NULL, 100, &taken));
    assert_string_equal(taken.text, "a-1@9 a-2@5 a-3@7 b-1@8 c-1@10");
    fixture_free(&f);
}

static void a_walk_goes_on_where_another_stopped(void **ignored)
{
    struct store_fixture f;
    struct saga_walk *before = NULL;
    char all[8192] = "";

    fixture_init(&f);
    fixture_open(&f);
    transact(&f, "*a-1:begin *a-2:begin *a-3:begin *b-1:begin *b-2:begin");
    fixture_freeze(&f);
    transact(&f, "*a-2:step/s *b-1:complete *c-1:begin");
    for (bool end = false; !end;) {
        struct taken taken;
        struct saga_walk *next = walk(&f, query_of(VARVE_SAGA_BY_CHANGE), before, 1, &taken);
        end = next->end;
        snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s ", taken.text);
        free(before);
        before = next;
    }
    assert_string_equal(all, "a-1@1 a-3@3 a-2@6 b-2@5 b-1@7 c-1@8 ");
    free(before);
    fixture_thaw(&f);
    fixture_free(&f);
}

/* Statuses and types that are not wanted cost one look each, not one per saga; and a walk never looks at more than it
 * may. */
static void ranges_are_jumped_over(void **ignored)
{
    struct store_fixture f;
    struct taken taken;
    char text[64];

    fixture_init(&f);
    fixture_open(&f);
    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof(text), "*a-%d:begin *b-%d:begin", i, i);
        transact(&f, text);
    }
    transact(&f, "*a-17:fail *b-18:fail");
    struct varve_saga_query query = query_of(VARVE_SAGA_BY_CHANGE);
    query.statuses = 1u << VARVE_SAGA_FAILED;
    struct saga_walk *made = walk(&f, query, NULL, 100, &taken);
    assert_string_equal(taken.text, "a-17@601 b-18@602");
    assert_in_range(made->looked, 2, 8);
    free(made);
    query.statuses = 0;
    query.type = varve_view_str("b");
    query.updated_before_us = 1; /* All are younger. */
    made = walk(&f, query, NULL, 100, &taken);
    assert_string_equal(taken.text, "");
    assert_true(made->end);
    assert_in_range(made->looked, 1, 8);
    free(made);
    fixture_free(&f);
}

/* The two of 25,000 that have the step, in as few walks as it takes. */
static void look_for_rare(struct store_fixture *f)
{
    struct varve_saga_query query = query_of(VARVE_SAGA_BY_CHANGE);
    struct saga_walk *before = NULL;
    size_t found = 0, walks = 0;

    query.step = varve_view_str("rare");
    for (bool end = false; !end; walks++) {
        struct taken taken;
        struct saga_walk *next = walk(f, query, before, 100, &taken);
        assert_in_range(walks, 0, 6); /* What is settled meanwhile is looked at anew. */
        assert_in_range(next->looked, 1, SAGA_WALK_MOST + SAGA_WALK_BITE + SAGA_WALK_BATCH);
        end = next->end;
        found += taken.count;
        free(before);
        before = next;
    }
    assert_int_equal(found, 2);
    assert_in_range(walks, 3, 7);
    free(before);
}

static void a_walk_is_bounded(void **ignored)
{
    struct store_fixture f;
    char text[64];

    fixture_init(&f);
    f.options.settle_events = 100000;
    f.options.settle_size_bytes = 64 << 20;
    fixture_open(&f);
    for (int i = 0; i < 12500; i++) {
        snprintf(text, sizeof(text), "*a-%d:begin%s *a-%d_:begin", i, i % 12000 == 0 ? "/rare" : "", i);
        if (strncmp(transact(&f, text), "ok", 2) != 0)
            fail_msg("%s", f.error.message);
    }
    look_for_rare(&f);
    fixture_settle(&f);
    look_for_rare(&f);
    fixture_free(&f);
}

/* The view is older than what is settled: all that was looked at first is in vain, but the walk gets somewhere. */
static void what_is_settled_meanwhile_stops_no_walk(void **ignored)
{
    enum { COUNT = SAGA_WALK_MOST + 100 };
    struct store_fixture f;
    struct taken taken = { .most = 100 };
    struct varve_saga_query query = query_of(VARVE_SAGA_BY_CHANGE);
    struct saga_walk *made = malloc(sizeof(*made));
    struct view view;
    char text[64];

    assert_non_null(made);
    fixture_init(&f);
    fixture_open(&f);
    for (int i = 0; i < COUNT; i += 2) {
        snprintf(text, sizeof(text), "*a-%d:begin *a-%d:begin", i, i + 1);
        transact(&f, text);
    }
    fixture_settle(&f);
    query.step = varve_view_str("rare");
    assert_int_equal(view_begin(&view, f.store, false, &f.error), VARVE_OK);
    transact(&f, "*b-1:begin");
    fixture_settle(&f);
    saga_walk_begin(made, &view, &query, take, &taken);
    assert_int_equal(saga_walk_run(made, &f.error), VARVE_OK);
    view_end(&view);
    assert_true(made->at_size > 1 /* else it is no key, nor a cursor */);
    assert_in_range(made->looked, SAGA_WALK_MOST / 2, SAGA_WALK_MOST + SAGA_WALK_BITE);
    free(made);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newer_sources_hide_older_ones),
        cmocka_unit_test(a_layer_may_be_settled_in_part),
        cmocka_unit_test(a_walk_goes_on_where_another_stopped),
        cmocka_unit_test(ranges_are_jumped_over),
        cmocka_unit_test(a_walk_is_bounded),
        cmocka_unit_test(what_is_settled_meanwhile_stops_no_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
