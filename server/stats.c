/* stats.c - STATS: the figures of the engine and those of the server. */
#include "lookups.h"

#include "varve/version.h"

enum { ROOM = 96 };

static void add_number(struct varve_stat *stats, size_t *count, const char *name, uint64_t number)
{
    if (*count < ROOM)
        stats[(*count)++] = (struct varve_stat){ .name = varve_view_str(name), .number = number };
}

static void add_server_figures(const struct server *server, struct varve_stat *stats, size_t *count)
{
    const struct figures *figures = &server->figures;

    if (*count < ROOM)
        stats[(*count)++] = (struct varve_stat){ .name = varve_view_str("version"), .is_text = true,
                                                 .text = varve_view_str(VARVE_VERSION) };
    add_number(stats, count, "uptime_s", (uv_hrtime() / 1000 - server->started_us) / 1000000);
#define X(name) add_number(stats, count, #name, figure_get(&figures->name));
    FIGURES(X)
#undef X
}

enum varve_status answer_stats(const struct lookup_context *context, struct varve_view body, struct varve_error *error)
{
    enum varve_status status = varve_decode_empty(body, VARVE_OP_STATS, error);
    struct varve_stats engine;
    struct varve_stat stats[ROOM];
    char text[2 * 64];

    if (status != VARVE_OK)
        return status;
    varve_store_stats(context->server->store, &engine);
    size_t count = varve_stats_list(&engine, text, stats, ROOM);
    add_server_figures(context->server, stats, &count);
    varve_encode_stats_ok(context->out, context->request_id, stats, count);
    return VARVE_OK;
}
