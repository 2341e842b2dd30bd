/* outbox_checkpoint.c - records and keys of the checkpoint topic, and what a checkpoint that was found means.
 *
 *   checkpoint   0 "VKCK"  4 format  8 database id  24 position  32 its event's sum  40 owner  56 generation
 *                64 time  72 zeros  88 sum
 *   progress     0 "VKPR"  4 format  8 number  16 position  24 sum
 *
 * Numbers in network byte order. The sum is XXH3-64 over all before it and ends the record in every format, so that a
 * damaged record is never taken for one of a later version. */
#include "outbox_checkpoint.h"

#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "varve/uuid.h"

enum { HEAD_BYTES = 8, SUM_BYTES = 8, FORMAT = 1 };

static const char checkpoint_mark[4] = "VKCK", progress_mark[4] = "VKPR";

/* ---- records ---------------------------------------------------------------------------------------------------- */

static void store_u32(uint8_t *at, uint32_t value)
{
    value = htobe32(value);
    memcpy(at, &value, sizeof(value));
}

static void store_u64(uint8_t *at, uint64_t value)
{
    value = htobe64(value);
    memcpy(at, &value, sizeof(value));
}

static uint32_t load_u32(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    return be32toh(value);
}

static uint64_t load_u64(const uint8_t *at)
{
    uint64_t value;

    memcpy(&value, at, sizeof(value));
    return be64toh(value);
}

static void begin(uint8_t *record, size_t size, const char mark[4])
{
    memset(record, 0, size);
    memcpy(record, mark, sizeof(checkpoint_mark));
    store_u32(record + 4, FORMAT);
}

static void seal(uint8_t *record, size_t size)
{
    store_u64(record + size - SUM_BYTES, XXH3_64bits(record, size - SUM_BYTES));
}

/* `size` is what a record of our format has; what is of a later one may have any. */
static enum varve_status open_record(struct varve_view value, const char mark[4], size_t size, const char *what,
                                     struct varve_error *error)
{
    const uint8_t *record = (const uint8_t *)value.data;

    if (value.size < HEAD_BYTES + SUM_BYTES || memcmp(record, mark, sizeof(checkpoint_mark)) != 0)
        return varve_fail(error, VARVE_CORRUPT, NULL, "the %zu bytes are not %s", value.size, what);
    if (load_u64(record + value.size - SUM_BYTES) != XXH3_64bits(record, value.size - SUM_BYTES))
        return varve_fail(error, VARVE_CORRUPT, NULL, "%s is damaged: its sum is not that of its bytes", what);
    if (load_u32(record + 4) > FORMAT)
        return varve_fail(error, VARVE_NEWER_FORMAT, NULL, "%s has format %u; this version knows %u", what,
                          (unsigned)load_u32(record + 4), (unsigned)FORMAT);
    if (load_u32(record + 4) != FORMAT || value.size != size)
        return varve_fail(error, VARVE_CORRUPT, NULL, "%s has %zu bytes; %zu were expected", what, value.size, size);
    return VARVE_OK;
}

void outbox_checkpoint_encode(const struct outbox_checkpoint *checkpoint, uint8_t ret[OUTBOX_CHECKPOINT_BYTES])
{
    begin(ret, OUTBOX_CHECKPOINT_BYTES, checkpoint_mark);
    memcpy(ret + 8, checkpoint->database_id.bytes, 16);
    store_u64(ret + 24, checkpoint->position);
    store_u64(ret + 32, checkpoint->position_sum);
    memcpy(ret + 40, checkpoint->owner.bytes, 16);
    store_u64(ret + 56, checkpoint->generation);
    store_u64(ret + 64, (uint64_t)checkpoint->written_at_us);
    seal(ret, OUTBOX_CHECKPOINT_BYTES);
}

enum varve_status outbox_checkpoint_decode(struct varve_view value, struct outbox_checkpoint *ret,
                                           struct varve_error *error)
{
    const uint8_t *record = (const uint8_t *)value.data;
    enum varve_status status = open_record(value, checkpoint_mark, OUTBOX_CHECKPOINT_BYTES, "a checkpoint", error);

    if (status != VARVE_OK)
        return status;
    memcpy(ret->database_id.bytes, record + 8, 16);
    ret->position = load_u64(record + 24);
    ret->position_sum = load_u64(record + 32);
    memcpy(ret->owner.bytes, record + 40, 16);
    ret->generation = load_u64(record + 56);
    ret->written_at_us = (int64_t)load_u64(record + 64);
    return VARVE_OK;
}

void outbox_progress_encode(const struct outbox_progress *progress, uint8_t ret[OUTBOX_PROGRESS_BYTES])
{
    begin(ret, OUTBOX_PROGRESS_BYTES, progress_mark);
    store_u64(ret + 8, progress->number);
    store_u64(ret + 16, progress->position);
    seal(ret, OUTBOX_PROGRESS_BYTES);
}

enum varve_status outbox_progress_decode(struct varve_view value, struct outbox_progress *ret,
                                         struct varve_error *error)
{
    const uint8_t *record = (const uint8_t *)value.data;
    enum varve_status status = open_record(value, progress_mark, OUTBOX_PROGRESS_BYTES, "a note of progress", error);

    if (status != VARVE_OK)
        return status;
    ret->number = load_u64(record + 8);
    ret->position = load_u64(record + 16);
    return VARVE_OK;
}

/* ---- keys ------------------------------------------------------------------------------------------------------- */

/* No name of an outbox has a '/', so a key is read in one way only. */
static const char *const prefixes[] = {
    [OUTBOX_NOTE_CHECKPOINT] = "ck/", [OUTBOX_NOTE_PARKED] = "pk/", [OUTBOX_NOTE_REPLAY] = "rp/",
};

struct varve_view outbox_note_key(enum outbox_note_kind kind, const char *name, struct varve_view stream,
                                  char ret[OUTBOX_MAX_NOTE_KEY])
{
    size_t size = strlen(name);

    assert(kind != OUTBOX_NOTE_OTHER && size <= VARVE_MAX_OUTBOX_NAME);
    memcpy(ret, prefixes[kind], 3);
    memcpy(ret + 3, name, size);
    size += 3;
    if (kind == OUTBOX_NOTE_PARKED) {
        assert(stream.size > 0 && stream.size <= VARVE_MAX_SYSTEM_STREAM_NAME);
        ret[size++] = '/';
        memcpy(ret + size, stream.data, stream.size);
        size += stream.size;
    }
    return varve_view_of(ret, size);
}

enum outbox_note_kind outbox_note_parse(struct varve_view key, const char *name, struct varve_view *ret_stream)
{
    size_t before = 3 + strlen(name); /* the stream, or its '/' */

    *ret_stream = (struct varve_view){ NULL, 0 };
    if (key.size < before || memcmp(key.data + 3, name, before - 3) != 0)
        return OUTBOX_NOTE_OTHER;
    if (memcmp(key.data, prefixes[OUTBOX_NOTE_PARKED], 3) == 0) {
        if (key.size <= before + 1 || key.data[before] != '/' || key.size - before - 1 > VARVE_MAX_SYSTEM_STREAM_NAME)
            return OUTBOX_NOTE_OTHER;
        *ret_stream = varve_view_of(key.data + before + 1, key.size - before - 1);
        return OUTBOX_NOTE_PARKED;
    }
    if (key.size != before)
        return OUTBOX_NOTE_OTHER;
    if (memcmp(key.data, prefixes[OUTBOX_NOTE_CHECKPOINT], 3) == 0)
        return OUTBOX_NOTE_CHECKPOINT;
    return memcmp(key.data, prefixes[OUTBOX_NOTE_REPLAY], 3) == 0 ? OUTBOX_NOTE_REPLAY : OUTBOX_NOTE_OTHER;
}

/* ---- judgement -------------------------------------------------------------------------------------------------- */

/* Where an outbox begins that never was anywhere. A first position beyond the end is the end: what comes next is
 * published, and no checkpoint claims what the log does not have. */
static uint64_t beginning(const struct outbox_judgement *judgement)
{
    uint64_t before = judgement->start_from == 0 ? 0 : judgement->start_from - 1;

    return before < judgement->head ? before : judgement->head;
}

static enum varve_outbox_halt judge_missing(const struct outbox_judgement *judgement, uint64_t *ret_position, char *why,
                                            size_t why_room)
{
    if (judgement->hint > 0 && !judgement->is_mock) {
        snprintf(why, why_room, "Kafka has no checkpoint, but the log remembers one at position %llu",
                 (unsigned long long)judgement->hint);
        return VARVE_HALT_CHECKPOINT_MISSING;
    }
    *ret_position = judgement->hint > 0 ? judgement->hint : beginning(judgement);
    return VARVE_HALT_NONE;
}

static enum varve_outbox_halt diverged(const struct outbox_judgement *judgement, char *why, size_t why_room)
{
    const struct outbox_checkpoint *found = judgement->found;
    char id[VARVE_UUID_TEXT];

    varve_uuid_format(&found->database_id, id);
    if (memcmp(&found->database_id, &judgement->database_id, sizeof(found->database_id)) != 0)
        snprintf(why, why_room, "the checkpoint in Kafka is of another database, %s", id);
    else if (found->position > judgement->head)
        snprintf(why, why_room, "the checkpoint in Kafka is at position %llu, but the log ends at %llu",
                 (unsigned long long)found->position, (unsigned long long)judgement->head);
    else if (found->position > 0 && found->position_sum != judgement->sum)
        snprintf(why, why_room, "the event at position %llu is not the one that the checkpoint in Kafka was made of",
                 (unsigned long long)found->position);
    else
        return VARVE_HALT_NONE;
    return VARVE_HALT_DIVERGED;
}

enum varve_outbox_halt outbox_checkpoint_judge(const struct outbox_judgement *judgement, uint64_t *ret_position,
                                               char *why, size_t why_room)
{
    const struct outbox_checkpoint *found = judgement->found;

    if (found == NULL)
        return judge_missing(judgement, ret_position, why, why_room);
    if (diverged(judgement, why, why_room) != VARVE_HALT_NONE)
        return VARVE_HALT_DIVERGED;
    if (found->position < judgement->hint && !judgement->is_mock) {
        snprintf(why, why_room, "the checkpoint in Kafka is at position %llu, but the log remembers one at %llu",
                 (unsigned long long)found->position, (unsigned long long)judgement->hint);
        return VARVE_HALT_CHECKPOINT_REGRESSED;
    }
    *ret_position = found->position < judgement->hint ? judgement->hint : found->position;
    return VARVE_HALT_NONE;
}
