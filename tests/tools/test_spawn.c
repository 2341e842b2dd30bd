/* test_spawn.c - commands started with what they need. */
#include "support/check.h"
#include "tools/varve/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Exit status of a script; its standard error goes into `ret_said`. */
static int run_script(const char *script, const char *const *variables, int in, char ret_said[256])
{
    char *command[] = { "sh", "-c", (char *)script, NULL };
    int err[2], status;
    pid_t pid;

    assert_int_equal(pipe(err), 0);
    assert_int_equal(spawn_command(command, variables, in, err[1], &pid), 0);
    close(err[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    ssize_t size = read(err[0], ret_said, 255);
    close(err[0]);
    assert_true(size >= 0);
    ret_said[size] = '\0';
    return status;
}

static void variables_are_added_and_replaced(void **state)
{
    static const char *const variables[] = { "SPAWN_ONE=1", "SPAWN_TWO=2=2", NULL };
    char said[256];

    setenv("SPAWN_ONE", "old", 1);
    setenv("SPAWN_ONE_MORE", "kept", 1);
    run_script("echo $SPAWN_ONE $SPAWN_TWO $SPAWN_ONE_MORE $(env | grep -c ^SPAWN_ONE=) >&2", variables, -1, said);
    assert_string_equal(said, "1 2=2 kept 1\n");
}

static void its_input_is_what_was_given(void **state)
{
    static const char *const none[] = { NULL };
    char said[256];
    int in[2];

    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(write(in[1], "hello\n", 6), 6);
    close(in[1]);
    run_script("cat >&2", none, in[0], said);
    close(in[0]);
    assert_string_equal(said, "hello\n");
}

static void signals_are_as_usual_and_reach_it_alone(void **state)
{
    static const char *const none[] = { NULL };
    char said[256];

    signal(SIGPIPE, SIG_IGN);
    int status = run_script("kill -PIPE $$; exit 7", none, -1, said);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
    status = run_script("kill -TERM 0; exit 7", none, -1, said); /* its group, in which we are not */
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void what_is_not_there_is_said(void **state)
{
    static const char *const none[] = { NULL };
    char *command[] = { "./not-there", NULL };
    pid_t pid;

    assert_int_equal(spawn_command(command, none, -1, -1, &pid), ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_are_added_and_replaced),
        cmocka_unit_test(its_input_is_what_was_given),
        cmocka_unit_test(signals_are_as_usual_and_reach_it_alone),
        cmocka_unit_test(what_is_not_there_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
