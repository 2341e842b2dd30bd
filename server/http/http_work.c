/* http_work.c - work of a request that may wait for a disk, or takes long: to another thread, and back to the loop. */
#include "http_parts.h"

static void work(struct job *job, struct varve_wire_arena *arena)
{
    struct http_work *away = (struct http_work *)((char *)job - offsetof(struct http_work, job));

    away->arena = arena;
    away->work(away);
    if (arena != NULL)
        varve_wire_arena_reset(arena); /* An unusually large one gives its memory back. */
}

static struct http_work *work_of(struct completion *completion)
{
    return (struct http_work *)((char *)completion - offsetof(struct http_work, job.completion));
}

static void finish(struct completion *completion)
{
    struct http_work *done = work_of(completion);

    budget_give(&done->request->http->server->budget, done->charged_bytes); /* Nobody takes it before done() has. */
    done->done(done); /* Frees it. */
}

/* False: it was answered why not. */
static bool prepare(struct http_request *request, struct http_work *away, bool full, uint64_t bytes)
{
    if (full || !budget_take(&request->http->server->budget, bytes)) {
        http_refuse(request, MHD_HTTP_TOO_MANY_REQUESTS, VARVE_OVERLOADED, NULL, "%s",
                    full ? "too much waits for the reader threads" : "the server's memory for requests is used up");
        return false;
    }
    away->request = request;
    away->charged_bytes = bytes;
    away->job = (struct job){ .work = work, .completion.finish = finish };
    return true;
}

bool http_send_away(struct http_request *request, struct http_work *away, uint64_t bytes)
{
    struct workers *workers = &request->http->server->workers;

    if (!prepare(request, away, workers_full(workers), bytes))
        return false;
    workers_submit(workers, &away->job);
    return true;
}

/* ---- large bodies ------------------------------------------------------------------------------------------------ */

static void parse_next(struct http *http)
{
    struct job *next = http->parses;

    if (http->parsing || next == NULL)
        return;
    http->parsing = true;
    http->parses = next->next;
    if (http->parses == NULL)
        http->parses_end = &http->parses;
    workers_submit(&http->parser, next);
}

static void finish_parse(struct completion *completion)
{
    struct http *http = work_of(completion)->request->http;

    finish(completion);
    http->parsing = false;
    parse_next(http);
}

bool http_parse_away(struct http_request *request, struct http_work *away, uint64_t bytes)
{
    struct http *http = request->http;

    if (!prepare(request, away, false, bytes)) /* How many wait is bounded by what their bodies were charged. */
        return false;
    away->job.completion.finish = finish_parse;
    *http->parses_end = &away->job;
    http->parses_end = &away->job.next;
    parse_next(http);
    return true;
}
