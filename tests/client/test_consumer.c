/* test_consumer.c - a member of a group: joining, being handed events, losses, stopping, running. */
#include "member.h"

#include "support/fail_alloc.h"
#include "varve/record.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- joining and leaving ----------------------------------------------------------------------------------------- */

static void script_a_life(struct fake_server *server)
{
    uint32_t id = member_serve(server, false, 4);

    peer_write_deliveries(server, id, 0, 1, 1);
    peer_write_deliveries(server, id, 7, 7, 3);
    fake_send_some(server, server->out.size, 11);
    member_serve_leave(server, id);
}

static void test_a_member_from_its_joining_to_its_leaving(void **state)
{
    struct fake_server *server = fake_server_start(script_a_life, NULL);
    struct varve_consumer *consumer = member_open(server, "");
    struct varve_work first, work;
    struct varve_error error;

    member_expect(consumer, 0, 1, 4, &first);
    member_expect(consumer, 1, 1, 4, NULL);
    member_expect(consumer, 7, 3, 4, NULL);
    assert_int_equal(varve_consumer_next(consumer, 1, &work, &error), VARVE_TIMEOUT);
    assert_int_equal(varve_consumer_next(consumer, 0, &work, &error), VARVE_TIMEOUT);
    assert_int_equal(first.event->version, 0); /* Neither acked nor nacked: it lives. */
    varve_consumer_close(consumer);
    varve_consumer_close(NULL);
    fake_server_stop(server);
}

static void script_refuses(struct fake_server *server)
{
    fake_begin(server);
    peer_error(server, fake_take(server, VARVE_OP_GROUP_JOIN), VARVE_CONSUMER_EXISTS, "worker-1 is a member");
    fake_gone(server);
}

#define TEN "1234567890"
#define LONG TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void test_open_says_what_is_wrong(void **state)
{
    static const struct {
        const char *group, *name, *field;
        uint32_t max_in_flight;
    } cases[] = {
        { "", "w", "group", 0 }, { "$g", "w", "group", 0 }, { LONG, "w", "group", 0 },
        { "g", "", "consumer", 0 }, { "g", LONG, "consumer", 0 }, { "g", "w", "max_in_flight", 10001 },
    };
    struct varve_consumer *consumer = NULL;
    struct varve_error error;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(varve_consumer_open("varve://127.0.0.1:1", NULL, varve_view_str(cases[i].group),
                                             varve_view_str(cases[i].name), cases[i].max_in_flight, false, &consumer,
                                             &error), VARVE_INVALID_ARGUMENT);
        assert_string_equal(error.field, cases[i].field);
    }
    assert_int_equal(varve_consumer_open("varve://127.0.0.1:1", NULL, varve_view_str("g"), varve_view_str("w"), 0,
                                         false, &consumer, NULL), VARVE_UNREACHABLE);
    assert_int_equal(varve_consumer_open("nonsense", NULL, varve_view_str("g"), varve_view_str("w"), 0, false,
                                         &consumer, NULL), VARVE_INVALID_ARGUMENT);

    struct fake_server *server = fake_server_start(script_refuses, NULL);
    assert_int_equal(member_try(server, "", &consumer, &error), VARVE_CONSUMER_EXISTS);
    assert_string_equal(error.message, "worker-1 is a member");
    assert_null(consumer);
    fake_server_stop(server);
}

/* ---- losses ------------------------------------------------------------------------------------------------------ */

static void script_loses(struct fake_server *server)
{
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 0, 1);
    fake_cut(server);
    id = member_serve(server, true, 5);
    member_deliver(server, id, 0, 1, 2);
    peer_error(server, id, VARVE_NOT_READY, "the server is stopping");
    fake_gone(server);
    id = member_serve(server, true, 6);
    member_deliver(server, id, 0, 0, 3);
    member_serve_leave(server, id);
}

static void test_it_joins_again_with_a_new_epoch(void **state)
{
    struct fake_server *server = fake_server_start(script_loses, NULL);
    struct varve_consumer *consumer = member_open(server, "");

    member_expect(consumer, 0, 1, 4, NULL);
    member_expect(consumer, 0, 2, 5, NULL);
    member_expect(consumer, 1, 2, 5, NULL);
    member_expect(consumer, 0, 3, 6, NULL);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

struct plan {
    size_t at, total; /* the first connection is cut behind so many bytes of its answers */
};

static void script_cut(struct fake_server *server)
{
    struct plan *plan = server->user;
    struct varve_group_join join;

    fake_begin(server);
    uint32_t id = fake_take(server, VARVE_OP_GROUP_JOIN);
    varve_encode_group_joined(&server->out, id, 4, 0, 30000);
    peer_write_deliveries(server, id, 0, 2, 1);
    peer_write_deliveries(server, id, 3, 5, 1);
    plan->total = server->out.size;
    fake_send_some(server, plan->at, plan->at + 1);
    fake_cut(server);
    fake_begin(server);
    id = fake_take(server, VARVE_OP_GROUP_JOIN);
    fake_expect(server, varve_decode_group_join(server->body, &join, NULL) == VARVE_OK, "GROUP_JOIN cannot be read");
    varve_encode_group_joined(&server->out, id, 5, 0, 30000);
    peer_write_deliveries(server, id, 0, 5, 2);
    fake_send(server);
    member_serve_leave(server, id);
}

static void test_cut_at_every_byte(void **state)
{
    struct plan plan = { .total = 1 };

    for (plan.at = 0; plan.at < plan.total; plan.at++) {
        struct fake_server *server = fake_server_start_local(script_cut, &plan);
        struct varve_consumer *consumer = NULL;
        struct varve_work work = { .epoch = 4 };
        uint64_t before = 0;

        if (member_try(server, "", &consumer, NULL) != VARVE_OK) /* Cut within GROUP_JOINED: no member yet. */
            consumer = member_open(server, "");
        while (work.epoch == 4) {
            assert_int_equal(varve_consumer_next(consumer, 10000, &work, NULL), VARVE_OK);
            assert_int_equal(work.event->version, work.epoch == 4 ? before : 0);
            before++;
        }
        for (uint64_t version = 1; version <= 5; version++)
            member_expect(consumer, version, 2, 5, NULL);
        varve_consumer_close(consumer);
        fake_server_stop(server);
    }
}

/* ---- what ends it ------------------------------------------------------------------------------------------------ */

static void say_fenced(struct fake_server *server, uint32_t id)
{
    peer_error(server, id, VARVE_FENCED, "taken over");
}
static void say_stopped(struct fake_server *server, uint32_t id)
{
    peer_error(server, id, VARVE_GROUP_STOPPED, "stopped: disk full");
}
static void say_deleted(struct fake_server *server, uint32_t id)
{
    peer_error(server, id, VARVE_GROUP_NOT_FOUND, "deleted");
}
static void say_old_epoch(struct fake_server *server, uint32_t id)
{
    fake_cut(server);
    member_serve(server, true, 4);
}
static void say_flipped(struct fake_server *server, uint32_t id)
{
    peer_write_deliveries(server, id, 1, 1, 1);
    server->out.bytes[100] ^= 1;
    fake_send(server);
}
static void say_empty(struct fake_server *server, uint32_t id)
{
    varve_wire_end(&server->out, varve_wire_begin(&server->out, VARVE_OP_GROUP_EVENTS, id));
    fake_send(server);
}
static void say_pong(struct fake_server *server, uint32_t id)
{
    peer_pong(server, id);
}
static void say_to_another(struct fake_server *server, uint32_t id)
{
    member_deliver(server, id + 1, 1, 1, 1);
}

struct fault {
    const char *label;
    void (*say)(struct fake_server *server, uint32_t id);
    enum varve_status status;
};

static void script_fault(struct fake_server *server)
{
    const struct fault *fault = server->user;
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 0, 1);
    fault->say(server, id);
    fake_listen_until_gone(server);
}

static void test_what_ends_a_membership_stays(void **state)
{
    static const struct fault faults[] = {
        { "taken over", say_fenced, VARVE_FENCED },
        { "stopped", say_stopped, VARVE_GROUP_STOPPED },
        { "deleted", say_deleted, VARVE_GROUP_NOT_FOUND },
        { "an epoch twice", say_old_epoch, VARVE_PROTOCOL },
        { "a flipped bit", say_flipped, VARVE_CORRUPT },
        { "GROUP_EVENTS that are none", say_empty, VARVE_PROTOCOL },
        { "a frame of another kind", say_pong, VARVE_PROTOCOL },
        { "a frame for another request", say_to_another, VARVE_PROTOCOL },
    };

    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        struct fake_server *server = fake_server_start(script_fault, (void *)&faults[i]);
        struct varve_consumer *consumer = member_open(server, "");
        struct varve_work work;
        struct varve_error error;

        member_expect(consumer, 0, 1, 4, NULL);
        for (int again = 0; again < 2; again++) {
            CHECK_CASE(varve_consumer_next(consumer, 10000, &work, &error) == faults[i].status, faults[i].label);
            CHECK_CASE(error.status == faults[i].status, faults[i].label);
        }
        CHECK_CASE(varve_consumer_ack(consumer, 5, NULL) == VARVE_FENCED, faults[i].label);
        varve_consumer_close(consumer);
        fake_server_stop(server);
    }
}

/* ---- credit ------------------------------------------------------------------------------------------------------ */

/* Never sends without credit, and wants every byte back but for less than half of the window. */
static void script_accountant(struct fake_server *server)
{
    struct varve_group_join join;
    int64_t credit, used = 0, returned = 0;
    uint32_t given;

    fake_begin(server);
    uint32_t id = fake_take(server, VARVE_OP_GROUP_JOIN);
    fake_expect(server, varve_decode_group_join(server->body, &join, NULL) == VARVE_OK, "GROUP_JOIN cannot be read");
    fake_expect(server, join.credit_bytes == 4096, "another window");
    varve_encode_group_joined(&server->out, id, 4, 0, 30000);
    credit = join.credit_bytes;
    for (uint64_t version = 0; version < 400; version += 4) {
        while (credit <= 0) {
            fake_expect(server, fake_take(server, VARVE_OP_CREDIT) == id, "credit for another request");
            fake_expect(server, varve_decode_credit(server->body, &given, NULL) == VARVE_OK, "CREDIT cannot be read");
            credit += given;
            returned += given;
            fake_expect(server, credit <= join.credit_bytes, "more credit than was used");
        }
        uint32_t size = peer_write_deliveries(server, id, version, version + 3, 1);
        fake_send(server);
        credit -= size;
        used += size;
    }
    fake_expect(server, used > 8 * 4096 && used - returned < 2 * 4096, "too little was sent to show anything");
    do
        fake_take_any(server);
    while (server->frame.opcode == VARVE_OP_CREDIT);
    fake_expect(server, server->frame.opcode == VARVE_OP_CANCEL, "it does not leave");
    peer_error(server, id, VARVE_CANCELLED, "cancelled");
}

static void test_credit_is_given_back_as_events_are_handed_over(void **state)
{
    struct fake_server *server = fake_server_start(script_accountant, NULL);
    struct varve_consumer *consumer = member_open(server, "&read_credit_bytes=4096");

    for (uint64_t version = 0; version < 400; version++)
        member_expect(consumer, version, 1, 4, NULL);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

/* ---- stopping and running ---------------------------------------------------------------------------------------- */

static void script_one_and_quiet(struct fake_server *server)
{
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 0, 1);
    member_serve_ack(server, 4, 0);
    member_serve_leave(server, id);
}

static void *stop_soon(void *consumer)
{
    fake_sleep_ms(20); /* So that it mostly waits by then; it must not matter. */
    varve_consumer_stop(consumer);
    return NULL;
}

static void test_what_is_done_can_be_acked_after_a_stop(void **state)
{
    struct fake_server *server = fake_server_start(script_one_and_quiet, NULL);
    struct varve_consumer *consumer = member_open(server, "");
    struct varve_work work, none;
    pthread_t thread;

    member_expect(consumer, 0, 1, 4, &work);
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, consumer), 0);
    assert_int_equal(varve_consumer_next(consumer, UINT32_MAX, &none, NULL), VARVE_CANCELLED);
    assert_int_equal(varve_consumer_next(consumer, 0, &none, NULL), VARVE_CANCELLED);
    pthread_join(thread, NULL);
    assert_int_equal(varve_consumer_ack(consumer, work.event->position, NULL), VARVE_OK);
    assert_int_equal(varve_consumer_flush(consumer, 10000, NULL, NULL, NULL), VARVE_OK);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

static void script_runs(struct fake_server *server)
{
    const uint64_t second = peer_position(1), third = peer_position(2);
    const struct varve_refused_ack refused = { third, VARVE_FENCED };
    struct varve_group_ack ack;
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 4, 1);
    uint32_t first = member_take_ack(server, VARVE_OP_GROUP_ACK, 4, (uint64_t[]){ peer_position(0) }, 1, &ack);
    uint32_t nack = member_take_ack(server, VARVE_OP_GROUP_NACK, 4, &second, 1, &ack);
    fake_expect(server, ack.action == VARVE_NACK_RETRY && ack.wait_ms == VARVE_RETRY_BACKOFF, "another nack");
    fake_expect(server, varve_view_equal(ack.reason, varve_view_str("two lines: no ink")), "another reason");
    member_ack_ok(server, nack, 1, NULL, 0);
    nack = member_take_ack(server, VARVE_OP_GROUP_NACK, 4, &third, 1, &ack);
    fake_expect(server, varve_view_equal(ack.reason, varve_view_str("IO")), "another reason");
    member_ack_ok(server, nack, 0, &refused, 1);
    uint32_t last = member_take_ack(server, VARVE_OP_GROUP_ACK, 4, (uint64_t[]){ peer_position(3) }, 1, &ack);
    member_ack_ok(server, last, 1, NULL, 0);
    member_ack_ok(server, first, 0, &(struct varve_refused_ack){ peer_position(0), VARVE_FENCED }, 1);
    member_serve_leave(server, id);
}

struct worker {
    struct varve_consumer *consumer;
    unsigned count;
};

static enum varve_status do_work(void *user, const struct varve_work *work, struct varve_error *error)
{
    struct worker *worker = user;

    assert_int_equal(work->event->version, worker->count);
    switch (worker->count++) {
    case 1:
        snprintf(error->message, sizeof(error->message), "two lines:\nno ink");
        return VARVE_INTERNAL;
    case 2:
        return VARVE_IO; /* And says nothing. */
    case 3:
        varve_consumer_stop(worker->consumer);
    }
    return VARVE_OK;
}

static void test_run_acks_what_was_done_and_nacks_the_rest(void **state)
{
    struct fake_server *server = fake_server_start(script_runs, NULL);
    struct varve_consumer *consumer = member_open(server, "");
    struct worker worker = { consumer, 0 };
    struct varve_error error;

    if (varve_consumer_run(consumer, do_work, &worker, &error) != VARVE_CANCELLED)
        fail_msg("%s: %s", varve_status_name(error.status), error.message);
    assert_int_equal(worker.count, 4);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static void serve_one(struct fake_server *server)
{
    static atomic_uint epoch;
    struct varve_group_ack ack;

    if (setjmp(server->end) != 0) {
        server->fault[0] = '\0'; /* It gave up half way: no memory; or it left. */
        return;
    }
    fake_begin(server);
    uint32_t id = fake_take(server, VARVE_OP_GROUP_JOIN);
    varve_encode_group_joined(&server->out, id, atomic_fetch_add(&epoch, 1) + 1, 0, 30000);
    peer_write_deliveries(server, id, 0, 2, 1);
    fake_send(server);
    for (;;) {
        uint32_t asked = fake_take(server, VARVE_OP_GROUP_ACK);
        fake_expect(server, varve_decode_group_ack(server->body, VARVE_OP_GROUP_ACK, server->arena, &ack, NULL) ==
                    VARVE_OK, "not readable");
        member_ack_ok(server, asked, 1, NULL, 0);
    }
}

static void script_for_all(struct fake_server *server)
{
    while (!atomic_load((atomic_bool *)server->user))
        serve_one(server);
}

/* Works on the three events there are; each is acked in the end, whichever allocation fails on the way. */
static void work_on_three(struct varve_consumer *consumer, unsigned *faults)
{
    for (uint64_t version = 0; version < 3;) {
        struct varve_work work;
        enum varve_status status = varve_consumer_next(consumer, 10000, &work, NULL);

        if (status == VARVE_OK) {
            assert_true(work.event->version <= version); /* After a fault they come again. */
            version = work.event->version;
            while ((status = varve_consumer_ack(consumer, work.event->position, NULL)) == VARVE_NO_MEMORY)
                ++*faults;
        }
        version += status == VARVE_OK;
        if (status == VARVE_OK && version == 3) {
            status = varve_consumer_flush(consumer, 10000, NULL, NULL, NULL);
            if (status != VARVE_OK)
                version = 2; /* What is not known to be taken may come again. */
        }
        if (status == VARVE_NO_MEMORY)
            ++*faults;
        else
            assert_true(status == VARVE_OK || status == VARVE_DISCONNECTED);
    }
}

static void test_memory_that_cannot_be_had(void **state)
{
    atomic_bool over = false;
    struct fake_server *server = fake_server_start(script_for_all, &over);
    struct varve_consumer *consumer = NULL;
    bool fired = FAIL_ALLOC_WORKS;

    for (unsigned nth = 1; fired; nth++) {
        unsigned faults = 0;
        struct varve_error error;
        enum varve_status status;

        fail_alloc_arm(nth);
        while ((status = member_try(server, "", &consumer, &error)) == VARVE_NO_MEMORY)
            faults++;
        if (status != VARVE_OK)
            fail_msg("allocation %u: %s", nth, error.message);
        work_on_three(consumer, &faults);
        fired = fail_alloc_disarm();
        assert_true(faults <= 1 && (fired || faults == 0));
        varve_consumer_close(consumer);
        consumer = NULL;
    }
    atomic_store(&over, true);
    (void)member_try(server, "", &consumer, NULL); /* Wakes the server up, should it still wait for somebody. */
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_member_from_its_joining_to_its_leaving),
        cmocka_unit_test(test_open_says_what_is_wrong),
        cmocka_unit_test(test_it_joins_again_with_a_new_epoch),
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_what_ends_a_membership_stays),
        cmocka_unit_test(test_credit_is_given_back_as_events_are_handed_over),
        cmocka_unit_test(test_what_is_done_can_be_acked_after_a_stop),
        cmocka_unit_test(test_run_acks_what_was_done_and_nacks_the_rest),
        cmocka_unit_test(test_memory_that_cannot_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
