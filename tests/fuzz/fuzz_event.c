/* fuzz_event.c - an event that passes the checks survives its record; one that does not is told why, in one line. */
#include "fuzz.h"
#include "varve/event.h"
#include "varve/pull.h"
#include "varve/record.h"
#include "varve/uuid.h"

/* The fields come as msgpack values, one after the other; what is missing is absent. */
static struct varve_event take_event(const uint8_t *bytes, size_t size)
{
    struct varve_pull pull;
    struct varve_event event = { .time_us = VARVE_TIME_NONE };

    varve_pull_init(&pull, bytes, size);
    event.stream = varve_pull_str_or_nil(&pull);
    event.type = varve_pull_str_or_nil(&pull);
    event.class_ = (enum varve_class)varve_pull_uint(&pull, UINT32_MAX);
    event.content_type = (enum varve_content_type)varve_pull_uint(&pull, UINT32_MAX);
    event.schema_version = (uint32_t)varve_pull_uint(&pull, UINT32_MAX);
    event.time_us = varve_pull_nil(&pull) ? VARVE_TIME_NONE : varve_pull_int(&pull);
    event.source = varve_pull_str_or_nil(&pull);
    event.user_id = varve_pull_str_or_nil(&pull);
    event.metadata = varve_pull_bin_or_nil(&pull);
    event.data = varve_pull_bin_or_nil(&pull);
    varve_pull_uuid_or_nil(&pull, &event.id);
    varve_pull_uuid_or_nil(&pull, &event.correlation_id);
    varve_pull_uuid_or_nil(&pull, &event.causation_id);
    return event;
}

static void check_error(enum varve_status status, const struct varve_error *error)
{
    MUST(status == VARVE_INVALID_ARGUMENT && error->status == status);
    MUST(error->field[0] != '\0' && strnlen(error->field, sizeof(error->field)) < sizeof(error->field));
    size_t size = strnlen(error->message, sizeof(error->message));
    MUST(size > 0 && size < sizeof(error->message));
    for (size_t i = 0; i < size; i++)
        MUST((uint8_t)error->message[i] >= 0x20);
}

static void check_round_trip(const struct varve_event *event)
{
    size_t size = varve_record_size(event);
    uint8_t *record = malloc(size), *again = malloc(size);
    struct varve_event decoded;

    MUST(record != NULL && again != NULL);
    MUST(size <= event->data.size + event->metadata.size + VARVE_RECORD_MAX_OVERHEAD);
    MUST(varve_record_encode(event, record) == size);
    MUST(varve_record_decode(record, size, &decoded) == VARVE_OK);
    MUST(varve_check_event(&decoded, 0, NULL) == VARVE_OK);
    MUST(varve_check_stream_name(decoded.stream, true, "stream", NULL) == VARVE_OK);
    MUST(varve_record_encode(&decoded, again) == size && memcmp(record, again, size) == 0);
    free(record);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct varve_event event = take_event(bytes, size);
    struct varve_error error;
    enum varve_status name = varve_check_stream_name(event.stream, true, "stream", &error);

    if (name != VARVE_OK)
        check_error(name, &error);
    else if (event.stream.size <= VARVE_MAX_STREAM_NAME) { /* Only the reserved sign tells the two rules apart. */
        bool allowed = varve_check_stream_name(event.stream, false, "stream", NULL) == VARVE_OK;
        MUST(allowed == (event.stream.data[0] != '$'));
    }

    enum varve_status status = varve_check_event(&event, size, &error);
    MUST(varve_check_event(&event, size, NULL) == status);
    if (status != VARVE_OK)
        check_error(status, &error);
    else if (name == VARVE_OK)
        check_round_trip(&event);
    return 0;
}
