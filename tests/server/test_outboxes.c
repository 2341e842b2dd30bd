/* test_outboxes.c - outboxes as parts of the server: found, totalled, woken, and gone before the store is. */
#include "fixture.h"

#include "server/outboxes.h"

static struct outbox_view look(struct fixture *f)
{
    struct outbox_view view;

    outbox_look(outboxes_at(&f->server, 0), &view);
    return view;
}

static bool is_away(void *user)
{
    return look(user).phase == VARVE_OUTBOX_BACKOFF;
}

static void a_server_without_outboxes(void **state)
{
    struct fixture *f = fixture_open("");
    struct outboxes_totals totals;

    assert_int_equal(outboxes_count(&f->server), 0);
    assert_null(outboxes_find(&f->server, varve_view_str("kafka")));
    assert_true(outboxes_retention_floor(&f->server) == UINT64_MAX);
    outboxes_total(&f->server, &totals);
    assert_true(totals.outboxes == 0 && totals.lag_events == 0);
    assert_int_equal(outboxes_memory_bytes(&f->config), 0);
    fixture_close(f);
}

/* Nobody listens on port 1: Kafka is away. */
static void one_whose_kafka_is_away(void **state)
{
    struct fixture *f = fixture_open("--kafka 127.0.0.1:1");
    struct client *c = client_open(f);
    struct outboxes_totals totals;

    assert_int_equal(outboxes_count(&f->server), 1);
    assert_ptr_equal(outboxes_find(&f->server, varve_view_str("kafka")), outboxes_at(&f->server, 0));
    assert_null(outboxes_find(&f->server, varve_view_str("other")));
    client_append(c, "a", 5);
    outboxes_total(&f->server, &totals);
    assert_true(totals.outboxes == 1 && totals.lag_events == 5 && totals.parked_events == 0 && totals.halted == 0);
    assert_int_equal(outboxes_retention_floor(&f->server), 1);
    fixture_wait(f, is_away, f);
    assert_int_equal(look(f).head, 5);
    assert_true(outboxes_memory_bytes(&f->config) > 0);
    client_close(c);
    fixture_restart(f);
    assert_int_equal(outboxes_count(&f->server), 1);
    assert_int_equal(look(f).head, 5);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_without_outboxes),
        cmocka_unit_test(one_whose_kafka_is_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
