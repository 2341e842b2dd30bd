/* parked_list.c - PARKED_LIST: the table knows which, a reader thread fetches from the log what is known about them. */
#include "handlers.h"

#include <stdlib.h>

#include "group.h"
#include "reply.h"
#include "varve/record.h"

enum { BYTES_PER_ENTRY = 2048, MAX_ENTRIES = 1000 };

struct parked_list {
    struct request request;
    struct job job;
    struct server *server;
    struct varve_wire_buffer out;
    enum varve_status status; /* of the answer */
    bool end;
    uint32_t count;
    struct parked_entry entries[];
};

/* ---- on a reader thread --------------------------------------------------------------------------------------- */

/* NULL: it is there, but cannot be read. */
static enum varve_status fetch(struct parked_list *list, const struct parked_entry *entry,
                               struct parked_picture *ret_picture, struct varve_error *error)
{
    struct varve_event event;
    uint8_t *record = NULL;
    uint32_t size = 0;
    enum varve_status status = varve_store_get(list->server->store, entry->where, &record, &size, error);

    if (status != VARVE_OK)
        return status;
    status = varve_record_decode(record, size, &event);
    if (status == VARVE_OK)
        status = parked_picture_decode(event.data, ret_picture, error);
    free(record);
    return status;
}

static bool is_with_consumers(const struct parked_entry *entry)
{
    return entry->state == PARKED_WANTED || entry->state == PARKED_LOADING || entry->state == PARKED_REPLAYING;
}

static enum varve_status encode(struct parked_list *list, struct parked_picture *pictures,
                                struct varve_parked_event *events, struct varve_error *error)
{
    enum varve_status status = VARVE_OK;
    uint32_t count = 0;

    while (status == VARVE_OK && count < list->count) {
        status = fetch(list, &list->entries[count], &pictures[count], error);
        if (status != VARVE_OK)
            break;
        events[count] = pictures[count].event;
        events[count].replaying = is_with_consumers(&list->entries[count]);
        count++;
    }
    if (status == VARVE_OK)
        varve_encode_parked_list_ok(&list->out, list->request.id, events, count, list->end);
    for (uint32_t i = 0; i < count; i++)
        parked_picture_end(&pictures[i]);
    return status;
}

static void work(struct job *job, struct varve_wire_arena *arena)
{
    struct parked_list *list = (struct parked_list *)((char *)job - offsetof(struct parked_list, job));
    struct parked_picture *pictures = calloc(list->count + 1, sizeof(*pictures));
    struct varve_parked_event *events = calloc(list->count + 1, sizeof(*events));
    struct varve_wire_error wire = { .error = { .status = VARVE_OK } };

    if (pictures == NULL || events == NULL)
        varve_fail(&wire.error, VARVE_NO_MEMORY, NULL, "the server has no memory for this request");
    else
        encode(list, pictures, events, &wire.error);
    list->status = wire.error.status;
    if (list->status != VARVE_OK)
        varve_encode_error(&list->out, list->request.id, &wire);
    free(pictures);
    free(events);
}

/* ---- on the loop ---------------------------------------------------------------------------------------------- */

static void finish(struct completion *completion)
{
    struct parked_list *list = (struct parked_list *)((char *)completion -
                                                      offsetof(struct parked_list, job.completion));

    list->request.status = list->status;
    if (list->status != VARVE_OK)
        figure_add(&list->server->figures.requests_failed, 1);
    session_send_buffer(list->request.session, &list->out);
    session_end(&list->request);
    free(list);
}

static const struct request_kind list_kind = { .stop = NULL };

static struct parked_list *create(struct server *server, const struct group *group,
                                  const struct varve_parked_request *request)
{
    uint32_t limit = request->limit < MAX_ENTRIES ? request->limit : MAX_ENTRIES;
    struct parked_list *list = calloc(1, sizeof(*list) + limit * sizeof(struct parked_entry));
    struct parked_entry *entry = parked_table_next(&group->parked, request->position);

    if (list == NULL)
        return NULL;
    for (; entry != NULL && list->count < limit; entry = parked_table_next(&group->parked, entry->position))
        list->entries[list->count++] = *entry;
    list->end = entry == NULL;
    list->server = server;
    list->job.work = work;
    list->job.completion.finish = finish;
    return list;
}

void handle_parked_list(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct server *server = session_server(session);
    struct varve_parked_request request;
    struct varve_error error = { .status = VARVE_OK };
    struct group *group = NULL;

    if (varve_decode_parked(body, frame->opcode, &request, &error) == VARVE_OK)
        group = groups_need(server->groups, request.group, &error);
    if (group == NULL) {
        reply_error(session, frame->request_id, &error);
        return;
    }
    if (workers_full(&server->workers)) {
        reply_overloaded(session, frame->request_id, "too much waits for the reader threads");
        return;
    }
    struct parked_list *list = create(server, group, &request);
    if (list == NULL) {
        reply_no_memory(session, frame->request_id);
        return;
    }
    if (!session_begin(session, &list->request, &list_kind, frame->request_id,
                       sizeof(*list) + list->count * (uint64_t)BYTES_PER_ENTRY)) {
        free(list);
        reply_overloaded(session, frame->request_id, "the server's memory for requests is used up");
        return;
    }
    list->request.away = true;
    workers_submit(&server->workers, &list->job);
}
