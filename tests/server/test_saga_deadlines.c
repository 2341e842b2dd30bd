/* test_saga_deadlines.c - deadlines: fired once, however many, however long ago, and however full the disk is. */
#include "saga_client.h"

#include "support/fault_os.h"

#include "server/saga_deadlines.h"

#define HOUR_US INT64_C(3600000000)

static uint64_t fired(const struct fixture *f)
{
    return figure_get(&f->server.figures.saga_deadlines_fired);
}

static void wait_for_fired(struct fixture *f, uint64_t count)
{
    while (fired(f) < count)
        fixture_turn(f);
    assert_int_equal(fired(f), count);
}

/* Looks that find nothing more: whatever is due has been seen by then. */
static void let_it_look(struct fixture *f)
{
    uint64_t until_ms = uv_hrtime() / 1000000 + 3 * SAGA_DEADLINES_EVERY_MS;

    while (uv_hrtime() / 1000000 < until_ms || !saga_deadlines_are_idle(&f->server))
        fixture_turn(f);
}

static void who_is_late_is_told_so_once(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    saga_begin_due(c, "order", "late", 1000);
    saga_begin_due(c, "order", "later", HOUR_US);
    saga_begin(c, "order", "never");
    wait_for_fired(f, 1);
    struct varve_saga saga = saga_get(c, "order", "late");
    assert_int_equal(saga.status, VARVE_SAGA_TIMED_OUT);
    assert_int_equal(saga.version, 1);
    let_it_look(f);
    assert_int_equal(fired(f), 1);
    assert_int_equal(saga_count(c, "order", VARVE_SAGA_RUNNING), 2);
    client_close(c);
    fixture_close(f);
}

static void who_changed_in_time_is_left_alone(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    saga_begin_due(c, "order", "a", HOUR_US);
    saga_begin_due(c, "order", "b", HOUR_US);
    const struct varve_saga_change step = saga_change(VARVE_SAGA_STEP, "order", "a", 0); /* And no deadline. */
    const struct varve_saga_change done = saga_change(VARVE_SAGA_COMPLETE, "order", "b", 0);
    saga_do(c, &step);
    saga_do(c, &done);
    saga_begin_due(c, "order", "c", -HOUR_US);
    wait_for_fired(f, 1);
    let_it_look(f);
    assert_int_equal(fired(f), 1);
    assert_int_equal(saga_get(c, "order", "a").status, VARVE_SAGA_RUNNING);
    assert_int_equal(saga_get(c, "order", "b").status, VARVE_SAGA_COMPLETED);
    client_close(c);
    fixture_close(f);
}

static int64_t given_now_us;

static int64_t given_now(void *self)
{
    return given_now_us;
}

static void what_passed_while_it_was_down_is_fired_at_start(void **state)
{
    struct fixture *f = fixture_open("");
    static struct varve_os os;

    os = *varve_os_default();
    os.now_us = given_now;
    given_now_us = HOUR_US;
    f->config.store.os = &os;
    fixture_restart(f);
    struct client *c = client_open(f);
    saga_begin_many(c, "order", "o", 300, 2 * HOUR_US);
    let_it_look(f);
    assert_int_equal(fired(f), 0);
    client_close(c);
    given_now_us = 3 * HOUR_US;
    fixture_restart(f);
    wait_for_fired(f, 300);
    fixture_restart(f);
    let_it_look(f);
    assert_int_equal(fired(f), 0); /* Nothing fires twice. */
    c = client_open(f);
    assert_int_equal(saga_count(c, "order", VARVE_SAGA_TIMED_OUT), 300);
    client_close(c);
    fixture_close(f);
}

/* Clients change and complete the sagas that are due at the same time: each change is one or the other's. */
static void a_race_with_clients_is_won_once(void **state)
{
    enum { COUNT = 600 };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f), *other = client_open(f);
    const struct varve_os *os = f->server.limits.os;
    uint64_t completed = 0, total = 0;
    char id[16];

    saga_begin_many(c, "order", "o", COUNT, os->now_us(os->self) + 100000);
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(id, sizeof(id), "o%u", (i * 7) % COUNT);
        const struct varve_saga_change change = saga_change(VARVE_SAGA_COMPLETE, "order", id, 0);
        varve_encode_transact(&c->out, i + 1, &(struct varve_transact_request){ .sagas = &change, .saga_count = 1 });
    }
    while (saga_count(other, "order", VARVE_SAGA_TIMED_OUT) == 0)
        fixture_turn(f);
    client_send(c);
    for (unsigned i = 0; i < COUNT; i++)
        completed += client_receive(c).opcode == VARVE_OP_TRANSACT_OK;
    while (saga_count(c, "order", VARVE_SAGA_RUNNING) > 0)
        fixture_turn(f);
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(id, sizeof(id), "o%u", i);
        total += (uint64_t)saga_get(c, "order", id).version;
    }
    assert_int_equal(total, COUNT); /* One change each. */
    assert_int_equal(fired(f) + completed, COUNT);
    client_close(other);
    client_close(c);
    fixture_close(f);
}

static void a_full_disk_puts_it_off(void **state)
{
    static struct fault_os fault;
    struct fixture *f = fixture_open("");

    fault_os_init(&fault);
    f->config.store.os = &fault.os;
    fixture_restart(f);
    struct client *c = client_open(f);
    saga_begin_many(c, "order", "o", 10, HOUR_US * 24 * 365 * 40); /* In 2010. */
    wait_for_fired(f, 10);
    saga_begin_due(c, "order", "x", 500000);
    fault.free_bytes = 0;
    char seen[64 * 1024] = "";
    while (strstr(seen, "saga.deadlines_wait") == NULL) {
        fixture_turn(f);
        snprintf(seen, sizeof(seen), "%s", fixture_log(f));
    }
    assert_non_null(strstr(seen, "DISK_FULL"));
    assert_int_equal(fired(f), 10);
    fault.free_bytes = -1;
    wait_for_fired(f, 11);
    client_close(c);
    fixture_close(f);
}

static void a_claim_gets_who_is_late(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_saga *sagas;

    saga_begin_due(c, "order", "a", 300000);
    assert_int_equal(saga_claim(c, "order", 1, 600000, &sagas), 1); /* Leased, */
    saga_send_claim(c, 5, "order", 1, 600000, 30000);
    assert_int_equal(saga_receive_claim(c, 5, &sagas), 1);          /* until it changes. */
    assert_int_equal(sagas[0].status, VARVE_SAGA_TIMED_OUT);
    client_close(c);
    fixture_close(f);
}

/* Some thousands at once, and an append in between. */
static void many_at_once_let_others_through(void **state)
{
    enum { COUNT = 5000 };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    saga_begin_many(c, "order", "o", COUNT, HOUR_US);
    client_append(c, "a", 1);
    wait_for_fired(f, COUNT);
    assert_int_equal(saga_count(c, "order", VARVE_SAGA_TIMED_OUT), COUNT);
    assert_true(saga_deadlines_bound() < 4 << 20);
    client_close(c);
    fixture_close(f);
}

/* What is due at once need not fit one append. */
static void as_many_as_an_append_holds(void **state)
{
    struct fixture *f = fixture_open("--max-append-bytes 4096 --max-event-bytes 1024");
    static struct varve_os os;

    os = *varve_os_default();
    os.now_us = given_now;
    given_now_us = HOUR_US;
    f->config.store.os = &os;
    fixture_restart(f);
    struct client *c = client_open(f);
    for (char prefix[] = "a"; prefix[0] <= 'l'; prefix[0]++)
        saga_begin_many(c, "order", prefix, 5, 2 * HOUR_US);
    given_now_us = 3 * HOUR_US;
    wait_for_fired(f, 60);
    assert_int_equal(saga_count(c, "order", VARVE_SAGA_TIMED_OUT), 60);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_as_an_append_holds),
        cmocka_unit_test(who_is_late_is_told_so_once), cmocka_unit_test(who_changed_in_time_is_left_alone),
        cmocka_unit_test(what_passed_while_it_was_down_is_fired_at_start),
        cmocka_unit_test(a_race_with_clients_is_won_once), cmocka_unit_test(a_full_disk_puts_it_off),
        cmocka_unit_test(a_claim_gets_who_is_late), cmocka_unit_test(many_at_once_let_others_through),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
