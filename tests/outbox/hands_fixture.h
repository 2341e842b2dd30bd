/* hands_fixture.h - an outbox at work on a store of its own. Which Kafka it meets is the test's business. */
#ifndef TESTS_HANDS_FIXTURE_H
#define TESTS_HANDS_FIXTURE_H

#include "support/check.h"
#include "support/log_pipe.h"
#include "support/temp_dir.h"

#include "server/outbox/outbox_parts.h"

struct hands {
    char directory[TEMP_DIR_PATH];
    struct varve_store *store;
    struct outbox_configs configs;
    struct outbox_config *config;  /* change it before hands_start() */
    struct outbox *outbox;         /* NULL: not started */
    struct outbox_counting counting; /* of the next one that is started */
    struct outbox_view view;       /* of the last look */
    struct varve_error error;
    struct varve_outbox_order order; /* of the next hands_order(); empty again after it */
    uint64_t position, count;      /* what came of the last */
    enum varve_outbox_phase wanted_phase;
    uint64_t wanted_position;
    struct log_pipe told;
    struct log log;
};

struct hands *hands_open(void);          /* a store, a configuration with all defaults, quick to try again */
void hands_start(struct hands *h);
void hands_stop(struct hands *h);
void hands_close(struct hands *h);       /* stopped if need be */
const char *hands_log(struct hands *h);  /* what was logged since the last call */

/* Events of a type with some JSON data; the position of the last. */
uint64_t hands_append(struct hands *h, const char *stream, const char *type, size_t count);
uint64_t hands_append_sized(struct hands *h, const char *stream, size_t data_size);

/* Until it is so; a minute at most. */
void hands_wait(struct hands *h, bool (*so)(struct hands *h));
void hands_wait_phase(struct hands *h, enum varve_outbox_phase phase);
void hands_wait_position(struct hands *h, uint64_t position);
enum varve_status hands_order(struct hands *h, enum varve_outbox_action action); /* with h->order */
/* Events of this type in the log. */
size_t hands_remembered(struct hands *h, const char *type);

#endif
