/* saga_claims.c - see saga_claims.h. All of it on the loop but the lock. */
#include "saga_claims_parts.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "handlers.h"
#include "reply.h"

enum {
    TYPE_BITS = 64, /* of types, those with equal hashes are told of each other's changes */
    LOOK_BYTES = 2 * (SAGA_CLAIM_BYTES + VARVE_SAGA_MAX_STATE), /* what a look may make: states, and the answer */
};

/* Claims that wait for the same. */
struct claim_line {
    struct claim_line *next, *previous;
    struct claim *first, *last; /* the first one looks */
    uint64_t seen;              /* changes, at the last look, which found nothing; UINT64_MAX: it did not */
};

struct saga_claims {
    struct server *server;
    pthread_mutex_t lock;
    struct saga_leases *leases; /* under the lock */
    uint64_t seed;
    uint64_t freed_seen;        /* of saga_leases_freed() */
    uint64_t ids;
    uint64_t changes[TYPE_BITS];
    struct claim_line *lines;
    uint32_t waiting, looking;
    uv_timer_t timer;
    uint64_t timer_due_ms;      /* UINT64_MAX: it is not running */
};

/* ---- leases ----------------------------------------------------------------------------------------------------- */

struct saga_leases *saga_claims_lock(struct server *server)
{
    struct saga_claims *claims = server->saga_claims;

    pthread_mutex_lock(&claims->lock);
    saga_leases_end_due(claims->leases, uv_hrtime() / 1000000);
    return claims->leases;
}

void saga_claims_unlock(struct server *server)
{
    pthread_mutex_unlock(&server->saga_claims->lock);
}

static uint64_t *changes_of(struct saga_claims *claims, struct varve_view type)
{
    return &claims->changes[XXH3_64bits_withSeed(type.data, type.size, claims->seed) % TYPE_BITS];
}

static void on_timer(uv_timer_t *timer);

static void due(struct saga_claims *claims, uint64_t due_ms)
{
    uint64_t now_ms = uv_now(&claims->server->loop);

    if (due_ms >= claims->timer_due_ms)
        return;
    claims->timer_due_ms = due_ms;
    uv_timer_start(&claims->timer, on_timer, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

/* Whatever became of the leases: those who wait may look if one ended; and when the next one ends we are here again. */
static void note_leases(struct saga_claims *claims)
{
    const struct saga_leases *leases = saga_claims_lock(claims->server);
    uint64_t freed = saga_leases_freed(leases), next_end_ms = saga_leases_next_end(leases);

    figure_set(&claims->server->figures.saga_leases, saga_leases_count(leases));
    saga_claims_unlock(claims->server);
    if (freed != claims->freed_seen) {
        for (size_t i = 0; i < TYPE_BITS; i++)
            claims->changes[i]++;
        due(claims, 0);
    }
    claims->freed_seen = freed;
    due(claims, next_end_ms);
}

void saga_claims_changed(struct server *server, struct varve_view type, struct varve_view id, int64_t version)
{
    struct saga_claims *claims = server->saga_claims;
    struct saga_leases *leases = saga_claims_lock(server);

    saga_leases_changed(leases, type, id, version);
    figure_set(&server->figures.saga_leases, saga_leases_count(leases));
    saga_claims_unlock(server);
    ++*changes_of(claims, type);
    if (claims->waiting > 0)
        due(claims, 0);
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

static bool wants_the_same(const struct varve_saga_claim *a, const struct varve_saga_claim *b)
{
    return a->statuses == b->statuses && varve_view_equal(a->type, b->type) &&
           a->step.size == b->step.size && (a->step.size == 0 || varve_view_equal(a->step, b->step));
}

/* A new one at the front when there is none. NULL: no memory. */
static struct claim_line *line_for(struct saga_claims *claims, const struct claim *claim)
{
    struct claim_line *line = claims->lines;

    while (line != NULL && !wants_the_same(&line->first->what, &claim->what))
        line = line->next;
    if (line != NULL || (line = calloc(1, sizeof(*line))) == NULL)
        return line;
    line->seen = claim->seen;
    line->next = claims->lines;
    if (line->next != NULL)
        line->next->previous = line;
    claims->lines = line;
    return line;
}

static bool join_line(struct saga_claims *claims, struct claim *claim)
{
    struct claim_line *line = line_for(claims, claim);

    if (line == NULL)
        return false;
    claim->line = line;
    claim->previous = line->last;
    claim->next = NULL;
    if (line->last != NULL)
        line->last->next = claim;
    else
        line->first = claim;
    line->last = claim;
    figure_set(&claims->server->figures.saga_claims_waiting, ++claims->waiting);
    return true;
}

static void drop_line(struct saga_claims *claims, struct claim_line *line)
{
    if (line->previous != NULL)
        line->previous->next = line->next;
    else
        claims->lines = line->next;
    if (line->next != NULL)
        line->next->previous = line->previous;
    free(line);
}

static void leave_line(struct saga_claims *claims, struct claim *claim)
{
    struct claim_line *line = claim->line;

    if (line == NULL)
        return;
    if (claim->previous != NULL)
        claim->previous->next = claim->next;
    else
        line->first = claim->next;
    if (claim->next != NULL)
        claim->next->previous = claim->previous;
    else
        line->last = claim->previous;
    claim->line = NULL;
    figure_set(&claims->server->figures.saga_claims_waiting, --claims->waiting);
    if (line->first == NULL)
        drop_line(claims, line);
    else
        due(claims, 0); /* Another one is the first now. */
}

/* ---- one claim -------------------------------------------------------------------------------------------------- */

static void end_claim(struct claim *claim)
{
    leave_line(claim->server->saga_claims, claim);
    varve_wire_buffer_free(&claim->out);
    session_end(&claim->request);
    free(claim);
}

static void fail_claim(struct claim *claim, const struct varve_error *why)
{
    reply_error(claim->request.session, claim->request.id, why);
    end_claim(claim);
}

static void answer_nothing(struct claim *claim)
{
    varve_encode_saga_claim_ok(session_out(claim->request.session), claim->request.id, NULL, 0);
    session_sent(claim->request.session);
    end_claim(claim);
}

static void send_away(struct claim *claim)
{
    claim->server->saga_claims->looking++;
    claim->request.away = true;
    workers_submit(&claim->server->workers, &claim->job);
}

static void look(struct claim *claim)
{
    if (!claim->charged && !session_take_room(&claim->request, LOOK_BYTES)) {
        claim->held = true;
        return;
    }
    claim->held = false;
    claim->charged = true;
    claim->look = (struct saga_look){ .status_at = 0 };
    claim->seen = *changes_of(claim->server->saga_claims, claim->what.type);
    send_away(claim);
}

/* One at a time, the first for whom there is room: who does not take what he is sent keeps nobody waiting behind him.
 */
static void look_for_line(struct claim_line *line)
{
    struct claim *claim = line->first;

    while (claim != NULL && !claim->request.away &&
           *changes_of(claim->server->saga_claims, claim->what.type) != line->seen) {
        look(claim);
        claim = claim->held ? claim->next : NULL;
    }
}

/* It found nothing. */
static void wait_on(struct claim *claim)
{
    struct saga_claims *claims = claim->server->saga_claims;
    bool was_in_line = claim->line != NULL;
    struct varve_error error;

    if (claim->until_ms <= uv_now(&claim->server->loop) || !session_is_open(claim->request.session)) {
        answer_nothing(claim);
    } else if (claim->line == NULL && claims->waiting == SAGA_MAX_WAITING) {
        varve_fail(&error, VARVE_OVERLOADED, NULL, "%d claims wait for sagas, and no more may", SAGA_MAX_WAITING);
        fail_claim(claim, &error);
    } else if (claim->line == NULL && !join_line(claims, claim)) {
        varve_fail(&error, VARVE_NO_MEMORY, NULL, "the server has no memory for this claim");
        fail_claim(claim, &error);
    } else {
        session_wait_for_peer(&claim->request, true); /* Not counted against max_requests: or CANCEL is not heard. */
        if (was_in_line || claim == claim->line->first)
            claim->line->seen = claim->seen;
        due(claims, claim->until_ms);
        look_for_line(claim->line); /* What changed meanwhile? */
    }
}

static void answer(struct claim *claim)
{
    struct server *server = claim->server;

    figure_add(&server->figures.saga_claims, 1);
    figure_add(&server->figures.sagas_claimed, claim->look.given_count);
    log_debug(&server->log, "saga.claimed", log_view("type", claim->what.type), log_view("worker", claim->what.worker),
              log_number("sagas", claim->look.given_count));
    session_send_buffer(claim->request.session, &claim->out);
    if (claim->line != NULL)
        claim->line->seen = UINT64_MAX; /* There may be more, for the next one. */
    end_claim(claim);
}

/* Why one that found nothing cannot go on; VARVE_OK when it can. */
static enum varve_status find_obstacle(const struct claim *claim, struct varve_error *ret)
{
    *ret = claim->error.status != VARVE_OK ? claim->error : claim->why_ended;
    if (ret->status == VARVE_OK && claim->server->stopping)
        return varve_fail(ret, VARVE_NOT_READY, NULL, "the server is stopping");
    return ret->status;
}

/* Nobody is there to be given anything. */
static void abandon(struct claim *claim)
{
    claim->request.status = VARVE_CANCELLED;
    end_claim(claim);
}

static void came_back(struct claim *claim)
{
    struct varve_error obstacle = { .status = VARVE_OK };

    if (session_is_closing(claim->request.session)) {
        saga_leases_give_back(saga_claims_lock(claim->server), claim->id);
        saga_claims_unlock(claim->server);
        abandon(claim);
    } else if (claim->look.given_count > 0) {
        answer(claim);
    } else if (find_obstacle(claim, &obstacle) != VARVE_OK) {
        fail_claim(claim, &obstacle);
    } else if (claim->looked_enough) {
        send_away(claim);
    } else {
        session_give_room(&claim->request, LOOK_BYTES);
        claim->charged = false;
        wait_on(claim);
    }
}

static void finish(struct completion *completion)
{
    struct claim *claim = (struct claim *)((char *)completion - offsetof(struct claim, job.completion));
    struct saga_claims *claims = claim->server->saga_claims;

    if (claim->error.status >= VARVE_IO)
        log_error(&claim->server->log, "saga.claim_failed", log_view("type", claim->what.type),
                  log_text("error", varve_status_name(claim->error.status)),
                  log_text("message", claim->error.message));
    claims->looking--;
    claim->request.away = false;
    came_back(claim);
    note_leases(claims);
}

static void on_timer(uv_timer_t *timer)
{
    struct saga_claims *claims = timer->data;
    uint64_t now_ms = uv_now(&claims->server->loop);

    claims->timer_due_ms = UINT64_MAX;
    for (struct claim_line *line = claims->lines, *next_line; line != NULL; line = next_line) {
        next_line = line->next;
        look_for_line(line);
        for (struct claim *claim = line->first, *next; claim != NULL; claim = next) {
            next = claim->next; /* With the last of its claims the line ends, too. */
            if (claim->until_ms > now_ms)
                due(claims, claim->until_ms);
            else if (!claim->request.away)
                answer_nothing(claim);
        }
    }
    note_leases(claims);
}

bool saga_claims_are_looking(const struct server *server)
{
    return server->saga_claims->looking > 0;
}

/* ---- as a request ----------------------------------------------------------------------------------------------- */

static void stop(struct request *request, const struct varve_error *why)
{
    struct claim *claim = (struct claim *)request;

    if (why != NULL)
        fail_claim(claim, why);
    else if (session_is_closing(request->session))
        abandon(claim);
    else if (claim->line != NULL)
        answer_nothing(claim); /* Who sends no more is gone, most likely: no saga should be leased to him. */
}

static void room(struct request *request)
{
    struct claim *claim = (struct claim *)request;

    if (claim->held)
        look(claim);
}

static void cancel(struct request *request, const struct varve_error *why)
{
    struct claim *claim = (struct claim *)request;

    if (request->away)
        claim->why_ended = *why;
    else
        fail_claim(claim, why);
}

static const struct request_kind claim_kind = { .stop = stop, .room = room, .cancel = cancel, .noun = "claim" };

static void work(struct job *job, struct varve_wire_arena *arena)
{
    saga_look((struct claim *)((char *)job - offsetof(struct claim, job)));
}

static struct varve_view keep(char *room, struct varve_view text)
{
    if (text.size > 0)
        memcpy(room, text.data, text.size); /* The decoder checked its size. */
    return varve_view_of(room, text.size);
}

static struct claim *create(struct server *server, const struct varve_saga_claim *what)
{
    struct claim *claim = calloc(1, sizeof(*claim));

    if (claim == NULL)
        return NULL;
    claim->what = *what;
    claim->what.type = keep(claim->type, what->type);
    claim->what.step = keep(claim->step, what->step);
    claim->what.worker = keep(claim->worker, what->worker);
    if (what->statuses == 0)
        claim->what.statuses = VARVE_SAGA_UNFINISHED;
    claim->server = server;
    claim->id = ++server->saga_claims->ids;
    claim->until_ms = uv_now(&server->loop) + what->wait_ms;
    claim->job = (struct job){ .work = work, .completion.finish = finish };
    return claim;
}

static enum varve_status check(struct session *session, uint32_t id, struct varve_error *error)
{
    const struct request *other = request_list_find(session_requests(session), id);

    if (other != NULL)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "request_id", "a %s with this request's id is under way",
                          other->kind->noun);
    if (workers_full(&session_server(session)->workers))
        return varve_fail(error, VARVE_OVERLOADED, NULL, "too much waits for the reader threads");
    return VARVE_OK;
}

void handle_saga_claim(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct varve_saga_claim what;
    struct varve_error error;

    if (varve_decode_saga_claim(body, &what, &error) != VARVE_OK ||
        check(session, frame->request_id, &error) != VARVE_OK) {
        reply_error(session, frame->request_id, &error);
        return;
    }
    struct claim *claim = create(session_server(session), &what);
    if (claim == NULL) {
        reply_no_memory(session, frame->request_id);
        return;
    }
    if (!session_begin(session, &claim->request, &claim_kind, frame->request_id, sizeof(*claim))) {
        free(claim);
        reply_overloaded(session, frame->request_id, "the server's memory for requests is used up");
        return;
    }
    look(claim);
}

/* ---- beginning and end ------------------------------------------------------------------------------------------ */

enum varve_status saga_claims_start(struct server *server, struct varve_error *error)
{
    struct saga_claims *claims = calloc(1, sizeof(*claims));

    if (claims != NULL)
        memcpy(&claims->seed, server->database_id.bytes, sizeof(claims->seed));
    if (claims == NULL || (claims->leases = saga_leases_create(SAGA_MAX_LEASES, claims->seed)) == NULL) {
        free(claims);
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for claims of sagas");
    }
    claims->server = server;
    claims->timer_due_ms = UINT64_MAX;
    pthread_mutex_init(&claims->lock, NULL);
    uv_timer_init(&server->loop, &claims->timer);
    claims->timer.data = claims;
    server->saga_claims = claims;
    return VARVE_OK;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void saga_claims_end(struct server *server)
{
    struct saga_claims *claims = server->saga_claims;

    if (claims == NULL)
        return;
    assert(claims->lines == NULL);
    saga_leases_free(claims->leases);
    pthread_mutex_destroy(&claims->lock);
    server->saga_claims = NULL;
    uv_close((uv_handle_t *)&claims->timer, on_closed);
}
