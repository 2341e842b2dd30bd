/* cmd_group_work.c - `varve group work`: a command run once for each event of a consumer group. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "commands.h"
#include "memory.h"
#include "worker.h"

#define JOBS_MAX 64
#define NAME_ROOM (2 * VARVE_MAX_CONSUMER_NAME) /* too long a name is refused, not cut */

static const struct option_spec options[] = {
    { "consumer", 0, "NAME", "who works; default: this host's name and the process's number" },
    { "jobs", 'j', "N", "so many commands at a time, for events of different keys; default 1" },
    { "takeover", 0, NULL, "take the place of a consumer of this name" },
    { "count", 'n', "N", "end after so many events" },
    { NULL, 0, NULL, NULL },
};

struct crew {
    struct cli *cli;
    struct worker_pool pool;
    struct worker *workers;
    uint64_t count;
};

/* ---- joining the group ------------------------------------------------------------------------------------------- */

/* NAME, or NAME-1, NAME-2, ... of several. */
static void name_consumer(const struct crew *crew, uint64_t i, char ret_name[NAME_ROOM])
{
    const char *given = arguments_text(&crew->cli->arguments, "consumer");
    char host[65] = "host", usual[96];

    gethostname(host, sizeof(host) - 1);
    snprintf(usual, sizeof(usual), "%s-%ld", host, (long)getpid());
    if (crew->count == 1)
        snprintf(ret_name, NAME_ROOM, "%s", given != NULL ? given : usual);
    else
        snprintf(ret_name, NAME_ROOM, "%s-%" PRIu64, given != NULL ? given : usual, i + 1);
}

static enum varve_status join(struct crew *crew, struct varve_error *error)
{
    struct varve_view group = varve_view_str(crew->cli->arguments.words[0]);
    bool takeover = arguments_has(&crew->cli->arguments, "takeover");
    struct varve_client_options client_options;
    enum varve_status status = VARVE_OK;

    backend_follow_options(&client_options);
    for (uint64_t i = 0; i < crew->count && status == VARVE_OK; i++) {
        char name[NAME_ROOM];
        name_consumer(crew, i, name);
        crew->workers[i].pool = &crew->pool;
        status = varve_consumer_open(backend_url(crew->cli->backend), &client_options, group, varve_view_str(name), 1,
                                     takeover, &crew->workers[i].consumer, error);
    }
    return status;
}

/* Those that were not set to work have their consumers still. */
static void leave(struct crew *crew)
{
    for (uint64_t i = 0; i < crew->count; i++)
        varve_consumer_close(crew->workers[i].consumer);
}

/* ---- working ----------------------------------------------------------------------------------------------------- */

static void stop_all(struct crew *crew, uint64_t started)
{
    for (uint64_t i = 0; i < started; i++)
        worker_stop(&crew->workers[i]);
}

static bool all_over(const struct crew *crew, uint64_t started)
{
    for (uint64_t i = 0; i < started; i++)
        if (!worker_is_over(&crew->workers[i]))
            return false;
    return true;
}

/* The first signal: begin nothing more. Each further one is passed on to what still runs. */
static void take_signal(struct crew *crew, int signal_fd, uint64_t started)
{
    struct signalfd_siginfo info;

    if (read(signal_fd, &info, sizeof(info)) != sizeof(info))
        return;
    if (!crew->pool.stopping) {
        cli_note("finishing what runs; again to end it");
        stop_all(crew, started);
        return;
    }
    for (uint64_t i = 0; i < started; i++)
        job_terminate(&crew->workers[i].job);
}

static bool has_fault(struct worker_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    bool fault = pool->error.status != VARVE_OK;
    pthread_mutex_unlock(&pool->lock);
    return fault;
}

/* Until all are over: by count, by a signal, or because of one's fault. */
static void oversee(struct crew *crew, int signal_fd, uint64_t started)
{
    struct pollfd fds[2] = { { signal_fd, POLLIN, 0 }, { crew->pool.over_fd, POLLIN, 0 } };

    while (!all_over(crew, started)) {
        uint64_t wakes;

        if (poll(fds, 2, -1) < 0)
            continue;
        if (fds[0].revents != 0)
            take_signal(crew, signal_fd, started);
        if (fds[1].revents != 0 && read(crew->pool.over_fd, &wakes, sizeof(wakes)) == sizeof(wakes) &&
            has_fault(&crew->pool))
            stop_all(crew, started);
    }
    for (uint64_t i = 0; i < started; i++)
        worker_join(&crew->workers[i]);
}

/* Before it joins, for from then on it has to leave. Threads inherit what is blocked here, so that signals come to us
 * alone; commands do not. */
static void block_signals(sigset_t *ret_signals)
{
    sigemptyset(ret_signals);
    sigaddset(ret_signals, SIGINT);
    sigaddset(ret_signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, ret_signals, NULL);
}

static enum varve_status work(struct crew *crew, const sigset_t *signals, struct varve_error *error)
{
    enum varve_status status = VARVE_OK;
    uint64_t started = 0;
    int signal_fd = signalfd(-1, signals, SFD_CLOEXEC);

    crew->pool.over_fd = eventfd(0, EFD_CLOEXEC);
    if (signal_fd < 0 || crew->pool.over_fd < 0)
        return varve_fail(error, VARVE_IO, NULL, "no descriptor is left: %s", strerror(errno));
    while (started < crew->count && status == VARVE_OK) {
        status = worker_start(&crew->workers[started], error);
        started += status == VARVE_OK;
    }
    if (status != VARVE_OK)
        stop_all(crew, started);
    oversee(crew, signal_fd, started);
    close(signal_fd);
    close(crew->pool.over_fd);
    if (status == VARVE_OK && crew->pool.error.status != VARVE_OK)
        *error = crew->pool.error;
    return status == VARVE_OK ? crew->pool.error.status : status;
}

static void print_summary(const struct crew *crew)
{
    const struct worker_pool *pool = &crew->pool;
    struct text object = { 0 };

    if (crew->cli->output.format == OUTPUT_TABLE) {
        cli_note("%" PRIu64 " acknowledged, %" PRIu64 " sent back, %" PRIu64 " not taken", pool->acked, pool->retried,
                 pool->refused);
        return;
    }
    text_add_str(&object, "{");
    text_member_uint(&object, "acknowledged", pool->acked);
    text_member_uint(&object, "sent_back", pool->retried);
    text_member_uint(&object, "not_taken", pool->refused);
    text_add_str(&object, "}");
    output_object(&crew->cli->output, &object);
    text_free(&object);
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

static enum varve_status parse(struct cli *cli, struct crew *crew, struct varve_error *error)
{
    enum varve_status status = arguments_words(&cli->arguments, 1, 1, "group work NAME -- COMMAND [ARG...]", error);

    if (status == VARVE_OK && (cli->arguments.command == NULL || cli->arguments.command[0] == NULL))
        status = varve_fail(error, VARVE_INVALID_ARGUMENT, "command", "the command is missing: varve group work NAME "
                            "-- COMMAND [ARG...]");
    if (status == VARVE_OK)
        status = varve_check_group_name(varve_view_str(cli->arguments.words[0]), "group", error);
    if (status == VARVE_OK)
        status = arguments_uint(&cli->arguments, "jobs", JOBS_MAX, &crew->count, error);
    if (status == VARVE_OK && crew->count == 0)
        status = varve_fail(error, VARVE_INVALID_ARGUMENT, "jobs", "--jobs must be at least 1");
    if (status == VARVE_OK)
        status = arguments_uint(&cli->arguments, "count", UINT64_MAX, &crew->pool.tickets, error);
    if (status == VARVE_OK && crew->pool.tickets == 0)
        status = varve_fail(error, VARVE_INVALID_ARGUMENT, "count", "--count must be at least 1");
    if (status == VARVE_OK)
        status = job_check(cli->arguments.command[0], error);
    return status;
}

static int run(struct cli *cli)
{
    struct crew crew = { .cli = cli, .count = 1, .pool = { .tickets = UINT64_MAX, .lock = PTHREAD_MUTEX_INITIALIZER } };
    struct varve_group_info info;
    struct varve_error error;
    sigset_t signals;
    enum varve_status status = parse(cli, &crew, &error);

    if (status == VARVE_OK)
        status = cli_open_server(cli, &error);
    if (status == VARVE_OK)
        status = varve_client_group_info(backend_client(cli->backend), varve_view_str(cli->arguments.words[0]), &info,
                                         &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    crew.pool.command = cli->arguments.command;
    crew.pool.ack_timeout_ms = info.settings.ack_timeout_ms;
    crew.workers = memory_take((size_t)crew.count * sizeof(*crew.workers));
    block_signals(&signals);
    status = join(&crew, &error);
    bool joined = status == VARVE_OK;
    if (joined)
        status = work(&crew, &signals, &error);
    leave(&crew);
    free(crew.workers);
    if (joined)
        print_summary(&crew);
    return status == VARVE_OK ? CLI_OK : cli_fail(cli, &error);
}

const struct command command_group_work = {
    .name = "group work",
    .arguments = "NAME [--jobs N] [--consumer NAME] -- COMMAND [ARG...]",
    .summary = "run a command for each event of a consumer group",
    .details = "COMMAND runs once for each event, with the event as one line of JSON on its standard input (the form\n"
               "of `varve read -o ndjson`) and VARVE_POSITION, VARVE_ATTEMPT, VARVE_STREAM and VARVE_TYPE in its\n"
               "environment. Exit status 0 acknowledges the event; with any other it comes again after the group's\n"
               "backoff, and is parked after its max_attempts with the last line of the command's standard error.\n"
               "While it runs, the event's ack timeout is put off. SIGINT and SIGTERM let it finish, then leave the\n"
               "group; a second one is passed on to it.",
    .options = options,
    .examples = "  varve group work mails -- ./send-mail\n"
                "  varve group work billing --jobs 4 --consumer billing-a -- sh -c 'jq .data | ./book'\n",
    .run = run,
    .takes_command = true,
};
