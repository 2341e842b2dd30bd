/* test_cmd_import.c - what an import does when a store refuses, forgets, or is written to by somebody else meanwhile.
 *
 * The store is a list of ids in memory that answers as it is told. Real ones: tests/blackbox/cli_import.py. */
#include <stdlib.h>
#include <unistd.h>

#include "support/check.h"
#include "tools/varve/commands.h"
#include "varve/uuid.h"

#define STORED_MAX 10000u

struct fake {
    struct backend base; /* first */
    struct varve_uuid stored[STORED_MAX];
    size_t count;
    unsigned finds, submits;

    enum varve_status refuse_with; /* the next `refusals` submits */
    unsigned refusals;
    bool raced;                    /* before the next submit is looked at, somebody else stores its first event */
    bool no_id_index;
    enum varve_status find_fails;  /* the next find */

    varve_client_done done;        /* of the submit that was not drained yet */
    void *user;
    struct varve_append_outcome outcome;
};

static struct fake fake;

static bool is_stored(const struct varve_uuid *id)
{
    for (size_t i = 0; i < fake.count; i++) {
        if (varve_uuid_equal(&fake.stored[i], id))
            return true;
    }
    return false;
}

static enum varve_status fake_limits(struct backend *backend, struct backend_limits *ret, struct varve_error *error)
{
    *ret = (struct backend_limits){ 1 << 20, 8 << 20, 65536 };
    return VARVE_OK;
}

static enum varve_status fake_find(struct backend *backend, const struct varve_uuid *ids, size_t count,
                                   uint64_t *ret_positions, struct varve_error *error)
{
    enum varve_status fails = fake.find_fails;

    assert_null(fake.done); /* nothing is looked up while an append is on its way: the answer would be old */
    fake.finds++;
    fake.find_fails = VARVE_OK;
    if (fails != VARVE_OK)
        return varve_fail(error, fails, NULL, "the fake says so");
    if (fake.no_id_index)
        return varve_fail(error, VARVE_INDEX_NOT_KEPT, NULL, "no index of ids");
    for (size_t i = 0; i < count; i++)
        ret_positions[i] = is_stored(&ids[i]) ? 1 : 0;
    return VARVE_OK;
}

/* As a store does it: all known is a replay, some known a conflict, else all are stored. */
static void store_events(const struct varve_append_request *request)
{
    size_t known = 0;

    for (size_t i = 0; i < request->event_count; i++)
        known += is_stored(&request->events[i].id);
    fake.outcome.replayed = known == request->event_count;
    if (known > 0 && known < request->event_count) {
        fake.outcome.status = varve_fail(&fake.outcome.error, VARVE_WRONG_EXPECTED_VERSION, NULL, "a mix");
        fake.outcome.conflict_count = 1;
        return;
    }
    for (size_t i = 0; i < request->event_count && known == 0; i++)
        fake.stored[fake.count++] = request->events[i].id;
}

static enum varve_status fake_submit(struct backend *backend, const struct varve_append_request *request,
                                     varve_client_done done, void *user, struct varve_error *error)
{
    assert_null(fake.done); /* one on its way, never two */
    assert_true(fake.count + request->event_count <= STORED_MAX);
    fake.submits++;
    fake.outcome = (struct varve_append_outcome){ .status = VARVE_OK };
    fake.done = done;
    fake.user = user;
    if (fake.raced)
        fake.stored[fake.count++] = request->events[0].id;
    fake.raced = false;
    if (fake.refusals == 0) {
        store_events(request);
        return VARVE_OK;
    }
    fake.refusals--;
    fake.outcome.status = varve_fail(&fake.outcome.error, fake.refuse_with, NULL, "the fake says so");
    fake.outcome.error.retry_after_ms = 1;
    return VARVE_OK;
}

static enum varve_status fake_drain(struct backend *backend, struct varve_error *error)
{
    varve_client_done done = fake.done;

    fake.done = NULL;
    if (done != NULL)
        done(fake.user, &fake.outcome);
    return VARVE_OK;
}

static const struct backend_functions functions = {
    .limits = fake_limits, .find = fake_find, .submit = fake_submit, .drain = fake_drain,
};

/* Imports `count` lines with ids 1, 2, ... The exit code; what was printed goes to `ret_said`. */
static int import_lines(unsigned count, char ret_said[512])
{
    static const struct option_spec none[] = { { NULL, 0, NULL, NULL } };
    char path[] = "/tmp/varve-test-import-XXXXXX";
    int lines = mkstemp(path), said = dup(STDOUT_FILENO), said_too = dup(STDERR_FILENO);
    FILE *file = fdopen(lines, "w"), *caught = tmpfile();
    struct cli cli = {
        .command = &command_import, .backend = &fake.base, .arguments = { .tables = { cli_options, none } },
    };

    assert_true(lines >= 0 && file != NULL && caught != NULL);
    for (unsigned i = 1; i <= count; i++)
        fprintf(file, "{\"stream\":\"s-%u\",\"type\":\"t\",\"id\":\"00000000-0000-0000-0000-%012x\"}\n", i % 7, i);
    fclose(file);
    cli.arguments.words[0] = path;
    cli.arguments.word_count = 1;
    output_init(&cli.output, OUTPUT_TABLE);
    fflush(stdout);
    dup2(fileno(caught), STDOUT_FILENO);
    dup2(fileno(caught), STDERR_FILENO);

    int code = command_import.run(&cli);

    fflush(stdout);
    dup2(said, STDOUT_FILENO);
    dup2(said_too, STDERR_FILENO);
    close(said);
    close(said_too);
    rewind(caught);
    ret_said[fread(ret_said, 1, 511, caught)] = '\0';
    fclose(caught);
    unlink(path);
    return code;
}

static int begin(void **state)
{
    fake = (struct fake){ .base = { .call = &functions } };
    return 0;
}

/* Each of the `count` events once, in order. */
static void check_stored(unsigned count)
{
    assert_int_equal(fake.count, count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(fake.stored[i].bytes[14] << 8 | fake.stored[i].bytes[15], i + 1);
}

static void batches_go_one_after_the_other(void **state)
{
    char said[512];

    assert_int_equal(import_lines(2500, said), CLI_OK);
    assert_string_equal(said, "imported 2500 events into 7 streams (0 already there)\n");
    assert_int_equal(fake.finds, 3);
    assert_int_equal(fake.submits, 3);
    check_stored(2500);
    assert_int_equal(import_lines(2500, said), CLI_OK);
    assert_string_equal(said, "imported 0 events into 7 streams (2500 already there)\n");
    assert_int_equal(fake.submits, 3); /* nothing was missing, nothing was sent */
}

static void a_full_queue_is_waited_for_and_not_overtaken(void **state)
{
    static const enum varve_status refusals[] = { VARVE_OVERLOADED, VARVE_NOT_READY };
    char said[512];

    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        begin(state);
        fake.refuse_with = refusals[i];
        fake.refusals = 5;
        assert_int_equal(import_lines(2500, said), CLI_OK);
        assert_string_equal(said, "imported 2500 events into 7 streams (0 already there)\n");
        assert_int_equal(fake.submits, 8);
        check_stored(2500);
    }
}

static void a_queue_that_stays_full_ends_the_import(void **state)
{
    char said[512];

    fake.refuse_with = VARVE_OVERLOADED;
    fake.refusals = 1000;
    assert_int_equal(import_lines(1500, said), CLI_FAILED);
    assert_string_equal(said, "error: OVERLOADED: the fake says so\n"
                              "The batch of lines 1 to 1000 was not acknowledged.\n"
                              "0 events were imported before (0 already there); "
                              "running it again stores nothing twice.\n");
    assert_int_equal(fake.count, 0);
    assert_true(fake.submits < 200);
}

static void other_refusals_end_the_import_at_once(void **state)
{
    static const struct { enum varve_status status; int code; } cases[] = {
        { VARVE_DISK_FULL, CLI_FAILED }, { VARVE_DISCONNECTED, CLI_UNREACHABLE }, { VARVE_TIMEOUT, CLI_UNREACHABLE },
        { VARVE_CORRUPT, CLI_CORRUPT },
    };
    char said[512];

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        begin(state);
        fake.refuse_with = cases[i].status;
        fake.refusals = 1;
        assert_int_equal(import_lines(2500, said), cases[i].code);
        assert_int_equal(fake.submits, 1);
        assert_int_equal(fake.count, 0);
    }
}

static void somebody_else_may_import_the_same(void **state)
{
    char said[512];

    fake.raced = true;
    assert_int_equal(import_lines(1000, said), CLI_OK);
    assert_string_equal(said, "imported 999 events into 7 streams (1 already there)\n");
    assert_int_equal(fake.finds, 2);
    check_stored(1000);
}

static void without_an_index_of_ids_replays_are_counted(void **state)
{
    char said[512];

    fake.no_id_index = true;
    assert_int_equal(import_lines(1500, said), CLI_OK);
    assert_non_null(strstr(said, "imported 1500 events into 7 streams (0 already there)\n"));
    assert_int_equal(fake.finds, 1); /* asked once, told once */
    assert_int_equal(import_lines(1500, said), CLI_OK);
    assert_non_null(strstr(said, "imported 0 events into 7 streams (1500 already there)\n"));
    check_stored(1500);
}

static void without_an_index_of_ids_a_mix_is_an_error(void **state)
{
    char said[512];

    fake.no_id_index = true;
    assert_int_equal(import_lines(500, said), CLI_OK);
    assert_int_equal(import_lines(1000, said), CLI_CONFLICT);
    check_stored(500);
}

static void a_failing_look_up_ends_the_import(void **state)
{
    char said[512];

    fake.find_fails = VARVE_DISCONNECTED;
    assert_int_equal(import_lines(10, said), CLI_UNREACHABLE);
    assert_int_equal(fake.submits, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(batches_go_one_after_the_other, begin),
        cmocka_unit_test_setup(a_full_queue_is_waited_for_and_not_overtaken, begin),
        cmocka_unit_test_setup(a_queue_that_stays_full_ends_the_import, begin),
        cmocka_unit_test_setup(other_refusals_end_the_import_at_once, begin),
        cmocka_unit_test_setup(somebody_else_may_import_the_same, begin),
        cmocka_unit_test_setup(without_an_index_of_ids_replays_are_counted, begin),
        cmocka_unit_test_setup(without_an_index_of_ids_a_mix_is_an_error, begin),
        cmocka_unit_test_setup(a_failing_look_up_ends_the_import, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
