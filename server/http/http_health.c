/* http_health.c - GET /health/live and /health/ready: 200 or 503, and why. */
#include "http_handlers.h"

#include "health.h"
#include "varve/json_text.h"

static void reply(struct http_request *request, const struct health *health, bool good)
{
    struct varve_wire_buffer out = { 0 };

    varve_json_write_raw(&out, "{");
    varve_json_member_text(&out, "status", varve_view_str(good ? "good" : "bad"));
    varve_json_member_bool(&out, "live", health->live);
    varve_json_member_bool(&out, "ready", health->ready);
    varve_json_key(&out, "checks");
    varve_json_write_raw(&out, "[");
    for (size_t i = 0; i < HEALTH_CHECKS; i++) {
        const struct health_finding *finding = &health->findings[i];

        varve_json_item(&out);
        varve_json_write_raw(&out, "{");
        varve_json_member_text(&out, "name", varve_view_str(finding->name));
        varve_json_member_bool(&out, "good", finding->good);
        varve_json_member_text(&out, "reason", varve_view_str(finding->reason));
        varve_json_write_raw(&out, "}");
    }
    varve_json_write_raw(&out, "]}\n");
    if (!good)
        http_set_header(request, "Retry-After", "1");
    http_reply(request, good ? 200 : 503, "application/json", &out);
}

void handle_http_live(struct http_request *request)
{
    struct health health;

    health_look(http_server(request), &health);
    reply(request, &health, health.live);
}

void handle_http_ready(struct http_request *request)
{
    struct health health;

    health_look(http_server(request), &health);
    reply(request, &health, health.ready);
}
