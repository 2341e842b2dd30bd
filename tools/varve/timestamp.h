/* timestamp.h - moments and durations as people type and read them at a terminal, in microseconds. */
#ifndef TOOLS_TIMESTAMP_H
#define TOOLS_TIMESTAMP_H

#include "varve/time_text.h"

#define TIMESTAMP_TEXT VARVE_TIME_TEXT /* room for any time or duration and the NUL */

/* A moment for --since and --until: RFC 3339, a date alone (its first moment in UTC), "now", or how long ago, such as
 * "10m", "2h ago", "1d12h". */
bool timestamp_parse_moment(struct varve_view text, int64_t now_us, int64_t *ret_us);

/* Numbers with units, largest first by habit only: w, d, h, m, s, ms. "1d12h", "90s". */
bool duration_parse(struct varve_view text, int64_t *ret_us);

/* "2024-05-01T12:00:00.000Z", the rest dropped: for tables, where room is dear. */
void timestamp_format_short(int64_t time_us, char ret_text[TIMESTAMP_TEXT]);
/* The two units that tell most: "3d 4h", "12m 5s", "1.25 s", "830 us". */
void duration_format(int64_t duration_us, char ret_text[TIMESTAMP_TEXT]);

#endif
