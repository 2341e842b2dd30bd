/* test_outbox_verify_request.c - verifications over a connection: ended by their client, by its end, by the
 * server's. */
#include "fixture.h"

#include <arpa/inet.h>
#include <unistd.h>

#include "server/outboxes.h"
#include "varve/wire_outbox.h"

/* A broker that takes connections and never says a word: reading from it lasts until it is interrupted. */
static int silent = -1;
static char silent_outbox[64];

static int open_silent(void **state)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);

    silent = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(silent, (struct sockaddr *)&address, size) != 0 || listen(silent, 64) != 0 ||
        getsockname(silent, (struct sockaddr *)&address, &size) != 0)
        return -1;
    snprintf(silent_outbox, sizeof(silent_outbox), "--kafka 127.0.0.1:%u", ntohs(address.sin_port));
    return 0;
}

static int close_silent(void **state)
{
    return close(silent);
}

static void verify(struct client *c, uint32_t id, const char *name)
{
    varve_encode_outbox_verify(&c->out, id, varve_view_str(name), 100);
    client_send(c);
}

static bool none_is_under_way(void *user)
{
    return ((struct fixture *)user)->server.verifications == NULL;
}

static bool one_is_under_way(void *user)
{
    return !none_is_under_way(user);
}

static void it_is_cancelled_and_one_at_a_time(void **state)
{
    struct fixture *f = fixture_open(silent_outbox);
    struct client *c = client_open(f);

    verify(c, 5, "kafka");
    verify(c, 6, "kafka");
    client_receive_error(c, 6, VARVE_OUTBOX_BUSY);
    verify(c, 5, "kafka");
    client_receive_error(c, 5, VARVE_INVALID_ARGUMENT); /* Its id is in use. */
    varve_encode_cancel(&c->out, 5);
    client_send(c);
    client_receive_error(c, 5, VARVE_CANCELLED);
    fixture_wait(f, none_is_under_way, f);
    verify(c, 7, "kafka");
    varve_encode_cancel(&c->out, 7);
    client_send(c);
    client_receive_error(c, 7, VARVE_CANCELLED);
    client_close(c);
    fixture_close(f);
}

static void it_ends_with_its_connection(void **state)
{
    struct fixture *f = fixture_open(silent_outbox);
    struct client *c = client_open(f);

    verify(c, 5, "kafka");
    fixture_wait(f, one_is_under_way, f);
    client_close(c);
    fixture_wait(f, none_is_under_way, f);
    assert_int_equal(f->server.session_count, 0);
    c = client_open(f);
    verify(c, 5, "kafka");
    fixture_wait(f, one_is_under_way, f);
    client_shut(c);
    fixture_wait(f, none_is_under_way, f);
    client_close(c);
    fixture_close(f);
}

static void it_ends_with_the_server(void **state)
{
    struct fixture *f = fixture_open(silent_outbox);
    struct client *c = client_open(f);

    verify(c, 5, "kafka");
    fixture_wait(f, one_is_under_way, f);
    fixture_restart(f);
    client_close(c);
    c = client_open(f);
    verify(c, 5, "kafka");
    fixture_wait(f, one_is_under_way, f);
    client_close(c);
    fixture_close(f);
}

static void an_outbox_that_is_not_there(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    verify(c, 5, "kafka");
    client_receive_error(c, 5, VARVE_OUTBOX_NOT_FOUND);
    verify(c, 6, "no good");
    client_receive_error(c, 6, VARVE_INVALID_ARGUMENT);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_cancelled_and_one_at_a_time),
        cmocka_unit_test(it_ends_with_its_connection),
        cmocka_unit_test(it_ends_with_the_server),
        cmocka_unit_test(an_outbox_that_is_not_there),
    };

    return cmocka_run_group_tests(tests, open_silent, close_silent);
}
