/* health.c - is the server alive, and may it be given work? */
#include "health.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "outboxes.h"

__attribute__((format(printf, 2, 3))) static void find_bad(struct health_finding *finding, const char *format, ...)
{
    va_list arguments;

    if (!finding->good)
        return; /* The first reason stays. */
    finding->good = false;
    va_start(arguments, format);
    vsnprintf(finding->reason, sizeof(finding->reason), format, arguments);
    va_end(arguments);
}

static void look_at_store(const struct server *server, struct varve_store *store, struct health *ret)
{
    struct varve_error fault;

    if (store == NULL)
        find_bad(&ret->findings[HEALTH_STORE], "recovering: %s", server->doing);
    else if (varve_store_fault(store, &fault) != VARVE_OK) {
        ret->live = false;
        find_bad(&ret->findings[HEALTH_STORE], "fault: %s: %.120s", varve_status_name(fault.status), fault.message);
    }
}

static void look_at_disk(struct varve_store *store, struct health_finding *finding)
{
    struct varve_stats stats;

    if (store == NULL)
        return;
    varve_store_stats(store, &stats);
    if (stats.disk_full)
        find_bad(finding, "disk full: %" PRIu64 " MiB are free; appends get DISK_FULL until there is more",
                 stats.disk_free_bytes >> 20);
}

/* Only what no waiting will mend. That Kafka is away is no reason to send nobody here: appends do not wait for it. */
static void look_at_outboxes(const struct server *server, struct health_finding *finding)
{
    int64_t limit_us = (int64_t)server->config->outbox_halted_after_ms * 1000;

    for (size_t i = 0; i < outboxes_count(server); i++) {
        struct outbox_view view;

        outbox_look(outboxes_at(server, i), &view);
        if (view.phase == VARVE_OUTBOX_HALTED && view.for_us > limit_us)
            find_bad(finding, "outbox %.40s is halted for %" PRId64 " s: %.60s", view.config->name,
                     view.for_us / 1000000, varve_outbox_halt_name(view.halt));
    }
}

void health_look(struct server *server, struct health *ret)
{
    static const char *const names[HEALTH_CHECKS] = {
        [HEALTH_STORE] = "store", [HEALTH_DISK] = "disk", [HEALTH_OUTBOXES] = "outboxes",
        [HEALTH_STOPPING] = "stopping",
    };
    struct varve_store *store = server->store;

    *ret = (struct health){ .live = true, .ready = true };
    for (size_t i = 0; i < HEALTH_CHECKS; i++)
        ret->findings[i] = (struct health_finding){ .name = names[i], .good = true };
    look_at_store(server, store, ret);
    look_at_disk(store, &ret->findings[HEALTH_DISK]);
    if (store != NULL)
        look_at_outboxes(server, &ret->findings[HEALTH_OUTBOXES]);
    if (server->stopping)
        find_bad(&ret->findings[HEALTH_STOPPING], "stopping: it was asked to end");
    for (size_t i = 0; i < HEALTH_CHECKS; i++)
        ret->ready &= ret->findings[i].good;
}
