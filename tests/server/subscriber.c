/* subscriber.c - see subscriber.h. */
#include "subscriber.h"

#include "varve/record.h"

void subscriber_encode(struct client *client, uint32_t id, const struct varve_filter *filter, uint64_t after,
                       uint32_t credit_bytes, uint32_t batch_bytes)
{
    struct varve_subscribe_request request = { .after = after, .credit_bytes = credit_bytes,
                                               .batch_bytes = batch_bytes };

    if (filter != NULL)
        request.filter = *filter;
    varve_encode_subscribe(&client->out, id, &request);
}

void subscribe(struct subscriber *s, struct client *client, uint32_t id, const struct varve_filter *filter,
               uint64_t after, uint32_t credit_bytes)
{
    uint64_t last_position;

    *s = (struct subscriber){ .client = client, .id = id, .credit = credit_bytes };
    subscriber_encode(client, id, filter, after, credit_bytes, 0);
    client_send(client);
    client_expect(client, VARVE_OP_SUBSCRIBED, id);
    assert_int_equal(varve_decode_subscribed(client->body, &s->position, &last_position, NULL), VARVE_OK);
    assert_int_equal(s->position, after == VARVE_AFTER_END ? last_position : after);
    s->last_event = s->position;
}

void subscriber_credit(struct subscriber *s, uint32_t bytes)
{
    varve_encode_credit(&s->client->out, s->id, bytes);
    client_send(s->client);
    s->credit += bytes;
}

static void check_events(struct subscriber *s)
{
    const struct varve_view *records;
    struct varve_event event;
    uint32_t count;
    uint64_t position;

    assert_true(s->credit > 0);
    s->credit -= (int64_t)s->client->body.size;
    assert_int_equal(varve_decode_events(s->client->body, s->client->arena, &records, &count, &position, NULL),
                     VARVE_OK);
    assert_true(count > 0 && position > s->position);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(varve_record_decode(records[i].data, records[i].size, &event), VARVE_OK);
        assert_true(event.position > s->last_event && event.position > s->position && event.position <= position);
        s->last_event = event.position;
    }
    s->events += count;
    s->batches++;
    s->position = position;
}

static void check_position(struct subscriber *s, uint8_t opcode)
{
    uint64_t position = 0;

    assert_int_equal(varve_decode_position(s->client->body, opcode, &position, NULL), VARVE_OK);
    assert_true(position >= s->position);
    assert_true(opcode != VARVE_OP_CHECKPOINT || position > s->position);
    s->position = position;
}

void subscriber_check(struct subscriber *s, const struct varve_frame *frame)
{
    assert_int_equal(frame->request_id, s->id);
    switch (frame->opcode) {
    case VARVE_OP_EVENTS:
        check_events(s);
        return;
    case VARVE_OP_CAUGHT_UP:
        assert_int_equal(++s->caught_up, s->fell_behind + 1);
        break;
    case VARVE_OP_FELL_BEHIND:
        assert_int_equal(++s->fell_behind, s->caught_up);
        break;
    case VARVE_OP_CHECKPOINT:
        s->checkpoints++;
        break;
    default:
        fail_msg("got %s", varve_opcode_name(frame->opcode));
    }
    check_position(s, frame->opcode);
}

uint8_t subscriber_take(struct subscriber *s)
{
    struct varve_frame frame = client_receive(s->client);

    subscriber_check(s, &frame);
    return frame.opcode;
}

void subscriber_take_events(struct subscriber *s, uint64_t events)
{
    while (s->events < events)
        subscriber_take(s);
    assert_int_equal(s->events, events);
}

void subscriber_take_until(struct subscriber *s, uint64_t position)
{
    while (s->position < position)
        subscriber_take(s);
    assert_int_equal(s->position, position);
}

void subscriber_take_caught_up(struct subscriber *s, unsigned times)
{
    while (s->caught_up < times)
        subscriber_take(s);
}
