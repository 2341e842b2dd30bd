/* ledger.c - see ledger.h. */
#include "faults/ledger.h"

#include "support/check.h"
#include "support/records.h"
#include "varve/record.h"

#include <stdlib.h>

enum { EVENTS = 3, MAX_DATA = 6000 };

/* The append with this number, always the same. NULL: refused at once, *ret_status says why. */
static struct varve_append *make(struct store_fixture *f, uint64_t number, enum varve_status *ret_status)
{
    static const uint32_t stream_of[EVENTS] = { 0, 1, 0 };
    static const size_t sizes[] = { 30, 200, 2, 1000, MAX_DATA };
    static char data[MAX_DATA];
    char name[32];
    int size = snprintf(name, sizeof(name), "turn-%u", (unsigned)(number % 4));
    struct varve_append_stream streams[2] = { { varve_view_str("shared"), VARVE_EXPECTED_ANY },
                                              { varve_view_of(name, (size_t)size), VARVE_EXPECTED_ANY } };
    struct varve_event events[EVENTS];
    struct varve_append *append = NULL;

    for (unsigned i = 0; i < EVENTS; i++)
        events[i] = (struct varve_event){ .type = varve_view_str("noted"), .id = test_uuid(number * EVENTS + i + 1),
            .correlation_id = test_uuid(1000000 + number % 5), .time_us = VARVE_TIME_NONE,
            .content_type = VARVE_CONTENT_OCTET_STREAM, .data = { data, sizes[number % COUNT_OF(sizes)] } };
    struct varve_append_request request = { streams, 2, events, stream_of, EVENTS };
    *ret_status = varve_append_create(f->store, &request, &append, &f->error);
    return append;
}

enum varve_status ledger_append(struct ledger *ledger, struct store_fixture *f)
{
    struct ledger_entry *entry = &ledger->entries[ledger->count];
    enum varve_status status;
    struct varve_append *append = make(f, ledger->count, &status);

    assert_in_range(ledger->count, 0, LEDGER_ROOM - 1);
    *entry = (struct ledger_entry){ .number = ledger->count++ };
    if (append != NULL)
        status = varve_append_wait(append, &f->error);
    entry->fate = status == VARVE_OK ? ACKNOWLEDGED : status == VARVE_IO ? UNKNOWN : REFUSED;
    if (status == VARVE_OK)
        memcpy(entry->results, varve_append_get_outcome(append)->results, sizeof(entry->results));
    varve_append_free(append);
    return status;
}

static bool violated(struct ledger *ledger, const struct ledger_entry *entry, const char *what, const char *detail)
{
    snprintf(ledger->violation, sizeof(ledger->violation), "append %llu: %s %s", (unsigned long long)entry->number,
             what, detail);
    return false;
}

/* Ask again: a replay says that it is there. */
static bool entry_holds(struct ledger *ledger, struct store_fixture *f, const struct ledger_entry *entry)
{
    enum varve_status status;
    struct varve_append *append = make(f, entry->number, &status);
    bool holds = true;

    if (append == NULL)
        return violated(ledger, entry, "cannot be made:", f->error.message);
    status = varve_append_wait(append, &f->error);
    const struct varve_append_outcome *outcome = varve_append_get_outcome(append);
    if (status != VARVE_OK)
        holds = violated(ledger, entry, "is neither there nor new:", f->error.message);
    else if (entry->fate == ACKNOWLEDGED && !outcome->replayed)
        holds = violated(ledger, entry, "was acknowledged and is lost", "");
    else if (entry->fate == REFUSED && outcome->replayed)
        holds = violated(ledger, entry, "was refused and is there", "");
    else if (entry->fate == ACKNOWLEDGED &&
             memcmp(outcome->results, entry->results, sizeof(entry->results)) != 0)
        holds = violated(ledger, entry, "is not where it was", "");
    varve_append_free(append);
    return holds;
}

/* Every record from first to last, dense; and as many by every other way. */
static bool store_is_whole(struct ledger *ledger, struct store_fixture *f)
{
    static const struct { enum varve_read_kind kind; const char *name; } ways[] = {
        { VARVE_READ_ALL, NULL }, { VARVE_READ_TYPE, "noted" },
    };
    uint64_t last = varve_store_last_position(f->store);

    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        struct varve_reader *reader = NULL;
        struct varve_batch batch = { .end = false };
        struct varve_read read;
        uint64_t seen = 0;
        varve_read_init(&read);
        read.kind = ways[i].kind;
        read.name = varve_view_str(ways[i].name);
        enum varve_status status = varve_reader_open(f->store, &read, &reader, &f->error);
        while (status == VARVE_OK && !batch.end) {
            status = varve_reader_next(reader, 1 << 20, 0, &batch, &f->error);
            for (uint32_t k = 0; status == VARVE_OK && k < batch.count; k++)
                if (varve_record_position(batch.records[k]) != ++seen)
                    status = varve_fail(&f->error, VARVE_CORRUPT, NULL, "positions are not dense");
        }
        varve_reader_close(reader);
        if (status != VARVE_OK || seen != last) {
            snprintf(ledger->violation, sizeof(ledger->violation), "way %zu: %llu of %llu events, %s", i,
                     (unsigned long long)seen, (unsigned long long)last, varve_status_name(status));
            return false;
        }
    }
    return true;
}

bool ledger_holds(struct ledger *ledger, struct store_fixture *f)
{
    uint64_t last = varve_store_last_position(f->store), stored = 0;

    if (!store_is_whole(ledger, f))
        return false;
    for (size_t i = 0; i < ledger->count; i++) {
        uint64_t before = varve_store_last_position(f->store);
        if (!entry_holds(ledger, f, &ledger->entries[i]))
            return false;
        stored += varve_store_last_position(f->store) == before ? EVENTS : 0;
    }
    if (stored != last) {
        snprintf(ledger->violation, sizeof(ledger->violation), "%llu events were there, %llu belong to appends",
                 (unsigned long long)last, (unsigned long long)stored);
        return false;
    }
    return store_is_whole(ledger, f);
}

bool ledger_status_is_sane(enum varve_status status)
{
    return status == VARVE_OK || status == VARVE_IO || status == VARVE_DISK_FULL || status == VARVE_NO_MEMORY ||
           status == VARVE_READ_ONLY;
}
