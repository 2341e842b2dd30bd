/* order_saga.c - an order as a saga: reserve the inventory, charge the payment, confirm. When the payment is refused,
 * or the time is up, what was done is taken back. Any number of workers, killed at any moment.
 *
 *   cc order_saga.c $(pkg-config --cflags --libs varve-client) -o order_saga
 *   ./order_saga varve://127.0.0.1:8278 place 3 [--fail-payment | --stall] [--deadline-ms 60000]
 *   ./order_saga varve://127.0.0.1:8278 work [--name worker-1] [--lease-ms 10000] [--until-done]
 *   ./order_saga varve://127.0.0.1:8278 show
 *
 * Why each effect happens once. A step is one transaction: the events that are its effect, and the saga's transition
 * from the version it was decided on. The server stores both or neither. So a worker that is killed before the
 * transaction has done nothing, and one that is killed behind it has moved the saga on: whoever claims it next sees
 * the next step. Nothing lies between the two.
 *
 * A claim keeps other workers away from a saga while we are at it, so that they do not work in vain. It does not make
 * anything right: should a lease end too early, two workers do the same step, and the version lets one of them
 * through. The other one's events are not stored either. The same holds for a deadline that passes while a worker is
 * at its step: whoever is first wins, the server or the worker, and the other is told.
 *
 * What is not in varve, such as a payment provider, takes part like this: ask it in a step of its own, with the saga's
 * id as the key by which it recognises a second request, and go on to the next step with what it answered.
 *
 * For tests, `work --die before:STEP` and `--die after:STEP` kill the worker, as kill -9 does, before or behind the
 * transaction of a step. */
#include <varve/json.h>
#include <varve/os.h>
#include <varve/state.h>
#include <varve/uuid.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct varve_view order_type = { "order", 5 };

static void fail(const char *doing, const struct varve_error *error)
{
    fprintf(stderr, "%s: %s: %s\n", doing, varve_status_name(error->status), error->message);
    exit(1);
}

static int64_t now_us(void)
{
    return varve_os_default()->now_us(varve_os_default()->self);
}

/* ---- what an order goes through --------------------------------------------------------------------------------- */

/* In this status, at this step: this event in the stream "<category>-<id>", and this transition. */
struct move {
    enum varve_saga_status status;
    const char *step, *category, *event;
    enum varve_saga_action action;
    const char *next, *error;
};
static const struct move moves[] = {
    { VARVE_SAGA_RUNNING, "reserve", "inventory", "inventory.reserved", VARVE_SAGA_STEP, "charge", "" },
    { VARVE_SAGA_RUNNING, "charge", "payment", "payment.charged", VARVE_SAGA_STEP, "confirm", "" },
    { VARVE_SAGA_RUNNING, "confirm", "order", "order.confirmed", VARVE_SAGA_COMPLETE, "", "" },
    /* What was done is taken back, the last first. */
    { VARVE_SAGA_COMPENSATING, "refund", "payment", "payment.refunded", VARVE_SAGA_COMPENSATE, "release", "" },
    { VARVE_SAGA_COMPENSATING, "release", "inventory", "inventory.released", VARVE_SAGA_COMPENSATE, "cancel", "" },
    { VARVE_SAGA_COMPENSATING, "cancel", "order", "order.cancelled", VARVE_SAGA_FAIL, "", "" },
    /* The time is up. `step` is what was to be done next, so all before it was done. */
    { VARVE_SAGA_TIMED_OUT, "reserve", "order", "order.timed_out", VARVE_SAGA_COMPENSATE, "cancel", "timed out" },
    { VARVE_SAGA_TIMED_OUT, "charge", "order", "order.timed_out", VARVE_SAGA_COMPENSATE, "release", "timed out" },
    { VARVE_SAGA_TIMED_OUT, "confirm", "order", "order.timed_out", VARVE_SAGA_COMPENSATE, "refund", "timed out" },
};
static const struct move payment_refused = { VARVE_SAGA_RUNNING, "charge", "payment", "payment.refused",
                                             VARVE_SAGA_COMPENSATE, "release", "the payment was refused" };

/* What a worker keeps of the saga it claimed, since that lives until the next call only. */
struct job {
    char id[VARVE_UUID_TEXT], step[32], payment[16];
    enum varve_saga_status status;
    int64_t version, deadline_us;
    struct varve_uuid correlation_id;
};

/* NULL: nothing can be done now. */
static const struct move *choose(const struct job *job)
{
    bool charging = job->status == VARVE_SAGA_RUNNING && strcmp(job->step, "charge") == 0;

    if (charging && strcmp(job->payment, "silent") == 0)
        return NULL; /* The provider does not answer; the deadline will decide. */
    if (charging && strcmp(job->payment, "refused") == 0)
        return &payment_refused;
    for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++)
        if (moves[i].status == job->status && strcmp(moves[i].step, job->step) == 0)
            return &moves[i];
    return NULL;
}

/* ---- working ---------------------------------------------------------------------------------------------------- */

static void copy_text(char *to, size_t size, struct varve_view from)
{
    snprintf(to, size, "%.*s", (int)from.size, from.data);
}

static void copy_job(const struct varve_saga *saga, struct job *job)
{
    struct varve_view key, value;
    size_t cursor = 0;

    memset(job, 0, sizeof(*job));
    copy_text(job->id, sizeof(job->id), saga->id);
    copy_text(job->step, sizeof(job->step), saga->step);
    while (varve_json_next_member(saga->state, &cursor, &key, &value)) /* {"payment":"good"} */
        if (varve_view_equal(key, varve_view_str("payment")) && value.size > 2)
            copy_text(job->payment, sizeof(job->payment), varve_view_of(value.data + 1, value.size - 2));
    job->status = saga->status;
    job->version = saga->version;
    job->deadline_us = saga->deadline_us;
    job->correlation_id = saga->correlation_id;
}

/* For tests: `die` is "before:STEP" or "after:STEP". */
static void die_if_due(const char *die, const char *when, const char *step)
{
    char here[64];

    snprintf(here, sizeof(here), "%s:%s", when, step);
    if (die != NULL && strcmp(die, here) == 0)
        raise(SIGKILL);
}

static enum varve_status do_step(struct varve_client *client, const struct job *job, const struct move *move,
                                 struct varve_error *error)
{
    char stream[64];
    snprintf(stream, sizeof(stream), "%s-%s", move->category, job->id);
    struct varve_append_stream target = { varve_view_str(stream), VARVE_EXPECTED_ANY };
    struct varve_event event = {
        .type = varve_view_str(move->event), .time_us = VARVE_TIME_NONE, .schema_version = 1,
        .content_type = VARVE_CONTENT_JSON, .data = varve_view_str("{}"), .correlation_id = job->correlation_id,
    };
    struct varve_saga_change change;
    varve_saga_change_init(&change);
    change.action = move->action;
    change.type = order_type;
    change.id = varve_view_str(job->id);
    change.expected = job->version; /* What all rests on. */
    change.step = varve_view_str(move->next);
    change.error = varve_view_str(move->error); /* Empty: as it was. */
    if (move->action == VARVE_SAGA_STEP)
        change.deadline_us = job->deadline_us; /* The time for all of it; taking back has none. */
    change.correlation_id = job->correlation_id;

    /* With ids, the client may send it again by itself when an answer is lost: it is stored once. */
    if (varve_transact_fill_ids(&event, 1, &change, 1, NULL, 0) != VARVE_OK)
        return varve_fail(error, VARVE_INTERNAL, NULL, "no random bytes");
    return varve_client_transact(client, &(struct varve_transact_request){ .appends = { &target, 1, &event, NULL, 1 },
                                                                          .sagas = &change, .saga_count = 1 },
                                 NULL, error);
}

static enum varve_status work_on(struct varve_client *client, const struct varve_saga *saga, const char *die,
                                 struct varve_error *error)
{
    struct job job;
    copy_job(saga, &job);
    const struct move *move = choose(&job);

    if (move == NULL)
        return VARVE_OK;
    /* What is done about a deadline is known as "timeout" here, whatever the step was. */
    const char *step = job.status == VARVE_SAGA_TIMED_OUT ? "timeout" : job.step;
    die_if_due(die, "before", step);
    enum varve_status status = do_step(client, &job, move, error);
    if (status == VARVE_OK)
        die_if_due(die, "after", step);
    if (status == VARVE_OK)
        printf("%s %s: %s\n", job.id, step, move->event);
    fflush(stdout);
    bool lost = status == VARVE_SAGA_CONFLICT || status == VARVE_SAGA_FINISHED || status == VARVE_SAGA_NOT_FOUND;
    return lost ? VARVE_OK : status; /* Somebody else was quicker: then it is not ours any more. */
}

static bool all_done(struct varve_client *client)
{
    struct varve_saga_counts counts;
    uint64_t unfinished = 0;

    if (varve_client_saga_counts(client, &counts, NULL) != VARVE_OK)
        return false;
    for (size_t i = 0; i < counts.count; i++)
        for (unsigned status = 0; status < VARVE_SAGA_STATUSES && varve_view_equal(counts.types[i].type, order_type);
             status++)
            unfinished += VARVE_SAGA_UNFINISHED & 1u << status ? counts.types[i].by_status[status] : 0;
    return unfinished == 0;
}

static void work(struct varve_client *client, const char *name, uint32_t lease_ms, bool until_done, const char *die)
{
    struct varve_saga_claim claim = { .type = order_type, .worker = varve_view_str(name), .lease_ms = lease_ms,
                                      .limit = 1, .wait_ms = 200 };
    struct timespec rest = { .tv_nsec = 50 * 1000000 };
    const struct varve_saga *sagas;
    struct varve_error error;
    size_t count = 0;

    while (count > 0 || !until_done || !all_done(client)) {
        enum varve_status status = varve_client_saga_claim(client, &claim, &sagas, &count, &error);

        if (status == VARVE_OK && count > 0)
            status = work_on(client, &sagas[0], die, &error);
        if (status != VARVE_OK && !varve_status_retryable(status))
            fail("work", &error);
        if (status != VARVE_OK) { /* The server is away, or an answer was lost: what is stored will be claimed. */
            count = 0;
            nanosleep(&rest, NULL);
        }
    }
}

/* ---- placing and showing ---------------------------------------------------------------------------------------- */

static void place(struct varve_client *client, const char *payment, int64_t deadline_us)
{
    struct varve_error error;
    char stream[64], id[VARVE_UUID_TEXT], state[64];
    struct varve_event placed = { .type = varve_view_str("order.placed"), .time_us = VARVE_TIME_NONE,
                                  .schema_version = 1, .content_type = VARVE_CONTENT_JSON,
                                  .data = varve_view_str("{\"item\":\"lamp\"}") };
    struct varve_saga_change begin;

    varve_saga_change_init(&begin);
    begin.action = VARVE_SAGA_BEGIN;
    if (varve_transact_fill_ids(&placed, 1, &begin, 1, NULL, 0) != VARVE_OK)
        exit(1);
    varve_uuid_format(&placed.id, id); /* The order's own id, too, and what all its events are found by. */
    placed.correlation_id = begin.correlation_id = placed.id;
    snprintf(stream, sizeof(stream), "order-%s", id);
    snprintf(state, sizeof(state), "{\"payment\":\"%s\"}", payment);
    begin.type = order_type;
    begin.id = varve_view_str(id);
    begin.step = varve_view_str("reserve");
    begin.has_state = true;
    begin.state = varve_view_str(state);
    begin.deadline_us = deadline_us;
    struct varve_append_stream target = { varve_view_str(stream), VARVE_EXPECTED_NO_STREAM };
    if (varve_client_transact(client, &(struct varve_transact_request){ .appends = { &target, 1, &placed, NULL, 1 },
                                                                       .sagas = &begin, .saga_count = 1 },
                              NULL, &error) != VARVE_OK)
        fail("place", &error);
    printf("%s\n", id);
}

static void show(struct varve_client *client)
{
    struct varve_saga_list list = { .end = false };
    struct varve_saga_query query;
    struct varve_error error;

    varve_saga_query_init(&query);
    query.type = order_type;
    while (!list.end) {
        if (varve_client_saga_list(client, &query, &list, &error) != VARVE_OK)
            fail("show", &error);
        for (size_t i = 0; i < list.count; i++)
            printf("%.*s %s %.*s %.*s\n", (int)list.sagas[i].id.size, list.sagas[i].id.data,
                   varve_saga_status_name(list.sagas[i].status), (int)list.sagas[i].step.size,
                   list.sagas[i].step.data, (int)list.sagas[i].error.size, list.sagas[i].error.data);
        query.after = varve_view_of((const char *)list.next, list.next_size);
    }
}

/* The value of an option, or what it is without; an option alone is its own value. */
static const char *option(int argc, char **argv, const char *name, bool has_value, const char *otherwise)
{
    for (int i = 3; i < argc; i++)
        if (strcmp(argv[i], name) == 0 && i + has_value < argc)
            return argv[i + has_value];
    return otherwise;
}

int main(int argc, char **argv)
{
    const char *command = argc > 2 ? argv[2] : "";
    struct varve_client *client;
    struct varve_error error;

    if (argc < 3 || (strcmp(command, "place") != 0 && strcmp(command, "work") != 0 && strcmp(command, "show") != 0)) {
        fprintf(stderr, "usage: order_saga URL place [N] | work | show; the top of order_saga.c tells the rest\n");
        return 2;
    }
    if (varve_client_create(argv[1], NULL, &client, &error) != VARVE_OK ||
        varve_client_connect(client, &error) != VARVE_OK)
        fail(argv[1], &error);
    if (strcmp(command, "work") == 0) {
        work(client, option(argc, argv, "--name", true, "worker-1"),
             (uint32_t)strtoul(option(argc, argv, "--lease-ms", true, "10000"), NULL, 10),
             option(argc, argv, "--until-done", false, NULL) != NULL, option(argc, argv, "--die", true, NULL));
    } else if (strcmp(command, "place") == 0) {
        const char *payment = option(argc, argv, "--fail-payment", false, NULL) != NULL ? "refused"
                              : option(argc, argv, "--stall", false, NULL) != NULL      ? "silent"
                                                                                        : "good";
        int64_t ms = strtoll(option(argc, argv, "--deadline-ms", true, "60000"), NULL, 10);

        for (long n = argc > 3 ? strtol(argv[3], NULL, 10) : 1; n > 0; n--)
            place(client, payment, now_us() + ms * 1000);
    } else {
        show(client);
    }
    varve_client_free(client);
    return 0;
}
