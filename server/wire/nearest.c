/* nearest.c - see nearest.h; edit distances, as Levenshtein has them. */
#include "varve/nearest.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_BYTES 48 /* longer ones are like nothing we know */

/* Row by row through the table of distances between all beginnings. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_BYTES + 1], width = strlen(b);

    for (size_t j = 0; j <= width; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= width; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t insert = row[j - 1] + 1, leave_out = row[j] + 1;

            diagonal = row[j];
            row[j] = change < insert ? change : insert;
            row[j] = leave_out < row[j] ? leave_out : row[j];
        }
    }
    return row[width];
}

void varve_nearest_offer(struct varve_nearest *nearest, const char *candidate)
{
    size_t wanted_size = strlen(nearest->wanted), size = strlen(candidate);
    size_t allowed = wanted_size < 4 ? 1 : wanted_size / 3 + 1;

    if (wanted_size > NAME_MAX_BYTES || size > NAME_MAX_BYTES)
        return;
    size_t distance = edit_distance(nearest->wanted, candidate);
    bool begins = wanted_size >= 3 && strncmp(nearest->wanted, candidate, wanted_size) == 0;
    if (begins)
        distance = 1;
    if (distance <= allowed && (nearest->best == NULL || distance < nearest->distance)) {
        nearest->best = candidate;
        nearest->distance = distance;
    }
}

const char *varve_nearest_hint(const struct varve_nearest *nearest, const char *prefix,
                               char ret_hint[VARVE_NEAREST_HINT])
{
    ret_hint[0] = '\0';
    if (nearest->best != NULL)
        snprintf(ret_hint, VARVE_NEAREST_HINT, "; did you mean %s%s?", prefix, nearest->best);
    return ret_hint;
}
