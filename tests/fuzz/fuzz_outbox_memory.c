/* fuzz_outbox_memory.c - events that an outbox remembers: what is accepted is written as it will be read again, and
 * texts of others become fit to be written. */
#include "fuzz.h"

#include "server/outbox/outbox_memory_event.h"

static void take_event(enum memory_kind kind, struct varve_view data)
{
    struct memory_event event, again;

    if (memory_event_decode(kind, data, &event, NULL) != VARVE_OK)
        return;
    struct varve_view first = memory_event_encode(&event);
    MUST(first.data != NULL);
    MUST(memory_event_decode(kind, first, &again, NULL) == VARVE_OK);
    struct varve_view second = memory_event_encode(&again);
    MUST(second.data != NULL && varve_view_equal(first, second));
    free((char *)first.data);
    free((char *)second.data);
    memory_event_end(&event);
    memory_event_end(&again);
}

static void take_text(struct varve_view text, size_t room)
{
    char clean[256];
    struct varve_view cleaned = memory_clean_text(text, clean, room);

    MUST(cleaned.size < room && clean[cleaned.size] == '\0');
    MUST(cleaned.size == 0 || varve_check_text(cleaned, sizeof(clean), "text", NULL) == VARVE_OK);
}

/* The first byte says which event it is, and how much room there is. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return 0;
    struct varve_view rest = varve_view_of((const char *)bytes + 1, size - 1);

    take_event((enum memory_kind)(bytes[0] % MEMORY_KINDS), rest);
    take_text(rest, 1 + bytes[0]);
    return 0;
}
