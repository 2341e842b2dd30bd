/* group_client.c - encodes what a consumer says, keeps what it hears. */
#include "group_client.h"

#include <stdlib.h>

#include "server/group.h"
#include "varve/record.h"

enum { ADMIN_ID = 900, LATER_ID = 79, ACK_ID = 901, CREDIT_BYTES = 1 << 20 };

struct varve_group_settings group_test_settings(void)
{
    struct varve_group_settings settings;

    varve_group_settings_init(&settings);
    settings.backoff_count = 1;
    settings.backoff_ms[0] = 1;
    return settings;
}

/* ---- administration ------------------------------------------------------------------------------------------- */

static enum varve_status status_of(struct client *c, struct varve_error *ret)
{
    struct varve_wire_error error;

    assert_int_equal(varve_decode_error(c->body, c->arena, &error, NULL), VARVE_OK);
    if (ret != NULL)
        *ret = error.error;
    return error.error.status;
}

enum varve_status group_ask(struct client *c, uint8_t opcode, const struct varve_group_request *request,
                            struct varve_group_info *ret)
{
    struct varve_group_info info;

    varve_encode_group(&c->out, ADMIN_ID, opcode, request);
    client_send(c);
    struct varve_frame frame = client_receive(c);
    assert_int_equal(frame.request_id, ADMIN_ID);
    if (frame.opcode == VARVE_OP_ERROR)
        return status_of(c, NULL);
    assert_int_equal(frame.opcode, VARVE_OP_GROUP_OK);
    assert_int_equal(varve_decode_group_ok(c->body, c->arena, ret == NULL ? &info : ret, NULL), VARVE_OK);
    return VARVE_OK;
}

void group_make(struct client *c, const char *group, const struct varve_group_settings *settings)
{
    struct varve_group_request request = { .group = varve_view_str(group), .settings = group_test_settings(),
                                           .has_settings = true };

    if (settings != NULL)
        request.settings = *settings;
    assert_int_equal(group_ask(c, VARVE_OP_GROUP_CREATE, &request, NULL), VARVE_OK);
}

enum varve_status group_simple(struct client *c, uint8_t opcode, const char *group)
{
    const struct varve_group_request request = { .group = varve_view_str(group) };

    return group_ask(c, opcode, &request, NULL);
}

struct varve_group_info group_look(struct client *c, const char *group)
{
    const struct varve_group_request request = { .group = varve_view_str(group) };
    struct varve_group_info info;

    assert_int_equal(group_ask(c, VARVE_OP_GROUP_INFO, &request, &info), VARVE_OK);
    return info;
}

/* ---- working -------------------------------------------------------------------------------------------------- */

static void keep_events(struct worker *w)
{
    const struct varve_delivery *deliveries;
    uint32_t count;

    assert_int_equal(varve_decode_group_events(w->client->body, w->client->arena, &deliveries, &count, NULL),
                     VARVE_OK);
    w->events = realloc(w->events, (w->count + count + 1) * sizeof(*w->events));
    for (uint32_t i = 0; i < count; i++) {
        struct delivered *event = &w->events[w->count++];
        struct varve_event decoded;

        assert_int_equal(varve_record_decode(deliveries[i].record.data, deliveries[i].record.size, &decoded),
                         VARVE_OK);
        event->position = decoded.position;
        event->attempt = deliveries[i].attempt;
        snprintf(event->stream, sizeof(event->stream), "%.*s", (int)decoded.stream.size, decoded.stream.data);
    }
}

/* One frame; true when it is the one that is waited for. */
static bool take_frame(struct worker *w, uint32_t request_id)
{
    struct varve_frame frame = client_receive(w->client);

    if (frame.request_id == w->join_id && frame.opcode == VARVE_OP_GROUP_EVENTS)
        keep_events(w);
    else if (frame.request_id == w->join_id && frame.opcode == VARVE_OP_ERROR) {
        w->ended = true;
        status_of(w->client, &w->why);
    } else if (frame.request_id == LATER_ID) {
        assert_int_equal(frame.opcode, VARVE_OP_GROUP_ACK_OK);
        w->unanswered--;
    } else {
        assert_int_equal(frame.request_id, request_id);
    }
    return frame.request_id == request_id;
}

struct worker *worker_try(struct fixture *f, const char *group, const char *name, uint32_t max_in_flight,
                          uint32_t credit_bytes, bool takeover)
{
    struct worker *w = calloc(1, sizeof(*w));
    uint32_t ack_timeout_ms;

    w->client = client_open(f);
    w->join_id = 77;
    snprintf(w->group, sizeof(w->group), "%s", group);
    varve_encode_group_join(&w->client->out, w->join_id,
                            &(struct varve_group_join){ varve_view_str(group), varve_view_str(name), max_in_flight,
                                                        credit_bytes, takeover });
    client_send(w->client);
    struct varve_frame frame = client_receive(w->client);
    assert_int_equal(frame.request_id, w->join_id);
    if (frame.opcode == VARVE_OP_ERROR) {
        w->ended = true;
        status_of(w->client, &w->why);
        return w;
    }
    assert_int_equal(frame.opcode, VARVE_OP_GROUP_JOINED);
    assert_int_equal(varve_decode_group_joined(w->client->body, &w->epoch, &w->checkpoint, &ack_timeout_ms, NULL),
                     VARVE_OK);
    return w;
}

struct worker *worker_join(struct fixture *f, const char *group, const char *name, uint32_t max_in_flight)
{
    struct worker *w = worker_try(f, group, name, max_in_flight, CREDIT_BYTES, false);

    if (w->ended)
        fail_msg("%s: %s", name, w->why.message);
    return w;
}

void worker_free(struct worker *w)
{
    client_close(w->client);
    free(w->events);
    free(w);
}

struct delivered worker_take(struct worker *w)
{
    while (w->count == 0) {
        assert_false(w->ended);
        take_frame(w, w->join_id);
    }
    struct delivered event = w->events[0];
    memmove(w->events, w->events + 1, --w->count * sizeof(*w->events));
    return event;
}

bool worker_gets_nothing(struct worker *w)
{
    return w->count == 0 && client_hears_nothing(w->client);
}

void worker_wait_end(struct worker *w, enum varve_status status)
{
    while (!w->ended)
        take_frame(w, w->join_id);
    assert_string_equal(varve_status_name(w->why.status), varve_status_name(status));
}

static enum varve_status say_ack(struct worker *w, uint8_t opcode, const struct varve_group_ack *ack)
{
    const struct varve_refused_ack *refused;
    struct varve_wire_error error;
    uint32_t done;
    size_t count;

    varve_encode_group_ack(&w->client->out, ACK_ID, opcode, ack);
    client_send(w->client);
    while (!take_frame(w, ACK_ID))
        continue;
    if (varve_decode_group_ack_ok(w->client->body, w->client->arena, &done, &refused, &count, NULL) != VARVE_OK) {
        assert_int_equal(varve_decode_error(w->client->body, w->client->arena, &error, NULL), VARVE_OK);
        return error.error.status;
    }
    assert_int_equal(done + count, ack->count);
    return count > 0 ? refused[0].status : VARVE_OK;
}

void worker_send_ack(struct worker *w, uint64_t position)
{
    varve_encode_group_ack(&w->client->out, LATER_ID, VARVE_OP_GROUP_ACK,
                           &(struct varve_group_ack){ .group = varve_view_str(w->group), .epoch = w->epoch,
                                                      .positions = &position, .count = 1 });
    client_send(w->client);
    w->unanswered++;
}

void worker_wait_acks(struct worker *w)
{
    while (w->unanswered > 0)
        take_frame(w, LATER_ID);
}

enum varve_status worker_ack(struct worker *w, uint64_t position)
{
    return say_ack(w, VARVE_OP_GROUP_ACK,
                   &(struct varve_group_ack){ varve_view_str(w->group), w->epoch, &position, 1, 0, 0, { NULL, 0 } });
}

enum varve_status worker_nack(struct worker *w, uint64_t position, enum varve_nack action, uint32_t wait_ms,
                              const char *reason)
{
    return say_ack(w, VARVE_OP_GROUP_NACK,
                   &(struct varve_group_ack){ varve_view_str(w->group), w->epoch, &position, 1, action, wait_ms,
                                              varve_view_str(reason) });
}

enum varve_status worker_extend(struct worker *w, uint64_t position, uint32_t by_ms)
{
    return say_ack(w, VARVE_OP_GROUP_EXTEND,
                   &(struct varve_group_ack){ varve_view_str(w->group), w->epoch, &position, 1, 0, by_ms,
                                              { NULL, 0 } });
}

void worker_credit(struct worker *w, uint32_t bytes)
{
    varve_encode_credit(&w->client->out, w->join_id, bytes);
    client_send(w->client);
}

void worker_cancel(struct worker *w)
{
    varve_encode_cancel(&w->client->out, w->join_id);
    client_send(w->client);
}

/* ---- parked events -------------------------------------------------------------------------------------------- */

static struct varve_frame ask_parked(struct client *c, uint8_t opcode, const char *group, uint64_t position,
                                     uint32_t limit)
{
    const struct varve_parked_request request = { varve_view_str(group), position, limit,
                                                  opcode == VARVE_OP_PARKED_DISCARD ? varve_view_str("given up")
                                                                                    : varve_view_of(NULL, 0) };

    varve_encode_parked(&c->out, ADMIN_ID, opcode, &request);
    client_send(c);
    struct varve_frame frame = client_receive(c);
    assert_int_equal(frame.request_id, ADMIN_ID);
    return frame;
}

uint32_t parked_ask(struct client *c, uint8_t opcode, const char *group, uint64_t position, uint32_t limit)
{
    uint32_t count = 0;

    assert_int_equal(ask_parked(c, opcode, group, position, limit).opcode, VARVE_OP_PARKED_OK);
    assert_int_equal(varve_decode_parked_ok(c->body, &count, NULL), VARVE_OK);
    return count;
}

enum varve_status parked_refused(struct client *c, uint8_t opcode, const char *group, uint64_t position)
{
    assert_int_equal(ask_parked(c, opcode, group, position, 1).opcode, VARVE_OP_ERROR);
    return status_of(c, NULL);
}

size_t parked_look(struct client *c, const char *group, uint64_t after, uint32_t limit,
                   const struct varve_parked_event **ret, bool *ret_end)
{
    size_t count;

    assert_int_equal(ask_parked(c, VARVE_OP_PARKED_LIST, group, after, limit).opcode, VARVE_OP_PARKED_LIST_OK);
    assert_int_equal(varve_decode_parked_list_ok(c->body, c->arena, ret, &count, ret_end, NULL), VARVE_OK);
    return count;
}

/* ---- what the log says ---------------------------------------------------------------------------------------- */

size_t count_events(struct fixture *f, const char *stream, const char *type)
{
    struct varve_reader *reader = NULL;
    struct varve_batch batch = { .end = false };
    struct varve_read read;
    size_t count = 0;

    varve_read_init(&read);
    read.kind = VARVE_READ_STREAM;
    read.name = varve_view_str(stream);
    if (varve_reader_open(f->store, &read, &reader, NULL) != VARVE_OK)
        return 0;
    while (!batch.end) {
        assert_int_equal(varve_reader_next(reader, 1 << 20, 1000, &batch, NULL), VARVE_OK);
        for (uint32_t i = 0; i < batch.count; i++)
            count += varve_view_equal(varve_record_type(batch.records[i]), varve_view_str(type));
    }
    varve_reader_close(reader);
    return count;
}

struct wait {
    struct fixture *fixture;
    const char *stream, *type;
    uint64_t number;
};

static bool has_events(void *user)
{
    const struct wait *wait = user;

    return count_events(wait->fixture, wait->stream, wait->type) >= wait->number;
}

void wait_for_events(struct fixture *f, const char *stream, const char *type, size_t count)
{
    fixture_wait(f, has_events, &(struct wait){ f, stream, type, count });
}

uint64_t durable_checkpoint(struct fixture *f, const char *group)
{
    return groups_find(f->server.groups, varve_view_str(group))->record.checkpoint;
}

static bool has_checkpoint(void *user)
{
    const struct wait *wait = user;

    return durable_checkpoint(wait->fixture, wait->stream) >= wait->number;
}

void wait_for_checkpoint(struct fixture *f, const char *group, uint64_t checkpoint)
{
    fixture_wait(f, has_checkpoint, &(struct wait){ f, group, NULL, checkpoint });
}
