/* health.c - HEALTH: checks by name, so that they come and go without a new version of the protocol. */
#include "fields.h"
#include "pack.h"
#include "varve/wire_health.h"

#define LEAST_CHECK_BYTES 4u /* an array, a name without a byte, a bool, no reason */

void varve_encode_health(struct varve_wire_buffer *out, uint32_t request_id)
{
    pack_empty(out, VARVE_OP_HEALTH, request_id);
}

void varve_encode_health_ok(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_health *health)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_HEALTH_OK, request_id);
    pack_array(&pack, 5);
    pack_bool(&pack, health->live);
    pack_bool(&pack, health->ready);
    pack_array(&pack, health->check_count);
    for (size_t i = 0; i < health->check_count; i++) {
        pack_array(&pack, 3);
        pack_str(&pack, health->checks[i].name);
        pack_bool(&pack, health->checks[i].good);
        pack_str(&pack, health->checks[i].reason);
    }
    pack_uint(&pack, health->uptime_s);
    pack_str(&pack, health->version);
    pack_end(&pack);
}

static void decode_check(struct fields *fields, struct varve_health_check *check)
{
    uint32_t unknown = fields_open(fields, 3);

    check->name = varve_pull_str(&fields->pull);
    check->good = varve_pull_bool(&fields->pull);
    check->reason = varve_pull_str(&fields->pull);
    fields_close(fields, unknown);
}

static void decode_checks(struct fields *fields, struct varve_wire_arena *arena, struct varve_health *health)
{
    uint32_t count = fields_list(fields, "checks", LEAST_CHECK_BYTES);
    struct varve_health_check *checks = fields_take(fields, arena, count, sizeof(*checks));

    for (uint32_t i = 0; i < count && !fields->pull.failed; i++) {
        fields->index = i;
        decode_check(fields, &checks[i]);
    }
    fields_list_end(fields);
    health->checks = checks;
    health->check_count = count;
}

enum varve_status varve_decode_health_ok(struct varve_view body, struct varve_wire_arena *arena,
                                         struct varve_health *ret, struct varve_error *error)
{
    struct fields fields;
    struct varve_health health;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "HEALTH_OK", body, error);
    uint32_t unknown = fields_open(&fields, 5);

    health.live = varve_pull_bool(&fields.pull);
    health.ready = varve_pull_bool(&fields.pull);
    decode_checks(&fields, arena, &health);
    health.uptime_s = fields_uint(&fields, "uptime_s", 0, UINT64_MAX);
    health.version = varve_pull_str(&fields.pull);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = health;
    return status;
}
