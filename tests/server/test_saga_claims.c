/* test_saga_claims.c - claims that find something and claims that wait: woken by changes and by leases that end, ended
 * by time, CANCEL, a client that leaves, a server that stops. */
#include "saga_client.h"

#include "server/saga_claims_parts.h"
#include "server/session_parts.h"
#include "varve/os.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { LONG_MS = 30000, LEASE_MS = 600000 };

static uint64_t waiting(const struct fixture *f)
{
    return figure_get(&f->server.figures.saga_claims_waiting);
}

/* Claims of so many wait. */
static void wait_for_waiting(struct fixture *f, uint64_t count)
{
    while (waiting(f) != count)
        fixture_turn(f);
}

static void a_saga_is_given_to_one(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_saga *sagas;

    saga_begin(c, "order", "1");
    assert_int_equal(saga_claim(c, "trip", 5, LEASE_MS, &sagas), 0);
    assert_int_equal(saga_claim(c, "order", 5, LEASE_MS, &sagas), 1);
    assert_true(varve_view_equal(sagas[0].id, varve_view_str("1")));
    assert_true(sagas[0].has_state && varve_view_equal(sagas[0].state, varve_view_str("{\"n\":1}")));
    assert_int_equal(saga_claim(c, "order", 5, LEASE_MS, &sagas), 0);
    assert_int_equal(figure_get(&f->server.figures.saga_leases), 1);
    const struct varve_saga_change step = saga_change(VARVE_SAGA_STEP, "order", "1", 0);
    saga_do(c, &step); /* It changed: the lease is over. */
    assert_int_equal(figure_get(&f->server.figures.saga_leases), 0);
    assert_int_equal(saga_claim(c, "order", 5, LEASE_MS, &sagas), 1);
    assert_int_equal(sagas[0].version, 1);
    const struct varve_saga_change done = saga_change(VARVE_SAGA_COMPLETE, "order", "1", 1);
    saga_do(c, &done);
    assert_int_equal(saga_claim(c, "order", 5, LEASE_MS, &sagas), 0);
    assert_int_equal(figure_get(&f->server.figures.sagas_claimed), 2);
    client_close(c);
    fixture_close(f);
}

static void those_who_wait_are_woken_by_a_change(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f), *worker = client_open(f), *other = client_open(f);
    const struct varve_saga *sagas;

    saga_send_claim(worker, 1, "order", 1, LEASE_MS, LONG_MS);
    wait_for_waiting(f, 1);
    saga_send_claim(worker, 2, "order", 1, LEASE_MS, LONG_MS);
    saga_send_claim(other, 3, "order", 1, LEASE_MS, LONG_MS); /* Which of these two is first is not promised. */
    saga_send_claim(worker, 4, "trip", 1, LEASE_MS, LONG_MS);
    wait_for_waiting(f, 4);
    assert_true(client_hears_nothing(worker));
    saga_begin(c, "order", "1");
    assert_int_equal(saga_receive_claim(worker, 1, &sagas), 1); /* First come, first served. */
    saga_begin_many(c, "order", "more", 2, VARVE_TIME_NONE);
    assert_int_equal(saga_receive_claim(worker, 2, &sagas), 1);
    assert_int_equal(saga_receive_claim(other, 3, &sagas), 1);
    saga_begin(c, "trip", "1");
    assert_int_equal(saga_receive_claim(worker, 4, &sagas), 1);
    assert_int_equal(waiting(f), 0);
    client_close(other);
    client_close(worker);
    client_close(c);
    fixture_close(f);
}

static void those_who_wait_are_woken_by_the_end_of_a_lease(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_saga *sagas;

    saga_begin(c, "order", "1");
    assert_int_equal(saga_claim(c, "order", 1, 50, &sagas), 1);
    saga_send_claim(c, 3, "order", 1, LEASE_MS, LONG_MS);
    assert_int_equal(saga_receive_claim(c, 3, &sagas), 1);
    assert_int_equal(sagas[0].version, 0); /* The same again. */
    client_close(c);
    fixture_close(f);
}

static void leases_end_though_nobody_asks(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_saga *sagas;

    saga_begin(c, "order", "1");
    assert_int_equal(saga_claim(c, "order", 1, 100, &sagas), 1);
    while (figure_get(&f->server.figures.saga_leases) > 0)
        fixture_turn(f);
    client_close(c);
    fixture_close(f);
}

/* Not before it; in the order of their times only on a machine that is never late. */
static void waiting_ends_with_its_time(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    uint64_t began_ms = uv_now(&f->server.loop);
    uint32_t ended = 0;

    for (uint32_t i = 1; i <= 5; i++)
        saga_send_claim(c, i, i == 3 ? "trip" : "order", 1, LEASE_MS, 10 * i);
    while (ended != 0x3e) {
        struct varve_frame frame = client_receive(c);
        const struct varve_saga *sagas;
        size_t count;

        assert_int_equal(frame.opcode, VARVE_OP_SAGA_CLAIM_OK);
        assert_int_equal(varve_decode_saga_claim_ok(c->body, c->arena, &sagas, &count, NULL), VARVE_OK);
        assert_int_equal(count, 0);
        assert_in_range(frame.request_id, 1, 5);
        assert_false(ended & 1u << frame.request_id);
        assert_true(uv_now(&f->server.loop) - began_ms >= 10 * frame.request_id);
        ended |= 1u << frame.request_id;
    }
    assert_int_equal(waiting(f), 0);
    assert_int_equal(figure_get(&f->server.figures.requests_under_way), 0);
    client_close(c);
    fixture_close(f);
}

static void cancel_ends_waiting(void **state)
{
    struct fixture *f = fixture_open("--max-requests 2");
    struct client *c = client_open(f);

    for (uint32_t i = 1; i <= 4; i++)
        saga_send_claim(c, i, "order", 1, LEASE_MS, LONG_MS);
    wait_for_waiting(f, 4); /* More than max_requests: and CANCEL is heard all the same. */
    varve_encode_credit(&c->out, 2, 100); /* A claim needs none. */
    for (uint32_t i = 1; i <= 4; i++)
        varve_encode_cancel(&c->out, i);
    client_send(c);
    for (uint32_t i = 1; i <= 4; i++)
        client_receive_error(c, i, VARVE_CANCELLED);
    assert_int_equal(waiting(f), 0);
    client_close(c);
    fixture_close(f);
}

static void one_id_one_claim(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    saga_send_claim(c, 9, "order", 1, LEASE_MS, LONG_MS);
    wait_for_waiting(f, 1);
    saga_send_claim(c, 9, "order", 1, LEASE_MS, LONG_MS);
    client_receive_error(c, 9, VARVE_INVALID_ARGUMENT);
    client_close(c);
    fixture_close(f);
}

static void nothing_is_leased_to_who_has_left(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f), *gone = client_open(f), *shut = client_open(f);
    const struct varve_saga *sagas;

    saga_send_claim(gone, 1, "order", 1, LEASE_MS, LONG_MS);
    saga_send_claim(shut, 1, "order", 1, LEASE_MS, LONG_MS);
    saga_send_claim(c, 1, "order", 1, LEASE_MS, LONG_MS);
    wait_for_waiting(f, 3);
    client_close(gone);
    client_shut(shut);
    assert_int_equal(saga_receive_claim(shut, 1, &sagas), 0);
    wait_for_waiting(f, 1);
    struct client *other = client_open(f);
    saga_begin(other, "order", "1");
    assert_int_equal(saga_receive_claim(c, 1, &sagas), 1);
    client_close(other);
    client_close(shut);
    client_close(c);
    fixture_close(f);
}

/* However the leaving falls together with the look. */
static void what_was_taken_for_who_left_is_free_again(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_saga *sagas;

    saga_begin(c, "order", "1");
    for (int i = 0; i < 50; i++) {
        struct client *gone = client_open(f);
        uint64_t claimed = figure_get(&f->server.figures.sagas_claimed);

        varve_encode_saga_claim(&gone->out, 3, &(struct varve_saga_claim){
            .type = varve_view_str("order"), .step = varve_view_of("", 0), .worker = varve_view_str("w"),
            .lease_ms = LEASE_MS, .limit = 1 });
        assert_int_equal(send(gone->fd, gone->out.bytes, gone->out.size, MSG_NOSIGNAL), (ssize_t)gone->out.size);
        for (int turn = 0; turn < i % 3; turn++)
            fixture_turn(f);
        session_close_all(&f->server, "the test says so");
        client_close(gone);
        client_close(c);
        while (f->server.session_count > 0)
            fixture_turn(f);
        c = client_open(f);
        if (figure_get(&f->server.figures.sagas_claimed) > claimed) { /* It was answered before. */
            const struct varve_saga_change step = saga_change(VARVE_SAGA_STEP, "order", "1",
                                                              VARVE_EXPECTED_STREAM_EXISTS);
            saga_do(c, &step);
        }
    }
    assert_int_equal(saga_claim(c, "order", 1, LEASE_MS, &sagas), 1);
    client_close(c);
    fixture_close(f);
}

static void a_stopping_server_says_so(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_error why;

    saga_send_claim(c, 1, "order", 1, LEASE_MS, LONG_MS);
    wait_for_waiting(f, 1);
    varve_fail(&why, VARVE_NOT_READY, NULL, "the server is stopping");
    f->server.stopping = true;
    session_stop_all(&f->server, &why);
    client_receive_error(c, 1, VARVE_NOT_READY);
    client_close(c);
    fixture_close(f);
}

static void a_lease_does_not_outlive_the_server(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_saga *sagas;

    saga_begin(c, "order", "1");
    assert_int_equal(saga_claim(c, "order", 1, LEASE_MS, &sagas), 1);
    client_close(c);
    fixture_restart(f);
    c = client_open(f);
    assert_int_equal(saga_claim(c, "order", 1, LEASE_MS, &sagas), 1);
    client_close(c);
    fixture_close(f);
}

static void without_budget_it_is_overloaded_or_waits(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_saga *sagas;

    saga_begin(c, "order", "1");
    uint64_t hog = f->server.budget.limit_bytes - f->server.budget.used_bytes;
    budget_force(&f->server.budget, hog);
    saga_send_claim(c, 3, "order", 1, LEASE_MS, 0);
    client_receive_error(c, 3, VARVE_OVERLOADED);
    budget_give(&f->server.budget, BUDGET_SMALL_BYTES); /* Enough for the claim, not for what it finds. */
    saga_send_claim(c, 4, "order", 1, LEASE_MS, 0);
    assert_true(client_hears_nothing(c));
    budget_give(&f->server.budget, hog - BUDGET_SMALL_BYTES);
    assert_int_equal(saga_receive_claim(c, 4, &sagas), 1);
    client_close(c);
    while (f->server.session_count > 0)
        fixture_turn(f);
    assert_int_equal(f->server.budget.used_bytes, 0);
    fixture_close(f);
}

/* So many workers at once: each saga is given once, and none is forgotten. */
static void many_workers_share_the_work(void **state)
{
    enum { WORKERS = 16, SAGAS = 400, EACH = 3 };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f), *workers[WORKERS];
    bool given[SAGAS] = { false };
    unsigned total = 0;

    for (int i = 0; i < WORKERS; i++) {
        workers[i] = client_open(f);
        saga_send_claim(workers[i], 1, "order", EACH, LEASE_MS, LONG_MS);
    }
    saga_begin_many(c, "order", "", SAGAS, VARVE_TIME_NONE);
    for (unsigned i = 0; total < SAGAS; i = (i + 1) % WORKERS) {
        const struct varve_saga *sagas;
        size_t count = saga_receive_claim(workers[i], 1, &sagas);

        assert_in_range(count, 0, EACH); /* 0: of those who do not wait, at the end. */
        for (size_t at = 0; at < count; at++) {
            unsigned id = (unsigned)strtoul(sagas[at].id.data, NULL, 10);
            assert_false(given[id]);
            given[id] = true;
        }
        total += (unsigned)count;
        bool enough_for_all = SAGAS - total >= WORKERS * EACH;
        saga_send_claim(workers[i], 1, "order", EACH, LEASE_MS, enough_for_all ? LONG_MS : 0);
    }
    for (int i = 0; i < WORKERS; i++)
        client_close(workers[i]);
    client_close(c);
    fixture_close(f);
}

/* The system takes no more for one of the sessions, and as much as may wait here does. */
static bool is_output_full(void *user)
{
    const struct fixture *f = user;
    const struct session *s = f->server.sessions;

    while (s != NULL && (!s->sender.writing || s->sender.output.bytes < f->config.max_output_bytes))
        s = s->next;
    return s != NULL;
}

/* More is on its way to this client than may wait, and it takes nothing. */
static void fill_output(struct client *c, struct client *deaf)
{
    struct varve_read_request read = { .credit_bytes = 60 << 20 };

    for (int i = 0; i < 120; i++) {
        client_encode_append(c, 4, "a", VARVE_EXPECTED_ANY, 10, 10000);
        client_send(c);
        client_expect(c, VARVE_OP_APPEND_OK, 4);
    }
    varve_read_init(&read.read);
    varve_encode_read(&deaf->out, 3, &read);
    client_send(deaf);
    fixture_wait(c->fixture, is_output_full, c->fixture);
}

/* One who does not take what he is sent is the first in line. */
static void who_reads_nothing_keeps_nobody_waiting(void **state)
{
    struct fixture *f = fixture_open("--max-output 64KiB");
    struct client *c = client_open(f), *deaf = client_open(f), *worker = client_open(f);
    const struct varve_saga *sagas;

    saga_send_claim(deaf, 1, "order", 1, LEASE_MS, LONG_MS);
    wait_for_waiting(f, 1);
    saga_send_claim(worker, 1, "order", 1, LEASE_MS, LONG_MS);
    wait_for_waiting(f, 2);
    fill_output(c, deaf);
    saga_begin(c, "order", "1");
    assert_int_equal(saga_receive_claim(worker, 1, &sagas), 1);
    client_close(worker);
    client_close(deaf);
    client_close(c);
    fixture_close(f);
}

static pthread_t loop_thread;
static atomic_uint loop_syncs;

static int count_sync(void *self, int fd)
{
    if (pthread_equal(pthread_self(), loop_thread))
        atomic_fetch_add(&loop_syncs, 1);
    return varve_os_default()->fdatasync(varve_os_default()->self, fd);
}

/* While a claim is looked for, others may be synced as long as it takes: not by the thread that brings the answer. */
static void a_claim_does_not_wait_for_the_disk(void **state)
{
    static struct varve_os os;
    struct fixture *f = fixture_open("");
    const struct varve_saga *sagas;

    os = *varve_os_default();
    os.fdatasync = count_sync;
    loop_thread = pthread_self();
    f->config.store.os = &os;
    fixture_restart(f);
    struct client *c = client_open(f), *worker = client_open(f);
    saga_begin(c, "order", "1");
    assert_false(saga_claims_are_looking(&f->server));
    saga_claims_lock(&f->server); /* The look does not get far. */
    saga_send_claim(worker, 1, "order", 1, LEASE_MS, 0);
    while (!saga_claims_are_looking(&f->server))
        fixture_turn(f);
    unsigned before = atomic_load(&loop_syncs);
    for (int i = 0; i < 50; i++)
        client_append(c, "a", 1);
    assert_int_equal(atomic_load(&loop_syncs), before);
    saga_claims_unlock(&f->server);
    assert_int_equal(saga_receive_claim(worker, 1, &sagas), 1);
    assert_false(saga_claims_are_looking(&f->server));
    client_close(worker);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_saga_is_given_to_one), cmocka_unit_test(those_who_wait_are_woken_by_a_change),
        cmocka_unit_test(those_who_wait_are_woken_by_the_end_of_a_lease),
        cmocka_unit_test(leases_end_though_nobody_asks), cmocka_unit_test(waiting_ends_with_its_time),
        cmocka_unit_test(cancel_ends_waiting),
        cmocka_unit_test(one_id_one_claim), cmocka_unit_test(nothing_is_leased_to_who_has_left),
        cmocka_unit_test(what_was_taken_for_who_left_is_free_again), cmocka_unit_test(a_stopping_server_says_so),
        cmocka_unit_test(a_lease_does_not_outlive_the_server),
        cmocka_unit_test(without_budget_it_is_overloaded_or_waits), cmocka_unit_test(many_workers_share_the_work),
        cmocka_unit_test(who_reads_nothing_keeps_nobody_waiting),
        cmocka_unit_test(a_claim_does_not_wait_for_the_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
