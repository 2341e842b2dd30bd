/* snapshot_cursor.h - all snapshots of streams with a prefix, by stream, then version, asked for page by page. */
#ifndef TOOLS_SNAPSHOT_CURSOR_H
#define TOOLS_SNAPSHOT_CURSOR_H

#include "text.h"
#include "state_source.h"

struct snapshot_cursor {
    struct state_source *source; /* lists no other snapshots while the cursor is used */
    struct varve_view prefix;    /* the caller's */
    const struct varve_snapshot *page;
    size_t count, at;
    bool end;                    /* no page follows */
    struct text after_stream;    /* of the last one handed out */
    int64_t after_version;
};

/* Behind all snapshots of `after` (empty: from the first). */
void snapshot_cursor_begin(struct snapshot_cursor *cursor, struct state_source *source, struct varve_view prefix,
                           struct varve_view after);
void snapshot_cursor_end(struct snapshot_cursor *cursor);
/* The next, which lives until the call after it; NULL: there is none. _peek leaves it the next. */
enum varve_status snapshot_cursor_peek(struct snapshot_cursor *cursor, const struct varve_snapshot **ret_snapshot,
                                       struct varve_error *error);
enum varve_status snapshot_cursor_next(struct snapshot_cursor *cursor, const struct varve_snapshot **ret_snapshot,
                                       struct varve_error *error);

#endif
