/* time_text.h - moments as people and programs write them: RFC 3339, to the microsecond, in UTC. */
#ifndef VARVE_TIME_TEXT_H
#define VARVE_TIME_TEXT_H

#include "varve/event.h"

#define VARVE_TIME_TEXT 64 /* room for any time and the NUL */

/* RFC 3339: date, 'T' (or 't' or a space), time, fraction of any length (what is below a microsecond is dropped), and
 * 'Z' or an offset. false: it is not that, or no such day or time exists; *ret_us is untouched. */
bool varve_time_parse(struct varve_view text, int64_t *ret_us);
/* A date alone, "2024-05-01": its first moment in UTC. */
bool varve_date_parse(struct varve_view text, int64_t *ret_us);

/* "2024-05-01T12:00:00.000000Z": always UTC, always six digits. Returns its length. */
size_t varve_time_format(int64_t time_us, char ret_text[VARVE_TIME_TEXT]);

#endif
