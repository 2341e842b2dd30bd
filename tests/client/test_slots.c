/* test_slots.c - the ring of appends in flight, without a server: finding, holding, losing. */
#include "peer.h"

#include "clients/c/append.h"
#include "clients/c/slots.h"

struct told {
    unsigned count;
    enum varve_status statuses[16];
};

static void on_done(void *user, const struct varve_append_outcome *outcome)
{
    struct told *told = user;

    told->statuses[told->count++] = outcome->status;
}

static struct varve_client *make_client(uint32_t max_in_flight)
{
    struct varve_client_options options;
    struct varve_client *client = NULL;

    varve_client_options_init(&options);
    options.max_in_flight = max_in_flight;
    assert_int_equal(varve_client_create("varve://localhost", &options, &client, NULL), VARVE_OK);
    assert_int_equal(slots_make(client, NULL), VARVE_OK);
    return client;
}

/* A slot whose frame is one PING, which serves as well as an append here. */
static struct slot *put(struct varve_client *client, uint32_t request_id, bool repeatable, struct told *told)
{
    struct pipeline *p = &client->pipeline;
    struct slot *slot = slot_at(p, p->count++);
    size_t begin = client->connection.out.size;

    varve_encode_ping(&client->connection.out, request_id);
    *slot = (struct slot){
        .request_id = request_id, .begin = p->out_base + begin, .end = p->out_base + client->connection.out.size,
        .deadline_us = DEADLINE_NONE, .kind = &append_kind, .repeatable = repeatable, .done.append = on_done,
        .user = told,
        .answer = slot->answer, .answer_capacity = slot->answer_capacity,
    };
    return slot;
}

/* The request ids of the frames that `out` holds, in their order. */
static unsigned ids_in_out(const struct varve_client *client, uint32_t ids[16])
{
    const struct varve_wire_buffer *out = &client->connection.out;
    unsigned count = 0;

    for (size_t at = 0; at < out->size;) {
        struct varve_frame frame;

        assert_int_equal(varve_frame_decode(out->bytes + at, 1000, &frame, NULL), VARVE_OK);
        ids[count++] = frame.request_id;
        at += VARVE_WIRE_HEADER + frame.length;
    }
    return count;
}

static void test_slots_are_found_by_id_across_a_gap(void **state)
{
    static const uint32_t ids[] = { UINT32_MAX - 1, UINT32_MAX, 2, 3, 9 };
    struct varve_client *client = make_client(8);
    struct told told = { .count = 0 };

    assert_null(slots_find(&client->pipeline, 2));
    client->pipeline.head = 6; /* The ring goes round as well. */
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        put(client, ids[i], true, &told);
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        assert_ptr_equal(slots_find(&client->pipeline, ids[i]), slot_at(&client->pipeline, (uint32_t)i));
    assert_null(slots_find(&client->pipeline, 4));
    assert_null(slots_find(&client->pipeline, 0));
    varve_client_free(client);
}

static void test_a_loss_keeps_what_may_be_sent_again(void **state)
{
    static const struct {
        const char *label;
        bool repeatable, all_sent, refused, late;
        enum varve_status cause;
        bool again;
        enum varve_status ends; /* VARVE_OK: goes on */
    } cases[] = {
        { "with ids, heard", true, true, false, false, VARVE_DISCONNECTED, true, VARVE_OK },
        { "without ids, heard", false, true, false, false, VARVE_DISCONNECTED, true, VARVE_DISCONNECTED },
        { "without ids, not heard", false, false, false, false, VARVE_DISCONNECTED, true, VARVE_OK },
        { "without ids, refused", false, true, true, false, VARVE_DISCONNECTED, true, VARVE_OK },
        { "late", true, true, false, true, VARVE_TIMEOUT, true, VARVE_TIMEOUT },
        { "given up, heard", true, true, false, false, VARVE_UNREACHABLE, false, VARVE_DISCONNECTED },
        { "given up, not heard", true, false, false, false, VARVE_UNREACHABLE, false, VARVE_UNREACHABLE },
        { "given up, refused", true, true, true, false, VARVE_NOT_READY, false, VARVE_NOT_READY },
        { "nonsense", true, false, false, false, VARVE_PROTOCOL, false, VARVE_PROTOCOL },
    };
    const struct varve_error why = { .status = VARVE_DISCONNECTED, .message = "gone" };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_client *client = make_client(4);
        struct told told = { .count = 0 };
        uint32_t ids[16];
        struct slot *slot = put(client, 7, cases[i].repeatable, &told);

        slot->refused = cases[i].refused;
        slot->deadline_us = cases[i].late ? 1 : DEADLINE_NONE;
        client->connection.sent = client->connection.out.size - !cases[i].all_sent;
        CHECK_CASE(slots_lose(client, cases[i].cause, cases[i].again, &why) == cases[i].ends, cases[i].label);
        bool goes_on = cases[i].ends == VARVE_OK;
        CHECK_CASE(told.count == !goes_on && (goes_on || told.statuses[0] == cases[i].ends), cases[i].label);
        CHECK_CASE(client->pipeline.count == goes_on && ids_in_out(client, ids) == goes_on, cases[i].label);
        CHECK_CASE(client->connection.sent == 0, cases[i].label);
        varve_client_free(client);
    }
}

static void test_a_loss_closes_the_gaps_in_order(void **state)
{
    const struct varve_error why = { .status = VARVE_DISCONNECTED, .message = "gone" };
    struct varve_client *client = make_client(8);
    struct told told = { .count = 0 };
    uint32_t ids[16];

    for (uint32_t id = 2; id < 10; id++)
        put(client, id, id % 2 == 0, &told);
    client->connection.sent = client->connection.out.size;
    assert_int_equal(slots_lose(client, VARVE_DISCONNECTED, true, &why), VARVE_DISCONNECTED);
    assert_int_equal(told.count, 0); /* The oldest goes on, so nobody behind it is told yet. */
    assert_int_equal(ids_in_out(client, ids), 4);
    for (unsigned i = 0; i < 4; i++) {
        struct slot *slot = slots_find(&client->pipeline, 2 + 2 * i);

        assert_int_equal(ids[i], 2 + 2 * i);
        assert_int_equal(slot->end - slot->begin, client->connection.out.size / 4);
        assert_int_equal(slot->begin, i * (client->connection.out.size / 4));
    }
    varve_client_free(client);
}

static void test_held_answers_are_bounded(void **state)
{
    static char bytes[12u << 20];
    struct varve_client *client = make_client(8);
    struct told told = { .count = 0 };
    enum varve_status status = VARVE_OK;
    unsigned held = 0;

    for (uint32_t id = 2; id < 8; id++)
        put(client, id, true, &told);
    for (uint32_t i = 1; i < 6 && status == VARVE_OK; i++) {
        status = slots_hold(client, slot_at(&client->pipeline, i), VARVE_OP_APPEND_OK,
                            varve_view_of(bytes, sizeof(bytes)), NULL);
        held += status == VARVE_OK;
    }
    assert_int_equal(status, VARVE_PROTOCOL);
    assert_int_equal(held, 2);
    varve_client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots_are_found_by_id_across_a_gap),
        cmocka_unit_test(test_a_loss_keeps_what_may_be_sent_again),
        cmocka_unit_test(test_a_loss_closes_the_gaps_in_order),
        cmocka_unit_test(test_held_answers_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
