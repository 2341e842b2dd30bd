/* outbox.c - OUTBOX_LIST and OUTBOX_VERIFY: how outboxes are, in figures. */
#include "outbox_name.h"
#include "stats_map.h"
#include "varve/wire_outbox.h"

#define LEAST_ENTRY_BYTES 3u /* an array, a name without a byte, a map without a pair */

void varve_encode_outbox_list(struct varve_wire_buffer *out, uint32_t request_id, struct varve_view name)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_OUTBOX_LIST, request_id);
    pack_array(&pack, 1);
    pack_str_or_nil(&pack, name);
    pack_end(&pack);
}

enum varve_status varve_decode_outbox_list(struct varve_view body, struct varve_view *ret_name,
                                           struct varve_error *error)
{
    struct fields fields;

    fields_begin(&fields, "OUTBOX_LIST", body, error);
    uint32_t unknown = fields_open(&fields, 1);
    struct varve_view name = fields_outbox_or_nil(&fields);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret_name = name;
    return status;
}

void varve_encode_outbox_list_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                 const struct varve_outbox_entry *entries, size_t count)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_OUTBOX_LIST_OK, request_id);
    pack_array(&pack, 1);
    pack_array(&pack, count);
    for (size_t i = 0; i < count; i++) {
        pack_array(&pack, 2);
        pack_str(&pack, entries[i].name);
        pack_stats(&pack, entries[i].figures, entries[i].figure_count);
    }
    pack_end(&pack);
}

/* Entries and their figures take more of the arena together than each for itself, if the bytes were only to claim
 * them: so first of all, are they there? */
static void check_entries(const struct fields *fields, uint32_t count, bool *failed)
{
    struct fields walk = *fields;

    for (uint32_t i = 0; i < count && !walk.pull.failed; i++) {
        uint32_t unknown = fields_open(&walk, 2);

        varve_pull_str(&walk.pull);
        fields_stats_skip(&walk);
        fields_close(&walk, unknown);
    }
    *failed |= walk.pull.failed;
}

static void decode_entry(struct fields *fields, struct varve_wire_arena *arena, struct varve_outbox_entry *entry)
{
    uint32_t unknown = fields_open(fields, 2);

    entry->name = varve_pull_str(&fields->pull);
    entry->figures = fields_stats(fields, arena, &entry->figure_count);
    fields_close(fields, unknown);
}

enum varve_status varve_decode_outbox_list_ok(struct varve_view body, struct varve_wire_arena *arena,
                                              const struct varve_outbox_entry **ret_entries, size_t *ret_count,
                                              struct varve_error *error)
{
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "OUTBOX_LIST_OK", body, error);
    uint32_t unknown = fields_open(&fields, 1);
    uint32_t count = fields_list(&fields, "outboxes", LEAST_ENTRY_BYTES);

    check_entries(&fields, count, &fields.pull.failed);
    struct varve_outbox_entry *entries = fields_take(&fields, arena, count, sizeof(*entries));

    for (uint32_t i = 0; i < count && !fields.pull.failed; i++) {
        fields.index = i;
        decode_entry(&fields, arena, &entries[i]);
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

void varve_encode_outbox_verify(struct varve_wire_buffer *out, uint32_t request_id, struct varve_view name,
                                uint64_t depth)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_OUTBOX_VERIFY, request_id);
    pack_array(&pack, 2);
    pack_str(&pack, name);
    pack_uint(&pack, depth);
    pack_end(&pack);
}

enum varve_status varve_decode_outbox_verify(struct varve_view body, struct varve_view *ret_name, uint64_t *ret_depth,
                                             struct varve_error *error)
{
    struct fields fields;

    fields_begin(&fields, "OUTBOX_VERIFY", body, error);
    uint32_t unknown = fields_open(&fields, 2);
    struct varve_view name = fields_outbox(&fields);
    uint64_t depth = fields_uint(&fields, "depth", 0, UINT64_MAX);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret_name = name;
    *ret_depth = depth;
    return VARVE_OK;
}

void varve_encode_outbox_verify_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                   const struct varve_stat *figures, size_t count)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_OUTBOX_VERIFY_OK, request_id);
    pack_array(&pack, 1);
    pack_stats(&pack, figures, count);
    pack_end(&pack);
}

enum varve_status varve_decode_outbox_verify_ok(struct varve_view body, struct varve_wire_arena *arena,
                                                const struct varve_stat **ret_figures, size_t *ret_count,
                                                struct varve_error *error)
{
    struct fields fields;
    size_t count;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "OUTBOX_VERIFY_OK", body, error);
    uint32_t unknown = fields_open(&fields, 1);
    const struct varve_stat *figures = fields_stats(&fields, arena, &count);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret_figures = figures;
    *ret_count = count;
    return VARVE_OK;
}
