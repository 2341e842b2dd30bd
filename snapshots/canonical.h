/* canonical.h - JSON written so that equal values are equal bytes. */
#ifndef SNAPSHOTS_CANONICAL_H
#define SNAPSHOTS_CANONICAL_H

#include <jansson.h>

#include "grow.h"

/* Members by the bytes of their names, no white space, strings with only the escapes that JSON demands, real numbers
 * with the fewest digits that give the same number, and a point or an exponent: 0.1, 100.0, 1e+22. false: deeper than
 * VARVE_JSON_MAX_DEPTH, or no memory (out->failed). */
bool canonical_write(const json_t *value, struct grow *out);

#endif
