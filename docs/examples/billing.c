/* billing.c - one of several workers who send an invoice for each order that was placed: one, whatever is killed and
 * when. Until Ctrl-C.
 *
 *   cc billing.c $(pkg-config --cflags --libs varve-client) -o billing
 *   ./billing varve://127.0.0.1:8278 worker-1
 *
 * The group hands each order to one of the workers. What it is handed, a worker finishes by an ack; and the ack is a
 * part of the transaction that stores the invoice. The server stores both or neither, so:
 *  - a worker that is killed before the transaction has sent no invoice, and the order goes to another;
 *  - a worker that is killed behind it has sent one, and the order comes to nobody again;
 *  - a worker that was thought dead, whose order was given to another, is FENCED: its invoice is not stored.
 * When the connection is lost before the answer, it is one of the first two. We need not know which. */
#include <varve/state.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

static struct varve_consumer *consumer;

static void on_signal(int number)
{
    (void)number;
    varve_consumer_stop(consumer); /* Safe here. */
}

static int fail(const char *doing, const struct varve_error *error)
{
    fprintf(stderr, "%s: %s: %s\n", doing, varve_status_name(error->status), error->message);
    return 1;
}

/* The first worker to start creates the group. */
static enum varve_status make_group(const char *url, struct varve_view group, struct varve_error *error)
{
    struct varve_view type = varve_view_str("order.placed");
    struct varve_filter filter = { .types = &type, .type_count = 1 };
    struct varve_group_settings settings;
    struct varve_client *client;

    enum varve_status status = varve_client_create(url, NULL, &client, error);
    if (status != VARVE_OK)
        return status;
    varve_group_settings_init(&settings);
    settings.filter = &filter;
    status = varve_client_group_create(client, group, &settings, 0, NULL, error);
    varve_client_free(client);
    return status == VARVE_GROUP_EXISTS ? VARVE_OK : status;
}

static enum varve_status bill(const struct varve_event *placed, struct varve_error *error)
{
    struct varve_append_stream target = { varve_view_str("invoice-2026"), VARVE_EXPECTED_ANY };
    struct varve_event invoice = {
        .type = varve_view_str("invoice.sent"), .time_us = VARVE_TIME_NONE, .schema_version = 1,
        .correlation_id = placed->correlation_id, .causation_id = placed->id,
        .content_type = placed->content_type, .data = placed->data,
    };
    struct varve_transact_request request = { .appends = { &target, 1, &invoice, NULL, 1 } };
    struct varve_transact_outcome outcome;
    uint64_t position = placed->position;

    enum varve_status status = varve_consumer_transact(consumer, &request, &position, 1, &outcome, error);
    if (status == VARVE_OK)
        printf("%.*s@%" PRIu64 " invoice %" PRId64 "\n", (int)placed->stream.size, placed->stream.data,
               placed->version, outcome.results[0].last_version);
    fflush(stdout);
    /* Given to another, or unknown: what was not stored comes again, and what was does not. */
    return status == VARVE_FENCED || varve_status_retryable(status) ? VARVE_OK : status;
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "varve://127.0.0.1:8278";
    struct varve_view group = varve_view_str("invoices"), name = varve_view_str(argc > 2 ? argv[2] : "worker-1");
    struct varve_work work;
    struct varve_error error;

    if (make_group(url, group, &error) != VARVE_OK)
        return fail("group", &error);
    /* The same name may still be a member: ourselves, killed a moment ago. */
    if (varve_consumer_open(url, NULL, group, name, 0, true, &consumer, &error) != VARVE_OK)
        return fail("join", &error);
    signal(SIGINT, on_signal);
    enum varve_status status = VARVE_OK;
    while (status == VARVE_OK || varve_status_retryable(status)) { /* Again when the server is away for a while. */
        status = varve_consumer_next(consumer, UINT32_MAX, &work, &error);
        if (status == VARVE_OK)
            status = bill(work.event, &error);
    }
    signal(SIGINT, SIG_DFL);
    varve_consumer_close(consumer);
    return status == VARVE_CANCELLED ? 0 : fail("work", &error);
}
