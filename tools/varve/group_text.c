/* group_text.c - see group_text.h. */
#include "group_text.h"

#include <inttypes.h>

#include "pairs.h"
#include "timestamp.h"
#include "varve/uuid.h"

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void member_list(struct text *out, const char *key, const struct varve_view *items, size_t count)
{
    if (count == 0)
        return;
    text_key(out, key);
    for (size_t i = 0; i < count; i++) {
        text_add_str(out, i == 0 ? "[" : ",");
        text_add_json(out, items[i]);
    }
    text_add_str(out, "]");
}

/* The classes it names; returns how many. */
static size_t list_classes(const struct varve_filter *filter, struct varve_view ret_names[3])
{
    size_t count = 0;

    for (int i = VARVE_CLASS_DOMAIN; i <= VARVE_CLASS_REALTIME; i++)
        if ((filter->classes >> i & 1) != 0)
            ret_names[count++] = varve_view_str(varve_class_name((enum varve_class)i));
    return count;
}

static void add_filter(struct text *out, const struct varve_filter *filter)
{
    struct varve_view classes[3];

    text_key(out, "filter");
    text_add_str(out, "{");
    if (filter != NULL) {
        member_list(out, "streams", filter->streams, filter->stream_count);
        member_list(out, "categories", filter->categories, filter->category_count);
        member_list(out, "types", filter->types, filter->type_count);
        member_list(out, "prefixes", filter->prefixes, filter->prefix_count);
        if (!varve_uuid_is_nil(&filter->correlation_id))
            text_member_uuid(out, "correlation_id", &filter->correlation_id);
        member_list(out, "classes", classes, list_classes(filter, classes));
        if (filter->include_system)
            text_member_bool(out, "include_system", true);
    }
    text_add_str(out, "}");
}

static void add_settings(struct text *out, const struct varve_group_settings *settings)
{
    add_filter(out, settings->filter);
    text_member(out, "key", varve_view_str(varve_group_key_name(settings->key)));
    text_member_uint(out, "max_in_flight", settings->max_in_flight);
    text_member_uint(out, "consumer_max_in_flight", settings->consumer_max_in_flight);
    text_member_uint(out, "ack_timeout_ms", settings->ack_timeout_ms);
    text_member_uint(out, "max_attempts", settings->max_attempts);
    text_key(out, "backoff_ms");
    text_add_str(out, "[");
    for (uint32_t i = 0; i < settings->backoff_count; i++)
        text_printf(out, "%s%" PRIu32, i == 0 ? "" : ",", settings->backoff_ms[i]);
    text_add_str(out, "]");
}

static void add_consumers(struct text *out, const struct varve_group_info *info)
{
    text_key(out, "consumers");
    text_add_str(out, "[");
    for (size_t i = 0; i < info->consumer_count; i++) {
        const struct varve_group_consumer *consumer = &info->consumers[i];
        text_add_str(out, i == 0 ? "{" : ",{");
        text_member(out, "name", consumer->name);
        text_member_uint(out, "epoch", consumer->epoch);
        text_member_uint(out, "in_flight", consumer->in_flight);
        text_member_uint(out, "max_in_flight", consumer->max_in_flight);
        text_add_str(out, "}");
    }
    text_add_str(out, "]");
}

static const char *state_of(const struct varve_group_info *info)
{
    return info->stopped ? "stopped" : "running";
}

/* All but the closing brace. */
static void begin_info(struct text *out, const struct varve_group_info *info)
{
    text_clear(out);
    text_add_str(out, "{");
    text_member(out, "group", info->name);
    text_member(out, "state", varve_view_str(state_of(info)));
    if (info->stopped)
        text_member(out, "stop_reason", info->stop_reason);
    text_member_uint(out, "checkpoint", info->checkpoint);
    text_member_uint(out, "last_position", info->last_position);
    text_member_uint(out, "in_flight", info->in_flight);
    text_member_uint(out, "retrying", info->retrying);
    text_member_uint(out, "parked", info->parked);
    text_member_uint(out, "acked", info->acked);
    text_member_uint(out, "redelivered", info->redelivered);
    text_member_time(out, "created_at", info->created_at_us);
    add_settings(out, &info->settings);
}

void group_format_summary(struct text *out, const struct varve_group_info *info)
{
    begin_info(out, info);
    text_add_str(out, "}");
}

void group_format_info(struct text *out, const struct varve_group_info *info)
{
    begin_info(out, info);
    add_consumers(out, info);
    text_add_str(out, "}");
}

void group_format_parked(struct text *out, const struct varve_parked_event *parked)
{
    text_clear(out);
    text_add_str(out, "{");
    text_member_uint(out, "position", parked->position);
    text_member(out, "stream", parked->stream);
    text_member_uint(out, "version", parked->version);
    text_member(out, "type", parked->type);
    text_member_uuid(out, "id", &parked->id);
    text_member(out, "reason", parked->reason);
    text_member_uint(out, "attempts", parked->attempts);
    if (parked->last_error.data != NULL)
        text_member(out, "last_error", parked->last_error);
    text_member_time(out, "first_attempt_at", parked->first_attempt_us);
    text_member_time(out, "parked_at", parked->parked_at_us);
    text_member_bool(out, "replaying", parked->replaying);
    text_add_str(out, "}");
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

static void add_option(struct text *out, const char *option, struct varve_view value)
{
    text_printf(out, "%s--%s ", out->size > 0 ? " " : "", option);
    text_add(out, value);
}

static void add_options(struct text *out, const char *option, const struct varve_view *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_option(out, option, values[i]);
}

void group_describe_filter(struct text *out, const struct varve_filter *filter)
{
    struct varve_view classes[3];
    char id[VARVE_UUID_TEXT];

    text_clear(out);
    if (filter != NULL) {
        add_options(out, "stream", filter->streams, filter->stream_count);
        add_options(out, "category", filter->categories, filter->category_count);
        add_options(out, "type", filter->types, filter->type_count);
        add_options(out, "prefix", filter->prefixes, filter->prefix_count);
        varve_uuid_format(&filter->correlation_id, id);
        if (!varve_uuid_is_nil(&filter->correlation_id))
            add_option(out, "correlation", varve_view_str(id));
        add_options(out, "class", classes, list_classes(filter, classes));
    }
    if (out->size == 0)
        text_add_str(out, "--all");
    if (filter != NULL && filter->include_system)
        text_add_str(out, " --system");
}

void group_describe_backoff(struct text *out, const struct varve_group_settings *settings)
{
    text_clear(out);
    for (uint32_t i = 0; i < settings->backoff_count; i++) {
        uint32_t ms = settings->backoff_ms[i];
        text_printf(out, "%s%" PRIu32 "%s", i == 0 ? "" : ",", ms % 1000 == 0 ? ms / 1000 : ms,
                    ms % 1000 == 0 ? "s" : "ms");
    }
    if (settings->backoff_count == 0)
        text_add_str(out, "none");
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static void print_settings(struct table *table, const struct varve_group_settings *settings)
{
    struct text text = { 0 };
    char duration[TIMESTAMP_TEXT];

    group_describe_filter(&text, settings->filter);
    pairs_text(table, "filter", text_view(&text));
    pairs_text(table, "key", varve_view_str(varve_group_key_name(settings->key)));
    pairs_printf(table, "max_in_flight", "%" PRIu32 " (%" PRIu32 " of one consumer)", settings->max_in_flight,
                 settings->consumer_max_in_flight);
    duration_format((int64_t)settings->ack_timeout_ms * 1000, duration);
    pairs_text(table, "ack_timeout", varve_view_str(duration));
    pairs_printf(table, "max_attempts", "%" PRIu32, settings->max_attempts);
    group_describe_backoff(&text, settings);
    pairs_text(table, "backoff", text_view(&text));
    text_free(&text);
}

static void print_consumers(struct output *output, const struct varve_group_info *info)
{
    static const struct table_column columns[] = {
        { "consumer", false, 1 }, { "epoch", true, 0 }, { "in_flight", true, 0 }, { "max_in_flight", true, 0 },
    };
    struct table *table = table_begin(output, columns, sizeof(columns) / sizeof(columns[0]));

    for (size_t i = 0; i < info->consumer_count; i++) {
        table_cell(table, info->consumers[i].name);
        table_cellf(table, "%" PRIu64, info->consumers[i].epoch);
        table_cellf(table, "%" PRIu32, info->consumers[i].in_flight);
        table_cellf(table, "%" PRIu32, info->consumers[i].max_in_flight);
        table_row_end(table);
    }
    table_end(table);
}

void group_print_info(struct output *output, const struct varve_group_info *info)
{
    struct table *table = pairs_begin(output);

    pairs_text(table, "group", info->name);
    pairs_text(table, "state", varve_view_str(state_of(info)));
    if (info->stopped)
        pairs_text(table, "stop_reason", info->stop_reason);
    pairs_printf(table, "checkpoint", "%" PRIu64 " of %" PRIu64, info->checkpoint, info->last_position);
    pairs_printf(table, "in_flight", "%" PRIu64, info->in_flight);
    pairs_printf(table, "retrying", "%" PRIu64, info->retrying);
    pairs_printf(table, "parked", "%" PRIu64, info->parked);
    pairs_printf(table, "acked", "%" PRIu64, info->acked);
    pairs_printf(table, "redelivered", "%" PRIu64, info->redelivered);
    pairs_time(table, "created_at", info->created_at_us);
    print_settings(table, &info->settings);
    table_end(table);
    if (info->consumer_count == 0)
        return;
    fputc('\n', output->file);
    print_consumers(output, info);
}

void group_print_parked(struct output *output, const struct varve_parked_event *parked)
{
    struct table *table = pairs_begin(output);
    char id[VARVE_UUID_TEXT];

    varve_uuid_format(&parked->id, id);
    pairs_printf(table, "position", "%" PRIu64, parked->position);
    pairs_text(table, "stream", parked->stream);
    pairs_printf(table, "version", "%" PRIu64, parked->version);
    pairs_text(table, "type", parked->type);
    pairs_text(table, "id", varve_view_str(id));
    pairs_text(table, "reason", parked->reason);
    pairs_printf(table, "attempts", "%" PRIu32, parked->attempts);
    if (parked->last_error.data != NULL)
        pairs_text(table, "last_error", parked->last_error);
    pairs_time(table, "first_attempt_at", parked->first_attempt_us);
    pairs_time(table, "parked_at", parked->parked_at_us);
    pairs_text(table, "replaying", varve_view_str(parked->replaying ? "yes" : "no"));
    table_end(table);
}
