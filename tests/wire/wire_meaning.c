/* wire_meaning.c - from bodies to JSON. */
#include "wire_values.h"

#include "varve/record.h"

#include <assert.h>

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *texts(const struct varve_view *views, uint32_t count)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(list, json_of_text(views[i]));
    return list;
}

static json_t *of_hello(const struct varve_hello *hello)
{
    return json_pack("{s:o, s:o, s:o, s:[]}", "min_version", number(hello->min_version), "max_version",
                     number(hello->max_version), "client_name", json_of_text(hello->client_name), "capabilities");
}

static json_t *of_hello_ok(const struct varve_hello_ok *hello)
{
    json_t *limits = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o}", "max_frame_bytes", number(hello->max_frame_bytes), "max_event_bytes",
        number(hello->max_event_bytes), "max_append_bytes", number(hello->max_append_bytes), "max_append_events",
        number(hello->max_append_events), "max_requests", number(hello->max_requests), "max_credit_bytes",
        number(hello->max_credit_bytes));

    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "version", number(hello->version), "server_version",
                     json_of_text(hello->server_version), "database_id", json_of_uuid(&hello->database_id), "limits",
                     limits, "capabilities", texts(hello->capabilities, hello->capability_count), "last_position",
                     number(hello->last_position));
}

static json_t *of_event(const struct varve_event *event)
{
    json_t *object = json_pack("{s:o, s:o, s:o, s:o}", "id", json_of_uuid(&event->id), "type",
                               json_of_text(event->type), "schema_version", number(event->schema_version), "time",
                               json_of_time(event->time_us));

    json_object_set_new(object, "correlation_id", json_of_uuid(&event->correlation_id));
    json_object_set_new(object, "causation_id", json_of_uuid(&event->causation_id));
    json_object_set_new(object, "source", json_of_text(event->source));
    json_object_set_new(object, "user_id", json_of_text(event->user_id));
    json_object_set_new(object, "class", number(event->class_));
    json_object_set_new(object, "content_type", number(event->content_type));
    json_object_set_new(object, "data", json_of_bytes(event->data));
    json_object_set_new(object, "metadata", json_of_bytes(event->metadata));
    return object;
}

json_t *meaning_of_record(const struct varve_event *event)
{
    json_t *object = of_event(event);

    json_object_set_new(object, "position", number(event->position));
    json_object_set_new(object, "version", number(event->version));
    json_object_set_new(object, "recorded_at", json_integer(event->recorded_at_us));
    json_object_set_new(object, "stream", json_of_text(event->stream));
    return object;
}

json_t *json_of_record(struct varve_view record)
{
    struct varve_event event;
    enum varve_status status = varve_record_decode(record.data, record.size, &event);

    assert(status == VARVE_OK);
    return meaning_of_record(&event);
}

json_t *json_of_append(const struct varve_append_request *append)
{
    json_t *streams = json_array(), *events = json_array();

    for (size_t i = 0; i < append->stream_count; i++)
        json_array_append_new(streams,
                              json_pack("{s:o, s:o}", "stream", json_of_text(append->streams[i].stream), "expected",
                                        json_integer(append->streams[i].expected)));
    for (size_t i = 0; i < append->event_count; i++) {
        json_t *event = of_event(&append->events[i]);

        json_object_set_new(event, "stream_index", number(append->stream_of[i]));
        json_array_append_new(events, event);
    }
    return json_pack("{s:o, s:o}", "streams", streams, "events", events);
}

json_t *json_of_append_ok(const struct varve_append_outcome *outcome)
{
    json_t *results = json_array();

    for (size_t i = 0; i < outcome->stream_count; i++)
        json_array_append_new(results, json_pack("{s:o, s:o, s:o, s:o}", "first_version",
                                                 json_integer(outcome->results[i].first_version), "last_version",
                                                 json_integer(outcome->results[i].last_version), "first_position",
                                                 number(outcome->results[i].first_position), "last_position",
                                                 number(outcome->results[i].last_position)));
    return json_pack("{s:b, s:o}", "replayed", outcome->replayed, "results", results);
}

static json_t *of_read(const struct varve_read_request *request)
{
    const struct varve_read *read = &request->read;
    json_t *object = json_pack("{s:o, s:o, s:o, s:b, s:b}", "kind", number(read->kind), "name",
                               json_of_text(read->name), "correlation_id", json_of_uuid(&read->correlation_id),
                               "backwards", read->backwards, "include_system", read->include_system);

    json_object_set_new(object, "from", json_of_count(read->from, VARVE_FROM_EDGE));
    json_object_set_new(object, "limit", number(read->limit));
    json_object_set_new(object, "since", json_of_time(read->since_us));
    json_object_set_new(object, "until", json_of_time(read->until_us));
    json_object_set_new(object, "credit_bytes", number(request->credit_bytes));
    json_object_set_new(object, "batch_bytes", number(request->batch_bytes));
    return object;
}

static json_t *of_entry(const struct varve_stream_entry *entry)
{
    const struct varve_stream_info *info = &entry->info;
    json_t *object = json_pack("{s:o, s:o, s:o, s:o}", "stream", json_of_text(entry->name), "version",
                               json_integer(info->version), "first_version", number(info->first_version),
                               "last_position", number(info->last_position));

    json_object_set_new(object, "created_at", json_integer(info->created_at_us));
    json_object_set_new(object, "updated_at", json_integer(info->updated_at_us));
    json_object_set_new(object, "truncate_before", number(info->truncate_before));
    json_object_set_new(object, "max_count", number(info->max_count));
    json_object_set_new(object, "max_age_us", json_integer(info->max_age_us));
    json_object_set_new(object, "deleted", json_boolean(info->deleted));
    json_object_set_new(object, "tombstoned", json_boolean(info->tombstoned));
    return object;
}

static json_t *of_change(const struct varve_stream_change *change)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "kind", number(change->kind), "stream",
                     json_of_text(change->stream), "expected", json_integer(change->expected), "truncate_before",
                     number(change->truncate_before), "max_count", number(change->max_count), "max_age_us",
                     json_integer(change->max_age_us));
}

static json_t *of_error(const struct varve_wire_error *error)
{
    const struct varve_error *what = &error->error;
    json_t *conflicts = json_array();

    for (size_t i = 0; i < error->conflict_count; i++)
        json_array_append_new(conflicts, json_pack("{s:o, s:o, s:o, s:o, s:o}", "index",
                                                   number(error->conflicts[i].stream_index), "status",
                                                   number(error->conflicts[i].status), "expected",
                                                   json_integer(error->conflicts[i].expected), "actual",
                                                   json_integer(error->conflicts[i].actual), "part",
                                                   number(error->conflicts[i].part)));
    return json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o}", "number", number(what->status), "name",
                     varve_status_name(what->status), "message", what->message, "field",
                     what->field[0] == '\0' ? json_null() : json_string(what->field), "limit",
                     json_of_count(what->limit, 0), "retry_after_ms", json_of_count(what->retry_after_ms, 0),
                     "conflicts", conflicts);
}

static enum varve_status decode_batch(struct varve_view body, struct varve_wire_arena *arena, json_t **ret,
                                      struct varve_error *error)
{
    const struct varve_view *records;
    uint32_t count;
    uint64_t next;
    enum varve_status status = varve_decode_read_batch(body, arena, &records, &count, &next, error);

    if (status != VARVE_OK)
        return status;

    json_t *list = json_array();

    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(list, json_of_record(records[i]));
    *ret = json_pack("{s:o, s:o}", "records", list, "next", json_of_count(next, VARVE_FROM_EDGE));
    return VARVE_OK;
}

static enum varve_status decode_list(struct varve_view body, struct varve_wire_arena *arena, json_t **ret,
                                     struct varve_error *error)
{
    struct varve_stream_list list;
    enum varve_status status = varve_decode_stream_list_ok(body, arena, &list, error);

    if (status != VARVE_OK)
        return status;

    json_t *entries = json_array();

    for (size_t i = 0; i < list.count; i++)
        json_array_append_new(entries, of_entry(&list.entries[i]));
    *ret = json_pack("{s:o, s:b}", "entries", entries, "end", list.end);
    return VARVE_OK;
}

static enum varve_status decode_find(struct varve_view body, struct varve_wire_arena *arena, json_t **ret,
                                     struct varve_error *error)
{
    const struct varve_uuid *ids;
    size_t count;
    enum varve_status status = varve_decode_find(body, arena, &ids, &count, error);

    if (status != VARVE_OK)
        return status;

    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_of_uuid(&ids[i]));
    *ret = json_pack("{s:o}", "ids", list);
    return VARVE_OK;
}

static enum varve_status decode_find_ok(struct varve_view body, struct varve_wire_arena *arena, json_t **ret,
                                        struct varve_error *error)
{
    const uint64_t *positions;
    size_t count;
    enum varve_status status = varve_decode_find_ok(body, arena, &positions, &count, error);

    if (status != VARVE_OK)
        return status;

    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, number(positions[i]));
    *ret = json_pack("{s:o}", "positions", list);
    return VARVE_OK;
}

static enum varve_status decode_stats(struct varve_view body, struct varve_wire_arena *arena, json_t **ret,
                                      struct varve_error *error)
{
    const struct varve_stat *stats;
    size_t count;
    enum varve_status status = varve_decode_stats_ok(body, arena, &stats, &count, error);

    if (status == VARVE_OK)
        *ret = json_pack("{s:o}", "stats", json_of_stats(stats, count));
    return status;
}

static enum varve_status decode_config(struct varve_view body, struct varve_wire_arena *arena, json_t **ret,
                                       struct varve_error *error)
{
    const struct varve_config_entry *entries;
    size_t count = 0;
    enum varve_status status = varve_decode_config_ok(body, arena, &entries, &count, error);

    if (status != VARVE_OK)
        return status;

    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:b}", "key", json_of_text(entries[i].key), "value",
                                              json_of_text(entries[i].value), "origin",
                                              json_of_text(entries[i].origin), "reloadable", entries[i].reloadable));
    *ret = json_pack("{s:o}", "entries", list);
    return VARVE_OK;
}

static json_t *of_health(const struct varve_health *health)
{
    json_t *checks = json_array();

    for (size_t i = 0; i < health->check_count; i++)
        json_array_append_new(checks, json_pack("{s:o, s:b, s:o}", "name", json_of_text(health->checks[i].name), "good",
                                                health->checks[i].good, "reason",
                                                json_of_text(health->checks[i].reason)));
    return json_pack("{s:b, s:b, s:o, s:o, s:o}", "live", health->live, "ready", health->ready, "checks", checks,
                     "uptime_s", number(health->uptime_s), "version", json_of_text(health->version));
}

#define DECODED(decode, value) \
    do { \
        enum varve_status status_ = (decode); \
        if (status_ == VARVE_OK) \
            *ret = (value); \
        return status_; \
    } while (0)

/* One decoder call and one conversion each. */
static enum varve_status decode_request(uint8_t opcode, struct varve_view body, struct varve_wire_arena *arena,
                                        json_t **ret, struct varve_error *error)
{
    struct varve_hello hello;
    struct varve_append_request append;
    struct varve_read_request read;
    struct varve_stream_list_request list;
    struct varve_stream_change change;
    struct varve_view stream;
    uint64_t position;
    uint32_t bytes;

    switch (opcode) {
    case VARVE_OP_HELLO: DECODED(varve_decode_hello(body, &hello, error), of_hello(&hello));
    case VARVE_OP_APPEND: DECODED(varve_decode_append(body, arena, &append, error), json_of_append(&append));
    case VARVE_OP_READ: DECODED(varve_decode_read(body, &read, error), of_read(&read));
    case VARVE_OP_CREDIT:
        DECODED(varve_decode_credit(body, &bytes, error), json_pack("{s:o}", "bytes", number(bytes)));
    case VARVE_OP_STREAM_INFO:
        DECODED(varve_decode_stream_info(body, &stream, error), json_pack("{s:o}", "stream", json_of_text(stream)));
    case VARVE_OP_STREAM_LIST:
        DECODED(varve_decode_stream_list(body, &list, error),
                json_pack("{s:o, s:o, s:o, s:b}", "prefix", json_of_text(list.prefix), "after",
                          json_of_text(list.after), "limit", number(list.limit), "include_system",
                          list.include_system));
    case VARVE_OP_STREAM_CHANGE: DECODED(varve_decode_stream_change(body, &change, error), of_change(&change));
    case VARVE_OP_FIND: return decode_find(body, arena, ret, error);
    case VARVE_OP_GET:
        DECODED(varve_decode_get(body, &position, error), json_pack("{s:o}", "position", number(position)));
    case VARVE_OP_PING:
    case VARVE_OP_CANCEL:
    case VARVE_OP_HEALTH:
    case VARVE_OP_CONFIG:
    case VARVE_OP_STATS: DECODED(varve_decode_empty(body, opcode, error), json_object());
    default: return consumer_meaning_decode(opcode, body, arena, ret, error);
    }
}

enum varve_status meaning_decode(uint8_t opcode, struct varve_view body, struct varve_wire_arena *arena, json_t **ret,
                                 struct varve_error *error)
{
    struct varve_hello_ok hello;
    struct varve_append_outcome outcome;
    struct varve_stream_entry entry;
    struct varve_wire_error failure;
    struct varve_health health;
    struct varve_view record;
    uint64_t position;
    int64_t now_us;

    switch (opcode) {
    case VARVE_OP_HELLO_OK: DECODED(varve_decode_hello_ok(body, &hello, error), of_hello_ok(&hello));
    case VARVE_OP_PONG:
        DECODED(varve_decode_pong(body, &now_us, &position, error),
                json_pack("{s:o, s:o}", "server_time_us", json_integer(now_us), "last_position", number(position)));
    case VARVE_OP_APPEND_OK:
    case VARVE_OP_STREAM_CHANGE_OK:
        DECODED(varve_decode_append_ok(body, arena, &outcome, error), json_of_append_ok(&outcome));
    case VARVE_OP_READ_BATCH: return decode_batch(body, arena, ret, error);
    case VARVE_OP_READ_END:
        DECODED(varve_decode_read_end(body, &position, error), json_pack("{s:o}", "last_position", number(position)));
    case VARVE_OP_STREAM_INFO_OK: DECODED(varve_decode_stream_info_ok(body, &entry, error), of_entry(&entry));
    case VARVE_OP_STREAM_LIST_OK: return decode_list(body, arena, ret, error);
    case VARVE_OP_FIND_OK: return decode_find_ok(body, arena, ret, error);
    case VARVE_OP_GET_OK:
        DECODED(varve_decode_get_ok(body, &record, error), json_pack("{s:o}", "record", json_of_record(record)));
    case VARVE_OP_STATS_OK: return decode_stats(body, arena, ret, error);
    case VARVE_OP_CONFIG_OK: return decode_config(body, arena, ret, error);
    case VARVE_OP_HEALTH_OK: DECODED(varve_decode_health_ok(body, arena, &health, error), of_health(&health));
    case VARVE_OP_ERROR: DECODED(varve_decode_error(body, arena, &failure, error), of_error(&failure));
    default: return decode_request(opcode, body, arena, ret, error);
    }
}
