/* follow.c - who waits at which place of the log, and whose turn it is to be read for. See follow.h. */
#include "follow_parts.h"

#include <stdlib.h>

#include "outboxes.h"

enum { TURN_US = 5000 }; /* how long the loop reads before it looks at its sockets again */

struct follow {
    struct server *server;
    struct follower_table table;
    struct follower_queue idle, ready, queued;
    uint32_t away_count;
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
    follower_table_remove(&f->server->follow->table, f);
    follower_destroy(f, &f->server->follow->table);
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
    move(f, f->place.position < varve_store_last_position(f->server->store) ? FOLLOWER_READY : FOLLOWER_IDLE);
}

static void log_fault(const struct follower *f, const struct varve_error *error)
{
    if (error->status >= VARVE_IO)
        log_error(&f->server->log, "follow.failed", log_number("after", f->place.position),
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
    struct follower_table *table = &f->server->follow->table;

    follower_table_remove(table, f);
    f->place.position = result->position;
    if (result->error.status == VARVE_OK && follower_table_find(table, &f->place) == NULL)
        follower_table_add(table, f);
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
    follower_table_remove(&f->server->follow->table, f);
    follower_destroy(f, &f->server->follow->table);
}

static void work(struct job *job, struct varve_wire_arena *arena)
{
    follow_read_far((struct follower *)((char *)job - offsetof(struct follower, job)), arena);
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

    if (follow_is_near(server, f->place.position)) {
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
    while (follow->idle.first != NULL && follow->idle.first->place.position < last_position)
        move(follow->idle.first, FOLLOWER_READY);
    step(follow);
}

/* On an engine thread, or on the loop when that commits. */
static void on_growth(void *user, uint64_t last_position)
{
    struct follow *follow = user;

    wake(follow);
    outboxes_wake(follow->server, last_position);
}

/* A new one at this place, ready or idle. */
static enum varve_status begin(struct server *server, const struct follow_place *place, struct follower **ret,
                               struct varve_error *error)
{
    struct follower *f = NULL;
    enum varve_status status = follower_create(server, &server->follow->table, place, &f, error);

    if (status != VARVE_OK)
        return status;
    f->job.work = work;
    f->job.completion.finish = finish;
    follower_table_add(&server->follow->table, f);
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
    const struct follow_place place = {
        .filter = filter, .position = position,
        .batch_bytes = member->batch_bytes != 0 ? member->batch_bytes : SERVER_BATCH_BYTES,
    };

    assert(member->follower == NULL && position <= varve_store_last_position(server->store));
    struct follower *f = follower_table_find(&server->follow->table, &place);
    if (f == NULL) {
        enum varve_status status = begin(server, &place, &f, error);
        if (status != VARVE_OK)
            return status;
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
    assert(server->follow->table.count == 0 && server->follow->away_count == 0);
    free(server->follow);
    server->follow = NULL;
}
