/* config_help.c - the command line, as the table has it. */
#include "config_help.h"

#include <string.h>

#include "config_keys.h"

enum { COLUMN = 30 };

void config_print_words(FILE *out, size_t column, size_t indent, const char *text)
{
    while (*text != 0) {
        size_t size = strcspn(text, " ");

        if (column + 1 + size > CONFIG_HELP_WIDTH) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        }
        fprintf(out, "%s%.*s", column > indent ? " " : "", (int)size, text);
        column += size + (column > indent);
        text += size + strspn(text + size, " ");
    }
    fputs("\n", out);
}

static void print_option(FILE *out, const char *name, const char *argument, const char *help)
{
    int used = fprintf(out, "  --%s%s%s", name, argument != NULL ? " " : "", argument != NULL ? argument : "");

    if (used + 2 > COLUMN)
        fprintf(out, "\n%*s", COLUMN, "");
    else
        fprintf(out, "%*s", COLUMN - used, "");
    config_print_words(out, COLUMN, COLUMN, help);
}

static void print_key_option(FILE *out, const struct config_key *key)
{
    char help[512];

    bool is_none = strcmp(key->otherwise, "none") == 0;
    snprintf(help, sizeof(help), "%s%s%s%s", key->help, is_none ? "" : " (default ", is_none ? "" : key->otherwise,
             is_none ? "" : ")");
    print_option(out, key->flag != NULL ? key->flag : key->name, key->values, help);
}

void config_print_help(FILE *out)
{
    fputs("usage: varved [OPTION...] [DIR]\n\n"
          "Serve the event store in DIR (default ./varve-data; made when absent) until SIGTERM or SIGINT.\n\n"
          "options:\n", out);
    print_option(out, "config", "FILE", "read this file, too; see --help-config");
    print_option(out, "check-config", NULL, "say what is wrong with the configuration, or that nothing is, and exit");
    print_option(out, "kafka", "HOST:PORT,...", "an outbox named kafka to these brokers, with all defaults: every "
                 "event but those of class realtime, exactly once, to the topic varve.CATEGORY");
    print_option(out, "kafka-mock", NULL, "the same to a mock of Kafka that is started with the server, for trying "
                 "things out: it forgets everything when the server ends");
    print_option(out, "help-config", NULL, "say all keys, for the file and the environment, and exit");
    print_option(out, "example-config", NULL, "say a file with all keys and their defaults, and exit");
    print_option(out, "version", NULL, "say the version and exit");
    print_option(out, "help", NULL, "say this and exit");
    fputs("\neach is also a key of the file and a variable of the environment (--help-config says their names):\n",
          out);
    for (size_t i = 1; i < config_key_count; i++) /* The first is DIR. */
        print_key_option(out, &config_keys[i]);
    fputs("\nA SIZE takes KiB, MiB, GiB or TiB, a TIME ms, s, m or h. Addresses and lists may also be given one by\n"
          "one. What the command line says hides what the environment says, and that what the file says.\n"
          "Keys of outboxes: --outbox.NAME.KEY VALUE.\n\n"
          "examples:\n"
          "  varved                                        ./varve-data on 127.0.0.1:8278\n"
          "  varved --listen [::1]:9000 /var/lib/varve     another directory and address\n"
          "  varved --unix /run/varve.sock data            a unix socket and no TCP\n"
          "  varved --listen 127.0.0.1:0 --port-file port  any free port, told in a file\n"
          "  varved --index type,category data             a new store with fewer indexes\n"
          "  varved --kafka 127.0.0.1:9092 data            everything that is appended goes to Kafka, too\n\n"
          "exit codes: 0 stopped as asked, 1 failure, 2 usage, 6 the store is corrupt\n", out);
}
