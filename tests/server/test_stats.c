/* test_stats.c - STATS: the engine's figures and the server's. */
#include "saga_client.h"

#include "varve/version.h"

static uint64_t number_of(const struct varve_stat *stats, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (varve_view_equal(stats[i].name, varve_view_str(name))) {
            assert_false(stats[i].is_text);
            return stats[i].number;
        }
    }
    fail_msg("there is no figure %s", name);
    return 0;
}

static void both_halves_are_there(void **state)
{
    struct fixture *f = fixture_open("--memory-budget 100MiB");
    struct client *c = client_open(f);
    const struct varve_stat *stats;
    size_t count;
    bool has_version = false;

    client_append(c, "a", 6);
    varve_encode_stats(&c->out, 3);
    client_send(c);
    client_expect(c, VARVE_OP_STATS_OK, 3);
    assert_int_equal(varve_decode_stats_ok(c->body, c->arena, &stats, &count, NULL), VARVE_OK);
    assert_int_equal(number_of(stats, count, "events_appended"), 6);
    assert_int_equal(number_of(stats, count, "last_position"), 6);
    assert_int_equal(number_of(stats, count, "connections"), 1);
    assert_int_equal(number_of(stats, count, "requests"), 3);
    assert_int_equal(number_of(stats, count, "requests_under_way"), 1);
    assert_int_equal(number_of(stats, count, "budget_limit_bytes"), 100 << 20);
    assert_true(number_of(stats, count, "bytes_in") > 0);
    assert_int_equal(number_of(stats, count, "commit_us_p99"), 0); /* No second has passed on this loop. */
    assert_true(number_of(stats, count, "uptime_s") < 1000000);
    for (size_t i = 0; i < count; i++)
        has_version |= stats[i].is_text && varve_view_equal(stats[i].text, varve_view_str(VARVE_VERSION));
    assert_true(has_version);
    client_close(c);
    fixture_close(f);
}

static void sagas_are_counted_by_status(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_stat *stats;
    size_t count;

    saga_begin(c, "order", "1");
    saga_begin(c, "trip", "1");
    saga_begin(c, "trip", "2");
    const struct varve_saga_change failed = saga_change(VARVE_SAGA_FAIL, "trip", "1", 0);
    saga_do(c, &failed);
    varve_encode_stats(&c->out, 3);
    client_send(c);
    client_expect(c, VARVE_OP_STATS_OK, 3);
    assert_int_equal(varve_decode_stats_ok(c->body, c->arena, &stats, &count, NULL), VARVE_OK);
    assert_int_equal(number_of(stats, count, "sagas_running"), 2);
    assert_int_equal(number_of(stats, count, "sagas_failed"), 1);
    assert_int_equal(number_of(stats, count, "sagas_completed"), 0);
    assert_int_equal(number_of(stats, count, "saga_begins"), 3);
    assert_int_equal(number_of(stats, count, "transactions"), 4);
    client_close(c);
    fixture_close(f);
}

static void names_are_given_once(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_stat *stats;
    size_t count;

    varve_encode_stats(&c->out, 3);
    client_send(c);
    client_expect(c, VARVE_OP_STATS_OK, 3);
    assert_int_equal(varve_decode_stats_ok(c->body, c->arena, &stats, &count, NULL), VARVE_OK);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++)
            assert_false(varve_view_equal(stats[i].name, stats[j].name));
    }
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_halves_are_there), cmocka_unit_test(sagas_are_counted_by_status),
        cmocka_unit_test(names_are_given_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
