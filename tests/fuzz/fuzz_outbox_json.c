/* fuzz_outbox_json.c - members looked up by path: inside the text, and the ones that jansson finds. */
#include "fuzz.h"
#include "server/outbox/outbox_json.h"
#include "varve/json.h"

#include <jansson.h>

/* Is `value` the text of this? Numbers may be written in many ways, and lone surrogates are read in two. */
static void compare(const json_t *theirs, struct varve_view value)
{
    char room[OUTBOX_JSON_TEXT];
    struct varve_view text = outbox_json_text(value, room);

    MUST(text.size <= value.size);
    if (json_is_string(theirs) && value.size <= OUTBOX_JSON_TEXT)
        MUST(varve_view_equal(text, varve_view_of(json_string_value(theirs), json_string_length(theirs))));
    if (json_is_true(theirs) || json_is_false(theirs))
        MUST(varve_view_equal(text, varve_view_str(json_is_true(theirs) ? "true" : "false")));
}

/* The first byte says how long the path is that stands before the object. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char path[64] = "";
    struct varve_view value;
    size_t length = size == 0 ? 0 : bytes[0] % 16;

    if (length + 1 > size)
        return 0;
    memcpy(path, bytes + 1, length);
    struct varve_view object = varve_view_of((const char *)bytes + 1 + length, size - 1 - length);
    if (!varve_json_check(object, NULL, NULL))
        return 0;
    bool found = outbox_json_find(object, path, &value);
    MUST(!found || (value.data > object.data && value.data + value.size < object.data + object.size));
    MUST(!found || varve_json_check(value, NULL, NULL));
    json_t *tree = json_loadb(object.data, object.size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    const json_t *theirs = json_object_get(tree, path);
    if (theirs != NULL && !json_is_null(theirs)) {
        MUST(found);
        compare(theirs, value);
    } else if (tree != NULL && strchr(path, '.') == NULL) {
        MUST(!found);
    }
    json_decref(tree);
    return 0;
}
