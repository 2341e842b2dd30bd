/* test_completions.c - what other threads push comes to the loop: all of it, once, in order. */
#include "support/check.h"

#include <pthread.h>
#include <stdlib.h>

#include "server/completions.h"

enum { PER_THREAD = 20000, THREADS = 3 };

struct numbered {
    struct completion completion;
    int thread, number;
};

struct pusher {
    struct completions *completions;
    struct numbered *all;
};

static int finished[THREADS];

static void finish(struct completion *completion)
{
    struct numbered *numbered = (struct numbered *)completion;

    assert_int_equal(numbered->number, finished[numbered->thread]); /* In the order pushed, none twice. */
    finished[numbered->thread]++;
}

static void *push_all(void *user)
{
    struct pusher *pusher = user;

    for (int i = 0; i < PER_THREAD; i++)
        completions_push(pusher->completions, &pusher->all[i].completion);
    return NULL;
}

static bool all_finished(void)
{
    for (int i = 0; i < THREADS; i++) {
        if (finished[i] < PER_THREAD)
            return false;
    }
    return true;
}

static void all_come_in_order(void **state)
{
    struct numbered *all = calloc(THREADS * PER_THREAD, sizeof(*all));
    struct pusher pushers[THREADS];
    pthread_t threads[THREADS];
    struct completions completions;
    uv_loop_t loop;

    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(completions_init(&completions, &loop), 0);
    for (int t = 0; t < THREADS; t++) {
        pushers[t] = (struct pusher){ &completions, all + t * PER_THREAD };
        for (int i = 0; i < PER_THREAD; i++)
            pushers[t].all[i] = (struct numbered){ .completion.finish = finish, .thread = t, .number = i };
        assert_int_equal(pthread_create(&threads[t], NULL, push_all, &pushers[t]), 0);
    }
    while (!all_finished())
        uv_run(&loop, UV_RUN_ONCE); /* Would sleep for ever if a wake were lost. */
    for (int t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    completions_end(&completions);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    free(all);
}

/* Work that the loop does itself: its completions are finished by it, without the loop being turned. */
static void held_ones_need_no_wake(void **state)
{
    struct numbered all[3];
    struct completions completions;
    uv_loop_t loop;

    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(completions_init(&completions, &loop), 0);
    for (int round = 0; round < 2; round++) {
        finished[0] = 0;
        completions_hold(&completions);
        for (int i = 0; i < 3; i++) {
            all[i] = (struct numbered){ .completion.finish = finish, .number = i };
            completions_push(&completions, &all[i].completion);
        }
        assert_int_equal(finished[0], 0);
        completions_finish(&completions);
        assert_int_equal(finished[0], 3);
    }
    all[0] = (struct numbered){ .completion.finish = finish, .number = 3 };
    completions_push(&completions, &all[0].completion); /* No longer held: the loop is woken. */
    uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(finished[0], 4);
    completions_end(&completions);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_come_in_order), cmocka_unit_test(held_ones_need_no_wake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
