/* port_file.c - see port_file.h. */
#include "port_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static enum varve_status fail(const char *key, const char *path, struct varve_error *error)
{
    return varve_fail(error, VARVE_IO, key, "%s %s: %s", key, path, strerror(errno));
}

enum varve_status port_file_write(const char *key, const char *path, const uint16_t *ports, size_t count,
                                  struct varve_error *error)
{
    char temporary[4096];
    FILE *file = NULL;

    errno = ENAMETOOLONG;
    if (snprintf(temporary, sizeof(temporary), "%s.new", path) < (int)sizeof(temporary))
        file = fopen(temporary, "we");
    if (file == NULL)
        return fail(key, path, error);
    for (size_t i = 0; i < count; i++)
        fprintf(file, "%" PRIu16 "\n", ports[i]);
    bool written = ferror(file) == 0;
    written &= fclose(file) == 0;
    return written && rename(temporary, path) == 0 ? VARVE_OK : fail(key, path, error);
}
