/* test_fold_program.c - streams folded by programs: good ones, the docs' example, and bad ones, which are started again
 * for the next stream. */
#include "snapshots/folding.h"
#include "support/temp_dir.h"

#include <signal.h>
#include <stdlib.h>

static char script[TEMP_DIR_PATH + 32], folder[TEMP_DIR_PATH];

/* A program that does what the stream's name says. Its state is how many events there were, and their bytes. */
static const char program[] =
    "import json, os, sys, time\n"
    "count = 0\n"
    "for line in sys.stdin.buffer:\n"
    "    message = json.loads(line)\n"
    "    what, n, answer = message['stream'].split('-')[0], message['n'], {}\n"
    "    if 'state' in message:\n"
    "        count = 0 if message['state'] is None else message['state']['count']\n"
    "    count += len(message['events'])\n"
    "    if what == 'crash': os.abort()\n"
    "    if what == 'exit': sys.exit(4)\n"
    "    if what == 'hang': time.sleep(1000)\n"
    "    if what == 'garbage': print('here I am', flush=True); continue\n"
    "    if what == 'wrong': n += 1\n"
    "    if what == 'large': answer['state'] = 'x' * (2 << 20)\n"
    "    if what == 'huge': answer['state'] = 'x' * (5 << 20)\n"
    "    if what == 'refused': answer['error'] = 'I do not want to'\n"
    "    if what == 'count' and message['save']: answer['state'] = {'count': count}\n"
    "    print(json.dumps({'n': n, **answer}), flush=True)\n";

static int begin(void **state)
{
    signal(SIGPIPE, SIG_IGN); /* as the program does */
    temp_dir_make(folder);
    snprintf(script, sizeof(script), "%s/reducer.py", folder);
    FILE *file = fopen(script, "w");
    fputs(program, file);
    fclose(file);
    return 0;
}

static int end(void **state)
{
    temp_dir_remove(folder);
    return 0;
}

static void begin_script(struct folding *folding, uint32_t timeout_ms)
{
    char command[sizeof(script) + 32];
    struct varve_reducing_options options;

    snprintf(command, sizeof(command), "program exec python3 %s", script);
    varve_reducing_options_init(&options);
    options.reducer = command;
    options.type = "test";
    options.timeout_ms = timeout_ms;
    folding_begin_with(folding, &options);
}

static void the_example_keeps_balances(void **state)
{
    struct folding folding;

    folding_begin(&folding, "program python3 docs/examples/reducer.py");
    folding_stream(&folding, "account-1", NULL);
    folding_expect(&folding, "{\"balance\":0,\"events\":0}");
    folding_event(&folding, "account.opened", "{}");
    folding_event(&folding, "account.deposited", "{\"amount\":500}");
    folding_expect(&folding, "{\"balance\":500,\"events\":2}");
    folding_event(&folding, "account.withdrawn", "{\"amount\":120}");
    folding_expect(&folding, "{\"balance\":380,\"events\":3}");
    folding_stream(&folding, "account-2", "{\"balance\":10,\"events\":4}");
    folding_event(&folding, "account.withdrawn", "{\"amount\":11}");
    struct varve_view data;
    assert_int_equal(varve_fold_save(folding.fold, &data, &folding.error), VARVE_INVALID_ARGUMENT);
    folding_expect_error(&folding, VARVE_INVALID_ARGUMENT, "stream \"account-2\": the program says: ValueError: more "
                         "was withdrawn than there was");
    folding_stream(&folding, "account-3", NULL);
    folding_event(&folding, "account.deposited", "{\"amount\":1}");
    folding_expect(&folding, "{\"balance\":1,\"events\":1}");
    folding_end(&folding);
}

static void long_streams_go_in_portions(void **state)
{
    struct folding folding;
    char data[2000], expected[64];

    memset(data, 'x', sizeof(data));
    data[0] = data[sizeof(data) - 2] = '"';
    data[sizeof(data) - 1] = '\0';
    begin_script(&folding, 0);
    folding_stream(&folding, "count-1", NULL);
    for (unsigned i = 0; i < 3000; i++)
        assert_int_equal(folding_event(&folding, "a", data), VARVE_OK);
    snprintf(expected, sizeof(expected), "{\"count\": %u}", 3000);
    folding_expect(&folding, expected);
    folding_end(&folding);
}

static void what_a_program_does_wrong_fails_the_stream_alone(void **state)
{
    static const struct { const char *stream; enum varve_status status; const char *words; } cases[] = {
        { "crash-1", VARVE_IO, "stream \"crash-1\": the program was killed by signal 6" },
        { "exit-1", VARVE_IO, "stream \"exit-1\": the program ended with exit status 4" },
        { "garbage-1", VARVE_INVALID_ARGUMENT, "stream \"garbage-1\": the program: its answer is not JSON" },
        { "wrong-1", VARVE_INVALID_ARGUMENT, "stream \"wrong-1\": the program: its answer has the \"n\" of another" },
        { "large-1", VARVE_EVENT_TOO_LARGE, "stream \"large-1\": the state has 2097154 bytes" },
        { "huge-1", VARVE_IO, "stream \"huge-1\": the program gives an answer of more than 4 MiB" },
        { "refused-1", VARVE_INVALID_ARGUMENT, "stream \"refused-1\": the program says: I do not want to" },
        { "stateless-1", VARVE_INVALID_ARGUMENT, "stream \"stateless-1\": the program: its answer has no \"state\"" },
    };
    struct folding folding;
    struct varve_view data;

    begin_script(&folding, 60000);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        folding_stream(&folding, cases[i].stream, NULL);
        folding_event(&folding, "a", "1");
        CHECK_CASE(varve_fold_save(folding.fold, &data, &folding.error) == cases[i].status, cases[i].stream);
        folding_expect_error(&folding, cases[i].status, cases[i].words);
        folding_stream(&folding, "count-1", "{\"count\":5}");
        folding_event(&folding, "a", "1");
        folding_expect(&folding, "{\"count\": 6}");
    }
    assert_false(varve_fold_is_lost(folding.fold));
    folding_end(&folding);
}

static void a_program_that_hangs_is_ended(void **state)
{
    struct folding folding;
    struct varve_view data;

    begin_script(&folding, 100);
    folding_stream(&folding, "hang-1", NULL);
    assert_int_equal(varve_fold_save(folding.fold, &data, &folding.error), VARVE_TIMEOUT);
    folding_expect_error(&folding, VARVE_TIMEOUT, "stream \"hang-1\": the program gave no answer within 100 ms");
    folding_end(&folding);
}

static void a_program_that_never_answers_is_given_up(void **state)
{
    struct folding folding;
    struct varve_view data;
    unsigned streams = 0;

    folding_begin(&folding, "program exit 9");
    while (!varve_fold_is_lost(folding.fold)) {
        folding_stream(&folding, "a", NULL);
        assert_int_equal(varve_fold_save(folding.fold, &data, &folding.error), VARVE_IO);
        streams++;
    }
    assert_int_equal(streams, 10);
    folding_end(&folding);
}

/* The same state comes back, for an echo written in a line. */
static void msgpack_goes_both_ways(void **state)
{
    struct varve_reducing_options options;
    struct folding folding;
    struct varve_view data;

    varve_reducing_options_init(&options);
    options.reducer = "program exec python3 -c 'import sys\n"
                      "take = sys.stdin.buffer\n"
                      "n = 0\n"
                      "while head := take.read(4):\n"
                      "    body = take.read(int.from_bytes(head, \"big\"))\n"
                      "    n += 1\n"
                      "    assert body[1:4] == bytes([0xa1, 110, n]), body\n"
                      "    state = bytes([0x93, body.count(b\"test.bytes\"), body.count(b\"account-1\"), 0xc0])\n"
                      "    answer = bytes([0x82, 0xa1, 110, n, 0xa5]) + b\"state\" + state\n"
                      "    sys.stdout.buffer.write(len(answer).to_bytes(4, \"big\") + answer)\n"
                      "    sys.stdout.buffer.flush()\n'";
    options.type = "test";
    options.msgpack = true;
    folding_begin_with(&folding, &options);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(folding_stream(&folding, "account-1", i % 2 ? "\x93\x01\x02\xc0" : NULL), VARVE_OK);
        for (unsigned e = 0; e < i; e++)
            folding_bytes(&folding, VARVE_CONTENT_OCTET_STREAM, "\0\n", 2);
        assert_int_equal(varve_fold_save(folding.fold, &data, &folding.error), VARVE_OK);
        assert_int_equal(data.size, 4);
        assert_int_equal(data.data[1], i);
        assert_int_equal(data.data[2], 1);
    }
    folding_end(&folding);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_keeps_balances),
        cmocka_unit_test(long_streams_go_in_portions),
        cmocka_unit_test(what_a_program_does_wrong_fails_the_stream_alone),
        cmocka_unit_test(a_program_that_hangs_is_ended),
        cmocka_unit_test(a_program_that_never_answers_is_given_up),
        cmocka_unit_test(msgpack_goes_both_ways),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
