/* fuzz_outbox_checkpoint.c - records and keys of the checkpoint topic: reads stay inside, and what is accepted is what
 * would be written. */
#include "fuzz.h"

#include <xxhash.h>

#include "server/outbox/outbox_checkpoint.h"

#define NAME "kafka"

static void take_record(struct varve_view value)
{
    struct outbox_checkpoint checkpoint, again;
    struct outbox_progress progress;
    uint8_t record[OUTBOX_CHECKPOINT_BYTES];

    if (outbox_checkpoint_decode(value, &checkpoint, NULL) == VARVE_OK) {
        MUST(value.size == OUTBOX_CHECKPOINT_BYTES);
        outbox_checkpoint_encode(&checkpoint, record);
        MUST(outbox_checkpoint_decode(varve_view_of((char *)record, sizeof(record)), &again, NULL) == VARVE_OK);
        MUST(memcmp(&checkpoint, &again, sizeof(again)) == 0);
    }
    if (outbox_progress_decode(value, &progress, NULL) == VARVE_OK) {
        MUST(value.size == OUTBOX_PROGRESS_BYTES);
        outbox_progress_encode(&progress, record);
        MUST(memcmp(record, value.data, value.size) == 0);
    }
}

/* Nobody guesses a sum: the same bytes with the right one. */
static void take_sealed(const uint8_t *bytes, size_t size)
{
    uint8_t *record = malloc(size + 1);

    MUST(record != NULL);
    memcpy(record, bytes, size);
    if (size >= 8) {
        uint64_t sum = __builtin_bswap64(XXH3_64bits(record, size - 8));
        memcpy(record + size - 8, &sum, sizeof(sum));
    }
    take_record(varve_view_of((char *)record, size));
    free(record);
}

static void take_key(struct varve_view key)
{
    char room[OUTBOX_MAX_NOTE_KEY];
    struct varve_view stream;
    enum outbox_note_kind kind = outbox_note_parse(key, NAME, &stream);

    MUST((stream.data != NULL) == (kind == OUTBOX_NOTE_PARKED));
    if (kind == OUTBOX_NOTE_OTHER)
        return;
    MUST(key.size <= OUTBOX_MAX_NOTE_KEY);
    MUST(varve_view_equal(outbox_note_key(kind, NAME, stream, room), key));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct varve_view view = varve_view_of((const char *)bytes, size);

    take_record(view);
    take_sealed(bytes, size);
    take_key(view);
    return 0;
}
