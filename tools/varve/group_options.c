/* group_options.c - see group_options.h. */
#include "group_options.h"

#include <string.h>

#include "timestamp.h"

static enum varve_status take_number(const struct arguments *arguments, const char *name, uint32_t *number,
                                     struct varve_error *error)
{
    uint64_t given = *number;
    enum varve_status status = arguments_uint(arguments, name, UINT32_MAX, &given, error);

    if (status == VARVE_OK)
        *number = (uint32_t)given;
    return status;
}

static bool fits_ms(int64_t duration_us)
{
    return duration_us >= 0 && duration_us / 1000 <= UINT32_MAX;
}

static enum varve_status take_timeout(const struct arguments *arguments, uint32_t *timeout_ms,
                                      struct varve_error *error)
{
    int64_t duration_us = (int64_t)*timeout_ms * 1000;
    enum varve_status status = arguments_duration(arguments, "ack-timeout", &duration_us, error);

    if (status != VARVE_OK)
        return status;
    if (!fits_ms(duration_us))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "ack-timeout", "--ack-timeout may be 24h at most");
    *timeout_ms = (uint32_t)(duration_us / 1000);
    return VARVE_OK;
}

/* "1s,5s,30s"; "none" for an empty list. */
static bool parse_backoffs(const char *text, struct varve_group_settings *settings)
{
    uint32_t count = 0;

    for (const char *at = text; strcmp(text, "none") != 0; count++) {
        size_t size = strcspn(at, ",");
        int64_t duration_us;
        if (count == VARVE_MAX_BACKOFFS || !duration_parse(varve_view_of(at, size), &duration_us) ||
            !fits_ms(duration_us))
            return false;
        settings->backoff_ms[count] = (uint32_t)(duration_us / 1000);
        if (at[size] == '\0') {
            count++;
            break;
        }
        at += size + 1;
    }
    settings->backoff_count = count;
    return true;
}

static enum varve_status take_backoffs(const struct arguments *arguments, struct varve_group_settings *settings,
                                       struct varve_error *error)
{
    const char *text = arguments_text(arguments, "backoff");

    if (text == NULL || parse_backoffs(text, settings))
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "backoff", "--backoff must be up to %u durations such as "
                      "1s,5s,30s, or none, not \"%s\"", VARVE_MAX_BACKOFFS, text);
}

static enum varve_status take_key(const struct arguments *arguments, enum varve_group_key *key,
                                  struct varve_error *error)
{
    const char *text = arguments_text(arguments, "key");

    if (text == NULL || varve_group_key_parse(varve_view_str(text), key))
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "key", "--key must be stream, category or correlation, not \"%s\"",
                      text);
}

enum varve_status group_settings_parse(const struct arguments *arguments, struct varve_group_settings *settings,
                                       struct varve_error *error)
{
    enum varve_status status = take_key(arguments, &settings->key, error);

    if (status == VARVE_OK)
        status = take_number(arguments, "max-in-flight", &settings->max_in_flight, error);
    if (status == VARVE_OK)
        status = take_number(arguments, "consumer-max-in-flight", &settings->consumer_max_in_flight, error);
    if (status == VARVE_OK)
        status = take_timeout(arguments, &settings->ack_timeout_ms, error);
    if (status == VARVE_OK)
        status = take_number(arguments, "max-attempts", &settings->max_attempts, error);
    if (status == VARVE_OK)
        status = take_backoffs(arguments, settings, error);
    return status;
}

bool group_settings_given(const struct arguments *arguments)
{
    static const char *const names[] = { "key", "max-in-flight", "consumer-max-in-flight", "ack-timeout",
                                         "max-attempts", "backoff" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (arguments_has(arguments, names[i]))
            return true;
    return false;
}
