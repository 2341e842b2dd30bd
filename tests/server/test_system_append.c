/* test_system_append.c - an event of the server's own: durable, refused, or no event at all. */
#include "group_client.h"

#include "server/system_append.h"

struct mine {
    struct system_append append;
    bool done;
    enum varve_status status;
    uint64_t position;
};

static void on_done(struct system_append *append, const struct varve_append_outcome *outcome)
{
    struct mine *mine = (struct mine *)append;

    mine->done = true;
    mine->status = outcome->status;
    mine->position = outcome->status == VARVE_OK ? outcome->results[0].first_position : 0;
}

static bool is_done(void *user)
{
    return ((struct mine *)user)->done;
}

static enum varve_status queue(struct fixture *f, struct mine *mine, const char *stream, const char *data)
{
    return system_append_queue(&f->server, &mine->append, varve_view_str(stream), "$tested", varve_view_str(data),
                               on_done, NULL);
}

static void it_is_in_the_log_when_it_is_done(void **state)
{
    struct fixture *f = fixture_open("");
    struct mine first = { .done = false }, second = { .done = false };

    assert_int_equal(queue(f, &first, "$group-x", "{}"), VARVE_OK);
    assert_int_equal(queue(f, &second, "$group-x", "{}"), VARVE_OK);
    fixture_wait(f, is_done, &first);
    fixture_wait(f, is_done, &second);
    assert_int_equal(first.status, VARVE_OK);
    assert_int_equal(first.position, 1);
    assert_int_equal(second.position, 2);
    assert_int_equal(count_events(f, "$group-x", "$tested"), 2);
    fixture_close(f);
}

static void what_is_refused_is_not_on_its_way(void **state)
{
    struct fixture *f = fixture_open("");
    struct mine mine = { .done = false };

    assert_int_equal(queue(f, &mine, "not-ours", "{}"), VARVE_INVALID_ARGUMENT);
    assert_int_equal(queue(f, &mine, "$group-x", "no JSON"), VARVE_INVALID_ARGUMENT);
    assert_false(f->server.appends_queued);
    fixture_turn(f);
    assert_false(mine.done);
    fixture_close(f);
}

static void only_what_passes_is_tried_again(void **state)
{
    assert_true(system_append_passes(VARVE_DISK_FULL));
    assert_true(system_append_passes(VARVE_OVERLOADED));
    assert_false(system_append_passes(VARVE_IO));
    assert_false(system_append_passes(VARVE_EVENT_TOO_LARGE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_in_the_log_when_it_is_done),
        cmocka_unit_test(what_is_refused_is_not_on_its_way),
        cmocka_unit_test(only_what_passes_is_tried_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
