/* config_reference.c - prints the tables of keys, the server's and the outboxes'. */
#include "config_reference.h"

#include <stdlib.h>
#include <string.h>

#include "config_help.h"
#include "config_keys.h"
#include "outbox/outbox_config_keys.h"

enum { HELP_INDENT = 6 };

static bool is_in_section(const struct config_key *key, const struct config_section *section)
{
    return config_section_find(key->name, config_section_size(key->name)) == section;
}

/* The key's name without its section. */
static const char *short_name(const struct config_key *key)
{
    return key->name + config_section_size(key->name) + 1;
}

/* ---- on the terminal --------------------------------------------------------------------------------------------- */

static void print_row(FILE *out, const char *name, const char *values, const char *otherwise, const char *help,
                      bool is_reloadable)
{
    bool has_more = otherwise != NULL || is_reloadable;

    fprintf(out, "  %s = %s%s%s%s%s%s%s\n%*s", name, values, has_more ? "   (" : "",
            otherwise != NULL ? "default " : "", otherwise != NULL ? otherwise : "",
            otherwise != NULL && is_reloadable ? "; " : "", is_reloadable ? "SIGHUP" : "", has_more ? ")" : "",
            HELP_INDENT, "");
    config_print_words(out, HELP_INDENT, HELP_INDENT, help);
}

void config_print_keys(FILE *out)
{
    struct outbox_key_row row;

    fputs("The file of --config FILE (or VARVED_CONFIG) has sections with lines KEY = VALUE. Lines that begin with\n"
          "# or ; are comments. max_body of [http] is also VARVED_HTTP__MAX_BODY in the environment, which hides the\n"
          "file, and --http.max_body on the command line, which hides both. On SIGHUP file and environment are read\n"
          "again: keys with the mark SIGHUP change at once, the others with the next start.\n", out);
    for (size_t i = 0; i < config_section_count; i++) {
        fprintf(out, "\n[%s]   %s\n", config_sections[i].name, config_sections[i].help);
        for (size_t j = 0; j < config_key_count; j++)
            if (is_in_section(&config_keys[j], &config_sections[i]))
                print_row(out, short_name(&config_keys[j]), config_keys[j].values, config_keys[j].otherwise,
                          config_keys[j].help, config_keys[j].is_reloadable);
    }
    fputs("\n[outbox NAME]   an outbox to Kafka; at most 16. VARVED_OUTBOX__NAME__TXN_MAX_EVENTS, "
          "--outbox.NAME.txn.max_events\n", out);
    for (size_t i = 0; outbox_keys_row(i, &row); i++)
        print_row(out, row.name, row.values, row.otherwise, row.help, false);
    row = outbox_keys_property;
    print_row(out, row.name, row.values, row.otherwise, row.help, false);
    fputs("\nA route's CONDITIONs are class=, category=, type= (each a list with commas) and meta.NAME=; its ACTION\n"
          "is drop, or any of topic=, key=, format=, tombstone=. A GLOB knows * and ?. A SIZE takes KiB, MiB, GiB or\n"
          "TiB, a TIME ms, s, m or h.\n\n"
          "example:\n"
          "  [server]\n"
          "  max_connections = 2000\n\n"
          "  [outbox kafka]\n"
          "  brokers = 127.0.0.1:9092\n"
          "  route = class=integration type=payment.* -> topic=pay.{type} key=stream format=cloudevents\n"
          "  route = type=*.internal -> drop\n", out);
}

/* ---- a file ------------------------------------------------------------------------------------------------------ */

/* Each line of `text` begins with "# ". */
static void print_comment(FILE *out, const char *text)
{
    char *lines = NULL;
    size_t size;
    FILE *memory = open_memstream(&lines, &size);

    if (memory == NULL)
        return;
    config_print_words(memory, 0, 0, text);
    if (fclose(memory) == 0)
        for (char *rest = lines, *line = strtok_r(lines, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
            fprintf(out, "# %s\n", line);
    free(lines);
}

void config_print_example(FILE *out)
{
    fputs("# The configuration of varved, the event store. Every key is here with its default; `varved --help-config`\n"
          "# and varved.ini(5) say more, `varved --check-config --config FILE` tells what is wrong with a file.\n"
          "# SIGHUP (systemctl reload varved) takes over what can change while the server runs.\n", out);
    for (size_t i = 0; i < config_section_count; i++) {
        fprintf(out, "\n[%s]\n", config_sections[i].name);
        for (size_t j = 0; j < config_key_count; j++) {
            const struct config_key *key = &config_keys[j];

            if (!is_in_section(key, &config_sections[i]))
                continue;
            print_comment(out, key->help);
            if (strcmp(key->name, "server.directory") == 0)
                fputs("directory = /var/lib/varve\n", out);
            else
                fprintf(out, "#%s = %s\n", short_name(key), key->otherwise);
        }
    }
    fputs("\n# An outbox publishes to Kafka; there may be several, each with a name.\n"
          "#[outbox kafka]\n"
          "#brokers = 127.0.0.1:9092\n"
          "#route = class=integration type=payment.* -> topic=pay.{type}\n"
          "#rdkafka.sasl.password_file = /etc/varve/kafka.password\n", out);
}

/* ---- in the manual ----------------------------------------------------------------------------------------------- */

/* In a table of Markdown a '|' ends the cell, unless it is escaped. */
static void print_cell(FILE *out, const char *text)
{
    for (; *text != 0; text++)
        fprintf(out, *text == '|' ? "\\|" : "%c", *text);
}

static void print_code(FILE *out, const char *text)
{
    fputs("`", out);
    print_cell(out, text);
    fputs("`", out);
}

static void print_table_key(FILE *out, const struct config_key *key)
{
    fputs("| ", out);
    print_code(out, short_name(key));
    fputs(" | ", out);
    print_code(out, key->values);
    fputs(" | ", out);
    print_code(out, key->otherwise);
    fprintf(out, " | %s | ", key->is_reloadable ? "yes" : "no");
    if (key->flag != NULL)
        fprintf(out, "`--%s`", key->flag);
    fputs(" | ", out);
    print_cell(out, key->help);
    fputs(" |\n", out);
}

void config_print_table(FILE *out)
{
    for (size_t i = 0; i < config_section_count; i++) {
        fprintf(out, "### [%s]\n\n%s.\n\n| key | value | default | SIGHUP | short | what it says |\n"
                "|---|---|---|---|---|---|\n", config_sections[i].name, config_sections[i].help);
        for (size_t j = 0; j < config_key_count; j++)
            if (is_in_section(&config_keys[j], &config_sections[i]))
                print_table_key(out, &config_keys[j]);
        fputs("\n", out);
    }
}

static void print_outbox_row(FILE *out, const struct outbox_key_row *row)
{
    fprintf(out, "| `%s` | ", row->name);
    print_code(out, row->values);
    fprintf(out, " | %s%s%s | ", row->otherwise != NULL ? "`" : "", row->otherwise != NULL ? row->otherwise : "-",
            row->otherwise != NULL ? "`" : "");
    print_cell(out, row->help);
    fputs(" |\n", out);
}

void config_print_outbox_table(FILE *out)
{
    struct outbox_key_row row;

    fputs("| key | value | default | what it says |\n|---|---|---|---|\n", out);
    for (size_t i = 0; outbox_keys_row(i, &row); i++)
        print_outbox_row(out, &row);
    print_outbox_row(out, &outbox_keys_property);
}
