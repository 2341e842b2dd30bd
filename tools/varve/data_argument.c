/* data_argument.c - see data_argument.h. */
#include "data_argument.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DATA_MAX_BYTES (16u << 20) /* what the largest store takes; more need not be read to be refused */

static enum varve_status read_all(FILE *file, const char *name, struct text *into, struct varve_error *error)
{
    char chunk[65536];
    size_t got;

    while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        text_add(into, varve_view_of(chunk, got));
        if (into->size > DATA_MAX_BYTES)
            return varve_fail(error, VARVE_EVENT_TOO_LARGE, "data", "%s holds more than %u bytes", name,
                              DATA_MAX_BYTES);
    }
    if (ferror(file))
        return varve_fail(error, VARVE_IO, "data", "%s: %s", name, strerror(errno));
    return VARVE_OK;
}

enum varve_status data_argument_read(const char *word, struct text *into, struct varve_error *error)
{
    if (strcmp(word, "-") == 0)
        return read_all(stdin, "standard input", into, error);
    if (word[0] != '@') {
        text_add_str(into, word);
        return VARVE_OK;
    }
    FILE *file = fopen(word + 1, "rb");
    if (file == NULL)
        return varve_fail(error, VARVE_IO, "data", "%s: %s", word + 1, strerror(errno));
    enum varve_status status = read_all(file, word + 1, into, error);
    fclose(file);
    return status;
}
