/* uuid.h - UUIDs as text and as version 7 (time-ordered, RFC 9562). */
#ifndef VARVE_UUID_H
#define VARVE_UUID_H

#include "varve/event.h"

#define VARVE_UUID_TEXT 37 /* 36 characters and the NUL */

static inline bool varve_uuid_is_nil(const struct varve_uuid *uuid)
{
    uint64_t halves[2];
    __builtin_memcpy(halves, uuid->bytes, sizeof(halves));
    return (halves[0] | halves[1]) == 0;
}
bool varve_uuid_equal(const struct varve_uuid *a, const struct varve_uuid *b);

/* Accepts the 36-character form with hyphens, either case. Returns false, *ret untouched, for anything else. */
bool varve_uuid_parse(struct varve_view text, struct varve_uuid *ret);
void varve_uuid_format(const struct varve_uuid *uuid, char ret_text[VARVE_UUID_TEXT]);

/* Version 7 from a time (microseconds since 1970) and 10 random bytes. */
void varve_uuid_v7(int64_t now_us, const uint8_t random_bytes[10], struct varve_uuid *ret);
/* Version 8: an id made of 16 bytes that somebody else has hashed; where the same input must give the same id. */
void varve_uuid_v8(const uint8_t hash[16], struct varve_uuid *ret);

#endif
