/* test_read.c - reads: batches, credit, cancelling, and what ends them. */
#include "fixture.h"

#include "varve/record.h"

static void encode_read(struct client *c, uint32_t id, const char *stream, uint32_t credit, uint32_t batch)
{
    struct varve_read_request request = { .credit_bytes = credit, .batch_bytes = batch };

    varve_read_init(&request.read);
    if (stream != NULL) {
        request.read.kind = VARVE_READ_STREAM;
        request.read.name = varve_view_str(stream);
    }
    varve_encode_read(&c->out, id, &request);
}

/* The count of records in the batch that comes next; its body's size is taken off *credit. */
static uint32_t take_batch(struct client *c, uint32_t id, int64_t *credit)
{
    const struct varve_view *records;
    struct varve_event event;
    uint32_t count;
    uint64_t next;

    client_expect(c, VARVE_OP_READ_BATCH, id);
    *credit -= (int64_t)c->body.size;
    assert_int_equal(varve_decode_read_batch(c->body, c->arena, &records, &count, &next, NULL), VARVE_OK);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(varve_record_decode(records[i].data, records[i].size, &event), VARVE_OK);
    return count;
}

static void a_small_read_is_a_batch_and_its_end(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    uint64_t last_position;
    int64_t credit = 100000;

    client_append(c, "a", 3);
    client_append(c, "b", 2);
    encode_read(c, 3, "a", 100000, 0);
    client_send(c);
    assert_int_equal(take_batch(c, 3, &credit), 3);
    client_expect(c, VARVE_OP_READ_END, 3);
    assert_int_equal(varve_decode_read_end(c->body, &last_position, NULL), VARVE_OK);
    assert_int_equal(last_position, 5);
    assert_int_equal(figure_get(&f->server.figures.reads_under_way), 0);
    encode_read(c, 4, "never", 100000, 0);
    client_send(c);
    client_receive_error(c, 4, VARVE_STREAM_NOT_FOUND);
    client_close(c);
    fixture_close(f);
}

static void an_empty_store_reads_as_an_end(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    encode_read(c, 3, NULL, 1, 0);
    client_send(c);
    client_expect(c, VARVE_OP_READ_END, 3);
    client_close(c);
    fixture_close(f);
}

static void batches_flow_while_there_is_credit(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    int64_t credit = 3000;
    uint32_t count = 0;

    for (int i = 0; i < 10; i++)
        client_append(c, "a", 10);
    encode_read(c, 3, NULL, 3000, 1000);
    client_send(c);
    while (count < 100) {
        if (credit > 0) {
            count += take_batch(c, 3, &credit);
            continue;
        }
        assert_true(client_hears_nothing(c));
        assert_int_equal(figure_get(&f->server.figures.reads_under_way), 1);
        varve_encode_credit(&c->out, 3, 2500);
        client_send(c);
        credit += 2500;
    }
    client_expect(c, VARVE_OP_READ_END, 3);
    varve_encode_credit(&c->out, 3, 1); /* Crossed by the end: ignored. */
    varve_encode_cancel(&c->out, 3);
    client_send(c);
    assert_true(client_hears_nothing(c));
    client_close(c);
    fixture_close(f);
}

static void credit_is_bounded(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    int64_t credit = 1;

    client_append(c, "a", 100);
    encode_read(c, 3, NULL, 1, 100);
    client_send(c);
    take_batch(c, 3, &credit);
    for (int i = 0; i < 5; i++)
        varve_encode_credit(&c->out, 3, UINT32_MAX); /* Counts as the most there can be. */
    client_send(c);
    for (uint32_t count = 0; count < 99;)
        count += take_batch(c, 3, &credit);
    client_expect(c, VARVE_OP_READ_END, 3);
    client_close(c);
    fixture_close(f);
}

static void a_waiting_read_can_be_cancelled(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    int64_t credit = 1;

    client_append(c, "a", 100);
    encode_read(c, 3, NULL, 1, 100);
    client_send(c);
    take_batch(c, 3, &credit);
    assert_true(client_hears_nothing(c));
    varve_encode_cancel(&c->out, 3);
    client_send(c);
    client_receive_error(c, 3, VARVE_CANCELLED);
    assert_int_equal(figure_get(&f->server.figures.reads_under_way), 0);
    client_close(c);
    fixture_close(f);
}

static void a_read_in_a_thread_can_be_cancelled(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 2000);
    encode_read(c, 3, NULL, 1 << 20, 100);
    varve_encode_cancel(&c->out, 3);
    client_send(c); /* Both in one go: the first batch is under way when it is cancelled. */
    client_receive_error(c, 3, VARVE_CANCELLED);
    assert_true(client_hears_nothing(c));
    client_close(c);
    fixture_close(f);
}

static void bad_credit_ends_the_read(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    int64_t credit = 1;

    client_append(c, "a", 100);
    encode_read(c, 3, NULL, 1, 100);
    client_send(c);
    take_batch(c, 3, &credit);
    varve_encode_credit(&c->out, 3, 0);
    client_send(c);
    client_receive_error(c, 3, VARVE_INVALID_ARGUMENT);
    assert_int_equal(figure_get(&f->server.figures.reads_under_way), 0);
    client_close(c);
    fixture_close(f);
}

static void so_many_at_a_time(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    int64_t credit = 1;

    client_append(c, "a", 100);
    for (uint32_t i = 0; i < SERVER_MAX_READS; i++) {
        encode_read(c, 10 + i, NULL, 1, 100);
        client_send(c);
        take_batch(c, 10 + i, &credit);
    }
    encode_read(c, 99, NULL, 1, 100);
    encode_read(c, 10, NULL, 1, 100);
    client_send(c);
    client_receive_error(c, 99, VARVE_OVERLOADED);
    client_receive_error(c, 10, VARVE_INVALID_ARGUMENT);
    client_close(c);
    while (f->server.session_count > 0) /* The end of the peer ends them all. */
        fixture_turn(f);
    assert_int_equal(figure_get(&f->server.figures.reads_under_way), 0);
    assert_int_equal(f->server.budget.used_bytes, 0);
    fixture_close(f);
}

static void output_that_is_not_taken_holds_batches_back(void **state)
{
    struct fixture *f = fixture_open("--max-output 64KiB");
    struct client *c = client_open(f);
    int64_t credit = 0;
    uint32_t count = 0;

    for (int i = 0; i < 120; i++) {
        client_encode_append(c, 4, "a", VARVE_EXPECTED_ANY, 10, 10000);
        client_send(c);
        client_expect(c, VARVE_OP_APPEND_OK, 4);
    }
    encode_read(c, 3, NULL, 60 << 20, 100000);
    client_send(c);
    for (int i = 0; i < 200; i++)
        fixture_turn(f); /* 12 MB: neither the socket's buffers nor we may hold it all. */
    assert_true(f->server.budget.used_bytes < 1 << 20);
    while (count < 1200)
        count += take_batch(c, 3, &credit);
    client_expect(c, VARVE_OP_READ_END, 3);
    client_close(c);
    fixture_close(f);
}

static void without_budget_a_read_is_refused(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    uint64_t hog = f->server.budget.limit_bytes - f->server.budget.used_bytes;

    budget_force(&f->server.budget, hog);
    encode_read(c, 3, NULL, 1000, 0);
    client_send(c);
    client_receive_error(c, 3, VARVE_OVERLOADED);
    budget_give(&f->server.budget, hog);
    client_close(c);
    fixture_close(f);
}

static void a_read_begun_waits_for_budget(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    int64_t credit = 1;

    client_append(c, "a", 100);
    encode_read(c, 3, NULL, 1, 100);
    client_send(c);
    take_batch(c, 3, &credit);
    uint64_t hog = f->server.budget.limit_bytes - f->server.budget.used_bytes;
    budget_force(&f->server.budget, hog);
    varve_encode_credit(&c->out, 3, 1 << 20);
    client_send(c);
    assert_true(client_hears_nothing(c));
    budget_give(&f->server.budget, hog);
    for (uint32_t count = 0; count < 99;)
        count += take_batch(c, 3, &credit);
    client_expect(c, VARVE_OP_READ_END, 3);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_read_is_a_batch_and_its_end), cmocka_unit_test(an_empty_store_reads_as_an_end),
        cmocka_unit_test(batches_flow_while_there_is_credit), cmocka_unit_test(credit_is_bounded),
        cmocka_unit_test(a_waiting_read_can_be_cancelled), cmocka_unit_test(a_read_in_a_thread_can_be_cancelled),
        cmocka_unit_test(bad_credit_ends_the_read), cmocka_unit_test(so_many_at_a_time),
        cmocka_unit_test(output_that_is_not_taken_holds_batches_back),
        cmocka_unit_test(without_budget_a_read_is_refused), cmocka_unit_test(a_read_begun_waits_for_budget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
