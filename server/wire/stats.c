/* stats.c - STATS: figures by name, so that they come and go without a new version of the protocol. */
#include "fields.h"
#include "pack.h"
#include "varve/uuid.h"

#include <stdio.h>
#include <string.h>

#define LEAST_STAT_BYTES 3u /* a name of a byte, a value */
#define TEXT_ROOM 64u

void varve_encode_stats(struct varve_wire_buffer *out, uint32_t request_id)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_STATS, request_id);
    pack_array(&pack, 0);
    pack_end(&pack);
}

void varve_encode_stats_ok(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_stat *stats,
                           size_t count)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_STATS_OK, request_id);
    pack_array(&pack, 1);
    msgpack_pack_map(&pack.to, count);
    for (size_t i = 0; i < count; i++) {
        pack_str(&pack, stats[i].name);
        if (stats[i].is_text)
            pack_str(&pack, stats[i].text);
        else
            pack_uint(&pack, stats[i].number);
    }
    pack_end(&pack);
}

/* False for a value that is neither text nor a count: one of a later version, which is skipped. */
static bool decode_stat(struct fields *fields, struct varve_stat *stat)
{
    *stat = (struct varve_stat){ .name = varve_pull_str(&fields->pull) };
    if (stat->name.size == 0) /* Whether there is room for so many pairs was judged by names of a byte. */
        fields->pull.failed = true;

    enum varve_pull_kind kind = varve_pull_peek(&fields->pull);
    struct varve_pull before = fields->pull;

    if (kind == VARVE_PULL_STR) {
        stat->is_text = true;
        stat->text = varve_pull_str(&fields->pull);
        return true;
    }
    if (kind == VARVE_PULL_INT) {
        stat->number = varve_pull_uint(&fields->pull, UINT64_MAX);
        if (!fields->pull.failed)
            return true;
        fields->pull = before;
    }
    fields_skip(fields);
    return false;
}

static const struct varve_stat *decode_map(struct fields *fields, struct varve_wire_arena *arena, size_t *ret_count)
{
    uint32_t pairs = varve_pull_map(&fields->pull);
    size_t kept = 0;

    if (pairs > (size_t)(fields->pull.end - fields->pull.at) / LEAST_STAT_BYTES)
        fields->pull.failed = true;

    struct varve_stat *stats = fields_take(fields, arena, pairs, sizeof(*stats));

    fields->depth++;
    for (uint32_t i = 0; i < pairs && !fields->pull.failed; i++) {
        if (decode_stat(fields, &stats[kept]))
            kept++;
    }
    fields->depth--;
    *ret_count = kept;
    return stats;
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
    const struct varve_stat *stats = decode_map(&fields, arena, &count);

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
