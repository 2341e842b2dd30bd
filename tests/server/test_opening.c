/* test_opening.c - a store opened and read on a thread of its own: what comes of it, while the loop turns. */
#include "fixture.h"

#include <stdlib.h>

#include "server/groups.h"
#include "server/opening.h"

struct scene {
    struct opening opening;
    struct config config;
    struct log log;
    struct server server;
    char directory[TEMP_DIR_PATH];
    unsigned done;
};

static void on_opened(struct opening *opening)
{
    ((struct scene *)opening)->done++; /* Its first member. */
}

static struct scene *begin(void)
{
    struct scene *s = calloc(1, sizeof(*s));
    struct varve_error error;

    temp_dir_make(s->directory);
    s->config = (struct config){ .directory = s->directory, .reader_threads = 1, .metrics_label_values = 2,
                                 .memory_budget_bytes = 1 << 20, .snapshots_keep = 1 };
    varve_options_init(&s->config.store);
    s->config.store.map_size_bytes = 1 << 30;
    s->log = (struct log){ .fd = -1 };
    assert_int_equal(server_init(&s->server, &s->config, &s->log, &error), VARVE_OK);
    return s;
}

/* Events of a group that nobody will understand: it is there all the same. */
static void write_group(struct scene *s)
{
    const struct varve_append_stream stream = { varve_view_str("$group-g"), VARVE_EXPECTED_ANY };
    const struct varve_event event = { .type = varve_view_str("$group.created"), .time_us = VARVE_TIME_NONE,
                                       .schema_version = 1, .content_type = VARVE_CONTENT_JSON,
                                       .data = varve_view_str("{}") };
    const struct varve_append_request request = { .streams = &stream, .stream_count = 1, .events = &event,
                                                  .event_count = 1 };
    struct varve_append *append = NULL;
    struct varve_store *store = NULL;

    assert_int_equal(varve_store_open(s->directory, &s->config.store, &store, NULL), VARVE_OK);
    assert_int_equal(varve_append_create_system(store, &request, &append, NULL), VARVE_OK);
    assert_int_equal(varve_append_wait(append, NULL), VARVE_OK);
    varve_append_free(append);
    assert_int_equal(varve_store_close(store), VARVE_OK);
}

static void try_to_open(struct scene *s)
{
    struct varve_error error;

    assert_int_equal(opening_begin(&s->opening, &s->server, on_opened, &error), VARVE_OK);
    assert_true(s->opening.under_way);
    while (s->done == 0)
        uv_run(&s->server.loop, UV_RUN_ONCE);
    assert_false(s->opening.under_way);
}

static void end(struct scene *s)
{
    assert_int_equal(varve_store_close(s->opening.store), VARVE_OK);
    server_end(&s->server);
    temp_dir_remove(s->directory);
    free(s);
}

static void a_store_and_what_the_server_needs_of_it(void **state)
{
    struct scene *s = begin();

    write_group(s);
    assert_string_equal(s->server.doing, "the store is being opened");
    try_to_open(s);
    assert_int_equal(s->opening.status, VARVE_OK);
    assert_non_null(s->opening.store);
    assert_non_null(groups_find(s->server.groups, varve_view_str("g")));
    assert_non_null(s->server.snapshots);
    assert_non_null(s->server.outboxes);
    assert_null(s->server.store); /* That is for server_begin(). */
    assert_true(server_is_idle(&s->server)); /* Nothing has begun on it. */
    end(s);
}

static void no_store(void **state)
{
    struct scene *s = begin();

    s->config.directory = "/dev/null/store";
    try_to_open(s);
    assert_int_equal(s->opening.status, VARVE_NOT_A_STORE);
    assert_null(s->opening.store);
    assert_non_null(strstr(s->opening.error.message, "/dev/null"));
    end(s);
}

static void nothing_is_read_for_a_server_that_stops(void **state)
{
    struct scene *s = begin();

    write_group(s);
    s->server.stopping = true;
    try_to_open(s);
    assert_int_equal(s->opening.status, VARVE_NOT_READY);
    assert_non_null(s->opening.store); /* To be closed. */
    assert_null(groups_find(s->server.groups, varve_view_str("g")));
    assert_null(s->server.snapshots);
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_and_what_the_server_needs_of_it),
        cmocka_unit_test(no_store),
        cmocka_unit_test(nothing_is_read_for_a_server_that_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
