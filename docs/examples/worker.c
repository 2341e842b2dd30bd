/* worker.c - one of several workers who share the work on orders: each event is worked on by one of them, those of one
 * order one after the other. Until Ctrl-C.
 *
 *   cc worker.c $(pkg-config --cflags --libs varve-client) -o worker
 *   ./worker varve://127.0.0.1:8278 worker-1 */
#include <varve/subscription.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

static struct varve_consumer *consumer;

static void on_signal(int number)
{
    (void)number;
    varve_consumer_stop(consumer); /* Safe here; what is being worked on is still acked. */
}

static int fail(const char *doing, const struct varve_error *error)
{
    fprintf(stderr, "%s: %s: %s\n", doing, varve_status_name(error->status), error->message);
    return 1;
}

/* The first worker to start creates the group. */
static enum varve_status make_group(const char *url, struct varve_view group, struct varve_error *error)
{
    struct varve_view category = varve_view_str("order");
    struct varve_filter filter = { .categories = &category, .category_count = 1 };
    struct varve_group_settings settings;
    struct varve_client *client;

    enum varve_status status = varve_client_create(url, NULL, &client, error);
    if (status != VARVE_OK)
        return status;
    varve_group_settings_init(&settings);
    settings.filter = &filter;
    settings.max_attempts = 2; /* Then an event is set aside: `varve parked ls` shows it. */
    settings.backoff_ms[0] = 100;
    settings.backoff_count = 1;
    status = varve_client_group_create(client, group, &settings, 0, NULL, error);
    varve_client_free(client);
    return status == VARVE_GROUP_EXISTS ? VARVE_OK : status;
}

/* VARVE_OK: done, never again. Anything else: once more later, with the reason kept. */
static enum varve_status work(void *user, const struct varve_work *todo, struct varve_error *error)
{
    const struct varve_event *event = todo->event;

    (void)user;
    printf("%.*s@%" PRIu64 " %.*s, attempt %u\n", (int)event->stream.size, event->stream.data, event->version,
           (int)event->type.size, event->type.data, todo->attempt);
    fflush(stdout);
    if (varve_view_equal(event->type, varve_view_str("order.cancelled")))
        return varve_fail(error, VARVE_INTERNAL, NULL, "nobody told us how to take a payment back");
    return VARVE_OK;
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "varve://127.0.0.1:8278";
    struct varve_view group = varve_view_str("billing"), name = varve_view_str(argc > 2 ? argv[2] : "worker-1");
    struct varve_error error;

    if (make_group(url, group, &error) != VARVE_OK)
        return fail("group", &error);
    if (varve_consumer_open(url, NULL, group, name, 0, false, &consumer, &error) != VARVE_OK)
        return fail("join", &error);
    signal(SIGINT, on_signal);
    enum varve_status status = varve_consumer_run(consumer, work, NULL, &error);
    signal(SIGINT, SIG_DFL);
    size_t refused;
    if (varve_consumer_flush(consumer, 10000, NULL, &refused, NULL) != VARVE_OK || refused > 0)
        fprintf(stderr, "some of what was done may be done again\n");
    varve_consumer_close(consumer);
    return status == VARVE_CANCELLED ? 0 : fail("work", &error);
}
