/* event.h - what an event is, and the limits of its parts. Used by engine, server and clients alike.
 *
 * Views never own memory: each struct that holds one says what it points into. */
#ifndef VARVE_EVENT_H
#define VARVE_EVENT_H

#include "varve/status.h"

#define VARVE_MAX_STREAM_NAME 480u        /* bytes, of a name a client may write to */
#define VARVE_MAX_SYSTEM_STREAM_NAME 490u /* bytes; "$$" + a client's name and a little room */
#define VARVE_MAX_TYPE 255u               /* bytes */
#define VARVE_MAX_SOURCE 255u             /* bytes */
#define VARVE_MAX_USER_ID 255u            /* bytes */

/* Bytes or UTF-8 text that belong to somebody else. data == NULL means "absent"; size 0 with data != NULL "empty". */
struct varve_view {
    const char *data;
    size_t size;
};

/* A UUID in network byte order. All zero (the nil UUID) stands for "absent" and is never a valid id. */
struct varve_uuid {
    uint8_t bytes[16];
};

enum varve_class { VARVE_CLASS_DOMAIN = 0, VARVE_CLASS_INTEGRATION = 1, VARVE_CLASS_REALTIME = 2 };

enum varve_content_type {
    VARVE_CONTENT_JSON = 0,         /* application/json; checked on append */
    VARVE_CONTENT_MSGPACK = 1,      /* application/msgpack; checked on append (bounded walk) */
    VARVE_CONTENT_OCTET_STREAM = 2, /* application/octet-stream; any bytes */
};

#define VARVE_TIME_NONE INT64_MIN /* an event whose client did not say when it happened */
#define VARVE_TIME_MIN (-62167219200000000) /* 0000-01-01T00:00:00Z: what RFC 3339 can write, */
#define VARVE_TIME_MAX 253402300799999999   /* 9999-12-31T23:59:59.999999Z */

/* One event. When appending, the client fills the first part; `id` may be nil (the store then makes a UUIDv7).
 * The second part is assigned by the store and filled in by readers. */
struct varve_event {
    struct varve_view stream;         /* 1-480 bytes of UTF-8 without control characters */
    struct varve_view type;           /* 1-255 bytes of UTF-8 without control characters */
    struct varve_uuid id;
    struct varve_uuid correlation_id; /* nil: none */
    struct varve_uuid causation_id;   /* nil: none */
    int64_t time_us;                  /* when it happened: us since 1970 UTC, VARVE_TIME_MIN to _MAX, or _NONE */
    uint32_t schema_version;          /* of `data`, as its writer counts; 1 by convention for the first */
    enum varve_class class_;
    enum varve_content_type content_type;
    struct varve_view source;         /* the service that wrote it; absent allowed */
    struct varve_view user_id;        /* on whose behalf; absent allowed */
    struct varve_view data;           /* absent is the same as empty: no data, which every content type allows */
    struct varve_view metadata;       /* a JSON text, checked on append; absent allowed */

    uint64_t position;                /* 1, 2, 3, ... in the store */
    uint64_t version;                 /* 0, 1, 2, ... in its stream */
    int64_t recorded_at_us;           /* when it was committed; never goes back along positions */
};

/* Shape rules, one place. `field` names the argument in the error; `system` allows the reserved `$` prefix. */
enum varve_status varve_check_stream_name(struct varve_view name, bool system, const char *field,
                                          struct varve_error *error);
enum varve_status varve_check_text(struct varve_view text, size_t max_bytes, const char *field,
                                   struct varve_error *error);

/* Every rule for one event as a client may append it, except the store's own size limits: type, source, user_id,
 * class, content type, data as its content type demands, metadata as JSON. `index` is its place in the request and
 * appears in the error's field as "events[index].type". The stream's name is not looked at. */
enum varve_status varve_check_event(const struct varve_event *event, size_t index, struct varve_error *error);

/* The text before the first '-'; the whole name when there is none. Points into `stream`. */
struct varve_view varve_category(struct varve_view stream);

static inline struct varve_view varve_view_of(const char *text, size_t size)
{
    return (struct varve_view){ text, size };
}
struct varve_view varve_view_str(const char *text); /* Of a C string, without its NUL; NULL gives "absent". */
bool varve_view_equal(struct varve_view a, struct varve_view b);

const char *varve_class_name(enum varve_class class_);                 /* "domain", ...; NULL: unknown */
bool varve_class_parse(struct varve_view text, enum varve_class *ret); /* false: unknown, *ret untouched */
const char *varve_content_type_name(enum varve_content_type type);     /* "application/json", ...; NULL: unknown */
bool varve_content_type_parse(struct varve_view text, enum varve_content_type *ret);

#endif
