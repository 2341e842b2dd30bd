/* folding.c - see folding.h. */
#include "snapshots/folding.h"

#include <stdlib.h>

void folding_begin_with(struct folding *folding, const struct varve_reducing_options *options)
{
    *folding = (struct folding){ 0 };
    if (varve_reducing_open(options, &folding->reducing, &folding->error) != VARVE_OK ||
        varve_fold_begin(folding->reducing, &folding->fold, &folding->error) != VARVE_OK)
        fail_msg("%s: %s", options->reducer, folding->error.message);
}

void folding_begin(struct folding *folding, const char *reducer)
{
    struct varve_reducing_options options;

    varve_reducing_options_init(&options);
    options.reducer = reducer;
    options.timeout_ms = 60000;
    options.type = strncmp(reducer, "program", 7) == 0 ? "test" : NULL;
    folding_begin_with(folding, &options);
}

void folding_end(struct folding *folding)
{
    varve_fold_end(folding->fold);
    varve_reducing_close(folding->reducing);
}

const char *folding_built(const char *path)
{
    static char whole[512];
    const char *build = getenv("VARVE_BUILD");

    snprintf(whole, sizeof(whole), "%.300s/%.200s", build != NULL ? build : "./build/gcc-release", path);
    return whole;
}

enum varve_status folding_stream(struct folding *folding, const char *stream, const char *state)
{
    struct varve_view data = varve_view_str(state);

    folding->version = 0;
    return varve_fold_stream(folding->fold, varve_view_str(stream), state != NULL ? &data : NULL, &folding->error);
}

static enum varve_status take(struct folding *folding, const char *type, enum varve_content_type content_type,
                              struct varve_view data)
{
    const struct varve_event event = {
        .stream = varve_view_str("not looked at"), .type = varve_view_str(type),
        .content_type = content_type, .data = data, .schema_version = 1, .version = folding->version,
        .position = folding->version + 100, .recorded_at_us = 1700000000000000 + (int64_t)folding->version,
    };

    folding->version++;
    return varve_fold_event(folding->fold, &event, &folding->error);
}

enum varve_status folding_event(struct folding *folding, const char *type, const char *json)
{
    return take(folding, type, VARVE_CONTENT_JSON, varve_view_str(json));
}

enum varve_status folding_bytes(struct folding *folding, enum varve_content_type type, const void *data, size_t size)
{
    return take(folding, "test.bytes", type, varve_view_of(data, size));
}

void folding_expect(struct folding *folding, const char *state)
{
    struct varve_view data;

    if (varve_fold_save(folding->fold, &data, &folding->error) != VARVE_OK)
        fail_msg("instead of %s: %s", state, folding->error.message);
    if (!varve_view_equal(data, varve_view_str(state)))
        fail_msg("the state is %.*s instead of %s", (int)data.size, data.data, state);
}

void folding_expect_error(const struct folding *folding, enum varve_status status, const char *words)
{
    if (folding->error.status != status || strstr(folding->error.message, words) == NULL)
        fail_msg("\"%s\" is not %s with \"%s\"", folding->error.message, varve_status_name(status), words);
}
