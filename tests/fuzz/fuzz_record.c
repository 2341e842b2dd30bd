/* fuzz_record.c - whatever the decoder accepts is byte for byte what the encoder writes. */
#include "fuzz.h"
#include "varve/record.h"
#include "varve/uuid.h"

#include <xxhash.h>

static void check_accepted(const uint8_t *record, size_t size, const struct varve_event *event)
{
    struct varve_uuid id = varve_record_id(record);
    uint8_t *again = malloc(size);

    MUST(again != NULL);
    MUST(varve_record_size(event) == size);
    MUST(varve_record_encode(event, again) == size);
    MUST(memcmp(again, record, size) == 0);
    MUST(varve_record_verify(record, size));
    MUST(varve_record_position(record) == event->position && varve_record_version(record) == event->version);
    MUST(varve_record_recorded_at(record) == event->recorded_at_us && varve_uuid_equal(&id, &event->id));
    MUST(varve_view_equal(varve_record_stream(record), event->stream));
    MUST(varve_view_equal(varve_record_type(record), event->type));

    varve_record_assign(again, size, ~event->position, ~event->version, ~event->recorded_at_us);
    struct varve_event assigned;
    MUST(varve_record_decode(again, size, &assigned) == VARVE_OK && assigned.position == ~event->position);
    free(again);
}

static void decode(const uint8_t *record, size_t size)
{
    struct varve_event event;

    if (varve_record_decode(record, size, &event) == VARVE_OK)
        check_accepted(record, size, &event);
}

/* As it came, and with a checksum that fits: nobody finds one by chance, and only the hash would be tested. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint8_t *sealed = malloc(size + VARVE_RECORD_CHECKSUM);
    uint64_t hash = XXH3_64bits(bytes, size);

    MUST(sealed != NULL);
    decode(bytes, size);
    memcpy(sealed, bytes, size);
    sealed[size] = 0xcf;
    for (unsigned i = 0; i < 8; i++)
        sealed[size + 1 + i] = (uint8_t)(hash >> (56 - 8 * i));
    decode(sealed, size + VARVE_RECORD_CHECKSUM);
    free(sealed);
    return 0;
}
