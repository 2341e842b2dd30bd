/* outbox_verify_own.c - outbox_verify(): an outbox at work, held against its own topics. */
#include "outbox_parts.h"

#include <stdlib.h>

#include "outbox_verify.h"

struct shown {
    struct outbox *outbox;
    struct outbox_verify_source kafka;
};

/* at_least_once has its checkpoint in the log; newer than that is what its thread shows. */
static enum outbox_result read_shown(void *user, uint64_t *ret_position, struct outbox_fault *fault)
{
    const struct shown *shown = user;
    struct outbox_view view;

    outbox_look(shown->outbox, &view);
    *ret_position = view.position;
    return OUTBOX_DONE;
}

static enum outbox_result read_topic(void *user, const char *topic, uint64_t depth,
                                     bool (*each)(void *user, const struct outbox_seen *seen), void *each_user,
                                     struct outbox_fault *fault)
{
    const struct shown *shown = user;

    return shown->kafka.read_topic(shown->kafka.user, topic, depth, each, each_user, fault);
}

enum varve_status outbox_verify(struct outbox *outbox, uint64_t depth, bool (*interrupted)(void *user), void *user,
                                struct outbox_verification *ret, struct varve_error *error)
{
    struct outbox_figures *figures = calloc(1, sizeof(*figures)); /* What is counted here is not the outbox's. */
    const struct outbox_kafka_options kafka = {
        .config = outbox->config, .database_id = outbox->database_id, .log = outbox->log, .figures = figures,
        .interrupted = interrupted, .user = user,
    };
    struct shown shown = { .outbox = outbox, .kafka = outbox_verify_kafka(&kafka) };
    struct outbox_verify_options options = {
        .config = outbox->config, .store = outbox->store, .dead = outbox->memory.dead, .source = shown.kafka,
        .depth = depth, .interrupted = interrupted, .user = user,
    };

    if (figures == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a verification");
    if (outbox->config->mode == VARVE_OUTBOX_AT_LEAST_ONCE)
        options.source = (struct outbox_verify_source){ .user = &shown, .read_checkpoint = read_shown,
                                                        .read_topic = read_topic };
    *ret = (struct outbox_verification){ .records = 0 };
    outbox_figures_init(figures);
    enum varve_status status = outbox_verify_topics(&options, ret, error);
    outbox_figures_end(figures);
    free(figures);
    return status;
}
