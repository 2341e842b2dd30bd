/* wire_health.h - HEALTH: is the server alive, and may it be given work? What wire.h says of messages holds here. */
#ifndef VARVE_WIRE_HEALTH_H
#define VARVE_WIRE_HEALTH_H

#include "varve/wire.h"

/* HEALTH [] -> HEALTH_OK [live, ready, [[name, good, reason]...], uptime_s, version]
 * Which checks there are may change without a new version of the protocol; the reason is empty when all is well. */
struct varve_health_check {
    struct varve_view name;   /* "store", "disk", ... */
    bool good;
    struct varve_view reason; /* one sentence */
};
struct varve_health {
    bool live;                /* the process is worth keeping */
    bool ready;               /* every check is good */
    const struct varve_health_check *checks;
    size_t check_count;
    uint64_t uptime_s;
    struct varve_view version;
};
void varve_encode_health(struct varve_wire_buffer *out, uint32_t request_id);
void varve_encode_health_ok(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_health *health);
enum varve_status varve_decode_health_ok(struct varve_view body, struct varve_wire_arena *arena,
                                         struct varve_health *ret, struct varve_error *error);

#endif
