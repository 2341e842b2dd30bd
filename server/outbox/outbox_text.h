/* outbox_text.h - numbers, times and JSON as bytes, without a detour over formats. Pure. */
#ifndef SERVER_OUTBOX_TEXT_H
#define SERVER_OUTBOX_TEXT_H

#include "varve/event.h"

enum { OUTBOX_NUMBER_TEXT = 20, OUTBOX_TIME_TEXT = 27 };

size_t outbox_text_number(char at[OUTBOX_NUMBER_TEXT], uint64_t number); /* bytes written; no NUL */
/* RFC 3339 in UTC, "2026-11-21T18:00:00.000000Z". VARVE_TIME_MIN to VARVE_TIME_MAX. */
size_t outbox_text_time(char at[OUTBOX_TIME_TEXT], int64_t time_us);

/* Where bytes go. Used twice: without room it counts, then it writes into as much. */
struct outbox_sink {
    char *room; /* NULL: only count */
    size_t size;
};
void outbox_put(struct outbox_sink *sink, const char *bytes, size_t size);
static inline void outbox_put_view(struct outbox_sink *sink, struct varve_view text)
{
    outbox_put(sink, text.data, text.size);
}
void outbox_put_word(struct outbox_sink *sink, const char *word);             /* as it is */
void outbox_put_number(struct outbox_sink *sink, uint64_t number);
void outbox_put_string(struct outbox_sink *sink, struct varve_view text);     /* UTF-8, as a string of JSON */
void outbox_put_base64(struct outbox_sink *sink, struct varve_view bytes);    /* RFC 4648, padded, as a string */
/* A reference as RFC 3986 has it: what it does not allow there is %XX. */
void outbox_put_uri(struct outbox_sink *sink, struct varve_view text);

#endif
