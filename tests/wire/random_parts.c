/* random_parts.c - random but allowed parts of messages: texts, filters, settings, sagas. */
#include "random_parts.h"

#include "support/random.h"

#include <assert.h>
#include <string.h>

void parts_begin(struct parts *parts)
{
    parts->text_used = 0;
}

uint64_t parts_number(struct parts *parts, uint64_t min, uint64_t max)
{
    uint64_t range = max - min, bits = random_below(&parts->random, 64);

    switch (random_below(&parts->random, 4)) {
    case 0: return min;
    case 1: return max;
    case 2: return min + (range == UINT64_MAX ? random_next(&parts->random) : random_below(&parts->random, range + 1));
    default: return (UINT64_C(1) << bits) <= range ? min + (UINT64_C(1) << bits) : min;
    }
}

bool parts_chance(struct parts *parts)
{
    return random_below(&parts->random, 2) == 0;
}

static char *take_text(struct parts *parts, size_t size)
{
    char *room = parts->text + parts->text_used;

    assert(parts->text_used + size <= sizeof(parts->text));
    parts->text_used += size;
    return room;
}

struct varve_view parts_text(struct parts *parts, size_t max_bytes)
{
    static const char letters[] = "abcdefghij.:_ ";
    bool longest = random_below(&parts->random, 20) == 0;
    size_t size = longest ? max_bytes : 1 + random_below(&parts->random, max_bytes < 12 ? max_bytes : 12);
    char *text = take_text(parts, size);

    for (size_t i = 0; i < size; i++)
        text[i] = letters[random_below(&parts->random, sizeof(letters) - 1)];
    if (size >= 2 && parts_chance(parts))
        memcpy(text + size - 2, "\xc3\xa9", 2);
    return varve_view_of(text, size);
}

struct varve_view parts_text_or_none(struct parts *parts, size_t max_bytes)
{
    return parts_chance(parts) ? varve_view_of(NULL, 0) : parts_text(parts, max_bytes);
}

struct varve_view parts_bytes(struct parts *parts, size_t max_bytes)
{
    size_t size = random_below(&parts->random, max_bytes + 1);
    char *bytes = take_text(parts, size);

    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)random_next(&parts->random);
    return varve_view_of(bytes, size);
}

struct varve_uuid parts_uuid(struct parts *parts)
{
    struct varve_uuid uuid;
    uint64_t halves[2] = { random_next(&parts->random) | 1, random_next(&parts->random) };

    memcpy(uuid.bytes, halves, sizeof(uuid.bytes));
    return uuid;
}

struct varve_uuid parts_uuid_or_none(struct parts *parts)
{
    return parts_chance(parts) ? (struct varve_uuid){ { 0 } } : parts_uuid(parts);
}

int64_t parts_version(struct parts *parts, int64_t min)
{
    return min + (int64_t)parts_number(parts, 0, (uint64_t)INT64_MAX / 2);
}

int64_t parts_time_or_none(struct parts *parts)
{
    return parts_chance(parts) ? VARVE_TIME_NONE : (int64_t)parts_number(parts, 0, INT64_MAX);
}

static struct varve_view plain_text(struct parts *parts, size_t max_bytes)
{
    struct varve_view text = parts_text(parts, max_bytes);

    for (size_t i = 0; i < text.size; i++) {
        char letter = text.data[i];

        if (!((letter >= 'a' && letter <= 'z') || letter == '_' || letter == '.'))
            ((char *)text.data)[i] = 'x';
    }
    return text;
}

struct varve_view parts_saga_type(struct parts *parts)
{
    return plain_text(parts, VARVE_SAGA_MAX_TYPE);
}

struct varve_view parts_outbox_name(struct parts *parts)
{
    return plain_text(parts, VARVE_MAX_OUTBOX_NAME);
}

static const struct varve_view *names(struct parts *parts, unsigned which, size_t max_bytes, size_t *ret_count)
{
    size_t most = sizeof(parts->names[which]) / sizeof(parts->names[which][0]);
    size_t count = parts_chance(parts) ? 0 : random_below(&parts->random, most + 1);

    for (size_t i = 0; i < count; i++)
        parts->names[which][i] = parts_text(parts, max_bytes);
    *ret_count = count;
    return parts->names[which];
}

void parts_filter(struct parts *parts, struct varve_filter *ret)
{
    size_t text_used = parts->text_used;
    struct varve_filter filter;

    do { /* Until its parts happen not to contradict each other. */
        parts->text_used = text_used;
        filter = (struct varve_filter){ .classes = (unsigned)random_below(&parts->random, 8),
                                        .include_system = parts_chance(parts) };
        filter.streams = names(parts, 0, VARVE_MAX_STREAM_NAME, &filter.stream_count);
        filter.categories = names(parts, 1, VARVE_MAX_STREAM_NAME, &filter.category_count);
        filter.types = names(parts, 2, VARVE_MAX_TYPE, &filter.type_count);
        filter.prefixes = names(parts, 3, VARVE_MAX_STREAM_NAME, &filter.prefix_count);
        if (parts_chance(parts))
            filter.correlation_id = parts_uuid(parts);
    } while (varve_filter_check(&filter, NULL) != VARVE_OK);
    *ret = filter;
}

void parts_settings(struct parts *parts, struct varve_group_settings *ret)
{
    parts_filter(parts, &parts->filter);
    *ret = (struct varve_group_settings){
        .filter = parts_chance(parts) ? NULL : &parts->filter,
        .key = (enum varve_group_key)random_below(&parts->random, 3),
        .max_in_flight = (uint32_t)parts_number(parts, 1, VARVE_MAX_IN_FLIGHT),
        .consumer_max_in_flight = (uint32_t)parts_number(parts, 1, VARVE_MAX_IN_FLIGHT),
        .ack_timeout_ms = (uint32_t)parts_number(parts, VARVE_MIN_ACK_TIMEOUT_MS, VARVE_MAX_WAIT_MS),
        .max_attempts = (uint32_t)parts_number(parts, 1, VARVE_MAX_ATTEMPTS),
        .backoff_count = (uint32_t)parts_number(parts, 0, VARVE_MAX_BACKOFFS),
    };
    for (uint32_t i = 0; i < ret->backoff_count; i++)
        ret->backoff_ms[i] = (uint32_t)parts_number(parts, 0, VARVE_MAX_WAIT_MS);
}

void parts_saga(struct parts *parts, struct varve_saga *ret)
{
    *ret = (struct varve_saga){
        .type = parts_saga_type(parts),
        .id = parts_text(parts, VARVE_SAGA_MAX_ID),
        .step = parts_text_or_none(parts, VARVE_SAGA_MAX_STEP),
        .status = (enum varve_saga_status)random_below(&parts->random, VARVE_SAGA_STATUSES),
        .version = parts_version(parts, 0),
        .position = parts_number(parts, 1, UINT64_MAX),
        .started_at_us = parts_version(parts, INT64_MIN),
        .updated_at_us = parts_version(parts, INT64_MIN),
        .completed_at_us = parts_time_or_none(parts),
        .failed_at_us = parts_time_or_none(parts),
        .deadline_us = parts_time_or_none(parts),
        .error = parts_text_or_none(parts, VARVE_SAGA_MAX_ERROR),
        .correlation_id = parts_uuid_or_none(parts),
        .has_state = parts_chance(parts),
        .content_type = (enum varve_content_type)random_below(&parts->random, 3),
    };
    if (ret->has_state)
        ret->state = parts_bytes(parts, 300);
}

void parts_snapshot(struct parts *parts, struct varve_snapshot *ret)
{
    *ret = (struct varve_snapshot){
        .stream = parts_text(parts, VARVE_MAX_STREAM_NAME),
        .version = parts_version(parts, 0),
        .type = parts_text(parts, VARVE_SNAPSHOT_MAX_TYPE),
        .schema_version = (uint32_t)parts_number(parts, 1, UINT32_MAX),
        .content_type = (enum varve_content_type)random_below(&parts->random, 3),
        .created_at_us = parts_version(parts, INT64_MIN),
        .data = parts_bytes(parts, 300),
    };
    ret->size = (uint32_t)ret->data.size;
}
