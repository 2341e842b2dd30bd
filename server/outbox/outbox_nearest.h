/* outbox_nearest.h - the known name that somebody may have meant by an unknown one. */
#ifndef SERVER_OUTBOX_NEAREST_H
#define SERVER_OUTBOX_NEAREST_H

#include <stddef.h>

struct outbox_nearest {
    const char *word;    /* as written */
    const char *name;    /* the best offer so far that is near enough to be meant; NULL: none */
    unsigned distance;   /* insertions, deletions and replacements between the two */
};
static inline struct outbox_nearest outbox_nearest_to(const char *word)
{
    return (struct outbox_nearest){ .word = word };
}
void outbox_nearest_offer(struct outbox_nearest *nearest, const char *name); /* of several as near, the first stays */

/* "; did you mean NAME?", or nothing. */
enum { OUTBOX_NEAREST_HINT = 96 };
const char *outbox_nearest_hint(const struct outbox_nearest *nearest, char room[OUTBOX_NEAREST_HINT]);

#endif
