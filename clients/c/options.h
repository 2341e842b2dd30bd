/* options.h - the options of a client: their defaults, their ranges, and how each is set by name (in a url's query). */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include "varve/client.h"

#define CLIENT_NAME_MAX 128u /* bytes of client_name, as the server takes it */

/* Set the numeric option `name` from decimal text. INVALID_ARGUMENT when it is unknown, no number or out of range. */
enum varve_status options_set(struct varve_client_options *options, struct varve_view name, struct varve_view text,
                              struct varve_error *error);

/* Every number within its range, and the name short enough and printable? */
enum varve_status options_check(const struct varve_client_options *options, struct varve_error *error);

#endif
