/* fuzz_config.c - whatever stands in the file: a configuration that fits the rules, or lines that say why not. */
#include "fuzz.h"
#include "server/config_apply.h"
#include "server/config_file.h"
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

static void check_server(const struct config *config)
{
    MUST(config->directory != NULL && *config->directory != 0);
    MUST(config->listen_count > 0 || config->unix_path != NULL);
    MUST(config->listen_count <= CONFIG_MAX_LISTEN && config->http.listen_count <= CONFIG_MAX_LISTEN);
    MUST(config->max_connections > 0 && config->max_requests > 0 && config->reader_threads > 0);
    MUST(config->log_level <= LOG_LEVEL_ERROR);
    MUST(config->store.max_append_bytes <= config->store.segment_size_bytes - 4096);
}

static void check_complaints(const struct config_complaints *complaints)
{
    for (size_t i = 0; i < complaints->count && i < CONFIG_MAX_COMPLAINTS; i++)
        MUST(complaints->lines[i][0] != 0 && strchr(complaints->lines[i], '\n') == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct config_complaints complaints = { .count = 0 };
    struct config_settings settings;
    struct config config = { .values = NULL };

    if (memmem(bytes, size, "_file", 5) != NULL && memmem(bytes, size, "rdkafka", 7) != NULL)
        return 0; /* It would look at files of ours. */
    MUST(config_settings_begin(&settings, &complaints));
    config_file_parse(&settings, "f", varve_view_of((const char *)bytes, size), false);
    size_t of_file = complaints.count;
    config_apply(&config, &settings);
    check_complaints(&complaints);
    for (size_t i = 0; i < config.outboxes.count; i++)
        check_outbox(config.outboxes.all[i], complaints.count == of_file);
    if (complaints.count == 0)
        check_server(&config);
    config_settings_end(&settings);
    config_end(&config);
    return 0;
}
