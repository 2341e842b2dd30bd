/* figure_named.c - see figure_named.h. */
#include "figure_named.h"

#include "check.h"

uint64_t figure_named(const struct figures *figures, const char *name)
{
#define X(known)                                                                                                       \
    if (strcmp(name, #known) == 0)                                                                                     \
        return figure_get(&figures->known);
    FIGURES(X)
#undef X
    fail_msg("no figure %s", name);
    return 0;
}
