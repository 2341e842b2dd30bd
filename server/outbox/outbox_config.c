/* outbox_config.c - which outboxes there are; outbox_config_keys.c knows what each is told. */
#include <stdlib.h>
#include <string.h>

#include "outbox_config_keys.h"

enum { KEPT_BY_ARENA = 0 };

static bool is_name(struct varve_view name)
{
    if (name.size == 0 || name.size > VARVE_MAX_OUTBOX_NAME)
        return false;
    for (size_t i = 0; i < name.size; i++)
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", name.data[i]) == NULL)
            return false;
    return true;
}

static bool is_taken(const struct outbox_configs *configs, struct varve_view name)
{
    for (size_t i = 0; i < configs->count; i++)
        if (varve_view_equal(varve_view_str(configs->all[i]->name), name))
            return true;
    return false;
}

static void end_draft(struct outbox_draft *draft)
{
    outbox_arena_free(draft->arena);
    free(draft);
}

struct outbox_draft *outbox_draft_begin(struct outbox_configs *configs, const struct outbox_place *place,
                                        struct varve_view name)
{
    if (!is_name(name))
        return outbox_place_wrong(place, "an outbox's name has 1 to %u letters, digits, '.', '_' and '-'",
                                  VARVE_MAX_OUTBOX_NAME), NULL;
    if (is_taken(configs, name))
        return outbox_place_wrong(place, "there are two outboxes named %.*s", (int)name.size, name.data), NULL;
    if (configs->count == VARVE_MAX_OUTBOXES)
        return outbox_place_wrong(place, "a server has at most %u outboxes", VARVE_MAX_OUTBOXES), NULL;
    struct outbox_draft *draft = calloc(1, sizeof(*draft));
    if (draft == NULL)
        return outbox_place_no_memory(place), NULL;
    memcpy(draft->config.name, name.data, name.size);
    draft->arena = outbox_arena_create(KEPT_BY_ARENA);
    if (draft->arena == NULL || !outbox_keys_set_defaults(draft, place)) {
        end_draft(draft);
        return outbox_place_no_memory(place), NULL;
    }
    configs->all[configs->count++] = &draft->config;
    return draft;
}

void outbox_configs_end(struct outbox_configs *configs)
{
    for (size_t i = 0; i < configs->count; i++)
        end_draft((struct outbox_draft *)configs->all[i]);
    configs->count = 0;
}

enum varve_status outbox_configs_add(struct outbox_configs *configs, const char *name, const char *brokers,
                                     struct varve_error *error)
{
    struct varve_error own;
    struct outbox_place place = { .origin = name, .key = "brokers", .error = error != NULL ? error : &own };
    struct outbox_draft *draft = outbox_draft_begin(configs, &place, varve_view_str(name));

    return draft != NULL && outbox_keys_set(draft, &place, brokers) ? VARVE_OK : place.error->status;
}
