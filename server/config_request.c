/* config_request.c - CONFIG: what holds, and who said so. On the loop, where a reload changes it. */
#include "handlers.h"

#include <stdlib.h>

#include "config_values.h"
#include "reply.h"
#include "varve/wire_config.h"

static struct varve_config_entry describe(const struct config_value *value)
{
    return (struct varve_config_entry){ .key = varve_view_str(value->key),
                                        .value = varve_view_str(config_value_shown(value)),
                                        .origin = varve_view_str(value->origin),
                                        .reloadable = value->is_reloadable };
}

void handle_config(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    const struct config *config = session_server(session)->config;
    struct varve_config_entry *entries = calloc(config->value_count + 1, sizeof(*entries));
    struct varve_error error;

    if (entries == NULL) {
        reply_no_memory(session, frame->request_id);
        return;
    }
    for (size_t i = 0; i < config->value_count; i++)
        entries[i] = describe(&config->values[i]);
    if (varve_decode_empty(body, VARVE_OP_CONFIG, &error) == VARVE_OK) {
        varve_encode_config_ok(session_out(session), frame->request_id, entries, config->value_count);
        session_sent(session);
    } else {
        reply_error(session, frame->request_id, &error);
    }
    free(entries);
}
