/* cmd_top.c - `varve top`: how the server is, second by second, on a terminal or as JSON. */
#include <stdlib.h>

#include "commands.h"
#include "terminal.h"
#include "timestamp.h"
#include "top_json.h"
#include "top_screen.h"
#include "varve/subscription.h"

enum { CONNECT_MS = 1000, ANSWER_MS = 3000, ONCE_WIDTH = 100 };

static const struct option_spec options[] = {
    { "interval", 'i', "DURATION", "so long between two looks; default 1s" },
    { "once", 0, NULL, "print one table after one interval" },
    { "count", 'n', "N", "end after so many samples; with -o json and ndjson" },
    { NULL, 0, NULL, NULL },
};

struct top {
    struct cli *cli;
    struct varve_client *client;
    const struct varve_os *os;
    int64_t interval_us;
    uint64_t left;                 /* samples to be shown */
    bool no_health;                /* the server does not know the request */
    struct top_sample samples[2];  /* in turn the latest */
    unsigned latest;
    bool sampled;                  /* there is a latest */
    struct top_rates rates;
    struct top_history history;
    struct varve_error why;        /* nobody answered; VARVE_OK: somebody did */
    uint64_t away_since_us;
    bool paused;
};

static uint64_t now_us(const struct top *top)
{
    return top->os->monotonic_us(top->os->self);
}

/* ---- asking ----------------------------------------------------------------------------------------------------- */

/* An older server does not know of HEALTH, and all else works. */
static enum varve_status ask_health(struct top *top, struct top_sample *sample, struct varve_error *error)
{
    struct varve_health health;

    if (top->no_health)
        return VARVE_OK;
    enum varve_status status = varve_client_health(top->client, &health, error);
    if (status == VARVE_OK)
        top_sample_health(sample, &health);
    top->no_health = status == VARVE_UNSUPPORTED;
    return top->no_health ? VARVE_OK : status;
}

static enum varve_status ask(struct top *top, struct top_sample *sample, struct varve_error *error)
{
    const struct varve_stat *stats;
    const struct varve_group_info *infos;
    const struct varve_outbox_entry *entries;
    size_t count;

    enum varve_status status = varve_client_stats(top->client, &stats, &count, error);
    if (status == VARVE_OK) {
        sample->taken_us = now_us(top);
        top_sample_stats(sample, stats, count);
        status = varve_client_group_list(top->client, &infos, &count, error);
    }
    if (status == VARVE_OK) {
        top_sample_groups(sample, infos, count);
        status = varve_client_outbox_list(top->client, varve_view_of(NULL, 0), &entries, &count, error);
    }
    if (status == VARVE_OK) {
        top_sample_outboxes(sample, entries, count);
        status = ask_health(top, sample, error);
    }
    return status;
}

/* The next sample becomes the latest; when nobody answers, the one before stays. */
static void look(struct top *top)
{
    struct top_sample *next = &top->samples[1 - top->latest];
    struct top_rates rates;

    top_sample_free(next);
    if (ask(top, next, &top->why) != VARVE_OK) {
        if (top->away_since_us == 0)
            top->away_since_us = now_us(top);
        top->no_health = false; /* Another one may come. */
        top_history_add(&top->history, NULL);
        return;
    }
    top_rates_of(&rates, top->sampled && top->away_since_us == 0 ? &top->samples[top->latest] : NULL, next);
    top_rates_free(&top->rates);
    top->rates = rates;
    top->latest = 1 - top->latest;
    top->sampled = true;
    top->away_since_us = 0;
    top->why.status = VARVE_OK;
    top_history_add(&top->history, &top->rates);
}

/* ---- showing ---------------------------------------------------------------------------------------------------- */

static struct top_screen screen_of(const struct top *top)
{
    bool away = top->away_since_us > 0;

    return (struct top_screen){
        .url = backend_url(top->cli->backend), .sample = top->sampled ? &top->samples[top->latest] : NULL,
        .rates = &top->rates, .away = away ? top->why.message : NULL,
        .away_us = away ? now_us(top) - top->away_since_us : 0, .paused = top->paused,
    };
}

static void show(struct top *top, struct grid *grid)
{
    struct top_screen screen = screen_of(top);
    unsigned width, height;

    screen.history = &top->history;
    screen.keys = true;
    terminal_size(&width, &height);
    grid_reset(grid, width, height);
    top_screen_draw(&screen, grid);
    terminal_show(grid, top->cli->output.colour);
}

/* What is late is not made up for. */
static uint64_t next_turn(const struct top *top, uint64_t last_us)
{
    uint64_t next_us = last_us + (uint64_t)top->interval_us, now = now_us(top);

    return next_us < now ? now : next_us;
}

/* Until it is time for the next look; false: it is to end. */
static bool wait_for_turn(struct top *top, struct grid *grid, uint64_t until_us)
{
    for (uint64_t now = now_us(top); top->paused || now < until_us; now = now_us(top)) {
        char key = 0;

        switch (terminal_wait(top->paused ? 3600 * INT64_C(1000000) : (int64_t)(until_us - now), &key)) {
        case TERMINAL_ENDS:
            return false;
        case TERMINAL_KEY:
            if (key == 'q' || key == 'Q')
                return false;
            if (key == 'p' || key == ' ')
                top->paused = !top->paused;
            show(top, grid);
            break;
        case TERMINAL_RESIZED:
            show(top, grid);
            break;
        case TERMINAL_TIMEOUT:
            break;
        }
    }
    return true;
}

static int run_live(struct top *top)
{
    struct grid grid = { .cells = NULL };
    uint64_t next_us = now_us(top);
    bool goes_on = true;

    terminal_begin();
    show(top, &grid);
    while (goes_on) {
        look(top);
        show(top, &grid);
        next_us = next_turn(top, next_us);
        goes_on = wait_for_turn(top, &grid, next_us);
    }
    terminal_end();
    grid_free(&grid);
    return CLI_OK;
}

static void print_table(struct top *top)
{
    struct top_screen screen = screen_of(top);
    struct grid grid = { .cells = NULL };
    struct text text = { 0 };
    unsigned width = top->cli->output.width > 0 ? top->cli->output.width : ONCE_WIDTH;

    grid_reset(&grid, width, top_screen_rows(&screen, width));
    top_screen_draw(&screen, &grid);
    grid_to_text(&grid, &text);
    fwrite(text.bytes, 1, text.size, top->cli->output.file);
    text_free(&text);
    grid_free(&grid);
}

static void print_sample(struct top *top, struct text *text)
{
    int64_t time_us = top->os->now_us(top->os->self);

    if (top->away_since_us > 0)
        top_format_away(text, time_us, &top->why);
    else
        top_format_sample(text, time_us, &top->samples[top->latest], &top->rates);
    output_list_object(&top->cli->output, text);
    fflush(top->cli->output.file);
}

/* One sample more than are shown: rates need two. */
static int run_samples(struct top *top)
{
    struct text text = { 0 };
    uint64_t next_us = now_us(top);
    char key;

    terminal_catch_signals();
    look(top);
    if (top->away_since_us > 0)
        return cli_fail(top->cli, &top->why);
    output_list_begin(&top->cli->output);
    for (; top->left > 0 && output_works(&top->cli->output); top->left--) {
        next_us = next_turn(top, next_us);
        if (terminal_wait((int64_t)(next_us - now_us(top)), &key) == TERMINAL_ENDS)
            break;
        look(top);
        print_sample(top, &text);
    }
    output_list_end(&top->cli->output);
    text_free(&text);
    return CLI_OK;
}

static int run_once(struct top *top)
{
    struct text text = { 0 };
    char key;

    terminal_catch_signals();
    look(top);
    if (top->away_since_us == 0 && terminal_wait(top->interval_us, &key) != TERMINAL_ENDS)
        look(top);
    if (top->away_since_us > 0)
        return cli_fail(top->cli, &top->why);
    if (top->cli->output.format == OUTPUT_TABLE) {
        print_table(top);
        return CLI_OK;
    }
    top_format_sample(&text, top->os->now_us(top->os->self), &top->samples[top->latest], &top->rates);
    output_object(&top->cli->output, &text);
    text_free(&text);
    return CLI_OK;
}

/* ---- the command ------------------------------------------------------------------------------------------------ */

static enum varve_status parse(struct top *top, struct varve_error *error)
{
    const struct arguments *arguments = &top->cli->arguments;
    bool table = top->cli->output.format == OUTPUT_TABLE;
    enum varve_status status = arguments_duration(arguments, "interval", &top->interval_us, error);

    if (status == VARVE_OK && (top->interval_us < 100000 || top->interval_us > INT64_C(3600) * 1000000))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "interval", "--interval must be from 100ms to 1h");
    if (status == VARVE_OK)
        status = arguments_uint(arguments, "count", UINT64_MAX, &top->left, error);
    if (status == VARVE_OK && arguments_has(arguments, "count") && (table || arguments_has(arguments, "once")))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "count", "--count goes with -o json or -o ndjson, without "
                          "--once");
    if (status == VARVE_OK && table && !arguments_has(arguments, "once") && !terminal_is_there())
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "output", "this is no terminal: --once prints one table, "
                          "-o ndjson a line for each sample");
    return status;
}

/* Short deadlines: whoever looks should see soon that nobody answers. What the URL sets goes before. */
static enum varve_status open_client(struct top *top, struct varve_error *error)
{
    struct varve_client_options client_options;
    enum varve_status status = cli_open_server(top->cli, error);

    if (status != VARVE_OK)
        return status;
    varve_client_options_init(&client_options);
    client_options.client_name = "varve top";
    client_options.connect_timeout_ms = CONNECT_MS;
    client_options.request_timeout_ms = ANSWER_MS;
    client_options.reconnect_attempts = 0;
    return varve_client_create(backend_url(top->cli->backend), &client_options, &top->client, error);
}

static int run(struct cli *cli)
{
    struct top top = { .cli = cli, .os = varve_os_default(), .interval_us = 1000000, .left = UINT64_MAX };
    struct varve_error error;

    top_history_init(&top.history);
    enum varve_status status = cli_words(cli, 0, 0, &error);
    if (status == VARVE_OK)
        status = parse(&top, &error);
    if (status == VARVE_OK)
        status = open_client(&top, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    int code = arguments_has(&cli->arguments, "once") ? run_once(&top)
             : cli->output.format == OUTPUT_TABLE     ? run_live(&top)
                                                      : run_samples(&top);
    varve_client_free(top.client);
    top_rates_free(&top.rates);
    top_sample_free(&top.samples[0]);
    top_sample_free(&top.samples[1]);
    return code;
}

const struct command command_top = {
    .name = "top",
    .arguments = "[--interval DURATION] [--once]",
    .summary = "watch the server: rates, latencies, lags, outboxes, groups",
    .details = "Rates are those of the last interval, latencies those of the last ten seconds, sparklines show the\n"
               "last 60 intervals. Keys: q ends it, p pauses. When the server goes away that is said, and tried on.\n"
               "With -o ndjson every sample is a line, until Ctrl-C or --count.",
    .options = options,
    .examples = "  varve top\n  varve top --once\n  varve top --interval 5s -o ndjson | jq .events_per_s\n",
    .run = run,
};
