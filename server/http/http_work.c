/* http_work.c - work of a request that may wait for a disk: to a reader thread, and back to the loop. */
#include "http_parts.h"

static void work(struct job *job, struct varve_wire_arena *arena)
{
    struct http_work *work_of = (struct http_work *)((char *)job - offsetof(struct http_work, job));

    work_of->work(work_of);
}

static void finish(struct completion *completion)
{
    struct http_work *done = (struct http_work *)((char *)completion - offsetof(struct http_work, job.completion));
    struct budget *budget = &done->request->http->server->budget;
    uint64_t bytes = done->charged_bytes;

    done->done(done); /* Frees it. */
    budget_give(budget, bytes);
}

bool http_send_away(struct http_request *request, struct http_work *away, uint64_t bytes)
{
    struct server *server = request->http->server;
    bool full = workers_full(&server->workers);

    if (full || !budget_take(&server->budget, bytes)) {
        http_refuse(request, MHD_HTTP_TOO_MANY_REQUESTS, VARVE_OVERLOADED, NULL, "%s",
                    full ? "too much waits for the reader threads" : "the server's memory for requests is used up");
        return false;
    }
    away->request = request;
    away->charged_bytes = bytes;
    away->job = (struct job){ .work = work, .completion.finish = finish };
    workers_submit(&server->workers, &away->job);
    return true;
}
