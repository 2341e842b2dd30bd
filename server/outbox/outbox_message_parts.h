/* outbox_message_parts.h - what the formats of messages share: one message on its way, header by header. */
#ifndef SERVER_OUTBOX_MESSAGE_PARTS_H
#define SERVER_OUTBOX_MESSAGE_PARTS_H

#include "outbox_message.h"
#include "outbox_text.h"
#include "varve/uuid.h"

/* Texts that are made for a message's headers: four UUIDs, two times, some numbers. */
enum { OUTBOX_HEADER_TEXTS = 4 * VARVE_UUID_TEXT + 2 * OUTBOX_TIME_TEXT + 7 * OUTBOX_NUMBER_TEXT };

struct outbox_headers {
    struct outbox_header all[OUTBOX_MAX_HEADERS];
    size_t count;
    size_t bytes;        /* of names and values */
    char *texts;         /* in the arena; filled from the front */
    size_t texts_used;
};
/* False: no memory. */
bool outbox_headers_begin(struct outbox_headers *headers, struct outbox_arena *arena);
/* Each adds one header, unless it is absent: text.data NULL, a nil UUID, no time. */
void outbox_headers_view(struct outbox_headers *headers, const char *name, struct varve_view value);
void outbox_headers_uuid(struct outbox_headers *headers, const char *name, const struct varve_uuid *uuid);
void outbox_headers_number(struct outbox_headers *headers, const char *name, uint64_t number);
void outbox_headers_time(struct outbox_headers *headers, const char *name, int64_t time_us);
/* The list, in the arena. NULL: no memory. */
const struct outbox_header *outbox_headers_end(const struct outbox_headers *headers, struct outbox_arena *arena);

/* One message on its way: what a format reads, and what it fills in. */
struct outbox_making {
    const struct varve_event *event;
    struct varve_view key;
    struct outbox_arena *arena;
    struct outbox_headers headers;
    struct varve_view value;  /* data NULL: a tombstone */
};
enum { OUTBOX_OVERHEAD = 512 }; /* what Kafka's batches and records need around key, value and headers, and some */

/* What was made, as a message that lives in the arena. */
enum varve_status outbox_making_end(struct outbox_making *making, const char *topic, struct outbox_message *ret,
                                    struct varve_error *error);
enum varve_status outbox_making_no_memory(struct varve_error *error);

/* Each fills headers and value. False: no memory. */
bool outbox_make_raw(struct outbox_making *making);
bool outbox_make_cloudevent(struct outbox_making *making);
bool outbox_make_structured_cloudevent(struct outbox_making *making);
bool outbox_make_envelope(struct outbox_making *making);

/* The event's data, which is empty rather than absent. */
static inline struct varve_view outbox_data_of(const struct varve_event *event)
{
    return event->data.size > 0 ? event->data : varve_view_of("", 0);
}
/* v-id and v-pos: in every message, whatever its format, so that anybody can tell what it is. */
void outbox_make_identity(struct outbox_making *making);

/* Room in the arena for what `write` puts: it is called once to count and once to write. data NULL: no memory. */
struct varve_view outbox_make_text(const struct outbox_making *making,
                                   void (*write)(struct outbox_sink *sink, const struct outbox_making *making));
/* `,"name":` and the value, unless it is absent. */
void outbox_put_text_member(struct outbox_sink *sink, const char *name, struct varve_view text);
void outbox_put_uuid_member(struct outbox_sink *sink, const char *name, const struct varve_uuid *uuid);
void outbox_put_time_member(struct outbox_sink *sink, const char *name, int64_t time_us);

#endif
