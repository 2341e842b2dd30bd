/* server_line.c - see server_line.h. */
#include "server_line.h"

#include "check.h"

enum { MAX_WORDS = 26 };

void server_line_parse(struct config *config, const char *directory, const char *usual, const char *line)
{
    static char copy[1024]; /* The configuration points into it. */
    static char *argv[MAX_WORDS + 1];
    struct config_complaints complaints;
    int argc = 1;

    argv[0] = "varved";
    assert_true(snprintf(copy, sizeof(copy), "%s %s", usual, line) < (int)sizeof(copy));
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_true(argc < MAX_WORDS);
        argv[argc++] = word;
    }
    argv[argc] = NULL;
    if (config_parse(argc, argv, config, &complaints) != CONFIG_SERVE)
        fail_msg("%s", complaints.lines[0]);
    config->directory = directory;
}
