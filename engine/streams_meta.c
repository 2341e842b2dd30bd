/* streams_meta.c - see streams_meta.h. */
#include "streams_meta.h"

#include "varve/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool streams_meta_target(struct varve_view stream, struct varve_view *ret_target)
{
    size_t prefix = strlen(STREAMS_META_PREFIX);

    if (stream.size <= prefix || memcmp(stream.data, STREAMS_META_PREFIX, prefix) != 0)
        return false;
    *ret_target = varve_view_of(stream.data + prefix, stream.size - prefix);
    return true;
}

size_t streams_meta_encode(const struct varve_stream_change *change, char ret_data[STREAMS_META_MAX_DATA])
{
    int size = 0;

    switch (change->kind) {
    case VARVE_STREAM_TRUNCATE:
        size = snprintf(ret_data, STREAMS_META_MAX_DATA, "{\"truncate_before\":%" PRIu64 "}", change->truncate_before);
        break;
    case VARVE_STREAM_RETENTION:
        size = snprintf(ret_data, STREAMS_META_MAX_DATA, "{\"max_count\":%" PRIu64 ",\"max_age_us\":%" PRId64 "}",
                        change->max_count, change->max_age_us);
        break;
    case VARVE_STREAM_DELETE:
        size = snprintf(ret_data, STREAMS_META_MAX_DATA, "{\"deleted\":true}");
        break;
    case VARVE_STREAM_TOMBSTONE:
        size = snprintf(ret_data, STREAMS_META_MAX_DATA, "{\"tombstoned\":true}");
        break;
    }
    return (size_t)size;
}

static void hide_all(struct stream_state *target)
{
    target->truncate_before = (uint64_t)(target->version + 1);
}

/* A whole number from 0 to 2^63 - 1, as we write them. */
static bool parse_number(struct varve_view text, uint64_t *ret_number)
{
    uint64_t number = 0;

    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(text.data[i] - '0'), &number))
            return false;
    }
    *ret_number = number;
    return number <= INT64_MAX;
}

static bool is_text(struct varve_view view, const char *text)
{
    return varve_view_equal(view, varve_view_str(text));
}

/* One member; false: damage. A member of a later version changes nothing here. */
static bool apply_member(struct varve_view key, struct varve_view value, struct stream_state *target)
{
    uint64_t number, most = (uint64_t)(target->version + 1);

    if (is_text(key, "deleted") || is_text(key, "tombstoned")) {
        hide_all(target);
        target->flags |= is_text(key, "deleted") ? STREAM_DELETED : STREAM_TOMBSTONED;
        return is_text(value, "true");
    }
    if (is_text(key, "truncate_before")) {
        if (!parse_number(value, &number))
            return false;
        number = number < most ? number : most;
        target->truncate_before = number > target->truncate_before ? number : target->truncate_before;
        return true;
    }
    if (is_text(key, "max_count"))
        return parse_number(value, &target->max_count);
    if (is_text(key, "max_age_us")) {
        bool sound = parse_number(value, &number);
        target->max_age_us = sound ? (int64_t)number : 0;
        return sound;
    }
    return true;
}

/* Reads in place: this runs where events are committed, and must not fail for want of memory. */
enum varve_status streams_meta_apply(struct varve_view data, struct stream_state *target)
{
    struct stream_state changed = *target;
    struct varve_view key, value;
    size_t cursor = 0, blanks = 0;

    if (!varve_json_check(data, NULL, NULL))
        return VARVE_CORRUPT;
    while (strchr(" \t\r\n", data.data[blanks]) != NULL)
        blanks++;
    if (data.data[blanks] != '{')
        return VARVE_CORRUPT;
    while (varve_json_next_member(data, &cursor, &key, &value))
        if (!apply_member(key, value, &changed))
            return VARVE_CORRUPT;
    *target = changed;
    return VARVE_OK;
}
