/* hello.c - HELLO and HELLO_OK, with which a connection begins, PING and PONG, and the bodies that say nothing. */
#include "fields.h"
#include "pack.h"

#define MAX_CLIENT_NAME 128u
#define MAX_KEPT_CAPABILITIES 32u
#define LIMITS 6u

void varve_encode_hello(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_hello *hello)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_HELLO, request_id);
    pack_array(&pack, 4);
    pack_uint(&pack, hello->min_version);
    pack_uint(&pack, hello->max_version);
    pack_str(&pack, hello->client_name);
    pack_array(&pack, 0); /* Version 1 knows no capability that a client would have to announce. */
    pack_end(&pack);
}

/* The first `room` capabilities are kept, the rest are only looked at. */
static uint32_t decode_capabilities(struct fields *fields, struct varve_view *kept, uint32_t room)
{
    uint32_t count = fields_list(fields, "capabilities", 1);

    for (uint32_t i = 0; i < count; i++) {
        struct varve_view capability = varve_pull_str(&fields->pull);

        if (i < room)
            kept[i] = capability;
    }
    fields_list_end(fields);
    return count < room ? count : room;
}

enum varve_status varve_decode_hello(struct varve_view body, struct varve_hello *ret, struct varve_error *error)
{
    struct varve_hello hello = { 0 };
    struct fields fields;

    fields_begin(&fields, "HELLO", body, error);
    uint32_t unknown = fields_open(&fields, 4);

    hello.min_version = (uint32_t)fields_uint(&fields, "min_version", 1, UINT32_MAX);
    hello.max_version = (uint32_t)fields_uint(&fields, "max_version", hello.min_version, UINT32_MAX);
    hello.client_name = varve_pull_str(&fields.pull);
    if (hello.client_name.size > 0)
        fields_check_text(&fields, "client_name", hello.client_name, MAX_CLIENT_NAME);
    decode_capabilities(&fields, NULL, 0);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = hello;
    return status;
}

void varve_encode_hello_ok(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_hello_ok *hello)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_HELLO_OK, request_id);
    pack_array(&pack, 6);
    pack_uint(&pack, hello->version);
    pack_str(&pack, hello->server_version);
    pack_uuid(&pack, &hello->database_id);
    pack_array(&pack, LIMITS);
    pack_uint(&pack, hello->max_frame_bytes);
    pack_uint(&pack, hello->max_event_bytes);
    pack_uint(&pack, hello->max_append_bytes);
    pack_uint(&pack, hello->max_append_events);
    pack_uint(&pack, hello->max_requests);
    pack_uint(&pack, hello->max_credit_bytes);
    pack_array(&pack, hello->capability_count);
    for (uint32_t i = 0; i < hello->capability_count; i++)
        pack_str(&pack, hello->capabilities[i]);
    pack_uint(&pack, hello->last_position);
    pack_end(&pack);
}

static void decode_limits(struct fields *fields, struct varve_hello_ok *hello)
{
    uint32_t unknown = fields_open(fields, LIMITS);

    hello->max_frame_bytes = (uint32_t)fields_uint(fields, "max_frame_bytes", 1, UINT32_MAX);
    hello->max_event_bytes = (uint32_t)fields_uint(fields, "max_event_bytes", 1, UINT32_MAX);
    hello->max_append_bytes = (uint32_t)fields_uint(fields, "max_append_bytes", 1, UINT32_MAX);
    hello->max_append_events = (uint32_t)fields_uint(fields, "max_append_events", 1, UINT32_MAX);
    hello->max_requests = (uint32_t)fields_uint(fields, "max_requests", 1, UINT32_MAX);
    hello->max_credit_bytes = (uint32_t)fields_uint(fields, "max_credit_bytes", 1, UINT32_MAX);
    fields_close(fields, unknown);
}

enum varve_status varve_decode_hello_ok(struct varve_view body, struct varve_hello_ok *ret, struct varve_error *error)
{
    struct varve_hello_ok hello = { 0 };
    struct fields fields;

    fields_begin(&fields, "HELLO_OK", body, error);
    uint32_t unknown = fields_open(&fields, 6);

    hello.version = (uint32_t)fields_uint(&fields, "version", 1, UINT32_MAX);
    hello.server_version = varve_pull_str(&fields.pull);
    hello.database_id = fields_uuid(&fields, "database_id");
    decode_limits(&fields, &hello);
    hello.capability_count = decode_capabilities(&fields, hello.capabilities, MAX_KEPT_CAPABILITIES);
    hello.last_position = fields_uint(&fields, "last_position", 0, UINT64_MAX);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = hello;
    return status;
}

enum varve_status varve_decode_empty(struct varve_view body, uint8_t opcode, struct varve_error *error)
{
    struct fields fields;

    fields_begin(&fields, varve_opcode_name(opcode), body, error);
    fields_close(&fields, fields_open(&fields, 0));
    return fields_end(&fields);
}

void varve_encode_ping(struct varve_wire_buffer *out, uint32_t request_id)
{
    pack_empty(out, VARVE_OP_PING, request_id);
}

void varve_encode_pong(struct varve_wire_buffer *out, uint32_t request_id, int64_t now_us, uint64_t last_position)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_PONG, request_id);
    pack_array(&pack, 2);
    pack_int(&pack, now_us);
    pack_uint(&pack, last_position);
    pack_end(&pack);
}

enum varve_status varve_decode_pong(struct varve_view body, int64_t *ret_now_us, uint64_t *ret_last_position,
                                    struct varve_error *error)
{
    struct fields fields;

    fields_begin(&fields, "PONG", body, error);
    uint32_t unknown = fields_open(&fields, 2);
    int64_t now_us = fields_int(&fields, "server_time_us", INT64_MIN, INT64_MAX);
    uint64_t last_position = fields_uint(&fields, "last_position", 0, UINT64_MAX);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret_now_us = now_us;
    *ret_last_position = last_position;
    return VARVE_OK;
}
