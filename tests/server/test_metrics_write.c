/* test_metrics_write.c - the whole text: every line is well-formed, every family stands in one piece and has a head,
 * every row of the table is told, and what was counted is what is said. */
#include "metrics_scrape.h"

#include <ctype.h>
#include <stdlib.h>

#include "server/metrics_telling.h"
#include "server/saga_deadlines.h"

static struct fixture *f;
static struct client *c;

static int setup(void **state)
{
    f = fixture_open("");
    c = client_open(f);
    return 0;
}

static int teardown(void **state)
{
    client_close(c);
    fixture_close(f);
    return 0;
}

/* The family of a sample: its name without what a histogram adds. */
static bool is_of(const char *line, const char *family)
{
    static const char *const suffixes[] = { "", "_bucket", "_sum", "_count" };
    size_t size = strcspn(line, "{ ");

    for (size_t i = 0; i < COUNT_OF(suffixes); i++)
        if (size == strlen(family) + strlen(suffixes[i]) && strncmp(line, family, strlen(family)) == 0 &&
            strncmp(line + strlen(family), suffixes[i], strlen(suffixes[i])) == 0)
            return true;
    return false;
}

/* name{label="value",...} number */
static void check_sample(const char *line, const char *family)
{
    char *end;
    const char *value = strrchr(line, ' ');

    if (!is_of(line, family))
        fail_msg("%.60s stands below the head of %s", line, family);
    assert_non_null(value);
    assert_true(isdigit((unsigned char)value[1]));
    strtod(value + 1, &end);
    assert_int_equal(*end, '\0');
    assert_true(value[-1] == '}' || isalpha((unsigned char)value[-1]));
}

static void every_line_is_well_formed(void **state)
{
    char family[128] = "", *text, *rest = NULL;

    client_append(c, "a-1", 3);
    text = strdup(scrape(f));
    assert_int_equal(text[strlen(text) - 1], '\n');
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "# HELP ", 7) == 0)
            snprintf(family, sizeof(family), "%.*s", (int)strcspn(line + 7, " "), line + 7);
        else if (strncmp(line, "# TYPE ", 7) == 0)
            assert_int_equal(strncmp(line + 7, family, strlen(family)), 0);
        else
            check_sample(line, family);
    }
    free(text);
}

static void every_row_has_one_head(void **state)
{
    const char *text = scrape(f);
    char head[128];

    for (size_t i = 0; i < metrics_table_count; i++) {
        const struct metric *row = &metrics_table[i];

        snprintf(head, sizeof(head), "\n# TYPE %s %s\n", row->name, metric_type_name(row->type));
        const char *found = strstr(text, head);
        if (found == NULL)
            fail_msg("%s is not told", row->name);
        assert_null(strstr(found + 1, head));
    }
}

static void what_was_counted_is_told(void **state)
{
    scrape(f);
    expect_scraped("varve_events_appended_total", "0");
    expect_scraped("varve_requests_total{operation=\"APPEND\",code=\"OK\"}", "0");
    client_append(c, "a-1", 3);
    client_append(c, "a-1", 1);
    client_encode_append(c, 50, "a-1", 9, 1, 10);
    client_send(c);
    client_receive_error(c, 50, VARVE_WRONG_EXPECTED_VERSION);
    scrape(f);
    expect_scraped("varve_events_appended_total", "4");
    expect_scraped("varve_appends_total", "2");
    expect_scraped("varve_append_conflicts_total", "1");
    expect_scraped("varve_last_position", "4");
    expect_scraped("varve_commit_group_events_sum", "4");
    expect_scraped("varve_commit_group_events_bucket{le=\"1\"}", "1");
    expect_scraped("varve_commit_group_events_bucket{le=\"4\"}", "2");
    expect_scraped("varve_commit_duration_seconds_count", "2");
    expect_scraped("varve_sync_duration_seconds_count", "2");
    expect_scraped("varve_requests_total{operation=\"APPEND\",code=\"OK\"}", "2");
    expect_scraped("varve_requests_total{operation=\"APPEND\",code=\"WRONG_EXPECTED_VERSION\"}", "1");
    expect_scraped("varve_request_duration_seconds_count{operation=\"APPEND\"}", "3");
    expect_scraped("varve_connections", "1");
    expect_scraped("varve_saga_changes_total{change=\"begin\"}", "0");
    expect_scraped("varve_settle_lag_events", "4");
    assert_null(scraped("varve_request_duration_seconds_count{operation=\"READ\"}"));
}

static void labels_stay_what_they_are(void **state)
{
    struct metrics *metrics = f->server.metrics;

    metrics_consumed(metrics, varve_view_str("a\"} 1\nvarve_x{y=\"z"), varve_view_str("b\\"), varve_view_str("g"), 20);
    scrape(f);
    expect_scraped("varve_events_consumed_total{event_type=\"a\\\"} 1\\nvarve_x{y=\\\"z\",service=\"b\\\\\"}", "1");
}

static void what_it_takes_is_bounded(void **state)
{
    struct metrics *metrics = f->server.metrics;
    char type[VARVE_MAX_TYPE + 1], service[VARVE_MAX_SOURCE + 1];

    for (unsigned i = 0; i < 3000; i++) {
        snprintf(type, sizeof(type), "%0200u", i % 300);
        snprintf(service, sizeof(service), "%0200u", i / 10);
        metrics_consumed(metrics, varve_view_str(type), varve_view_str(service), varve_view_str(service), i);
        metrics_published(metrics, varve_view_str(type), varve_view_str(service), 1);
    }
    assert_true(strlen(scrape(f)) < 8 << 20); /* And within metrics_write_bytes(), see metrics_scrape.c. */
}

static bool deadlines_are_idle(void *user)
{
    return saga_deadlines_are_idle(&((struct fixture *)user)->server);
}

/* Absent, rather than 0: an alert on a lag must not take a server for well that knows nothing yet. */
static void without_a_store_nothing_of_it_is_told(void **state)
{
    static const char *const told[] = { "varve_live 1", "varve_ready 0", "varve_health_check{check=\"store\"} 0",
                                        "varve_health_check{check=\"disk\"} 1", "varve_build_info{version=",
                                        "varve_start_time_seconds ", "varve_http_connections ",
                                        "varve_log_lines_total{level=\"info\"} ", "process_open_fds " };
    struct metrics_look look;
    struct varve_wire_buffer out = { .bytes = NULL };
    char head[128], wanted[128];

    fixture_wait(f, deadlines_are_idle, f); /* They look at the store. */
    f->server.store = NULL;
    assert_true(metrics_look(&f->server, &look));
    assert_int_equal(metrics_write(&f->server, &look, &out, NULL), VARVE_OK);
    f->server.store = f->store;
    metrics_look_end(&look);
    char *text = strndup((const char *)out.bytes, out.size);
    for (size_t i = 0; i < COUNT_OF(told); i++) {
        snprintf(wanted, sizeof(wanted), "\n%s", told[i]);
        CHECK_CASE(strstr(text, wanted) != NULL, told[i]);
    }
    for (size_t i = 0; i < metrics_table_count; i++) {
        snprintf(head, sizeof(head), "# TYPE %s ", metrics_table[i].name);
        CHECK_CASE((strstr(text, head) != NULL) == metric_needs_no_store(&metrics_table[i]), metrics_table[i].name);
    }
    varve_wire_buffer_free(&out);
    free(text);
}

/* That much may come is no reason to refuse a scrape of little, which the budget would for ever. */
static void what_is_not_there_takes_nothing(void **state)
{
    struct fixture *wide = fixture_open("--metrics.label_values 100000");
    struct metrics_look look;

    assert_true(metrics_look(&wide->server, &look));
    assert_true(metrics_write_bytes(&wide->server, &look) < 4 << 20);
    metrics_look_end(&look);
    fixture_close(wide);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_line_is_well_formed, setup, teardown),
        cmocka_unit_test_setup_teardown(every_row_has_one_head, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_counted_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(labels_stay_what_they_are, setup, teardown),
        cmocka_unit_test_setup_teardown(what_it_takes_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_store_nothing_of_it_is_told, setup, teardown),
        cmocka_unit_test(what_is_not_there_takes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
