/* cmd_import.c - `varve import`: a file of events, a line each, into the store, each exactly once.
 *
 * One batch is on its way while the next is read and checked; never two, because a batch that has to wait (a full
 * queue, a full disk, a lost connection) must not be overtaken: the log keeps the order of the file. Before a batch is
 * sent its ids are looked up, so what an earlier run stored is not stored again, however long ago that was. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "batch.h"
#include "commands.h"
#include "hash_set.h"
#include "progress.h"

#define OVERLOAD_RETRIES 100 /* with the pauses the server asks for; half a minute or so */
#define MIX_RETRIES 3        /* somebody else imports the same events at the same time */
#define PAUSE_MS 50          /* when the server does not say how long */

static const struct option_spec options[] = { { NULL, 0, NULL, NULL } };

struct import {
    struct cli *cli;
    struct batch_source source;
    struct batch *batches[2];
    struct batch *on_its_way; /* NULL: none */
    struct varve_append_outcome outcome; /* of that; conflicts are not kept, only their number */
    bool answered;
    bool no_id_index;
    uint64_t imported, already;
    struct hash_set streams;
    struct progress progress;
};

/* ---- sending one batch ------------------------------------------------------------------------------------------- */

static void on_done(void *user, const struct varve_append_outcome *outcome)
{
    struct import *import = user;

    import->outcome = *outcome;
    import->outcome.results = NULL;
    import->outcome.conflicts = NULL;
    import->answered = true;
}

/* Leave out what the store has. */
static enum varve_status choose_missing(struct import *import, struct batch *batch, struct varve_error *error)
{
    struct varve_uuid ids[BATCH_EVENTS];
    uint64_t positions[BATCH_EVENTS];
    enum varve_status status = VARVE_INDEX_NOT_KEPT;

    for (size_t i = 0; i < batch->count; i++)
        ids[i] = batch->events[i].id;
    if (!import->no_id_index)
        status = import->cli->backend->call->find(import->cli->backend, ids, batch->count, positions, error);
    if (status == VARVE_INDEX_NOT_KEPT && !import->no_id_index) {
        import->no_id_index = true;
        cli_note("note: this store keeps no index of ids; only its newest events are recognised as already there");
    }
    if (status != VARVE_OK && status != VARVE_INDEX_NOT_KEPT)
        return status;
    batch_choose(batch, status == VARVE_OK ? positions : NULL);
    return VARVE_OK;
}

static enum varve_status submit(struct import *import, struct batch *batch, struct varve_error *error)
{
    struct varve_append_request request = batch_request(batch);

    import->answered = false;
    import->outcome = (struct varve_append_outcome){ 0 };
    import->on_its_way = batch;
    return import->cli->backend->call->submit(import->cli->backend, &request, on_done, import, error);
}

static enum varve_status send_batch(struct import *import, struct batch *batch, struct varve_error *error)
{
    enum varve_status status = choose_missing(import, batch, error);

    if (status != VARVE_OK)
        return status;
    if (batch->missing_count > 0)
        return submit(import, batch, error);
    import->already += batch->count;
    return VARVE_OK;
}

static enum varve_status take_answer(struct import *import, struct varve_error *error)
{
    enum varve_status status = import->cli->backend->call->drain(import->cli->backend, error);

    if (!import->answered)
        return status != VARVE_OK ? status : varve_fail(error, VARVE_INTERNAL, NULL, "an append was not answered");
    *error = import->outcome.error;
    error->status = import->outcome.status;
    return import->outcome.status;
}

static void pause_before_retry(uint32_t asked_ms)
{
    usleep((asked_ms > 0 ? asked_ms : PAUSE_MS) * 1000);
}

/* Until the batch on its way is stored, or cannot be. */
static enum varve_status wait_for_batch(struct import *import, struct varve_error *error)
{
    unsigned overloads = 0, mixes = 0;
    enum varve_status status = VARVE_OK;

    while (import->on_its_way != NULL && status == VARVE_OK) {
        struct batch *batch = import->on_its_way;

        status = take_answer(import, error);
        if (status == VARVE_OK) {
            import->imported += import->outcome.replayed ? 0 : batch->missing_count;
            import->already += batch->count - (import->outcome.replayed ? 0 : batch->missing_count);
            import->on_its_way = NULL;
        } else if ((status == VARVE_OVERLOADED || status == VARVE_NOT_READY) && overloads++ < OVERLOAD_RETRIES) {
            pause_before_retry(error->retry_after_ms);
            status = submit(import, batch, error);
        } else if (status == VARVE_WRONG_EXPECTED_VERSION && !import->no_id_index && mixes++ < MIX_RETRIES) {
            import->on_its_way = NULL;
            status = send_batch(import, batch, error);
        }
    }
    return status;
}

/* ---- the whole file ---------------------------------------------------------------------------------------------- */

static void count_streams(struct import *import, const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        hash_set_add(&import->streams, batch->events[i].stream);
}

static enum varve_status import_lines(struct import *import, struct varve_error *error)
{
    enum varve_status status = VARVE_OK;

    for (size_t turn = 0; status == VARVE_OK && !import->source.over; turn ^= 1) {
        struct batch *batch = import->batches[turn];
        struct varve_error bad_line;
        enum varve_status filled = batch_fill(batch, &import->source, &bad_line);

        status = wait_for_batch(import, error); /* the lines before come first, in errors too */
        if (status == VARVE_OK && filled != VARVE_OK) {
            *error = bad_line;
            status = filled;
        }
        if (status == VARVE_OK && batch->count > 0) {
            count_streams(import, batch);
            status = send_batch(import, batch, error);
        }
        progress_show(&import->progress, import->imported + import->already, import->source.lines.bytes);
    }
    return status == VARVE_OK ? wait_for_batch(import, error) : status;
}

static void print_result(struct import *import)
{
    struct text object = { 0 };

    if (import->source.system_events > 0)
        cli_note("note: %" PRIu64 " events of system streams ($...) were left out; the store writes its own",
                 import->source.system_events);
    if (import->cli->output.format == OUTPUT_TABLE) {
        printf("imported %" PRIu64 " events into %zu streams (%" PRIu64 " already there)\n", import->imported,
               import->streams.count, import->already);
        return;
    }
    text_add_str(&object, "{");
    text_member_uint(&object, "imported", import->imported);
    text_member_uint(&object, "streams", import->streams.count);
    text_member_uint(&object, "already_there", import->already);
    text_member_uint(&object, "system_events_left_out", import->source.system_events);
    text_add_str(&object, "}");
    output_object(&import->cli->output, &object);
    text_free(&object);
}

/* A bad line is named by number and reason; whatever else by its NAME. Then how far it came. */
static int fail(struct import *import, const struct varve_error *error)
{
    int code;

    if (strncmp(error->message, "line ", 5) == 0) {
        fflush(stdout);
        fprintf(stderr, "error: %s\n", error->message);
        code = CLI_FAILED;
    } else {
        code = cli_fail_append(import->cli, &import->outcome, error);
    }
    if (import->on_its_way != NULL)
        cli_note("The batch of lines %" PRIu64 " to %" PRIu64 " was not acknowledged.", import->on_its_way->first_line,
                 import->on_its_way->last_line);
    cli_note("%" PRIu64 " events were imported before (%" PRIu64 " already there); "
             "running it again stores nothing twice.", import->imported, import->already);
    return code;
}

static uint64_t file_size(int fd)
{
    struct stat info;

    return fstat(fd, &info) == 0 && S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
}

static int import_file(struct cli *cli, int fd)
{
    struct import import = { .cli = cli };
    struct backend_limits limits;
    struct varve_error error;
    enum varve_status status = cli->backend->call->limits(cli->backend, &limits, &error);

    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    import.source.max_event_bytes = limits.max_event_bytes;
    import.batches[0] = memory_take(sizeof(struct batch));
    import.batches[1] = memory_take(sizeof(struct batch));
    lines_begin(&import.source.lines, fd);
    progress_begin(&import.progress, "events", file_size(fd));

    status = import_lines(&import, &error);

    progress_end(&import.progress);
    if (status == VARVE_OK)
        print_result(&import);
    int code = status == VARVE_OK ? CLI_OK : fail(&import, &error);
    lines_end(&import.source.lines);
    batch_free(import.batches[0]);
    batch_free(import.batches[1]);
    hash_set_free(&import.streams);
    return code;
}

static int run(struct cli *cli)
{
    struct varve_error error;
    const char *path = cli->arguments.word_count > 0 ? cli->arguments.words[0] : "-";
    int fd = STDIN_FILENO;

    enum varve_status status = arguments_words(&cli->arguments, 0, 1, "import [FILE|-]", &error);
    if (status == VARVE_OK && strcmp(path, "-") != 0) {
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            status = varve_fail(&error, VARVE_IO, "file", "%s: %s", path, strerror(errno));
    }
    if (status == VARVE_OK)
        status = cli_open(cli, true, &error);
    int code = status == VARVE_OK ? import_file(cli, fd) : cli_fail(cli, &error);
    if (fd > STDIN_FILENO)
        close(fd);
    return code;
}

const struct command command_import = {
    .name = "import",
    .arguments = "[FILE|-]",
    .summary = "store the events of a file, one JSON object a line",
    .details =
        "Members of a line: stream and type; optionally data, id, time, correlation_id,\n"
        "causation_id, user_id, source, class, schema_version, metadata, content_type. data of\n"
        "another content type than application/json is base64. What `varve read -o ndjson` prints\n"
        "is taken as it is; version, position and recorded_at are made anew.\n"
        "\n"
        "Lines are checked and stored in batches of at most 1,000, in the order of the file. A bad\n"
        "line ends the import, named by its number; nothing of its batch is stored. Running an\n"
        "import again stores nothing twice: an event whose id is in the store counts as already\n"
        "there. A line without an id gets one that is made from the line and all lines before it,\n"
        "so lines may be added at the end; editing a line changes such ids from there on.",
    .options = options,
    .examples = "  varve import events.ndjson\n"
                "  zcat events.ndjson.gz | varve import\n"
                "  varve read --all -o ndjson --server varve://old | varve import - --server varve://new\n",
    .run = run,
};
