/* test_metrics_table.c - no figure is forgotten, names are as Prometheus wants them, and docs/metrics.md is what the
 * table says. After a change of the table, `test_metrics_table --write` writes the page anew. */
#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/metrics_telling.h"

enum { PAGE_BYTES = 128 * 1024 };

static const char page_path[] = "docs/metrics.md";
static const char page_begin[] = "<!-- metrics: made from the table in server/metrics_table.c -->\n\n";
static const char page_end[] = "<!-- metrics end -->";
static bool writes;

/* ---- figures ---- */

/* Among the words of row->figure; of an outbox's, what a word ends with may follow, as in "filtered_system". */
static bool covers(const struct metric *row, const char *figure)
{
    const char *at = row->figure;

    while (at != NULL && *at != '\0') {
        size_t size = strcspn(at, " ");
        bool is_prefix = row->source == METRIC_OF_OUTBOX && strncmp(at, figure, size) == 0 &&
                         (at[size - 1] == '_' || figure[size] == '_');

        if (is_prefix || (strlen(figure) == size && memcmp(at, figure, size) == 0))
            return true;
        at += size + (at[size] == ' ');
    }
    return false;
}

static void must_be_told(enum metric_source source, const char *figure)
{
    size_t count = 0;

    for (size_t i = 0; i < metrics_table_count; i++)
        count += metrics_table[i].source == source && covers(&metrics_table[i], figure);
    if (count == 0)
        fail_msg("no metric tells the figure %s: add a row to server/metrics_table.c", figure);
}

static void must_all_be_told(enum metric_source source, const struct varve_stat *figures, size_t count)
{
    char name[64];

    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "%.*s", (int)figures[i].name.size, figures[i].name.data);
        if (!figures[i].is_text)
            must_be_told(source, name);
    }
}

static void every_figure_of_the_server_is_told(void **state)
{
#define X(name) must_be_told(METRIC_OF_SERVER, #name);
    FIGURES(X)
#undef X
}

static void every_figure_of_the_engine_is_told(void **state)
{
    const struct varve_stats stats = { .last_position = 0 };
    struct varve_stat list[TELLING_FIGURES];
    char texts[2 * 64];

    must_all_be_told(METRIC_OF_ENGINE, list, varve_stats_list(&stats, texts, list, TELLING_FIGURES));
    must_be_told(METRIC_OF_ENGINE, "database_id");
    must_be_told(METRIC_OF_ENGINE, "indexes");
}

static void every_figure_of_an_outbox_is_told(void **state)
{
    struct outbox_config config = { .name = "kafka", .brokers = "b" };
    const struct outbox_view view = { .config = &config, .next_attempt_us = VARVE_TIME_NONE };
    static struct outbox_figures figures;
    struct varve_stat list[OUTBOX_STATUS_MOST];
    char texts[OUTBOX_FIGURE_TEXTS];

    outbox_figures_init(&figures);
    outbox_figures_count_code(&figures, &figures.delivery_errors, "_TRANSPORT");
    outbox_figures_count_code(&figures, &figures.rebuild_reasons, "_TRANSPORT");
    must_all_be_told(METRIC_OF_OUTBOX, list, outbox_status_of_view(&view, list));
    must_all_be_told(METRIC_OF_OUTBOX, list, outbox_figures_list(&figures, list, texts));
    outbox_figures_end(&figures);
}

/* ---- names ---- */

static bool ends_with(const char *name, const char *end)
{
    size_t size = strlen(name);

    return size > strlen(end) && strcmp(name + size - strlen(end), end) == 0;
}

static bool is_first(size_t i)
{
    return i == 0 || strcmp(metrics_table[i].name, metrics_table[i - 1].name) != 0;
}

static void names_are_as_prometheus_wants_them(void **state)
{
    for (size_t i = 0; i < metrics_table_count; i++) {
        const struct metric *row = &metrics_table[i];

        assert_true(strncmp(row->name, "varve_", 6) == 0 || strncmp(row->name, "process_", 8) == 0);
        assert_int_equal(strspn(row->name, "abcdefghijklmnopqrstuvwxyz_"), strlen(row->name));
        assert_int_equal(ends_with(row->name, "_total"), row->type == METRIC_COUNTER);
        assert_int_equal(ends_with(row->name, "_seconds") || ends_with(row->name, "_seconds_total"),
                         row->unit == METRIC_SECONDS);
        assert_true(row->figure == NULL || !ends_with(row->figure, "_us") || row->unit == METRIC_SECONDS);
    }
}

static void rows_of_a_name_stand_together_and_the_first_explains(void **state)
{
    for (size_t i = 0; i < metrics_table_count; i++) {
        const struct metric *row = &metrics_table[i];

        for (size_t j = 0; is_first(i) && j < i; j++)
            assert_string_not_equal(row->name, metrics_table[j].name);
        assert_int_equal(row->help[0] != '\0', is_first(i));
        assert_true(row->help[0] == '\0' || ends_with(row->help, "."));
        assert_null(strpbrk(row->help, "\\\n|"));
        assert_true(row->value == NULL || (row->labels != NULL && row->tell == NULL));
        assert_int_equal(row->type == METRIC_HISTOGRAM, row->bounds.step > 0);
    }
}

/* ---- the manual ---- */

static size_t put_row(char *at, size_t room, const struct metric *row, const char *const *values, size_t count)
{
    size_t size = (size_t)snprintf(at, room, "| `%s` | %s | %s", row->name, metric_type_name(row->type),
                                   row->labels == NULL ? "" : "`");

    for (const char *label = row->labels; label != NULL && *label != '\0'; label++)
        size += (size_t)snprintf(at + size, room - size, *label == ',' ? "` `" : "%c", *label);
    size += (size_t)snprintf(at + size, room - size, "%s | %s", row->labels == NULL ? "" : "`", row->help);
    for (size_t i = 0; i < count; i++)
        size += (size_t)snprintf(at + size, room - size, "%s`%s`", i == 0 ? " One of " : ", ", values[i]);
    return size + (size_t)snprintf(at + size, room - size, " |\n");
}

static void make_table(char *page)
{
    size_t size = (size_t)snprintf(page, PAGE_BYTES, "| metric | type | labels | meaning |\n|---|---|---|---|\n");

    for (size_t i = 0; i < metrics_table_count;) {
        const struct metric *row = &metrics_table[i];
        const char *values[16];
        size_t count = 0;

        do {
            if (metrics_table[i].value != NULL)
                values[count++] = metrics_table[i].value;
            i++;
        } while (i < metrics_table_count && !is_first(i));
        size += put_row(page + size, PAGE_BYTES - size, row, values, count);
        assert_true(size < PAGE_BYTES - 2);
    }
    page[size] = '\n';
}

static char *read_page(void)
{
    char *page = calloc(1, PAGE_BYTES);
    FILE *file = fopen(page_path, "r");

    assert_non_null(file);
    assert_true(fread(page, 1, PAGE_BYTES - 1, file) > 0);
    fclose(file);
    return page;
}

static void the_manual_shows_the_table(void **state)
{
    char *page = read_page(), *made = calloc(1, PAGE_BYTES);
    char *from = strstr(page, page_begin), *to = strstr(page, page_end);

    assert_non_null(from);
    assert_non_null(to);
    from += strlen(page_begin);
    make_table(made);
    bool same = (size_t)(to - from) == strlen(made) && memcmp(from, made, strlen(made)) == 0;
    if (!same && !writes)
        fail_msg("%s is stale: run test_metrics_table --write", page_path);
    if (!same) {
        FILE *file = fopen(page_path, "w");

        assert_non_null(file);
        assert_true(fprintf(file, "%.*s%s%s", (int)(from - page), page, made, to) > 0);
        assert_int_equal(fclose(file), 0);
    }
    free(made);
    free(page);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_figure_of_the_server_is_told),
        cmocka_unit_test(every_figure_of_the_engine_is_told),
        cmocka_unit_test(every_figure_of_an_outbox_is_told),
        cmocka_unit_test(names_are_as_prometheus_wants_them),
        cmocka_unit_test(rows_of_a_name_stand_together_and_the_first_explains),
        cmocka_unit_test(the_manual_shows_the_table),
    };

    writes = argc > 1 && strcmp(argv[1], "--write") == 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
