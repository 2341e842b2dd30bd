/* push_batch.c - batches of events, found by whoever stands where one of them begins or in the midst of it; and the
 * channels, whose clients share them.
 *
 * All batches together may have a part of the memory budget. When they have more, the one that was used least is taken
 * from its holders, who are slow: they know where they stand, and read on from there when they can. */
#include "push_parts.h"

#include <stdlib.h>

#include "varve/record.h"

enum { CHANNEL_BATCHES = 64 };

/* ---- channels --------------------------------------------------------------------------------------------------- */

static struct push_channel *find_channel(struct push *push, const struct varve_filter *filter)
{
    struct push_channel *channel = push->channels;

    while (channel != NULL && !varve_filter_equal(channel->filter, filter))
        channel = channel->next;
    return channel;
}

static struct push_channel *add_channel(struct push *push, struct varve_filter *filter)
{
    struct push_channel *channel = calloc(1, sizeof(*channel));

    if (channel == NULL)
        return NULL;
    channel->filter = filter;
    channel->next = push->channels;
    if (channel->next != NULL)
        channel->next->previous = channel;
    push->channels = channel;
    return channel;
}

struct push_channel *push_channel_enter(struct push *push, struct varve_filter *filter)
{
    struct push_channel *channel = find_channel(push, filter);

    if (channel != NULL)
        free(filter);
    else
        channel = add_channel(push, filter);
    if (channel != NULL)
        channel->clients++;
    return channel;
}

static void hide_all(struct push_channel *channel)
{
    while (channel->batches != NULL) {
        struct push_batch *batch = channel->batches;

        channel->batches = batch->next_in_channel;
        batch->channel = NULL;
        batch->next_in_channel = NULL;
    }
}

void push_channel_leave(struct push *push, struct push_channel *channel)
{
    if (--channel->clients > 0)
        return;
    hide_all(channel);
    push_batches_drop_unused(push, 0);
    if (channel->previous != NULL)
        channel->previous->next = channel->next;
    else
        push->channels = channel->next;
    if (channel->next != NULL)
        channel->next->previous = channel->previous;
    free(channel->filter);
    free(channel);
}

struct push_batch *push_channel_find(struct push_channel *channel, uint64_t position)
{
    struct push_batch *batch = channel->batches;

    if (position >= channel->position)
        return NULL; /* As nearly always, for those who are at the end of the log. */
    while (batch != NULL && !(batch->after <= position && position < batch->position))
        batch = batch->next_in_channel;
    return batch;
}

/* ---- the order of use ------------------------------------------------------------------------------------------- */

static void unlink_batch(struct push *push, struct push_batch *batch)
{
    if (batch->previous != NULL)
        batch->previous->next = batch->next;
    else
        push->batches = batch->next;
    if (batch->next != NULL)
        batch->next->previous = batch->previous;
    else
        push->least_used = batch->previous;
}

static void link_first(struct push *push, struct push_batch *batch)
{
    batch->previous = NULL;
    batch->next = push->batches;
    if (push->batches != NULL)
        push->batches->previous = batch;
    else
        push->least_used = batch;
    push->batches = batch;
}

/* Its text has grown, perhaps. */
static void charge(struct push *push, struct push_batch *batch)
{
    uint64_t bytes = sizeof(*batch) + batch->count * sizeof(batch->events[0]) + batch->text.capacity;

    assert(bytes >= batch->charged_bytes);
    budget_force(&push->server->budget, bytes - batch->charged_bytes);
    push->held_bytes += bytes - batch->charged_bytes;
    batch->charged_bytes = bytes;
}

void push_batch_use(struct push *push, struct push_batch *batch)
{
    charge(push, batch);
    batch->used_ms = push_now_ms(push);
    if (push->batches == batch)
        return;
    unlink_batch(push, batch);
    link_first(push, batch);
}

/* ---- who finds it ----------------------------------------------------------------------------------------------- */

static void hide(struct push_batch *batch)
{
    if (batch->channel == NULL)
        return;
    struct push_batch **at = &batch->channel->batches;
    while (*at != batch)
        at = &(*at)->next_in_channel;
    *at = batch->next_in_channel;
    batch->channel = NULL;
    batch->next_in_channel = NULL;
}

/* A new one is there: those that are long past are found no more, so that nobody looks through many. */
static void hide_oldest(struct push_channel *channel)
{
    struct push_batch *batch = channel->batches;

    for (unsigned count = 1; batch != NULL && count < CHANNEL_BATCHES; count++)
        batch = batch->next_in_channel;
    while (batch != NULL && batch->next_in_channel != NULL)
        hide(batch->next_in_channel);
}

/* ---- a batch ---------------------------------------------------------------------------------------------------- */

static struct push_batch *create(struct push *push, uint64_t after, const struct follow_batch *from)
{
    struct push_batch *batch = calloc(1, sizeof(*batch) + from->count * sizeof(batch->events[0]));

    if (batch == NULL)
        return NULL;
    batch->frame = shared_bytes_hold(from->frame);
    batch->after = after;
    batch->position = from->position;
    batch->at_end = from->at_end;
    batch->count = from->count;
    for (uint32_t i = 0; i < from->count; i++)
        batch->events[i] = (struct push_event){ .record = from->records[i], .size = from->sizes[i] };
    return batch;
}

/* All who were served are handed the same frame, one after the other: so the newest is the one to look at. */
struct push_batch *push_batch_of(struct push *push, struct push_channel *channel, uint64_t after,
                                 const struct follow_batch *from)
{
    if (channel->batches != NULL && channel->batches->frame == from->frame && channel->batches->after == after)
        return channel->batches;
    struct push_batch *batch = create(push, after, from);
    if (batch == NULL)
        return NULL;
    batch->channel = channel;
    batch->next_in_channel = channel->batches;
    channel->batches = batch;
    if (batch->position > channel->position)
        channel->position = batch->position;
    link_first(push, batch);
    push->held_bytes += batch->frame->charged_bytes;
    push_batch_use(push, batch);
    hide_oldest(channel);
    return batch;
}

static void drop(struct push *push, struct push_batch *batch)
{
    assert(batch->holders == NULL);
    hide(batch);
    unlink_batch(push, batch);
    push->held_bytes -= batch->charged_bytes + batch->frame->charged_bytes;
    budget_give(&push->server->budget, batch->charged_bytes);
    shared_bytes_drop(batch->frame);
    varve_wire_buffer_free(&batch->text);
    free(batch);
}

/* ---- holders ---------------------------------------------------------------------------------------------------- */

void push_batch_hold(struct push_batch *batch, struct push_client *client)
{
    assert(client->batch == NULL);
    client->batch = batch;
    client->previous_holder = NULL;
    client->next_holder = batch->holders;
    if (batch->holders != NULL)
        batch->holders->previous_holder = client;
    batch->holders = client;
}

void push_batch_release(struct push_client *client)
{
    struct push_batch *batch = client->batch;

    if (batch == NULL)
        return;
    if (client->previous_holder != NULL)
        client->previous_holder->next_holder = client->next_holder;
    else
        batch->holders = client->next_holder;
    if (client->next_holder != NULL)
        client->next_holder->previous_holder = client->previous_holder;
    client->batch = NULL;
    if (batch->holders == NULL && batch->channel == NULL)
        drop(client->push, batch); /* Nobody will find it. */
}

/* The one in use stays, however large it is. */
void push_batches_make_room(struct push *push)
{
    while (push->held_bytes > push->limit_bytes && push->least_used != push->batches) {
        struct push_batch *batch = push->least_used;

        hide(batch);
        if (batch->holders == NULL)
            drop(push, batch);
        else
            while (push->least_used == batch)
                push_client_give_back(batch->holders);
    }
}

void push_batches_drop_unused(struct push *push, uint64_t before_ms)
{
    struct push_batch *batch = push->least_used;

    while (batch != NULL) {
        struct push_batch *previous = batch->previous;

        if (batch->holders == NULL && (batch->channel == NULL || batch->used_ms < before_ms))
            drop(push, batch);
        batch = previous;
    }
}

void push_batches_hide(struct push *push)
{
    for (struct push_channel *channel = push->channels; channel != NULL; channel = channel->next)
        hide_all(channel);
    push_batches_drop_unused(push, 0);
}
