/* test_request_end.c - which requests are told as slow, and what is told of them. */
#include "fixture.h"

#include <stdlib.h>
#include <unistd.h>

#include "server/request_end.h"

enum { SECOND_US = 1000000 };

/* The log says `before`, then a time that is no shorter than so: how much longer is the machine's affair. */
static void assert_told_ms(const char *log, const char *before, unsigned long at_least_ms)
{
    const char *found = strstr(log, before);

    assert_non_null(found);
    assert_true(strtoul(found + strlen(before), NULL, 10) >= at_least_ms);
}

static size_t describe(const struct request *request, struct log_field *ret_fields)
{
    ret_fields[0] = log_text("stream", "order-42");
    ret_fields[1] = log_number("position", 4711);
    return 2;
}

static void cancel(struct request *request, const struct varve_error *why)
{
}

static const struct request_kind plain_kind = { .describe = describe };
static const struct request_kind waiting_kind = { .cancel = cancel };
static const struct request_kind lasting_kind = { .is_subscription = true };

static struct request begun(struct fixture *f, const struct request_kind *kind, uint8_t opcode, uint64_t us_ago)
{
    return (struct request){ .kind = kind, .session = f->server.sessions, .id = 7, .opcode = opcode,
                             .started_us = uv_hrtime() / 1000 - us_ago };
}

static void a_slow_one_is_told_with_what_is_known(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct request slow = begun(f, &plain_kind, VARVE_OP_APPEND, 5 * SECOND_US);

    f->config.slow_request_ms = 1000;
    fixture_log(f);
    request_ended(&slow);
    const char *log = fixture_log(f);
    assert_non_null(strstr(log, " level=warn "));
    assert_told_ms(log, " event=request.slow operation=APPEND session=1 stream=order-42 position=4711 dur_ms=", 5000);
    assert_non_null(strstr(log, " status=OK\n"));
    slow.status = VARVE_WRONG_EXPECTED_VERSION;
    request_ended(&slow);
    assert_non_null(strstr(fixture_log(f), " status=WRONG_EXPECTED_VERSION\n"));
    client_close(c);
    fixture_close(f);
}

static void who_waited_for_the_client_is_not_slow(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct request waited = begun(f, &waiting_kind, VARVE_OP_READ, 30 * SECOND_US);
    struct request waits = begun(f, &waiting_kind, VARVE_OP_SAGA_CLAIM, 30 * SECOND_US);

    f->config.slow_request_ms = 20000;
    fixture_log(f);
    waited.waited_us = 30 * SECOND_US;
    waits.waits_since_us = waits.started_us;
    request_ended(&waited);
    request_ended(&waits);
    assert_string_equal(fixture_log(f), "");
    waited.waited_us = 6 * SECOND_US;
    request_ended(&waited);
    assert_told_ms(fixture_log(f), "operation=READ session=1 dur_ms=", 24000);
    client_close(c);
    fixture_close(f);
}

static void what_lasts_and_what_is_the_servers_own_is_not_told(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct request lasting = begun(f, &lasting_kind, VARVE_OP_SUBSCRIBE, 30 * SECOND_US);
    struct request own = begun(f, &plain_kind, 0, 30 * SECOND_US);
    struct request quick = begun(f, &plain_kind, VARVE_OP_APPEND, 0);
    struct request slow = begun(f, &plain_kind, VARVE_OP_APPEND, 30 * SECOND_US);

    f->config.slow_request_ms = 20000;
    fixture_log(f);
    request_ended(&lasting);
    request_ended(&own);
    request_ended(&quick);
    f->config.slow_request_ms = 0;
    request_ended(&slow);
    request_answered(f->server.sessions, VARVE_OP_PING, VARVE_OK, slow.started_us);
    assert_string_equal(fixture_log(f), "");
    client_close(c);
    fixture_close(f);
}

static void so_is_what_its_handler_answered(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    f->config.slow_request_ms = 1000;
    fixture_log(f);
    request_answered(f->server.sessions, VARVE_OP_PING, VARVE_OK, uv_hrtime() / 1000 - 3 * SECOND_US);
    assert_told_ms(fixture_log(f), "event=request.slow operation=PING session=1 dur_ms=", 3000);
    client_close(c);
    fixture_close(f);
}

/* It comes back from its reader thread in a later turn of the loop, nearly always. */
static bool fails_and_is_slow(struct fixture *f, struct client *c)
{
    const char *line;

    varve_encode_stream_info(&c->out, 9, varve_view_str("a"));
    client_send(c);
    fixture_turn(f);
    usleep(2000);
    client_receive_error(c, 9, VARVE_STREAM_NOT_FOUND);
    line = strstr(fixture_log(f), "operation=STREAM_INFO session=1 stream=a dur_ms=");
    return line != NULL && strstr(line, " status=STREAM_NOT_FOUND\n") != NULL;
}

static void requests_of_clients_come_here(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    f->config.slow_request_ms = 1;
    for (uint64_t give_up = uv_hrtime() + UINT64_C(60000000000); !fails_and_is_slow(f, c);)
        assert_true(uv_hrtime() < give_up);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_one_is_told_with_what_is_known),
        cmocka_unit_test(who_waited_for_the_client_is_not_slow),
        cmocka_unit_test(what_lasts_and_what_is_the_servers_own_is_not_told),
        cmocka_unit_test(so_is_what_its_handler_answered),
        cmocka_unit_test(requests_of_clients_come_here),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
