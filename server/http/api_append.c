/* api_append.c - POST /v1/streams/{stream}: from JSON to the committer and back. Durable before the answer. */
#include "api.h"

#include <stdlib.h>
#include <string.h>

#include "varve/append_json.h"
#include "varve/uuid.h"

enum {
    REPLY_BYTES = 1024, REPLY_BYTES_PER_ID = 48,
    LEAST_EVENT_BYTES = 12, /* {"type":"t"} */
};

struct api_append {
    struct completion completion;
    struct http_request *request;
    struct server *server;
    struct varve_append *append;
    uint64_t charged_bytes;
    size_t count;
    struct varve_uuid ids[]; /* of the events, `count` of them */
};

/* ---- the outcome ------------------------------------------------------------------------------------------------- */

static void reply_stored(const struct api_append *self, const struct varve_append_outcome *outcome)
{
    const struct varve_append_result *result = &outcome->results[0];
    struct varve_wire_buffer out = { 0 };

    varve_json_write_raw(&out, "{");
    varve_json_member_text(&out, "stream", http_path_part(self->request, 0));
    varve_json_member_number(&out, "first_version", (uint64_t)result->first_version);
    varve_json_member_number(&out, "last_version", (uint64_t)result->first_version + self->count - 1);
    varve_json_member_number(&out, "first_position", result->first_position);
    varve_json_member_number(&out, "last_position", result->last_position);
    varve_json_member_bool(&out, "replayed", outcome->replayed);
    varve_json_key(&out, "ids");
    varve_json_write_raw(&out, "[");
    for (size_t i = 0; i < self->count; i++) {
        varve_json_item(&out);
        varve_json_write_uuid(&out, &self->ids[i]);
    }
    varve_json_write_raw(&out, "]}\n");
    http_reply(self->request, outcome->replayed ? 200 : 201, "application/json", &out);
}

/* One stream was written to, so there is one conflict at most. */
static void reply_refused(const struct api_append *self, const struct varve_append_outcome *outcome)
{
    struct varve_wire_buffer members = { 0 };

    if (outcome->conflict_count > 0) {
        varve_json_member_text(&members, "stream", http_path_part(self->request, 0));
        varve_json_key(&members, "expected");
        varve_json_write_expected(&members, outcome->conflicts[0].expected);
        varve_json_key(&members, "actual");
        varve_json_write_expected(&members, outcome->conflicts[0].actual);
    }
    http_reply_problem(self->request, &outcome->error,
                       varve_view_of((const char *)members.bytes, members.failed ? 0 : members.size));
    varve_wire_buffer_free(&members);
}

static void end(struct api_append *self)
{
    budget_give(&self->server->budget, self->charged_bytes);
    varve_append_free(self->append);
    free(self);
}

/* The client may be gone by now; the append is durable all the same. */
static void finish(struct completion *completion)
{
    struct api_append *self = (struct api_append *)completion; /* Its first member. */
    const struct varve_append_outcome *outcome = varve_append_get_outcome(self->append);

    if (outcome->status >= VARVE_IO)
        self->server->fault_suspected = true;
    if (outcome->status == VARVE_OK)
        reply_stored(self, outcome);
    else
        reply_refused(self, outcome);
    end(self);
}

/* On the committer's thread. */
static void on_done(struct varve_append *append, void *user)
{
    struct api_append *self = user;

    completions_push(&self->server->completions, &self->completion);
}

/* ---- the request ------------------------------------------------------------------------------------------------- */

static enum varve_status take_expected(const struct http_request *request, struct varve_append_json *append,
                                       struct varve_error *error)
{
    struct varve_view text = http_query(request, "expected");

    if (text.data == NULL)
        return VARVE_OK;
    if (append->has_expected)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "expected", "expected stands in the body and in the query");
    if (varve_expected_parse(text, &append->expected))
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "expected",
                      "expected=%.*s: expected any, no_stream, stream_exists or the version last seen",
                      http_shown(text), text.data);
}

/* The store would make them, too; but then nobody could tell which. */
static enum varve_status make_ids(const struct server *server, struct varve_append_json *append,
                                  struct varve_error *error)
{
    const struct varve_os *os = server->limits.os != NULL ? server->limits.os : varve_os_default();
    uint8_t random[10];

    for (size_t i = 0; i < append->count; i++) {
        if (!varve_uuid_is_nil(&append->events[i].id))
            continue;
        if (os->random_bytes(os->self, random, sizeof(random)) < 0)
            return varve_fail(error, VARVE_IO, NULL, "the operating system has no random numbers");
        varve_uuid_v7(os->now_us(os->self), random, &append->events[i].id);
    }
    return VARVE_OK;
}

static enum varve_status decode(struct http_request *request, struct varve_append_json *append,
                                struct varve_append **ret, struct varve_error *error)
{
    const struct server *server = http_server(request);
    struct varve_append_stream stream = { .stream = http_path_part(request, 0) };
    struct varve_append_request whole = { .streams = &stream, .stream_count = 1 };
    enum varve_status status = varve_append_json_read(http_body(request), stream.stream,
                                                      server->limits.max_append_events, server->arena, append, error);

    if (status == VARVE_OK)
        status = take_expected(request, append, error);
    if (status == VARVE_OK)
        status = make_ids(server, append, error);
    if (status != VARVE_OK)
        return status;
    stream.expected = append->expected;
    whole.events = append->events;
    whole.event_count = append->count;
    return varve_append_create(server->store, &whole, ret, error);
}

/* NULL: no memory, or none in the budget. `append` is the caller's then. */
static struct api_append *create(struct http_request *request, struct varve_append *append,
                                 const struct varve_append_json *json)
{
    struct server *server = http_server(request);
    uint64_t own = sizeof(struct api_append) + json->count * sizeof(struct varve_uuid);
    uint64_t bytes = own + REPLY_BYTES + json->count * REPLY_BYTES_PER_ID + varve_append_size_bytes(append);

    if (!budget_take(&server->budget, bytes))
        return NULL;
    struct api_append *self = calloc(1, own);
    if (self == NULL) {
        budget_give(&server->budget, bytes);
        return NULL;
    }
    *self = (struct api_append){ .completion.finish = finish, .request = request, .server = server, .append = append,
                                 .charged_bytes = bytes, .count = json->count };
    for (size_t i = 0; i < json->count; i++)
        self->ids[i] = json->events[i].id;
    return self;
}

static void queue(struct http_request *request, struct varve_append *append, const struct varve_append_json *json)
{
    struct api_append *self = create(request, append, json);
    struct varve_error error = { .status = VARVE_OK };

    if (self == NULL) {
        varve_append_free(append);
        varve_fail(&error, VARVE_OVERLOADED, NULL, "the server's memory for requests is used up");
        http_reply_error(request, &error);
        return;
    }
    enum varve_status status = varve_append_queue(append, on_done, self, &error);
    if (status == VARVE_OK) {
        self->server->appends_queued = true;
        return;
    }
    if (status >= VARVE_IO)
        self->server->fault_suspected = true;
    end(self);
    http_reply_error(request, &error);
}

/* While it is decoded: the events, and what of the body is not taken as it stands. */
static uint64_t decoding_bytes(const struct server *server, size_t body_size)
{
    uint64_t events = body_size / LEAST_EVENT_BYTES + 1;

    if (events > server->limits.max_append_events)
        events = server->limits.max_append_events;
    return events * sizeof(struct varve_event) + 2 * (uint64_t)body_size;
}

void handle_api_append(struct http_request *request)
{
    struct server *server = http_server(request);
    uint64_t bytes = decoding_bytes(server, http_body(request).size);
    struct varve_append_json json;
    struct varve_append *append = NULL;
    struct varve_error error = { .status = VARVE_OK };

    if (!budget_take(&server->budget, bytes)) {
        varve_fail(&error, VARVE_OVERLOADED, NULL, "the server's memory for requests is used up");
        http_reply_error(request, &error);
        return;
    }
    varve_wire_arena_reset(server->arena);
    if (decode(request, &json, &append, &error) == VARVE_OK)
        queue(request, append, &json);
    else
        http_reply_error(request, &error);
    varve_wire_arena_reset(server->arena); /* An unusually large one gives its memory back. */
    budget_give(&server->budget, bytes);
}
