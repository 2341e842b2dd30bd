/* cmd_rebuild.c - `varve rebuild`: the log up to a cut position, handed out to workers that make a read model of it.
 *
 *   the log --filter--> events up to the cut --hash of the key--> worker 0 .. K-1, a pipe each
 *
 * The cut is fixed before the first event is read; what is appended meanwhile is left to whoever goes on from there. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "crew.h"
#include "follow_options.h"
#include "job.h"
#include "memory.h"
#include "pairs.h"
#include "partition.h"
#include "progress.h"
#include "varve/os.h"

static const struct option_spec options[] = {
    FOLLOW_FILTER_OPTIONS,
    FOLLOW_AFTER_OPTION,
    { "until", 0, "POSITION", "the cut; default: where the log ends at the beginning" },
    { "key", 'k', "KEY", "events of one stream (default), category or correlation go to one worker" },
    { "workers", 'w', "N", "default: one per core" },
    { "cut-file", 0, "FILE", "write the cut position there when all is done" },
    { NULL, 0, NULL, NULL },
};

struct rebuild {
    struct cli *cli;
    struct crew crew;
    unsigned workers;
    enum partition_key key;
    uint64_t after, cut, events;
    struct text line;
    struct progress progress;
    uint64_t started_us;
};

/* ---- being interrupted ------------------------------------------------------------------------------------------- */

static struct rebuild *interrupted; /* what a signal stops; set before signals are caught */

static void on_signal(int signal_number)
{
    crew_stop(&interrupted->crew);
    interrupted->cli->backend->call->tail_stop(interrupted->cli->backend);
}

/* Once: the second signal ends the program whatever it does. */
static void catch_signals(struct rebuild *rebuild)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART };

    interrupted = rebuild;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* ---- the work ---------------------------------------------------------------------------------------------------- */

static uint64_t now_us(void)
{
    const struct varve_os *os = varve_os_default();

    return os->monotonic_us(os->self);
}

static enum varve_status give(struct rebuild *rebuild, const struct varve_event *event, struct varve_error *error)
{
    text_clear(&rebuild->line);
    text_add_event(&rebuild->line, event);
    text_add_str(&rebuild->line, "\n");
    rebuild->events++;
    progress_show(&rebuild->progress, rebuild->events, event->position - rebuild->after);
    return crew_give(&rebuild->crew, partition_of(event, rebuild->key, rebuild->workers), text_view(&rebuild->line),
                     event->position, error);
}

/* Everything up to the cut. What matches nothing shows as positions that pass by. */
static enum varve_status hand_out(struct rebuild *rebuild, struct varve_error *error)
{
    struct backend *backend = rebuild->cli->backend;
    uint64_t position = rebuild->after;
    enum varve_status status = VARVE_OK;

    while (status == VARVE_OK && position < rebuild->cut) {
        struct varve_notice notice;

        status = backend->call->tail_next(backend, UINT32_MAX, &notice, error);
        if (status != VARVE_OK)
            break;
        if (notice.kind == VARVE_NOTICE_EVENT && notice.event->position <= rebuild->cut)
            status = give(rebuild, notice.event, error);
        if (notice.kind != VARVE_NOTICE_RECONNECTED)
            position = notice.position;
    }
    if (status == VARVE_CANCELLED)
        varve_fail(error, status, NULL, "interrupted: the workers have not got all events");
    return status;
}

static enum varve_status run_crew(struct rebuild *rebuild, const struct varve_filter *filter, struct varve_error *error)
{
    struct backend *backend = rebuild->cli->backend;
    char cut[64];
    enum varve_status status = backend->call->tail_open(backend, filter, rebuild->after, error);

    if (status != VARVE_OK)
        return status;
    snprintf(cut, sizeof(cut), "VARVE_CUT=%" PRIu64, rebuild->cut);
    status = crew_begin(&rebuild->crew, rebuild->cli->arguments.command, rebuild->workers, cut, error);
    if (status == VARVE_OK) {
        catch_signals(rebuild);
        progress_begin(&rebuild->progress, "events", rebuild->cut - rebuild->after);
        status = hand_out(rebuild, error);
        if (status == VARVE_OK)
            status = crew_finish(&rebuild->crew, error);
        progress_end(&rebuild->progress);
        signal(SIGINT, SIG_IGN); /* It ends by itself now, and its backend with it. */
        signal(SIGTERM, SIG_IGN);
        crew_free(&rebuild->crew);
    }
    backend->call->tail_close(backend);
    return status;
}

/* ---- the cut ----------------------------------------------------------------------------------------------------- */

static enum varve_status cut_file_failed(const char *path, int number, struct varve_error *error)
{
    return varve_fail(error, VARVE_IO, "cut-file", "%.200s: %s", path, strerror(number));
}

/* Where it is written before it has its name. */
static struct text beside_of(const char *path)
{
    struct text beside = { 0 };

    text_add_str(&beside, path);
    text_add(&beside, varve_view_of(".new", 5)); /* and the NUL */
    return beside;
}

/* Can it be made? Else that would come out when all is done. Nothing is left behind. */
static enum varve_status check_cut_file(const char *path, struct varve_error *error)
{
    struct stat there;

    if (path == NULL)
        return VARVE_OK;
    if (path[0] == '\0')
        return cut_file_failed(path, ENOENT, error);
    if (stat(path, &there) == 0 && S_ISDIR(there.st_mode))
        return cut_file_failed(path, EISDIR, error);
    struct text beside = beside_of(path);
    int fd = open(beside.bytes, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    int failed = errno;
    if (fd >= 0) {
        close(fd);
        unlink(beside.bytes);
    }
    text_free(&beside);
    return fd >= 0 ? VARVE_OK : cut_file_failed(path, failed, error);
}

static bool write_file(const char *path, const char *content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    size_t size = strlen(content);
    bool works = fd >= 0 && write(fd, content, size) == (ssize_t)size && fsync(fd) == 0;
    int failed = errno;

    if (fd >= 0)
        close(fd);
    errno = failed;
    return works;
}

/* Whole or not at all, also when the power fails. */
static enum varve_status write_cut(const struct rebuild *rebuild, const char *path, struct varve_error *error)
{
    const struct varve_os *os = varve_os_default();
    enum varve_status status = VARVE_OK;
    char number[32];

    if (path == NULL)
        return VARVE_OK;
    struct text beside = beside_of(path);
    snprintf(number, sizeof(number), "%" PRIu64 "\n", rebuild->cut);
    if (!write_file(beside.bytes, number) || rename(beside.bytes, path) != 0) {
        status = cut_file_failed(path, errno, error);
        unlink(beside.bytes);
    }
    text_free(&beside);
    char *copy = strdup(path);
    if (status == VARVE_OK && copy != NULL && os->sync_directory(os->self, dirname(copy)) != 0)
        status = varve_fail(error, VARVE_IO, "cut-file", "%.200s: its folder cannot be synced", path);
    free(copy);
    return status;
}

static void print_outcome(const struct rebuild *rebuild)
{
    struct output *output = &rebuild->cli->output;
    double seconds = (double)(now_us() - rebuild->started_us) / 1e6;
    uint64_t rate = seconds > 0 ? (uint64_t)((double)rebuild->events / seconds) : 0;
    struct text object = { 0 };

    if (output->format == OUTPUT_TABLE) {
        struct table *table = pairs_begin(output);
        pairs_printf(table, "cut", "%" PRIu64, rebuild->cut);
        pairs_printf(table, "events", "%" PRIu64, rebuild->events);
        pairs_printf(table, "workers", "%u", rebuild->workers);
        pairs_printf(table, "seconds", "%.3f", seconds);
        pairs_printf(table, "events/s", "%" PRIu64, rate);
        table_end(table);
        return;
    }
    text_add_str(&object, "{");
    text_member_uint(&object, "cut", rebuild->cut);
    text_member_uint(&object, "events", rebuild->events);
    text_member_uint(&object, "workers", rebuild->workers);
    text_key(&object, "seconds");
    text_printf(&object, "%.3f", seconds);
    text_member_uint(&object, "events_per_second", rate);
    text_add_str(&object, "}");
    output_object(output, &object);
    text_free(&object);
}

/* ---- the command line -------------------------------------------------------------------------------------------- */

static enum varve_status parse_workers(struct rebuild *rebuild, struct varve_error *error)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t workers = cores < 1 ? 1 : cores < CREW_MAX ? (uint64_t)cores : CREW_MAX;
    const char *key = arguments_text(&rebuild->cli->arguments, "key");
    enum varve_status status = arguments_uint(&rebuild->cli->arguments, "workers", UINT32_MAX, &workers, error);

    if (status != VARVE_OK)
        return status;
    if (workers < 1 || workers > CREW_MAX)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "workers", "--workers must be from 1 to %d", CREW_MAX);
    if (key != NULL && !partition_key_parse(varve_view_str(key), &rebuild->key))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "key", "--key must be stream, category or correlation, not "
                          "\"%.64s\"", key);
    rebuild->workers = (unsigned)workers;
    return VARVE_OK;
}

/* From where and up to where. The log's end is asked for once. */
static enum varve_status find_cut(struct rebuild *rebuild, struct varve_error *error)
{
    struct cli *cli = rebuild->cli;
    int64_t now;
    uint64_t last = 0;
    enum varve_status status = cli->backend->call->ping(cli->backend, &now, &last, error);

    rebuild->cut = last;
    if (status == VARVE_OK)
        status = arguments_uint(&cli->arguments, "until", UINT64_MAX, &rebuild->cut, error);
    if (status == VARVE_OK && rebuild->cut > last)
        status = varve_fail(error, VARVE_INVALID_ARGUMENT, "until", "--until %" PRIu64 " is behind the end of the log, "
                            "which is at %" PRIu64, rebuild->cut, last);
    if (status == VARVE_OK && rebuild->after == VARVE_AFTER_END)
        status = varve_fail(error, VARVE_INVALID_ARGUMENT, "after", "behind the end there is nothing to rebuild from");
    if (status == VARVE_OK && rebuild->after > rebuild->cut)
        status = varve_fail(error, VARVE_INVALID_ARGUMENT, "after", "--after %" PRIu64 " is behind the cut, which is "
                            "at %" PRIu64, rebuild->after, rebuild->cut);
    return status;
}

static int run(struct cli *cli)
{
    static struct follow_filter filter;
    struct rebuild rebuild = { .cli = cli, .started_us = now_us() };
    struct varve_error error;

    enum varve_status status = arguments_words(&cli->arguments, 0, 0, "rebuild [options] -- COMMAND...", &error);
    if (status == VARVE_OK && (cli->arguments.command == NULL || cli->arguments.command[0] == NULL))
        status = varve_fail(&error, VARVE_INVALID_ARGUMENT, "command", "say what is to take the events: varve rebuild "
                            "... -- COMMAND");
    if (status == VARVE_OK)
        status = job_check(cli->arguments.command[0], &error);
    if (status == VARVE_OK)
        status = follow_filter_parse(&cli->arguments, 0, &filter, &error);
    if (status == VARVE_OK)
        status = follow_after_parse(&cli->arguments, &rebuild.after, &error);
    if (status == VARVE_OK)
        status = parse_workers(&rebuild, &error);
    if (status == VARVE_OK)
        status = check_cut_file(arguments_text(&cli->arguments, "cut-file"), &error);
    if (status == VARVE_OK)
        status = cli_open(cli, false, &error);
    if (status == VARVE_OK)
        status = find_cut(&rebuild, &error);
    if (status == VARVE_OK)
        status = run_crew(&rebuild, &filter.filter, &error);
    if (status == VARVE_OK)
        status = write_cut(&rebuild, arguments_text(&cli->arguments, "cut-file"), &error);
    text_free(&rebuild.line);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    print_outcome(&rebuild);
    return CLI_OK;
}

const struct command command_rebuild = {
    .name = "rebuild",
    .arguments = "[--all] [--category NAME] ... [--key KEY] [--workers N] -- COMMAND [ARG...]",
    .summary = "hand the log to workers that rebuild a read model",
    .details = "COMMAND runs N times and gets events as lines of `read -o ndjson` on its standard input: each event\n"
               "once, those of one key always the same worker, in order. VARVE_WORKER (0, 1, ...), VARVE_WORKERS and\n"
               "VARVE_CUT are set. It ends at the cut: where the log ended at the beginning. `varve tail --after CUT`\n"
               "or a subscription goes on from there without gap or overlap. When a worker fails, all of it fails.\n"
               FOLLOW_FILTER_DETAILS,
    .options = options,
    .examples = "  varve rebuild --category order --cut-file orders.cut -- ./fill-orders-table\n"
                "  varve rebuild --all --key category --workers 4 -- sh -c 'cat > part-$VARVE_WORKER.ndjson'\n",
    .takes_command = true,
    .run = run,
};
