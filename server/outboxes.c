/* outboxes.c - the outboxes of the server: from its configuration, with its store, and not longer than that. */
#include "metrics.h"
#include "outbox_errands.h"
#include "outbox_requests.h"

#include <assert.h>
#include <stdlib.h>

#include "outbox/outbox_kafka.h"

enum { JOIN_MS = 5000 };

struct outboxes {
    pthread_mutex_t lock;   /* of `awake`, which any thread asks */
    bool awake;
    size_t count;
    struct outbox *all[VARVE_MAX_OUTBOXES];
};

static void log_outbox(const struct server *server, const struct outbox_config *config)
{
    char why[256] = "";

    log_info(&server->log, "outbox.started", log_text("outbox", config->name), log_text("brokers", config->brokers),
             log_text("mode", varve_outbox_mode_name(config->mode)), log_text("librdkafka", outbox_kafka_version()));
    if (outbox_routes_split_streams(config, why, sizeof(why)))
        log_warn(&server->log, "outbox.order_per_topic", log_text("outbox", config->name), log_text("reason", why));
}

static void published(void *user, struct varve_view type, struct varve_view service, uint64_t events)
{
    metrics_published(user, type, service, events);
}

static void failed(void *user, const char *outbox, const char *reason, uint64_t events)
{
    metrics_publish_failed(user, outbox, reason, events);
}

static enum varve_status open_all(struct server *server, struct varve_store *store, struct outboxes *outboxes,
                                  struct varve_error *error)
{
    const struct outbox_configs *configs = &server->config->outboxes;
    enum varve_status status = VARVE_OK;

    for (size_t i = 0; i < configs->count && status == VARVE_OK; i++) {
        const struct outbox_options options = { .config = configs->all[i], .store = store, .log = &server->log,
                                                .counting = { published, failed, server->metrics } };

        status = outbox_open(&options, &outboxes->all[i], error);
        outboxes->count += status == VARVE_OK;
    }
    return status;
}

static void free_all(struct outboxes *outboxes)
{
    for (size_t i = 0; i < outboxes->count; i++)
        outbox_free(outboxes->all[i]);
    pthread_mutex_destroy(&outboxes->lock);
    free(outboxes);
}

enum varve_status outboxes_load(struct server *server, struct varve_store *store, struct varve_error *error)
{
    struct outboxes *outboxes = calloc(1, sizeof(*outboxes));

    if (outboxes == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for outboxes");
    pthread_mutex_init(&outboxes->lock, NULL);
    enum varve_status status = open_all(server, store, outboxes, error);
    if (status == VARVE_OK)
        atomic_store(&server->outboxes, outboxes); /* Whoever sees them sees all of them. */
    else
        free_all(outboxes);
    return status;
}

static void set_awake(struct outboxes *outboxes, bool awake)
{
    pthread_mutex_lock(&outboxes->lock);
    outboxes->awake = awake;
    pthread_mutex_unlock(&outboxes->lock);
}

enum varve_status outboxes_start(struct server *server, struct varve_error *error)
{
    struct outboxes *outboxes = atomic_load(&server->outboxes);

    for (size_t i = 0; i < outboxes->count; i++) {
        enum varve_status status = outbox_start(outboxes->all[i], error);

        if (status != VARVE_OK) {
            outboxes_stop(server);
            return status;
        }
        log_outbox(server, server->config->outboxes.all[i]);
    }
    set_awake(outboxes, true);
    outboxes_wake(server, varve_store_last_position(server->store)); /* What came before they were awake. */
    return VARVE_OK;
}

void outboxes_wake(struct server *server, uint64_t last_position)
{
    struct outboxes *outboxes = atomic_load(&server->outboxes);

    if (outboxes == NULL)
        return;
    pthread_mutex_lock(&outboxes->lock);
    for (size_t i = 0; outboxes->awake && i < outboxes->count; i++)
        outbox_wake(outboxes->all[i], last_position);
    pthread_mutex_unlock(&outboxes->lock);
}

void outboxes_stop(struct server *server)
{
    struct outboxes *outboxes = atomic_load(&server->outboxes);

    for (size_t i = 0; outboxes != NULL && i < outboxes->count; i++)
        outbox_stop(outboxes->all[i]);
}

/* librdkafka cannot be told to give up a commit. What is published and what is not is safe in Kafka and in the log, so
 * a process that ends in the middle of it loses nothing. */
static void tell_hanging(const struct server *server, const char *name)
{
    log_warn(&server->log, "outbox.hangs", log_text("outbox", name),
             log_text("consequence", "the server ends without closing its store, as after a crash"));
}

bool outboxes_end(struct server *server)
{
    struct outboxes *outboxes = atomic_load(&server->outboxes);

    if (outboxes == NULL)
        return true;
    outbox_verifications_end(server);
    outboxes_stop(server);
    for (size_t i = 0; i < outboxes->count; i++) {
        if (!outbox_join(outboxes->all[i], JOIN_MS)) {
            tell_hanging(server, server->config->outboxes.all[i]->name);
            return false;
        }
    }
    outbox_errands_end(server);
    set_awake(outboxes, false);
    return true;
}

void outboxes_free(struct server *server)
{
    struct outboxes *outboxes = atomic_load(&server->outboxes);

    if (outboxes == NULL)
        return;
    atomic_store(&server->outboxes, NULL);
    free_all(outboxes);
}

/* ---- looking ---------------------------------------------------------------------------------------------------- */

size_t outboxes_count(const struct server *server)
{
    const struct outboxes *outboxes = atomic_load(&server->outboxes);

    return outboxes == NULL ? 0 : outboxes->count;
}

struct outbox *outboxes_at(const struct server *server, size_t index)
{
    struct outboxes *outboxes = atomic_load(&server->outboxes);

    assert(outboxes != NULL && index < outboxes->count);
    return outboxes->all[index];
}

struct outbox *outboxes_find(const struct server *server, struct varve_view name)
{
    for (size_t i = 0; i < outboxes_count(server); i++)
        if (varve_view_equal(name, varve_view_str(server->config->outboxes.all[i]->name)))
            return outboxes_at(server, i);
    return NULL;
}

uint64_t outboxes_retention_floor(const struct server *server)
{
    uint64_t floor = UINT64_MAX;

    for (size_t i = 0; i < outboxes_count(server); i++) {
        struct outbox_view view;
        outbox_look(outboxes_at(server, i), &view);
        floor = view.retention_floor < floor ? view.retention_floor : floor;
    }
    return floor;
}

void outboxes_total(const struct server *server, struct outboxes_totals *ret)
{
    *ret = (struct outboxes_totals){ .outboxes = outboxes_count(server) };
    for (size_t i = 0; i < ret->outboxes; i++) {
        struct outbox_view view;
        outbox_look(outboxes_at(server, i), &view);
        ret->lag_events += view.lag_events;
        ret->parked_events += view.parked_events;
        ret->halted += view.phase == VARVE_OUTBOX_HALTED;
    }
}

uint64_t outboxes_memory_bytes(const struct config *config)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < config->outboxes.count; i++)
        sum += outbox_memory_bound(config->outboxes.all[i]);
    return sum;
}
