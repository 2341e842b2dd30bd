/* test_opening.c - a store opened on a thread of its own: what comes of it, while the loop turns. */
#include "fixture.h"

#include <stdlib.h>

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

static struct scene *try_to_open(const char *directory)
{
    struct scene *s = calloc(1, sizeof(*s));
    struct varve_error error;

    temp_dir_make(s->directory);
    s->config = (struct config){ .directory = directory != NULL ? directory : s->directory, .reader_threads = 1,
                                 .metrics_label_values = 2, .memory_budget_bytes = 1 << 20 };
    varve_options_init(&s->config.store);
    s->config.store.map_size_bytes = 1 << 30;
    s->log = (struct log){ .fd = -1 };
    assert_int_equal(server_init(&s->server, &s->config, &s->log, &error), VARVE_OK);
    assert_int_equal(opening_begin(&s->opening, &s->server, on_opened, &error), VARVE_OK);
    assert_true(s->opening.under_way);
    while (s->done == 0)
        uv_run(&s->server.loop, UV_RUN_ONCE);
    assert_false(s->opening.under_way);
    return s;
}

static void end(struct scene *s)
{
    assert_int_equal(varve_store_close(s->opening.store), VARVE_OK);
    server_end(&s->server);
    temp_dir_remove(s->directory);
    free(s);
}

static void a_store(void **state)
{
    struct scene *s = try_to_open(NULL);

    assert_int_equal(s->opening.status, VARVE_OK);
    assert_non_null(s->opening.store);
    assert_true(server_is_idle(&s->server)); /* Nothing has begun on it. */
    end(s);
}

static void no_store(void **state)
{
    struct scene *s = try_to_open("/dev/null/store");

    assert_int_equal(s->opening.status, VARVE_NOT_A_STORE);
    assert_null(s->opening.store);
    assert_non_null(strstr(s->opening.error.message, "/dev/null"));
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store),
        cmocka_unit_test(no_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
