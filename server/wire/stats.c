/* stats.c - STATS: figures by name, so that they come and go without a new version of the protocol. */
#include "stats_map.h"
#include "varve/uuid.h"

#include <stdio.h>
#include <string.h>

#define TEXT_ROOM 64u

void varve_encode_stats(struct varve_wire_buffer *out, uint32_t request_id)
{
    pack_empty(out, VARVE_OP_STATS, request_id);
}

void varve_encode_stats_ok(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_stat *stats,
                           size_t count)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_STATS_OK, request_id);
    pack_array(&pack, 1);
    pack_stats(&pack, stats, count);
    pack_end(&pack);
}

enum varve_status varve_decode_stats_ok(struct varve_view body, struct varve_wire_arena *arena,
                                        const struct varve_stat **ret_stats, size_t *ret_count,
                                        struct varve_error *error)
{
    struct fields fields;
    size_t count;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "STATS_OK", body, error);
    uint32_t unknown = fields_open(&fields, 1);
    const struct varve_stat *stats = fields_stats(&fields, arena, &count);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret_stats = stats;
    *ret_count = count;
    return VARVE_OK;
}

static void format_indexes(unsigned indexes, char *text, size_t room)
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {
        { VARVE_INDEX_TYPE, "type" },
        { VARVE_INDEX_CATEGORY, "category" },
        { VARVE_INDEX_CORRELATION, "correlation" },
        { VARVE_INDEX_ID, "id" },
    };
    size_t size = 0;

    text[0] = '\0';
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (indexes & names[i].bit)
            size += (size_t)snprintf(text + size, room - size, "%s%s", size == 0 ? "" : ",", names[i].name);
    }
}

size_t varve_stats_list(const struct varve_stats *stats, char text[2 * 64], struct varve_stat *ret, size_t room)
{
    char *id = text, *indexes = text + TEXT_ROOM;

    varve_uuid_format(&stats->database_id, id);
    format_indexes(stats->indexes, indexes, TEXT_ROOM);

#define NUMBER(member) { .name = varve_view_of(#member, sizeof(#member) - 1), .number = (uint64_t)stats->member }
#define TEXT(member, value) \
    { .name = varve_view_of(#member, sizeof(#member) - 1), .is_text = true, .text = varve_view_str(value) }
    const struct varve_stat list[] = {
        TEXT(database_id, id),
        NUMBER(created_at_us),
        TEXT(indexes, indexes),
        NUMBER(last_position),
        NUMBER(settled_position),
        NUMBER(stream_count),
        NUMBER(system_stream_count),
        NUMBER(journal_bytes),
        NUMBER(journal_segments),
        NUMBER(store_bytes),
        NUMBER(tail_bytes),
        NUMBER(tail_events),
        NUMBER(queue_bytes),
        NUMBER(queue_appends),
        NUMBER(disk_free_bytes),
        NUMBER(appends),
        NUMBER(append_conflicts),
        NUMBER(append_replays),
        NUMBER(groups),
        NUMBER(events_appended),
        NUMBER(settles),
        NUMBER(settle_us),
        NUMBER(commit_waits_us),
        NUMBER(open_us),
        NUMBER(recovered_events),
        NUMBER(memory_bound_bytes),
        NUMBER(disk_full),
    };
#undef NUMBER
#undef TEXT
    size_t count = sizeof(list) / sizeof(list[0]);

    if (count > room)
        count = room;
    memcpy(ret, list, count * sizeof(list[0]));
    return count;
}
