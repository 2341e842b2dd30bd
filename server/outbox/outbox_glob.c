/* outbox_glob.c - patterns with * and ?. Going back happens to the last star only, so that the time is linear in the
 * text; what stands before it needs no second look. */
#include "outbox_route.h"

static bool is_continuation(const struct varve_view *text, size_t at)
{
    return at < text->size && ((uint8_t)text->data[at] & 0xc0) == 0x80;
}

/* Where the next character of the UTF-8 text begins. */
static size_t next_character(const struct varve_view *text, size_t at)
{
    at++;
    while (is_continuation(text, at))
        at++;
    return at;
}

bool outbox_glob_match(const char *glob, struct varve_view text)
{
    const char *behind_star = NULL; /* of the glob, */
    size_t at = 0, tried = 0;       /* and from where in the text it was tried to match that */

    while (at < text.size) {
        if (*glob == '*') {
            behind_star = ++glob;
            tried = at;
            if (*glob == 0)
                return true;
        } else if (*glob == '?') {
            glob++;
            at = next_character(&text, at);
        } else if (*glob != 0 && *glob == text.data[at]) {
            glob++;
            at++;
        } else if (behind_star != NULL) {
            glob = behind_star;
            at = tried = next_character(&text, tried);
        } else {
            return false;
        }
    }
    while (*glob == '*')
        glob++;
    return *glob == 0;
}
