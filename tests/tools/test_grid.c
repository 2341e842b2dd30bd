/* test_grid.c - what is written into cells, and what a terminal is told of them. */
#include <locale.h>

#include "support/check.h"
#include "tools/varve/grid.h"

static void check_text(const struct grid *grid, const char *expected)
{
    struct text text = { 0 };

    grid_to_text(grid, &text);
    text_add(&text, varve_view_of("", 1));
    assert_string_equal(text.bytes, expected);
    text_free(&text);
}

static void put(struct grid *grid, unsigned row, unsigned column, unsigned room, const char *text)
{
    grid_put(grid, row, column, room, GRID_PLAIN, varve_view_str(text));
}

static void what_does_not_fit_is_cut(void **state)
{
    static const struct { const char *label, *text, *shown; unsigned column, room; } cases[] = {
        { "fits", "abc", "abc\n", 0, 8 },
        { "fills its room", "abc", "abc\n", 0, 3 },
        { "too long", "abcdef", "abc…\n", 0, 4 },
        { "at the edge", "abcdef", "      a…\n", 6, 8 },
        { "outside", "abc", "\n", 8, 8 },
        { "no room", "abc", "\n", 0, 0 },
        { "umlauts", "Müller", "Müller\n", 0, 6 },
        { "wide characters", "東京都", "東京都\n", 0, 6 },
        { "wide characters, cut", "東京都", "東京…\n", 0, 5 },
        { "steers a terminal", "a\033[2Jb", "a?[2Jb\n", 0, 8 },
        { "no UTF-8", "a\xff", "a?\n", 0, 8 },
        { "marks on a character", "e\xcc\x81", "e\n", 0, 8 },
    };
    struct grid grid = { .cells = NULL };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        grid_reset(&grid, 8, 1);
        put(&grid, 0, cases[i].column, cases[i].room, cases[i].text);
        print_message("%s\n", cases[i].label);
        check_text(&grid, cases[i].shown);
    }
    put(&grid, 1, 0, 8, "no such row");
    grid_free(&grid);
}

static void to_the_right(void **state)
{
    struct grid grid = { .cells = NULL };

    grid_reset(&grid, 10, 2);
    grid_put_right(&grid, 0, 2, 6, GRID_BOLD, varve_view_str("12"));
    grid_put_right(&grid, 1, 2, 6, GRID_BOLD, varve_view_str("12345678"));
    check_text(&grid, "      12\n  12345…\n");
    grid_free(&grid);
}

static void told(const struct grid *grid, const struct grid *before, bool colour, const char *expected)
{
    struct text out = { 0 };

    grid_to_terminal(grid, before, colour, &out);
    text_add(&out, varve_view_of("", 1));
    assert_string_equal(out.bytes, expected);
    text_free(&out);
}

static void only_rows_that_differ_are_told(void **state)
{
    struct grid one = { .cells = NULL }, other = { .cells = NULL };

    grid_reset(&one, 4, 3);
    put(&one, 0, 0, 4, "ab");
    put(&one, 1, 0, 4, "cdef");
    told(&one, NULL, false, "\033[2J\033[1;1Hab\033[K\033[2;1Hcdef\033[3;1H\033[K");
    grid_reset(&other, 4, 3);
    put(&other, 0, 0, 4, "ab");
    put(&other, 1, 0, 4, "cd");
    told(&other, &one, false, "\033[2;1Hcd\033[K");
    told(&other, &other, false, "");
    grid_reset(&other, 5, 3); /* Another size: all of it. */
    told(&other, &one, false, "\033[2J\033[1;1H\033[K\033[2;1H\033[K\033[3;1H\033[K");
    grid_free(&one);
    grid_free(&other);
}

static void styles_are_for_those_who_want_colours(void **state)
{
    struct grid grid = { .cells = NULL };

    grid_reset(&grid, 6, 1);
    grid_put(&grid, 0, 0, 6, GRID_BAD, varve_view_str("ab"));
    grid_put(&grid, 0, 3, 6, GRID_BAD, varve_view_str("c"));
    grid_put(&grid, 0, 4, 6, GRID_PLAIN, varve_view_str("d"));
    told(&grid, NULL, true, "\033[2J\033[1;1H\033[0;1;31mab c\033[0md\033[K");
    told(&grid, NULL, false, "\033[2J\033[1;1Hab cd\033[K");
    grid_free(&grid);
}

static void sizes_are_bounded(void **state)
{
    struct grid grid = { .cells = NULL };

    grid_reset(&grid, 0, 0);
    assert_true(grid.width == 1 && grid.height == 1);
    put(&grid, 0, 0, 4, "xy");
    check_text(&grid, "…\n");
    grid_reset(&grid, 100000, 100000);
    assert_true(grid.width == GRID_MAX_WIDTH && grid.height == GRID_MAX_HEIGHT);
    grid_free(&grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_is_cut),
        cmocka_unit_test(to_the_right),
        cmocka_unit_test(only_rows_that_differ_are_told),
        cmocka_unit_test(styles_are_for_those_who_want_colours),
        cmocka_unit_test(sizes_are_bounded),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
