/* health_lookup.c - HEALTH: what health.c finds, as an answer over the binary port. */
#include "lookups.h"

#include "health.h"
#include "varve/version.h"
#include "varve/wire_health.h"

enum varve_status answer_health(const struct lookup_context *context, struct varve_view body,
                                struct varve_error *error)
{
    struct varve_health_check checks[HEALTH_CHECKS];
    struct health found;
    enum varve_status status = varve_decode_empty(body, VARVE_OP_HEALTH, error);

    if (status != VARVE_OK)
        return status;
    health_look(context->server, &found);
    for (size_t i = 0; i < HEALTH_CHECKS; i++)
        checks[i] = (struct varve_health_check){ varve_view_str(found.findings[i].name), found.findings[i].good,
                                                 varve_view_str(found.findings[i].reason) };
    const struct varve_health health = {
        .live = found.live, .ready = found.ready, .checks = checks, .check_count = HEALTH_CHECKS,
        .uptime_s = (uv_hrtime() / 1000 - context->server->started_us) / 1000000,
        .version = varve_view_str(VARVE_VERSION),
    };
    varve_encode_health_ok(context->out, context->request_id, &health);
    return VARVE_OK;
}
