/* fold_object.c - a reducer that is a shared object with the functions of reducer.h, called in this process. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "fold_parts.h"
#include "varve/reducer.h"

#define SYMBOL "varve_reducer"

struct object {
    void *library;
    const struct varve_reducer *reducer;
};

/* Set around every call into the object. */
static __thread const struct varve_view *at_work;

const struct varve_view *varve_fold_at_work(void)
{
    return at_work;
}

static const struct varve_reducer *reducer_of(const struct varve_fold *fold)
{
    return ((const struct object *)fold->reducing->own)->reducer;
}

static void drop_state(struct varve_fold *fold)
{
    if (fold->own != NULL)
        reducer_of(fold)->destroy(fold->own);
    fold->own = NULL;
}

static enum varve_status begin(struct varve_fold *fold, struct varve_error *error)
{
    return VARVE_OK;
}

static enum varve_status stream(struct varve_fold *fold, const struct varve_view *data, struct varve_error *error)
{
    const struct varve_reducer *reducer = reducer_of(fold);
    const char *why = NULL;

    drop_state(fold);
    at_work = &fold->stream;
    fold->own = reducer->create(fold->stream.data, fold->stream.size, data != NULL ? data->data : NULL,
                                data != NULL ? data->size : 0, &why);
    at_work = NULL;
    if (fold->own != NULL)
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "reducer", "the reducer has no state for it: %.300s",
                      why != NULL ? why : "it does not say why");
}

static enum varve_status event(struct varve_fold *fold, const struct varve_event *next, struct varve_error *error)
{
    const struct varve_reducer_event given = {
        .stream = fold->stream.data, .stream_size = fold->stream.size,
        .type = next->type.data, .type_size = next->type.size,
        .version = (int64_t)next->version, .position = next->position, .recorded_at_us = next->recorded_at_us,
        .schema_version = next->schema_version, .content_type = (uint32_t)next->content_type,
        .data = next->data.data != NULL ? next->data.data : "", .data_size = next->data.size,
    };

    at_work = &fold->stream;
    const char *why = reducer_of(fold)->apply(fold->own, &given);
    at_work = NULL;
    if (why == NULL)
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "reducer", "the reducer says: %.300s", why);
}

static enum varve_status save(struct varve_fold *fold, struct varve_view *ret_data, struct varve_error *error)
{
    const void *data = NULL;
    size_t size = 0;

    at_work = &fold->stream;
    reducer_of(fold)->save(fold->own, &data, &size);
    at_work = NULL;
    if (data == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, "reducer", "the reducer has no memory for the state's bytes");
    *ret_data = varve_view_of(data, size);
    return VARVE_OK;
}

static void close_object(struct varve_reducing *reducing)
{
    struct object *object = reducing->own;

    if (object != NULL && object->library != NULL)
        dlclose(object->library);
    free(object);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static enum varve_status check_table(const char *path, const struct varve_reducer *reducer, struct varve_error *error)
{
    if (reducer == NULL)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "reducer", "%.256s: " SYMBOL "() returns NULL", path);
    if (reducer->abi != VARVE_REDUCER_ABI)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "reducer", "%.256s was made for version %u of varve/reducer.h,"
                          " this is version %u", path, reducer->abi, VARVE_REDUCER_ABI);
    if (reducer->create == NULL || reducer->apply == NULL || reducer->save == NULL || reducer->destroy == NULL)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "reducer", "%.256s: its table lacks a function", path);
    if (reducer->type == NULL || reducer->type[0] == '\0' || strlen(reducer->type) > VARVE_SNAPSHOT_MAX_TYPE)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "reducer", "%.256s: its type has more than %u bytes, or is "
                          "not there", path, VARVE_SNAPSHOT_MAX_TYPE);
    if (reducer->content_type > VARVE_CONTENT_OCTET_STREAM)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "reducer", "%.256s: there is no content type %u", path,
                          reducer->content_type);
    return VARVE_OK;
}

static enum varve_status look_up(struct object *object, const char *path, struct varve_error *error)
{
    const struct varve_reducer *(*entry)(void);

    object->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object->library == NULL)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "reducer", "%s", dlerror());
    void *symbol = dlsym(object->library, SYMBOL);
    if (symbol == NULL)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "reducer", "%.256s has no function " SYMBOL "()", path);
    memcpy(&entry, &symbol, sizeof(entry)); /* C does not convert between the two */
    object->reducer = entry();
    return check_table(path, object->reducer, error);
}

enum varve_status fold_object_open(struct varve_reducing *reducing, struct varve_error *error)
{
    struct object *object = calloc(1, sizeof(*object));

    reducing->own = object;
    if (object == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a reducer");
    enum varve_status status = look_up(object, reducing->command, error);
    if (status != VARVE_OK)
        return status;
    memcpy(reducing->type, object->reducer->type, strlen(object->reducer->type) + 1);
    reducing->schema_version = object->reducer->schema_version;
    reducing->content_type = (enum varve_content_type)object->reducer->content_type;
    return VARVE_OK;
}

const struct fold_kind fold_object = {
    .begin = begin, .end = drop_state, .stream = stream, .event = event, .save = save, .close = close_object,
};
