/* api_outboxes.c - GET /v1/outboxes and /v1/outboxes/{name}: how outboxes are. The figures are those of OUTBOX_LIST. */
#include "api.h"

#include <stdlib.h>

#include "outbox_requests.h"
#include "outbox_status.h"

enum { BYTES_PER_OUTBOX = 4 * 1024 + OUTBOX_STATUS_MOST * 128 }; /* in the answer */

struct outbox_look {
    struct api_look look;         /* first */
    struct outbox *one;           /* NULL: all */
    struct outbox_status status;
};

static void write_status(struct varve_wire_buffer *out, const struct outbox_status *status)
{
    char name[64];

    varve_json_write_raw(out, "{");
    for (size_t i = 0; i < status->count; i++) {
        const struct varve_stat *stat = &status->stats[i];

        snprintf(name, sizeof(name), "%.*s", (int)stat->name.size, stat->name.data);
        if (stat->is_text)
            varve_json_member_text(out, name, stat->text);
        else if (varve_outbox_figure_is_bool(stat->name))
            varve_json_member_bool(out, name, stat->number != 0);
        else
            varve_json_member_number(out, name, stat->number);
    }
    varve_json_write_raw(out, "}");
}

static void make_one(struct api_look *all)
{
    struct outbox_look *look = (struct outbox_look *)all;

    outbox_status_look(look->one, &look->status);
    write_status(&all->out, &look->status);
}

static void make_all(struct api_look *all)
{
    struct outbox_look *look = (struct outbox_look *)all;

    varve_json_write_raw(&all->out, "{\"outboxes\":[");
    for (size_t i = 0; i < outboxes_count(all->server); i++) {
        varve_json_item(&all->out);
        outbox_status_look(outboxes_at(all->server, i), &look->status);
        write_status(&all->out, &look->status);
    }
    varve_json_write_raw(&all->out, "]}");
}

void handle_api_outboxes(struct http_request *request)
{
    struct outbox_look *look = api_look_create(request, sizeof(*look));

    if (look == NULL)
        return;
    look->look.make = make_all;
    api_look_begin(request, &look->look,
                   sizeof(*look) + (outboxes_count(http_server(request)) + 1) * BYTES_PER_OUTBOX);
}

void handle_api_outbox(struct http_request *request)
{
    struct outbox_look *look = api_look_create(request, sizeof(*look));
    struct varve_error error = { .status = VARVE_OK };

    if (look == NULL)
        return;
    look->look.make = make_one;
    if (outbox_requests_find(http_server(request), http_path_part(request, 0), &look->one, &error) != VARVE_OK)
        api_look_refuse(request, &look->look, &error);
    else
        api_look_begin(request, &look->look, sizeof(*look) + BYTES_PER_OUTBOX);
}
