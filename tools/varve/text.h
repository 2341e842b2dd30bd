/* text.h - a text that grows while it is written, and JSON written into it. */
#ifndef TOOLS_TEXT_H
#define TOOLS_TEXT_H

#include "varve/event_json.h"

struct text {
    char *bytes; /* not ended by a NUL; NULL while nothing was written */
    size_t size, capacity;
};

void text_free(struct text *text);
static inline void text_clear(struct text *text)
{
    text->size = 0;
}
static inline struct varve_view text_view(const struct text *text)
{
    return varve_view_of(text->bytes != NULL ? text->bytes : "", text->size);
}

void text_add(struct text *text, struct varve_view bytes);
void text_add_str(struct text *text, const char *string);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A JSON string with its quotes. `string` is UTF-8. */
void text_add_json(struct text *text, struct varve_view string);
/* A JSON string holding `bytes` in base64. */
void text_add_base64(struct text *text, struct varve_view bytes);

/* An event as import takes it and `read -o ndjson` prints it; no line feed at the end. */
void text_add_event(struct text *text, const struct varve_event *event);

/* For whoever writes into such a buffer: the text's bytes, which are the buffer's until they are taken back. */
struct varve_wire_buffer text_lend(const struct text *text);
void text_take_back(struct text *text, const struct varve_wire_buffer *buffer);

/* Members of a JSON object that was begun by writing "{": each puts the comma it needs in front. */
void text_key(struct text *text, const char *key);
void text_member(struct text *text, const char *key, struct varve_view string);
void text_member_uint(struct text *text, const char *key, uint64_t number);
void text_member_int(struct text *text, const char *key, int64_t number);
void text_member_bool(struct text *text, const char *key, bool value);
void text_member_uuid(struct text *text, const char *key, const struct varve_uuid *uuid);
void text_member_time(struct text *text, const char *key, int64_t time_us);

#endif
