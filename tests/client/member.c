/* member.c - see member.h. */
#include "member.h"

enum varve_status member_try(const struct fake_server *server, const char *query, struct varve_consumer **ret_consumer,
                             struct varve_error *error)
{
    char url[256];

    snprintf(url, sizeof(url), "%s?reconnect_delay_ms=1&connect_timeout_ms=60000&request_timeout_ms=60000%s",
             server->url, query);
    return varve_consumer_open(url, NULL, varve_view_str("billing"), varve_view_str("worker-1"), 7, false, ret_consumer,
                               error);
}

struct varve_consumer *member_open(const struct fake_server *server, const char *query)
{
    struct varve_consumer *consumer = NULL;
    struct varve_error error;

    if (member_try(server, query, &consumer, &error) != VARVE_OK)
        fail_msg("%s: %s", varve_status_name(error.status), error.message);
    return consumer;
}

void member_expect(struct varve_consumer *consumer, uint64_t version, uint32_t attempt, uint64_t epoch,
                   struct varve_work *ret_work)
{
    struct varve_work work;
    struct varve_error error;

    if (varve_consumer_next(consumer, 10000, &work, &error) != VARVE_OK)
        fail_msg("%s: %s", varve_status_name(error.status), error.message);
    assert_int_equal(work.event->version, version);
    assert_int_equal(work.event->position, peer_position(version));
    assert_true(varve_view_equal(work.event->data, varve_view_str("{\"a\":1}")));
    assert_int_equal(work.attempt, attempt);
    assert_int_equal(work.epoch, epoch);
    if (ret_work != NULL)
        *ret_work = work;
}

struct varve_consumer *member_open_with(const struct fake_server *server, const char *query, uint64_t count)
{
    struct varve_consumer *consumer = member_open(server, query);

    for (uint64_t version = 0; version < count; version++)
        member_expect(consumer, version, 1, 4, NULL);
    return consumer;
}

void member_expect_refused(struct varve_consumer *consumer, enum varve_status status,
                           const struct varve_refused_ack *expected, size_t count)
{
    const struct varve_refused_ack *refused = NULL;
    struct varve_error error = { .status = VARVE_OK };
    size_t refused_count = 99;

    assert_int_equal(varve_consumer_flush(consumer, 10000, &refused, &refused_count, &error), status);
    assert_int_equal(error.status, status);
    assert_int_equal(refused_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(refused[i].position, expected[i].position);
        assert_int_equal(refused[i].status, expected[i].status);
    }
    assert_int_equal(varve_consumer_unconfirmed(consumer), 0);
}

/* ---- for scripts ------------------------------------------------------------------------------------------------- */

uint32_t member_serve(struct fake_server *server, bool takeover, uint64_t epoch)
{
    struct varve_group_join join;

    fake_begin(server);
    uint32_t id = fake_take(server, VARVE_OP_GROUP_JOIN);
    fake_expect(server, varve_decode_group_join(server->body, &join, NULL) == VARVE_OK, "GROUP_JOIN cannot be read");
    fake_expect(server, varve_view_equal(join.group, varve_view_str("billing")), "another group");
    fake_expect(server, varve_view_equal(join.consumer, varve_view_str("worker-1")), "another consumer");
    fake_expect(server, join.max_in_flight == 7, "another max_in_flight");
    fake_expect(server, join.takeover == takeover, "it takes over when it must not, or not when it must");
    varve_encode_group_joined(&server->out, id, epoch, 0, 30000);
    fake_send(server);
    return id;
}

void member_deliver(struct fake_server *server, uint32_t id, uint64_t first, uint64_t last, uint32_t attempt)
{
    peer_write_deliveries(server, id, first, last, attempt);
    fake_send(server);
}

uint32_t member_take_ack(struct fake_server *server, uint8_t opcode, uint64_t epoch, const uint64_t *positions,
                         size_t count, struct varve_group_ack *ret)
{
    uint32_t id = fake_take(server, opcode);

    fake_expect(server, varve_decode_group_ack(server->body, opcode, server->arena, ret, NULL) == VARVE_OK,
                "not readable");
    fake_expect(server, varve_view_equal(ret->group, varve_view_str("billing")), "another group");
    fake_expect(server, ret->epoch == epoch, "another epoch");
    fake_expect(server, ret->count == count && memcmp(ret->positions, positions, count * sizeof(*positions)) == 0,
                "other positions");
    return id;
}

void member_ack_ok(struct fake_server *server, uint32_t id, uint32_t done, const struct varve_refused_ack *refused,
                   size_t count)
{
    varve_encode_group_ack_ok(&server->out, id, done, refused, count);
    fake_send(server);
}

void member_serve_ack(struct fake_server *server, uint64_t epoch, uint64_t version)
{
    const uint64_t position = peer_position(version);
    struct varve_group_ack ack;

    member_ack_ok(server, member_take_ack(server, VARVE_OP_GROUP_ACK, epoch, &position, 1, &ack), 1, NULL, 0);
}

void member_serve_leave(struct fake_server *server, uint32_t id)
{
    fake_expect(server, fake_take(server, VARVE_OP_CANCEL) == id, "another request is cancelled");
    peer_error(server, id, VARVE_CANCELLED, "cancelled");
    fake_gone(server);
}
