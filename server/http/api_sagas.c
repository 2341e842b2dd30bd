/* api_sagas.c - GET /v1/sagas, /v1/sagas/{type}/{id} and /v1/saga-counts: sagas, and how they are. */
#include "api.h"

#include <stdlib.h>
#include <string.h>

#include "varve/saga.h"
#include "varve/uuid.h"

enum {
    BYTES_PER_SAGA = 4 * 2048 + 8 * VARVE_SAGA_MAX_ERROR, /* in the list, and in the answer */
    BYTES_PER_COUNT = 512,
    STATE_FACTOR = 11, /* of msgpack as JSON, and the state itself */
};

static void member_time_if(struct varve_wire_buffer *out, const char *key, int64_t time_us)
{
    if (time_us != VARVE_TIME_NONE)
        varve_json_member_time(out, key, time_us);
}

static void write_state(struct varve_wire_buffer *out, const struct varve_saga *saga)
{
    if (!saga->has_state)
        return;
    if (saga->content_type != VARVE_CONTENT_JSON)
        varve_json_member_text(out, "content_type", varve_view_str(varve_content_type_name(saga->content_type)));
    varve_json_key(out, "state");
    varve_json_write_content(out, saga->content_type, saga->state, VARVE_EVENT_JSON_MSGPACK);
}

static void write_saga(struct varve_wire_buffer *out, const struct varve_saga *saga)
{
    char name[VARVE_SAGA_MAX_NAME];

    varve_json_write_raw(out, "{");
    varve_json_member_text(out, "type", saga->type);
    varve_json_member_text(out, "saga_id", saga->id);
    varve_json_member_text(out, "stream", varve_saga_stream(saga->type, saga->id, name));
    varve_json_member_text(out, "status", varve_view_str(varve_saga_status_name(saga->status)));
    varve_json_member_text(out, "step", saga->step);
    varve_json_member_number(out, "version", (uint64_t)saga->version);
    varve_json_member_number(out, "position", saga->position);
    varve_json_member_time(out, "started_at", saga->started_at_us);
    varve_json_member_time(out, "updated_at", saga->updated_at_us);
    member_time_if(out, "completed_at", saga->completed_at_us);
    member_time_if(out, "failed_at", saga->failed_at_us);
    member_time_if(out, "deadline", saga->deadline_us);
    if (saga->error.size > 0)
        varve_json_member_text(out, "error", saga->error);
    if (!varve_uuid_is_nil(&saga->correlation_id))
        varve_json_member_uuid(out, "correlation_id", &saga->correlation_id);
    write_state(out, saga);
    varve_json_write_raw(out, "}");
}

/* ---- one --------------------------------------------------------------------------------------------------------- */

struct saga_look {
    struct api_look look; /* first */
    struct varve_view type, id;
};

static void make_one(struct api_look *all)
{
    const struct saga_look *look = (const struct saga_look *)all;
    struct varve_saga *saga = NULL;

    if (varve_saga_get(all->server->store, look->type, look->id, &saga, &all->error) == VARVE_OK)
        write_saga(&all->out, saga);
    free(saga);
}

void handle_api_saga(struct http_request *request)
{
    struct saga_look *look = api_look_create(request, sizeof(*look));

    if (look == NULL)
        return;
    look->look.make = make_one;
    look->type = http_path_part(request, 0);
    look->id = http_path_part(request, 1);
    api_look_begin(request, &look->look,
                   sizeof(*look) + BYTES_PER_SAGA + 2 * STATE_FACTOR * (uint64_t)VARVE_SAGA_MAX_STATE);
}

/* ---- many -------------------------------------------------------------------------------------------------------- */

struct list_look {
    struct api_look look; /* first */
    struct varve_saga_query query;
    uint8_t after[VARVE_SAGA_MAX_CURSOR];
};

static void write_cursor(struct varve_wire_buffer *out, const struct varve_saga_list *list)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * VARVE_SAGA_MAX_CURSOR];

    for (uint32_t i = 0; i < list->next_size; i++) {
        text[2 * i] = digits[list->next[i] >> 4];
        text[2 * i + 1] = digits[list->next[i] & 15];
    }
    varve_json_write_text(out, varve_view_of(text, 2 * (size_t)list->next_size));
}

static void make_list(struct api_look *all)
{
    const struct list_look *look = (const struct list_look *)all;
    struct varve_wire_buffer *out = &all->out;
    struct varve_saga_list *list = NULL;

    if (varve_saga_list(all->server->store, &look->query, &list, &all->error) != VARVE_OK)
        return;
    varve_json_write_raw(out, "{\"sagas\":[");
    for (size_t i = 0; i < list->count; i++) {
        varve_json_write_raw(out, i > 0 ? ",\n" : "\n");
        write_saga(out, &list->sagas[i]);
    }
    varve_json_write_raw(out, list->count > 0 ? "\n],\"next\":" : "],\"next\":");
    if (list->end)
        varve_json_write_raw(out, "null");
    else
        write_cursor(out, list);
    varve_json_member_bool(out, "end", list->end);
    varve_json_write_raw(out, "}");
    free(list);
}

static int digit_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum varve_status take_cursor(const struct http_request *request, struct list_look *look,
                                     struct varve_error *error)
{
    struct varve_view text = http_query(request, "after");
    bool good = text.size % 2 == 0 && text.size / 2 <= sizeof(look->after);

    for (size_t i = 0; good && i < text.size; i++) {
        int digit = digit_value(text.data[i]);

        good = digit >= 0;
        look->after[i / 2] = (uint8_t)(look->after[i / 2] << 4 | (digit & 15));
    }
    if (!good)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "after", "after: expected the `next` of the page before");
    look->query.after = varve_view_of((const char *)look->after, text.size / 2);
    return VARVE_OK;
}

/* One or more, with commas between them. */
static enum varve_status take_statuses(const struct http_request *request, struct varve_saga_query *query,
                                       struct varve_error *error)
{
    struct varve_view text = http_query(request, "status");
    enum varve_saga_status status;

    for (size_t at = 0; text.data != NULL && at <= text.size;) {
        const char *comma = memchr(text.data + at, ',', text.size - at);
        size_t size = (comma != NULL ? (size_t)(comma - text.data) : text.size) - at;

        if (!varve_saga_status_parse(varve_view_of(text.data + at, size), &status))
            return varve_fail(error, VARVE_INVALID_ARGUMENT, "status", "status=%.*s: expected running, compensating, "
                              "timed_out, completed or failed, or several with commas", http_shown(text), text.data);
        query->statuses |= 1u << status;
        at += size + 1;
    }
    return VARVE_OK;
}

/* Overdue are those whose deadline has passed and that have not ended. */
static enum varve_status take_overdue(const struct http_request *request, struct varve_saga_query *query,
                                      struct varve_error *error)
{
    const struct varve_os *os = varve_os_default();
    bool overdue = false;
    enum varve_status status = http_query_flag(request, "overdue", &overdue, error);

    if (status != VARVE_OK || !overdue)
        return status;
    query->order = VARVE_SAGA_BY_DEADLINE;
    query->deadline_before_us = os->now_us(os->self);
    if (query->statuses == 0)
        query->statuses = VARVE_SAGA_UNFINISHED;
    return VARVE_OK;
}

static enum varve_status take_query(const struct http_request *request, struct list_look *look,
                                    struct varve_error *error)
{
    uint64_t limit = API_LIMIT;
    enum varve_status status = http_query_uint(request, "limit", 1, API_MAX_LIMIT, &limit, error);

    varve_saga_query_init(&look->query);
    look->query.limit = (uint32_t)limit;
    look->query.type = http_query(request, "type");
    look->query.step = http_query(request, "step");
    if (status == VARVE_OK)
        status = take_statuses(request, &look->query, error);
    if (status == VARVE_OK)
        status = take_overdue(request, &look->query, error);
    if (status == VARVE_OK)
        status = http_query_time(request, "updated_before", &look->query.updated_before_us, error);
    return status == VARVE_OK ? take_cursor(request, look, error) : status;
}

void handle_api_sagas(struct http_request *request)
{
    struct list_look *look = api_look_create(request, sizeof(*look));
    struct varve_error error = { .status = VARVE_OK };

    if (look == NULL)
        return;
    look->look.make = make_list;
    if (take_query(request, look, &error) != VARVE_OK)
        api_look_refuse(request, &look->look, &error);
    else
        api_look_begin(request, &look->look, sizeof(*look) + look->query.limit * (uint64_t)BYTES_PER_SAGA);
}

/* ---- how many ---------------------------------------------------------------------------------------------------- */

static void write_count(struct varve_wire_buffer *out, const struct varve_saga_count *count)
{
    varve_json_item(out);
    varve_json_write_raw(out, "{");
    varve_json_member_text(out, "type", count->type);
    for (unsigned i = 0; i < VARVE_SAGA_STATUSES; i++)
        varve_json_member_number(out, varve_saga_status_name((enum varve_saga_status)i), count->by_status[i]);
    varve_json_write_raw(out, "}");
}

static void make_counts(struct api_look *all)
{
    struct varve_saga_counts *counts = NULL;

    if (varve_saga_counts(all->server->store, &counts, &all->error) != VARVE_OK)
        return;
    varve_json_write_raw(&all->out, "{\"types\":[");
    for (size_t i = 0; i < counts->count; i++)
        write_count(&all->out, &counts->types[i]);
    varve_json_write_raw(&all->out, "]}");
    free(counts);
}

void handle_api_saga_counts(struct http_request *request)
{
    struct api_look *look = api_look_create(request, sizeof(*look));

    if (look == NULL)
        return;
    look->make = make_counts;
    api_look_begin(request, look, sizeof(*look) + VARVE_SAGA_MAX_TYPES * (uint64_t)BYTES_PER_COUNT);
}
