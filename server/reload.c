/* reload.c - tells those who do not look into the configuration themselves that it has changed. */
#include "reload.h"

#include <string.h>

#include "config_reload.h"
#include "config_values.h"
#include "descriptors.h"
#include "http/push.h"

struct counts {
    struct server *server;
    uint64_t changed, needs_restart;
    bool push;       /* something changed that push has made its own rules of */
};

/* ---- what is logged ---------------------------------------------------------------------------------------------- */

static const char *shown(const struct config_value *value)
{
    return value == NULL ? "" : config_value_shown(value);
}

static void log_complaints(const struct log *log, const struct config_complaints *complaints)
{
    for (size_t i = 0; i < complaints->count && i < CONFIG_MAX_COMPLAINTS; i++)
        log_error(log, "config.rejected", log_text("message", complaints->lines[i]),
                  log_number("mistakes", complaints->count));
}

/* ---- who must be told -------------------------------------------------------------------------------------------- */

static void tell_log(struct server *server)
{
    atomic_store_explicit(&server->log.level, server->config->log_level, memory_order_relaxed);
    atomic_store_explicit(&server->log.json, server->config->log_json, memory_order_relaxed);
}

static void tell_budget(struct server *server)
{
    server->budget.limit_bytes = server->config->memory_budget_bytes;
    figure_set(&server->figures.budget_limit_bytes, server->config->memory_budget_bytes);
}

static void on_change(void *user, const struct config_change *change)
{
    struct counts *counts = user;
    struct log *log = &counts->server->log;
    const struct config_value *said = change->after != NULL ? change->after : change->before;

    if (change->taken) {
        counts->changed++;
        counts->push |= strncmp(said->key, "push.", 5) == 0 || strcmp(said->key, "server.memory_budget") == 0;
        if (counts->server->config->log_level < log_level_of(log))
            tell_log(counts->server); /* Else nobody would read that more is logged. */
        log_info(log, "config.changed", log_text("key", said->key), log_text("from", shown(change->before)),
                 log_text("to", shown(change->after)), log_text("origin", said->origin));
    } else {
        counts->needs_restart++;
        log_warn(log, "config.needs_restart", log_text("key", said->key),
                 log_text("from", shown(change->before)), log_text("to", shown(change->after)),
                 log_text("origin", said->origin));
    }
}

static void tell_push(struct server *server)
{
    struct varve_error error;

    if (push_reload(server, &error) != VARVE_OK) /* The lists are right, so it has no memory, and uses the old ones. */
        log_error(&server->log, "push.not_reloaded", log_text("message", error.message));
}

void server_reload(struct server *server)
{
    static struct config_complaints complaints;
    struct config *config = (struct config *)server->config; /* Nobody else changes it, and nobody while we do. */
    struct counts counts = { .server = server };
    struct server_memory memory;

    if (!config_reload(config, &complaints, on_change, &counts)) {
        log_complaints(&server->log, &complaints);
        return;
    }
    descriptors_share(config, &server->log);
    tell_log(server);
    tell_budget(server);
    if (counts.push)
        tell_push(server);
    server_memory_bound(server, &memory);
    log_info(&server->log, "config.reloaded", log_number("changed", counts.changed),
             log_number("needs_restart", counts.needs_restart),
             log_number("memory_bound_mib", memory.total_bytes >> 20));
}
