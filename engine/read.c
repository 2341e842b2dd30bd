/* read.c - what a read asks for, before anybody has looked at a store: clients link this without the engine. */
#include "varve/store.h"

void varve_read_init(struct varve_read *read)
{
    *read = (struct varve_read){ .kind = VARVE_READ_ALL, .from = VARVE_FROM_EDGE, .since_us = VARVE_TIME_NONE,
                                 .until_us = VARVE_TIME_NONE };
}
