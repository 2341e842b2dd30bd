/* saga_look.c - the look of one claim, on a reader thread: page after page of the list of what it wants, a lease for
 * each saga that is free, and its state. */
#include "saga_claims_parts.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_SPARE = 8,  /* sagas of the first page beyond those wanted: others look for the same at the same time */
    PAGE_SAGAS = 128, /* at most */
    PAGE_GROWTH = 4,
    SLICE_US = 50000,
};

/* Those for whom time ran out come first, then those that are being undone; of each the one changed longest ago. */
static const enum varve_saga_status order[] = { VARVE_SAGA_TIMED_OUT, VARVE_SAGA_COMPENSATING, VARVE_SAGA_RUNNING };

static struct saga_want want_of(const struct claim *claim)
{
    return (struct saga_want){ .type = claim->what.type, .status = order[claim->look.status_at],
                               .step = claim->what.step };
}

static bool is_wanted(const struct claim *claim, enum varve_saga_status status)
{
    return claim->what.statuses == 0 || (claim->what.statuses & 1u << status) != 0;
}

/* The state of a saga that was taken. It may have changed since the list was made; then it is not ours. */
static bool fetch(struct claim *claim, const struct varve_saga *row)
{
    struct saga_look *look = &claim->look;
    struct varve_saga *saga = NULL;
    enum varve_status status = varve_saga_get(claim->server->store, row->type, row->id, &saga, &claim->error);

    if (status == VARVE_OK && saga->version == row->version) {
        look->given[look->given_count++] = saga;
        look->given_bytes += saga->state.size;
        return true;
    }
    if (status == VARVE_OK || status == VARVE_SAGA_NOT_FOUND) {
        saga_leases_changed(saga_claims_lock(claim->server), row->type, row->id,
                            saga != NULL ? saga->version : INT64_MAX);
        saga_claims_unlock(claim->server);
        claim->error.status = VARVE_OK;
        free(saga);
        return true;
    }
    return false; /* It stays leased for a while, so that it does not stand in the way of the others. */
}

static bool has_enough(const struct claim *claim)
{
    return claim->look.given_count == claim->what.limit || claim->look.given_bytes >= SAGA_CLAIM_BYTES;
}

static enum saga_lease_outcome take(struct claim *claim, const struct varve_saga *row)
{
    uint64_t until_ms = uv_hrtime() / 1000000 + claim->what.lease_ms;
    struct saga_leases *leases = saga_claims_lock(claim->server);
    const struct saga_want want = want_of(claim);
    enum saga_lease_outcome outcome = saga_leases_take(leases, row, claim->id, until_ms);

    if (outcome != SAGA_LEASE_NO_ROOM) {
        saga_leases_looked(leases, &want, claim->look.from, row->position);
        claim->look.from = row->position;
    }
    saga_claims_unlock(claim->server);
    return outcome;
}

/* False: look no further. */
static bool take_page(struct claim *claim, const struct varve_saga_list *page)
{
    for (size_t i = 0; i < page->count; i++) {
        enum saga_lease_outcome outcome = take(claim, &page->sagas[i]);

        if (outcome == SAGA_LEASE_NO_ROOM && claim->look.given_count == 0)
            varve_fail(&claim->error, VARVE_OVERLOADED, NULL, "%d sagas are leased, and no more may be",
                       SAGA_MAX_LEASES);
        if (outcome == SAGA_LEASE_NO_ROOM || (outcome == SAGA_LEASE_GIVEN && !fetch(claim, &page->sagas[i])) ||
            has_enough(claim))
            return false;
    }
    return true;
}

/* The list ends here: behind its last saga there was nothing when the log ended at `last_position`. */
static void note_end(struct claim *claim, uint64_t last_position)
{
    const struct saga_want want = want_of(claim);

    saga_leases_looked(saga_claims_lock(claim->server), &want, claim->look.from, last_position);
    saga_claims_unlock(claim->server);
}

static uint32_t at_most(uint32_t sagas)
{
    return sagas < PAGE_SAGAS ? sagas : PAGE_SAGAS;
}

static void begin_status(struct claim *claim)
{
    struct saga_look *look = &claim->look;
    const struct saga_want want = want_of(claim);

    look->from = saga_leases_low(saga_claims_lock(claim->server), &want);
    saga_claims_unlock(claim->server);
    look->begun = true;
    look->page_sagas = at_most(claim->what.limit - look->given_count + FIRST_SPARE);
    look->cursor_size = look->from == 0 ? 0 : varve_saga_cursor(want.type, want.status, look->from, look->cursor);
}

/* One page of the status that is looked at. False: look no further. */
static bool look_at_page(struct claim *claim)
{
    struct saga_look *look = &claim->look;
    uint64_t last_position = varve_store_last_position(claim->server->store); /* The list will have all of that. */
    struct varve_saga_query query;
    struct varve_saga_list *page = NULL;

    if (!look->begun)
        begin_status(claim);
    varve_saga_query_init(&query);
    query.type = claim->what.type;
    query.statuses = 1u << order[look->status_at];
    query.step = claim->what.step;
    query.after = varve_view_of((char *)look->cursor, look->cursor_size);
    query.limit = look->page_sagas;
    if (varve_saga_list(claim->server->store, &query, &page, &claim->error) != VARVE_OK)
        return false;
    bool more = take_page(claim, page);
    if (page->end && more)
        note_end(claim, last_position);
    if (page->end) {
        look->begun = false;
        look->status_at++;
    } else {
        memcpy(look->cursor, page->next, page->next_size);
        look->cursor_size = page->next_size;
        look->page_sagas = at_most(PAGE_GROWTH * look->page_sagas);
    }
    free(page);
    return more;
}

/* The states that were fetched, in one piece, and freed. */
static void encode(struct claim *claim)
{
    struct saga_look *look = &claim->look;
    struct varve_saga sagas[VARVE_MAX_CLAIM];

    for (uint32_t i = 0; i < look->given_count; i++)
        sagas[i] = *look->given[i];
    varve_encode_saga_claim_ok(&claim->out, claim->request.id, sagas, look->given_count);
    for (uint32_t i = 0; i < look->given_count; i++)
        free(look->given[i]);
}

void saga_look(struct claim *claim)
{
    uint64_t until_us = uv_hrtime() / 1000 + SLICE_US;
    struct saga_look *look = &claim->look;
    bool more = true;

    claim->looked_enough = false;
    while (more && look->status_at < sizeof(order) / sizeof(order[0])) {
        if (!is_wanted(claim, order[look->status_at])) {
            look->status_at++;
        } else if (look->given_count == 0 && uv_hrtime() / 1000 >= until_us) {
            claim->looked_enough = true;
            return;
        } else {
            more = look_at_page(claim);
        }
    }
    if (look->given_count > 0) {
        claim->error.status = VARVE_OK; /* What went wrong behind them is for the next claim. */
        encode(claim);
    }
}
