/* process_manager.c - ask for a shipment for each order that was placed: once, whatever is killed and when. Until
 * Ctrl-C.
 *
 *   cc process_manager.c $(pkg-config --cflags --libs varve-client) -o process_manager
 *   ./process_manager varve://127.0.0.1:8278
 *
 * Why no order is handled twice, and none is left out. How far it has come is not kept here but in the log, as the
 * checkpoint "shipping", and it is moved in the same transaction that stores what was made of the event: the server
 * stores both or neither. So the checkpoint says, at every moment, exactly which orders have their shipment. After
 * kill -9 we read it and go on behind it. Was the answer to a transaction lost, we do not guess what became of it: we
 * read the checkpoint.
 *
 * The checkpoint is moved from the version at which we saw it. Of two that run at the same time, by mistake or because
 * one was thought dead, only one can move it over an order; the other's transaction is refused as a whole, shipment
 * and all, and it reads the checkpoint again. So a second one that waits for the first to die is welcome. */
#include <varve/state.h>
#include <varve/uuid.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#define REST_EVERY 10000u /* positions that hold nothing for us, until the checkpoint is moved over them */

struct manager {
    const char *url;
    struct varve_client *client;
    struct varve_view name;
    uint64_t position; /* everything up to here has been handled, */
    int64_t version;   /* says this version of the checkpoint */
    bool overtaken;    /* no more: somebody else has moved it */
};

static struct varve_subscription *_Atomic subscription;
static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
    if (subscription != NULL)
        varve_subscription_stop(subscription); /* Safe here; the call that waits returns CANCELLED. */
}

/* Stores what the request holds and that everything up to `position` has been handled: both or neither. */
static enum varve_status store(struct manager *m, struct varve_transact_request *request, uint64_t position,
                               struct varve_error *error)
{
    struct varve_checkpoint checkpoint = { .name = m->name, .position = position, .expected = m->version };
    struct varve_transact_outcome outcome;

    if (varve_transact_fill_ids(NULL, 0, NULL, 0, &checkpoint, 1) != VARVE_OK)
        return varve_fail(error, VARVE_INTERNAL, NULL, "no random bytes");
    request->checkpoints = &checkpoint;
    request->checkpoint_count = 1;
    enum varve_status status = varve_client_transact(m->client, request, &outcome, error);
    for (size_t i = 0; i < outcome.conflict_count; i++)
        m->overtaken |= outcome.conflicts[i].part == VARVE_PART_SYSTEM; /* Our part of it is the checkpoint. */
    if (status != VARVE_OK)
        return status;
    m->position = position;
    m->version = outcome.checkpoints[0].version;
    return VARVE_OK;
}

/* A shipment is asked for, in a stream of its own, and a saga begins that will see it through. */
static enum varve_status handle(struct manager *m, const struct varve_event *placed, struct varve_error *error)
{
    char id[VARVE_UUID_TEXT], stream[64];

    varve_uuid_format(&placed->id, id);
    snprintf(stream, sizeof(stream), "shipment-%s", id);
    struct varve_append_stream target = { varve_view_str(stream), VARVE_EXPECTED_NO_STREAM };
    struct varve_event requested = {
        .type = varve_view_str("shipment.requested"), .time_us = VARVE_TIME_NONE, .schema_version = 1,
        .correlation_id = placed->correlation_id, .causation_id = placed->id,
        .content_type = placed->content_type, .data = placed->data,
    };
    struct varve_saga_change begin;
    varve_saga_change_init(&begin);
    begin.action = VARVE_SAGA_BEGIN;
    begin.type = varve_view_str("shipping");
    begin.id = varve_view_str(id);
    begin.step = varve_view_str("pack");
    begin.causation_id = placed->id;

    /* With an id each, the client may send it again by itself when an answer is lost: it is stored once. */
    if (varve_transact_fill_ids(&requested, 1, &begin, 1, NULL, 0) != VARVE_OK)
        return varve_fail(error, VARVE_INTERNAL, NULL, "no random bytes");
    struct varve_transact_request request = { .appends = { &target, 1, &requested, NULL, 1 },
                                              .sagas = &begin, .saga_count = 1 };
    enum varve_status status = store(m, &request, placed->position, error);
    if (status == VARVE_OK)
        printf("%.*s@%" PRIu64 " ships as %s\n", (int)placed->stream.size, placed->stream.data, placed->version,
               stream);
    fflush(stdout);
    return status;
}

static enum varve_status take(struct manager *m, const struct varve_notice *notice, struct varve_error *error)
{
    struct varve_transact_request nothing = { .sagas = NULL };

    if (notice->kind == VARVE_NOTICE_EVENT)
        return handle(m, notice->event, error);
    if (notice->position > m->position + REST_EVERY) /* So that they are not looked through again. */
        return store(m, &nothing, notice->position, error);
    return VARVE_OK;
}

/* From what is stored until something goes wrong. */
static enum varve_status follow(struct manager *m, struct varve_error *error)
{
    struct varve_view type = varve_view_str("order.placed");
    struct varve_filter filter = { .types = &type, .type_count = 1 };
    struct varve_subscription *s = NULL;
    struct varve_notice notice;

    m->overtaken = false;
    enum varve_status status = varve_client_checkpoint(m->client, m->name, &m->position, &m->version, error);
    if (status == VARVE_OK)
        status = varve_subscription_open(m->url, NULL, &filter, m->position, &s, error);
    subscription = s;
    while (status == VARVE_OK && !stopped) {
        status = varve_subscription_next(s, UINT32_MAX, &notice, error);
        if (status == VARVE_OK)
            status = take(m, &notice, error);
    }
    subscription = NULL;
    varve_subscription_close(s);
    return status;
}

int main(int argc, char **argv)
{
    struct manager m = { .url = argc > 1 ? argv[1] : "varve://127.0.0.1:8278", .name = varve_view_str("shipping") };
    struct timespec rest = { .tv_nsec = 50 * 1000000 };
    struct varve_error error;

    signal(SIGINT, on_signal);
    enum varve_status status = varve_client_create(m.url, NULL, &m.client, &error);
    if (status == VARVE_OK)
        status = varve_client_connect(m.client, &error); /* A wrong address shall show at once. */
    while (status == VARVE_OK && !stopped) {
        status = follow(&m, &error);
        if (m.overtaken || varve_status_retryable(status)) {
            status = VARVE_OK; /* Somebody else was quicker, or what came of it is unknown: the checkpoint knows. */
            nanosleep(&rest, NULL);
        }
    }
    varve_client_free(m.client);
    if (status == VARVE_OK || status == VARVE_CANCELLED)
        return 0;
    fprintf(stderr, "%s: %s\n", varve_status_name(status), error.message);
    return 1;
}
