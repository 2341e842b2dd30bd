/* config_values.c - a list of keys, texts and origins. */
#include "config_values.h"

#include <stdlib.h>
#include <string.h>

static void end_value(struct config_value *value)
{
    if (value->text != NULL)
        explicit_bzero(value->text, strlen(value->text)); /* It may be a secret. */
    free(value->key);
    free(value->text);
    free(value->origin);
}

struct config_value *config_values_add(struct config *config, const struct config_value *value)
{
    struct config_value *all = reallocarray(config->values, config->value_count + 1, sizeof(*all));
    struct config_value copy = *value;

    if (all == NULL)
        return NULL;
    config->values = all;
    copy.key = strdup(value->key);
    copy.text = strdup(value->text);
    copy.origin = strdup(value->origin);
    if (copy.key == NULL || copy.text == NULL || copy.origin == NULL) {
        end_value(&copy);
        return NULL;
    }
    all[config->value_count] = copy;
    return &all[config->value_count++];
}

const char *config_value_shown(const struct config_value *value)
{
    return value->is_secret ? "(secret)" : value->text;
}

struct config_value *config_values_find(const struct config *config, const char *key)
{
    for (size_t i = 0; i < config->value_count; i++)
        if (strcmp(config->values[i].key, key) == 0)
            return &config->values[i];
    return NULL;
}

void config_values_end(struct config *config)
{
    for (size_t i = 0; i < config->value_count; i++)
        end_value(&config->values[i]);
    free(config->values);
    config->values = NULL;
    config->value_count = 0;
}
