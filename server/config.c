/* config.c - from what is said in many places to what holds. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_environment.h"
#include "config_flags.h"
#include "config_value.h"

/* ---- one key ----------------------------------------------------------------------------------------------------- */

static bool is_plain_text(const char *text)
{
    while ((uint8_t)*text >= 0x20 || *text == '\t')
        text++;
    return *text == 0;
}

static bool is_good_value(struct config *config, const struct config_key *key, const char *text, char *expected)
{
    snprintf(expected, CONFIG_EXPECTED_BYTES, "%s", *text == 0 ? key->values : "a text without control characters");
    return *text != 0 && is_plain_text(text) && config_value_set(config, key, text, expected);
}

/* The value, as it will be shown. False: no memory. */
static bool keep(struct config *config, const struct config_key *key, const char *text, const char *origin)
{
    struct config_value *value = &config->values[config->value_count];

    *value = (struct config_value){ .key = strdup(key->name), .text = strdup(text), .origin = strdup(origin),
                                    .is_reloadable = key->is_reloadable };
    config->value_count++;
    return value->key != NULL && value->text != NULL && value->origin != NULL;
}

static bool apply_key(struct config *config, const struct config_settings *settings, const struct config_key *key)
{
    const struct config_setting *setting = config_settings_find(settings, key);
    const char *text = setting != NULL ? setting->text : key->otherwise;
    const char *origin = setting != NULL ? setting->origin : "default";
    char expected[CONFIG_EXPECTED_BYTES], number[CONFIG_NUMBER_BYTES];

    if (!is_good_value(config, key, text, expected))
        return config_complain(settings->complaints, "%s: %s = %.100s: expected %s", origin, key->name, text, expected);
    if (config_value_is_number(key)) {
        config_value_write(config, key, number);
        text = number;
    }
    if (!keep(config, key, text, origin))
        return config_complain(settings->complaints, "no memory for the configuration");
    /* Its field points to the text that stays. */
    return config_value_set(config, key, config->values[config->value_count - 1].text, expected);
}

/* ---- all keys together ------------------------------------------------------------------------------------------- */

static struct config_value *value_of(const struct config *config, const char *key)
{
    size_t i = 0;

    while (strcmp(config->values[i].key, key) != 0)
        i++;
    return &config->values[i];
}

/* With a unix socket alone there is no TCP, unless it is asked for. */
static bool check_listen(struct config *config, struct config_complaints *complaints)
{
    struct config_value *value = value_of(config, "server.listen");

    if (strcmp(value->origin, "default") == 0 && config->unix_path != NULL) {
        config->listen_count = 0;
        memcpy(value->text, "off", sizeof("off")); /* Shorter than the default. */
    }
    return config->listen_count > 0 || config->unix_path != NULL ||
           config_complain(complaints, "%s: server.listen = off: expected an address, as server.unix is none",
                           value->origin);
}

static bool check_store(const struct config *config, struct config_complaints *complaints)
{
    const struct varve_options *store = &config->store;
    const struct config_value *segment = value_of(config, "store.segment_size");
    const struct config_value *append = value_of(config, "store.max_append_bytes");

    if (store->segment_size_bytes % 4096 != 0)
        return config_complain(complaints, "%s: store.segment_size = %s: expected a multiple of 4096 bytes",
                               segment->origin, segment->text);
    if (store->max_append_bytes > store->segment_size_bytes - 4096)
        return config_complain(complaints, "%s: store.max_append_bytes = %s: expected at most %" PRIu32 ", as it must "
                               "fit a segment (store.segment_size = %s) with 4096 bytes to spare",
                               append->origin, append->text, store->segment_size_bytes - 4096, segment->text);
    return true;
}

static bool read_outboxes(struct config *config, const struct config_flags *flags,
                          struct config_complaints *complaints)
{
    struct varve_error why;

    config->config_file = flags->file != NULL ? flags->file : config_environment_file(environ);
    config->kafka_mock = flags->kafka_mock;
    if (flags->kafka_mock && flags->kafka != NULL)
        return config_complain(complaints, "--kafka-mock: excludes --kafka %s", flags->kafka);
    if (config->config_file != NULL &&
        outbox_configs_read(&config->outboxes, config->config_file, &why) != VARVE_OK)
        return config_complain(complaints, "%s", why.message);
    if (flags->kafka != NULL && outbox_configs_add(&config->outboxes, "kafka", flags->kafka, &why) != VARVE_OK)
        return config_complain(complaints, "--kafka %s", why.message);
    return true;
}

static void apply(struct config *config, const struct config_settings *settings)
{
    struct config_complaints *complaints = settings->complaints;

    varve_options_init(&config->store);
    config->values = calloc(config_key_count, sizeof(*config->values));
    if (config->values == NULL) {
        config_complain(complaints, "no memory for the configuration");
        return;
    }
    for (size_t i = 0; i < config_key_count; i++)
        apply_key(config, settings, &config_keys[i]);
    if (complaints->count == 0) {
        check_listen(config, complaints);
        check_store(config, complaints);
    }
}

enum config_action config_parse(int argc, char **argv, struct config *ret, struct config_complaints *complaints)
{
    struct config_settings settings;
    struct config_flags flags = { .action = CONFIG_SERVE };

    *ret = (struct config){ .config_file = NULL };
    complaints->count = 0;
    if (config_settings_begin(&settings, complaints)) {
        config_flags_read(&settings, argc, argv, &flags);
        config_environment_read(&settings, environ);
        if (flags.action == CONFIG_SERVE) {
            read_outboxes(ret, &flags, complaints);
            apply(ret, &settings);
        }
    }
    config_settings_end(&settings);
    enum config_action action = flags.action == CONFIG_SERVE && complaints->count > 0 ? CONFIG_WRONG : flags.action;
    if (action != CONFIG_SERVE)
        config_end(ret);
    return action;
}

void config_end(struct config *config)
{
    for (size_t i = 0; i < config->value_count; i++) {
        free(config->values[i].key);
        free(config->values[i].text);
        free(config->values[i].origin);
    }
    free(config->values);
    config->values = NULL;
    config->value_count = 0;
    outbox_configs_end(&config->outboxes);
}
