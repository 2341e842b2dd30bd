/* test_outboxes.c - outboxes as parts of the server: found, totalled, woken, and gone before the store is. */
#include "fixture.h"

#include "server/outboxes.h"
#include "support/fail_alloc.h"

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

/* Those that did start are ended and freed as if all had. Every fifth allocation will do: librdkafka ends slowly. */
static void one_that_cannot_start(void **state)
{
    static const char *const names[] = { "first", "second" };
    bool fired = true;

    if (!FAIL_ALLOC_WORKS)
        skip();
    struct fixture *f = fixture_open("");
    assert_true(outboxes_end(&f->server));
    outboxes_free(&f->server);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_int_equal(outbox_configs_add(&f->config.outboxes, names[i], "127.0.0.1:1", NULL), VARVE_OK);
    for (unsigned nth = 1; fired; nth += 5) {
        fail_alloc_arm(nth);
        enum varve_status status = outboxes_load(&f->server, f->store, NULL);
        if (status == VARVE_OK)
            status = outboxes_start(&f->server, NULL);
        fired = fail_alloc_disarm();
        assert_true(status == VARVE_OK || (fired && status == VARVE_NO_MEMORY));
        if (fired) {
            assert_true(outboxes_end(&f->server));
            outboxes_free(&f->server);
        }
    }
    assert_int_equal(outboxes_count(&f->server), COUNT_OF(names));
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_without_outboxes),
        cmocka_unit_test(one_whose_kafka_is_away),
        cmocka_unit_test(one_that_cannot_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
