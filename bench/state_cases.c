/* state_cases.c - transactions and sagas through the server: what they cost beside plain appends, and how many sagas a
 * crowd of workers takes on and ends. */
#include "bench_client.h"
#include "engine_load.h"
#include "raw_server.h"
#include "server_load.h"
#include "varve/state.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS = 8, IN_FLIGHT = 8, SLOTS = 1250, DATA_BYTES = 256, STREAMS = CONNECTIONS * SLOTS, CLAIMERS = 16 };

/* What a transaction is made of. */
enum part { EVENT = 1, SAGA = 2, CHECKPOINT = 4 };

struct ticket {
    struct transactor *owner;
    uint64_t began_ns;
    struct ticket *next_free;
};

/* A connection with streams and sagas of its own, changed one after the other. */
struct transactor {
    const char *url;
    unsigned parts, index, round;
    uint64_t ends_ns, count;
    uint32_t slot;
    int64_t stream_versions[SLOTS], saga_versions[SLOTS], checkpoint_version;
    char data[DATA_BYTES];
    struct ticket tickets[IN_FLIGHT], *free_tickets;
    struct histogram histogram;
    struct varve_client *client;
    pthread_t thread;
};

static void on_outcome(void *user, const struct varve_transact_outcome *outcome)
{
    struct ticket *ticket = user;
    struct transactor *owner = ticket->owner;

    if (outcome->status != VARVE_OK)
        die("a transaction failed: %s: %s", varve_status_name(outcome->status), outcome->error.message);
    histogram_add(&owner->histogram, now_ns() - ticket->began_ns);
    owner->count++;
    ticket->next_free = owner->free_tickets;
    owner->free_tickets = ticket;
}

/* The next saga of its own begins, and from then on steps. */
static struct varve_saga_change next_change(struct transactor *t, uint32_t slot, char id[32])
{
    struct varve_saga_change change;

    varve_saga_change_init(&change);
    change.type = varve_view_str("order");
    change.id = varve_view_of(id, (size_t)snprintf(id, 32, "%u-%u", t->index, slot));
    change.action = t->saga_versions[slot] < 0 ? VARVE_SAGA_BEGIN : VARVE_SAGA_STEP;
    change.expected = t->saga_versions[slot];
    change.step = varve_view_str("charge_payment");
    change.has_state = true;
    change.state = varve_view_of(t->data, DATA_BYTES);
    change.content_type = VARVE_CONTENT_OCTET_STREAM;
    return change;
}

static void submit(struct transactor *t)
{
    char stream_name[32], saga_id[32], checkpoint_name[32];
    uint32_t slot = t->slot++ % SLOTS;
    struct ticket *ticket = t->free_tickets;
    struct varve_event event = {
        .type = varve_view_str("order.placed"), .time_us = VARVE_TIME_NONE, .schema_version = 1,
        .content_type = VARVE_CONTENT_OCTET_STREAM, .data = { t->data, DATA_BYTES },
    };
    size_t name_size = bench_stream_name(stream_name, t->index + slot * CONNECTIONS);
    struct varve_append_stream stream = { { stream_name, name_size }, t->stream_versions[slot] };
    struct varve_saga_change change = next_change(t, slot, saga_id);
    struct varve_checkpoint checkpoint = {
        .name = varve_view_of(checkpoint_name, (size_t)snprintf(checkpoint_name, 32, "bench-%u", t->index)),
        .expected = t->checkpoint_version,
    };
    struct varve_transact_request request = { 0 };
    struct varve_error error;

    if (t->parts & EVENT)
        request.appends = (struct varve_append_request){ &stream, 1, &event, NULL, 1 };
    if (t->parts & SAGA) {
        request.sagas = &change;
        request.saga_count = 1;
        t->saga_versions[slot]++;
    }
    if (t->parts & CHECKPOINT) {
        request.checkpoints = &checkpoint;
        request.checkpoint_count = 1;
        t->checkpoint_version++;
    }
    t->stream_versions[slot] += (t->parts & EVENT) != 0;
    t->free_tickets = ticket->next_free;
    ticket->began_ns = now_ns();
    if (varve_client_submit_transact(t->client, &request, on_outcome, ticket, &error) != VARVE_OK)
        die("a transaction was refused: %s", error.message);
}

static void *transact_main(void *argument)
{
    struct transactor *t = argument;
    struct varve_error error;

    while (now_ns() < t->ends_ns) {
        while (t->free_tickets != NULL)
            submit(t);
        if (varve_client_poll(t->client, 30000, &error) != VARVE_OK)
            die("a transaction failed: %s", error.message);
    }
    if (varve_client_drain(t->client, &error) != VARVE_OK)
        die("a transaction failed: %s", error.message);
    return NULL;
}

/* The transactors of a case; their versions go on from round to round. */
static struct transactor *make_transactors(const char *url, unsigned parts)
{
    struct transactor *all = calloc(CONNECTIONS, sizeof(*all));

    if (all == NULL)
        die("no memory");
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        struct transactor *t = &all[i];
        *t = (struct transactor){ .url = url, .parts = parts, .index = i, .checkpoint_version = -1 };
        memset(t->data, 'v', DATA_BYTES);
        for (unsigned slot = 0; slot < SLOTS; slot++)
            t->stream_versions[slot] = t->saga_versions[slot] = -1;
        for (unsigned k = 0; k < IN_FLIGHT; k++) {
            t->tickets[k] = (struct ticket){ .owner = t, .next_free = t->free_tickets };
            t->free_tickets = &t->tickets[k];
        }
        t->client = bench_client_open(url, 0);
    }
    return all;
}

static void measure_transactors(struct transactor *all, uint32_t seconds, struct measurement *ret)
{
    static struct histogram histogram;
    uint64_t count = 0, began = now_ns();

    histogram_reset(&histogram);
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        all[i].count = 0;
        all[i].ends_ns = began + seconds * 1000000000ull;
        histogram_reset(&all[i].histogram);
        if (pthread_create(&all[i].thread, NULL, transact_main, &all[i]) != 0)
            die("cannot start a thread");
    }
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        pthread_join(all[i].thread, NULL);
        histogram_merge(&histogram, &all[i].histogram);
        count += all[i].count;
    }
    measure_histogram(&histogram, count, now_ns() - began, ret);
}

static void free_transactors(struct transactor *all)
{
    for (unsigned i = 0; i < CONNECTIONS; i++)
        varve_client_free(all[i].client);
    free(all);
}

/* Against plain appends of as many events each, round by round, on a server of their own. */
static void run_transact_case(const struct settings *settings, struct report *report, const char *name, unsigned parts,
                              uint32_t events)
{
    struct row row = { .section = "transactions, through the server, 8 conn x 8", .unit = "transactions",
                       .rounds = settings->rounds, .has_raw = true, .raw_name = "APPENDs of as many events" };
    char url[64], plain_url[64];

    snprintf(row.name, sizeof(row.name), "%s", name);
    if (!is_chosen(settings, row.name))
        return;
    pid_t varved = varved_start(settings, fresh_path(settings, "server"), url);
    pid_t plain = varved_start(settings, fresh_path(settings, "plain"), plain_url);
    int64_t *versions = server_load_fresh_versions(STREAMS);
    struct server_load load = { plain_url, CONNECTIONS, IN_FLIGHT, events, STREAMS, DATA_BYTES, settings->seconds,
                                false };
    struct transactor *all = make_transactors(url, parts);

    for (uint32_t i = 0; i < row.rounds; i++) {
        server_load_append(&load, versions, &row.raw[i]);
        row.raw[i].per_second /= events;
        measure_transactors(all, settings->seconds, &row.ours[i]);
    }
    report_row(report, &row);
    free_transactors(all);
    free(versions);
    server_stop(varved);
    server_stop(plain);
    remove_tree(scratch_path(settings, "server"));
    remove_tree(scratch_path(settings, "plain"));
}

/* ---- claims ------------------------------------------------------------------------------------------------------ */

struct claimer {
    const char *url;
    uint64_t ended;
    struct histogram histogram;
    pthread_t thread;
};

static void end_saga(struct varve_client *client, const struct varve_saga *saga)
{
    struct varve_saga_change change;
    struct varve_error error;
    char id[VARVE_SAGA_MAX_ID];

    varve_saga_change_init(&change);
    memcpy(id, saga->id.data, saga->id.size); /* what was claimed lives until the next call */
    change.action = VARVE_SAGA_COMPLETE;
    change.type = varve_view_str("order");
    change.id = varve_view_of(id, saga->id.size);
    change.expected = saga->version;
    if (varve_client_saga_change(client, &change, NULL, NULL, &error) != VARVE_OK)
        die("cannot end a saga that was claimed: %s", error.message);
}

/* Until nothing is left to be claimed. */
static void *claim_main(void *argument)
{
    struct claimer *claimer = argument;
    struct varve_client *client = bench_client_open(claimer->url, 0);
    struct varve_saga_claim claim = { .type = varve_view_str("order"), .worker = varve_view_str("bench"),
                                      .lease_ms = 60000, .limit = 1 };

    for (;;) {
        const struct varve_saga *sagas;
        struct varve_error error;
        uint64_t began = now_ns();
        size_t count;
        if (varve_client_saga_claim(client, &claim, &sagas, &count, &error) != VARVE_OK)
            die("cannot claim: %s", error.message);
        if (count == 0)
            break;
        histogram_add(&claimer->histogram, now_ns() - began);
        end_saga(client, &sagas[0]);
        claimer->ended++;
    }
    varve_client_free(client);
    return NULL;
}

static void begin_sagas(const char *url, uint32_t round, uint32_t count)
{
    struct varve_client *client = bench_client_open(url, 0);
    struct varve_saga_change changes[1000];
    char ids[1000][32];
    struct varve_error error;

    for (uint32_t done = 0; done < count; done += 1000) {
        struct varve_transact_request request = { .sagas = changes, .saga_count = 1000 };
        for (uint32_t i = 0; i < 1000; i++) {
            varve_saga_change_init(&changes[i]);
            changes[i].action = VARVE_SAGA_BEGIN;
            changes[i].type = varve_view_str("order");
            changes[i].id = varve_view_of(ids[i], (size_t)snprintf(ids[i], 32, "%u-%u", round, done + i));
        }
        if (varve_client_transact(client, &request, NULL, &error) != VARVE_OK)
            die("cannot begin sagas: %s", error.message);
    }
    varve_client_free(client);
}

static void measure_claims(const char *url, uint32_t sagas, struct measurement *ret)
{
    struct claimer *claimers = calloc(CLAIMERS, sizeof(*claimers));
    static struct histogram histogram;
    uint64_t ended = 0, began = now_ns();

    if (claimers == NULL)
        die("no memory");
    histogram_reset(&histogram);
    for (int i = 0; i < CLAIMERS; i++) {
        claimers[i].url = url;
        if (pthread_create(&claimers[i].thread, NULL, claim_main, &claimers[i]) != 0)
            die("cannot start a thread");
    }
    for (int i = 0; i < CLAIMERS; i++) {
        pthread_join(claimers[i].thread, NULL);
        histogram_merge(&histogram, &claimers[i].histogram);
        ended += claimers[i].ended;
    }
    if (ended != sagas)
        die("%llu sagas were ended, of %u", (unsigned long long)ended, sagas);
    measure_histogram(&histogram, ended, now_ns() - began, ret);
    free(claimers);
}

static void run_claims(const struct settings *settings, struct report *report)
{
    struct row row = { .section = "sagas", .unit = "sagas", .rounds = settings->rounds,
                       .name = "claimed and completed, 16 workers; us: a claim" };
    uint32_t sagas = settings->quick ? 1000 : 20000;
    char url[64];

    if (!is_chosen(settings, row.name))
        return;
    pid_t varved = varved_start(settings, fresh_path(settings, "server"), url);
    for (uint32_t i = 0; i < row.rounds; i++) {
        begin_sagas(url, i, sagas);
        measure_claims(url, sagas, &row.ours[i]);
    }
    report_row(report, &row);
    server_stop(varved);
    remove_tree(scratch_path(settings, "server"));
}

void bench_state(const struct settings *settings, struct report *report)
{
    run_transact_case(settings, report, "an event", EVENT, 1);
    run_transact_case(settings, report, "a saga's transition", SAGA, 1);
    run_transact_case(settings, report, "an event, a transition, a checkpoint", EVENT | SAGA | CHECKPOINT, 3);
    run_claims(settings, report);
}
