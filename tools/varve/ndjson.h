/* ndjson.h - an event as one line of JSON: what `import` takes and `read -o ndjson` prints.
 *
 * `data` and `metadata` pass through as the bytes they are, so numbers of any size and the writer's own spelling
 * survive; only line breaks between the tokens of a stored JSON text become spaces. `data` of another content type than
 * application/json is a base64 string. A member that is left out has its default: class domain, schema_version 1,
 * content_type application/json, nothing for the others. */
#ifndef TOOLS_NDJSON_H
#define TOOLS_NDJSON_H

#include "memory.h"
#include "text.h"

/* The views of *ret_event point into `line` or into the scratch. An id that is not given is nil. version, position and
 * recorded_at are read over. INVALID_ARGUMENT: error->message is the reason. What only the store can know (limits,
 * reserved names) is not looked at. */
enum varve_status ndjson_parse(struct varve_view line, struct scratch *scratch, struct varve_event *ret_event,
                               struct varve_error *error);

/* The whole event with version, position and recorded_at; no line feed at the end. */
void ndjson_format(const struct varve_event *event, struct text *out);

#endif
