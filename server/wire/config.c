/* config.c - CONFIG: keys by name, so that they come and go without a new version of the protocol. */
#include "fields.h"
#include "pack.h"
#include "varve/wire_config.h"

#define LEAST_ENTRY_BYTES 5u /* an array, three texts without a byte, a bool */

void varve_encode_config(struct varve_wire_buffer *out, uint32_t request_id)
{
    pack_empty(out, VARVE_OP_CONFIG, request_id);
}

void varve_encode_config_ok(struct varve_wire_buffer *out, uint32_t request_id,
                            const struct varve_config_entry *entries, size_t count)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_CONFIG_OK, request_id);
    pack_array(&pack, 1);
    pack_array(&pack, count);
    for (size_t i = 0; i < count; i++) {
        pack_array(&pack, 4);
        pack_str(&pack, entries[i].key);
        pack_str(&pack, entries[i].value);
        pack_str(&pack, entries[i].origin);
        pack_bool(&pack, entries[i].reloadable);
    }
    pack_end(&pack);
}

static void decode_entry(struct fields *fields, struct varve_config_entry *entry)
{
    uint32_t unknown = fields_open(fields, 4);

    entry->key = varve_pull_str(&fields->pull);
    entry->value = varve_pull_str(&fields->pull);
    entry->origin = varve_pull_str(&fields->pull);
    entry->reloadable = varve_pull_bool(&fields->pull);
    fields_close(fields, unknown);
}

enum varve_status varve_decode_config_ok(struct varve_view body, struct varve_wire_arena *arena,
                                         const struct varve_config_entry **ret_entries, size_t *ret_count,
                                         struct varve_error *error)
{
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "CONFIG_OK", body, error);
    uint32_t unknown = fields_open(&fields, 1), count = fields_list(&fields, "entries", LEAST_ENTRY_BYTES);
    struct varve_config_entry *entries = fields_take(&fields, arena, count, sizeof(*entries));

    for (uint32_t i = 0; i < count && !fields.pull.failed; i++) {
        fields.index = i;
        decode_entry(&fields, &entries[i]);
    }
    fields_list_end(&fields);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret_entries = entries;
    *ret_count = count;
    return VARVE_OK;
}
