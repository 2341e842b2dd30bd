/* top_json.h - a sample and its rates as one JSON object. */
#ifndef TOOLS_TOP_JSON_H
#define TOOLS_TOP_JSON_H

#include "text.h"
#include "top_rates.h"

/* Over what `out` held. */
void top_format_sample(struct text *out, int64_t time_us, const struct top_sample *sample,
                       const struct top_rates *rates);
/* {"time":...,"error":"UNREACHABLE","message":...}: nobody answered. */
void top_format_away(struct text *out, int64_t time_us, const struct varve_error *why);

#endif
