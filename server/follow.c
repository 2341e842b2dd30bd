/* follow.c - who waits at which place of the log, and whose turn it is to be read for. See follow.h. */
#include "follow_parts.h"

#include <stdlib.h>
#include <string.h>

enum {
    BUCKETS = 4096,
    MAX_FOLLOWERS = 65536,
    TURN_US = 5000,        /* how long the loop reads before it looks at its sockets again */
};

struct follow {
    struct server *server;
    struct follower *buckets[BUCKETS];
    struct follower *recent;          /* the last one that was joined: the next to join is often its neighbour */
    struct follower_queue idle, ready, queued;
    uint32_t count, away_count;
    atomic_bool told;                 /* `look` is on its way */
    struct completion look;           /* the log grew, or somebody joined: see who is ready */
};

/* ---- queues ----------------------------------------------------------------------------------------------------- */

/* AWAY and SERVED are in none. */
static struct follower_queue *queue_of(struct follow *follow, enum follower_state state)
{
    switch (state) {
    case FOLLOWER_IDLE:
        return &follow->idle;
    case FOLLOWER_READY:
        return &follow->ready;
    case FOLLOWER_QUEUED:
        return &follow->queued;
    default:
        return NULL;
    }
}

static void leave_queue(struct follower *f)
{
    struct follower_queue *queue = queue_of(f->server->follow, f->state);

    if (queue == NULL)
        return;
    if (f->previous != NULL)
        f->previous->next = f->next;
    else
        queue->first = f->next;
    if (f->next != NULL)
        f->next->previous = f->previous;
    else
        queue->last = f->previous;
}

static void enter_queue(struct follower *f)
{
    struct follower_queue *queue = queue_of(f->server->follow, f->state);

    f->next = NULL;
    f->previous = queue != NULL ? queue->last : NULL;
    if (queue == NULL)
        return;
    if (queue->last != NULL)
        queue->last->next = f;
    else
        queue->first = f;
    queue->last = f;
}

#define BIT(state) (1u << (state))
static const unsigned next_allowed[] = {
    [FOLLOWER_IDLE] = BIT(FOLLOWER_READY),
    [FOLLOWER_READY] = BIT(FOLLOWER_QUEUED) | BIT(FOLLOWER_AWAY) | BIT(FOLLOWER_SERVED),
    [FOLLOWER_QUEUED] = BIT(FOLLOWER_READY),
    [FOLLOWER_AWAY] = BIT(FOLLOWER_SERVED),
    [FOLLOWER_SERVED] = BIT(FOLLOWER_IDLE) | BIT(FOLLOWER_READY),
};

static void move(struct follower *f, enum follower_state next)
{
    assert(next_allowed[f->state] & BIT(next));
    leave_queue(f);
    f->state = next;
    enter_queue(f);
}

/* ---- the table of places ---------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
    return hash;
}

static uint64_t mix_list(uint64_t hash, const struct varve_view *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hash = mix(mix(hash, items[i].data, items[i].size), &items[i].size, sizeof(items[i].size));
    return mix(hash, &count, sizeof(count));
}

/* Equal filters were sorted by varve_filter_copy(), so they give equal hashes. */
static uint64_t hash_filter(const struct varve_filter *filter)
{
    uint64_t hash = 0xcbf29ce484222325u;

    hash = mix_list(hash, filter->streams, filter->stream_count);
    hash = mix_list(hash, filter->categories, filter->category_count);
    hash = mix_list(hash, filter->types, filter->type_count);
    hash = mix_list(hash, filter->prefixes, filter->prefix_count);
    hash = mix(hash, &filter->correlation_id, sizeof(filter->correlation_id));
    hash = mix(hash, &filter->classes, sizeof(filter->classes));
    return mix(hash, &filter->include_system, sizeof(filter->include_system));
}

static struct follower **bucket_of(struct follow *follow, uint64_t filter_hash, uint64_t position)
{
    return &follow->buckets[(filter_hash ^ position * 0x9e3779b97f4a7c15u) >> 20 & (BUCKETS - 1)];
}

static bool stands_at(const struct follower *f, const struct varve_filter *filter, uint32_t batch_bytes,
                      uint64_t position)
{
    return f->position == position && f->batch_bytes == batch_bytes && varve_filter_equal(f->filter, filter);
}

static void list_place(struct follower *f)
{
    struct follower **bucket = bucket_of(f->server->follow, f->filter_hash, f->position);

    f->next_in_bucket = *bucket;
    *bucket = f;
}

static void unlist_place(struct follower *f)
{
    struct follower **at = bucket_of(f->server->follow, f->filter_hash, f->position);

    while (*at != f)
        at = &(*at)->next_in_bucket;
    *at = f->next_in_bucket;
    if (f->server->follow->recent == f)
        f->server->follow->recent = NULL;
}

static struct follower *find(struct follow *follow, const struct varve_filter *filter, uint64_t filter_hash,
                             uint32_t batch_bytes, uint64_t position)
{
    struct follower *f = *bucket_of(follow, filter_hash, position);

    while (f != NULL && !stands_at(f, filter, batch_bytes, position))
        f = f->next_in_bucket;
    return f;
}

/* ---- a follower's life ------------------------------------------------------------------------------------------ */

uint64_t follow_filter_bytes(const struct varve_filter *filter)
{
    const struct { const struct varve_view *items; size_t count; } lists[] = {
        { filter->streams, filter->stream_count }, { filter->categories, filter->category_count },
        { filter->types, filter->type_count }, { filter->prefixes, filter->prefix_count },
    };
    uint64_t bytes = sizeof(*filter);

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        for (size_t j = 0; j < lists[i].count; j++)
            bytes += sizeof(lists[i].items[j]) + lists[i].items[j].size;
    }
    return bytes;
}

static void work(struct job *job, struct varve_wire_arena *arena)
{
    follow_read_far((struct follower *)((char *)job - offsetof(struct follower, job)), arena);
}

static void finish(struct completion *completion);

static enum varve_status create(struct server *server, const struct varve_filter *filter, struct follower **ret,
                                struct varve_error *error)
{
    uint64_t bytes = sizeof(struct follower) + follow_filter_bytes(filter);

    if (server->follow->count >= MAX_FOLLOWERS)
        return varve_fail(error, VARVE_OVERLOADED, NULL, "%d places of the log are read at the same time",
                          MAX_FOLLOWERS);
    if (!budget_take(&server->budget, bytes))
        return varve_fail(error, VARVE_OVERLOADED, NULL, "the server's memory for subscriptions is used up");
    struct follower *f = calloc(1, sizeof(*f));
    struct varve_filter *copy = varve_filter_copy(filter);
    if (f == NULL || copy == NULL) {
        budget_give(&server->budget, bytes);
        free(f);
        free(copy);
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "the server has no memory for a subscription");
    }
    f->server = server;
    f->filter = copy;
    f->charged_bytes = bytes;
    f->job.work = work;
    f->job.completion.finish = finish;
    server->follow->count++;
    figure_add(&server->figures.followers, 1);
    *ret = f;
    return VARVE_OK;
}

/* It is in no queue and no table. */
static void destroy(struct follower *f)
{
    struct server *server = f->server;

    server->follow->count--;
    figure_subtract(&server->figures.followers, 1);
    budget_give(&server->budget, f->charged_bytes);
    follow_result_drop(&f->result);
    free(f->filter);
    free(f);
}

/* ---- members ---------------------------------------------------------------------------------------------------- */

static void add_member(struct follower *f, struct follow_member *member)
{
    atomic_store_explicit(&f->cancelled, false, memory_order_relaxed);
    member->follower = f;
    member->previous = NULL;
    member->next = f->members;
    if (f->members != NULL)
        f->members->previous = member;
    f->members = member;
}

static void remove_member(struct follow_member *member)
{
    struct follower *f = member->follower;

    if (member->previous != NULL)
        member->previous->next = member->next;
    else if (f->served == member)
        f->served = member->next;
    else
        f->members = member->next;
    if (member->next != NULL)
        member->next->previous = member->previous;
    member->follower = NULL;
}

void follow_leave(struct follow_member *member)
{
    struct follower *f = member->follower;

    if (f == NULL)
        return;
    remove_member(member);
    if (f->members != NULL || f->state == FOLLOWER_SERVED)
        return;
    if (f->state == FOLLOWER_AWAY) {
        atomic_store_explicit(&f->cancelled, true, memory_order_relaxed); /* And it ends when it is back, */
        return;                                                            /* unless somebody joins it. */
    }
    leave_queue(f);
    unlist_place(f);
    destroy(f);
}

/* ---- whose turn it is ------------------------------------------------------------------------------------------- */

/* Any thread. */
static void wake(struct follow *follow)
{
    if (!atomic_exchange(&follow->told, true))
        completions_push(&follow->server->completions, &follow->look);
}

static void settle(struct follower *f)
{
    move(f, f->position < varve_store_last_position(f->server->store) ? FOLLOWER_READY : FOLLOWER_IDLE);
}

static void log_fault(const struct follower *f, const struct varve_error *error)
{
    if (error->status >= VARVE_IO)
        log_error(&f->server->log, "follow.failed", log_number("after", f->position),
                  log_text("error", varve_status_name(error->status)), log_text("message", error->message));
}

static void count_batch(struct follower *f, const struct follow_result *result)
{
    if (result->frame == NULL)
        return;
    shared_bytes_charge(result->frame, &f->server->budget);
    figure_add(&f->server->figures.follower_batches, 1);
    figure_add(&f->server->figures.follower_batches_shared, f->served->next != NULL);
}

/* The follower moves to the batch's end, where those who were served may join it again. Nobody of its own place is left
 * behind: they were all served. Where another one stands there, that one is joined. */
static void move_on(struct follower *f, const struct follow_result *result)
{
    struct follow *follow = f->server->follow;

    unlist_place(f);
    f->position = result->position;
    f->listed = result->error.status == VARVE_OK &&
                find(follow, f->filter, f->filter_hash, f->batch_bytes, f->position) == NULL;
    if (!f->listed)
        return;
    list_place(f);
    follow->recent = f;
}

/* Hand a batch to all members. Each joins again, or not; without any, the follower ends. */
static void serve(struct follower *f, struct follow_result *result)
{
    const struct follow_batch batch = {
        .error = result->error, .frame = result->frame, .records = result->records, .sizes = result->sizes,
        .count = result->count, .position = result->position, .at_end = result->at_end,
    };

    log_fault(f, &result->error);
    move(f, FOLLOWER_SERVED);
    f->served = f->members;
    f->members = NULL;
    if (f->served != NULL)
        count_batch(f, result);
    move_on(f, result);
    while (f->served != NULL) {
        struct follow_member *member = f->served;

        remove_member(member);
        member->deliver(member, &batch);
    }
    follow_result_drop(result);
    if (f->members != NULL) {
        settle(f);
        return;
    }
    if (f->listed)
        unlist_place(f);
    destroy(f);
}

/* The job is back. */
static void finish(struct completion *completion)
{
    struct follower *f = (struct follower *)((char *)completion - offsetof(struct follower, job.completion));
    struct follow *follow = f->server->follow;
    struct follow_result result = f->result;

    f->result = (struct follow_result){ .count = 0 };
    follow->away_count--;
    if (follow->queued.first != NULL)
        move(follow->queued.first, FOLLOWER_READY);
    serve(f, &result);
    wake(follow);
}

static void send_away(struct follower *f)
{
    struct server *server = f->server;

    atomic_store_explicit(&f->cancelled, false, memory_order_relaxed);
    figure_add(&server->figures.follower_reads, 1);
    server->follow->away_count++;
    move(f, FOLLOWER_AWAY);
    workers_submit(&server->workers, &f->job);
}

static void read_for(struct follower *f, struct follow_window *window)
{
    struct server *server = f->server;
    struct follow_result result;

    if (follow_is_near(server, f->position)) {
        figure_add(&server->figures.follower_reads_inline, 1);
        follow_read_near(f, window, &result);
        serve(f, &result);
    } else if (server->follow->away_count < server->config->reader_threads) {
        send_away(f);
    } else {
        move(f, FOLLOWER_QUEUED);
    }
}

/* Read for those who are ready, until there are none, no room, or the loop has done enough for one turn. */
static void step(struct follow *follow)
{
    struct server *server = follow->server;
    struct follow_window window = { .first = 0 };
    uint64_t until_us = uv_hrtime() / 1000 + TURN_US;

    while (follow->ready.first != NULL) {
        if (!budget_has_room(&server->budget)) {
            server->rooms_wanted = true;
            break;
        }
        if (uv_hrtime() / 1000 >= until_us) {
            wake(follow);
            break;
        }
        read_for(follow->ready.first, &window);
    }
    follow_window_drop(&window);
}

static void look(struct completion *completion)
{
    struct follow *follow = (struct follow *)((char *)completion - offsetof(struct follow, look));

    atomic_store(&follow->told, false); /* Before we look at the log: what comes later tells us again. */
    uint64_t last_position = varve_store_last_position(follow->server->store);
    while (follow->idle.first != NULL && follow->idle.first->position < last_position)
        move(follow->idle.first, FOLLOWER_READY);
    step(follow);
}

/* On an engine thread, or on the loop when that commits. */
static void on_growth(void *user, uint64_t last_position)
{
    wake(user);
}

/* A new one at this place, ready or idle. */
static enum varve_status place(struct server *server, const struct varve_filter *filter, uint64_t filter_hash,
                               uint32_t batch_bytes, uint64_t position, struct follower **ret,
                               struct varve_error *error)
{
    struct follower *f = NULL;
    enum varve_status status = create(server, filter, &f, error);

    if (status != VARVE_OK)
        return status;
    f->filter_hash = filter_hash;
    f->batch_bytes = batch_bytes;
    f->position = position;
    f->listed = true;
    list_place(f);
    f->state = FOLLOWER_SERVED; /* To be settled like one that was. */
    settle(f);
    if (f->state == FOLLOWER_READY)
        wake(server->follow);
    *ret = f;
    return VARVE_OK;
}

enum varve_status follow_join(struct server *server, struct follow_member *member, const struct varve_filter *filter,
                              uint64_t position, struct varve_error *error)
{
    struct follow *follow = server->follow;
    uint32_t batch_bytes = member->batch_bytes != 0 ? member->batch_bytes : SERVER_BATCH_BYTES;
    struct follower *f = follow->recent;

    assert(member->follower == NULL && position <= varve_store_last_position(server->store));
    if (f == NULL || !stands_at(f, filter, batch_bytes, position)) {
        uint64_t hash = hash_filter(filter);

        f = find(follow, filter, hash, batch_bytes, position);
        if (f == NULL) {
            enum varve_status status = place(server, filter, hash, batch_bytes, position, &f, error);
            if (status != VARVE_OK)
                return status;
        }
        follow->recent = f;
    }
    add_member(f, member);
    return VARVE_OK;
}

/* ---- beginning and end ------------------------------------------------------------------------------------------ */

void follow_give_room(struct server *server)
{
    if (server->follow->ready.first != NULL)
        wake(server->follow);
}

bool follow_is_idle(const struct server *server)
{
    return server->follow->away_count == 0;
}

enum varve_status follow_start(struct server *server, struct varve_error *error)
{
    server->follow = calloc(1, sizeof(*server->follow));
    if (server->follow == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory to follow the log");
    server->follow->server = server;
    server->follow->look.finish = look;
    varve_store_on_growth(server->store, on_growth, server->follow);
    return VARVE_OK;
}

void follow_end(struct server *server)
{
    if (server->follow == NULL)
        return;
    assert(server->follow->count == 0 && server->follow->away_count == 0);
    free(server->follow);
    server->follow = NULL;
}
