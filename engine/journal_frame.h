/* journal_frame.h - one frame of the journal as bytes, in memory. Layout in docs/disk-format.md.
 *
 *   0 magic  8 hash  16 header hash  24 format, flags, count  32 segment  40 first position  48 previous hash
 *   56 body bytes  60 zero  64 body: for each record u32 size, bytes      all little-endian
 *
 * `hash` (XXH3-64, seeded) covers everything from byte 16 to the end of the body. The header has a hash of its own, so
 * that bytes a client chose, which happen to look like a header, cost no reading of the body they claim. */
#ifndef ENGINE_JOURNAL_FRAME_H
#define ENGINE_JOURNAL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_BLOCK 4096u /* frames and segment headers begin at multiples of it */
#define FRAME_HEADER_BYTES 64u

struct frame_header {
    uint64_t hash;
    uint64_t segment;        /* number of the segment it was written to */
    uint64_t first_position; /* a seal: that of the record which comes next */
    uint64_t prev_hash;      /* of the last frame with records; 0 when there was none */
    uint32_t count;
    uint32_t body_bytes;
    bool seal;
};

/* How many bytes of its file a frame takes. */
static inline uint64_t frame_file_bytes(uint64_t body_bytes)
{
    return (FRAME_HEADER_BYTES + body_bytes + JOURNAL_BLOCK - 1) / JOURNAL_BLOCK * JOURNAL_BLOCK;
}

/* Write the header before a finished body; `header->hash` is not looked at. Returns the hash. */
uint64_t frame_finish(uint8_t *frame, const struct frame_header *header, uint64_t seed);

/* The header alone: true when it was written whole, with this seed, for this segment. */
bool frame_parse(const uint8_t bytes[FRAME_HEADER_BYTES], uint64_t seed, uint64_t segment,
                 struct frame_header *ret_header);

/* Does a frame seem to begin here that was meant for this segment, or for this position, even if its header does not
 * verify? What lies in a segment that is used again is of neither. */
bool frame_is_begun(const uint8_t bytes[FRAME_HEADER_BYTES], uint64_t segment, uint64_t first_position);

/* Header parsed before, body read: true when all of it is what was written and the records' sizes add up. */
bool frame_verify(const uint8_t *frame, const struct frame_header *header, uint64_t seed);

/* The record behind *cursor (begin with 0) of a verified body. */
const uint8_t *frame_next_record(const uint8_t *body, uint32_t *cursor, uint32_t *ret_size);

#endif
