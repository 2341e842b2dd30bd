/* outbox_nearest.c - edit distances, as Levenshtein has them. */
#include "outbox_nearest.h"

#include <stdio.h>
#include <string.h>

enum { MAX_WORD = 48 }; /* longer ones are no misspelt names of ours */

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Row by row through the table of distances between all beginnings; both at most MAX_WORD long. */
static unsigned distance_of(const char *a, const char *b)
{
    unsigned row[MAX_WORD + 1];
    size_t width = strlen(b);

    for (unsigned j = 0; j <= width; j++)
        row[j] = j;
    for (unsigned i = 1; a[i - 1] != 0; i++) {
        unsigned diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= width; j++) {
            unsigned above = row[j];

            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[width];
}

void outbox_nearest_offer(struct outbox_nearest *nearest, const char *name)
{
    size_t length = strlen(nearest->word);

    if (length > MAX_WORD || strlen(name) > MAX_WORD)
        return;
    unsigned distance = distance_of(nearest->word, name);
    if (distance > 2 && distance > length / 3)
        return; /* That would be a guess. */
    if (nearest->name != NULL && distance >= nearest->distance)
        return;
    nearest->name = name;
    nearest->distance = distance;
}

const char *outbox_nearest_hint(const struct outbox_nearest *nearest, char room[OUTBOX_NEAREST_HINT])
{
    room[0] = 0;
    if (nearest->name != NULL)
        snprintf(room, OUTBOX_NEAREST_HINT, "; did you mean %s?", nearest->name);
    return room;
}
