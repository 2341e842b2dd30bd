/* walk.c - see walk.h. */
#include "tests/crash/walk.h"

#include "tests/crash/common.h"

#include <stdlib.h>
#include <string.h>

void walk_init(struct walk *walk, const struct trace *trace)
{
    *walk = (struct walk){ .trace = trace };
    image_init(&walk->image);
}

void walk_free(struct walk *walk)
{
    image_free(&walk->image);
    free(walk->marks);
}

static void take_in(struct walk *walk)
{
    const struct trace_entry *entry = &walk->trace->entries[walk->at++];

    image_apply(&walk->image, entry);
    if (entry->op.kind == TRACE_MARK) {
        if (entry->op.data_bytes != sizeof(struct plan_mark))
            die("a mark of %u bytes", entry->op.data_bytes);
        walk->marks = grown(walk->marks, walk->mark_count, &walk->mark_room, sizeof(*walk->marks));
        memcpy(&walk->marks[walk->mark_count++], entry->data, sizeof(*walk->marks));
    }
    if (entry->op.kind != TRACE_SYNC_BEGIN && entry->op.kind != TRACE_SYNC_END && entry->op.kind != TRACE_SESSION &&
        (entry->op.kind != TRACE_OPEN || (entry->op.flags & (TRACE_CREATED | TRACE_TRUNCATED)) != 0))
        walk->fresh = true;
}

bool walk_next(struct walk *walk)
{
    if (image_in_flight(&walk->image))
        image_land(&walk->image);
    while (walk->at < walk->trace->count) {
        if (walk->fresh && walk->trace->entries[walk->at].op.kind == TRACE_SYNC_END) {
            walk->fresh = false;
            return true;
        }
        take_in(walk);
        if (image_in_flight(&walk->image)) {
            walk->fresh = false;
            return true;
        }
    }
    bool last = !walk->finished;
    walk->finished = true;
    return last;
}
