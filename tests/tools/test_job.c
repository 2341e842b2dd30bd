/* test_job.c - commands run to their end: what they are given, what they say, how they end. */
#include "support/check.h"
#include "support/temp_dir.h"
#include "tools/varve/job.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[TEMP_DIR_PATH];
static const char *const no_variables[] = { NULL };

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

static struct job_result run_script(const char *script, struct job job)
{
    char *command[] = { "sh", "-c", (char *)script, NULL };
    struct job_result result;
    struct varve_error error = { 0 };

    job.command = command;
    job.variables = job.variables == NULL ? no_variables : job.variables;
    assert_int_equal(job_run(&job, &result, &error), VARVE_OK);
    assert_int_equal(job.running, 0);
    return result;
}

static void how_it_ends_is_told(void **state)
{
    static const struct { const char *script; bool succeeded; const char *described; } cases[] = {
        { "true", true, "exit status 0" },
        { "exit 3", false, "exit status 3" },
        { "echo first >&2; echo why not >&2; exit 1", false, "exit status 1: why not" },
        { "printf 'no line feed' >&2; exit 1", false, "exit status 1: no line feed" },
        { "printf 'said\\n\\n  \\n' >&2; exit 255", false, "exit status 255: said" },
        { "printf 'a\\033[2Jb\\ttab\\n' >&2; exit 1", false, "exit status 1: a?[2Jb?tab" },
        { "printf '\\303\\244 \\344\\n' >&2; exit 1", false, "exit status 1: ?? ?" },
        { "printf '\\303\\244\\n' >&2; exit 1", false, "exit status 1: \xc3\xa4" },
        { "kill -9 $$", false, "killed by signal 9" },
        { "echo dying >&2; kill -15 $$", false, "killed by signal 15: dying" },
        { "kill -PIPE $$", false, "killed by signal 13" }, /* that we ignore it is not handed down */
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[JOB_LINE + 64];
        struct job_result result = run_script(cases[i].script, (struct job){ 0 });
        job_describe(&result, text, sizeof(text));
        CHECK_CASE(job_succeeded(&result) == cases[i].succeeded, cases[i].script);
        if (strcmp(text, cases[i].described) != 0)
            print_error("\"%s\"\n", text);
        CHECK_CASE(strcmp(text, cases[i].described) == 0, cases[i].script);
    }
}

static void it_reads_its_input_and_its_variables(void **state)
{
    static const char *const variables[] = { "VARVE_POSITION=7", "VARVE_TYPE=a=b", NULL };
    struct job job = { .input = varve_view_str("{\"n\":1}\n"), .variables = variables };

    setenv("VARVE_POSITION", "of another", 1);
    setenv("KEPT", "yes", 1);
    struct job_result result = run_script("read line; echo \"$line $VARVE_POSITION $VARVE_TYPE $KEPT\" >&2", job);
    assert_string_equal(result.last_line, "{\"n\":1} 7 a=b yes");
    assert_string_equal(getenv("VARVE_POSITION"), "of another");
}

static void large_input_may_be_read_or_not(void **state)
{
    static char much[3 << 20];
    struct job job = { .input = varve_view_of(much, sizeof(much)) };

    memset(much, 'x', sizeof(much));
    struct job_result result = run_script("wc -c >&2", job);
    assert_int_equal(atoi(result.last_line), sizeof(much));
    assert_true(job_succeeded(&(struct job_result){ 0 }));
    result = run_script("exit 0", job); /* reads none of it */
    assert_true(job_succeeded(&result));
    result = run_script("exec 0<&-; head -c 1000000 /dev/zero | tr '\\0' y >&2; echo >&2; echo done >&2", job);
    assert_string_equal(result.last_line, "done");
}

static void a_long_line_is_cut_where_a_character_begins(void **state)
{
    struct job_result result =
        run_script("i=0; while [ $i -lt 300 ]; do printf '\\303\\244'; i=$((i + 1)); done >&2", (struct job){ 0 });
    size_t size = strlen(result.last_line);

    assert_true(size > 0 && size < JOB_LINE && size % 2 == 0);
    assert_int_equal(varve_check_text(varve_view_str(result.last_line), JOB_LINE, "line", NULL), VARVE_OK);
}

static void children_it_leaves_are_not_waited_for(void **state)
{
    struct job_result result = run_script("(for i in $(seq 6000); do [ -e over ] && break; sleep 0.01; done) & "
                                          "echo said >&2; exit 4", (struct job){ 0 });

    assert_string_equal(result.last_line, "said");
    assert_false(job_succeeded(&result));
    FILE *over = fopen("over", "w");
    assert_non_null(over);
    fclose(over);
}

static void let_go(void *user)
{
    FILE *file = fopen("go", "w");

    ++*(unsigned *)user;
    assert_non_null(file);
    fclose(file);
}

static void it_ticks_while_it_runs(void **state)
{
    unsigned ticks = 0;
    struct job job = { .tick_ms = 1, .tick = let_go, .user = &ticks };
    struct job_result result = run_script("while [ ! -e go ]; do sleep 0.01; done", job);

    assert_true(job_succeeded(&result));
    assert_true(ticks > 0);
}

static void *terminate(void *user)
{
    struct job *job = user;

    while (__atomic_load_n(&job->running, __ATOMIC_SEQ_CST) == 0 || access("ready", F_OK) != 0)
        usleep(1000);
    job_terminate(job);
    return NULL;
}

static void it_can_be_asked_to_end(void **state)
{
    char *command[] = { "sh", "-c", "trap 'echo asked >&2; exit 9' TERM; : > ready; while :; do sleep 0.01; done",
                        NULL };
    struct job job = { .command = command, .variables = no_variables };
    struct job_result result;
    pthread_t thread;
    char text[JOB_LINE + 64];

    assert_int_equal(pthread_create(&thread, NULL, terminate, &job), 0);
    assert_int_equal(job_run(&job, &result, NULL), VARVE_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    job_describe(&result, text, sizeof(text));
    assert_memory_equal(text, "exit status 9", strlen("exit status 9"));
}

static void who_is_asked_before_it_runs_ends_at_once(void **state)
{
    char *command[] = { "sleep", "1000", NULL };
    struct job job = { .command = command, .variables = no_variables };
    struct job_result result;
    char text[JOB_LINE + 64];

    job_terminate(&job);
    assert_int_equal(job_run(&job, &result, NULL), VARVE_OK);
    job_describe(&result, text, sizeof(text));
    assert_string_equal(text, "killed by signal 15");
    assert_false(job.asked); /* The next is its own. */
}

static void what_cannot_run_is_said(void **state)
{
    char *command[] = { "./not-there", NULL };
    struct job job = { .command = command, .variables = no_variables };
    struct job_result result;
    struct varve_error error;

    assert_int_equal(job_run(&job, &result, &error), VARVE_IO);
    assert_string_equal(error.message, "cannot run \"./not-there\": No such file or directory");
    assert_int_equal(job_check("./not-there", &error), VARVE_INVALID_ARGUMENT);
    assert_int_equal(job_check("no-such-program-at-all", &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.message, "there is no command \"no-such-program-at-all\"");
    assert_int_equal(job_check("", &error), VARVE_INVALID_ARGUMENT);
    assert_int_equal(job_check("sh", &error), VARVE_OK);
    assert_int_equal(job_check("/bin/sh", &error), VARVE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(how_it_ends_is_told),
        cmocka_unit_test(it_reads_its_input_and_its_variables),
        cmocka_unit_test(large_input_may_be_read_or_not),
        cmocka_unit_test(a_long_line_is_cut_where_a_character_begins),
        cmocka_unit_test(children_it_leaves_are_not_waited_for),
        cmocka_unit_test(it_ticks_while_it_runs),
        cmocka_unit_test(it_can_be_asked_to_end),
        cmocka_unit_test(who_is_asked_before_it_runs_ends_at_once),
        cmocka_unit_test(what_cannot_run_is_said),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
