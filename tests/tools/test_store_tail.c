/* test_store_tail.c - a directory followed: what matches, once and in order, then only waiting. */
#include "support/check.h"
#include "support/store_fixture.h"
#include "tools/varve/store_tail.h"

#include <pthread.h>

static struct store_fixture f;

static int open_store(void **state)
{
    fixture_init(&f);
    fixture_open(&f);
    fixture_append(&f, "order-1:none=ab user-1:none=c order-2:none=d"); /* positions 1 to 4 */
    fixture_change(&f, VARVE_STREAM_TRUNCATE, "user-1", 1);             /* 5, of $$user-1 */
    fixture_settle(&f);
    fixture_append(&f, "order-1:1=ef"); /* 6, 7 */
    return 0;
}

static int close_store(void **state)
{
    fixture_free(&f);
    return 0;
}

/* Everything up to CAUGHT_UP: "order-1@0 order-1@1 | 7". */
static const char *follow(const struct varve_filter *filter, uint64_t after)
{
    static char text[512];
    struct store_tail *tail = NULL;
    struct varve_notice notice = { 0 };
    size_t size = 0;

    assert_int_equal(store_tail_open(f.store, filter, after, &tail, &f.error), VARVE_OK);
    assert_int_equal(store_tail_position(tail), after == VARVE_AFTER_END ? 7 : after);
    for (text[0] = '\0';;) {
        assert_int_equal(store_tail_next(tail, UINT32_MAX, &notice, &f.error), VARVE_OK);
        assert_int_equal(store_tail_position(tail), notice.position);
        if (notice.kind != VARVE_NOTICE_EVENT)
            break;
        assert_int_equal(notice.event->position, notice.position);
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%.*s@%d ", (int)notice.event->stream.size,
                                 notice.event->stream.data, (int)notice.event->version);
    }
    assert_int_equal(notice.kind, VARVE_NOTICE_CAUGHT_UP);
    snprintf(text + size, sizeof(text) - size, "| %d", (int)notice.position);
    assert_int_equal(store_tail_next(tail, 0, &notice, &f.error), VARVE_OK);
    assert_int_equal(notice.kind, VARVE_NOTICE_TIMEOUT);
    assert_int_equal(store_tail_next(tail, 1, &notice, &f.error), VARVE_OK);
    assert_int_equal(notice.kind, VARVE_NOTICE_TIMEOUT);
    store_tail_close(tail);
    return text;
}

static void what_matches_comes_then_the_end(void **state)
{
    struct varve_view order = varve_view_str("order"), streams[] = { varve_view_str("order-1"),
                                                                     varve_view_str("nobody-1") };

    assert_string_equal(follow(&(struct varve_filter){ 0 }, 0),
                        "order-1@0 order-1@1 order-2@0 order-1@2 order-1@3 | 7");
    assert_string_equal(follow(&(struct varve_filter){ .include_system = true }, 4),
                        "$$user-1@0 order-1@2 order-1@3 | 7");
    assert_string_equal(follow(&(struct varve_filter){ .categories = &order, .category_count = 1 }, 2),
                        "order-2@0 order-1@2 order-1@3 | 7");
    assert_string_equal(follow(&(struct varve_filter){ .streams = streams, .stream_count = 1 }, 0),
                        "order-1@0 order-1@1 order-1@2 order-1@3 | 7");
    assert_string_equal(follow(&(struct varve_filter){ .streams = streams, .stream_count = 1 }, 2),
                        "order-1@2 order-1@3 | 7");
    assert_string_equal(follow(&(struct varve_filter){ .streams = streams, .stream_count = 2 }, 6), "order-1@3 | 7");
    assert_string_equal(follow(&(struct varve_filter){ .streams = streams + 1, .stream_count = 1 }, 0), "| 7");
    assert_string_equal(follow(&(struct varve_filter){ 0 }, VARVE_AFTER_END), "| 7");
    assert_string_equal(follow(&(struct varve_filter){ 0 }, 7), "| 7");
}

static void what_cannot_be_followed_is_refused(void **state)
{
    struct store_tail *tail = NULL;
    struct varve_view order = varve_view_str("order-1");

    assert_int_equal(store_tail_open(f.store, &(struct varve_filter){ 0 }, 8, &tail, &f.error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(f.error.field, "after");
    assert_int_equal(store_tail_open(f.store, &(struct varve_filter){ .categories = &order, .category_count = 1 }, 0,
                                     &tail, &f.error), VARVE_INVALID_ARGUMENT);
    assert_null(tail);
    store_tail_close(NULL);
}

static void *stop(void *tail)
{
    store_tail_stop(tail);
    return NULL;
}

static void waiting_ends_when_it_is_stopped(void **state)
{
    struct store_tail *tail = NULL;
    struct varve_notice notice;
    pthread_t thread;

    assert_int_equal(store_tail_open(f.store, &(struct varve_filter){ 0 }, VARVE_AFTER_END, &tail, &f.error), VARVE_OK);
    assert_int_equal(store_tail_next(tail, UINT32_MAX, &notice, &f.error), VARVE_OK);
    assert_int_equal(pthread_create(&thread, NULL, stop, tail), 0);
    assert_int_equal(store_tail_next(tail, UINT32_MAX, &notice, &f.error), VARVE_CANCELLED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(store_tail_next(tail, UINT32_MAX, &notice, &f.error), VARVE_CANCELLED);
    store_tail_close(tail);
}

static void history_ends_when_it_is_stopped(void **state)
{
    struct store_tail *tail = NULL;
    struct varve_notice notice;

    assert_int_equal(store_tail_open(f.store, &(struct varve_filter){ 0 }, 0, &tail, &f.error), VARVE_OK);
    assert_int_equal(store_tail_next(tail, UINT32_MAX, &notice, &f.error), VARVE_OK);
    store_tail_stop(tail);
    assert_int_equal(store_tail_next(tail, UINT32_MAX, &notice, &f.error), VARVE_CANCELLED);
    assert_int_equal(store_tail_position(tail), 1);
    store_tail_close(tail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_matches_comes_then_the_end),
        cmocka_unit_test(what_cannot_be_followed_is_refused),
        cmocka_unit_test(waiting_ends_when_it_is_stopped),
        cmocka_unit_test(history_ends_when_it_is_stopped),
    };

    return cmocka_run_group_tests(tests, open_store, close_store);
}
