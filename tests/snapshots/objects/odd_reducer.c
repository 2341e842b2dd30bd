/* odd_reducer.c - a shared object that does what a reducer should not: as ODD_REDUCER and the stream's name say. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "varve/reducer.h"

struct varve_reducer_state {
    char *saved;
    size_t size;
};

static int begins(const char *stream, size_t size, const char *word)
{
    return size >= strlen(word) && memcmp(stream, word, strlen(word)) == 0;
}

static struct varve_reducer_state *create(const char *stream, size_t stream_size, const void *data, size_t data_size,
                                          const char **ret_error)
{
    if (begins(stream, stream_size, "silent"))
        return NULL;
    if (begins(stream, stream_size, "refused")) {
        *ret_error = "never heard of it";
        return NULL;
    }
    struct varve_reducer_state *state = calloc(1, sizeof(*state));
    state->size = begins(stream, stream_size, "large") ? 2u << 20 : 4;
    if (!begins(stream, stream_size, "forgetful"))
        state->saved = calloc(1, state->size);
    return state;
}

static const char *apply(struct varve_reducer_state *state, const struct varve_reducer_event *event)
{
    if (begins(event->stream, event->stream_size, "crash"))
        raise(SIGSEGV);
    if (begins(event->stream, event->stream_size, "exit"))
        exit(0);
    if (begins(event->stream, event->stream_size, "leave"))
        _exit(0);
    return begins(event->stream, event->stream_size, "picky") ? "not to my taste" : NULL;
}

static void save(struct varve_reducer_state *state, const void **ret_data, size_t *ret_size)
{
    *ret_data = state->saved;
    *ret_size = state->size;
}

static void destroy(struct varve_reducer_state *state)
{
    free(state->saved);
    free(state);
}

const struct varve_reducer *varve_reducer(void)
{
    static struct varve_reducer reducer;
    static char long_type[200];
    const char *odd = getenv("ODD_REDUCER");

    reducer = (struct varve_reducer){ VARVE_REDUCER_ABI, "odd", 3, 2, create, apply, save, destroy };
    if (odd == NULL)
        return &reducer;
    if (strcmp(odd, "null") == 0)
        return NULL;
    if (strcmp(odd, "abi") == 0)
        reducer.abi = 77;
    if (strcmp(odd, "function") == 0)
        reducer.apply = NULL;
    if (strcmp(odd, "type") == 0)
        reducer.type = NULL;
    if (strcmp(odd, "long type") == 0)
        reducer.type = memset(long_type, 'a', sizeof(long_type) - 1);
    if (strcmp(odd, "empty type") == 0)
        reducer.type = "";
    if (strcmp(odd, "content type") == 0)
        reducer.content_type = 3;
    if (strcmp(odd, "garbage") == 0)
        reducer.content_type = 0; /* JSON, which four zeros are not */
    if (strcmp(odd, "schema version") == 0)
        reducer.schema_version = 0;
    return &reducer;
}
