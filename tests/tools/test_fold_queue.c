/* test_fold_queue.c - batches go from one thread to many, each once, and whoever waits is told of the end. */
#include "support/check.h"
#include "tools/varve/fold_queue.h"

#include <stdlib.h>

static void a_batch_copies_and_is_full_at_its_bounds(void **state)
{
    struct fold_batch *batch = fold_batch_make();
    char name[8] = "a-0";
    int64_t versions[] = { 3, 9 };

    assert_false(fold_batch_add(batch, varve_view_str(name), versions, 2, 10));
    name[2] = '1';
    versions[1] = 99;
    assert_false(fold_batch_add(batch, varve_view_str(name), NULL, 0, FOLD_BATCH_EVENTS - 11));
    assert_true(fold_batch_add(batch, varve_view_str(name), NULL, 0, 1));
    assert_int_equal(batch->count, 3);
    assert_true(varve_view_equal(batch->names[0], varve_view_str("a-0")));
    assert_int_equal(batch->items[0].snapshot_count, 2);
    assert_int_equal(batch->items[0].snapshots[1], 9);
    assert_int_equal(batch->items[1].snapshot_count, 0);
    fold_batch_free(batch);

    batch = fold_batch_make();
    for (unsigned i = 1; i < FOLD_BATCH_STREAMS; i++)
        assert_false(fold_batch_add(batch, varve_view_str(name), NULL, 0, 1));
    assert_true(fold_batch_add(batch, varve_view_str(name), NULL, 0, 1));
    fold_batch_free(batch);
    fold_batch_free(NULL);
}

#define TAKERS 4
#define BATCHES 2000u

struct taker {
    struct fold_queue *queue;
    pthread_t thread;
    uint64_t batches, events;
};

static void *take_all(void *user)
{
    struct taker *taker = user;
    struct fold_batch *batch;

    while ((batch = fold_queue_take(taker->queue)) != NULL) {
        taker->batches++;
        taker->events += batch->events;
        fold_batch_free(batch);
    }
    return NULL;
}

static void start(struct taker *takers, struct fold_queue *queue)
{
    for (unsigned i = 0; i < TAKERS; i++) {
        takers[i] = (struct taker){ .queue = queue };
        assert_int_equal(pthread_create(&takers[i].thread, NULL, take_all, &takers[i]), 0);
    }
}

static void each_batch_goes_to_one_taker(void **state)
{
    struct fold_queue queue;
    struct taker takers[TAKERS];
    uint64_t batches = 0, events = 0, put = 0;

    fold_queue_init(&queue, 3);
    start(takers, &queue);
    for (unsigned i = 0; i < BATCHES; i++) {
        struct fold_batch *batch = fold_batch_make();
        fold_batch_add(batch, varve_view_str("a"), NULL, 0, i);
        put += i;
        assert_true(fold_queue_put(&queue, batch));
    }
    fold_queue_end(&queue);
    for (unsigned i = 0; i < TAKERS; i++) {
        assert_int_equal(pthread_join(takers[i].thread, NULL), 0);
        batches += takers[i].batches;
        events += takers[i].events;
    }
    assert_int_equal(batches, BATCHES);
    assert_int_equal(events, put);
    fold_queue_free(&queue);
}

static void *stop(void *user)
{
    fold_queue_stop(user);
    return NULL;
}

/* Nobody takes: who puts waits, until it is over. */
static void a_stop_reaches_who_waits(void **state)
{
    struct fold_queue queue;
    struct taker takers[TAKERS];
    pthread_t thread;

    fold_queue_init(&queue, 1);
    assert_true(fold_queue_put(&queue, fold_batch_make()));
    assert_int_equal(pthread_create(&thread, NULL, stop, &queue), 0);
    assert_false(fold_queue_put(&queue, fold_batch_make()));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_null(fold_queue_take(&queue));
    start(takers, &queue);
    for (unsigned i = 0; i < TAKERS; i++) {
        assert_int_equal(pthread_join(takers[i].thread, NULL), 0);
        assert_int_equal(takers[i].batches, 0);
    }
    fold_queue_free(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_copies_and_is_full_at_its_bounds),
        cmocka_unit_test(each_batch_goes_to_one_taker),
        cmocka_unit_test(a_stop_reaches_who_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
