/* test_credit.c - how large a window is, and when credit goes back. */
#include "peer.h"

#include "clients/c/credit.h"

static void test_windows_and_batches(void **state)
{
    static const struct {
        const char *label;
        uint32_t wanted, allowed, window, batch;
    } cases[] = {
        { "as wanted", 1u << 20, 16u << 20, 1u << 20, 128u << 10 },
        { "as the server allows", 1u << 20, 100000, 100000, 12500 },
        { "the smallest batch", 4096, 16u << 20, 4096, 4096 },
        { "the largest batch", 1u << 30, 1u << 30, 1u << 30, 512u << 10 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_hello_ok hello;
        struct credit credit = { .eaten_bytes = 9 };

        fake_hello_ok_init(&hello);
        hello.max_credit_bytes = cases[i].allowed;
        credit_begin(&credit, cases[i].wanted, &hello);
        CHECK_CASE(credit.window_bytes == cases[i].window && credit.batch_bytes == cases[i].batch, cases[i].label);
        CHECK_CASE(credit.left_bytes == cases[i].window && credit.eaten_bytes == 0, cases[i].label);
    }
}

static void test_only_the_last_batch_may_overdraw(void **state)
{
    struct credit credit = { .window_bytes = 100, .left_bytes = 100 };

    assert_true(credit_spend(&credit, 99));
    assert_true(credit_spend(&credit, 5000));
    assert_false(credit_spend(&credit, 1));
}

static void test_what_is_over_gets_no_credit(void **state)
{
    struct url url = { .shown = "it" };
    struct connection c;
    struct credit credit = { .window_bytes = 100, .left_bytes = 0 };

    assert_int_equal(connection_init(&c, &url, NULL), VARVE_OK);
    credit_return(&credit, &c, 7, 100);
    credit_return(&credit, &c, 0, 100);
    assert_int_equal(c.out.size, 0); /* Not connected; and then no request at all. */
    assert_int_equal(credit.eaten_bytes, 200);
    assert_int_equal(credit.left_bytes, 0);
    connection_free(&c);
}

static void script_takes_credit(struct fake_server *server)
{
    static const uint32_t due[] = { 50, 120 };
    uint32_t given;

    fake_begin(server);
    for (size_t i = 0; i < COUNT_OF(due); i++) {
        fake_expect(server, fake_take(server, VARVE_OP_CREDIT) == 7, "credit for another request");
        fake_expect(server, varve_decode_credit(server->body, &given, NULL) == VARVE_OK && given == due[i],
                    "another credit");
    }
    fake_gone(server);
}

static void test_half_a_window_goes_back_at_once(void **state)
{
    struct fake_server *server = fake_server_start(script_takes_credit, NULL);
    struct varve_client *client = peer_client(server, "");
    struct credit credit = { .window_bytes = 100, .left_bytes = 100 };

    assert_int_equal(varve_client_connect(client, NULL), VARVE_OK);
    credit_spend(&credit, 50);
    credit_return(&credit, &client->connection, 7, 49);
    assert_int_equal(credit.left_bytes, 50);
    credit_return(&credit, &client->connection, 7, 1);
    assert_int_equal(credit.left_bytes, 100);
    credit_return(&credit, &client->connection, 7, 120);
    assert_int_equal(credit.eaten_bytes, 0);
    varve_client_free(client);
    fake_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows_and_batches),
        cmocka_unit_test(test_only_the_last_batch_may_overdraw),
        cmocka_unit_test(test_what_is_over_gets_no_credit),
        cmocka_unit_test(test_half_a_window_goes_back_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
