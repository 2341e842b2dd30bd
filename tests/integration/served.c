/* served.c - see served.h. */
#include "served.h"

void served_begin(struct served *served, const char *const *options)
{
    temp_dir_make(served->scratch);
    varved_process_init(&served->varved, served->scratch);
    assert_true(varved_process_start(&served->varved, options));
    assert_int_equal(varve_client_create(served->varved.url, NULL, &served->client, NULL), VARVE_OK);
}

void served_end(struct served *served)
{
    varve_client_free(served->client);
    assert_int_equal(varved_process_stop(&served->varved), 0);
    temp_dir_remove(served->scratch);
}

struct varve_event served_event(const char *type, uint32_t series, uint32_t number)
{
    static char texts[1024][48];
    static unsigned used;
    char *text = texts[used++ % 1024];
    struct varve_event event = { .type = varve_view_str(type), .time_us = VARVE_TIME_NONE, .schema_version = 1 };

    snprintf(text, sizeof(texts[0]), "{\"series\":%u,\"number\":%u}", series, number);
    event.data = varve_view_str(text);
    event.id.bytes[0] = 0x5e;
    memcpy(&event.id.bytes[4], &series, sizeof(series));
    memcpy(&event.id.bytes[8], &number, sizeof(number));
    return event;
}

uint64_t served_append(struct served *served, const char *stream, int64_t expected, const struct varve_event *event)
{
    struct varve_append_stream target = { varve_view_str(stream), expected };
    struct varve_append_outcome outcome;
    struct varve_error error = { .message = "" };

    enum varve_status status = varve_client_append(
        served->client, &(struct varve_append_request){ &target, 1, event, NULL, 1 }, &outcome, &error);
    if (status != VARVE_OK)
        fail_msg("append to %s: %s: %s", stream, varve_status_name(status), error.message);
    return outcome.results[0].first_position;
}
