/* reducer.c - accounts folded to their balance, as a shared object that `varve snapshot build` loads.
 *
 *     cc -shared -fPIC $(pkg-config --cflags varve-client) -o account.so docs/examples/reducer.c -ljansson
 *     varve snapshot build --reducer ./account.so --category account
 *
 * account.deposited and account.withdrawn have {"amount": cents}; events of other types are only counted. */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "varve/reducer.h"

struct varve_reducer_state {
    long long balance, events;
    char saved[96];
};

static bool load(struct varve_reducer_state *state, const void *data, size_t size)
{
    json_t *snapshot = json_loadb(data, size, 0, NULL);
    bool works = json_unpack(snapshot, "{sI sI}", "balance", &state->balance, "events", &state->events) == 0;

    json_decref(snapshot);
    return works;
}

static struct varve_reducer_state *create(const char *stream, size_t stream_size, const void *data, size_t data_size,
                                          const char **ret_error)
{
    struct varve_reducer_state *state = calloc(1, sizeof(*state));

    if (state == NULL) {
        *ret_error = "no memory";
        return NULL;
    }
    if (data != NULL && !load(state, data, data_size)) {
        *ret_error = "the snapshot is not an account";
        free(state);
        return NULL;
    }
    return state;
}

static bool is_type(const struct varve_reducer_event *event, const char *type)
{
    return event->type_size == strlen(type) && memcmp(event->type, type, event->type_size) == 0;
}

static const char *apply(struct varve_reducer_state *state, const struct varve_reducer_event *event)
{
    bool deposited = is_type(event, "account.deposited"), withdrawn = is_type(event, "account.withdrawn");
    json_int_t amount = 0;

    state->events++;
    if (!deposited && !withdrawn)
        return NULL;
    json_t *data = json_loadb(event->data, event->data_size, 0, NULL);
    bool works = json_unpack(data, "{sI}", "amount", &amount) == 0;
    json_decref(data);
    if (!works)
        return "the event has no amount";
    if (withdrawn && amount > state->balance)
        return "more was withdrawn than there was";
    state->balance += deposited ? amount : -amount;
    return NULL;
}

static void save(struct varve_reducer_state *state, const void **ret_data, size_t *ret_size)
{
    *ret_size = (size_t)snprintf(state->saved, sizeof(state->saved), "{\"balance\":%lld,\"events\":%lld}",
                                 state->balance, state->events);
    *ret_data = state->saved;
}

static void destroy(struct varve_reducer_state *state)
{
    free(state);
}

const struct varve_reducer *varve_reducer(void)
{
    static const struct varve_reducer reducer = {
        .abi = VARVE_REDUCER_ABI,
        .type = "account",
        .schema_version = 1,
        .content_type = 0, /* application/json */
        .create = create,
        .apply = apply,
        .save = save,
        .destroy = destroy,
    };

    return &reducer;
}
