/* config_text.c - configurations in a line. */
#include "config_text.h"

#include "support/check.h"
#include "support/outbox_text.h"

#define SECTION "[outbox x]\nbrokers = b:9092\n"

static enum varve_status parse(const char *text, struct outbox_configs *configs, struct varve_error *error)
{
    *configs = (struct outbox_configs){ .count = 0 };
    *error = (struct varve_error){ .status = VARVE_OK };
    return outbox_text_parse(configs, "f.ini", varve_view_str(text), error);
}

struct outbox_configs config_text(const char *text)
{
    struct outbox_configs configs;
    struct varve_error error;

    if (parse(text, &configs, &error) != VARVE_OK)
        fail_msg("%s\n%s", error.message, text);
    return configs;
}

struct outbox_configs config_lines(const char *lines)
{
    char text[4096];

    assert_true((size_t)snprintf(text, sizeof(text), SECTION "%s", lines) < sizeof(text));
    return config_text(text);
}

static void refuse(const char *text, struct varve_error *error)
{
    struct outbox_configs configs;

    if (parse(text, &configs, error) != VARVE_INVALID_ARGUMENT)
        fail_msg("is taken: %s", text);
    assert_null(strchr(error->message, '\n'));
    outbox_configs_end(&configs);
}

void config_complains(const char *text, const char *message)
{
    struct varve_error error;

    refuse(text, &error);
    assert_string_equal(error.message, message);
}

void config_line_complains(const char *lines, const char *part)
{
    char text[4096];
    struct varve_error error;

    assert_true((size_t)snprintf(text, sizeof(text), SECTION "%s", lines) < sizeof(text));
    refuse(text, &error);
    if (strncmp(error.message, "f.ini:3: ", 9) != 0 || strstr(error.message, part) == NULL)
        fail_msg("%s\nis answered with\n%s\ninstead of\n%s", lines, error.message, part);
}
