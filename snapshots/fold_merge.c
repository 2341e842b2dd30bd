/* fold_merge.c - the reducer that is built in: each event's data is a JSON merge patch (RFC 7396) of the state. */
#include <stdlib.h>

#include "canonical.h"
#include "fold_parts.h"

struct merge {
    json_t *state;       /* null before the first event that has data */
    struct grow saved;
};

static enum varve_status begin(struct varve_fold *fold, struct varve_error *error)
{
    fold->own = calloc(1, sizeof(struct merge));
    return fold->own != NULL ? VARVE_OK : varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a fold");
}

static void end(struct varve_fold *fold)
{
    struct merge *merge = fold->own;

    json_decref(merge->state);
    grow_free(&merge->saved);
    free(merge);
}

static enum varve_status parse(struct varve_view text, json_t **ret_value, struct varve_error *error)
{
    json_error_t why;
    json_t *value = json_loadb(text.data, text.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);

    if (value != NULL) {
        *ret_value = value;
        return VARVE_OK;
    }
    if (json_error_code(&why) == json_error_out_of_memory)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for its JSON");
    if (json_error_code(&why) == json_error_numeric_overflow)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "data", "a number in the data is too large: "
                          "integers have 64 bits, others are those of IEEE 754 (byte %d)", why.position);
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "data", "the data cannot be merged: %s (byte %d)", why.text,
                      why.position);
}

static enum varve_status stream(struct varve_fold *fold, const struct varve_view *data, struct varve_error *error)
{
    struct merge *merge = fold->own;

    json_decref(merge->state);
    merge->state = NULL;
    if (data != NULL)
        return parse(*data, &merge->state, error);
    merge->state = json_null();
    return VARVE_OK;
}

/* MergePatch of RFC 7396, in place: takes over the reference to `target`, leaves that to `patch`; NULL: no memory.
 * Depth is bounded by that of the patch, which the parser bounds. */
static json_t *merge_patch(json_t *target, json_t *patch)
{
    const char *key;
    json_t *value;

    if (!json_is_object(patch)) {
        json_decref(target);
        return json_incref(patch);
    }
    if (!json_is_object(target)) {
        json_decref(target);
        target = json_object();
    }
    json_object_foreach(patch, key, value) {
        if (target == NULL)
            break;
        if (json_is_null(value)) {
            json_object_del(target, key);
            continue;
        }
        json_t *merged = merge_patch(json_incref(json_object_get(target, key)), value);
        if (merged == NULL || json_object_set_new(target, key, merged) != 0) {
            json_decref(target);
            target = NULL;
        }
    }
    return target;
}

static enum varve_status event(struct varve_fold *fold, const struct varve_event *next, struct varve_error *error)
{
    struct merge *merge = fold->own;
    json_t *patch = NULL;

    if (next->data.size == 0)
        return VARVE_OK; /* There is nothing to merge. */
    if (next->content_type != VARVE_CONTENT_JSON)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "data", "its data is %s; only JSON can be merged",
                          varve_content_type_name(next->content_type));
    enum varve_status status = parse(next->data, &patch, error);
    if (status != VARVE_OK)
        return status;
    merge->state = merge_patch(merge->state, patch);
    json_decref(patch);
    return merge->state != NULL ? VARVE_OK : varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for the state");
}

static enum varve_status save(struct varve_fold *fold, struct varve_view *ret_data, struct varve_error *error)
{
    struct merge *merge = fold->own;

    grow_clear(&merge->saved);
    if (!canonical_write(merge->state, &merge->saved))
        return merge->saved.failed ? varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for the state as JSON")
                                   : varve_fail(error, VARVE_INVALID_ARGUMENT, "data", "the state is nested too deep");
    *ret_data = grow_view(&merge->saved);
    return VARVE_OK;
}

const struct fold_kind fold_merge = { .begin = begin, .end = end, .stream = stream, .event = event, .save = save };
