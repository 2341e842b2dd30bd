/* fuzz_json.c - the checker agrees with jansson, and the members of what it accepts are JSON themselves. */
#include "fuzz.h"
#include "varve/json.h"

#include <jansson.h>

static void check_members(struct varve_view text)
{
    struct varve_view key, value;
    const char *last = text.data;

    for (size_t cursor = 0; varve_json_next_member(text, &cursor, &key, &value); last = value.data + value.size) {
        MUST(key.data > last && value.data > key.data + key.size && value.data + value.size < text.data + text.size);
        MUST(varve_json_check(varve_view_of(key.data - 1, key.size + 2), NULL, NULL)); /* With its quotes. */
        MUST(varve_json_check(value, NULL, NULL));
    }
}

/* jansson refuses numbers it cannot hold and lone surrogates, takes deeper nesting, and overlooks a NUL byte behind a
 * number; else the two must agree. */
static void compare_with_jansson(struct varve_view text, bool ours, const char *why)
{
    json_error_t error;

    if (memmem(text.data, text.size, "\\u", 2) != NULL || memchr(text.data, 0, text.size) != NULL ||
        (!ours && strcmp(why, "nested too deep") == 0))
        return;
    json_t *value = json_loadb(text.data, text.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    bool theirs = value != NULL;
    json_decref(value);
    MUST(ours == theirs || (ours && json_error_code(&error) == json_error_numeric_overflow));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct varve_view text = varve_view_of((const char *)bytes, size);
    size_t offset = SIZE_MAX;
    const char *why = NULL;
    bool good = varve_json_check(text, &offset, &why);

    MUST(good ? why == NULL : why != NULL && offset <= size);
    if (good)
        check_members(text);
    else if (offset < size) /* What stands behind the offence makes no difference. */
        MUST(!varve_json_check(varve_view_of(text.data, offset + 1), NULL, NULL));

    struct varve_view key, value;
    for (size_t cursor = 0; varve_json_next_member(text, &cursor, &key, &value);) /* Unchecked or not: inside. */
        MUST(key.data >= text.data && value.data + value.size <= text.data + size);
    if (size > 0)
        compare_with_jansson(text, good, why);
    return 0;
}
