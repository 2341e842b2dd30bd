/* record.h - one event as bytes: the same bytes in the journal, in the store and on the wire.
 *
 * A msgpack array of 18 elements, so every language can read it. The first four values have a fixed width, so the
 * committer writes them in place when it knows them; the last is XXH3-64 of all bytes before it (seed 0), made once and
 * verified at every read, by clients too. Byte by byte in docs/disk-format.md.
 *
 *   offset 0   dc 00 12        array of 18
 *          3   01              [0] format of the record
 *          4   cf + 8 bytes    [1] position
 *         13   cf + 8 bytes    [2] version
 *         22   cf + 8 bytes    [3] recorded_at, us
 *         31   c4 10 + 16      [4] id
 *         49   da + 2 + n      [5] stream    (always str 16)
 *         ..   d9 + 1 + n      [6] type      (always str 8)
 *         ..                   [7] class  [8] schema_version  [9] time|nil  [10] correlation_id|nil
 *                              [11] causation_id|nil  [12] source|nil  [13] user_id|nil  [14] content_type
 *                              [15] metadata (bin)|nil  [16] data (bin)
 *     size-9   cf + 8 bytes    [17] checksum */
#ifndef VARVE_RECORD_H
#define VARVE_RECORD_H

#include "varve/event.h"

#define VARVE_RECORD_FORMAT 1
#define VARVE_RECORD_PREFIX 49u   /* bytes before the stream's name: what is assigned at commit, then the id */
#define VARVE_RECORD_CONTENT 31u  /* from here to the checksum: what the client chose; equal for a replay */
#define VARVE_RECORD_CHECKSUM 9u  /* bytes at the end */
#define VARVE_RECORD_MAX_OVERHEAD 2048u /* an event's record is at most data + metadata + this */

/* The exact size of the record varve_record_encode() will write. */
size_t varve_record_size(const struct varve_event *event);

/* Encode into `bytes`, which has room for varve_record_size(). The event must have passed varve_check_event().
 * Position, version, recorded_at are those of the event; the checksum is valid. Returns the size. */
size_t varve_record_encode(const struct varve_event *event, uint8_t *bytes);

/* Write position, version and recorded_at in place and make the checksum anew. */
void varve_record_assign(uint8_t *record, size_t size, uint64_t position, uint64_t version, int64_t recorded_at_us);

/* Structure and checksum in one pass. VARVE_CORRUPT when either is wrong, *ret_event then untouched. All views point
 * into `bytes`. Trailing bytes are corrupt: `size` is the record's own. */
enum varve_status varve_record_decode(const void *bytes, size_t size, struct varve_event *ret_event);

/* The checksum alone (about 26 ns for 320 bytes). */
bool varve_record_verify(const void *bytes, size_t size);

/* For a record that was verified before: single fields without decoding the rest. */
uint64_t varve_record_position(const uint8_t *record);
uint64_t varve_record_version(const uint8_t *record);
int64_t varve_record_recorded_at(const uint8_t *record);
struct varve_uuid varve_record_id(const uint8_t *record);
struct varve_view varve_record_stream(const uint8_t *record);
struct varve_view varve_record_type(const uint8_t *record);
enum varve_class varve_record_class(const uint8_t *record);
struct varve_uuid varve_record_correlation_id(const uint8_t *record); /* nil: none */

#endif
