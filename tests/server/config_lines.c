/* config_lines.c - parses a line. */
#include "config_lines.h"

#include "support/check.h"

#include <unistd.h>

enum { MAX_WORDS = 24, MAX_LINE = 1024 };

/* The words go into all[from] and behind; the last is NULL. Returns how many there are in all. */
static int split(char *text, char **all, int from)
{
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_true(from < MAX_WORDS);
        all[from++] = word;
    }
    all[from] = NULL;
    return from;
}

enum config_action config_line(const char *line, const char *environment, struct config *ret,
                               struct config_complaints *complaints)
{
    static char words[MAX_LINE], variables[MAX_LINE];
    static char *argv[MAX_WORDS + 1] = { "varved" }, *others[MAX_WORDS + 1];
    char **before = environ;

    snprintf(words, sizeof(words), "%s", line);
    snprintf(variables, sizeof(variables), "%s", environment);
    split(variables, others, 0);
    environ = others;
    enum config_action action = config_parse(split(words, argv, 1), argv, ret, complaints);
    environ = before;
    return action;
}

void config_line_good(const char *line, const char *environment, struct config *ret)
{
    struct config_complaints complaints;

    if (config_line(line, environment, ret, &complaints) != CONFIG_SERVE)
        fail_msg("%s with %s: %s", line, environment, complaints.lines[0]);
    assert_int_equal(complaints.count, 0);
}

void config_line_bad(const char *line, const char *environment, const char *complaint)
{
    struct config_complaints complaints;
    struct config config;

    if (config_line(line, environment, &config, &complaints) != CONFIG_WRONG)
        fail_msg("is taken: %s with %s", line, environment);
    assert_null(config.values);
    for (size_t i = 0; i < complaints.count && i < CONFIG_MAX_COMPLAINTS; i++)
        if (strcmp(complaints.lines[i], complaint) == 0)
            return;
    fail_msg("%s with %s is answered with\n%s\ninstead of\n%s", line, environment, complaints.lines[0], complaint);
}

const struct config_value *config_line_value(const struct config *config, const char *key)
{
    for (size_t i = 0; i < config->value_count; i++)
        if (strcmp(config->values[i].key, key) == 0)
            return &config->values[i];
    fail_msg("there is no %s", key);
    return NULL;
}
