/* http_metrics.c - GET /metrics: looked at on the loop, made into text on a reader thread. */
#include "http_handlers.h"

#include <stdlib.h>

#include "metrics_write.h"

struct scrape {
    struct http_work work;
    struct server *server;
    struct metrics_look look;
    struct varve_wire_buffer out;
    struct varve_error error;
    enum varve_status status;
};

static void end(struct scrape *scrape)
{
    metrics_look_end(&scrape->look);
    varve_wire_buffer_free(&scrape->out);
    free(scrape);
}

static void work(struct http_work *work)
{
    struct scrape *scrape = (struct scrape *)work; /* Its first member. */

    scrape->status = metrics_write(scrape->server, &scrape->look, &scrape->out, &scrape->error);
}

static void done(struct http_work *work)
{
    struct scrape *scrape = (struct scrape *)work;

    if (scrape->status == VARVE_OK)
        http_reply(work->request, 200, "text/plain; version=0.0.4; charset=utf-8", &scrape->out);
    else
        http_reply_error(work->request, &scrape->error);
    end(scrape);
}

static void refuse(struct http_request *request)
{
    struct varve_error error = { .status = VARVE_NO_MEMORY };

    varve_fail(&error, VARVE_NO_MEMORY, NULL, "the server has no memory for this request");
    http_reply_error(request, &error);
}

void handle_http_metrics(struct http_request *request)
{
    struct server *server = http_server(request);
    struct scrape *scrape = calloc(1, sizeof(*scrape));

    if (scrape == NULL || !metrics_look(server, &scrape->look)) {
        free(scrape);
        refuse(request);
        return;
    }
    scrape->server = server;
    scrape->work.work = work;
    scrape->work.done = done;
    if (!http_send_away(request, &scrape->work, metrics_write_bytes(server, &scrape->look)))
        end(scrape);
}
