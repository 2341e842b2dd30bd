/* cmd_load.c - `varve load`: an aggregate as a service loads it, from its newest snapshot and the events after it; and
 * with a reducer, what that comes to. */
#include <inttypes.h>

#include "commands.h"
#include "crash_guard.h"
#include "event_printer.h"
#include "fold_pool.h"
#include "pairs.h"
#include "snapshot_text.h"

static const struct option_spec options[] = {
    { "reducer", 'r', "REDUCER", "fold it: merge, ./name.so or 'program COMMAND'; prints the state" },
    { "type", 't', "TYPE", "of the snapshot; default: any, or the reducer's" },
    { "schema-version", 0, "N", "of the snapshot; default: any, or the reducer's" },
    { "no-snapshots", 0, NULL, "from the first event on" },
    { NULL, 0, NULL, NULL },
};

struct load {
    struct cli *cli;
    struct state_place place;
    struct state_source *source;
    struct varve_load_wanted wanted;
    struct varve_view stream;
    struct varve_loaded loaded;
    struct varve_reducing *reducing; /* NULL: nothing is folded */
    struct varve_fold *fold;
    uint64_t events;
    bool failed;                     /* the reducer has, which was said */
    struct crash_guard *guard;       /* of a shared object; else NULL */
};

/* ---- folded ------------------------------------------------------------------------------------------------------ */

/* What the reducer cannot do is said as a build says it. */
static enum varve_status fold_all(struct load *load, struct varve_view *ret_state, struct varve_error *error)
{
    const struct varve_snapshot *snapshot = load->loaded.snapshot;
    const struct varve_event *event = NULL;
    struct varve_error why;
    enum varve_status failed = varve_fold_stream(load->fold, load->stream, snapshot != NULL ? &snapshot->data : NULL,
                                                 &why);

    while (failed == VARVE_OK) {
        enum varve_status status = load->source->call->load_event(load->source, &event, error);

        if (status != VARVE_OK)
            return status;
        if (event == NULL)
            break;
        failed = varve_fold_event(load->fold, event, &why);
        load->events++;
    }
    if (failed == VARVE_OK)
        failed = varve_fold_save(load->fold, ret_state, &why);
    load->failed = failed != VARVE_OK;
    if (load->failed)
        fold_pool_say(&why);
    return VARVE_OK;
}

static void print_state(struct load *load, struct varve_view state)
{
    struct output *output = &load->cli->output;
    struct text object = { 0 };
    const struct varve_snapshot *snapshot = load->loaded.snapshot;
    enum varve_content_type content_type = varve_reducing_content_type(load->reducing);

    if (output->format == OUTPUT_TABLE) {
        fwrite(state.data, 1, state.size, output->file);
        if (content_type == VARVE_CONTENT_JSON)
            fputc('\n', output->file);
        return;
    }
    text_add_str(&object, "{");
    text_member(&object, "stream", load->stream);
    text_member_int(&object, "version", load->loaded.version);
    text_member(&object, "type", varve_reducing_type(load->reducing));
    text_member_uint(&object, "schema_version", varve_reducing_schema_version(load->reducing));
    if (snapshot != NULL)
        text_member_int(&object, "snapshot_version", snapshot->version);
    text_member_uint(&object, "events", load->events);
    text_key(&object, "state");
    if (content_type == VARVE_CONTENT_JSON)
        text_add(&object, state);
    else
        text_add_base64(&object, state);
    text_add_str(&object, "}");
    output_object(output, &object);
    text_free(&object);
}

static enum varve_status print_folded(struct load *load, struct varve_error *error)
{
    struct varve_view state;
    enum varve_status status = varve_fold_begin(load->reducing, &load->fold, error);

    if (status == VARVE_OK)
        status = fold_all(load, &state, error);
    if (status == VARVE_OK && !load->failed)
        print_state(load, state);
    varve_fold_end(load->fold);
    return status;
}

/* ---- as it is ---------------------------------------------------------------------------------------------------- */

static void print_head(struct load *load)
{
    struct table *table = pairs_begin(&load->cli->output);
    const struct varve_snapshot *snapshot = load->loaded.snapshot;

    pairs_text(table, "stream", load->stream);
    pairs_printf(table, "version", "%" PRId64, load->loaded.version);
    if (snapshot == NULL) {
        pairs_text(table, "snapshot", varve_view_str("none"));
    } else {
        pairs_printf(table, "snapshot", "%.*s, schema version %" PRIu32 ", of version %" PRId64,
                     (int)snapshot->type.size, snapshot->type.data, snapshot->schema_version, snapshot->version);
        if (snapshot->content_type == VARVE_CONTENT_JSON)
            pairs_text(table, "data", snapshot->data);
    }
    table_end(table);
    fputc('\n', load->cli->output.file);
}

static enum varve_status print_rows(struct load *load, struct varve_error *error)
{
    const struct varve_event *event = NULL;
    struct event_printer printer;
    enum varve_status status;

    print_head(load);
    event_printer_begin(&printer, &load->cli->output);
    while ((status = load->source->call->load_event(load->source, &event, error)) == VARVE_OK && event != NULL)
        event_printer_event(&printer, event);
    event_printer_end(&printer);
    return status;
}

static enum varve_status print_object(struct load *load, struct varve_error *error)
{
    const struct varve_event *event = NULL;
    struct text object = { 0 }, part = { 0 };
    enum varve_status status;

    text_add_str(&object, "{");
    text_member(&object, "stream", load->stream);
    text_member_int(&object, "version", load->loaded.version);
    if (load->loaded.snapshot != NULL) {
        snapshot_format(&part, load->loaded.snapshot);
        text_key(&object, "snapshot");
        text_add(&object, text_view(&part));
    }
    text_key(&object, "events");
    text_add_str(&object, "[");
    while ((status = load->source->call->load_event(load->source, &event, error)) == VARVE_OK && event != NULL) {
        text_clear(&part);
        text_add_event(&part, event);
        text_add_str(&object, load->events++ == 0 ? "" : ",");
        text_add(&object, text_view(&part));
    }
    text_add_str(&object, "]}");
    if (status == VARVE_OK)
        output_object(&load->cli->output, &object);
    text_free(&part);
    text_free(&object);
    return status;
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

static enum varve_status open_reducer(struct load *load, struct varve_error *error)
{
    struct varve_reducing_options reducing;

    varve_reducing_options_init(&reducing);
    reducing.reducer = arguments_text(&load->cli->arguments, "reducer");
    if (reducing.reducer == NULL)
        return VARVE_OK;
    reducing.type = arguments_text(&load->cli->arguments, "type");
    reducing.schema_version = load->wanted.schema_version;
    enum varve_status status = varve_reducing_open(&reducing, &load->reducing, error);
    if (status == VARVE_OK) {
        load->wanted.type = varve_reducing_type(load->reducing);
        load->wanted.schema_version = varve_reducing_schema_version(load->reducing);
    }
    return status;
}

static enum varve_status parse(struct load *load, struct varve_error *error)
{
    const struct arguments *arguments = &load->cli->arguments;
    uint64_t schema_version = 0;
    enum varve_status status = cli_words(load->cli, 1, 1, error);

    if (status == VARVE_OK)
        status = arguments_uint(arguments, "schema-version", UINT32_MAX, &schema_version, error);
    if (status != VARVE_OK)
        return status;
    load->stream = varve_view_str(arguments->words[0]);
    load->wanted = (struct varve_load_wanted){ .type = varve_view_str(arguments_text(arguments, "type")),
                                               .schema_version = (uint32_t)schema_version,
                                               .no_snapshots = arguments_has(arguments, "no-snapshots") };
    status = varve_check_stream_name(load->stream, true, "stream", error);
    return status == VARVE_OK ? open_reducer(load, error) : status;
}

static enum varve_status print_loaded(struct load *load, struct varve_error *error)
{
    enum varve_status status = load->source->call->load_stream(load->source, &load->loaded, error);

    if (status == VARVE_OK && load->loaded.status != VARVE_OK)
        status = varve_fail(error, load->loaded.status, "stream", "stream \"%.*s\": %s", (int)load->stream.size,
                            load->stream.data, varve_status_meaning(load->loaded.status));
    if (status != VARVE_OK)
        return status;
    if (load->reducing != NULL)
        return print_folded(load, error);
    return load->cli->output.format == OUTPUT_TABLE ? print_rows(load, error) : print_object(load, error);
}

static int load_stream(void *user)
{
    struct load *load = user;
    struct varve_error error;

    enum varve_status status = parse(load, &error);
    if (status == VARVE_OK && crash_guard_knows(load->guard, load->stream))
        return CLI_FAILED; /* The child before this one has said so. */
    if (status == VARVE_OK)
        status = state_place_open(load->cli, &load->place, &error);
    if (status == VARVE_OK)
        status = state_source_open(&load->place, &load->source, &error);
    if (status == VARVE_OK)
        status = load->source->call->load_open(load->source, &load->stream, 1, &load->wanted, &error);
    if (status == VARVE_OK) {
        status = print_loaded(load, &error);
        load->source->call->load_close(load->source);
    }
    state_source_close(load->source);
    state_place_close(&load->place);
    varve_reducing_close(load->reducing);
    if (status != VARVE_OK)
        return cli_fail(load->cli, &error);
    return load->failed ? CLI_FAILED : CLI_OK;
}

/* A shared object runs in a process that it may crash. */
static int run(struct cli *cli)
{
    const char *reducer = arguments_text(&cli->arguments, "reducer");
    struct load load = { .cli = cli };

    if (reducer == NULL || !varve_reducing_is_object(reducer))
        return load_stream(&load);
    load.guard = crash_guard_make();
    int code = crash_guard_run(load.guard, load_stream, &load);
    crash_guard_free(load.guard);
    return code;
}

const struct command command_load = {
    .name = "load",
    .arguments = "STREAM [--reducer REDUCER]",
    .summary = "show an aggregate: its snapshot and the events after it, or what they come to",
    .details = "Snapshot, events and version are of one view, as a service gets them in one round trip. With a\n"
               "reducer the snapshot and the events are folded, and the state is printed. When the reducer fails,\n"
               "the reason is said, and the exit code is 1.",
    .options = options,
    .examples = "  varve load account-17\n"
                "  varve load account-17 --reducer merge | jq .balance\n"
                "  varve load account-17 --reducer merge --no-snapshots\n",
    .run = run,
};
