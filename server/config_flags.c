/* config_flags.c - takes the arguments apart. Not with getopt: keys of outboxes have names nobody can list. */
#include "config_flags.h"

#include <string.h>

enum { MAX_FLAG = 200 };

struct arguments {
    struct config_settings *settings;
    struct config_flags *flags;
    char **next;                 /* NULL at the end */
    bool only_names;             /* behind "--" */
};

/* What an action is asked for with. */
static bool take_action(struct config_flags *flags, const char *name)
{
    static const struct { const char *name; enum config_action action; } actions[] = {
        { "help", CONFIG_HELP }, { "help-config", CONFIG_HELP_CONFIG }, { "example-config", CONFIG_EXAMPLE },
        { "version", CONFIG_VERSION }, { "check-config", CONFIG_CHECK },
    };

    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(actions[i].name, name) == 0) {
            if (flags->action == CONFIG_SERVE || flags->action == CONFIG_CHECK)
                flags->action = actions[i].action;
            return true;
        }
    }
    return false;
}

/* Addresses and lists may be given one by one. */
static void add(struct config_settings *settings, const struct config_key *key, const char *origin, const char *text)
{
    const struct config_setting *before = config_settings_find(settings, key);
    bool adds_up = key->kind == CONFIG_ADDRESSES || key->kind == CONFIG_LIST;

    if (adds_up && before != NULL && before->source == CONFIG_FROM_COMMAND_LINE)
        text = config_settings_text(settings, "%s,%s", before->text, text);
    if (text != NULL)
        config_settings_add(settings, &(struct config_setting){ .key = key, .source = CONFIG_FROM_COMMAND_LINE,
                                                                .text = text, .origin = origin });
}

static const struct config_key *find_key(const char *name)
{
    const struct config_key *key = config_key_of_flag(name, strlen(name));
    size_t section = config_section_size(name);

    if (key != NULL || name[section] == 0)
        return key;
    return config_key_find(name, section, name + section + 1, strlen(name + section + 1));
}

/* What stands behind "--outbox."; NULL: it is no key of an outbox. */
static const char *outbox_key(const char *name)
{
    static const char word[] = "outbox.";

    if (strcmp(name, "kafka") == 0)
        return "kafka.brokers";
    return strncmp(name, word, sizeof(word) - 1) == 0 ? name + sizeof(word) - 1 : NULL;
}

static bool is_value_flag(const char *name)
{
    return strcmp(name, "config") == 0 || outbox_key(name) != NULL || find_key(name) != NULL;
}

static void take_value(struct arguments *arguments, const char *name, const char *origin, const char *text)
{
    const struct config_key *key = find_key(name);
    char hint[CONFIG_HINT_BYTES];

    if (key != NULL)
        add(arguments->settings, key, origin, text);
    else if (outbox_key(name) != NULL) /* Other users see command lines. */
        config_settings_add(arguments->settings,
                            &(struct config_setting){ .name = outbox_key(name), .source = CONFIG_FROM_COMMAND_LINE,
                                                      .text = text, .origin = origin, .others_may_read = true });
    else if (strcmp(name, "config") == 0)
        arguments->flags->file = text;
    else
        config_complain(arguments->settings->complaints, "%s: no such option%s", origin, config_flag_hint(name, hint));
}

static void take_flag(struct arguments *arguments, const char *argument)
{
    const char *equals = strchr(argument, '=');
    size_t size = equals != NULL ? (size_t)(equals - argument) : strlen(argument);
    char origin[MAX_FLAG], *name = origin + 2;

    snprintf(origin, sizeof(origin), "%.*s", (int)size, argument);
    if (equals == NULL && take_action(arguments->flags, name))
        return;
    if (equals == NULL && strcmp(name, "kafka-mock") == 0) {
        arguments->flags->kafka_mock = true;
        return;
    }
    const char *text = equals != NULL ? equals + 1 : NULL;
    if (text == NULL && is_value_flag(name)) {
        if (*arguments->next == NULL) {
            config_complain(arguments->settings->complaints, "%s: needs a value (see varved --help)", origin);
            return;
        }
        text = *arguments->next++;
    }
    take_value(arguments, name, origin, text);
}

static void take_name(struct arguments *arguments, const char *argument)
{
    static const char section[] = "server", name[] = "directory";
    const struct config_key *key = config_key_find(section, strlen(section), name, strlen(name));
    const struct config_setting *before = config_settings_find(arguments->settings, key);

    if (before != NULL && strcmp(before->origin, "DIR") == 0)
        config_complain(arguments->settings->complaints, "%s: one directory at most (see varved --help)", argument);
    else
        add(arguments->settings, key, "DIR", argument);
}

void config_flags_read(struct config_settings *settings, int argc, char **argv, struct config_flags *ret)
{
    struct arguments arguments = { .settings = settings, .flags = ret, .next = argv + (argc > 0) };

    *ret = (struct config_flags){ .action = CONFIG_SERVE };
    while (*arguments.next != NULL) {
        const char *argument = *arguments.next++;

        if (arguments.only_names || argument[0] != '-')
            take_name(&arguments, argument);
        else if (strcmp(argument, "--") == 0)
            arguments.only_names = true;
        else if (argument[1] == '-')
            take_flag(&arguments, argument);
        else
            config_complain(settings->complaints, "%s: no such option (see varved --help)", argument);
    }
}
