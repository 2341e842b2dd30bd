/* test_server.c - what the parts of the server share: limits, and the bound of its memory. */
#include "fixture.h"

static void frames_fit_the_largest_append(void **state)
{
    static const struct { const char *options; uint32_t max_frame_bytes; } cases[] = {
        { "", (8 << 20) + (1 << 20) },
        { "--max-append-bytes 31MiB", VARVE_WIRE_MAX_FRAME },
        { "--max-append-bytes 1MiB", 2 << 20 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fixture *f = fixture_open(cases[i].options);

        CHECK_CASE(f->server.max_frame_bytes == cases[i].max_frame_bytes, cases[i].options);
        fixture_close(f);
    }
}

static void the_memory_bound_is_the_sum_of_its_parts(void **state)
{
    struct fixture *f = fixture_open("--memory-budget 100MiB --max-connections 10");
    struct server_memory memory;
    struct varve_stats stats;

    varve_store_stats(f->store, &stats);
    server_memory_bound(&f->server, &memory);
    assert_int_equal(memory.budget_bytes, 100 << 20);
    assert_int_equal(memory.engine_bytes, stats.memory_bound_bytes);
    assert_true(memory.connection_bytes >= 10 * SERVER_INPUT_FLOOR_BYTES);
    assert_int_equal(memory.total_bytes, memory.engine_bytes + memory.connection_bytes + memory.budget_bytes +
                                             memory.decoder_bytes + memory.readers_bytes + memory.sagas_bytes +
                                             memory.snapshot_bytes + memory.outboxes_bytes +
                                             memory.metrics_bytes);
    assert_int_equal(memory.outboxes_bytes, 0); /* There is none. */
    fixture_close(f);
}

static void an_idle_server_holds_nothing(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 10);
    assert_true(client_hears_nothing(c));
    assert_int_equal(f->server.budget.used_bytes, 0);
    assert_int_equal(figure_get(&f->server.figures.budget_used_bytes), 0);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_fit_the_largest_append), cmocka_unit_test(the_memory_bound_is_the_sum_of_its_parts),
        cmocka_unit_test(an_idle_server_holds_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
