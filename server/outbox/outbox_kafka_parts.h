/* outbox_kafka_parts.h - what the files of outbox_kafka share. Nobody else includes it. */
#ifndef SERVER_OUTBOX_KAFKA_PARTS_H
#define SERVER_OUTBOX_KAFKA_PARTS_H

#include <librdkafka/rdkafka.h>

#include "outbox_kafka.h"

enum {
    KAFKA_SLICE_MS = 200,        /* nothing waits longer without asking `interrupted` (but for a commit, an abort) */
    KAFKA_MANAGE_MS = 10000,     /* for topics to be asked for and made */
    KAFKA_CODE = 64,
    KAFKA_TOPIC_NAME = 256,
};

/* ---- outbox_kafka_ear.c: what librdkafka tells by callbacks ---- */

struct kafka_ear {
    const struct outbox_kafka_options *options;
    bool is_suspect;
    bool all_down;               /* the last that was heard: no broker is there */
    rd_kafka_resp_err_t trouble; /* the newest error of a connection, rights before unreachability; 0: none */
    char sentence[VARVE_MAX_OUTBOX_REASON];
    int64_t lines_at_ms;         /* log lines are limited: */
    unsigned lines, hidden;      /* room for so many; left out since the last one */
};
void kafka_ear_init(struct kafka_ear *ear, const struct outbox_kafka_options *options);
/* error_cb, log_cb and stats_cb with `ear` as their opaque. */
void kafka_ear_attach(struct kafka_ear *ear, rd_kafka_conf_t *conf);
/* How long to wait for Kafka; `otherwise_ms` when nothing is known to be wrong. */
int64_t kafka_ear_patience_ms(const struct kafka_ear *ear, int64_t otherwise_ms);
/* A connection error that cannot have left a request of ours on its way. */
bool kafka_ear_is_harmless(rd_kafka_resp_err_t error, const char *sentence);

/* ---- outbox_kafka_stats.c ---- */

/* A digest of librdkafka's statistics as JSON; false: they could not be read, or it does not fit. */
bool kafka_stats_digest(const char *json, size_t size, char *ret, size_t room);

/* ---- outbox_kafka_errors.c: what an error means ---- */

enum outbox_result kafka_result_of(rd_kafka_resp_err_t error);
bool kafka_is_poison(rd_kafka_resp_err_t error);
/* Fills *fault and says what it means; the latest trouble of the connections is added where it explains more. */
enum outbox_result kafka_fail(const struct kafka_ear *ear, struct outbox_fault *fault, const char *call,
                              rd_kafka_resp_err_t error, const char *sentence);
enum outbox_result kafka_interrupted(struct outbox_fault *fault, const char *call);

/* ---- outbox_kafka_properties.c ---- */

enum kafka_role {
    KAFKA_PRODUCER,
    KAFKA_CONSUMER,              /* read_committed */
    KAFKA_LOOKER,                /* a consumer that sees where partitions end, what is open included */
};
/* A librdkafka instance with all properties; its threads take no signals. */
enum outbox_result kafka_instance_new(enum kafka_role role, struct kafka_ear *ear, rd_kafka_t **ret,
                                      struct outbox_fault *fault);
/* For delivery reports. */
typedef void kafka_delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque);
extern kafka_delivered kafka_delivery_report;

/* ---- outbox_kafka_topics.c: the topics an instance knows ---- */

struct kafka_topic {
    char name[KAFKA_TOPIC_NAME];
    rd_kafka_topic_t *rkt;
    int32_t partitions;          /* 0: does not exist */
    int64_t asked_at_ms;         /* 0: that is not known */
};
struct kafka_topics {
    struct kafka_topic **all;    /* by name */
    size_t count, room;
    const struct kafka_topic *last; /* found */
};
void kafka_topics_end(struct kafka_topics *topics);
/* The topic as it was learnt; NULL: not yet. */
const struct kafka_topic *kafka_topics_find(struct kafka_topics *topics, const char *name);
/* Ask Kafka, making nothing. *ret stays the table's. */
enum outbox_result kafka_topics_ask(struct outbox_kafka *kafka, const char *name, struct kafka_topic **ret,
                                    struct outbox_fault *fault);
/* Ask until it is there, for a topic that was just made. */
enum outbox_result kafka_topics_await(struct outbox_kafka *kafka, const char *name, struct kafka_topic **ret,
                                      struct outbox_fault *fault);

/* ---- outbox_kafka_admin.c ---- */

struct kafka_setting {
    const char *name, *value;
};
/* It exists already: DONE. */
enum outbox_result kafka_admin_create(struct outbox_kafka *kafka, const char *topic, int partitions,
                                      const struct kafka_setting *settings, size_t count, struct outbox_fault *fault);
/* A topic's setting; *ret empty when Kafka does not tell us. */
enum outbox_result kafka_admin_setting(struct outbox_kafka *kafka, const char *topic, const char *name,
                                       char *ret, size_t room, struct outbox_fault *fault);

/* ---- outbox_kafka_transaction.c ---- */

enum outbox_result kafka_transaction_begin(struct outbox_kafka *kafka, struct outbox_fault *fault);
enum outbox_result kafka_transaction_commit(struct outbox_kafka *kafka, struct outbox_fault *fault);
/* Only so that Kafka need not wait for its timeout; what comes of it does not matter. */
void kafka_transaction_abort(struct outbox_kafka *kafka, int timeout_ms);
/* The error that librdkafka keeps for a transaction that cannot go on; 0: none. */
rd_kafka_resp_err_t kafka_transaction_error(struct outbox_kafka *kafka, char *ret_sentence, size_t room);

/* ---- outbox_kafka_reader.c: a partition's records, read committed, to its end ---- */

struct kafka_reader {
    struct outbox_kafka_options options;
    struct kafka_ear ear;
    rd_kafka_t *rk;
};
enum outbox_result kafka_reader_open(struct kafka_reader *reader, enum kafka_role role,
                                     const struct outbox_kafka_options *options, struct outbox_fault *fault);
void kafka_reader_close(struct kafka_reader *reader);

struct kafka_range {
    const char *topic;
    int32_t partition;
    int64_t low, high;           /* the first offset, and the one behind the last */
};
/* Fills low and high of a partition that exists. `rk` is a consumer (then the end is that of what is decided), or a
 * looker or producer (then open transactions count). */
enum outbox_result kafka_reader_range(rd_kafka_t *rk, const struct kafka_ear *ear, struct kafka_range *range,
                                      struct outbox_fault *fault);
/* Every record from range->low on, until the consumer stands at range->high. `each` false ends it early. */
typedef bool kafka_each(void *user, const rd_kafka_message_t *message);
enum outbox_result kafka_reader_run(struct kafka_reader *reader, const struct kafka_range *range, kafka_each *each,
                                    void *user, struct outbox_fault *fault);

/* ---- outbox_kafka_send.c ---- */

struct kafka_delivery {              /* of the batch under way */
    uint64_t produced, reported;
    uint64_t failed;
    rd_kafka_resp_err_t cause;       /* the first that is no consequence of another; poison before all else */
    char sentence[VARVE_MAX_OUTBOX_REASON];
    uint64_t first_refused;          /* lowest position with a poison code */
    bool note_refused;               /* what is no event has one: the cause is not of an event, then */
    int64_t began_us, first_us, last_us;
};

struct outbox_kafka {
    struct kafka_ear ear;            /* first: it is the opaque of all callbacks */
    struct outbox_kafka_options options;
    bool transactional;
    bool is_ready;                   /* the transactional id is ours */
    char checkpoint_topic[KAFKA_TOPIC_NAME];
    rd_kafka_t *rk;
    struct kafka_topics topics;
    struct kafka_delivery delivery;
};

/* Time without wall clocks. */
int64_t kafka_now_us(void);
static inline int64_t kafka_now_ms(void)
{
    return kafka_now_us() / 1000;
}
static inline bool kafka_is_interrupted(const struct outbox_kafka_options *options)
{
    return options->interrupted != NULL && options->interrupted(options->user);
}

#endif
