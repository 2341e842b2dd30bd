/* checkpoint.c - how far a follower has come, as its checkpoint's stream says. */
#include "exchange.h"
#include "varve/json.h"

#include <stdio.h>

#define PREFIX "$checkpoint-"

/* A number without sign, fraction and exponent. */
static bool parse_position(struct varve_view text, uint64_t *ret_position)
{
    uint64_t position = 0;

    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = (unsigned char)text.data[i] - '0';

        if (digit > 9 || position > (UINT64_MAX - digit) / 10)
            return false;
        position = position * 10 + digit;
    }
    *ret_position = position;
    return text.size > 0;
}

/* {"position":N}, and what later versions may add. */
static bool find_position(struct varve_view data, uint64_t *ret_position)
{
    struct varve_view key, value;
    size_t cursor = 0;

    if (!varve_json_check(data, NULL, NULL))
        return false;
    while (varve_json_next_member(data, &cursor, &key, &value))
        if (varve_view_equal(key, varve_view_str("position")))
            return parse_position(value, ret_position);
    return false;
}

/* The newest event of the stream; *ret_version VARVE_EXPECTED_NO_STREAM: there is none. */
static enum varve_status read_newest(struct varve_client *client, struct varve_view stream, uint64_t *ret_position,
                                     int64_t *ret_version, struct varve_error *error)
{
    const struct varve_event *event = NULL;
    bool understood = true;
    struct varve_read read;

    varve_read_init(&read);
    read.kind = VARVE_READ_STREAM;
    read.name = stream;
    read.backwards = true;
    read.limit = 1;
    enum varve_status status = varve_client_read_open(client, &read, error);
    if (status == VARVE_OK)
        status = varve_client_read_next(client, &event, error);
    if (status == VARVE_OK && event != NULL) {
        *ret_version = (int64_t)event->version;
        understood = find_position(event->data, ret_position);
        status = varve_client_read_next(client, &event, error); /* Its end, so that nothing is left to be cancelled. */
    }
    varve_client_read_close(client);
    if (status != VARVE_OK || understood)
        return status;
    return varve_fail(error, VARVE_CORRUPT, NULL, "%s: the newest event of \"%.*s\" names no position",
                      client->url.shown, (int)stream.size, stream.data);
}

enum varve_status varve_client_checkpoint(struct varve_client *client, struct varve_view name, uint64_t *ret_position,
                                          int64_t *ret_version, struct varve_error *error)
{
    char stream[sizeof(PREFIX) + VARVE_MAX_CHECKPOINT_NAME];
    int64_t version = VARVE_EXPECTED_NO_STREAM;
    uint64_t position = 0;

    enum varve_status status = varve_check_text(name, VARVE_MAX_CHECKPOINT_NAME, "name", error);
    if (status != VARVE_OK)
        return status;
    int size = snprintf(stream, sizeof(stream), PREFIX "%.*s", (int)name.size, name.data);
    status = read_newest(client, varve_view_of(stream, (size_t)size), &position, &version, error);
    if (status != VARVE_OK && status != VARVE_STREAM_NOT_FOUND)
        return status;
    *ret_position = position;
    *ret_version = version;
    return VARVE_OK;
}
