/* grid.c - see grid.h. */
#include "grid.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "output.h"

static const char ellipsis[] = "…";

static unsigned within(unsigned value, unsigned most)
{
    return value < 1 ? 1 : value < most ? value : most;
}

static void set(struct grid_cell *cell, const char *bytes, size_t size, enum grid_style style)
{
    memset(cell->bytes, 0, sizeof(cell->bytes)); /* So that cells are compared as memory. */
    memcpy(cell->bytes, bytes, size);
    cell->size = (uint8_t)size;
    cell->style = (uint8_t)style;
}

void grid_reset(struct grid *grid, unsigned width, unsigned height)
{
    grid->width = within(width, GRID_MAX_WIDTH);
    grid->height = within(height, GRID_MAX_HEIGHT);
    grid->cells = memory_resize(grid->cells, grid->width * grid->height * sizeof(*grid->cells));
    for (size_t i = 0; i < (size_t)grid->width * grid->height; i++)
        set(&grid->cells[i], " ", 1, GRID_PLAIN);
}

void grid_free(struct grid *grid)
{
    free(grid->cells);
    grid->cells = NULL;
}

static struct grid_cell *row_of(const struct grid *grid, unsigned row)
{
    return grid->cells + (size_t)row * grid->width;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

/* The character at `at` as it is shown: its bytes, or those of a question mark. */
static size_t shown(struct varve_view text, size_t at, const char **ret_bytes, size_t *ret_size, int *ret_columns)
{
    size_t size = display_character(text, at, ret_columns);

    *ret_bytes = text.data + at;
    *ret_size = size;
    if (*ret_columns < 0 || size > GRID_CELL_BYTES) {
        *ret_bytes = "?";
        *ret_size = 1;
        *ret_columns = 1;
    }
    return size;
}

unsigned grid_put(struct grid *grid, unsigned row, unsigned column, unsigned room, enum grid_style style,
                  struct varve_view text)
{
    unsigned used = 0;

    if (row >= grid->height || column >= grid->width)
        return 0;
    if (room > grid->width - column)
        room = grid->width - column;
    bool whole = display_width(text) <= room;
    for (size_t at = 0; at < text.size && used < room;) {
        const char *bytes;
        size_t size;
        int columns;

        at += shown(text, at, &bytes, &size, &columns);
        if (columns == 0)
            continue; /* Marks on a character before: rare in names, and not worth cells of any length. */
        if (!whole && used + (unsigned)columns >= room) {
            set(row_of(grid, row) + column + used++, ellipsis, sizeof(ellipsis) - 1, style);
            break;
        }
        set(row_of(grid, row) + column + used, bytes, size, style);
        if (columns == 2)
            set(row_of(grid, row) + column + used + 1, "", 0, style);
        used += (unsigned)columns;
    }
    return used;
}

unsigned grid_printf(struct grid *grid, unsigned row, unsigned column, unsigned room, enum grid_style style,
                     const char *format, ...)
{
    char line[GRID_MAX_WIDTH + 1];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    return grid_put(grid, row, column, room, style, varve_view_str(line));
}

void grid_put_right(struct grid *grid, unsigned row, unsigned column, unsigned room, enum grid_style style,
                    struct varve_view text)
{
    size_t width = display_width(text);
    unsigned skip = width < room ? room - (unsigned)width : 0;

    grid_put(grid, row, column + skip, room - skip, style, text);
}

/* ---- told ------------------------------------------------------------------------------------------------------- */

static bool is_blank(const struct grid_cell *cell)
{
    return cell->size == 1 && cell->bytes[0] == ' ';
}

static unsigned end_of(const struct grid_cell *row, unsigned width)
{
    while (width > 0 && is_blank(&row[width - 1]))
        width--;
    return width;
}

void grid_to_text(const struct grid *grid, struct text *out)
{
    for (unsigned row = 0; row < grid->height; row++) {
        const struct grid_cell *cells = row_of(grid, row);
        unsigned end = end_of(cells, grid->width);

        for (unsigned i = 0; i < end; i++)
            text_add(out, varve_view_of(cells[i].bytes, cells[i].size));
        text_add_str(out, "\n");
    }
}

static void add_style(struct text *out, enum grid_style style, bool colour)
{
    static const char *const codes[GRID_STYLES] = {
        [GRID_PLAIN] = "\033[0m", [GRID_BOLD] = "\033[0;1m", [GRID_DIM] = "\033[0;2m",
        [GRID_GOOD] = "\033[0;32m", [GRID_WARN] = "\033[0;33m", [GRID_BAD] = "\033[0;1;31m",
    };

    if (colour)
        text_add_str(out, codes[style]);
}

static void add_row(struct text *out, const struct grid_cell *cells, unsigned width, bool colour)
{
    unsigned end = end_of(cells, width);
    uint8_t style = GRID_PLAIN;

    for (unsigned i = 0; i < end; i++) {
        if (cells[i].style != style && !is_blank(&cells[i]))
            add_style(out, style = cells[i].style, colour);
        text_add(out, varve_view_of(cells[i].bytes, cells[i].size));
    }
    if (style != GRID_PLAIN)
        add_style(out, GRID_PLAIN, colour);
    if (end < width)
        text_add_str(out, "\033[K");
}

void grid_to_terminal(const struct grid *grid, const struct grid *before, bool colour, struct text *out)
{
    bool same_size = before != NULL && before->width == grid->width && before->height == grid->height;

    if (!same_size)
        text_add_str(out, "\033[2J");
    for (unsigned row = 0; row < grid->height; row++) {
        size_t bytes = grid->width * sizeof(struct grid_cell);

        if (same_size && memcmp(row_of(grid, row), row_of(before, row), bytes) == 0)
            continue;
        text_printf(out, "\033[%u;1H", row + 1);
        add_row(out, row_of(grid, row), grid->width, colour);
    }
}
