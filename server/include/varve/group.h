/* group.h - consumer groups as clients see them: what is set, what is told about them. See docs/subscriptions.md. */
#ifndef VARVE_GROUP_H
#define VARVE_GROUP_H

#include "varve/filter.h"

#define VARVE_MAX_GROUP_NAME 128u    /* bytes of UTF-8 without control characters, not beginning with '$' */
#define VARVE_MAX_CONSUMER_NAME 128u
#define VARVE_MAX_REASON 1024u       /* bytes of a nack's or a stop's reason; longer ones are refused */
#define VARVE_MAX_BACKOFFS 16u
#define VARVE_MAX_GROUPS 1000u       /* of one server */
#define VARVE_MAX_CONSUMERS 1000u    /* of one group */
#define VARVE_MAX_IN_FLIGHT 10000u   /* of a group or a consumer */
#define VARVE_MAX_ATTEMPTS 1000u
#define VARVE_MIN_ACK_TIMEOUT_MS 100u
#define VARVE_MAX_WAIT_MS 86400000u  /* a day: ack timeouts, backoffs, retries, extensions */
#define VARVE_MAX_ACKS 10000u        /* positions of one ack, nack or extension */
#define VARVE_MAX_PARKED_LIST 1000u  /* entries of one answer */

/* Events of one key are worked on one after the other, in the order of the log, by one consumer at a time. */
enum varve_group_key {
    VARVE_GROUP_KEY_STREAM = 0,      /* the stream's name */
    VARVE_GROUP_KEY_CATEGORY = 1,
    VARVE_GROUP_KEY_CORRELATION = 2, /* the correlation id; events without one go by their stream */
};
const char *varve_group_key_name(enum varve_group_key key);                 /* "stream", "category", "correlation" */
bool varve_group_key_parse(struct varve_view text, enum varve_group_key *ret);

struct varve_group_settings {
    const struct varve_filter *filter; /* NULL: everything */
    enum varve_group_key key;
    uint32_t max_in_flight;            /* of the whole group; 1-10,000; default 1,000 */
    uint32_t consumer_max_in_flight;   /* of one consumer, who may ask for less; 1-10,000; default 100 */
    uint32_t ack_timeout_ms;           /* from delivery; then the next attempt; 100 to 86,400,000; default 30,000 */
    uint32_t max_attempts;             /* deliveries of one event; then it is parked; 1-1,000; default 5 */
    uint32_t backoff_ms[VARVE_MAX_BACKOFFS]; /* before the 2nd, 3rd, ... attempt; the last is used again; each at most
                                              * 86,400,000; default 1,000, 5,000, 30,000 */
    uint32_t backoff_count;            /* 0: no waiting */
};
void varve_group_settings_init(struct varve_group_settings *settings); /* all defaults */
/* Ranges and the filter; INVALID_ARGUMENT names the field, such as "settings.ack_timeout_ms". */
enum varve_status varve_group_settings_check(const struct varve_group_settings *settings, struct varve_error *error);
enum varve_status varve_check_group_name(struct varve_view name, const char *field, struct varve_error *error);

struct varve_group_consumer {
    struct varve_view name;
    uint64_t epoch;                  /* its membership; acks name it */
    uint32_t in_flight, max_in_flight;
};
struct varve_group_info {
    struct varve_view name;
    struct varve_group_settings settings;
    bool stopped;                    /* by a nack{stop}; goes on after an update with `resume` or a reset */
    struct varve_view stop_reason;   /* absent unless stopped */
    uint64_t checkpoint;             /* every event of the filter up to here is finished; durable up to a second ago */
    uint64_t last_position;          /* of the log */
    uint64_t in_flight, retrying;    /* delivered and not acked; waiting for their next attempt */
    uint64_t parked;                 /* events set aside */
    uint64_t acked, redelivered;     /* since the server started */
    int64_t created_at_us;
    const struct varve_group_consumer *consumers;
    size_t consumer_count;
};

enum varve_nack {
    VARVE_NACK_RETRY = 0,            /* again after `retry_after_ms` or the group's backoff; counts as an attempt */
    VARVE_NACK_PARK = 1,             /* set it aside and go on with its key */
    VARVE_NACK_SKIP = 2,             /* it is done, though nobody did it */
    VARVE_NACK_STOP = 3,             /* the whole group stops; the event stays unfinished */
};

struct varve_parked_event {
    uint64_t position;
    struct varve_view stream, type;  /* of the event */
    uint64_t version;
    struct varve_uuid id;
    uint32_t attempts;
    struct varve_view reason;        /* "max_attempts", "nack", "timeout", "consumer_lost" */
    struct varve_view last_error;    /* the last nack's reason; absent allowed */
    int64_t first_attempt_us, parked_at_us;
    bool replaying;                  /* is with the consumers again */
};

#endif
