/* submit.c - see submit.h. The committer calls back on its own thread, and the completion brings the outcome home. */
#include "submit.h"

#include <stdlib.h>

#include "follow.h"
#include "reply.h"
#include "saga_claims.h"

enum {
    QUICK_GROUP_US = 2000,
    QUICK_GROUP_BYTES = 1024 * 1024, /* to write and to sync more takes several milliseconds */
};

static size_t describe(const struct request *request, struct log_field *ret_fields)
{
    const struct varve_append *append = ((const struct submission *)request)->append; /* Its first member. */
    const struct varve_append_outcome *outcome = varve_append_get_outcome(append);
    size_t count = 0;

    ret_fields[count++] = log_view("stream", varve_append_first_stream(append));
    if (outcome->status == VARVE_OK && outcome->stream_count > 0)
        ret_fields[count++] = log_number("position", outcome->results[0].first_position);
    return count;
}

static const struct request_kind submission_kind = { .describe = describe };

/* The client may be gone by now; the append is durable all the same. */
static void finish(struct completion *completion)
{
    struct submission *submission = (struct submission *)((char *)completion -
                                                          offsetof(struct submission, completion));
    const struct varve_append_outcome *outcome = varve_append_get_outcome(submission->append);

    if (outcome->status >= VARVE_IO)
        session_server(submission->request.session)->fault_suspected = true;
    submission->done(submission, outcome);
    struct varve_append *append = submission->append;
    session_end(&submission->request); /* Looks at it. */
    varve_append_free(append);
    free(submission);
}

/* On the committer's thread. */
static void on_done(struct varve_append *append, void *user)
{
    struct submission *submission = user;

    completions_push(&session_server(submission->request.session)->completions, &submission->completion);
}

static bool queue(struct session *session, struct submission *submission)
{
    struct varve_error error;
    enum varve_status status = varve_append_queue(submission->append, on_done, submission, &error);

    if (status == VARVE_OK) {
        note_queued(session_server(session), submission->append);
        return true;
    }
    if (status >= VARVE_IO)
        session_server(session)->fault_suspected = true;
    reply_error(session, submission->request.id, &error);
    session_end(&submission->request);
    return false;
}

bool submit(struct session *session, uint32_t request_id, struct submission *submission, struct varve_append *append,
            uint64_t bytes)
{
    bytes += varve_append_size_bytes(append);
    if (!session_begin(session, &submission->request, &submission_kind, request_id, bytes)) {
        varve_append_free(append);
        reply_overloaded(session, request_id, "the server's memory for requests is used up");
        return false;
    }
    submission->request.away = true;
    submission->append = append;
    submission->completion.finish = finish;
    if (queue(session, submission))
        return true;
    varve_append_free(append);
    return false;
}

/* Handing a group to the committer's thread and getting it back costs two wake-ups, as much as half a sync. So the loop
 * commits by itself what came in this turn, if that will be quick and nobody is kept waiting: see
 * docs/decisions/0006-who-commits.md. */
void commit_queued(struct server *server)
{
    bool quick = varve_store_last_group_us(server->store) < QUICK_GROUP_US &&
                 server->queued_bytes <= QUICK_GROUP_BYTES &&
                 figure_get(&server->figures.reads_under_way) == 0 && follow_is_idle(server) &&
                 !saga_claims_are_looking(server);

    server->appends_queued = false;
    server->queued_bytes = 0;
    if (!quick) {
        varve_store_wake(server->store);
        return;
    }
    completions_hold(&server->completions);
    varve_store_commit(server->store);
    server_forget_time(server);
    completions_finish(&server->completions);
}
