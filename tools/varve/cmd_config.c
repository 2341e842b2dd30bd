/* cmd_config.c - `varve config show`: what holds for a running server, and who said so. */
#include <string.h>

#include "commands.h"

static const struct option_spec options[] = {
    { "origin", 0, NULL, "also who said it, and whether SIGHUP may change it" },
    { NULL, 0, NULL, NULL },
};

/* Whole parts of its name: "http" begins http.max_body, and "http.max" does not. */
static bool is_wanted(struct cli *cli, const struct varve_config_entry *entry)
{
    if (cli->arguments.word_count == 0)
        return true;
    const char *begin = cli->arguments.words[0];
    size_t size = strlen(begin);

    return entry->key.size >= size && memcmp(entry->key.data, begin, size) == 0 &&
           (entry->key.size == size || entry->key.data[size] == '.');
}

static void print_table(struct cli *cli, const struct varve_config_entry *entries, size_t count)
{
    static const struct table_column columns[] = { { "key", false, 0 }, { "value", false, 2 }, { "origin", false, 1 },
                                                   { "sighup", false, 0 } };
    bool origin = arguments_has(&cli->arguments, "origin");
    struct table *table = table_begin(&cli->output, columns, origin ? 4 : 2);

    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(cli, &entries[i]))
            continue;
        table_cell(table, entries[i].key);
        table_cell(table, entries[i].value);
        if (origin) {
            table_cell(table, entries[i].origin);
            table_cell(table, varve_view_str(entries[i].reloadable ? "yes" : "no"));
        }
        table_row_end(table);
    }
    table_end(table);
}

static void print_objects(struct cli *cli, const struct varve_config_entry *entries, size_t count)
{
    struct text object = { 0 };

    output_list_begin(&cli->output);
    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(cli, &entries[i]))
            continue;
        text_clear(&object);
        text_add_str(&object, "{");
        text_member(&object, "key", entries[i].key);
        text_member(&object, "value", entries[i].value);
        text_member(&object, "origin", entries[i].origin);
        text_member_bool(&object, "reloadable", entries[i].reloadable);
        text_add_str(&object, "}");
        output_list_object(&cli->output, &object);
    }
    output_list_end(&cli->output);
    text_free(&object);
}

static enum varve_status check_words(struct cli *cli, const struct varve_config_entry *entries, size_t count,
                                     struct varve_error *error)
{
    for (size_t i = 0; i < count; i++)
        if (is_wanted(cli, &entries[i]))
            return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "key", "the server has no key that begins with \"%s\"",
                      cli->arguments.words[0]);
}

static int run_show(struct cli *cli)
{
    const struct varve_config_entry *entries = NULL;
    size_t count = 0;
    struct varve_error error;
    enum varve_status status = cli_words(cli, 0, 1, &error);

    if (status == VARVE_OK)
        status = cli_open_server(cli, &error);
    if (status == VARVE_OK)
        status = varve_client_config(backend_client(cli->backend), &entries, &count, &error);
    if (status == VARVE_OK)
        status = check_words(cli, entries, count, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    if (cli->output.format == OUTPUT_TABLE)
        print_table(cli, entries, count);
    else
        print_objects(cli, entries, count);
    return CLI_OK;
}

const struct command command_config_show = {
    .name = "config show",
    .arguments = "[KEY]",
    .summary = "show what a running server is configured to",
    .details = "KEY is a key, or the beginning of several: http, outbox.loans. Values that are secret are shown as\n"
               "(secret). varved --help-config says what each key means.",
    .options = options,
    .examples = "  varve config show --origin\n  varve config show http -o json\n",
    .run = run_show,
};
