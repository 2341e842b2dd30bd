/* wire_unmeaning.c - from JSON to frames. */
#include "wire_values.h"

#include "varve/record.h"

#include <assert.h>
#include <string.h>

static void encode_hello(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const struct varve_hello hello = {
        .min_version = (uint32_t)value_int(m, "min_version"),
        .max_version = (uint32_t)value_int(m, "max_version"),
        .client_name = value_text(m, "client_name"),
    };

    varve_encode_hello(out, id, &hello);
}

static void encode_hello_ok(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const json_t *limits = json_object_get(m, "limits"), *capabilities = json_object_get(m, "capabilities");
    struct varve_hello_ok hello = {
        .version = (uint32_t)value_int(m, "version"),
        .server_version = value_text(m, "server_version"),
        .database_id = value_uuid(json_object_get(m, "database_id")),
        .max_frame_bytes = (uint32_t)value_int(limits, "max_frame_bytes"),
        .max_event_bytes = (uint32_t)value_int(limits, "max_event_bytes"),
        .max_append_bytes = (uint32_t)value_int(limits, "max_append_bytes"),
        .max_append_events = (uint32_t)value_int(limits, "max_append_events"),
        .max_requests = (uint32_t)value_int(limits, "max_requests"),
        .max_credit_bytes = (uint32_t)value_int(limits, "max_credit_bytes"),
        .capability_count = (uint32_t)json_array_size(capabilities),
        .last_position = (uint64_t)value_int(m, "last_position"),
    };

    for (uint32_t i = 0; i < hello.capability_count; i++)
        hello.capabilities[i] = varve_view_str(json_string_value(json_array_get(capabilities, i)));
    varve_encode_hello_ok(out, id, &hello);
}

static struct varve_event to_event(const json_t *m)
{
    return (struct varve_event){
        .id = value_uuid(json_object_get(m, "id")),
        .type = value_text(m, "type"),
        .schema_version = (uint32_t)value_int(m, "schema_version"),
        .time_us = value_time(m, "time"),
        .correlation_id = value_uuid(json_object_get(m, "correlation_id")),
        .causation_id = value_uuid(json_object_get(m, "causation_id")),
        .source = value_text(m, "source"),
        .user_id = value_text(m, "user_id"),
        .class_ = (enum varve_class)value_int(m, "class"),
        .content_type = (enum varve_content_type)value_int(m, "content_type"),
        .data = value_bytes(m, "data"),
        .metadata = value_bytes(m, "metadata"),
    };
}

struct varve_event meaning_to_record(const json_t *m)
{
    struct varve_event event = to_event(m);

    event.position = (uint64_t)value_int(m, "position");
    event.version = (uint64_t)value_int(m, "version");
    event.recorded_at_us = value_int(m, "recorded_at");
    event.stream = value_text(m, "stream");
    return event;
}

struct varve_view value_record(const json_t *m)
{
    struct varve_event event = meaning_to_record(m);
    uint8_t *bytes = value_room(varve_record_size(&event), 1);

    return varve_view_of((const char *)bytes, varve_record_encode(&event, bytes));
}

struct varve_append_request value_append(const json_t *m)
{
    const json_t *streams = json_object_get(m, "streams"), *events = json_object_get(m, "events");
    size_t stream_count = json_array_size(streams), event_count = json_array_size(events);
    struct varve_append_stream *to = value_room(stream_count, sizeof(*to));
    struct varve_event *list = value_room(event_count, sizeof(*list));
    uint32_t *stream_of = value_room(event_count, sizeof(*stream_of));

    for (size_t i = 0; i < stream_count; i++) {
        to[i].stream = value_text(json_array_get(streams, i), "stream");
        to[i].expected = value_int(json_array_get(streams, i), "expected");
    }
    for (size_t i = 0; i < event_count; i++) {
        list[i] = to_event(json_array_get(events, i));
        stream_of[i] = (uint32_t)value_int(json_array_get(events, i), "stream_index");
    }

    return (struct varve_append_request){ to, stream_count, list, stream_count == 1 ? NULL : stream_of, event_count };
}

static void encode_append(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const struct varve_append_request append = value_append(m);

    varve_encode_append(out, id, &append);
}

struct varve_append_outcome value_append_ok(const json_t *m)
{
    const json_t *list = json_object_get(m, "results");
    size_t count = json_array_size(list);
    struct varve_append_result *results = value_room(count, sizeof(*results));

    for (size_t i = 0; i < count; i++) {
        const json_t *result = json_array_get(list, i);

        results[i] = (struct varve_append_result){
            .first_version = value_int(result, "first_version"),
            .last_version = value_int(result, "last_version"),
            .first_position = (uint64_t)value_int(result, "first_position"),
            .last_position = (uint64_t)value_int(result, "last_position"),
        };
    }

    return (struct varve_append_outcome){ .replayed = value_bool(m, "replayed"), .results = results,
                                          .stream_count = count };
}

static void encode_append_ok(struct varve_wire_buffer *out, uint32_t id, uint8_t opcode, const json_t *m)
{
    const struct varve_append_outcome outcome = value_append_ok(m);

    varve_encode_append_ok(out, id, opcode, &outcome);
}

static void encode_read(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const struct varve_read_request request = {
        .read = {
            .kind = (enum varve_read_kind)value_int(m, "kind"),
            .name = value_text(m, "name"),
            .correlation_id = value_uuid(json_object_get(m, "correlation_id")),
            .backwards = value_bool(m, "backwards"),
            .include_system = value_bool(m, "include_system"),
            .from = value_count(m, "from", VARVE_FROM_EDGE),
            .limit = (uint64_t)value_int(m, "limit"),
            .since_us = value_time(m, "since"),
            .until_us = value_time(m, "until"),
        },
        .credit_bytes = (uint32_t)value_int(m, "credit_bytes"),
        .batch_bytes = (uint32_t)value_int(m, "batch_bytes"),
    };

    varve_encode_read(out, id, &request);
}

static void encode_batch(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const json_t *list = json_object_get(m, "records");
    size_t count = json_array_size(list);
    const uint8_t **records = value_room(count, sizeof(*records));
    uint32_t *sizes = value_room(count, sizeof(*sizes));

    for (size_t i = 0; i < count; i++) {
        struct varve_view record = value_record(json_array_get(list, i));

        records[i] = (const uint8_t *)record.data;
        sizes[i] = (uint32_t)record.size;
    }

    const struct varve_batch batch = { .records = records, .sizes = sizes, .count = (uint32_t)count,
                                       .end = json_is_null(json_object_get(m, "next")),
                                       .next = value_count(m, "next", VARVE_FROM_EDGE) };

    varve_encode_read_batch(out, id, &batch);
}

static struct varve_stream_entry to_entry(const json_t *m)
{
    return (struct varve_stream_entry){
        .name = value_text(m, "stream"),
        .info = {
            .version = value_int(m, "version"),
            .first_version = (uint64_t)value_int(m, "first_version"),
            .last_position = (uint64_t)value_int(m, "last_position"),
            .created_at_us = value_int(m, "created_at"),
            .updated_at_us = value_int(m, "updated_at"),
            .truncate_before = (uint64_t)value_int(m, "truncate_before"),
            .max_count = (uint64_t)value_int(m, "max_count"),
            .max_age_us = value_int(m, "max_age_us"),
            .deleted = value_bool(m, "deleted"),
            .tombstoned = value_bool(m, "tombstoned"),
        },
    };
}

static void encode_list_ok(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const json_t *entries = json_object_get(m, "entries");
    struct varve_stream_list list = { .count = json_array_size(entries), .end = value_bool(m, "end") };

    list.entries = value_room(list.count, sizeof(*list.entries));
    for (size_t i = 0; i < list.count; i++)
        list.entries[i] = to_entry(json_array_get(entries, i));
    varve_encode_stream_list_ok(out, id, &list);
}

static void encode_list(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const struct varve_stream_list_request list = { value_text(m, "prefix"), value_text(m, "after"),
                                                    (uint32_t)value_int(m, "limit"), value_bool(m, "include_system") };

    varve_encode_stream_list(out, id, &list);
}

static void encode_change(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const struct varve_stream_change change = {
        .kind = (enum varve_stream_change_kind)value_int(m, "kind"),
        .stream = value_text(m, "stream"),
        .expected = value_int(m, "expected"),
        .truncate_before = (uint64_t)value_int(m, "truncate_before"),
        .max_count = (uint64_t)value_int(m, "max_count"),
        .max_age_us = value_int(m, "max_age_us"),
    };

    varve_encode_stream_change(out, id, &change);
}

static void encode_find(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const json_t *list = json_object_get(m, "ids");
    size_t count = json_array_size(list);
    struct varve_uuid *ids = value_room(count, sizeof(*ids));

    for (size_t i = 0; i < count; i++)
        ids[i] = value_uuid(json_array_get(list, i));
    varve_encode_find(out, id, ids, count);
}

static void encode_find_ok(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const json_t *list = json_object_get(m, "positions");
    size_t count = json_array_size(list);
    uint64_t *positions = value_room(count, sizeof(*positions));

    for (size_t i = 0; i < count; i++)
        positions[i] = (uint64_t)json_integer_value(json_array_get(list, i));
    varve_encode_find_ok(out, id, positions, count);
}

static void encode_stats_ok(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    size_t count;
    const struct varve_stat *stats = value_stats(json_object_get(m, "stats"), &count);

    varve_encode_stats_ok(out, id, stats, count);
}

static void encode_health_ok(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const json_t *list = json_object_get(m, "checks");
    size_t count = json_array_size(list);
    struct varve_health_check *checks = value_room(count, sizeof(*checks));
    const struct varve_health health = { .live = value_bool(m, "live"), .ready = value_bool(m, "ready"),
                                         .checks = checks, .check_count = count,
                                         .uptime_s = (uint64_t)value_int(m, "uptime_s"),
                                         .version = value_text(m, "version") };

    for (size_t i = 0; i < count; i++) {
        const json_t *check = json_array_get(list, i);

        checks[i] = (struct varve_health_check){ value_text(check, "name"), value_bool(check, "good"),
                                                 value_text(check, "reason") };
    }
    varve_encode_health_ok(out, id, &health);
}

static void encode_config_ok(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const json_t *list = json_object_get(m, "entries");
    size_t count = json_array_size(list);
    struct varve_config_entry *entries = value_room(count, sizeof(*entries));

    for (size_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(list, i);

        entries[i] = (struct varve_config_entry){ value_text(entry, "key"), value_text(entry, "value"),
                                                  value_text(entry, "origin"), value_bool(entry, "reloadable") };
    }
    varve_encode_config_ok(out, id, entries, count);
}

static void encode_error(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const json_t *list = json_object_get(m, "conflicts");
    size_t count = json_array_size(list);
    struct varve_conflict *conflicts = value_room(count, sizeof(*conflicts));
    struct varve_wire_error error = { .conflicts = conflicts, .conflict_count = count };
    struct varve_view field = value_text(m, "field");

    for (size_t i = 0; i < count; i++) {
        const json_t *conflict = json_array_get(list, i);

        conflicts[i] = (struct varve_conflict){ .part = (enum varve_part)value_int(conflict, "part"),
                                                .stream_index = (uint32_t)value_int(conflict, "index"),
                                                .status = (enum varve_status)value_int(conflict, "status"),
                                                .expected = value_int(conflict, "expected"),
                                                .actual = value_int(conflict, "actual") };
    }
    varve_fail(&error.error, (enum varve_status)value_int(m, "number"), field.data, "%s",
               value_text(m, "message").data);
    error.error.limit = value_count(m, "limit", 0);
    error.error.retry_after_ms = (uint32_t)value_count(m, "retry_after_ms", 0);
    varve_encode_error(out, id, &error);
}

static bool encode_request(struct varve_wire_buffer *out, uint32_t id, uint8_t opcode, const json_t *m)
{
    switch (opcode) {
    case VARVE_OP_HELLO: encode_hello(out, id, m); return true;
    case VARVE_OP_PING: varve_encode_ping(out, id); return true;
    case VARVE_OP_APPEND: encode_append(out, id, m); return true;
    case VARVE_OP_READ: encode_read(out, id, m); return true;
    case VARVE_OP_CREDIT: varve_encode_credit(out, id, (uint32_t)value_int(m, "bytes")); return true;
    case VARVE_OP_CANCEL: varve_encode_cancel(out, id); return true;
    case VARVE_OP_STREAM_INFO: varve_encode_stream_info(out, id, value_text(m, "stream")); return true;
    case VARVE_OP_STREAM_LIST: encode_list(out, id, m); return true;
    case VARVE_OP_STREAM_CHANGE: encode_change(out, id, m); return true;
    case VARVE_OP_FIND: encode_find(out, id, m); return true;
    case VARVE_OP_GET: varve_encode_get(out, id, (uint64_t)value_int(m, "position")); return true;
    case VARVE_OP_STATS: varve_encode_stats(out, id); return true;
    case VARVE_OP_HEALTH: varve_encode_health(out, id); return true;
    case VARVE_OP_CONFIG: varve_encode_config(out, id); return true;
    default: return consumer_meaning_encode(out, id, opcode, m);
    }
}

static void encode_info_ok(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    struct varve_stream_entry entry = to_entry(m);

    varve_encode_stream_info_ok(out, id, &entry);
}

bool meaning_encode(struct varve_wire_buffer *out, uint32_t id, uint8_t opcode, const json_t *m)
{
    switch (opcode) {
    case VARVE_OP_HELLO_OK: encode_hello_ok(out, id, m); return true;
    case VARVE_OP_PONG:
        varve_encode_pong(out, id, value_int(m, "server_time_us"), (uint64_t)value_int(m, "last_position"));
        return true;
    case VARVE_OP_APPEND_OK:
    case VARVE_OP_STREAM_CHANGE_OK: encode_append_ok(out, id, opcode, m); return true;
    case VARVE_OP_READ_BATCH: encode_batch(out, id, m); return true;
    case VARVE_OP_READ_END: varve_encode_read_end(out, id, (uint64_t)value_int(m, "last_position")); return true;
    case VARVE_OP_STREAM_INFO_OK: encode_info_ok(out, id, m); return true;
    case VARVE_OP_STREAM_LIST_OK: encode_list_ok(out, id, m); return true;
    case VARVE_OP_FIND_OK: encode_find_ok(out, id, m); return true;
    case VARVE_OP_GET_OK: varve_encode_get_ok(out, id, value_record(json_object_get(m, "record"))); return true;
    case VARVE_OP_STATS_OK: encode_stats_ok(out, id, m); return true;
    case VARVE_OP_HEALTH_OK: encode_health_ok(out, id, m); return true;
    case VARVE_OP_CONFIG_OK: encode_config_ok(out, id, m); return true;
    case VARVE_OP_ERROR: encode_error(out, id, m); return true;
    default: return encode_request(out, id, opcode, m);
    }
}
