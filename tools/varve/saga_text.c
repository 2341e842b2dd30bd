/* saga_text.c - see saga_text.h. */
#include "saga_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pairs.h"
#include "timestamp.h"
#include "varve/json.h"
#include "varve/os.h"
#include "varve/uuid.h"

static int64_t now_us(void)
{
    const struct varve_os *os = varve_os_default();

    return os->now_us(os->self);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void member_time_if(struct text *out, const char *key, int64_t time_us)
{
    if (time_us != VARVE_TIME_NONE)
        text_member_time(out, key, time_us);
}

static void member_state(struct text *out, const struct varve_saga *saga)
{
    if (!saga->has_state)
        return;
    if (saga->content_type != VARVE_CONTENT_JSON)
        text_member(out, "content_type", varve_view_str(varve_content_type_name(saga->content_type)));
    text_key(out, "state");
    if (saga->content_type == VARVE_CONTENT_JSON)
        text_add(out, saga->state);
    else
        text_add_base64(out, saga->state);
}

void saga_format(struct text *out, const struct varve_saga *saga)
{
    text_clear(out);
    text_add_str(out, "{");
    text_member(out, "type", saga->type);
    text_member(out, "saga_id", saga->id);
    text_member(out, "status", varve_view_str(varve_saga_status_name(saga->status)));
    text_member(out, "step", saga->step);
    text_member_int(out, "version", saga->version);
    text_member_uint(out, "position", saga->position);
    text_member_time(out, "started_at", saga->started_at_us);
    text_member_time(out, "updated_at", saga->updated_at_us);
    member_time_if(out, "completed_at", saga->completed_at_us);
    member_time_if(out, "failed_at", saga->failed_at_us);
    member_time_if(out, "deadline", saga->deadline_us);
    if (saga->error.size > 0)
        text_member(out, "error", saga->error);
    if (!varve_uuid_is_nil(&saga->correlation_id))
        text_member_uuid(out, "correlation_id", &saga->correlation_id);
    member_state(out, saga);
    text_add_str(out, "}");
}

/* ---- pairs ------------------------------------------------------------------------------------------------------- */

static void pair_time_if(struct table *table, const char *name, int64_t time_us)
{
    if (time_us != VARVE_TIME_NONE)
        pairs_time(table, name, time_us);
}

static void pair_state(struct table *table, const struct varve_saga *saga)
{
    if (saga->has_state && saga->content_type == VARVE_CONTENT_JSON)
        pairs_text(table, "state", saga->state);
    else if (saga->has_state)
        pairs_printf(table, "state", "(%zu bytes of %s)", saga->state.size,
                     varve_content_type_name(saga->content_type));
}

void saga_print(struct output *output, const struct varve_saga *saga)
{
    struct table *table = pairs_begin(output);
    char id[VARVE_UUID_TEXT];

    pairs_text(table, "type", saga->type);
    pairs_text(table, "saga_id", saga->id);
    pairs_text(table, "status", varve_view_str(varve_saga_status_name(saga->status)));
    pairs_text(table, "step", saga->step);
    pairs_printf(table, "version", "%" PRId64, saga->version);
    pairs_time(table, "started_at", saga->started_at_us);
    pairs_time(table, "updated_at", saga->updated_at_us);
    pair_time_if(table, "completed_at", saga->completed_at_us);
    pair_time_if(table, "failed_at", saga->failed_at_us);
    pair_time_if(table, "deadline", saga->deadline_us);
    if (saga->error.size > 0)
        pairs_text(table, "error", saga->error);
    if (!varve_uuid_is_nil(&saga->correlation_id)) {
        varve_uuid_format(&saga->correlation_id, id);
        pairs_text(table, "correlation_id", varve_view_str(id));
    }
    pair_state(table, saga);
    table_end(table);
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static const struct table_column columns[] = {
    { "type", false, 0 }, { "saga_id", false, 2 }, { "status", false, 0 }, { "step", false, 2 }, { "version", true, 0 },
    { "unchanged for", true, 0 }, { "deadline", true, 0 }, { "error", false, 1 },
};

void saga_printer_begin(struct saga_printer *printer, struct output *output)
{
    *printer = (struct saga_printer){ .output = output, .now_us = now_us() };
    if (output->format == OUTPUT_TABLE)
        printer->table = table_begin(output, columns, sizeof(columns) / sizeof(columns[0]));
    else
        output_list_begin(output);
}

/* "in 12s", "3m 2s ago", or nothing. */
static void describe_deadline(int64_t deadline_us, int64_t now, char ret_text[TIMESTAMP_TEXT + 8])
{
    char duration[TIMESTAMP_TEXT];

    ret_text[0] = '\0';
    if (deadline_us == VARVE_TIME_NONE)
        return;
    duration_format(deadline_us > now ? deadline_us - now : now - deadline_us, duration);
    snprintf(ret_text, TIMESTAMP_TEXT + 8, deadline_us > now ? "in %s" : "%s ago", duration);
}

static void print_row(struct saga_printer *printer, const struct varve_saga *saga)
{
    char unchanged[TIMESTAMP_TEXT], deadline[TIMESTAMP_TEXT + 8];
    int64_t since_us = printer->now_us > saga->updated_at_us ? printer->now_us - saga->updated_at_us : 0;

    duration_format(since_us, unchanged);
    describe_deadline(saga->deadline_us, printer->now_us, deadline);
    table_cell(printer->table, saga->type);
    table_cell(printer->table, saga->id);
    table_cell(printer->table, varve_view_str(varve_saga_status_name(saga->status)));
    table_cell(printer->table, saga->step);
    table_cellf(printer->table, "%" PRId64, saga->version);
    table_cell(printer->table, varve_view_str(unchanged));
    table_cell(printer->table, varve_view_str(deadline));
    table_cell(printer->table, saga->error);
    table_row_end(printer->table);
}

void saga_printer_saga(struct saga_printer *printer, const struct varve_saga *saga)
{
    if (printer->table != NULL) {
        print_row(printer, saga);
        return;
    }
    saga_format(&printer->text, saga);
    output_list_object(printer->output, &printer->text);
}

void saga_printer_end(struct saga_printer *printer)
{
    if (printer->table != NULL)
        table_end(printer->table);
    else
        output_list_end(printer->output);
    text_free(&printer->text);
}

/* ---- history ----------------------------------------------------------------------------------------------------- */

static struct varve_view without_quotes(struct varve_view value)
{
    if (value.size < 2 || value.data[0] != '"')
        return (struct varve_view){ 0 };
    return varve_view_of(value.data + 1, value.size - 2);
}

static int64_t number_of(struct varve_view value)
{
    char digits[24];

    if (value.size == 0 || value.size >= sizeof(digits))
        return VARVE_TIME_NONE;
    memcpy(digits, value.data, value.size);
    digits[value.size] = '\0';
    return strtoll(digits, NULL, 10);
}

void saga_event_read(const struct varve_event *event, struct saga_event *ret)
{
    static const char prefix[] = "$saga.";
    struct varve_view key, value;
    size_t cursor = 0, skip = sizeof(prefix) - 1;

    *ret = (struct saga_event){ .action = event->type, .deadline_us = VARVE_TIME_NONE };
    if (event->type.size > skip && memcmp(event->type.data, prefix, skip) == 0)
        ret->action = varve_view_of(event->type.data + skip, event->type.size - skip);
    if (event->metadata.size == 0 || !varve_json_check(event->metadata, NULL, NULL))
        return;
    while (varve_json_next_member(event->metadata, &cursor, &key, &value)) {
        if (varve_view_equal(key, varve_view_str("step")))
            ret->step = without_quotes(value);
        else if (varve_view_equal(key, varve_view_str("error")))
            ret->error = without_quotes(value);
        else if (varve_view_equal(key, varve_view_str("deadline_us")))
            ret->deadline_us = number_of(value);
        else if (varve_view_equal(key, varve_view_str("state")))
            ret->new_state = varve_view_equal(value, varve_view_str("\"new\""));
    }
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

enum varve_status saga_statuses_parse(const struct arguments *arguments, unsigned *ret_statuses,
                                      struct varve_error *error)
{
    struct varve_view given[OPTIONS_MAX];
    size_t count = arguments_texts(arguments, "status", given, OPTIONS_MAX);

    for (size_t i = 0; i < count; i++) {
        struct varve_view left = given[i];
        while (left.size > 0) {
            const char *comma = memchr(left.data, ',', left.size);
            struct varve_view word = { left.data, comma != NULL ? (size_t)(comma - left.data) : left.size };
            enum varve_saga_status status;
            if (!varve_saga_status_parse(word, &status))
                return varve_fail(error, VARVE_INVALID_ARGUMENT, "status", "--status must be running, compensating, "
                                  "timed_out, completed or failed, or several with commas between, not \"%.*s\"",
                                  (int)given[i].size, given[i].data);
            *ret_statuses |= 1u << status;
            left = varve_view_of(left.data + word.size, left.size - word.size);
            if (left.size > 0)
                left = varve_view_of(left.data + 1, left.size - 1);
        }
    }
    return VARVE_OK;
}

enum varve_status saga_deadline_parse(const char *text, int64_t *ret_us, struct varve_error *error)
{
    int64_t duration_us;

    if (duration_parse(varve_view_str(text), &duration_us) &&
        !__builtin_add_overflow(now_us(), duration_us, ret_us))
        return VARVE_OK;
    if (varve_time_parse(varve_view_str(text), ret_us))
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "deadline", "--deadline must be a time (2024-05-01T12:00:00Z) or "
                      "how long from now (30s, 2h, 1d12h), not \"%s\"", text);
}
