/* test_reducer_process.c - programs that answer, and programs that end, hang or talk too much. */
#include "snapshots/message.h"
#include "snapshots/reducer_process.h"
#include "support/check.h"

#include <signal.h>
#include <stdlib.h>

#define LONG_MS 60000 /* never reached */

static struct reducer_process process;
static struct varve_error error;

static enum varve_status ask(const char *command, const char *request, uint32_t timeout_ms, struct varve_view *answer)
{
    if (process.pid == 0)
        assert_int_equal(reducer_process_start(&process, command, &error), VARVE_OK);
    return reducer_process_ask(&process, varve_view_str(request), message_json.framing, timeout_ms, answer, &error);
}

static void it_answers_again_and_again(void **state)
{
    struct varve_view answer;

    for (unsigned i = 1; i <= 100; i++) {
        assert_int_equal(ask("cat", "hello\n", LONG_MS, &answer), VARVE_OK);
        assert_true(varve_view_equal(answer, varve_view_str("hello\n")));
        assert_int_equal(process.answers, i);
    }
    reducer_process_stop(&process);
    assert_int_equal(process.pid, 0);
    reducer_process_stop(&process);
}

/* More than all pipes hold, in both directions at the same time. */
static void long_messages_do_not_block(void **state)
{
    size_t size = 3u << 20;
    char *request = malloc(size + 1);
    struct varve_view answer;

    memset(request, 'x', size);
    request[size - 1] = '\n';
    request[size] = '\0';
    assert_int_equal(ask("cat", request, 0, &answer), VARVE_OK);
    assert_int_equal(answer.size, size);
    assert_memory_equal(answer.data, request, size);
    reducer_process_stop(&process);
    free(request);
}

static void what_goes_wrong_is_said(void **state)
{
    static const struct { const char *command; enum varve_status status; const char *words; } cases[] = {
        { "exit 3", VARVE_IO, "exit status 3" },
        { "read line; exit 0", VARVE_IO, "exit status 0" },
        { "no-such-command-anywhere 2>/dev/null", VARVE_IO, "not found (exit status 127)" },
        { "read line; kill -ABRT $$", VARVE_IO, "killed by signal 6" },
        { "read line; printf 'one\\ntwo\\n'; cat", VARVE_IO, "more than one answer" },
        { "echo early; exec cat >/dev/null", VARVE_OK, "" },
        { "exec cat /dev/zero", VARVE_IO, "more than 4 MiB" },
        { "read line; printf half; exit 1", VARVE_IO, "exit status 1" },
        { "exec tail -f /dev/null", VARVE_TIMEOUT, "no answer within 50 ms" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_view answer;
        uint32_t timeout_ms = cases[i].status == VARVE_TIMEOUT ? 50 : LONG_MS;

        error.message[0] = '\0';
        CHECK_CASE(ask(cases[i].command, "hello\n", timeout_ms, &answer) == cases[i].status, cases[i].command);
        CHECK_CASE(strstr(error.message, cases[i].words) != NULL, error.message);
        CHECK_CASE((process.pid == 0) == (cases[i].status != VARVE_OK), cases[i].command);
        reducer_process_stop(&process);
    }
}

/* All of it is gone, also a child that ignores what it can. */
static void nothing_is_left_behind(void **state)
{
    struct varve_view answer;

    assert_int_equal(ask("trap '' TERM HUP; sh -c 'trap \"\" TERM HUP; while :; do sleep 1000; done' & read line; "
                         "echo $!; wait", "hello\n", LONG_MS, &answer), VARVE_OK);
    pid_t child = (pid_t)atoi(answer.data), group = process.pid;
    assert_int_equal(kill(child, 0), 0);
    struct varve_view none;
    assert_int_equal(ask("", "again\n", 1, &none), VARVE_TIMEOUT);
    while (kill(-group, 0) == 0)
        continue; /* Its parent is gone; init takes it in soon. */
}

static int begin(void **state)
{
    signal(SIGPIPE, SIG_IGN); /* as the program does */
    return 0;
}

static int end(void **state)
{
    reducer_process_free(&process);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_answers_again_and_again),
        cmocka_unit_test(long_messages_do_not_block),
        cmocka_unit_test(what_goes_wrong_is_said),
        cmocka_unit_test(nothing_is_left_behind),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
