/* outbox_config_parts.c - texts and lists of a draft, and how its mistakes are told. */
#include "outbox_config_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool outbox_place_wrong(const struct outbox_place *place, const char *format, ...)
{
    char sentence[384];
    const char *key = place->key != NULL ? place->key : "";
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    varve_fail(place->error, VARVE_INVALID_ARGUMENT, key, "%s: %s%s%s", place->origin, key, *key != 0 ? ": " : "",
               sentence);
    return false;
}

bool outbox_place_no_memory(const struct outbox_place *place)
{
    varve_fail(place->error, VARVE_NO_MEMORY, place->key, "%s: no memory for the configuration", place->origin);
    return false;
}

char *outbox_draft_text(struct outbox_draft *draft, const struct outbox_place *place, struct varve_view text)
{
    struct varve_view copy = outbox_arena_copy(draft->arena, text);

    if (copy.data == NULL)
        outbox_place_no_memory(place);
    return (char *)copy.data;
}

/* Lists are short and their leavings stay in the arena, so each grows by one. */
void *outbox_draft_extend(struct outbox_draft *draft, const struct outbox_place *place, const void *items, size_t count,
                          size_t item_size)
{
    void *list = outbox_arena_take(draft->arena, (count + 1) * item_size);

    if (list == NULL)
        outbox_place_no_memory(place);
    else if (count > 0)
        memcpy(list, items, count * item_size);
    return list;
}

bool outbox_draft_words(struct outbox_draft *draft, const struct outbox_place *place, const char *text,
                        const char ***ret_words, size_t *ret_count)
{
    char *copy = outbox_draft_text(draft, place, varve_view_str(text)), *rest = copy;
    const char **words = copy != NULL ? outbox_arena_take(draft->arena, (strlen(text) / 2 + 1) * sizeof(*words)) : NULL;
    size_t count = 0;

    if (words == NULL)
        return outbox_place_no_memory(place);
    for (char *word = strtok_r(copy, ", \t", &rest); word != NULL; word = strtok_r(NULL, ", \t", &rest))
        words[count++] = word;
    if (count == 0)
        return outbox_place_wrong(place, "expected names parted by commas");
    *ret_words = words;
    *ret_count = count;
    return true;
}
