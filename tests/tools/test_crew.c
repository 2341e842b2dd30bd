/* test_crew.c - workers side by side: what each is given, how they end, and that nobody is waited for too little. */
#include "support/check.h"
#include "support/temp_dir.h"
#include "tools/varve/crew.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[TEMP_DIR_PATH];

static int begin(void **state)
{
    signal(SIGPIPE, SIG_IGN); /* as the program does */
    temp_dir_make(folder);
    return chdir(folder);
}

static int end(void **state)
{
    temp_dir_remove(folder);
    return 0;
}

static void begin_script(struct crew *crew, const char *script, unsigned count)
{
    char *command[] = { "sh", "-c", (char *)script, NULL };
    struct varve_error error;

    if (crew_begin(crew, command, count, "VARVE_CUT=77", &error) != VARVE_OK)
        fail_msg("%s", error.message);
}

static enum varve_status give_number(struct crew *crew, unsigned worker, unsigned number, struct varve_error *error)
{
    char line[32];
    int size = snprintf(line, sizeof(line), "%u\n", number);

    return crew_give(crew, worker, varve_view_of(line, (size_t)size), number, error);
}

/* The file has these numbers, one a line. */
static void expect_numbers(const char *path, unsigned from, unsigned until, unsigned step)
{
    FILE *file = fopen(path, "r");
    unsigned number;

    assert_non_null(file);
    for (unsigned expected = from; expected < until; expected += step) {
        assert_int_equal(fscanf(file, "%u", &number), 1);
        assert_int_equal(number, expected);
    }
    assert_int_equal(fscanf(file, "%u", &number), EOF);
    fclose(file);
}

static void each_gets_its_own_in_order(void **state)
{
    struct crew crew;
    struct varve_error error;

    begin_script(&crew, "echo $VARVE_WORKER $VARVE_WORKERS $VARVE_CUT > of-$VARVE_WORKER; cat > in-$VARVE_WORKER", 3);
    for (unsigned i = 1; i <= 600000; i++)
        assert_int_equal(give_number(&crew, i % 3, i, &error), VARVE_OK);
    assert_int_equal(crew_finish(&crew, &error), VARVE_OK);
    crew_free(&crew);
    expect_numbers("in-0", 3, 600001, 3);
    expect_numbers("in-1", 1, 600001, 3);
    expect_numbers("in-2", 2, 600001, 3);
    FILE *file = fopen("of-2", "r");
    char said[32];
    assert_non_null(fgets(said, sizeof(said), file));
    assert_string_equal(said, "2 3 77\n");
    fclose(file);
}

/* A worker that takes nothing until it is told to holds up who gives, and nothing is lost. */
static void a_slow_worker_is_waited_for(void **state)
{
    struct crew crew;
    struct varve_error error;

    begin_script(&crew, "test $VARVE_WORKER = 1 || while ! [ -e go ]; do sleep 0.01; done; "
                 "cat > slow-$VARVE_WORKER; test $VARVE_WORKER = 0 || : > go", 2);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(give_number(&crew, 1, i, &error), VARVE_OK);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(give_number(&crew, 0, i, &error), VARVE_OK);
    assert_int_equal(crew_finish(&crew, &error), VARVE_OK);
    crew_free(&crew);
    expect_numbers("slow-0", 0, 100, 1);
    expect_numbers("slow-1", 0, 100, 1);
}

static void workers_that_get_nothing_end_well(void **state)
{
    struct crew crew;
    struct varve_error error;

    begin_script(&crew, "cat", 5);
    assert_int_equal(crew_finish(&crew, &error), VARVE_OK);
    crew_free(&crew);
}

static void a_worker_that_fails_is_named(void **state)
{
    static const struct { const char *script; unsigned lines; const char *says; } cases[] = {
        { "cat >&-; exit 3", 1, "worker 1 failed (exit status 3)" },
        { "cat > /dev/null; exit 3", 5000000,
          "worker 1 failed (exit status 3); the last position given to it is 5000000" },
        { "kill -KILL $$", 1, "worker 1 failed (killed by signal 9)" },
        { "read line; exit 4", 5000000, "worker 1 failed (exit status 4); the last position given to it is" },
        { "exit 0", 1, "worker 1 did not read all of its input (exit status 0); the last position given to it is 1" },
        { "exit 0", 5000000, "worker 1 did not read all of its input (exit status 0); the last position given to it" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct crew crew;
        struct varve_error error;
        enum varve_status status = VARVE_OK;
        char script[200];

        snprintf(script, sizeof(script), "test $VARVE_WORKER = 1 || exec cat; %s", cases[i].script);
        begin_script(&crew, script, 3);
        for (unsigned n = 1; n <= cases[i].lines && status == VARVE_OK; n++)
            status = give_number(&crew, 1, n, &error);
        if (status == VARVE_OK)
            status = crew_finish(&crew, &error);
        CHECK_CASE(status == VARVE_IO, cases[i].script);
        if (strstr(error.message, cases[i].says) == NULL)
            fail_msg("\"%s\" instead of \"%s\"", error.message, cases[i].says);
        crew_free(&crew);
    }
}

/* One that had all it wanted may end early; more for it is a failure. */
static void an_early_end_is_a_failure_if_there_is_more(void **state)
{
    struct crew crew;
    struct varve_error error;

    begin_script(&crew, "read line; : > ended", 1);
    assert_int_equal(give_number(&crew, 0, 7, &error), VARVE_OK);
    assert_int_equal(crew_finish(&crew, &error), VARVE_OK);
    assert_int_equal(give_number(&crew, 0, 8, &error), VARVE_IO);
    assert_string_equal(error.message, "worker 0 ended before its input did (exit status 0); the last position given "
                        "to it is 7");
    crew_free(&crew);
}

static void *stop(void *user)
{
    while (access("begun", F_OK) != 0)
        usleep(1000);
    crew_stop(user);
    return NULL;
}

/* Its input does not end: what it makes is not complete. */
static void it_can_be_stopped_while_it_waits(void **state)
{
    struct crew crew;
    struct varve_error error;
    pthread_t thread;
    enum varve_status status = VARVE_OK;

    begin_script(&crew, "trap 'exit 0' TERM; : > begun; while :; do sleep 0.01; done; : > complete", 2);
    assert_int_equal(pthread_create(&thread, NULL, stop, &crew), 0);
    for (unsigned n = 1; status == VARVE_OK; n++)
        status = give_number(&crew, n % 2, n, &error);
    assert_int_equal(status, VARVE_CANCELLED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    crew_free(&crew);
    assert_int_not_equal(access("complete", F_OK), 0);
}

static void what_cannot_run_is_said(void **state)
{
    char *command[] = { "./not-there", NULL };
    struct crew crew;
    struct varve_error error;

    assert_int_equal(crew_begin(&crew, command, 2, "A=B", &error), VARVE_IO);
    assert_string_equal(error.message, "cannot run \"./not-there\": No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_gets_its_own_in_order),
        cmocka_unit_test(a_slow_worker_is_waited_for),
        cmocka_unit_test(workers_that_get_nothing_end_well),
        cmocka_unit_test(a_worker_that_fails_is_named),
        cmocka_unit_test(an_early_end_is_a_failure_if_there_is_more),
        cmocka_unit_test(it_can_be_stopped_while_it_waits),
        cmocka_unit_test(what_cannot_run_is_said),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
