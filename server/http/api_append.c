/* api_append.c - POST /v1/streams/{stream}: from JSON to the committer and back. Durable before the answer.
 *
 *   small body:  decoded on the loop ------------------------.
 *   large body:  to the parser's thread, decoded, and back --+--> the committer's queue --> outcome --> answer */
#include "api.h"

#include <stdlib.h>
#include <string.h>

#include "submit.h"
#include "varve/append_json.h"
#include "varve/uuid.h"

enum {
    /* To decode one holds the loop for half a millisecond, and to send it away costs two wake-ups, a fifth of that:
     * below, small requests stay quick; above, nobody else should wait. */
    LARGE_BODY_BYTES = 64 * 1024,
    LEAST_EVENT_BYTES = 12,             /* {"type":"t"} */
    ID_BYTES = VARVE_UUID_TEXT - 1 + 3, /* as JSON in a list */
    KEPT_EVENT_BYTES = 64 + ID_BYTES,   /* of an event beside its record: the engine's part, and its id */
    REPLY_BYTES = 1024,
    RANDOM_IDS = 64,                    /* the system is asked once for the random bytes of so many */
};

/* An append that was decoded. */
struct api_append {
    struct completion completion;
    struct http_request *request;
    struct server *server;
    struct varve_append *append;
    uint64_t charged_bytes; /* 0: it is not under way yet */
    size_t count;
    char ids[];             /* of the events, as JSON with a comma behind each */
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
    varve_json_write_bytes(&out, varve_view_of(self->ids, self->count * ID_BYTES - 1));
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

/* ---- from JSON: on any thread ------------------------------------------------------------------------------------ */

/* What a request wants. Its texts live until the request is answered. */
struct wanted {
    struct server *server;
    struct varve_view stream, expected, body; /* `expected`: of the query, or absent */
};

static enum varve_status take_expected(struct varve_view text, struct varve_append_json *append,
                                       struct varve_error *error)
{
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
    int64_t now_us = os->now_us(os->self);
    uint8_t random[RANDOM_IDS][10];
    size_t left = 0;

    for (size_t i = 0; i < append->count; i++) {
        if (!varve_uuid_is_nil(&append->events[i].id))
            continue;
        if (left == 0) {
            left = append->count - i < RANDOM_IDS ? append->count - i : RANDOM_IDS;
            if (os->random_bytes(os->self, random, left * sizeof(random[0])) < 0)
                return varve_fail(error, VARVE_IO, NULL, "the operating system has no random numbers");
        }
        varve_uuid_v7(now_us, random[--left], &append->events[i].id);
    }
    return VARVE_OK;
}

static enum varve_status encode(const struct wanted *wanted, const struct varve_append_json *json,
                                struct varve_append **ret, struct varve_error *error)
{
    struct varve_append_stream stream = { .stream = wanted->stream, .expected = json->expected };
    const struct varve_append_request whole = { .streams = &stream, .stream_count = 1, .events = json->events,
                                                .event_count = json->count };

    return varve_append_create(wanted->server->store, &whole, ret, error);
}

static void write_ids(const struct varve_append_json *json, char *at)
{
    for (size_t i = 0; i < json->count; i++) {
        *at = '"';
        varve_uuid_format(&json->events[i].id, at + 1);
        memcpy(at + ID_BYTES - 2, "\",", 2);
        at += ID_BYTES;
    }
}

/* NULL: `error` says why. */
static struct api_append *create(const struct wanted *wanted, const struct varve_append_json *json,
                                 struct varve_error *error)
{
    struct api_append *self = calloc(1, sizeof(*self) + json->count * ID_BYTES);

    if (self == NULL) {
        varve_fail(error, VARVE_NO_MEMORY, NULL, "the server has no memory for this request");
        return NULL;
    }
    if (encode(wanted, json, &self->append, error) != VARVE_OK) {
        free(self);
        return NULL;
    }
    self->server = wanted->server;
    self->count = json->count;
    write_ids(json, self->ids);
    return self;
}

static struct api_append *decode(const struct wanted *wanted, struct varve_wire_arena *arena,
                                 struct varve_error *error)
{
    struct varve_append_json json;
    enum varve_status status = varve_append_json_read(wanted->body, wanted->stream,
                                                      wanted->server->limits.max_append_events, arena, &json, error);

    if (status == VARVE_OK)
        status = take_expected(wanted->expected, &json, error);
    if (status == VARVE_OK)
        status = make_ids(wanted->server, &json, error);
    return status == VARVE_OK ? create(wanted, &json, error) : NULL;
}

/* While it is decoded: the events, and what of the body is not taken as it stands. */
static uint64_t decoding_bytes(const struct server *server, uint64_t body_size)
{
    uint64_t events = body_size / LEAST_EVENT_BYTES + 1;

    if (events > server->limits.max_append_events)
        events = server->limits.max_append_events;
    return events * sizeof(struct varve_event) + 2 * body_size;
}

uint64_t api_memory_bytes(const struct server *server)
{
    const struct varve_options *limits = &server->limits;

    if (server->config->http.listen_count == 0)
        return 0;
    return decoding_bytes(server, config_number(&server->config->http.max_body_bytes)) +
           limits->max_append_bytes + (uint64_t)limits->max_append_events * KEPT_EVENT_BYTES;
}

/* ---- to the committer -------------------------------------------------------------------------------------------- */

static void reply_full(struct http_request *request)
{
    struct varve_error error = { .status = VARVE_OK };

    varve_fail(&error, VARVE_OVERLOADED, NULL, "the server's memory for requests is used up");
    http_reply_error(request, &error);
}

/* `self` is no longer the caller's, whatever happens. */
static void queue(struct http_request *request, struct api_append *self)
{
    struct server *server = self->server;
    uint64_t ids = self->count * ID_BYTES;
    uint64_t bytes = sizeof(*self) + ids + REPLY_BYTES + ids + varve_append_size_bytes(self->append);
    struct varve_error error = { .status = VARVE_OK };

    if (!budget_take(&server->budget, bytes)) {
        end(self);
        reply_full(request);
        return;
    }
    self->charged_bytes = bytes;
    self->request = request;
    self->completion.finish = finish;
    enum varve_status status = varve_append_queue(self->append, on_done, self, &error);
    if (status == VARVE_OK) {
        note_queued(server, self->append);
        return;
    }
    if (status >= VARVE_IO)
        server->fault_suspected = true;
    end(self);
    http_reply_error(request, &error);
}

/* ---- a large body ------------------------------------------------------------------------------------------------ */

struct parse {
    struct http_work work;     /* first */
    struct wanted wanted;
    struct api_append *append; /* NULL: `error` */
    struct varve_error error;
};

static void parse(struct http_work *work)
{
    struct parse *parse = (struct parse *)work; /* Its first member. */

    if (work->arena == NULL)
        varve_fail(&parse->error, VARVE_NO_MEMORY, NULL, "the server has no memory for this request");
    else
        parse->append = decode(&parse->wanted, work->arena, &parse->error);
}

/* The client may be gone by now, but it was there when all of its request had come. */
static void parsed(struct http_work *work)
{
    struct parse *parse = (struct parse *)work;

    if (parse->append != NULL)
        queue(work->request, parse->append);
    else
        http_reply_error(work->request, &parse->error);
    free(parse);
}

static void parse_away(struct http_request *request, const struct wanted *wanted)
{
    struct parse *self = calloc(1, sizeof(*self));
    struct varve_error error = { .status = VARVE_OK };

    if (self == NULL) {
        varve_fail(&error, VARVE_NO_MEMORY, NULL, "the server has no memory for this request");
        http_reply_error(request, &error);
        return;
    }
    self->work.work = parse;
    self->work.done = parsed;
    self->wanted = *wanted;
    if (!http_parse_away(request, &self->work, sizeof(*self)))
        free(self);
}

/* ---- the request ------------------------------------------------------------------------------------------------- */

static void take_in(struct http_request *request, const struct wanted *wanted)
{
    struct server *server = wanted->server;
    uint64_t bytes = decoding_bytes(server, wanted->body.size);
    struct varve_error error = { .status = VARVE_OK };

    if (!budget_take(&server->budget, bytes)) {
        reply_full(request);
        return;
    }
    varve_wire_arena_reset(server->arena);
    struct api_append *append = decode(wanted, server->arena, &error);
    varve_wire_arena_reset(server->arena); /* An unusually large one gives its memory back. */
    budget_give(&server->budget, bytes);
    if (append != NULL)
        queue(request, append);
    else
        http_reply_error(request, &error);
}

void handle_api_append(struct http_request *request)
{
    const struct wanted wanted = { .server = http_server(request), .stream = http_path_part(request, 0),
                                   .expected = http_query(request, "expected"), .body = http_body(request) };

    if (wanted.body.size > LARGE_BODY_BYTES)
        parse_away(request, &wanted);
    else
        take_in(request, &wanted);
}
