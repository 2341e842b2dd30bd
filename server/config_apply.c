/* config_apply.c - every key gets what was said, or its default; then they are held against each other. */
#include "config_apply.h"

#include <inttypes.h>
#include <string.h>

#include "config_outboxes.h"
#include "config_value.h"
#include "config_values.h"
#include "http/push.h"

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
    const struct config_value *value = config_values_add(
        config, &(struct config_value){ .key = (char *)key->name, .text = (char *)text, .origin = (char *)origin,
                                        .is_reloadable = key->is_reloadable });
    if (value == NULL)
        return config_complain(settings->complaints, "no memory for the configuration");
    return config_value_set(config, key, value->text, expected); /* Its field points to the text that stays. */
}

/* ---- all keys together ------------------------------------------------------------------------------------------- */

/* With a unix socket alone there is no TCP, unless it is asked for. */
static bool check_listen(struct config *config, struct config_complaints *complaints)
{
    struct config_value *value = config_values_find(config, "server.listen");

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
    const struct config_value *segment = config_values_find(config, "store.segment_size");
    const struct config_value *append = config_values_find(config, "store.max_append_bytes");

    if (store->segment_size_bytes % 4096 != 0)
        return config_complain(complaints, "%s: store.segment_size = %s: expected a multiple of 4096 bytes",
                               segment->origin, segment->text);
    if (store->max_append_bytes > store->segment_size_bytes - 4096)
        return config_complain(complaints, "%s: store.max_append_bytes = %s: expected at most %" PRIu32 ", as it must "
                               "fit a segment (store.segment_size = %s) with 4096 bytes to spare",
                               append->origin, append->text, store->segment_size_bytes - 4096, segment->text);
    return true;
}

/* Their words, of which the first that is wrong is told. */
static bool check_push(const struct config *config, struct config_complaints *complaints)
{
    struct varve_error error;

    if (push_check_config(&config->push, &error) == VARVE_OK)
        return true;
    const struct config_value *value = config_values_find(config, error.field);
    return config_complain(complaints, "%s: %s", value != NULL ? value->origin : "push", error.message);
}

static bool check_mock(const struct config *config, struct config_complaints *complaints)
{
    const struct config_value *brokers = config_values_find(config, "outbox.kafka.brokers");

    return !config->kafka_mock || brokers == NULL ||
           config_complain(complaints, "--kafka-mock: there is an outbox named kafka already: brokers = %.100s (%s)",
                           brokers->text, brokers->origin);
}

void config_apply(struct config *config, struct config_settings *settings)
{
    struct config_complaints *complaints = settings->complaints;
    size_t before = complaints->count;

    varve_options_init(&config->store);
    for (size_t i = 0; i < config_key_count; i++)
        apply_key(config, settings, &config_keys[i]);
    if (complaints->count == before) {
        check_listen(config, complaints);
        check_store(config, complaints);
        check_push(config, complaints);
    }
    config_outboxes_apply(config, settings);
    check_mock(config, complaints);
}
