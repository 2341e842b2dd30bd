/* outbox_text.c - see outbox_text.h. */
#include "outbox_text.h"

#include <inttypes.h>
#include <string.h>

#include "pairs.h"
#include "timestamp.h"

static const struct varve_stat *find(const struct varve_stat *figures, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (varve_view_equal(figures[i].name, varve_view_str(name)))
            return &figures[i];
    }
    return NULL;
}

uint64_t outbox_number(const struct varve_stat *figures, size_t count, const char *name)
{
    const struct varve_stat *stat = find(figures, count, name);

    return stat != NULL && !stat->is_text ? stat->number : 0;
}

struct varve_view outbox_word(const struct varve_stat *figures, size_t count, const char *name)
{
    const struct varve_stat *stat = find(figures, count, name);

    return stat != NULL && stat->is_text ? stat->text : varve_view_str("");
}

/* ---- status ------------------------------------------------------------------------------------------------------ */

struct status {
    const struct varve_outbox_entry *entry;
    struct table *table;
    struct text text;
    int64_t now_us;
};

static uint64_t number(const struct status *status, const char *name)
{
    return outbox_number(status->entry->figures, status->entry->figure_count, name);
}

static struct varve_view word(const struct status *status, const char *name)
{
    return outbox_word(status->entry->figures, status->entry->figure_count, name);
}

static void add_count(struct text *text, uint64_t count)
{
    char digits[32];

    text_add_str(text, format_count(count, digits));
}

static void add_duration(struct text *text, uint64_t duration_us)
{
    char duration[TIMESTAMP_TEXT];

    duration_format(duration_us < INT64_MAX ? (int64_t)duration_us : INT64_MAX, duration);
    text_add_str(text, duration);
}

static void put(struct status *status, const char *name)
{
    pairs_text(status->table, name, text_view(&status->text));
    text_clear(&status->text);
}

static void put_outbox(struct status *status)
{
    text_add(&status->text, status->entry->name);
    text_add_str(&status->text, ", ");
    text_add(&status->text, word(status, "mode"));
    text_add_str(&status->text, ", at ");
    text_add(&status->text, word(status, "brokers"));
    if (number(status, "is_mock") != 0)
        text_add_str(&status->text, " (a mock: it forgets)");
    put(status, "outbox");
}

static void put_phase(struct status *status)
{
    uint64_t since_us = number(status, "since"), now_us = (uint64_t)status->now_us;

    text_add(&status->text, word(status, "phase"));
    if (varve_view_equal(word(status, "phase"), varve_view_str("HALTED"))) {
        text_add_str(&status->text, ": ");
        text_add(&status->text, word(status, "halt"));
    }
    if (since_us > 0) {
        text_add_str(&status->text, ", for ");
        add_duration(&status->text, now_us > since_us ? now_us - since_us : 0);
    }
    put(status, "phase");
}

static void put_breaker(struct status *status)
{
    uint64_t next_us = number(status, "next_attempt"), now_us = (uint64_t)status->now_us;
    uint64_t failures = number(status, "failures");

    text_add(&status->text, word(status, "breaker"));
    if (failures > 0)
        text_printf(&status->text, ", %" PRIu64 " failure%s in a row", failures, failures == 1 ? "" : "s");
    if (next_us > 0) {
        text_add_str(&status->text, ", next attempt in ");
        add_duration(&status->text, next_us > now_us ? next_us - now_us : 0);
    }
    put(status, "breaker");
    if (word(status, "reason").size > 0)
        pairs_text(status->table, "reason", word(status, "reason"));
}

static void put_lag(struct status *status)
{
    uint64_t lag = number(status, "lag_events");

    add_count(&status->text, number(status, "position"));
    text_add_str(&status->text, " of ");
    add_count(&status->text, number(status, "head_position"));
    put(status, "position");
    if (lag > 0) {
        add_count(&status->text, lag);
        text_add_str(&status->text, lag == 1 ? " event, it waits for " : " events, the first waits for ");
        add_duration(&status->text, number(status, "lag_us"));
    } else {
        text_add_str(&status->text, "none");
    }
    put(status, "lag");
}

static void put_filtered(struct status *status)
{
    static const char prefix[] = "filtered_";
    const struct varve_outbox_entry *entry = status->entry;

    for (size_t i = 0; i < entry->figure_count; i++) {
        const struct varve_stat *figure = &entry->figures[i];

        if (figure->is_text || figure->number == 0 || figure->name.size < sizeof(prefix) ||
            memcmp(figure->name.data, prefix, sizeof(prefix) - 1) != 0)
            continue;
        if (status->text.size > 0)
            text_add_str(&status->text, ", ");
        text_add(&status->text, varve_view_of(figure->name.data + sizeof(prefix) - 1,
                                              figure->name.size - (sizeof(prefix) - 1)));
        text_add_str(&status->text, " ");
        add_count(&status->text, figure->number);
    }
    if (status->text.size > 0)
        put(status, "filtered");
}

static void put_dead(struct status *status)
{
    uint64_t streams = number(status, "dead_streams"), retried = number(status, "retry_streams");

    if (streams == 0) {
        pairs_text(status->table, "dead letters", varve_view_str("none"));
        return;
    }
    add_count(&status->text, streams);
    text_add_str(&status->text, streams == 1 ? " stream, " : " streams, ");
    add_count(&status->text, number(status, "parked_events"));
    text_add_str(&status->text, " events");
    if (retried > 0)
        text_printf(&status->text, "; %" PRIu64 " to be tried again", retried);
    put(status, "dead letters");
}

static void put_replay(struct status *status)
{
    if (number(status, "replay_number") == 0)
        return;
    text_printf(&status->text, "number %" PRIu64 ", at position ", number(status, "replay_number"));
    add_count(&status->text, number(status, "replay_position"));
    text_add_str(&status->text, " of ");
    add_count(&status->text, number(status, "replay_until"));
    put(status, "replay");
}

static void put_delay(struct status *status)
{
    if (number(status, "publish_delay_us_count") == 0)
        return;
    text_add_str(&status->text, "p50 ");
    add_duration(&status->text, number(status, "publish_delay_us_p50"));
    text_add_str(&status->text, ", p99 ");
    add_duration(&status->text, number(status, "publish_delay_us_p99"));
    put(status, "publish delay");
}

void outbox_print_status(struct output *output, const struct varve_outbox_entry *entry, int64_t now_us)
{
    struct status status = { .entry = entry, .table = pairs_begin(output), .now_us = now_us };

    put_outbox(&status);
    put_phase(&status);
    put_breaker(&status);
    put_lag(&status);
    add_count(&status.text, number(&status, "events_published"));
    text_add_str(&status.text, " events since the server started");
    put(&status, "published");
    put_filtered(&status);
    put_dead(&status);
    put_replay(&status);
    put_delay(&status);
    table_end(status.table);
    text_free(&status.text);
}

void outbox_format_figures(struct text *out, const struct varve_stat *figures, size_t count)
{
    char name[128];

    text_clear(out);
    text_add_str(out, "{");
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "%.*s", (int)figures[i].name.size, figures[i].name.data);
        if (figures[i].is_text)
            text_member(out, name, figures[i].text);
        else if (varve_outbox_figure_is_bool(figures[i].name))
            text_member_bool(out, name, figures[i].number != 0);
        else
            text_member_uint(out, name, figures[i].number);
    }
    text_add_str(out, "}");
}

/* ---- verification ------------------------------------------------------------------------------------------------ */

void outbox_print_verification(struct output *output, const struct varve_stat *figures, size_t count)
{
    struct table *table = pairs_begin(output);
    char digits[32], name[128];

    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "%.*s", (int)figures[i].name.size, figures[i].name.data);
        if (figures[i].is_text)
            pairs_text(table, name, figures[i].text);
        else if (varve_outbox_figure_is_bool(figures[i].name))
            pairs_text(table, name, varve_view_str(figures[i].number != 0 ? "yes" : "no"));
        else
            pairs_text(table, name, varve_view_str(format_count(figures[i].number, digits)));
    }
    table_end(table);
}

/* ---- dead letters ------------------------------------------------------------------------------------------------ */

void outbox_print_letter(struct output *output, const struct varve_dead_letter *letter)
{
    struct table *table = pairs_begin(output);

    pairs_text(table, "stream", letter->stream);
    pairs_printf(table, "position", "%" PRIu64, letter->position);
    pairs_printf(table, "version", "%" PRIu64, letter->version);
    if (letter->skipped)
        pairs_text(table, "skipped", varve_view_str("yes: later events of the stream were published"));
    else
        pairs_printf(table, "waiting behind", "%" PRIu64, letter->waiting > 0 ? letter->waiting - 1 : 0);
    pairs_printf(table, "retry_count", "%" PRIu32, letter->retry_count);
    pairs_text(table, "error_code", letter->error_code);
    pairs_text(table, "last_error", letter->last_error);
    pairs_time(table, "first_attempt", letter->first_attempt_us);
    pairs_time(table, "last_attempt", letter->last_attempt_us);
    table_end(table);
}

void outbox_format_letter(struct text *out, const struct varve_dead_letter *letter)
{
    text_clear(out);
    text_add_str(out, "{");
    text_member(out, "stream", letter->stream);
    text_member_uint(out, "position", letter->position);
    text_member_uint(out, "version", letter->version);
    text_member_uint(out, "waiting", letter->waiting);
    text_member_bool(out, "skipped", letter->skipped);
    text_member_uint(out, "retry_count", letter->retry_count);
    text_member(out, "error_code", letter->error_code);
    text_member(out, "last_error", letter->last_error);
    text_member_time(out, "first_attempt", letter->first_attempt_us);
    text_member_time(out, "last_attempt", letter->last_attempt_us);
    text_add_str(out, "}");
}

/* ---- history ----------------------------------------------------------------------------------------------------- */

void outbox_format_event(struct text *out, const struct varve_outbox_history_event *event)
{
    text_clear(out);
    text_add_str(out, "{");
    text_member_uint(out, "version", event->version);
    text_member_uint(out, "position", event->position);
    text_member(out, "type", event->type);
    text_member_time(out, "recorded_at", event->recorded_at_us);
    text_member(out, "status", varve_view_str(varve_outbox_fate_name(event->fate)));
    if (event->topic.data != NULL)
        text_member(out, "topic", event->topic);
    if (event->published_at_us != VARVE_TIME_NONE)
        text_member_time(out, "published_at", event->published_at_us);
    text_member_uint(out, "retry_count", event->retry_count);
    if (event->last_error.data != NULL)
        text_member(out, "last_error", event->last_error);
    text_add_str(out, "}");
}
