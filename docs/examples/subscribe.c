/* subscribe.c - follow what happens to orders: first all that has happened, then live, until Ctrl-C.
 *
 *   cc subscribe.c $(pkg-config --cflags --libs varve-client) -o subscribe
 *   ./subscribe varve://127.0.0.1:8278 0
 *
 * The number it ends with is where to go on next time. */
#include <varve/subscription.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static struct varve_subscription *subscription;

static void on_signal(int number)
{
    (void)number;
    varve_subscription_stop(subscription); /* Safe here; the call that waits returns CANCELLED. */
}

static bool take(void *user, const struct varve_notice *notice)
{
    const struct varve_event *event = notice->event;
    uint64_t *position = user;

    switch (notice->kind) {
    case VARVE_NOTICE_EVENT:
        printf("%" PRIu64 " %.*s@%" PRIu64 " %.*s %.*s\n", event->position, (int)event->stream.size,
               event->stream.data, event->version, (int)event->type.size, event->type.data, (int)event->data.size,
               event->data.data);
        break;
    case VARVE_NOTICE_CAUGHT_UP:
        printf("-- live\n");
        break;
    case VARVE_NOTICE_FELL_BEHIND:
        printf("-- too slow to be live\n");
        break;
    case VARVE_NOTICE_RECONNECTED:
        printf("-- connected again\n");
        break;
    default: /* A checkpoint: nothing for us up to there. */
        break;
    }
    fflush(stdout);
    *position = notice->position; /* A read model stores this together with what it made of the event. */
    return true;
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "varve://127.0.0.1:8278";
    uint64_t position = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    struct varve_view category = varve_view_str("order");
    struct varve_filter filter = { .categories = &category, .category_count = 1 };
    struct varve_error error;

    enum varve_status status = varve_subscription_open(url, NULL, &filter, position, &subscription, &error);
    if (status == VARVE_OK) {
        signal(SIGINT, on_signal);
        status = varve_subscription_run(subscription, take, &position, &error);
        signal(SIGINT, SIG_DFL);
        varve_subscription_close(subscription);
    }
    if (status != VARVE_CANCELLED) {
        fprintf(stderr, "%s: %s\n", varve_status_name(status), error.message);
        return 1;
    }
    printf("go on after %" PRIu64 "\n", position);
    return 0;
}
