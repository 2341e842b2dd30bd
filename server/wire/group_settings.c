/* group_settings.c - what is set about a consumer group: defaults, bounds, and the array [filter, key, max_in_flight,
 * consumer_max_in_flight, ack_timeout_ms, max_attempts, [backoff_ms...]]. */
#include "group_settings.h"

#include "filter.h"

#include <stdio.h>

#define SETTINGS_FIELDS 7u

static const char *const key_names[] = {
    [VARVE_GROUP_KEY_STREAM] = "stream",
    [VARVE_GROUP_KEY_CATEGORY] = "category",
    [VARVE_GROUP_KEY_CORRELATION] = "correlation",
};
#define KEYS (sizeof(key_names) / sizeof(key_names[0]))

const char *varve_group_key_name(enum varve_group_key key)
{
    return (size_t)key < KEYS ? key_names[key] : NULL;
}

bool varve_group_key_parse(struct varve_view text, enum varve_group_key *ret)
{
    for (size_t i = 0; i < KEYS; i++) {
        if (varve_view_equal(text, varve_view_str(key_names[i]))) {
            *ret = (enum varve_group_key)i;
            return true;
        }
    }
    return false;
}

void varve_group_settings_init(struct varve_group_settings *settings)
{
    *settings = (struct varve_group_settings){
        .key = VARVE_GROUP_KEY_STREAM,
        .max_in_flight = 1000,
        .consumer_max_in_flight = 100,
        .ack_timeout_ms = 30000,
        .max_attempts = 5,
        .backoff_ms = { 1000, 5000, 30000 },
        .backoff_count = 3,
    };
}

/* The filter's own check says "filter.types[2]"; here it is "settings.filter.types[2]". */
static enum varve_status check_filter(const struct varve_filter *filter, struct varve_error *error)
{
    struct varve_error inner;
    char field[sizeof("settings.") + sizeof(inner.field)];

    if (filter == NULL || varve_filter_check(filter, &inner) == VARVE_OK)
        return VARVE_OK;
    snprintf(field, sizeof(field), "settings.%s", inner.field);
    return varve_fail(error, inner.status, field, "settings.%s", inner.message);
}

static enum varve_status check_range(uint32_t value, uint32_t min, uint32_t max, const char *field,
                                     struct varve_error *error)
{
    if (value >= min && value <= max)
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, field, "%s: expected %u to %u, is %u", field, min, max, value);
}

static enum varve_status check_backoffs(const struct varve_group_settings *settings, struct varve_error *error)
{
    enum varve_status status = VARVE_OK;
    char field[48];

    if (settings->backoff_count > VARVE_MAX_BACKOFFS)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "settings.backoff_ms",
                          "settings.backoff_ms: expected at most %u of them, are %u", VARVE_MAX_BACKOFFS,
                          settings->backoff_count);
    for (uint32_t i = 0; i < settings->backoff_count && status == VARVE_OK; i++) {
        snprintf(field, sizeof(field), "settings.backoff_ms[%u]", i);
        status = check_range(settings->backoff_ms[i], 0, VARVE_MAX_WAIT_MS, field, error);
    }
    return status;
}

enum varve_status varve_group_settings_check(const struct varve_group_settings *settings, struct varve_error *error)
{
    const struct {
        const char *field;
        uint32_t value, min, max;
    } ranges[] = {
        { "settings.max_in_flight", settings->max_in_flight, 1, VARVE_MAX_IN_FLIGHT },
        { "settings.consumer_max_in_flight", settings->consumer_max_in_flight, 1, VARVE_MAX_IN_FLIGHT },
        { "settings.ack_timeout_ms", settings->ack_timeout_ms, VARVE_MIN_ACK_TIMEOUT_MS, VARVE_MAX_WAIT_MS },
        { "settings.max_attempts", settings->max_attempts, 1, VARVE_MAX_ATTEMPTS },
    };
    enum varve_status status = check_filter(settings->filter, error);

    if (status == VARVE_OK && varve_group_key_name(settings->key) == NULL)
        status = varve_fail(error, VARVE_INVALID_ARGUMENT, "settings.key", "settings.key: expected 0 to %zu, is %d",
                            KEYS - 1, (int)settings->key);
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]) && status == VARVE_OK; i++)
        status = check_range(ranges[i].value, ranges[i].min, ranges[i].max, ranges[i].field, error);
    return status == VARVE_OK ? check_backoffs(settings, error) : status;
}

enum varve_status varve_check_group_name(struct varve_view name, const char *field, struct varve_error *error)
{
    enum varve_status status = varve_check_text(name, VARVE_MAX_GROUP_NAME, field, error);

    if (status == VARVE_OK && name.data[0] == '$')
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field, "%s: must not begin with '$'", field);
    return status;
}

void pack_group_settings(struct pack *pack, const struct varve_group_settings *settings)
{
    pack_array(pack, SETTINGS_FIELDS);
    pack_filter(pack, settings->filter);
    pack_uint(pack, settings->key);
    pack_uint(pack, settings->max_in_flight);
    pack_uint(pack, settings->consumer_max_in_flight);
    pack_uint(pack, settings->ack_timeout_ms);
    pack_uint(pack, settings->max_attempts);
    pack_array(pack, settings->backoff_count);
    for (uint32_t i = 0; i < settings->backoff_count; i++)
        pack_uint(pack, settings->backoff_ms[i]);
}

static void decode_backoffs(struct fields *fields, struct varve_group_settings *ret)
{
    uint32_t count = fields_list(fields, "backoff_ms", 1);

    ret->backoff_count = count < VARVE_MAX_BACKOFFS ? count : VARVE_MAX_BACKOFFS;
    for (uint32_t i = 0; i < count && !fields->pull.failed; i++) {
        fields->index = i;
        uint32_t backoff_ms = (uint32_t)fields_uint(fields, "", 0, UINT32_MAX);

        if (i < ret->backoff_count)
            ret->backoff_ms[i] = backoff_ms;
    }
    fields_list_end(fields);
    if (count > VARVE_MAX_BACKOFFS)
        fields_bad(fields, "backoff_ms", "expected at most %u of them", VARVE_MAX_BACKOFFS);
}

void fields_group_settings(struct fields *fields, struct varve_wire_arena *arena, struct varve_group_settings *ret)
{
    uint32_t unknown = fields_open(fields, SETTINGS_FIELDS);
    struct varve_filter *filter = fields_take(fields, arena, 1, sizeof(*filter));

    *ret = (struct varve_group_settings){ .filter = filter };
    fields->within = "settings";
    if (filter != NULL) {
        *filter = (struct varve_filter){ 0 };
        fields_filter(fields, arena, filter);
    }
    ret->key = (enum varve_group_key)fields_uint(fields, "key", 0, VARVE_GROUP_KEY_CORRELATION);
    ret->max_in_flight = (uint32_t)fields_uint(fields, "max_in_flight", 0, UINT32_MAX);
    ret->consumer_max_in_flight = (uint32_t)fields_uint(fields, "consumer_max_in_flight", 0, UINT32_MAX);
    ret->ack_timeout_ms = (uint32_t)fields_uint(fields, "ack_timeout_ms", 0, UINT32_MAX);
    ret->max_attempts = (uint32_t)fields_uint(fields, "max_attempts", 0, UINT32_MAX);
    decode_backoffs(fields, ret);
    fields->within = NULL;
    fields_close(fields, unknown);
}

struct varve_view fields_group(struct fields *fields)
{
    return fields_name(fields, "group", varve_check_group_name);
}

struct varve_view fields_reason(struct fields *fields)
{
    struct varve_view reason = varve_pull_str_or_nil(&fields->pull);

    if (reason.data != NULL)
        fields_check_text(fields, "reason", reason, VARVE_MAX_REASON);
    return reason;
}
