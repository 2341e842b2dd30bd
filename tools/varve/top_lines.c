/* top_lines.c - see top_lines.h. */
#include "top_lines.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "output.h"
#include "sparkline.h"
#include "timestamp.h"

enum {
    LABEL = 12, VALUE = 11, SPARK_AT = LABEL + VALUE + 1, SPARK_MOST = TOP_HISTORY, SPARK_LEAST = 8,
    FACT_LABEL = 14, FACT_VALUE = 14, FACTS = FACT_LABEL + FACT_VALUE, BAR = 10, BAR_WIDE = 100, CELL = 64, GAP = 2,
};

static uint64_t value(const struct top_drawing *drawing, enum top_figure figure)
{
    return drawing->screen->sample->values[figure];
}

static bool has(const struct top_drawing *drawing, enum top_figure figure)
{
    return drawing->screen->sample->has[figure];
}

/* What was is not what is. */
static bool rates_known(const struct top_drawing *drawing)
{
    return drawing->screen->rates->known && drawing->screen->away == NULL;
}

static const char *short_duration(uint64_t us, char text[TIMESTAMP_TEXT])
{
    if (us < 1000)
        snprintf(text, TIMESTAMP_TEXT, "%" PRIu64 "us", us);
    else if (us < 100000)
        snprintf(text, TIMESTAMP_TEXT, "%.1fms", (double)us / 1000);
    else if (us < 1000000)
        snprintf(text, TIMESTAMP_TEXT, "%" PRIu64 "ms", us / 1000);
    else if (us < 100000000)
        snprintf(text, TIMESTAMP_TEXT, "%.1fs", (double)us / 1000000);
    else
        duration_format(us < INT64_MAX ? (int64_t)us : INT64_MAX, text);
    return text;
}

static const char *long_duration(uint64_t seconds, char text[TIMESTAMP_TEXT])
{
    if (seconds < 60)
        snprintf(text, TIMESTAMP_TEXT, "%" PRIu64 "s", seconds);
    else
        duration_format(seconds < INT64_MAX / 1000000 ? (int64_t)seconds * 1000000 : INT64_MAX, text);
    return text;
}

static const char *rate_text(double rate, bool bytes, char text[CELL])
{
    char number[32];

    if (bytes)
        snprintf(text, CELL, "%s", format_bytes((uint64_t)rate, number));
    else if (rate > 0 && rate < 10 && rate != floor(rate))
        snprintf(text, CELL, "%.1f", rate);
    else
        snprintf(text, CELL, "%s", format_count((uint64_t)(rate + 0.5), number));
    return text;
}

/* ---- head ------------------------------------------------------------------------------------------------------- */

static void draw_head(struct top_drawing *drawing, unsigned row)
{
    const struct top_screen *screen = drawing->screen;
    struct grid *grid = drawing->grid;
    static const char help[] = "q quit  p pause";
    unsigned room = screen->keys && grid->width >= 60 ? grid->width - (unsigned)sizeof(help) : grid->width;

    unsigned at = grid_put(grid, row, 0, room, GRID_BOLD, varve_view_str("varve top  "));
    grid_put(grid, row, at, room - at, GRID_PLAIN, varve_view_str(screen->url));
    if (room < grid->width)
        grid_put_right(grid, row, room, grid->width - room, GRID_DIM, varve_view_str(help));
}

static unsigned draw_condition(struct top_drawing *drawing, unsigned row)
{
    const struct top_screen *screen = drawing->screen;
    struct grid *grid = drawing->grid;
    char since[TIMESTAMP_TEXT];

    if (screen->away != NULL)
        return grid_printf(grid, row, 0, grid->width, GRID_BAD, "no answer for %s, trying on: %s",
                           long_duration(screen->away_us / 1000000, since), screen->away);
    if (screen->sample == NULL)
        return grid_put(grid, row, 0, grid->width, GRID_DIM, varve_view_str("connecting"));
    if (screen->sample->has_health && !screen->sample->live)
        return grid_printf(grid, row, 0, grid->width, GRID_BAD, "NOT LIVE  %s", screen->sample->reason);
    if (screen->sample->has_health && !screen->sample->ready)
        return grid_printf(grid, row, 0, grid->width, GRID_BAD, "NOT READY  %s", screen->sample->reason);
    return grid_put(grid, row, 0, grid->width, GRID_GOOD,
                    varve_view_str(screen->sample->has_health ? "ready" : "answers"));
}

static void draw_state(struct top_drawing *drawing, unsigned row)
{
    const struct top_screen *screen = drawing->screen;
    struct grid *grid = drawing->grid;
    unsigned at = draw_condition(drawing, row);
    char up[TIMESTAMP_TEXT];

    if (screen->paused) {
        at += GAP;
        at += grid_put(grid, row, at, grid->width - at, GRID_WARN, varve_view_str("PAUSED"));
    }
    if (screen->sample == NULL || screen->away != NULL)
        return;
    grid_printf(grid, row, at + GAP, grid->width - at, GRID_DIM, "varved %s, up %s", screen->sample->version,
                long_duration(value(drawing, TOP_uptime_s), up));
}

/* ---- rates and figures ------------------------------------------------------------------------------------------ */

struct fact {
    const char *label;
    char text[CELL];
    enum grid_style style;
};

static void set_fact(struct fact *fact, const char *label, uint64_t number, bool bad)
{
    char digits[32];

    fact->label = label;
    fact->style = bad ? GRID_WARN : GRID_PLAIN;
    snprintf(fact->text, sizeof(fact->text), "%s", format_count(number, digits));
}

enum { FACT_COUNT = 9 };

static void list_facts(const struct top_drawing *drawing, struct fact facts[FACT_COUNT])
{
    uint64_t last = value(drawing, TOP_last_position), settled = value(drawing, TOP_settled_position);
    char bytes[32], digits[32];

    set_fact(&facts[0], "position", last, false);
    set_fact(&facts[1], "settle lag", last > settled ? last - settled : 0, false);
    set_fact(&facts[2], "queue", 0, false);
    snprintf(facts[2].text, CELL, "%s, %s", format_count(value(drawing, TOP_queue_appends), digits),
             format_bytes(value(drawing, TOP_queue_bytes), bytes));
    set_fact(&facts[3], "connections", value(drawing, TOP_connections), false);
    set_fact(&facts[4], "subscriptions", value(drawing, TOP_subscriptions) + value(drawing, TOP_push_clients), false);
    set_fact(&facts[5], "under way", value(drawing, TOP_requests_under_way), false);
    set_fact(&facts[6], "streams", value(drawing, TOP_stream_count), false);
    set_fact(&facts[7], "sagas running", value(drawing, TOP_sagas_running), false);
    set_fact(&facts[8], "errors logged", value(drawing, TOP_log_lines_error), value(drawing, TOP_log_lines_error) > 0);
}

static void draw_spark(struct top_drawing *drawing, unsigned row, enum top_rate rate, unsigned room)
{
    struct text line = { 0 };
    unsigned count = room < SPARK_MOST ? room : SPARK_MOST;

    if (drawing->screen->history == NULL || room < SPARK_LEAST)
        return;
    sparkline(&line, drawing->screen->history->values[rate] + TOP_HISTORY - count, count);
    grid_put(drawing->grid, row, SPARK_AT, room, GRID_DIM, text_view(&line));
    text_free(&line);
}

static void draw_meter(struct top_drawing *drawing, unsigned row, enum top_rate rate)
{
    const struct top_rates *rates = drawing->screen->rates;
    struct grid *grid = drawing->grid;
    bool bytes = rate == TOP_BYTES_IN || rate == TOP_BYTES_OUT;
    bool odd = (rate == TOP_CONFLICTS || rate == TOP_FAILED) && rates->all[rate] > 0 && rates_known(drawing);
    bool wide = grid->width >= TOP_WIDE;
    char text[CELL], label[CELL];

    snprintf(label, sizeof(label), "%s/s", rate == TOP_BYTES_IN ? "in" : rate == TOP_BYTES_OUT ? "out"
                                                                                               : top_rate_name(rate));
    grid_put(grid, row, 0, LABEL, GRID_PLAIN, varve_view_str(label));
    grid_put_right(grid, row, LABEL, VALUE, odd ? GRID_WARN : GRID_BOLD,
                   varve_view_str(rates_known(drawing) ? rate_text(rates->all[rate], bytes, text) : "-"));
    unsigned taken = SPARK_AT + (wide ? FACTS + GAP : 0);
    draw_spark(drawing, row, rate, grid->width > taken ? grid->width - taken : 0);
    if (!wide || drawing->facts_drawn == FACT_COUNT)
        return;
    struct fact facts[FACT_COUNT];
    list_facts(drawing, facts);
    const struct fact *fact = &facts[drawing->facts_drawn++];
    grid_put(grid, row, grid->width - FACTS, FACT_LABEL, GRID_PLAIN, varve_view_str(fact->label));
    grid_put_right(grid, row, grid->width - FACT_VALUE, FACT_VALUE, fact->style, varve_view_str(fact->text));
}

/* As many of the texts, parted by gaps, as fit whole. */
static void draw_some(struct grid *grid, unsigned row, const char (*texts)[CELL], size_t count)
{
    unsigned at = 0;

    for (size_t i = 0; i < count; i++) {
        size_t width = display_width(varve_view_str(texts[i]));

        if (texts[i][0] == '\0' || at + width > grid->width)
            continue;
        at += grid_put(grid, row, at, grid->width - at, GRID_PLAIN, varve_view_str(texts[i])) + GAP;
    }
}

static void draw_facts(struct top_drawing *drawing, unsigned row)
{
    struct fact facts[FACT_COUNT];
    char texts[FACT_COUNT][CELL];

    list_facts(drawing, facts);
    for (size_t i = 0; i < FACT_COUNT; i++)
        snprintf(texts[i], CELL, "%.24s %.32s", facts[i].label, facts[i].text);
    draw_some(drawing->grid, row, texts, FACT_COUNT);
}

static void latency(const struct top_drawing *drawing, const char *name, enum top_figure p50, enum top_figure p99,
                    char ret[CELL])
{
    char middle[TIMESTAMP_TEXT], high[TIMESTAMP_TEXT];

    ret[0] = '\0';
    if (has(drawing, p50) && has(drawing, p99))
        snprintf(ret, CELL, "%s %.16s/%.16s", name, short_duration(value(drawing, p50), middle),
                 short_duration(value(drawing, p99), high));
}

static void draw_latency(struct top_drawing *drawing, unsigned row)
{
    char texts[6][CELL] = { "p50/p99" }, high[TIMESTAMP_TEXT];

    latency(drawing, "request", TOP_request_us_p50, TOP_request_us_p99, texts[1]);
    latency(drawing, "commit", TOP_commit_us_p50, TOP_commit_us_p99, texts[2]);
    latency(drawing, "sync", TOP_sync_us_p50, TOP_sync_us_p99, texts[3]);
    if (has(drawing, TOP_settle_us_p99))
        snprintf(texts[4], CELL, "settle %.16s", short_duration(value(drawing, TOP_settle_us_p99), high));
    if (has(drawing, TOP_group_events_p50))
        snprintf(texts[5], CELL, "%" PRIu64 " a group", value(drawing, TOP_group_events_p50));
    if (drawing->grid->width < TOP_WIDE || (texts[1][0] == '\0' && texts[2][0] == '\0'))
        texts[0][0] = '\0';
    draw_some(drawing->grid, row, texts, 6);
}

static void draw_bar(struct top_drawing *drawing, unsigned row, unsigned at, const char *label, double share,
                     enum grid_style style, const char *text)
{
    struct text bar = { 0 };

    at += grid_printf(drawing->grid, row, at, LABEL, GRID_PLAIN, "%-7s", label);
    share_bar(&bar, share, drawing->grid->width >= BAR_WIDE ? 2 * BAR : BAR);
    at += grid_put(drawing->grid, row, at, 2 * BAR, style, text_view(&bar));
    grid_put(drawing->grid, row, at + 1, drawing->grid->width, GRID_PLAIN, varve_view_str(text));
    text_free(&bar);
}

static void draw_memory(struct top_drawing *drawing, unsigned row, unsigned at)
{
    uint64_t used = value(drawing, TOP_budget_used_bytes), limit = value(drawing, TOP_budget_limit_bytes);
    char text[CELL], one[32], other[32];

    snprintf(text, sizeof(text), "%s of %s", format_bytes(used, one), format_bytes(limit, other));
    draw_bar(drawing, row, at, "memory", limit > 0 ? (double)used / (double)limit : 0,
             used > limit / 10 * 9 ? GRID_WARN : GRID_GOOD, text);
}

/* Of what the store has and could still get. */
static void draw_disk(struct top_drawing *drawing, unsigned row)
{
    uint64_t own = value(drawing, TOP_store_bytes) + value(drawing, TOP_journal_bytes);
    uint64_t left = value(drawing, TOP_disk_free_bytes);
    bool full = value(drawing, TOP_disk_full) != 0;
    char text[CELL], free_text[32];

    snprintf(text, sizeof(text), "%s free%s", format_bytes(left, free_text), full ? ", FULL" : "");
    draw_bar(drawing, row, 0, "disk", own + left > 0 ? (double)own / (double)(own + left) : 0,
             full ? GRID_BAD : left < own / 10 ? GRID_WARN : GRID_GOOD, text);
    if (drawing->grid->width >= TOP_WIDE)
        draw_memory(drawing, row, drawing->grid->width / 2);
}

/* ---- tables ----------------------------------------------------------------------------------------------------- */

struct column {
    const char *title;
    unsigned width;
    unsigned from_width; /* of the terminal: in narrower ones there is no such column */
};
static const struct column outbox_columns[] = {
    { "state", 9, 0 }, { "breaker", 10, 48 }, { "lag", 12, 0 }, { "behind", 9, 60 }, { "publ./s", 10, 36 },
    { "dead", 7, 70 }, { "parked", 8, 90 },
};
static const struct column group_columns[] = {
    { "state", 9, 48 }, { "lag", 12, 0 }, { "parked", 8, 0 }, { "in flight", 10, 60 }, { "retrying", 9, 90 },
    { "acked/s", 10, 36 },
};
enum { OUTBOX_COLUMNS = 7, GROUP_COLUMNS = 6, COLUMNS_MOST = 7 };

static void draw_row(struct grid *grid, unsigned row, const struct column *columns, size_t count, const char *name,
                     const char *const *cells, enum grid_style style)
{
    unsigned right = grid->width;

    for (size_t i = count; i-- > 0;) {
        if (grid->width < columns[i].from_width || right <= columns[i].width)
            continue;
        right -= columns[i].width;
        grid_put_right(grid, row, right + 1, columns[i].width - 1, style, varve_view_str(cells[i]));
    }
    grid_put(grid, row, 0, right, style, varve_view_str(name));
}

static void draw_title(struct grid *grid, unsigned row, const struct column *columns, size_t count, const char *name,
                       size_t shown, size_t all)
{
    const char *titles[COLUMNS_MOST];
    char text[CELL];

    for (size_t i = 0; i < count; i++)
        titles[i] = columns[i].title;
    if (shown < all)
        snprintf(text, sizeof(text), "%s %zu/%zu", name, shown, all);
    else
        snprintf(text, sizeof(text), "%s", name);
    draw_row(grid, row, columns, count, text, titles, GRID_BOLD);
}

static void draw_outbox(struct top_drawing *drawing, unsigned row, size_t index)
{
    const struct top_outbox *outbox = &drawing->screen->sample->outboxes[index];
    char lag[32], dead[32], parked[32], behind[TIMESTAMP_TEXT], rate[CELL];
    bool stands = strcmp(outbox->phase, "HALTED") == 0, fails = strcmp(outbox->breaker, "CLOSED") != 0;
    const char *const cells[OUTBOX_COLUMNS] = {
        outbox->phase, outbox->breaker, format_count(outbox->lag_events, lag), short_duration(outbox->lag_us, behind),
        rates_known(drawing) ? rate_text(drawing->screen->rates->published[index], false, rate) : "-",
        format_count(outbox->dead_streams, dead), format_count(outbox->parked_events, parked),
    };

    draw_row(drawing->grid, row, outbox_columns, OUTBOX_COLUMNS, outbox->name, cells,
             stands ? GRID_BAD : fails || outbox->dead_streams > 0 ? GRID_WARN : GRID_PLAIN);
}

static void draw_group(struct top_drawing *drawing, unsigned row, size_t index)
{
    const struct top_group *group = &drawing->screen->sample->groups[index];
    char lag[32], parked[32], in_flight[32], retrying[32], rate[CELL];
    const char *const cells[GROUP_COLUMNS] = {
        group->stopped ? "STOPPED" : "runs", format_count(group->lag_events, lag), format_count(group->parked, parked),
        format_count(group->in_flight, in_flight), format_count(group->retrying, retrying),
        rates_known(drawing) ? rate_text(drawing->screen->rates->acked[index], false, rate) : "-",
    };

    draw_row(drawing->grid, row, group_columns, GROUP_COLUMNS, group->name, cells,
             group->stopped ? GRID_BAD : group->parked > 0 ? GRID_WARN : GRID_PLAIN);
}

void top_line_draw(struct top_drawing *drawing, unsigned row, const struct top_line *line)
{
    const struct top_sample *sample = drawing->screen->sample;

    switch (line->kind) {
    case TOP_LINE_BLANK: break;
    case TOP_LINE_HEAD: draw_head(drawing, row); break;
    case TOP_LINE_STATE: draw_state(drawing, row); break;
    case TOP_LINE_METER: draw_meter(drawing, row, (enum top_rate)line->index); break;
    case TOP_LINE_FACTS: draw_facts(drawing, row); break;
    case TOP_LINE_LATENCY: draw_latency(drawing, row); break;
    case TOP_LINE_DISK: draw_disk(drawing, row); break;
    case TOP_LINE_MEMORY: draw_memory(drawing, row, 0); break;
    case TOP_LINE_OUTBOX_TITLE:
        draw_title(drawing->grid, row, outbox_columns, OUTBOX_COLUMNS, "outbox", drawing->outboxes_shown,
                   sample->outbox_count);
        break;
    case TOP_LINE_OUTBOX: draw_outbox(drawing, row, line->index); break;
    case TOP_LINE_GROUP_TITLE:
        draw_title(drawing->grid, row, group_columns, GROUP_COLUMNS, "group", drawing->groups_shown,
                   sample->group_count);
        break;
    case TOP_LINE_GROUP: draw_group(drawing, row, line->index); break;
    }
}
