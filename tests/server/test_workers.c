/* test_workers.c - jobs go out to threads and come back to the loop. */
#include "support/check.h"

#include <pthread.h>
#include <stdlib.h>

#include "server/workers.h"

enum { JOBS = 5000 };

struct counted_job {
    struct job job;
    bool worked;
    bool finished;
};

struct fixture {
    uv_loop_t loop;
    struct completions completions;
    struct workers workers;
};

static int finished_count;
static pthread_t loop_thread;
static pthread_barrier_t gate;

static struct counted_job *job_of(struct completion *completion)
{
    return (struct counted_job *)((char *)completion - offsetof(struct counted_job, job.completion));
}

static void setup(struct fixture *f, unsigned threads, size_t capacity)
{
    finished_count = 0;
    loop_thread = pthread_self();
    assert_int_equal(uv_loop_init(&f->loop), 0);
    assert_int_equal(completions_init(&f->completions, &f->loop), 0);
    assert_int_equal(workers_start(&f->workers, threads, capacity, &f->completions), VARVE_OK);
}

static void teardown(struct fixture *f)
{
    workers_stop(&f->workers);
    completions_end(&f->completions);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
}

static void run_until(struct fixture *f, int count)
{
    while (finished_count < count)
        uv_run(&f->loop, UV_RUN_ONCE);
}

static void work(struct job *job, struct varve_wire_arena *arena)
{
    ((struct counted_job *)job)->worked = arena != NULL;
}

static void finish(struct completion *completion)
{
    struct counted_job *counted = job_of(completion);

    assert_true(pthread_equal(pthread_self(), loop_thread));
    assert_true(counted->worked);
    assert_false(counted->finished);
    counted->finished = true;
    finished_count++;
}

static void every_job_comes_back_once(void **state)
{
    struct fixture f;
    struct counted_job *jobs = calloc(JOBS, sizeof(*jobs));

    setup(&f, 3, 10);
    for (int i = 0; i < JOBS; i++) {
        jobs[i].job = (struct job){ .work = work, .completion.finish = finish };
        workers_submit(&f.workers, &jobs[i].job);
    }
    run_until(&f, JOBS);
    for (int i = 0; i < JOBS; i++)
        assert_true(jobs[i].finished);
    teardown(&f);
    free(jobs);
}

static void wait_at_gate(struct job *job, struct varve_wire_arena *arena)
{
    ((struct counted_job *)job)->worked = true;
    pthread_barrier_wait(&gate); /* It is taken, */
    pthread_barrier_wait(&gate); /* and is done. */
}

static void a_full_queue_says_so(void **state)
{
    struct fixture f;
    struct counted_job blocker = { .job = { .work = wait_at_gate, .completion.finish = finish } };
    struct counted_job waiting[3];

    setup(&f, 1, COUNT_OF(waiting));
    pthread_barrier_init(&gate, NULL, 2);
    workers_submit(&f.workers, &blocker.job);
    pthread_barrier_wait(&gate); /* The only thread is busy now. */
    for (size_t i = 0; i < COUNT_OF(waiting); i++) {
        assert_false(workers_full(&f.workers));
        waiting[i] = (struct counted_job){ .job = { .work = work, .completion.finish = finish } };
        workers_submit(&f.workers, &waiting[i].job);
    }
    assert_true(workers_full(&f.workers));
    pthread_barrier_wait(&gate);
    run_until(&f, 1 + (int)COUNT_OF(waiting));
    assert_false(workers_full(&f.workers));
    pthread_barrier_destroy(&gate);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_comes_back_once), cmocka_unit_test(a_full_queue_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
