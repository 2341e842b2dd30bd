/* fuzz_push.c - whatever an event holds and whatever [push] allows: what is sent is one event, in three lines, of JSON,
 * with nothing in its data that was not allowed. */
#include "fuzz.h"
#include "server/http/push_parts.h"
#include "varve/event_json.h"
#include "varve/json.h"
#include "varve/record.h"

/* A piece of the input, up to a line feed, as a text of its own. */
static char *take_line(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *feed = *at == end ? NULL : memchr(*at, '\n', (size_t)(end - *at));
    size_t size = (size_t)((feed != NULL ? feed : end) - *at);
    char *line = calloc(1, size + 1);

    MUST(line != NULL);
    if (size > 0)
        memcpy(line, *at, size);
    *at = feed != NULL ? feed + 1 : end;
    return line;
}

static void must_be_json(struct varve_view json)
{
    MUST(varve_json_check_envelope(json, 2, NULL, NULL) && memchr(json.data, '\n', json.size) == NULL &&
         memchr(json.data, '\r', json.size) == NULL);
}

/* What went through the list once is not changed by it again. */
static void check_fields(const struct push_list *fields, struct varve_view json)
{
    struct varve_wire_buffer once = { 0 }, twice = { 0 };

    if (push_fields_write(&once, fields, json)) {
        struct varve_view written = varve_view_of((const char *)once.bytes, once.size);

        must_be_json(written);
        MUST(push_fields_write(&twice, fields, written));
        MUST(varve_view_equal(written, varve_view_of((const char *)twice.bytes, twice.size)));
    } else {
        MUST(once.size == 0);
    }
    varve_wire_buffer_free(&once);
    varve_wire_buffer_free(&twice);
}

static void check_text(struct varve_view text, const char *type)
{
    char head[512];
    int size = snprintf(head, sizeof(head), "event: %s\nid: 7\ndata: ", type);

    MUST(text.size > (size_t)size + 2 && memcmp(text.data, head, (size_t)size) == 0);
    MUST(memcmp(text.data + text.size - 2, "\n\n", 2) == 0);
    must_be_json(varve_view_of(text.data + size, text.size - (size_t)size - 2));
}

static void render(struct push_rules *rules, const struct varve_event *event, const char *type)
{
    static struct server server; /* Its figures. */
    static struct push push;
    size_t size = varve_record_size(event);
    uint8_t *record = malloc(size);
    struct push_batch *batch = calloc(1, sizeof(*batch) + sizeof(batch->events[0]));

    MUST(record != NULL && batch != NULL);
    varve_record_encode(event, record);
    push.server = &server;
    push.rules = rules;
    push.counted[7] = 0;
    batch->count = 1;
    batch->events[0] = (struct push_event){ .record = record, .size = (uint32_t)size };
    MUST(push_text_render(&push, batch, &batch->events[0]) && batch->events[0].state != PUSH_UNSEEN);
    if (batch->events[0].state == PUSH_RENDERED)
        check_text(varve_view_of((const char *)batch->text.bytes + batch->events[0].text_at,
                                 batch->events[0].text_size), type);
    MUST(varve_view_equal(push_text_user(&batch->events[0]), event->user_id));
    varve_wire_buffer_free(&batch->text);
    free(batch);
    free(record);
}

/* Lines: push.fields, required_fields, uuid_fields, allow_types, the event's type, its user; then its data, as JSON,
 * msgpack or bytes, whichever it can be. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    enum { FIELDS, REQUIRED, UUIDS, TYPES, TYPE, USER, LINES };
    const uint8_t *at = bytes, *end = bytes + size;
    char *lines[LINES];
    struct push_rules *rules = NULL;
    struct varve_error error;

    for (unsigned i = 0; i < LINES; i++)
        lines[i] = take_line(&at, end);
    struct varve_view data = varve_view_of((const char *)at, (size_t)(end - at));
    const struct push_config config = { .fields = lines[FIELDS], .required_fields = lines[REQUIRED],
                                        .uuid_fields = lines[UUIDS], .time_fields = lines[UUIDS],
                                        .allow_types = lines[TYPES] };
    struct varve_event event = {
        .id.bytes = { 1 }, .stream = varve_view_str("s-1"), .type = varve_view_str(lines[TYPE]),
        .user_id = lines[USER][0] != '\0' ? varve_view_str(lines[USER]) : varve_view_of(NULL, 0),
        .time_us = VARVE_TIME_NONE, .schema_version = 1, .data = data, .position = 7,
        .content_type = varve_json_check(data, NULL, NULL) ? VARVE_CONTENT_JSON
                        : size % 2 != 0                    ? VARVE_CONTENT_MSGPACK : VARVE_CONTENT_OCTET_STREAM,
    };
    if (push_rules_create(&config, &rules, &error) != VARVE_OK)
        MUST(error.status == VARVE_INVALID_ARGUMENT && strncmp(error.field, "push.", 5) == 0 && rules == NULL);
    else if (varve_check_event(&event, 0, &error) == VARVE_OK) {
        if (event.content_type == VARVE_CONTENT_JSON && rules->fields.count > 0)
            check_fields(&rules->fields, data);
        render(rules, &event, lines[TYPE]);
    }
    free(rules);
    for (unsigned i = 0; i < LINES; i++)
        free(lines[i]);
    return 0;
}
