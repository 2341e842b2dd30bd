/* deliveries.c - see deliveries.h. */
#include "deliveries.h"
#include "varve/record.h"

#include <stdlib.h>
#include <string.h>

struct parcel {
    struct parcel *next;
    uint32_t size;
    char body[];
};

enum varve_status deliveries_init(struct deliveries *d, struct varve_error *error)
{
    *d = (struct deliveries){ .arena = varve_wire_arena_create() };
    return d->arena == NULL ? varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a consumer") : VARVE_OK;
}

void deliveries_free(struct deliveries *d)
{
    deliveries_forget_waiting(d);
    while (d->oldest != NULL)
        deliveries_finish(d, d->oldest->event.position);
    deliveries_sweep(d);
    varve_wire_arena_free(d->arena);
}

/* ---- waiting ---------------------------------------------------------------------------------------------------- */

enum varve_status deliveries_add(struct deliveries *d, struct varve_view body, struct varve_error *error)
{
    struct parcel *parcel = malloc(sizeof(*parcel) + body.size);

    if (parcel == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for %zu bytes of events", body.size);
    parcel->next = NULL;
    parcel->size = (uint32_t)body.size;
    memcpy(parcel->body, body.data, body.size);
    if (d->last == NULL)
        d->first = parcel;
    else
        d->last->next = parcel;
    d->last = parcel;
    return VARVE_OK;
}

/* Returns the size of its body. */
static size_t drop_first(struct deliveries *d)
{
    struct parcel *parcel = d->first;
    size_t size = parcel->size;

    d->first = parcel->next;
    if (d->first == NULL)
        d->last = NULL;
    free(parcel);
    d->list = NULL;
    d->count = d->index = 0;
    return size;
}

void deliveries_forget_waiting(struct deliveries *d)
{
    while (d->first != NULL)
        drop_first(d);
}

/* ---- out -------------------------------------------------------------------------------------------------------- */

static struct work **bucket_of(struct deliveries *d, uint64_t position)
{
    return &d->buckets[position % DELIVERIES_BUCKETS];
}

static void unlink_work(struct deliveries *d, struct work *work)
{
    struct work **at = bucket_of(d, work->event.position);

    while (*at != work)
        at = &(*at)->same;
    *at = work->same;
    if (work->previous != NULL)
        work->previous->next = work->next;
    else
        d->oldest = work->next;
    if (work->next != NULL)
        work->next->previous = work->previous;
    else
        d->newest = work->previous;
    d->out_count--;
}

static void link_work(struct deliveries *d, struct work *work)
{
    work->next = NULL;
    work->previous = d->newest;
    if (d->newest != NULL)
        d->newest->next = work;
    else
        d->oldest = work;
    d->newest = work;
    struct work **bucket = bucket_of(d, work->event.position);
    work->same = *bucket;
    *bucket = work;
    d->out_count++;
    if (d->out_count <= DELIVERIES_OUT_MAX)
        return;
    struct work *forgotten = d->oldest;
    unlink_work(d, forgotten);
    free(forgotten);
}

enum varve_status deliveries_look(struct deliveries *d, uint64_t position, uint64_t epoch)
{
    enum varve_status status = VARVE_NOT_DELIVERED;

    for (const struct work *work = *bucket_of(d, position); work != NULL; work = work->same) {
        if (work->event.position != position)
            continue;
        if (work->epoch == epoch)
            return VARVE_OK;
        status = VARVE_FENCED;
    }
    return status;
}

void deliveries_finish(struct deliveries *d, uint64_t position)
{
    for (struct work *work = *bucket_of(d, position), *same; work != NULL; work = same) {
        same = work->same;
        if (work->event.position != position)
            continue;
        unlink_work(d, work);
        work->next = d->finished;
        d->finished = work;
    }
}

void deliveries_sweep(struct deliveries *d)
{
    while (d->finished != NULL) {
        struct work *work = d->finished;

        d->finished = work->next;
        free(work);
    }
}

/* ---- handing over ----------------------------------------------------------------------------------------------- */

/* Puts the delivery out, with a record of its own: it lives longer than what it came with. */
static enum varve_status put_out(struct deliveries *d, const struct varve_delivery *delivery, uint64_t epoch,
                                 struct varve_work *ret_work, struct varve_error *error)
{
    struct work *work = malloc(sizeof(*work) + delivery->record.size);

    if (work == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for an event of %zu bytes", delivery->record.size);
    work->epoch = epoch;
    work->size = (uint32_t)delivery->record.size;
    memcpy(work->record, delivery->record.data, delivery->record.size);
    if (varve_record_decode(work->record, work->size, &work->event) != VARVE_OK) {
        free(work);
        return varve_fail(error, VARVE_CORRUPT, NULL, "an event that the group delivered does not verify");
    }
    link_work(d, work);
    *ret_work = (struct varve_work){ &work->event, delivery->attempt, epoch };
    return VARVE_OK;
}

enum varve_status deliveries_next(struct deliveries *d, uint64_t epoch, struct varve_work *ret_work, size_t *ret_bytes,
                                  struct varve_error *error)
{
    enum varve_status status = VARVE_OK;

    *ret_bytes = 0;
    ret_work->event = NULL;
    while (status == VARVE_OK && ret_work->event == NULL && d->first != NULL) {
        if (d->list == NULL)
            status = varve_decode_group_events(varve_view_of(d->first->body, d->first->size), d->arena, &d->list,
                                               &d->count, error);
        if (status == VARVE_OK && d->index < d->count) {
            status = put_out(d, &d->list[d->index], epoch, ret_work, error);
            d->index += status == VARVE_OK;
        }
        if (status == VARVE_OK && d->index == d->count)
            *ret_bytes += drop_first(d);
    }
    return status;
}
