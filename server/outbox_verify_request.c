/* outbox_verify_request.c - OUTBOX_VERIFY: a thread of its own reads the topics, as long as that takes.
 *
 *   UNDER WAY --thread done--> answered, freed
 *      '--CANCEL, client gone, server stops--> INTERRUPTED --thread done--> freed */
#include "handlers.h"

#include <assert.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "outbox_requests.h"
#include "reply.h"
#include "varve/wire_outbox.h"

enum { FIGURES = 16, VERIFY_BYTES = 64 * 1024 };

struct verification {
    struct request request;          /* request.session NULL: nobody waits for it */
    struct completion completion;
    struct verification *next;       /* of server->verifications */
    struct server *server;
    struct outbox *outbox;
    uint64_t depth;
    pthread_t thread;
    atomic_bool interrupted;

    /* The thread's, until its completion. */
    enum varve_status status;
    struct varve_error error;
    struct outbox_verification found;
};

/* ---- its thread ------------------------------------------------------------------------------------------------- */

static bool is_interrupted(void *user)
{
    struct verification *verification = user;

    return atomic_load_explicit(&verification->interrupted, memory_order_relaxed);
}

static void *run(void *user)
{
    struct verification *verification = user;

    verification->status = outbox_verify(verification->outbox, verification->depth, is_interrupted, verification,
                                         &verification->found, &verification->error);
    completions_push(&verification->server->completions, &verification->completion);
    return NULL;
}

/* Signals are the main thread's. */
static bool start_thread(struct verification *verification)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&verification->thread, NULL, run, verification) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

/* ---- on the loop ------------------------------------------------------------------------------------------------ */

static size_t list_figures(const struct outbox_verification *found, struct varve_stat ret[FIGURES])
{
    size_t count = 0;

#define NUMBER(figure, value) ret[count++] = (struct varve_stat){ .name = varve_view_str(figure), .number = (value) }
    NUMBER("agrees", found->finding[0] == '\0');
    NUMBER("records", found->records);
    NUMBER("events", found->events);
    NUMBER("missing", found->missing);
    NUMBER("duplicates", found->duplicates);
    NUMBER("disordered", found->disordered);
    NUMBER("foreign", found->foreign);
    NUMBER("above_checkpoint", found->above_checkpoint);
    NUMBER("wrong_partition", found->wrong_partition);
    NUMBER("different", found->different);
    NUMBER("first_position", found->first_position);
    NUMBER("last_position", found->last_position);
    NUMBER("checkpoint", found->checkpoint);
#undef NUMBER
    ret[count++] = (struct varve_stat){ .name = varve_view_str("finding"), .is_text = true,
                                        .text = varve_view_str(found->finding) };
    assert(count <= FIGURES);
    return count;
}

static void answer(struct verification *verification)
{
    struct session *session = verification->request.session;
    struct varve_stat figures[FIGURES];

    if (verification->status == VARVE_OK) {
        varve_encode_outbox_verify_ok(session_out(session), verification->request.id, figures,
                                      list_figures(&verification->found, figures));
        session_sent(session);
    } else {
        verification->error.status = verification->status;
        reply_error(session, verification->request.id, &verification->error);
    }
    session_end(&verification->request);
}

static void forget(struct verification *verification)
{
    struct verification **at = &verification->server->verifications;

    while (*at != verification)
        at = &(*at)->next;
    *at = verification->next;
}

static void finish(struct completion *completion)
{
    struct verification *verification =
        (struct verification *)((char *)completion - offsetof(struct verification, completion));

    pthread_join(verification->thread, NULL);
    forget(verification);
    if (verification->request.session != NULL)
        answer(verification);
    free(verification);
}

/* Nobody waits for it any more. */
static void let_go(struct verification *verification, const struct varve_error *why)
{
    struct request *request = &verification->request;

    atomic_store_explicit(&verification->interrupted, true, memory_order_relaxed);
    if (why != NULL)
        reply_error(request->session, request->id, why);
    session_end(request);
    request->session = NULL;
}

/* Also when the peer only sends no more: what would wait for the answer is most likely gone, and it takes long. */
static void stop(struct request *request, const struct varve_error *why)
{
    let_go((struct verification *)request, why); /* Its first member. */
}

static void cancel(struct request *request, const struct varve_error *why)
{
    let_go((struct verification *)request, why);
}

static const struct request_kind verify_kind = { .stop = stop, .cancel = cancel, .noun = "verification" };

static bool is_under_way(const struct server *server, const struct outbox *outbox)
{
    const struct verification *verification = server->verifications;

    while (verification != NULL && verification->outbox != outbox)
        verification = verification->next;
    return verification != NULL;
}

static enum varve_status check(struct session *session, uint32_t request_id, struct varve_view body,
                               struct outbox **ret_outbox, uint64_t *ret_depth, struct varve_error *error)
{
    const struct request *other = request_list_find(session_requests(session), request_id);
    struct varve_view name;
    enum varve_status status = varve_decode_outbox_verify(body, &name, ret_depth, error);

    if (status == VARVE_OK)
        status = outbox_requests_find(session_server(session), name, ret_outbox, error);
    if (status == VARVE_OK && other != NULL)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "request_id", "a %s with this request's id is under way",
                          other->kind->noun);
    if (status == VARVE_OK && is_under_way(session_server(session), *ret_outbox))
        return varve_fail(error, VARVE_OUTBOX_BUSY, NULL, "the outbox is being verified already");
    return status;
}

static void begin(struct session *session, uint32_t request_id, struct verification *verification)
{
    struct server *server = session_server(session);

    verification->next = server->verifications;
    server->verifications = verification;
    if (start_thread(verification))
        return;
    forget(verification);
    reply_no_memory(session, request_id);
    session_end(&verification->request);
    free(verification);
}

void handle_outbox_verify(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct outbox *outbox = NULL;
    struct varve_error error = { .status = VARVE_OK };
    uint64_t depth = 0;

    if (check(session, frame->request_id, body, &outbox, &depth, &error) != VARVE_OK) {
        reply_error(session, frame->request_id, &error);
        return;
    }
    struct verification *verification = calloc(1, sizeof(*verification));
    if (verification == NULL) {
        reply_no_memory(session, frame->request_id);
        return;
    }
    verification->server = session_server(session);
    verification->outbox = outbox;
    verification->depth = depth;
    verification->completion.finish = finish;
    if (session_begin(session, &verification->request, &verify_kind, frame->request_id, VERIFY_BYTES)) {
        begin(session, frame->request_id, verification);
    } else {
        free(verification);
        reply_overloaded(session, frame->request_id, "the server's memory for requests is used up");
    }
}

void outbox_verifications_end(struct server *server)
{
    for (struct verification *one = server->verifications; one != NULL; one = one->next)
        atomic_store_explicit(&one->interrupted, true, memory_order_relaxed);
    for (struct verification *one = server->verifications; one != NULL; one = one->next)
        pthread_join(one->thread, NULL);
    completions_drop(&server->completions);
    while (server->verifications != NULL) {
        struct verification *one = server->verifications;

        server->verifications = one->next;
        free(one);
    }
}
