/* fuzz_outbox_config.c - whatever stands in the file: an outbox that fits the rules, or one line that says why not. */
#include "fuzz.h"
#include "server/outbox/outbox_topic.h"

static void check_route(const struct outbox_route *route)
{
    const char *why;

    MUST(route->classes != 0 && route->classes < 8);
    MUST(route->drop || outbox_topic_check_template(route->topic, &why));
    MUST((route->tombstone == OUTBOX_TOMBSTONE_ON_TYPE) == (route->tombstone_type != NULL));
    for (size_t i = 0; i < route->meta_count; i++)
        MUST(*route->metas[i].name != 0 && *route->metas[i].glob != 0);
}

static void check_outbox(const struct outbox_config *config, bool is_whole)
{
    MUST(*config->name != 0 && config->compression != NULL);
    MUST(!is_whole || (config->brokers != NULL && *config->brokers != 0));
    MUST(!is_whole || config->message_timeout_ms < config->transaction_timeout_ms);
    MUST(config->max_events > 0 && config->max_message_bytes >= 4096 && config->start_from > 0);
    for (size_t i = 0; i < config->route_count; i++)
        check_route(&config->routes[i]);
    for (size_t i = 0; i < config->property_count; i++)
        MUST(!outbox_property_is_denied(config->properties[i].name) && *config->properties[i].value != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct outbox_configs configs = { .count = 0 };
    struct varve_error error = { .status = VARVE_OK };
    enum varve_status status;

    if (memmem(bytes, size, "_file", 5) != NULL)
        return 0; /* It would look at files of ours. */
    status = outbox_configs_parse(&configs, "f", varve_view_of((const char *)bytes, size), &error);
    MUST(status == VARVE_OK || (status == VARVE_INVALID_ARGUMENT && error.status == status));
    MUST(status == VARVE_OK || (error.message[0] != 0 && strchr(error.message, '\n') == NULL));
    for (size_t i = 0; i < configs.count; i++)
        check_outbox(configs.all[i], status == VARVE_OK);
    outbox_configs_end(&configs);
    return 0;
}
