/* table.c - rows of cells, aligned; see output.h.
 *
 * A chunk of rows is held back to find the widths, then printed; later chunks can only make a column wider. So a short
 * table is aligned as a whole and a long one needs no more memory than a chunk. */
#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "memory.h"
#include "output.h"

#define CHUNK_ROWS 200
#define CHUNK_BYTES (1u << 20)
#define GAP 2              /* columns between two columns */
#define GIVES 2            /* the highest `give` of a column */
#define CUT_MIN 16         /* a column is not cut below this */
#define COLUMNS_MAX 12
#define WIDTH_MAX 10000    /* no wider column is padded; nor is a terminal so wide */

static const char cut_mark[] = "...";

struct cell {
    size_t offset, size, width;
};

struct table {
    struct output *output;
    const struct table_column *columns;
    size_t count;
    size_t widths[COLUMNS_MAX];
    struct text text;                        /* of all cells of the chunk */
    struct cell cells[CHUNK_ROWS][COLUMNS_MAX];
    size_t rows, next_cell;
    bool titled;                             /* the titles are printed */
};

size_t display_character(struct varve_view text, size_t at, int *ret_width)
{
    mbstate_t state = { 0 };
    wchar_t character;
    size_t size = mbrtowc(&character, text.data + at, text.size - at, &state);

    if (size == 0 || size == (size_t)-1 || size == (size_t)-2) {
        *ret_width = -1;
        return 1;
    }
    *ret_width = wcwidth(character);
    return size;
}

size_t display_width(struct varve_view text)
{
    size_t width = 0;
    int one;

    for (size_t at = 0; at < text.size;) {
        at += display_character(text, at, &one);
        width += one >= 0 ? (size_t)one : 1;
    }
    return width;
}

/* How many bytes of the text fit into `width` columns. */
static size_t fitting_bytes(struct varve_view text, size_t width, size_t *ret_used)
{
    size_t at = 0, used = 0;

    while (at < text.size) {
        int one;
        size_t size = display_character(text, at, &one);
        size_t columns = one >= 0 ? (size_t)one : 1;

        if (used + columns > width)
            break;
        at += size;
        used += columns;
    }
    *ret_used = used;
    return at;
}

struct table *table_begin(struct output *output, const struct table_column *columns, size_t count)
{
    struct table *table = memory_take(sizeof(*table));

    assert(count > 0 && count <= COLUMNS_MAX);
    table->output = output;
    table->columns = columns;
    table->count = count;
    table->titled = true;
    for (size_t i = 0; i < count; i++) {
        if (columns[i].title == NULL)
            continue;
        table->titled = false;
        table->widths[i] = display_width(varve_view_str(columns[i].title));
    }
    return table;
}

/* Line breaks and tabs become spaces, whatever else could steer a terminal a question mark. */
static size_t add_printable(struct text *text, struct varve_view value)
{
    size_t columns = 0, start = 0, at = 0;

    while (at < value.size) {
        int width;
        size_t size = display_character(value, at, &width);

        columns += width >= 0 ? (size_t)width : 1;
        if (width < 0) {
            bool space = value.data[at] == '\n' || value.data[at] == '\r' || value.data[at] == '\t';

            text_add(text, varve_view_of(value.data + start, at - start));
            text_add_str(text, space ? " " : "?");
            start = at + size;
        }
        at += size;
    }
    text_add(text, varve_view_of(value.data + start, value.size - start));
    return columns;
}

void table_cell(struct table *table, struct varve_view value)
{
    struct cell *cell = &table->cells[table->rows][table->next_cell];
    size_t *width = &table->widths[table->next_cell];

    assert(table->next_cell < table->count);
    cell->offset = table->text.size;
    cell->width = add_printable(&table->text, value);
    cell->size = table->text.size - cell->offset;
    if (cell->width > *width)
        *width = cell->width;
    table->next_cell++;
}

void table_cellf(struct table *table, const char *format, ...)
{
    char line[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    table_cell(table, varve_view_str(line));
}

/* The widest column that may still be cut at this turn; the number of columns when there is none. */
static size_t widest_that_gives(const struct table *table, const size_t *widths, unsigned give)
{
    size_t widest = table->count;

    for (size_t i = 0; i < table->count; i++) {
        if (table->columns[i].give == give && widths[i] > CUT_MIN &&
            (widest == table->count || widths[i] > widths[widest]))
            widest = i;
    }
    return widest;
}

/* Widths that fit the terminal. */
static void fit_widths(const struct table *table, size_t ret_widths[COLUMNS_MAX])
{
    size_t sum = GAP * (table->count - 1);

    for (size_t i = 0; i < table->count; i++) {
        ret_widths[i] = table->widths[i] < WIDTH_MAX ? table->widths[i] : WIDTH_MAX;
        sum += ret_widths[i];
    }
    for (unsigned give = 1; give <= GIVES && table->output->width > 0; give++) {
        size_t widest = widest_that_gives(table, ret_widths, give);

        while (widest < table->count && sum > table->output->width) {
            ret_widths[widest]--;
            sum--;
            widest = widest_that_gives(table, ret_widths, give);
        }
    }
}

static void print_spaces(FILE *file, size_t count)
{
    fprintf(file, "%*s", (int)count, "");
}

static void print_cell(const struct table *table, size_t column, struct varve_view value, size_t width, size_t room)
{
    FILE *file = table->output->file;
    bool last = column + 1 == table->count;
    bool cut = table->output->width > 0 && table->columns[column].give > 0 && width > room;
    size_t mark = cut ? sizeof(cut_mark) - 1 : 0;

    if (cut) {
        value.size = fitting_bytes(value, room - mark, &width);
        width += mark;
    }
    if (table->columns[column].right && width < room)
        print_spaces(file, room - width);
    fwrite(value.data, 1, value.size, file);
    if (cut)
        fputs(cut_mark, file);
    if (!table->columns[column].right && width < room && !last)
        print_spaces(file, room - width);
    if (!last)
        print_spaces(file, GAP);
}

static void print_titles(struct table *table, const size_t *widths)
{
    FILE *file = table->output->file;

    table->titled = true;
    if (table->output->colour)
        fputs("\033[1m", file);
    for (size_t i = 0; i < table->count; i++) {
        struct varve_view title = varve_view_str(table->columns[i].title);

        print_cell(table, i, title, display_width(title), widths[i]);
    }
    fputs(table->output->colour ? "\033[0m\n" : "\n", file);
}

static void print_chunk(struct table *table)
{
    size_t widths[COLUMNS_MAX];

    fit_widths(table, widths);
    if (!table->titled)
        print_titles(table, widths);
    for (size_t row = 0; row < table->rows; row++) {
        for (size_t i = 0; i < table->count; i++) {
            const struct cell *cell = &table->cells[row][i];
            struct varve_view value = { text_view(&table->text).data + cell->offset, cell->size };

            print_cell(table, i, value, cell->width, widths[i]);
        }
        fputc('\n', table->output->file);
    }
    table->rows = 0;
    text_clear(&table->text);
}

void table_row_end(struct table *table)
{
    assert(table->next_cell == table->count);
    table->next_cell = 0;
    table->rows++;
    if (table->rows == CHUNK_ROWS || table->text.size >= CHUNK_BYTES)
        print_chunk(table);
}

void table_flush(struct table *table)
{
    if (table->rows > 0)
        print_chunk(table);
}

void table_end(struct table *table)
{
    print_chunk(table);
    text_free(&table->text);
    free(table);
}
