/* saga_deadlines.c - see saga_deadlines.h. */
#include "saga_deadlines.h"

#include <stdlib.h>
#include <string.h>

#include "saga_claims.h"
#include "system_append.h"
#include "varve/transact.h"

/* Only these have a deadline that can pass. */
#define MAY_TIME_OUT (1u << VARVE_SAGA_RUNNING | 1u << VARVE_SAGA_COMPENSATING)
enum { BYTES_PER_SAGA = 8192 }; /* a row as listed, its change, its event; generously */

struct saga_deadlines {
    struct server *server;
    uv_timer_t timer;
    struct job job;
    struct completion committed;
    bool away;                    /* LOOKING or COMMITTING */
    bool once_more;               /* its timer came meanwhile */
    uint32_t portion;             /* smaller after a refusal, which undoes a whole portion */
    uint8_t cursor[VARVE_SAGA_MAX_CURSOR];
    uint32_t cursor_size;         /* of the list that is gone through; 0: from the beginning */
    uint64_t retry_ms;            /* not before; uv_now() */
    /* With the reader thread while looking, then what is on its way: */
    struct varve_saga_list *list;
    struct varve_append *append;
    struct varve_error error;     /* status VARVE_OK: none */
};

uint64_t saga_deadlines_bound(void)
{
    return sizeof(struct saga_deadlines) + (uint64_t)SAGA_DEADLINES_PORTION * BYTES_PER_SAGA;
}

/* ---- on a reader thread ----------------------------------------------------------------------------------------- */

static void list_due(struct saga_deadlines *deadlines)
{
    const struct varve_os *os = deadlines->server->limits.os;
    struct varve_saga_query query;

    varve_saga_query_init(&query);
    query.order = VARVE_SAGA_BY_DEADLINE;
    query.statuses = MAY_TIME_OUT;
    query.deadline_before_us = os->now_us(os->self) + 1;
    query.after = varve_view_of((char *)deadlines->cursor, deadlines->cursor_size);
    query.limit = deadlines->portion;
    varve_saga_list(deadlines->server->store, &query, &deadlines->list, &deadlines->error);
}

static void make_append(struct saga_deadlines *deadlines)
{
    struct varve_saga_change changes[SAGA_DEADLINES_PORTION];
    struct varve_transact transact = { .sagas = changes, .saga_count = deadlines->list->count };

    for (size_t i = 0; i < transact.saga_count; i++) {
        const struct varve_saga *saga = &deadlines->list->sagas[i];
        changes[i] = (struct varve_saga_change){ .action = VARVE_SAGA_TIME_OUT, .type = saga->type, .id = saga->id,
                                                 .expected = saga->version, .deadline_us = VARVE_TIME_NONE };
    }
    varve_transact_create(deadlines->server->store, &transact, &deadlines->append, &deadlines->error);
}

static void work(struct job *job, struct varve_wire_arena *arena)
{
    struct saga_deadlines *deadlines = (struct saga_deadlines *)((char *)job - offsetof(struct saga_deadlines, job));

    list_due(deadlines);
    if (deadlines->error.status == VARVE_OK && deadlines->list->count > 0)
        make_append(deadlines);
}

/* ---- on the loop ------------------------------------------------------------------------------------------------ */

static void look(struct saga_deadlines *deadlines)
{
    deadlines->away = true;
    deadlines->error.status = VARVE_OK;
    workers_submit(&deadlines->server->workers, &deadlines->job);
}

static void drop(struct saga_deadlines *deadlines)
{
    varve_append_free(deadlines->append);
    free(deadlines->list);
    deadlines->append = NULL;
    deadlines->list = NULL;
}

static void begin(struct saga_deadlines *deadlines)
{
    deadlines->once_more = false;
    deadlines->cursor_size = 0;
    look(deadlines);
}

static void rest(struct saga_deadlines *deadlines)
{
    drop(deadlines);
    deadlines->away = false;
    if (deadlines->once_more && !deadlines->server->stopping && deadlines->retry_ms <= uv_now(&deadlines->server->loop))
        begin(deadlines);
}

/* To the next portion, or to the same place when `again`. */
static void go_on(struct saga_deadlines *deadlines, bool again)
{
    if (deadlines->server->stopping || (deadlines->list->end && !again)) {
        rest(deadlines);
        return;
    }
    if (!again) {
        memcpy(deadlines->cursor, deadlines->list->next, deadlines->list->next_size);
        deadlines->cursor_size = deadlines->list->next_size;
    }
    drop(deadlines);
    look(deadlines);
}

/* The next look finds them again. */
static void give_up(struct saga_deadlines *deadlines, const struct varve_error *error)
{
    struct server *server = deadlines->server;

    log_event(&server->log, system_append_passes(error->status) ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR,
              "saga.deadlines_wait", LOG_FIELDS(log_text("error", varve_status_name(error->status)),
                                                log_text("message", error->message)));
    if (error->status >= VARVE_IO)
        server->fault_suspected = true;
    deadlines->retry_ms = uv_now(&server->loop) + SYSTEM_APPEND_RETRY_MS;
    rest(deadlines);
}

static void fired(struct saga_deadlines *deadlines, const struct varve_append_outcome *outcome)
{
    struct server *server = deadlines->server;
    size_t count = deadlines->list->count;

    for (size_t i = 0; i < count; i++)
        saga_claims_changed(server, deadlines->list->sagas[i].type, deadlines->list->sagas[i].id,
                            outcome->results[i].last_version);
    figure_add(&server->figures.saga_deadlines_fired, count);
    if (deadlines->portion < SAGA_DEADLINES_PORTION)
        deadlines->portion *= 2;
    go_on(deadlines, false);
}

/* Somebody was quicker with one of them, or they are more than an append may hold: the others are tried again in
 * smaller company, at last alone. */
static void try_fewer(struct saga_deadlines *deadlines)
{
    bool again = deadlines->portion > 1;

    deadlines->portion = again ? deadlines->portion / 2 : 1;
    go_on(deadlines, again);
}

static void on_committed(struct completion *completion)
{
    struct saga_deadlines *deadlines = (struct saga_deadlines *)((char *)completion -
                                                                 offsetof(struct saga_deadlines, committed));
    const struct varve_append_outcome *outcome = varve_append_get_outcome(deadlines->append);

    if (outcome->status == VARVE_OK)
        fired(deadlines, outcome);
    else if (outcome->conflict_count > 0)
        try_fewer(deadlines);
    else
        give_up(deadlines, &outcome->error);
}

/* On the committer's thread. */
static void on_done(struct varve_append *append, void *user)
{
    struct saga_deadlines *deadlines = user;

    completions_push(&deadlines->server->completions, &deadlines->committed);
}

static void on_looked(struct completion *completion)
{
    struct saga_deadlines *deadlines = (struct saga_deadlines *)((char *)completion -
                                                                 offsetof(struct saga_deadlines, job.completion));

    if (deadlines->error.status == VARVE_OK && deadlines->append == NULL)
        go_on(deadlines, false);
    else if (deadlines->error.status == VARVE_APPEND_TOO_LARGE && deadlines->portion > 1)
        try_fewer(deadlines);
    else if (deadlines->error.status == VARVE_OK && deadlines->server->stopping)
        rest(deadlines);
    else if (deadlines->error.status == VARVE_OK &&
             varve_append_queue(deadlines->append, on_done, deadlines, &deadlines->error) == VARVE_OK)
        deadlines->server->appends_queued = true;
    else
        give_up(deadlines, &deadlines->error);
}

static void on_timer(uv_timer_t *timer)
{
    struct saga_deadlines *deadlines = timer->data;

    if (deadlines->server->stopping || deadlines->retry_ms > uv_now(timer->loop))
        return;
    if (deadlines->away)
        deadlines->once_more = true;
    else
        begin(deadlines);
}

/* ---- beginning and end ------------------------------------------------------------------------------------------ */

enum varve_status saga_deadlines_start(struct server *server, struct varve_error *error)
{
    struct saga_deadlines *deadlines = calloc(1, sizeof(*deadlines));

    if (deadlines == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for the deadlines of sagas");
    deadlines->server = server;
    deadlines->portion = SAGA_DEADLINES_PORTION;
    deadlines->job = (struct job){ .work = work, .completion.finish = on_looked };
    deadlines->committed.finish = on_committed;
    uv_timer_init(&server->loop, &deadlines->timer);
    deadlines->timer.data = deadlines;
    uv_timer_start(&deadlines->timer, on_timer, 0, SAGA_DEADLINES_EVERY_MS);
    server->saga_deadlines = deadlines;
    return VARVE_OK;
}

bool saga_deadlines_are_idle(const struct server *server)
{
    return !server->saga_deadlines->away;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void saga_deadlines_end(struct server *server)
{
    struct saga_deadlines *deadlines = server->saga_deadlines;

    if (deadlines == NULL)
        return;
    assert(!deadlines->away);
    server->saga_deadlines = NULL;
    uv_close((uv_handle_t *)&deadlines->timer, on_closed);
}
