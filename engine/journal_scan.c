/* journal_scan.c - reading the whole journal in order and judging it, changing nothing. */
#include "journal_scan.h"

#include "journal_segment.h"
#include "journal_window.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PIECE_BYTES (4u << 20) /* read at once */

struct scan {
    const struct scan_request *request;
    struct scan_result result;
    struct window window;
    struct varve_error *error;
    size_t index;             /* of the segment being read */
    bool known;               /* `result.last_hash` and `next_position` say how the log must go on; else: anywhere */
    uint64_t visited;         /* position of the last record handed over */
};

static const struct journal_options *options_of(const struct scan *scan)
{
    return scan->request->options;
}

static struct scan_segment *segment_of(struct scan *scan)
{
    return &scan->result.segments[scan->index];
}

/* Damage: the end of the scan, or noted and passed. Either way said with the place where it is. */
static enum varve_status damage(struct scan *scan, enum varve_status status, uint64_t number, uint64_t offset,
                                const char *format, ...) __attribute__((format(printf, 5, 6)));
static enum varve_status damage(struct scan *scan, enum varve_status status, uint64_t number, uint64_t offset,
                                const char *format, ...)
{
    char place[SEGMENT_PLACE_BYTES], what[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    segment_place(number, offset, place);
    if (scan->request->damage != NULL && scan->request->damage(scan->request->user, status, place, what))
        return VARVE_OK;
    return varve_fail(scan->error, status, NULL, "%s: %s", place, what);
}

static enum varve_status read_fault(struct scan *scan, int os_result)
{
    return segment_fail(scan->error, os_result, "read", segment_of(scan)->number);
}

/* Is there a frame at `offset`, whole and meant for this segment? *ret_frame lives until the window moves. */
static enum varve_status frame_at(struct scan *scan, uint64_t offset, bool *ret_found, struct frame_header *ret_header,
                                  const uint8_t **ret_frame)
{
    const struct scan_segment *segment = segment_of(scan);
    const uint8_t *bytes;

    *ret_found = false;
    if (offset + JOURNAL_BLOCK > segment->size)
        return VARVE_OK;
    int result = window_read(&scan->window, offset, FRAME_HEADER_BYTES, &bytes);
    if (result < 0)
        return read_fault(scan, result);
    if (result == 0 || !frame_parse(bytes, options_of(scan)->seed, segment->number, ret_header))
        return VARVE_OK;
    if (frame_file_bytes(ret_header->body_bytes) > segment->size - offset)
        return VARVE_OK;

    result = window_read(&scan->window, offset, (size_t)frame_file_bytes(ret_header->body_bytes), &bytes);
    if (result < 0)
        return read_fault(scan, result);
    if (result == 0)
        return VARVE_OK;
    *ret_found = frame_verify(bytes, ret_header, options_of(scan)->seed);
    *ret_frame = bytes;
    return VARVE_OK;
}

/* The next whole frame at or behind `offset`; *ret_offset is the segment's size when there is none. */
static enum varve_status find_frame(struct scan *scan, uint64_t offset, uint64_t *ret_offset)
{
    struct frame_header header;
    const uint8_t *frame;
    bool found = false;
    enum varve_status status = VARVE_OK;

    for (; offset < segment_of(scan)->size; offset += JOURNAL_BLOCK) {
        status = frame_at(scan, offset, &found, &header, &frame);
        if (status != VARVE_OK || found)
            break;
    }
    *ret_offset = found ? offset : segment_of(scan)->size;
    return status;
}

/* Does this frame follow what was read before? */
static enum varve_status check_order(struct scan *scan, uint64_t offset, const struct frame_header *header)
{
    uint64_t number = segment_of(scan)->number;

    if (scan->known && scan->result.frames > 0 && header->prev_hash != scan->result.last_hash)
        return damage(scan, VARVE_CORRUPT, number, offset,
                      "the frame does not follow the one before it: frames were lost between position %" PRIu64
                      " and position %" PRIu64, scan->result.next_position - 1, header->first_position);
    if (scan->known && scan->result.any && header->first_position != scan->result.next_position)
        return damage(scan, VARVE_CORRUPT, number, offset, "the frame begins with position %" PRIu64
                      " where %" PRIu64 " is due", header->first_position, scan->result.next_position);
    if (!scan->result.any && header->first_position > scan->request->settled_position + 1)
        return damage(scan, VARVE_CORRUPT, number, offset,
                      "the journal begins with position %" PRIu64 ", but the store has only settled up to %" PRIu64,
                      header->first_position, scan->request->settled_position);
    return VARVE_OK;
}

static enum varve_status deliver(struct scan *scan, const uint8_t *frame, const struct frame_header *header)
{
    uint32_t cursor = 0;

    for (uint32_t i = 0; i < header->count; i++) {
        uint32_t size;
        uint64_t position = header->first_position + i;
        const uint8_t *record = frame_next_record(frame + FRAME_HEADER_BYTES, &cursor, &size);
        if (position <= scan->request->settled_position || position <= scan->visited)
            continue;
        enum varve_status status = scan->request->visit(scan->request->user, record, size);
        if (status != VARVE_OK)
            return varve_fail(scan->error, status, NULL, "the record at position %" PRIu64 " was refused: %s", position,
                              varve_status_meaning(status));
        scan->visited = position;
    }
    return VARVE_OK;
}

/* Take a frame that verifies: its order, its records, and where the journal ends if nothing follows. */
static enum varve_status take_frame(struct scan *scan, uint64_t offset, const struct frame_header *header,
                                    const uint8_t *frame)
{
    struct scan_result *result = &scan->result;
    enum varve_status status = check_order(scan, offset, header);

    if (status == VARVE_OK)
        status = deliver(scan, frame, header);
    if (status != VARVE_OK)
        return status;

    uint64_t file_bytes = frame_file_bytes(header->body_bytes);
    result->any = true;
    result->unfinished_segment = 0; /* It was passed over, and the log went on. */
    result->current = scan->index;
    result->sealed = header->seal;
    result->offset = header->seal ? offset : offset + file_bytes;
    result->next_position = header->first_position + header->count;
    segment_of(scan)->last_position = result->next_position - 1;
    if (!header->seal) {
        result->frames++;
        result->last_segment = scan->index;
        result->last_offset = offset;
        result->last_file_bytes = file_bytes;
        result->last_hash = header->hash;
    }
    scan->known = true;
    return VARVE_OK;
}

/* Nothing whole follows: was something begun here? */
static enum varve_status note_unfinished(struct scan *scan, uint64_t offset)
{
    const uint8_t *bytes;
    int result = window_read(&scan->window, offset, FRAME_HEADER_BYTES, &bytes);

    if (result < 0)
        return read_fault(scan, result);
    if (result == 0 || !frame_is_begun(bytes, segment_of(scan)->number, scan->result.next_position))
        return VARVE_OK;
    scan->result.unfinished_segment = segment_of(scan)->number;
    scan->result.unfinished_offset = offset;
    return VARVE_OK;
}

static enum varve_status scan_frames(struct scan *scan)
{
    uint64_t offset = JOURNAL_BLOCK;
    enum varve_status status = VARVE_OK;

    while (status == VARVE_OK && offset < segment_of(scan)->size) {
        struct frame_header header;
        const uint8_t *frame;
        bool found;

        status = frame_at(scan, offset, &found, &header, &frame);
        if (status != VARVE_OK)
            break;
        if (found) {
            status = take_frame(scan, offset, &header, frame);
            offset += frame_file_bytes(header.body_bytes);
            continue;
        }
        uint64_t next;
        status = find_frame(scan, offset + JOURNAL_BLOCK, &next);
        if (status == VARVE_OK && next < segment_of(scan)->size) {
            status = damage(scan, VARVE_CORRUPT, segment_of(scan)->number, offset,
                            "the frame is damaged; a whole one follows at offset %" PRIu64, next);
            scan->known = false;
        } else if (status == VARVE_OK) {
            status = note_unfinished(scan, offset);
        }
        offset = next;
    }
    return status;
}

/* The header, and that the file is as long as it says. */
static enum varve_status check_file(struct scan *scan)
{
    struct scan_segment *segment = segment_of(scan);
    struct varve_error error = { .status = VARVE_CORRUPT, .message = "the file is shorter than a header" };
    const uint8_t *bytes;

    segment->size = options_of(scan)->segment_size_bytes; /* A guess, for a scan that goes on past a bad header. */
    int result = window_read(&scan->window, 0, JOURNAL_BLOCK, &bytes);
    if (result < 0)
        return read_fault(scan, result);
    if (result == 0 ||
        segment_parse_header(options_of(scan), segment->number, bytes, &segment->size, &error) != VARVE_OK) {
        scan->known = false;
        return damage(scan, error.status, segment->number, 0, "%s", error.message);
    }

    uint8_t last;
    ssize_t got = options_of(scan)->os->pread(options_of(scan)->os->self, scan->window.fd, &last, 1, segment->size - 1);
    if (got < 0)
        return read_fault(scan, (int)got);
    if (got == 0)
        return damage(scan, VARVE_CORRUPT, segment->number, 0, "the file is shorter than the %" PRIu32
                      " bytes its header says", segment->size);
    return VARVE_OK;
}

static enum varve_status scan_one(struct scan *scan)
{
    int fd;
    enum varve_status status = segment_open(options_of(scan), segment_of(scan)->number, true, &fd, scan->error);

    if (status != VARVE_OK)
        return status;
    window_reset(&scan->window, fd);
    status = check_file(scan);
    if (status == VARVE_OK)
        status = scan_frames(scan);
    options_of(scan)->os->close(options_of(scan)->os->self, fd);
    return status;
}

static enum varve_status scan_all(struct scan *scan)
{
    struct scan_result *result = &scan->result;
    enum varve_status status = VARVE_OK;

    for (scan->index = 0; scan->index < result->segment_count && status == VARVE_OK; scan->index++) {
        uint64_t number = segment_of(scan)->number;
        if (scan->index > 0) {
            segment_of(scan)->last_position = result->segments[scan->index - 1].last_position;
            if (number != result->segments[scan->index - 1].number + 1) {
                status = damage(scan, VARVE_CORRUPT, number - 1, 0, "the file is missing");
                scan->known = false;
            }
        }
        if (status == VARVE_OK)
            status = scan_one(scan);
    }
    return status;
}

/* The store has settled only what was synced here, and the newest of that is never recycled. */
static enum varve_status check_end(struct scan *scan)
{
    const struct scan_result *result = &scan->result;

    if (result->segment_count == 0 || result->next_position > scan->request->settled_position)
        return VARVE_OK;
    return damage(scan, VARVE_CORRUPT, result->segments[result->current].number, result->offset,
                  "the journal ends with position %" PRIu64 ", but the store has settled up to %" PRIu64,
                  result->next_position - 1, scan->request->settled_position);
}

enum varve_status scan_journal(const struct scan_request *request, struct scan_result *ret_result,
                               struct varve_error *error)
{
    uint64_t *numbers = NULL;
    struct scan scan = {
        .request = request,
        .result = { .offset = JOURNAL_BLOCK, .next_position = 1 },
        .window = { .os = request->options->os, .fd = -1, .piece = PIECE_BYTES },
        .error = error,
    };
    if (request->options->segment_size_bytes < PIECE_BYTES)
        scan.window.piece = request->options->segment_size_bytes;
    enum varve_status status = segment_list(request->options, &numbers, &scan.result.segment_count, error);

    if (status != VARVE_OK)
        return status;
    scan.result.segments = calloc(scan.result.segment_count + 1, sizeof(*scan.result.segments));
    if (scan.result.segments == NULL)
        status = varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for %zu journal files", scan.result.segment_count);
    for (size_t i = 0; i < scan.result.segment_count && status == VARVE_OK; i++)
        scan.result.segments[i].number = numbers[i];
    free(numbers);

    if (status == VARVE_OK)
        status = scan_all(&scan);
    if (status == VARVE_OK)
        status = check_end(&scan);
    window_free(&scan.window);
    if (status == VARVE_OK)
        *ret_result = scan.result;
    else
        scan_result_free(&scan.result);
    return status;
}

void scan_result_free(struct scan_result *result)
{
    free(result->segments);
    result->segments = NULL;
}
