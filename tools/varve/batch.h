/* batch.h - the lines of an import that are appended together, all or nothing.
 *
 * One append carries the events of many streams in the order of the lines, so the log gets the order of the file. */
#ifndef TOOLS_BATCH_H
#define TOOLS_BATCH_H

#include "lines.h"
#include "memory.h"
#include "varve/store.h"
#include "varve/wire.h"

#define BATCH_EVENTS 1000u
#define BATCH_BYTES (1u << 20) /* of records; a single larger event goes alone */

/* What carries over from batch to batch of one file. */
struct batch_source {
    struct lines lines;
    uint8_t chain[16];         /* a hash of all lines so far: makes the ids of lines that have none */
    uint32_t max_event_bytes;
    uint64_t system_events;    /* lines of `$` streams, left out */
    bool over;                 /* no more lines */
};

struct batch {
    struct scratch scratch;        /* the lines' bytes */
    struct varve_wire_arena *arena; /* what was decoded from them */
    struct varve_event events[BATCH_EVENTS];
    size_t count;
    uint64_t first_line, last_line;
    uint64_t end_bytes;        /* of the file, behind the last line */

    /* What is to be sent: the events that are not in the store. */
    struct varve_event missing[BATCH_EVENTS];
    uint32_t stream_of[BATCH_EVENTS];
    struct varve_append_stream streams[BATCH_EVENTS];
    size_t missing_count, stream_count;
};

/* Take lines until the batch is full or the file is over. Every line is checked. INVALID_ARGUMENT: error->message is
 * `line N: reason`; the batch then holds the lines before. */
enum varve_status batch_fill(struct batch *batch, struct batch_source *source, struct varve_error *error);

/* Choose what to send: events whose position is 0, each id once. `positions` may be NULL: none is known. */
void batch_choose(struct batch *batch, const uint64_t *positions);
struct varve_append_request batch_request(const struct batch *batch);
void batch_free(struct batch *batch); /* NULL allowed */

#endif
