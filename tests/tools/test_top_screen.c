/* test_top_screen.c - whole screens of `varve top`, in sizes from large to hardly any. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support/check.h"
#include "tools/varve/top_screen.h"

struct scene {
    struct top_group groups[40];
    double acked[40];
    struct top_sample sample;
    struct top_rates rates;
    struct top_history history;
    struct top_screen screen;
};

static void set(struct scene *scene, enum top_figure figure, uint64_t value)
{
    scene->sample.values[figure] = value;
    scene->sample.has[figure] = true;
}

static void make_figures(struct scene *scene)
{
    set(scene, TOP_uptime_s, 11520);
    set(scene, TOP_last_position, 12345678);
    set(scene, TOP_settled_position, 12345600);
    set(scene, TOP_queue_appends, 3);
    set(scene, TOP_queue_bytes, 12288);
    set(scene, TOP_connections, 12);
    set(scene, TOP_subscriptions, 4);
    set(scene, TOP_requests_under_way, 17);
    set(scene, TOP_stream_count, 10000);
    set(scene, TOP_disk_free_bytes, UINT64_C(30) << 30);
    set(scene, TOP_store_bytes, UINT64_C(9) << 30);
    set(scene, TOP_journal_bytes, UINT64_C(1) << 30);
    set(scene, TOP_budget_used_bytes, UINT64_C(128) << 20);
    set(scene, TOP_budget_limit_bytes, UINT64_C(256) << 20);
    set(scene, TOP_request_us_p50, 120);
    set(scene, TOP_request_us_p99, 1500);
    set(scene, TOP_commit_us_p50, 90);
    set(scene, TOP_commit_us_p99, 900);
    set(scene, TOP_settle_us_p99, 1200000);
}

static void make(struct scene *scene, size_t groups)
{
    *scene = (struct scene){ .sample = { .version = "0.1.0", .has_health = true, .live = true, .ready = true } };
    make_figures(scene);
    for (size_t i = 0; i < groups; i++) {
        scene->groups[i] = (struct top_group){ .lag_events = 1000 - i, .parked = i == 1 ? 3 : 0, .in_flight = 12 };
        snprintf(scene->groups[i].name, sizeof(scene->groups[i].name), "group-%zu", i);
        scene->acked[i] = 123;
    }
    scene->sample.groups = scene->groups;
    scene->sample.group_count = groups;
    scene->sample.outbox_count = 1;
    scene->sample.outboxes[0] = (struct top_outbox){ .name = "kafka", .phase = "RUN", .breaker = "CLOSED",
                                                     .lag_events = 42, .lag_us = 2500, .dead_streams = 1 };
    scene->rates = (struct top_rates){ .known = true, .acked = scene->acked, .published = { 3000 } };
    scene->rates.all[TOP_EVENTS] = 12345;
    scene->rates.all[TOP_APPENDS] = 1234;
    scene->rates.all[TOP_CONFLICTS] = 0.5;
    scene->rates.all[TOP_REQUESTS] = 2345;
    scene->rates.all[TOP_BYTES_IN] = 1258291;
    top_history_init(&scene->history);
    for (size_t i = 0; i < 8; i++)
        scene->history.values[TOP_EVENTS][TOP_HISTORY - 8 + i] = (double)i;
    scene->screen = (struct top_screen){ .url = "varve://127.0.0.1:8278", .sample = &scene->sample,
                                         .rates = &scene->rates, .history = &scene->history, .keys = true };
}

static void check(const struct scene *scene, unsigned width, unsigned height, const char *expected)
{
    struct grid grid = { .cells = NULL };
    struct text text = { 0 };

    grid_reset(&grid, width, height);
    top_screen_draw(&scene->screen, &grid);
    grid_to_text(&grid, &text);
    text_add(&text, varve_view_of("", 1));
    assert_string_equal(text.bytes, expected);
    text_free(&text);
    grid_free(&grid);
}



static void the_usual_terminal(void **state)
{
    struct scene scene;

    make(&scene, 2);
    check(&scene, 80, 24,
          "varve top  varve://127.0.0.1:8278                                q quit  p pause\n"
          "ready  varved 0.1.0, up 3h 12m\n"
          "\n"
          "events/s         12,345                   ▁▂▃▄▅▆▇█  position          12,345,678\n"
          "appends/s         1,234                             settle lag                78\n"
          "conflicts/s         0.5                             queue            3, 12.0 KiB\n"
          "requests/s        2,345                             connections               12\n"
          "failed/s              0                             subscriptions              4\n"
          "delivered/s           0                             under way                 17\n"
          "published/s           0                             streams               10,000\n"
          "in/s            1.2 MiB                             sagas running              0\n"
          "out/s               0 B                             errors logged              0\n"
          "p50/p99  request 120us/1.5ms  commit 90us/900us  settle 1.2s\n"
          "disk   ███░░░░░░░ 30.0 GiB free         memory █████░░░░░ 128.0 MiB of 256.0 MiB\n"
          "\n"
          "outbox                     state   breaker         lag   behind   publ./s   dead\n"
          "kafka                        RUN    CLOSED          42    2.5ms     3,000      1\n"
          "\n"
          "group                              state         lag  parked in flight   acked/s\n"
          "group-0                             runs       1,000       0        12       123\n"
          "group-1                             runs         999       3        12       123\n"
          "\n"
          "\n"
          "\n");
}

static void a_large_terminal(void **state)
{
    struct scene scene;

    make(&scene, 3);
    check(&scene, 102, 24,
          "varve top  varve://127.0.0.1:8278                                                      q quit  p pause\n"
          "ready  varved 0.1.0, up 3h 12m\n"
          "\n"
          "events/s         12,345                                         ▁▂▃▄▅▆▇█  position          12,345,678\n"
          "appends/s         1,234                                                   settle lag                78\n"
          "conflicts/s         0.5                                                   queue            3, 12.0 KiB\n"
          "requests/s        2,345                                                   connections               12\n"
          "failed/s              0                                                   subscriptions              4\n"
          "delivered/s           0                                                   under way                 17\n"
          "published/s           0                                                   streams               10,000\n"
          "in/s            1.2 MiB                                                   sagas running              0\n"
          "out/s               0 B                                                   errors logged              0\n"
          "p50/p99  request 120us/1.5ms  commit 90us/900us  settle 1.2s\n"
          "disk   █████░░░░░░░░░░░░░░░ 30.0 GiB free          memory ██████████░░░░░░░░░░ 128.0 MiB of 256.0 MiB\n"
          "\n"
          "outbox                                   state   breaker         lag   behind   publ./s   dead  parked\n"
          "kafka                                      RUN    CLOSED          42    2.5ms     3,000      1       0\n"
          "\n"
          "group                                           state         lag  parked in flight retrying   acked/s\n"
          "group-0                                          runs       1,000       0        12        0       123\n"
          "group-1                                          runs         999       3        12        0       123\n"
          "group-2                                          runs         998       0        12        0       123\n"
          "\n"
          "\n");
}

static void a_small_terminal(void **state)
{
    struct scene scene;

    make(&scene, 5);
    check(&scene, 40, 12,
          "varve top  varve://127.0.0.1:8278\n"
          "ready  varved 0.1.0, up 3h 12m\n"
          "events/s         12,345         ▁▂▃▄▅▆▇█\n"
          "conflicts/s         0.5\n"
          "requests/s        2,345\n"
          "delivered/s           0\n"
          "published/s           0\n"
          "request 120us/1.5ms  commit 90us/900us\n"
          "outbox       state         lag   publ./s\n"
          "kafka          RUN          42     3,000\n"
          "group 1/5          lag  parked   acked/s\n"
          "group-0          1,000       0       123\n");
}

static void what_does_not_fit_is_left_out(void **state)
{
    struct scene scene;

    make(&scene, 40);
    check(&scene, 80, 20,
          "varve top  varve://127.0.0.1:8278                                q quit  p pause\n"
          "ready  varved 0.1.0, up 3h 12m\n"
          "\n"
          "events/s         12,345                   ▁▂▃▄▅▆▇█  position          12,345,678\n"
          "appends/s         1,234                             settle lag                78\n"
          "conflicts/s         0.5                             queue            3, 12.0 KiB\n"
          "requests/s        2,345                             connections               12\n"
          "failed/s              0                             subscriptions              4\n"
          "delivered/s           0                             under way                 17\n"
          "published/s           0                             streams               10,000\n"
          "in/s            1.2 MiB                             sagas running              0\n"
          "out/s               0 B                             errors logged              0\n"
          "p50/p99  request 120us/1.5ms  commit 90us/900us  settle 1.2s\n"
          "disk   ███░░░░░░░ 30.0 GiB free         memory █████░░░░░ 128.0 MiB of 256.0 MiB\n"
          "outbox                     state   breaker         lag   behind   publ./s   dead\n"
          "kafka                        RUN    CLOSED          42    2.5ms     3,000      1\n"
          "group 3/40                         state         lag  parked in flight   acked/s\n"
          "group-0                             runs       1,000       0        12       123\n"
          "group-1                             runs         999       3        12       123\n"
          "group-2                             runs         998       0        12       123\n");
    check(&scene, 30, 5,
          "varve top  varve://127.0.0.1:…\n"
          "ready  varved 0.1.0, up 3h 12m\n"
          "events/s         12,345\n"
          "requests/s        2,345\n"
          "request 120us/1.5ms\n");
}

static void states(void **state)
{
    struct scene scene;

    make(&scene, 0);
    scene.sample.outbox_count = 0;
    scene.sample.ready = false;
    strcpy(scene.sample.reason, "disk: disk full");
    check(&scene, 80, 2,
          "varve top  varve://127.0.0.1:8278                                q quit  p pause\n"
          "NOT READY  disk: disk full  varved 0.1.0, up 3h 12m\n");
    scene.sample.live = false;
    strcpy(scene.sample.reason, "store: fault");
    scene.screen.paused = true;
    check(&scene, 80, 2,
          "varve top  varve://127.0.0.1:8278                                q quit  p pause\n"
          "NOT LIVE  store: fault  PAUSED  varved 0.1.0, up 3h 12m\n");
    scene.sample.has_health = false;
    check(&scene, 59, 2,
          "varve top  varve://127.0.0.1:8278\n"
          "answers  PAUSED  varved 0.1.0, up 3h 12m\n");
    scene.screen.away = "cannot connect to 127.0.0.1:8278: Connection refused";
    scene.screen.away_us = 5300000;
    check(&scene, 80, 4,
          "varve top  varve://127.0.0.1:8278                                q quit  p pause\n"
          "no answer for 5s, trying on: cannot connect to 127.0.0.1:8278: Connection refus…\n"
          "events/s              -                   ▁▂▃▄▅▆▇█  position          12,345,678\n"
          "requests/s            -                             settle lag                78\n");
    scene.screen = (struct top_screen){ .url = "varve://127.0.0.1:8278" };
    check(&scene, 80, 4,
          "varve top  varve://127.0.0.1:8278\n"
          "connecting\n"
          "\n"
          "\n");
}

static void without_rates(void **state)
{
    struct scene scene;

    make(&scene, 1);
    scene.rates.known = false;
    scene.screen.history = NULL;
    scene.screen.keys = false;
    scene.sample.outboxes[0].lag_us = 90000000;
    check(&scene, 100, top_screen_rows(&scene.screen, 100),
          "varve top  varve://127.0.0.1:8278\n"
          "ready  varved 0.1.0, up 3h 12m\n"
          "\n"
          "events/s              -                                                 position          12,345,678\n"
          "appends/s             -                                                 settle lag                78\n"
          "conflicts/s           -                                                 queue            3, 12.0 KiB\n"
          "requests/s            -                                                 connections               12\n"
          "failed/s              -                                                 subscriptions              4\n"
          "delivered/s           -                                                 under way                 17\n"
          "published/s           -                                                 streams               10,000\n"
          "in/s                  -                                                 sagas running              0\n"
          "out/s                 -                                                 errors logged              0\n"
          "p50/p99  request 120us/1.5ms  commit 90us/900us  settle 1.2s\n"
          "disk   █████░░░░░░░░░░░░░░░ 30.0 GiB free         memory ██████████░░░░░░░░░░ 128.0 MiB of 256.0 MiB\n"
          "\n"
          "outbox                                 state   breaker         lag   behind   publ./s   dead  parked\n"
          "kafka                                    RUN    CLOSED          42    90.0s         -      1       0\n"
          "\n"
          "group                                         state         lag  parked in flight retrying   acked/s\n"
          "group-0                                        runs       1,000       0        12        0         -\n");
}

/* Whatever the size, nothing is written outside, and the head is there. */
static void any_size(void **state)
{
    struct scene scene;
    struct grid grid = { .cells = NULL };

    make(&scene, 40);
    for (unsigned width = 1; width < 140; width += 3) {
        for (unsigned height = 1; height < 70; height += 2) {
            grid_reset(&grid, width, height);
            top_screen_draw(&scene.screen, &grid);
            assert_true(grid.cells[0].bytes[0] == 'v' || width == 1);
        }
    }
    assert_int_equal(top_screen_rows(&scene.screen, 100), 59);
    grid_free(&grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_usual_terminal),
        cmocka_unit_test(a_large_terminal),
        cmocka_unit_test(a_small_terminal),
        cmocka_unit_test(what_does_not_fit_is_left_out),
        cmocka_unit_test(states),
        cmocka_unit_test(without_rates),
        cmocka_unit_test(any_size),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
