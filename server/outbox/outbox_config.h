/* outbox_config.h - what one outbox is told: where Kafka is, what goes where, and how patient to be.
 *
 * A section [outbox NAME] of the configuration each; docs/outbox-routes.md lists every key with its default. */
#ifndef SERVER_OUTBOX_CONFIG_H
#define SERVER_OUTBOX_CONFIG_H

#include "varve/outbox.h"

enum outbox_format {
    OUTBOX_FORMAT_RAW,            /* the event's data as it is, `v-*` headers */
    OUTBOX_FORMAT_CLOUDEVENTS,    /* CloudEvents 1.0, binary: data as it is, `ce_*` headers */
    OUTBOX_FORMAT_CLOUDEVENTS_STRUCTURED, /* one JSON document */
    OUTBOX_FORMAT_ENVELOPE,       /* {"metadata": {...}, "payload": ...} */
};
enum outbox_key {
    OUTBOX_KEY_STREAM, OUTBOX_KEY_CORRELATION_ID, OUTBOX_KEY_USER_ID, OUTBOX_KEY_CATEGORY, OUTBOX_KEY_TYPE,
    OUTBOX_KEY_EVENT_ID,
};
enum outbox_tombstone { OUTBOX_TOMBSTONE_NEVER, OUTBOX_TOMBSTONE_ON_EMPTY, OUTBOX_TOMBSTONE_ON_TYPE };
enum outbox_poison_policy { OUTBOX_POISON_PARK, OUTBOX_POISON_SKIP, OUTBOX_POISON_HALT };
enum outbox_on_change { OUTBOX_CHANGE_WARN, OUTBOX_CHANGE_HALT };
enum outbox_topic_missing { OUTBOX_TOPIC_CREATE, OUTBOX_TOPIC_BLOCK, OUTBOX_TOPIC_DEAD_LETTER };

/* One line `route = class=... category=... type=... meta.NAME=... -> topic=... key=... format=... tombstone=...`, or
 * `-> drop`. What is not said matches everything. Globs know * and ?. All texts belong to the configuration. */
struct outbox_meta_match {
    const char *name;        /* a member of the event's metadata, which is a JSON object */
    const char *glob;        /* against its text (numbers and true/false as written) */
};
struct outbox_route {
    unsigned classes;        /* 1 << VARVE_CLASS_*; all but realtime when the route does not say */
    const char **categories; /* globs, one of which must match; NULL: any */
    size_t category_count;
    const char **types;      /* likewise */
    size_t type_count;
    struct outbox_meta_match *metas; /* all of which must match */
    size_t meta_count;
    bool drop;
    const char *topic;       /* template: {category} {type} {class} {source} */
    enum outbox_key key;
    enum outbox_format format;
    enum outbox_tombstone tombstone;
    const char *tombstone_type; /* glob, ON_TYPE */
};

struct outbox_property {     /* rdkafka.NAME = VALUE, or rdkafka.NAME_file = PATH for secrets, or $VARIABLE */
    const char *name;
    const char *value;
    bool is_secret;          /* never shown */
};

struct outbox_config {
    char name[VARVE_MAX_OUTBOX_NAME + 1];
    enum varve_outbox_mode mode;
    const char *brokers;               /* "host:port,host:port" */
    bool is_mock;                      /* a mock cluster: it forgets, has no isolation, makes topics by itself */
    struct outbox_route *routes;       /* in order; the built-in last one sends all but realtime to varve.{category} */
    size_t route_count;
    const char **allow_types;          /* globs; NULL: all. What matches none is filtered as `type_not_allowed` */
    size_t allow_type_count;
    const char **required_fields;      /* correlation_id, causation_id, user_id, source, time, data, metadata, */
    size_t required_field_count;       /* data.NAME, metadata.NAME. What lacks one is filtered as `field_missing` */
    const char *priority;              /* critical | high | normal | low: only events whose metadata say this priority
                                        * (none or an unknown one: normal); NULL: all */
    uint64_t start_from;               /* first position when there is no checkpoint anywhere; 1; UINT64_MAX: the end */
    uint32_t max_events;               /* of a transaction; 10,000 (20,000 when far behind) */
    uint32_t max_bytes;                /* of a transaction; 4 MiB */
    int32_t gap_us;                    /* between a commit and the next begin; -1: by itself, 1-20 ms */
    uint32_t transaction_timeout_ms;   /* 15,000 */
    uint32_t message_timeout_ms;       /* 12,000; below the transaction's */
    uint32_t max_message_bytes;        /* 1,000,000: larger ones are poison */
    enum outbox_poison_policy poison_policy;
    uint32_t poison_attempts;          /* 3 */
    uint64_t poison_max_parked;        /* 1,000,000 positions */
    uint64_t poison_max_streams;       /* 10,000 */
    uint64_t poison_retry_after_ms;    /* 0: only by order */
    const char *dead_letter_topic;     /* NULL: none. A copy of what was refused, in the same transaction */
    enum outbox_topic_missing topic_missing;
    uint32_t topic_partitions;         /* of topics that are created; 0: the broker's default */
    uint32_t topic_replication;        /* likewise */
    enum outbox_on_change partitions_changed;
    uint64_t backoff_min_ms, backoff_max_ms; /* 100, 30,000 */
    const char *compression;           /* lz4 */
    struct outbox_property *properties;
    size_t property_count;
};
struct outbox_configs {
    struct outbox_config *all[VARVE_MAX_OUTBOXES];
    size_t count;
};

/* One outbox with all defaults. */
enum varve_status outbox_configs_add(struct outbox_configs *configs, const char *name, const char *brokers,
                                     struct varve_error *error);
void outbox_configs_end(struct outbox_configs *configs);

/* Is this librdkafka property the outbox's own, so that nobody else may set it? */
bool outbox_property_is_denied(const char *name);
/* Is its value one that nobody should see? */
bool outbox_property_is_secret(const char *name);

#endif
