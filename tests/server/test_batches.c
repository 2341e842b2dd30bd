/* test_batches.c - what READ and LOAD have in common: they are counted together, cancelled by what they are called, and
 * end with their client. The rest is told by test_read.c and test_load.c. */
#include "metrics_scrape.h"

#include "varve/wire_snapshot.h"

static const struct varve_view stream = { "a", 1 };

static void encode_load(struct client *c, uint32_t id, uint32_t credit, uint32_t batch)
{
    const struct varve_load_request request = { .streams = &stream, .stream_count = 1, .credit_bytes = credit,
                                                .batch_bytes = batch };

    varve_encode_load(&c->out, id, &request);
}

static void encode_read(struct client *c, uint32_t id)
{
    struct varve_read_request request = { .credit_bytes = 1, .batch_bytes = 100 };

    varve_read_init(&request.read);
    varve_encode_read(&c->out, id, &request);
}

static void both_kinds_are_counted_together(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 100);
    for (uint32_t i = 0; i < SERVER_MAX_READS; i++) {
        if (i % 2 == 0)
            encode_read(c, 10 + i);
        else
            encode_load(c, 10 + i, 1, 100);
        client_send(c);
        client_receive(c); /* Each waits for credit then, but for what else it may send in its first turn. */
    }
    encode_load(c, 99, 1, 0);
    encode_load(c, 10, 1, 0);
    client_send(c);
    for (int errors = 0; errors < 2;) {
        struct varve_frame frame = client_receive(c);
        struct varve_wire_error error;

        if (frame.opcode != VARVE_OP_ERROR)
            continue;
        assert_int_equal(varve_decode_error(c->body, c->arena, &error, NULL), VARVE_OK);
        assert_int_equal(error.error.status, frame.request_id == 99 ? VARVE_OVERLOADED : VARVE_INVALID_ARGUMENT);
        errors++;
    }
    client_close(c);
    while (f->server.session_count > 0) /* The end of the peer ends them all. */
        fixture_turn(f);
    assert_int_equal(figure_get(&f->server.figures.reads_under_way), 0);
    assert_int_equal(f->server.budget.used_bytes, 0);
    fixture_close(f);
}

/* What was done counts as it ended, what was given up as that. */
static void whose_client_has_left_counts_as_cancelled(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 100);
    encode_read(c, 10);
    encode_load(c, 11, 1, 100);
    client_send(c);
    while (figure_get(&f->server.figures.reads_under_way) < 2)
        fixture_turn(f);
    client_close(c);
    while (f->server.session_count > 0)
        fixture_turn(f);
    scrape(f);
    expect_scraped("varve_requests_total{operation=\"READ\",code=\"CANCELLED\"}", "1");
    expect_scraped("varve_requests_total{operation=\"READ\",code=\"OK\"}", "0");
    expect_scraped("varve_requests_total{operation=\"LOAD\",code=\"CANCELLED\"}", "1");
    expect_scraped("varve_requests_total{operation=\"APPEND\",code=\"OK\"}", "1");
    fixture_close(f);
}

static void a_load_is_cancelled_by_its_name(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 1000);
    encode_load(c, 3, 1, 100);
    client_send(c);
    client_expect(c, VARVE_OP_LOADING, 3);
    client_expect(c, VARVE_OP_READ_BATCH, 3);
    assert_true(client_hears_nothing(c));
    varve_encode_cancel(&c->out, 3);
    client_send(c);
    struct varve_wire_error error = client_receive_error(c, 3, VARVE_CANCELLED);
    assert_non_null(strstr(error.error.message, "load"));
    assert_int_equal(figure_get(&f->server.figures.reads_under_way), 0);
    client_close(c);
    fixture_close(f);
}

static void without_budget_a_load_is_refused(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    uint64_t hog = f->server.budget.limit_bytes - f->server.budget.used_bytes;

    budget_force(&f->server.budget, hog);
    encode_load(c, 3, 1000, 0);
    client_send(c);
    client_receive_error(c, 3, VARVE_OVERLOADED);
    budget_give(&f->server.budget, hog);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_kinds_are_counted_together), cmocka_unit_test(a_load_is_cancelled_by_its_name),
        cmocka_unit_test(without_budget_a_load_is_refused), cmocka_unit_test(whose_client_has_left_counts_as_cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
