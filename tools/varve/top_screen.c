/* top_screen.c - see top_screen.h. A screen is a list of lines, of which those go that matter least until the rest
 * fits; top_lines.c draws each. */
#include "top_lines.h"

#include <stdlib.h>

#include "memory.h"

enum { FEW_ROWS = 3 /* of a table: kept as long as anything */ };

/* The higher, the sooner it goes. */
enum weight {
    WEIGHT_HEAD, WEIGHT_MAIN, WEIGHT_LATENCY, WEIGHT_SECOND, WEIGHT_TABLE, WEIGHT_THIRD, WEIGHT_BARS, WEIGHT_REST,
    WEIGHT_BLANK, WEIGHT_MORE_ROWS
};

struct list {
    struct top_line *lines;
    size_t count, room;
};

static void add(struct list *list, enum top_line_kind kind, size_t index, unsigned weight)
{
    if (list->count == list->room) {
        list->room = list->room * 2 + 32;
        list->lines = memory_resize(list->lines, list->room * sizeof(*list->lines));
    }
    list->lines[list->count++] = (struct top_line){ kind, index, weight };
}

static void add_meters(struct list *list, const struct top_screen *screen)
{
    static const struct { enum top_rate rate; enum weight weight; } meters[] = {
        { TOP_EVENTS, WEIGHT_MAIN }, { TOP_APPENDS, WEIGHT_THIRD }, { TOP_CONFLICTS, WEIGHT_SECOND },
        { TOP_REQUESTS, WEIGHT_MAIN }, { TOP_FAILED, WEIGHT_REST }, { TOP_DELIVERED, WEIGHT_SECOND },
        { TOP_PUBLISHED, WEIGHT_SECOND }, { TOP_BYTES_IN, WEIGHT_REST }, { TOP_BYTES_OUT, WEIGHT_REST },
    };

    for (size_t i = 0; i < sizeof(meters) / sizeof(meters[0]); i++) {
        if (meters[i].rate != TOP_PUBLISHED || screen->sample->outbox_count > 0)
            add(list, TOP_LINE_METER, meters[i].rate, meters[i].weight);
    }
}

static void add_table(struct list *list, enum top_line_kind title, enum top_line_kind row, size_t count)
{
    if (count == 0)
        return;
    add(list, TOP_LINE_BLANK, 0, WEIGHT_BLANK);
    add(list, title, 0, WEIGHT_TABLE);
    for (size_t i = 0; i < count; i++)
        add(list, row, i, i < FEW_ROWS ? WEIGHT_TABLE : WEIGHT_MORE_ROWS + (unsigned)i);
}

static void list_lines(struct list *list, const struct top_screen *screen, unsigned width)
{
    add(list, TOP_LINE_HEAD, 0, WEIGHT_HEAD);
    add(list, TOP_LINE_STATE, 0, WEIGHT_HEAD);
    if (screen->sample == NULL)
        return;
    add(list, TOP_LINE_BLANK, 0, WEIGHT_BLANK);
    add_meters(list, screen);
    if (width < TOP_WIDE)
        add(list, TOP_LINE_FACTS, 0, WEIGHT_THIRD);
    if (screen->sample->has[TOP_request_us_p50] || screen->sample->has[TOP_commit_us_p50])
        add(list, TOP_LINE_LATENCY, 0, WEIGHT_LATENCY);
    add(list, TOP_LINE_DISK, 0, WEIGHT_BARS);
    if (width < TOP_WIDE)
        add(list, TOP_LINE_MEMORY, 0, WEIGHT_BARS);
    add_table(list, TOP_LINE_OUTBOX_TITLE, TOP_LINE_OUTBOX, screen->sample->outbox_count);
    add_table(list, TOP_LINE_GROUP_TITLE, TOP_LINE_GROUP, screen->sample->group_count);
}

static int compare_weights(const void *a, const void *b)
{
    unsigned one = *(const unsigned *)a, other = *(const unsigned *)b;

    return (one > other) - (one < other);
}

/* Of equal weight the last goes first. */
static void leave_out(struct list *list, size_t rows)
{
    unsigned *weights = memory_take((list->count + 1) * sizeof(*weights));
    size_t at_limit = 0, kept = 0;

    if (list->count <= rows) {
        free(weights);
        return;
    }
    for (size_t i = 0; i < list->count; i++)
        weights[i] = list->lines[i].weight;
    qsort(weights, list->count, sizeof(*weights), compare_weights);
    unsigned limit = weights[rows - 1];
    for (size_t i = 0; i < rows; i++)
        at_limit += weights[i] == limit;
    free(weights);
    for (size_t i = 0; i < list->count; i++) {
        const struct top_line line = list->lines[i];

        if (line.weight > limit || (line.weight == limit && at_limit == 0))
            continue;
        at_limit -= line.weight == limit;
        list->lines[kept++] = line;
    }
    list->count = kept;
}

static size_t count_of(const struct list *list, enum top_line_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++)
        count += list->lines[i].kind == kind;
    return count;
}

void top_screen_draw(const struct top_screen *screen, struct grid *grid)
{
    struct list list = { .lines = NULL };
    struct top_drawing drawing = { .screen = screen, .grid = grid };

    list_lines(&list, screen, grid->width);
    leave_out(&list, grid->height);
    drawing.outboxes_shown = count_of(&list, TOP_LINE_OUTBOX);
    drawing.groups_shown = count_of(&list, TOP_LINE_GROUP);
    for (size_t i = 0; i < list.count; i++)
        top_line_draw(&drawing, (unsigned)i, &list.lines[i]);
    free(list.lines);
}

unsigned top_screen_rows(const struct top_screen *screen, unsigned width)
{
    struct list list = { .lines = NULL };

    list_lines(&list, screen, width);
    size_t count = list.count;
    free(list.lines);
    return count < GRID_MAX_HEIGHT ? (unsigned)count : GRID_MAX_HEIGHT;
}
