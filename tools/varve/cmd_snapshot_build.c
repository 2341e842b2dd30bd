/* cmd_snapshot_build.c - `varve snapshot build` and `varve snapshot verify`: streams folded by a reducer, on all cores.
 *
 * Nothing is remembered but the snapshots themselves: what is up to date is passed over, so a build that was killed is
 * gone on with by running it again. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "crash_guard.h"
#include "fold_plan.h"
#include "fold_report.h"
#include "memory.h"
#include "progress.h"
#include "varve/os.h"

#define CHOICE_OPTIONS \
    { "reducer", 'r', "REDUCER", "merge, ./name.so or 'program COMMAND'" }, \
    { "type", 't', "TYPE", "of the snapshots; a program needs it" }, \
    { "schema-version", 0, "N", "of the snapshots; default 1, or the shared object's" }, \
    { "msgpack", 0, NULL, "speak msgpack with the program instead of JSON" }, \
    { "timeout", 0, "DURATION", "for an answer of the program; default 30s; 0: for ever" }, \
    { "category", 'c', "NAME", "streams NAME-..." }, \
    { "prefix", 'p', "PREFIX", "streams whose names begin so" }, \
    { "stream", 0, "STREAM", "this stream" }, \
    { "workers", 'w', "N", "default: one per core" }

#define CHOICE_DETAILS \
    "STREAM, --stream, --prefix and --category are alternatives: a stream that any\n" \
    "of them takes is folded, once; without any, all streams are."

static const struct option_spec build_options[] = {
    CHOICE_OPTIONS,
    { "every", 'n', "N", "only streams with at least N events behind their newest snapshot; default 1" },
    { "longer-than", 0, "N", "only streams of more than N events" },
    { "keep", 'k', "N", "of a stream's snapshots the newest N stay; default: as the server is set" },
    { "dry-run", 0, NULL, "only say what would be done" },
    { "verify", 0, NULL, "verify the snapshots of all these streams afterwards" },
    { NULL, 0, NULL, NULL },
};
static const struct option_spec verify_options[] = { CHOICE_OPTIONS, { NULL, 0, NULL, NULL } };

struct build {
    struct cli *cli;
    struct varve_reducing *reducing;
    struct state_place place;
    uint64_t every, longer_than, keep;
    unsigned workers;
    bool dry_run;
    struct fold_plan plan;
    struct fold_pool pool;
    struct progress progress;
    struct fold_report report;
    struct crash_guard *guard; /* of a shared object; else NULL */
};

static uint64_t now_us(void)
{
    const struct varve_os *os = varve_os_default();

    return os->monotonic_us(os->self);
}

/* ---- on the way -------------------------------------------------------------------------------------------------- */

static void tick(void *user)
{
    struct build *build = user;
    uint64_t events = __atomic_load_n(&build->pool.counts.events, __ATOMIC_RELAXED);

    progress_show(&build->progress, events, events);
}

static bool is_skipped(void *user, struct varve_view stream)
{
    return crash_guard_knows(((struct build *)user)->guard, stream);
}

static bool take_batch(void *user, struct fold_batch *batch)
{
    struct build *build = user;

    if (!build->dry_run)
        return fold_pool_put(&build->pool, batch);
    fold_batch_free(batch);
    return true;
}

static void on_difference(void *user, struct varve_view stream, int64_t version)
{
    fold_report_differs(&((struct build *)user)->report, stream, version);
}

/* ---- the passes -------------------------------------------------------------------------------------------------- */

static size_t add_choices(const struct arguments *arguments, const char *option, enum fold_choice_kind kind,
                          struct fold_choice *ret_choices)
{
    struct varve_view names[OPTIONS_MAX];
    size_t count = arguments_texts(arguments, option, names, OPTIONS_MAX);

    for (size_t i = 0; i < count; i++)
        ret_choices[i] = (struct fold_choice){ kind, names[i] };
    return count;
}

static enum varve_status plan_all(struct build *build, struct varve_error *error)
{
    const struct arguments *arguments = &build->cli->arguments;
    struct fold_choice *choices = memory_take((3 * OPTIONS_MAX + arguments->word_count) * sizeof(*choices));
    size_t count = add_choices(arguments, "stream", FOLD_STREAM, choices);

    count += add_choices(arguments, "prefix", FOLD_PREFIX, choices + count);
    count += add_choices(arguments, "category", FOLD_CATEGORY, choices + count);
    for (size_t i = 0; i < arguments->word_count; i++)
        choices[count++] = (struct fold_choice){ FOLD_STREAM, varve_view_str(arguments->words[i]) };
    enum varve_status status = fold_plan_choose(&build->plan, choices, count, error);
    free(choices);
    return status;
}

static enum varve_status begin_plan(struct build *build, enum fold_purpose purpose, struct varve_error *error)
{
    struct fold_plan *plan = &build->plan;

    *plan = (struct fold_plan){
        .purpose = purpose, .type = varve_reducing_type(build->reducing),
        .schema_version = varve_reducing_schema_version(build->reducing), .every = build->every,
        .longer_than = purpose == FOLD_BUILD ? build->longer_than : 0,
        .take = take_batch, .tick = tick, .skip = is_skipped, .user = build,
    };
    return state_source_open(&build->place, &plan->source, error);
}

/* The first fault counts, be it of who lists or of who folds. */
static enum varve_status end_pass(struct build *build, enum varve_status status, struct varve_error *error)
{
    fold_plan_end(&build->plan);
    state_source_close(build->plan.source);
    if (build->dry_run)
        return status;
    if (status == VARVE_OK)
        fold_pool_finish(&build->pool, tick, build);
    else
        fold_queue_stop(&build->pool.queue);
    enum varve_status ended = fold_pool_end(&build->pool, status == VARVE_OK ? error : NULL);
    return status == VARVE_OK ? ended : status;
}

/* What was done is told also when a fault ended it. */
static enum varve_status run_pass(struct build *build, enum fold_purpose purpose, struct fold_pass *ret_pass,
                                  struct varve_error *error)
{
    uint64_t started_us = now_us();

    build->pool = (struct fold_pool){
        .purpose = purpose, .place = &build->place, .reducing = build->reducing,
        .keep = (uint32_t)build->keep, .different = on_difference, .user = build,
    };
    enum varve_status status = begin_plan(build, purpose, error);
    if (status == VARVE_OK && !build->dry_run) {
        status = fold_pool_begin(&build->pool, build->workers, error);
        if (status != VARVE_OK)
            state_source_close(build->plan.source);
    }
    if (status != VARVE_OK)
        return status;
    progress_begin(&build->progress, "events", 0);
    status = plan_all(build, error);
    status = end_pass(build, status, error);
    progress_end(&build->progress);
    *ret_pass = (struct fold_pass){ true, build->plan.counts, build->pool.counts, now_us() - started_us };
    return status;
}

/* ---- the command line -------------------------------------------------------------------------------------------- */

static enum varve_status open_reducer(struct build *build, struct varve_error *error)
{
    const struct arguments *arguments = &build->cli->arguments;
    struct varve_reducing_options options;
    uint64_t schema_version = 0;
    int64_t timeout_us = INT64_MAX;

    varve_reducing_options_init(&options);
    options.reducer = arguments_text(arguments, "reducer");
    options.type = arguments_text(arguments, "type");
    options.msgpack = arguments_has(arguments, "msgpack");
    if (options.reducer == NULL)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "reducer", "say what folds the events: --reducer merge, "
                          "--reducer ./name.so or --reducer 'program COMMAND'");
    enum varve_status status = arguments_uint(arguments, "schema-version", UINT32_MAX, &schema_version, error);
    if (status == VARVE_OK)
        status = arguments_duration(arguments, "timeout", &timeout_us, error);
    if (status != VARVE_OK)
        return status;
    options.schema_version = (uint32_t)schema_version;
    if (timeout_us != INT64_MAX)
        options.timeout_ms = timeout_us / 1000 > INT32_MAX ? INT32_MAX : (uint32_t)(timeout_us / 1000);
    return varve_reducing_open(&options, &build->reducing, error);
}

static enum varve_status parse_workers(struct build *build, struct varve_error *error)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t workers = cores < 1 ? 1 : cores < FOLD_WORKERS_MAX ? (uint64_t)cores : FOLD_WORKERS_MAX;
    enum varve_status status = arguments_uint(&build->cli->arguments, "workers", UINT32_MAX, &workers, error);

    if (status == VARVE_OK && (workers < 1 || workers > FOLD_WORKERS_MAX))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "workers", "--workers must be from 1 to %d", FOLD_WORKERS_MAX);
    build->workers = (unsigned)workers;
    return status;
}

static enum varve_status parse_policy(struct build *build, struct varve_error *error)
{
    const struct arguments *arguments = &build->cli->arguments;
    enum varve_status status = arguments_uint(arguments, "every", INT64_MAX, &build->every, error);

    if (status == VARVE_OK && build->every == 0)
        status = varve_fail(error, VARVE_INVALID_ARGUMENT, "every", "--every must be at least 1");
    if (status == VARVE_OK)
        status = arguments_uint(arguments, "longer-than", INT64_MAX, &build->longer_than, error);
    if (status == VARVE_OK)
        status = arguments_uint(arguments, "keep", VARVE_SNAPSHOT_MAX_KEEP, &build->keep, error);
    if (status == VARVE_OK && arguments_has(arguments, "keep") && build->keep == 0)
        status = varve_fail(error, VARVE_INVALID_ARGUMENT, "keep", "--keep must be at least 1");
    build->dry_run = arguments_has(arguments, "dry-run");
    return status;
}

static enum varve_status prepare(struct build *build, struct varve_error *error)
{
    enum varve_status status = parse_workers(build, error);

    if (status == VARVE_OK)
        status = open_reducer(build, error);
    if (status == VARVE_OK)
        status = state_place_open(build->cli, &build->place, error);
    return status;
}

static int finish(struct build *build, enum varve_status status, const struct varve_error *error)
{
    bool bad = fold_report_is_bad(&build->report);

    build->report.dry_run = build->dry_run;
    if (build->report.build.done || build->report.verify.done)
        fold_report_print(&build->report, &build->cli->output);
    fold_report_free(&build->report);
    state_place_close(&build->place);
    varve_reducing_close(build->reducing);
    if (status != VARVE_OK)
        return cli_fail(build->cli, error);
    return bad ? CLI_FAILED : CLI_OK;
}

static int build_snapshots(void *user)
{
    struct build *build = user;
    struct varve_error error;

    enum varve_status status = prepare(build, &error);
    if (status == VARVE_OK)
        status = run_pass(build, FOLD_BUILD, &build->report.build, &error);
    if (status == VARVE_OK && arguments_has(&build->cli->arguments, "verify") && !build->dry_run)
        status = run_pass(build, FOLD_VERIFY, &build->report.verify, &error);
    return finish(build, status, &error);
}

static int verify_snapshots(void *user)
{
    struct build *build = user;
    struct varve_error error;

    enum varve_status status = prepare(build, &error);
    if (status == VARVE_OK)
        status = run_pass(build, FOLD_VERIFY, &build->report.verify, &error);
    return finish(build, status, &error);
}

/* A shared object runs in a process that it may crash. */
static int run_guarded(struct build *build, int (*run)(void *user))
{
    const char *reducer = arguments_text(&build->cli->arguments, "reducer");

    if (reducer == NULL || !varve_reducing_is_object(reducer))
        return run(build);
    build->guard = crash_guard_make();
    int code = crash_guard_run(build->guard, run, build);
    crash_guard_free(build->guard);
    return code;
}

static int run_build(struct cli *cli)
{
    static struct build build;
    struct varve_error error;

    build = (struct build){ .cli = cli, .every = 1 };
    if (parse_policy(&build, &error) != VARVE_OK)
        return cli_fail(cli, &error);
    return run_guarded(&build, build_snapshots);
}

const struct command command_snapshot_build = {
    .name = "snapshot build",
    .arguments = "--reducer REDUCER [STREAM...] [--category NAME] [--prefix PREFIX] ...",
    .summary = "fold streams and store what they come to as snapshots",
    .details = "Each stream is folded on from its newest snapshot of the reducer's type and schema version, or from\n"
               "its first event, and one snapshot is stored: of its last event. What is up to date is passed over,\n"
               "so running it again goes on where it was killed. A stream that fails is named, the others go on, and\n"
               "the exit code is 1. " CHOICE_DETAILS "\n"
               "docs/reducers.md says what a reducer is.",
    .options = build_options,
    .examples = "  varve snapshot build --reducer merge --category order\n"
                "  varve snapshot build --reducer ./account.so --category account --every 100\n"
                "  varve snapshot build --reducer 'program python3 reducer.py' --type account --longer-than 50\n",
    .run = run_build,
};

static int run_verify(struct cli *cli)
{
    static struct build build;

    build = (struct build){ .cli = cli, .every = 1 };
    return run_guarded(&build, verify_snapshots);
}

const struct command command_snapshot_verify = {
    .name = "snapshot verify",
    .arguments = "--reducer REDUCER [STREAM...] [--category NAME] [--prefix PREFIX] ...",
    .summary = "fold streams from their first event and compare with their snapshots",
    .details = "All snapshots of the reducer's type and schema version are held, byte for byte, against what their\n"
               "stream comes to at their version. Those that differ are listed, and the exit code is 1.\n"
               CHOICE_DETAILS,
    .options = verify_options,
    .examples = "  varve snapshot verify --reducer merge --category order\n"
                "  varve snapshot verify --reducer ./account.so account-1 account-2\n",
    .run = run_verify,
};
