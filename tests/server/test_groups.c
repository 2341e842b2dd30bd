/* test_groups.c - the registry: found by name, bounded, and idle when nothing is left to do. */
#include "group_client.h"

#include <stdlib.h>

#include "server/group.h"

static void groups_are_found_by_their_names(void **state)
{
    static const char *const names[] = { "m", "a", "z", "aa", "mm", "b" };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct groups *groups = f->server.groups;
    struct varve_error error;

    for (size_t i = 0; i < 6; i++)
        group_make(c, names[i], NULL);
    for (size_t i = 0; i < 6; i++)
        assert_true(varve_view_equal(groups_find(groups, varve_view_str(names[i]))->name, varve_view_str(names[i])));
    assert_null(groups_find(groups, varve_view_str("mmm")));
    assert_null(groups_need(groups, varve_view_str(""), &error));
    assert_int_equal(error.status, VARVE_GROUP_NOT_FOUND);
    assert_int_equal(figure_get(&f->server.figures.consumer_groups), 6);
    assert_int_equal(group_simple(c, VARVE_OP_GROUP_DELETE, "m"), VARVE_OK);
    assert_null(groups_find(groups, varve_view_str("m")));
    assert_non_null(groups_find(groups, varve_view_str("mm")));
    assert_int_equal(figure_get(&f->server.figures.consumer_groups), 5);
    client_close(c);
    fixture_close(f);
}

static void there_may_be_so_many(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_group_request request = { .settings = group_test_settings(), .has_settings = true };
    char name[16];

    for (uint32_t i = 0; i < VARVE_MAX_GROUPS; i++) {
        snprintf(name, sizeof(name), "g%u", i);
        group_make(c, name, NULL);
    }
    request.group = varve_view_str("more");
    assert_int_equal(group_ask(c, VARVE_OP_GROUP_CREATE, &request, NULL), VARVE_OVERLOADED);
    assert_int_equal(group_simple(c, VARVE_OP_GROUP_DELETE, "g7"), VARVE_OK);
    assert_int_equal(group_ask(c, VARVE_OP_GROUP_CREATE, &request, NULL), VARVE_OK);
    client_close(c);
    fixture_restart(f);
    assert_int_equal(f->server.groups->count, VARVE_MAX_GROUPS);
    fixture_close(f);
}

static bool is_idle(void *user)
{
    return groups_are_idle(&((struct fixture *)user)->server);
}

static void they_are_idle_when_all_is_written(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    assert_true(groups_are_idle(&f->server));
    client_append(c, "a", 1);
    group_make(c, "g", NULL);
    struct worker *w = worker_join(f, "g", "one", 0);
    assert_int_equal(worker_ack(w, worker_take(w).position), VARVE_OK);
    fixture_wait(f, is_idle, f);
    assert_true(durable_checkpoint(f, "g") >= 1);
    client_close(c);
    worker_free(w);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_found_by_their_names),
        cmocka_unit_test(there_may_be_so_many),
        cmocka_unit_test(they_are_idle_when_all_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
