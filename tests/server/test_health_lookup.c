/* test_health_lookup.c - HEALTH over a connection: a server that is well, and one that stops. */
#include "fixture.h"

#include "server/lookups.h"
#include "varve/version.h"
#include "varve/wire_health.h"

static struct varve_health ask(struct client *c)
{
    struct varve_health health;

    varve_encode_health(&c->out, 3);
    client_send(c);
    client_expect(c, VARVE_OP_HEALTH_OK, 3);
    assert_int_equal(varve_decode_health_ok(c->body, c->arena, &health, NULL), VARVE_OK);
    return health;
}

static const struct varve_health_check *find(const struct varve_health *health, const char *name)
{
    for (size_t i = 0; i < health->check_count; i++) {
        if (varve_view_equal(health->checks[i].name, varve_view_str(name)))
            return &health->checks[i];
    }
    fail_msg("there is no check %s", name);
    return NULL;
}

static void all_is_well(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_health health = ask(c);

    assert_true(health.live && health.ready);
    assert_true(varve_view_equal(health.version, varve_view_str(VARVE_VERSION)));
    assert_true(health.uptime_s < 1000000);
    for (size_t i = 0; i < health.check_count; i++)
        assert_true(health.checks[i].good && health.checks[i].reason.size == 0);
    find(&health, "store");
    client_close(c);
    fixture_close(f);
}

/* The dispatcher refuses requests of a server that stops; who was asked just before still answers. */
static void a_server_that_stops_says_so(void **state)
{
    static const char empty[] = { (char)0x90 };
    struct fixture *f = fixture_open("");
    struct varve_wire_buffer out = { 0 };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    const struct lookup_context context = { .server = &f->server, .request_id = 3, .out = &out };
    struct varve_health health;

    f->server.stopping = true;
    assert_int_equal(answer_health(&context, varve_view_of(empty, sizeof(empty)), NULL), VARVE_OK);
    f->server.stopping = false;
    const struct varve_view body = varve_view_of((const char *)out.bytes + VARVE_WIRE_HEADER,
                                                 out.size - VARVE_WIRE_HEADER);
    assert_int_equal(varve_decode_health_ok(body, arena, &health, NULL), VARVE_OK);
    assert_true(health.live && !health.ready);
    assert_true(!find(&health, "stopping")->good && find(&health, "stopping")->reason.size > 0);
    assert_true(find(&health, "store")->good);
    varve_wire_buffer_free(&out);
    varve_wire_arena_free(arena);
    fixture_close(f);
}

static void a_body_is_refused(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    varve_encode_group_list(&c->out, 3);
    c->out.bytes[3] = VARVE_OP_HEALTH;
    c->out.bytes[16] = 0x91; /* an array of one, which then is missing */
    client_send(c);
    client_receive_error(c, 3, VARVE_PROTOCOL);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_well),
        cmocka_unit_test(a_server_that_stops_says_so),
        cmocka_unit_test(a_body_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
