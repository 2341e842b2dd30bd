/* test_table.c - tables as they come out: aligned, cut, harmless. */
#include <locale.h>
#include <stdlib.h>

#include "support/check.h"
#include "tools/varve/output.h"

static const struct table_column columns[] = {
    { "name", false, 2 }, { "n", true, 0 }, { "data", false, 1 },
};

struct fixture {
    char *printed;
    size_t size;
    struct output output;
};

static void begin(struct fixture *fixture, unsigned width)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    *fixture = (struct fixture){ 0 };
    fixture->output = (struct output){ .file = open_memstream(&fixture->printed, &fixture->size), .width = width };
    assert_non_null(fixture->output.file);
}

static void end(struct fixture *fixture, const char *expected)
{
    fclose(fixture->output.file);
    assert_string_equal(fixture->printed, expected);
    free(fixture->printed);
}

static void row(struct table *table, const char *name, unsigned n, const char *data)
{
    table_cell(table, varve_view_str(name));
    table_cellf(table, "%u", n);
    table_cell(table, varve_view_str(data));
    table_row_end(table);
}

static void columns_line_up(void **state)
{
    struct fixture f;

    begin(&f, 0);
    struct table *table = table_begin(&f.output, columns, 3);
    row(table, "order-42", 7, "{}");
    row(table, "\xc3\xa4", 1000, "a long text that is not cut because there is no width");
    row(table, "", 1, "");
    table_end(table);
    end(&f, "name         n  data\n"
            "order-42     7  {}\n"
            "\xc3\xa4         1000  a long text that is not cut because there is no width\n"
            "             1  \n");
}

static void wide_columns_give_way(void **state)
{
    struct fixture f;

    begin(&f, 44);
    struct table *table = table_begin(&f.output, columns, 3);
    row(table, "a-name-of-some-length", 7, "0123456789012345678901234567890123456789");
    row(table, "b", 8, "short");
    table_end(table);
    end(&f, "name                   n  data\n"
            "a-name-of-some-length  7  012345678901234...\n"
            "b                      8  short\n");
    begin(&f, 38);
    table = table_begin(&f.output, columns, 3);
    row(table, "a-name-of-some-length", 7, "0123456789012345678901234567890123456789");
    table_end(table);
    end(&f, "name               n  data\n"
            "a-name-of-some...  7  0123456789012...\n");
}

static void wide_characters_are_cut_whole(void **state)
{
    struct fixture f;

    begin(&f, 20);
    struct table *table = table_begin(&f.output, columns, 3);
    row(table, "x", 1,
        "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e");
    table_end(table);
    end(&f, "name  n  data\nx     1  \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e...\n");
}

static void nothing_steers_the_terminal(void **state)
{
    struct fixture f;

    begin(&f, 0);
    struct table *table = table_begin(&f.output, columns, 3);
    row(table, "a\033[31m", 1, "x\ny\tz\xff\xc2\x9b" "31m\x7f");
    table_end(table);
    end(&f, "name    n  data\na?[31m  1  x y z??31m?\n");
}

static void later_chunks_keep_the_widths(void **state)
{
    struct fixture f;

    begin(&f, 0);
    struct table *table = table_begin(&f.output, columns, 3);
    for (unsigned i = 0; i < 450; i++)
        row(table, i == 0 ? "the-widest" : "x", i, "");
    table_end(table);
    fclose(f.output.file);
    size_t lines = 0;
    for (const char *at = f.printed; *at != '\0'; at++)
        lines += *at == '\n';
    assert_int_equal(lines, 451);
    assert_non_null(strstr(f.printed, "\nx           449  \n"));
    free(f.printed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_line_up),
        cmocka_unit_test(wide_columns_give_way),
        cmocka_unit_test(wide_characters_are_cut_whole),
        cmocka_unit_test(nothing_steers_the_terminal),
        cmocka_unit_test(later_chunks_keep_the_widths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
