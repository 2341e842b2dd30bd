/* api_look.c - a look at the store on behalf of a request: away to a reader thread, and its answer back. */
#include "api.h"

#include <stdlib.h>

static void end(struct api_look *look)
{
    varve_wire_buffer_free(&look->out);
    free(look);
}

static void work(struct http_work *away)
{
    struct api_look *look = (struct api_look *)away; /* Its first member. */

    look->make(look);
}

static void done(struct http_work *away)
{
    struct api_look *look = (struct api_look *)away;
    struct http_request *request = away->request;

    if (look->error.status >= VARVE_IO)
        log_error(&look->server->log, "lookup.failed", log_text("error", varve_status_name(look->error.status)),
                  log_text("message", look->error.message));
    if (look->error.status != VARVE_OK) {
        http_reply_error(request, &look->error);
    } else if (look->needs > look->bytes) {
        api_look_begin(request, look, look->needs);
        return;
    } else if (look->then != NULL) {
        look->then(look, request);
    } else {
        varve_json_write_raw(&look->out, "\n");
        http_reply(request, 200, "application/json", &look->out);
    }
    end(look);
}

void api_look_begin(struct http_request *request, struct api_look *look, uint64_t bytes)
{
    look->server = http_server(request);
    look->work.work = work;
    look->work.done = done;
    look->bytes = bytes;
    if (!http_send_away(request, &look->work, bytes))
        end(look);
}

void *api_look_create(struct http_request *request, size_t size)
{
    void *look = calloc(1, size);
    struct varve_error error = { .status = VARVE_OK };

    if (look == NULL) {
        varve_fail(&error, VARVE_NO_MEMORY, NULL, "the server has no memory for this request");
        http_reply_error(request, &error);
    }
    return look;
}

void api_look_refuse(struct http_request *request, struct api_look *look, const struct varve_error *error)
{
    end(look);
    http_reply_error(request, error);
}
