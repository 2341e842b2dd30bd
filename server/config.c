/* config.c - gathers what is said in many places. */
#include "config.h"

#include <unistd.h>

#include "config_apply.h"
#include "config_environment.h"
#include "config_file.h"
#include "config_flags.h"
#include "config_values.h"

static bool is_wanted(const struct config_flags *flags)
{
    return flags->action == CONFIG_SERVE || flags->action == CONFIG_CHECK;
}

/* In the order in which people look for mistakes. */
static void gather(struct config_settings *settings, struct config *config, int argc, char **argv,
                   struct config_flags *flags)
{
    config_flags_read(settings, argc, argv, flags);
    config->kafka_mock = flags->kafka_mock;
    config->config_file = flags->file != NULL ? flags->file : config_environment_file(environ);
    config_environment_read(settings, environ);
    if (is_wanted(flags) && config->config_file != NULL)
        config_file_read(settings, config->config_file);
}

enum config_action config_parse(int argc, char **argv, struct config *ret, struct config_complaints *complaints)
{
    struct config_settings settings;
    struct config_flags flags = { .action = CONFIG_SERVE };

    *ret = (struct config){ .argc = argc, .argv = argv, .connections_possible = UINT32_MAX };
    complaints->count = 0;
    if (config_settings_begin(&settings, complaints)) {
        gather(&settings, ret, argc, argv, &flags);
        if (is_wanted(&flags))
            config_apply(ret, &settings);
    }
    config_settings_end(&settings);
    enum config_action action = is_wanted(&flags) && complaints->count > 0 ? CONFIG_WRONG : flags.action;
    if (action != CONFIG_SERVE && action != CONFIG_CHECK)
        config_end(ret);
    return action;
}

void config_end(struct config *config)
{
    config_values_end(config);
    outbox_configs_end(&config->outboxes);
}
