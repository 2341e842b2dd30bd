/* snapshot_cursor.c - see snapshot_cursor.h. */
#include "snapshot_cursor.h"

void snapshot_cursor_begin(struct snapshot_cursor *cursor, struct state_source *source, struct varve_view prefix,
                           struct varve_view after)
{
    *cursor = (struct snapshot_cursor){ .source = source, .prefix = prefix, .after_version = INT64_MAX };
    text_add(&cursor->after_stream, after);
    if (after.size == 0)
        cursor->after_version = -1;
}

void snapshot_cursor_end(struct snapshot_cursor *cursor)
{
    text_free(&cursor->after_stream);
}

static enum varve_status next_page(struct snapshot_cursor *cursor, struct varve_error *error)
{
    const struct varve_snapshot_list_request request = {
        .prefix = cursor->prefix, .after_stream = text_view(&cursor->after_stream),
        .after_version = cursor->after_version, .limit = VARVE_SNAPSHOT_MAX_LIST,
    };

    cursor->at = cursor->count = 0;
    enum varve_status status = cursor->source->call->list(cursor->source, &request, &cursor->page, &cursor->count,
                                                          &cursor->end, error);
    if (status != VARVE_OK || cursor->count == 0)
        return status;
    const struct varve_snapshot *last = &cursor->page[cursor->count - 1];
    text_clear(&cursor->after_stream);
    text_add(&cursor->after_stream, last->stream);
    cursor->after_version = last->version;
    return VARVE_OK;
}

enum varve_status snapshot_cursor_peek(struct snapshot_cursor *cursor, const struct varve_snapshot **ret_snapshot,
                                       struct varve_error *error)
{
    while (cursor->at == cursor->count && !cursor->end) {
        enum varve_status status = next_page(cursor, error);
        if (status != VARVE_OK)
            return status;
    }
    *ret_snapshot = cursor->at < cursor->count ? &cursor->page[cursor->at] : NULL;
    return VARVE_OK;
}

enum varve_status snapshot_cursor_next(struct snapshot_cursor *cursor, const struct varve_snapshot **ret_snapshot,
                                       struct varve_error *error)
{
    enum varve_status status = snapshot_cursor_peek(cursor, ret_snapshot, error);

    if (status == VARVE_OK && *ret_snapshot != NULL)
        cursor->at++;
    return status;
}
