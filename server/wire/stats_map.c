/* stats_map.c - figures by name as a map: they come and go without a new version of the protocol. */
#include "stats_map.h"

#define LEAST_STAT_BYTES 3u /* a name of a byte, a value */

void pack_stats(struct pack *pack, const struct varve_stat *stats, size_t count)
{
    msgpack_pack_map(&pack->to, count);
    for (size_t i = 0; i < count; i++) {
        pack_str(pack, stats[i].name);
        if (stats[i].is_text)
            pack_str(pack, stats[i].text);
        else
            pack_uint(pack, stats[i].number);
    }
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

size_t fields_stats_skip(struct fields *fields)
{
    uint32_t pairs = varve_pull_map(&fields->pull);
    struct varve_stat stat;
    size_t kept = 0;

    if (pairs > (size_t)(fields->pull.end - fields->pull.at) / LEAST_STAT_BYTES)
        fields->pull.failed = true;
    fields->depth++;
    for (uint32_t i = 0; i < pairs && !fields->pull.failed; i++)
        kept += decode_stat(fields, &stat);
    fields->depth--;
    return kept;
}

/* Walked twice: first for how many there are, so that no memory is taken for what the bytes only claim. */
const struct varve_stat *fields_stats(struct fields *fields, struct varve_wire_arena *arena, size_t *ret_count)
{
    struct fields walk = *fields;
    size_t count = fields_stats_skip(&walk), kept = 0;

    fields->pull.failed = walk.pull.failed;
    struct varve_stat *stats = fields_take(fields, arena, count, sizeof(*stats));
    uint32_t pairs = varve_pull_map(&fields->pull);
    fields->depth++;
    for (uint32_t i = 0; i < pairs && !fields->pull.failed; i++) {
        struct varve_stat stat;

        if (decode_stat(fields, &stat))
            stats[kept++] = stat;
    }
    fields->depth--;
    *ret_count = kept;
    return stats;
}
