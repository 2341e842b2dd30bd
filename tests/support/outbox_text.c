/* outbox_text.c - the server's own reading of the file, without the rest of its configuration. */
#include "outbox_text.h"

#include "server/config_file.h"
#include "server/config_outboxes.h"
#include "server/config_values.h"

static enum varve_status end(struct config_settings *settings, struct outbox_configs *configs,
                             struct varve_error *error)
{
    struct config config = { .outboxes = *configs };

    config_outboxes_apply(&config, settings);
    *configs = config.outboxes;
    config_values_end(&config);
    config_settings_end(settings);
    if (settings->complaints->count == 0)
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "config", "%s", settings->complaints->lines[0]);
}

enum varve_status outbox_text_parse(struct outbox_configs *configs, const char *path, struct varve_view text,
                                    struct varve_error *error)
{
    struct config_complaints complaints = { .count = 0 };
    struct config_settings settings;

    if (!config_settings_begin(&settings, &complaints))
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory");
    config_file_parse(&settings, path, text, false);
    return end(&settings, configs, error);
}

enum varve_status outbox_text_read(struct outbox_configs *configs, const char *path, struct varve_error *error)
{
    struct config_complaints complaints = { .count = 0 };
    struct config_settings settings;

    if (!config_settings_begin(&settings, &complaints))
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory");
    config_file_read(&settings, path);
    return end(&settings, configs, error);
}
