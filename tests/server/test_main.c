/* test_main.c - varved as a process: its exit codes and its one-line complaints. */
#include "support/check.h"
#include "support/temp_dir.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char program[4096];

/* Run varved with these arguments to its end; what it said on both outputs is in `said`. */
static int run(char *const arguments[], char *said, size_t room)
{
    int ends[2], status;
    size_t size = 0;
    ssize_t more;

    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        setenv("VARVED_HTTP__LISTEN", "off", 1);
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        execv(program, arguments);
        _exit(127);
    }
    close(ends[1]);
    while (size < room - 1 && (more = read(ends[0], said + size, room - 1 - size)) > 0)
        size += (size_t)more;
    said[size] = 0;
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void exit_codes(void **state)
{
    char directory[TEMP_DIR_PATH], file[TEMP_DIR_PATH + 8];
    temp_dir_make(directory);
    snprintf(file, sizeof(file), "%s/file", directory);
    close(open(file, O_CREAT | O_WRONLY, 0600));
    char *const version[] = { "varved", "--version", NULL }, *const help[] = { "varved", "--help", NULL };
    char *const wrong[] = { "varved", "--wrong", NULL };
    char *const open_to_all[] = { "varved", "--listen", "0.0.0.0:0", directory, NULL };
    char *const foreign[] = { "varved", "--listen", "127.0.0.1:0", "--map-size", "1GiB", directory, NULL };
    char *const no_directory[] = { "varved", "--listen", "127.0.0.1:0", "--map-size", "1GiB", file, NULL };
    const struct { char *const *arguments; int code; const char *says; } cases[] = {
        { version, 0, "varved " }, { help, 0, "usage: varved" }, { wrong, 2, "varved: --wrong" },
        { open_to_all, 2, "no TLS" }, { foreign, 1, "varved: NOT_A_STORE" }, { no_directory, 1, "varved: " },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char said[16384];

        CHECK_CASE(run(cases[i].arguments, said, sizeof(said)) == cases[i].code, said);
        CHECK_CASE(strstr(said, cases[i].says) != NULL, said);
    }
    temp_dir_remove(directory);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(exit_codes) };
    char folder[2048]; /* build/VARIANT/tests/server; the programs are in build/VARIANT/bin. */

    snprintf(folder, sizeof(folder), "%s", argv[0]);
    snprintf(program, sizeof(program), "%s/../../bin/varved", dirname(folder));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
