/* options.c - one table of the numeric options serves the defaults, the ranges and the names. */
#include "options.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *name;
    size_t offset;
    uint32_t preset, min, max;
} numbers[] = {
#define NUMBER(name, preset, min, max) { #name, offsetof(struct varve_client_options, name), preset, min, max }
    NUMBER(connect_timeout_ms, 5000, 1, 3600000),
    NUMBER(request_timeout_ms, 30000, 0, 86400000),
    NUMBER(reconnect_attempts, 5, 0, 1000000),
    NUMBER(reconnect_delay_ms, 50, 1, 60000),
    NUMBER(max_in_flight, 256, 1, 65536),
    NUMBER(read_credit_bytes, 4u << 20, 4096, 1u << 30),
#undef NUMBER
};
#define NUMBER_COUNT (sizeof(numbers) / sizeof(numbers[0]))

static uint32_t *number_of(struct varve_client_options *options, size_t i)
{
    return (uint32_t *)((char *)options + numbers[i].offset);
}

static enum varve_status check_range(size_t i, uint64_t value, struct varve_error *error)
{
    if (value >= numbers[i].min && value <= numbers[i].max)
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, numbers[i].name, "%s must be a number from %u to %u",
                      numbers[i].name, numbers[i].min, numbers[i].max);
}

void varve_client_options_init(struct varve_client_options *options)
{
    *options = (struct varve_client_options){ .client_name = program_invocation_short_name };
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        *number_of(options, i) = numbers[i].preset;
}

/* Decimal digits only; a value that is no such number comes out as UINT64_MAX, which no range allows. */
static uint64_t parse_decimal(struct varve_view text)
{
    uint64_t value = 0;

    if (text.size == 0 || text.size > 10)
        return UINT64_MAX;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return UINT64_MAX;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    return value;
}

enum varve_status options_set(struct varve_client_options *options, struct varve_view name, struct varve_view text,
                              struct varve_error *error)
{
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        if (!varve_view_equal(name, varve_view_str(numbers[i].name)))
            continue;
        uint64_t value = parse_decimal(text);
        enum varve_status status = check_range(i, value, error);
        if (status == VARVE_OK)
            *number_of(options, i) = (uint32_t)value;
        return status;
    }
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "url", "unknown option \"%.*s\" in the url",
                      (int)(name.size < 64 ? name.size : 64), name.data);
}

enum varve_status options_check(const struct varve_client_options *options, struct varve_error *error)
{
    struct varve_client_options copy = *options;

    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        enum varve_status status = check_range(i, *number_of(&copy, i), error);
        if (status != VARVE_OK)
            return status;
    }
    if (options->client_name == NULL)
        return VARVE_OK;
    return varve_check_text(varve_view_str(options->client_name), CLIENT_NAME_MAX, "client_name", error);
}
