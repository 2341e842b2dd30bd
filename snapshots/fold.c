/* fold.c - see fold.h: reducers opened by what they are called, and the words for what goes wrong with a stream. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fold_parts.h"

#define DEFAULT_TIMEOUT_MS 30000
#define NAME_SHOWN 200 /* bytes of a stream's name in a message: there must be room for the reason */

void varve_reducing_options_init(struct varve_reducing_options *options)
{
    *options = (struct varve_reducing_options){ .timeout_ms = DEFAULT_TIMEOUT_MS };
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static enum varve_status take_type(const struct varve_reducing_options *options, struct varve_reducing *reducing,
                                   struct varve_error *error)
{
    const char *type = options->type;

    if (type != NULL && strlen(type) > VARVE_SNAPSHOT_MAX_TYPE)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "type", "the type of a snapshot has at most %u bytes",
                          VARVE_SNAPSHOT_MAX_TYPE);
    if (type != NULL)
        memcpy(reducing->type, type, strlen(type) + 1);
    if (reducing->type[0] == '\0')
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "type", "a program's snapshots need a type, such as "
                          "\"account\"");
    if (options->schema_version > 0)
        reducing->schema_version = options->schema_version;
    if (reducing->schema_version == 0)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "schema_version", "schema versions count from 1");
    return varve_check_text(varve_view_str(reducing->type), VARVE_SNAPSHOT_MAX_TYPE, "type", error);
}

static enum varve_status own_type_only(const struct varve_reducing_options *options,
                                       const struct varve_reducing *reducing, struct varve_error *error)
{
    if (options->type != NULL && strcmp(options->type, reducing->type) != 0)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "type", "the shared object makes snapshots of type \"%s\"",
                          reducing->type);
    if (options->schema_version > 0 && options->schema_version != reducing->schema_version)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "schema_version", "the shared object makes snapshots of "
                          "schema version %" PRIu32, reducing->schema_version);
    return VARVE_OK;
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);

    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

static bool is_program(const char *reducer)
{
    return strncmp(reducer, "program", 7) == 0 && (reducer[7] == ' ' || reducer[7] == '\0');
}

static enum varve_status open_program(const struct varve_reducing_options *options, struct varve_reducing *reducing,
                                      struct varve_error *error)
{
    const char *command = options->reducer + strlen("program");

    command += strspn(command, " ");
    if (*command == '\0')
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "reducer", "a command must follow, as in "
                          "\"program python3 reducer.py\"");
    reducing->kind = &fold_program;
    reducing->msgpack = options->msgpack;
    reducing->timeout_ms = options->timeout_ms;
    reducing->schema_version = 1;
    reducing->content_type = options->msgpack ? VARVE_CONTENT_MSGPACK : VARVE_CONTENT_JSON;
    reducing->command = strdup(command);
    return reducing->command != NULL ? VARVE_OK : varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a reducer");
}

static enum varve_status open_object(const struct varve_reducing_options *options, struct varve_reducing *reducing,
                                     struct varve_error *error)
{
    reducing->kind = &fold_object;
    reducing->command = strdup(options->reducer);
    if (reducing->command == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a reducer");
    enum varve_status status = fold_object_open(reducing, error);
    return status == VARVE_OK ? own_type_only(options, reducing, error) : status;
}

bool varve_reducing_is_object(const char *reducer)
{
    return !is_program(reducer) && strchr(reducer, '/') != NULL &&
           (ends_with(reducer, ".so") || strstr(reducer, ".so.") != NULL);
}

static enum varve_status open_kind(const struct varve_reducing_options *options, struct varve_reducing *reducing,
                                   struct varve_error *error)
{
    const char *name = options->reducer;

    if (is_program(name))
        return open_program(options, reducing, error);
    if (options->msgpack)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "reducer", "only programs are spoken to in msgpack");
    if (varve_reducing_is_object(name))
        return open_object(options, reducing, error);
    if (strcmp(name, "merge") != 0)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "reducer", "a reducer is \"merge\", the path of a shared "
                          "object (./name.so) or \"program COMMAND...\", not \"%.128s\"", name);
    reducing->kind = &fold_merge;
    reducing->schema_version = 1;
    memcpy(reducing->type, "merge", sizeof("merge"));
    return VARVE_OK;
}

enum varve_status varve_reducing_open(const struct varve_reducing_options *options,
                                      struct varve_reducing **ret_reducing, struct varve_error *error)
{
    struct varve_reducing *reducing = calloc(1, sizeof(*reducing));

    if (reducing == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a reducer");
    enum varve_status status = open_kind(options, reducing, error);
    if (status == VARVE_OK)
        status = take_type(options, reducing, error);
    if (status == VARVE_OK)
        *ret_reducing = reducing;
    else
        varve_reducing_close(reducing);
    return status;
}

void varve_reducing_close(struct varve_reducing *reducing)
{
    if (reducing == NULL)
        return;
    if (reducing->kind != NULL && reducing->kind->close != NULL)
        reducing->kind->close(reducing);
    free(reducing->command);
    free(reducing);
}

struct varve_view varve_reducing_type(const struct varve_reducing *reducing)
{
    return varve_view_str(reducing->type);
}

uint32_t varve_reducing_schema_version(const struct varve_reducing *reducing)
{
    return reducing->schema_version;
}

enum varve_content_type varve_reducing_content_type(const struct varve_reducing *reducing)
{
    return reducing->content_type;
}

/* ---- folding ----------------------------------------------------------------------------------------------------- */

enum varve_status varve_fold_begin(struct varve_reducing *reducing, struct varve_fold **ret_fold,
                                   struct varve_error *error)
{
    struct varve_fold *fold = calloc(1, sizeof(*fold));

    if (fold == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a fold");
    fold->reducing = reducing;
    enum varve_status status = reducing->kind->begin(fold, error);
    if (status == VARVE_OK)
        *ret_fold = fold;
    else
        free(fold);
    return status;
}

void varve_fold_end(struct varve_fold *fold)
{
    if (fold == NULL)
        return;
    fold->reducing->kind->end(fold);
    free(fold);
}

/* The stream has failed; its name is put in front of what the kind says. */
static enum varve_status give_up(struct varve_fold *fold, const struct varve_event *event, enum varve_status status,
                                 const struct varve_error *why, struct varve_error *error)
{
    int shown = fold->stream.size < NAME_SHOWN ? (int)fold->stream.size : NAME_SHOWN;
    char place[32] = "";

    if (event != NULL)
        snprintf(place, sizeof(place), ", event %" PRIu64, event->version);
    varve_fail(error, status, why->field, "stream \"%.*s\"%s: %s", shown, fold->stream.data, place, why->message);
    if (error != NULL)
        error->limit = why->limit;
    fold->stream = (struct varve_view){ NULL, 0 };
    return status;
}

enum varve_status varve_fold_stream(struct varve_fold *fold, struct varve_view stream, const struct varve_view *data,
                                    struct varve_error *error)
{
    struct varve_error why = { 0 };

    assert(stream.data != NULL);
    fold->stream = stream;
    enum varve_status status = fold->reducing->kind->stream(fold, data, &why);
    return status == VARVE_OK ? VARVE_OK : give_up(fold, NULL, status, &why, error);
}

enum varve_status varve_fold_event(struct varve_fold *fold, const struct varve_event *event,
                                   struct varve_error *error)
{
    struct varve_error why = { 0 };

    assert(fold->stream.data != NULL);
    enum varve_status status = fold->reducing->kind->event(fold, event, &why);
    return status == VARVE_OK ? VARVE_OK : give_up(fold, event, status, &why, error);
}

/* Would it be taken as a snapshot? Who refuses it later does not say of which stream. */
static enum varve_status check_state(const struct varve_fold *fold, struct varve_view data, struct varve_error *why)
{
    const struct varve_reducing *reducing = fold->reducing;
    const struct varve_snapshot snapshot = {
        .stream = fold->stream, .type = varve_reducing_type(reducing), .schema_version = reducing->schema_version,
        .content_type = reducing->content_type, .data = data,
    };
    struct varve_error error = { 0 };

    if (data.size > VARVE_SNAPSHOT_MAX_BYTES) {
        varve_fail(why, VARVE_EVENT_TOO_LARGE, "data", "the state has %zu bytes; a snapshot may have %u", data.size,
                   VARVE_SNAPSHOT_MAX_BYTES);
        why->limit = VARVE_SNAPSHOT_MAX_BYTES;
        return VARVE_EVENT_TOO_LARGE;
    }
    if (varve_snapshot_check(&snapshot, &error) == VARVE_OK)
        return VARVE_OK;
    return varve_fail(why, error.status, error.field, "the state: %s", error.message);
}

enum varve_status varve_fold_save(struct varve_fold *fold, struct varve_view *ret_data, struct varve_error *error)
{
    struct varve_error why = { 0 };

    assert(fold->stream.data != NULL);
    enum varve_status status = fold->reducing->kind->save(fold, ret_data, &why);
    if (status == VARVE_OK)
        status = check_state(fold, *ret_data, &why);
    return status == VARVE_OK ? VARVE_OK : give_up(fold, NULL, status, &why, error);
}

bool varve_fold_is_lost(const struct varve_fold *fold)
{
    return fold->lost;
}
