/* config_request.c - CONFIG: what holds, and who said so. On the loop, where a reload changes it. */
#include "handlers.h"

#include <stdlib.h>
#include <string.h>

#include "config_value.h"
#include "config_values.h"
#include "reply.h"
#include "varve/wire_config.h"

/* A number that is not what was said: the limit of descriptors allows fewer connections. */
struct lowered {
    char value[CONFIG_NUMBER_BYTES], origin[256];
};

static bool is_lowered(const struct config *config, size_t i, struct lowered *ret)
{
    const struct config_value *said = &config->values[i];

    if (i >= config_key_count || !config_value_is_number(&config_keys[i]))
        return false;
    config_value_write(config, &config_keys[i], ret->value);
    snprintf(ret->origin, sizeof(ret->origin), "limit of descriptors; %s by %s", said->text, said->origin);
    return strcmp(ret->value, said->text) != 0;
}

static struct varve_config_entry describe(const struct config *config, size_t i, struct lowered *room)
{
    const struct config_value *value = &config->values[i];
    bool lowered = is_lowered(config, i, room);

    return (struct varve_config_entry){
        .key = varve_view_str(value->key), .reloadable = value->is_reloadable,
        .value = varve_view_str(lowered ? room->value : config_value_shown(value)),
        .origin = varve_view_str(lowered ? room->origin : value->origin),
    };
}

void handle_config(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    const struct config *config = session_server(session)->config;
    struct varve_config_entry *entries = calloc(config->value_count + 1, sizeof(*entries));
    struct lowered *lowered = calloc(config->value_count + 1, sizeof(*lowered));
    struct varve_error error;

    if (entries == NULL || lowered == NULL) {
        free(entries);
        free(lowered);
        reply_no_memory(session, frame->request_id);
        return;
    }
    for (size_t i = 0; i < config->value_count; i++)
        entries[i] = describe(config, i, &lowered[i]);
    if (varve_decode_empty(body, VARVE_OP_CONFIG, &error) == VARVE_OK) {
        varve_encode_config_ok(session_out(session), frame->request_id, entries, config->value_count);
        session_sent(session);
    } else {
        reply_error(session, frame->request_id, &error);
    }
    free(entries);
    free(lowered);
}
