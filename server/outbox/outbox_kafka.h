/* outbox_kafka.h - Kafka as the outbox sees it, and the only caller of librdkafka.
 *
 * An instance is one producer. Nothing is ever mended in it: after whatever went wrong it is destroyed and a new one is
 * made, which takes the transactional id over and reads the checkpoint from Kafka again. Blocks; belongs
 * to the outbox's thread. */
#ifndef SERVER_OUTBOX_KAFKA_H
#define SERVER_OUTBOX_KAFKA_H

#include "log.h"
#include "outbox_checkpoint.h"
#include "outbox_figures.h"
#include "outbox_message.h"

struct outbox_kafka;

enum outbox_result {
    OUTBOX_DONE,          /* it happened */
    OUTBOX_AGAIN,         /* not, or nobody knows: the environment. Build anew, and look at the checkpoint */
    OUTBOX_REFUSED,       /* aborted: Kafka refuses something for what it is (a poison code). Build anew */
    OUTBOX_FENCED,        /* somebody (perhaps Kafka, after a timeout) bumped the epoch. Build anew; claims decide */
    OUTBOX_MISCONFIGURED, /* rights, settings, versions: an operator's, after some tries */
    OUTBOX_INTERRUPTED,   /* the caller's `interrupted` said so while waiting */
};
struct outbox_fault {                   /* what is known of a result other than DONE */
    char code[64];                      /* librdkafka's name of the error: "_TRANSPORT", "MSG_SIZE_TOO_LARGE" */
    char reason[VARVE_MAX_OUTBOX_REASON]; /* a sentence */
    const char *call;                   /* "init_transactions", ... ; static */
    bool is_poison;                     /* REFUSED: the code is one that trying again cannot help */
    uint64_t first_refused;             /* REFUSED: lowest position among the suspects; 0: not known */
};

struct outbox_kafka_options {
    const struct outbox_config *config; /* must live as long */
    struct varve_uuid database_id;      /* transactional.id = varve.<database id>.<name>.l0 */
    const struct log *log;
    struct outbox_figures *figures;     /* queue_full, transaction_aborts, fenced, delivery_errors and broker_stats are
                                         * kept there; NULL: nowhere */
    bool (*interrupted)(void *user);    /* asked a few times a second while something waits */
    void *user;
};

/* A producer object; talks to nobody yet. MISCONFIGURED: librdkafka does not take a property. */
enum outbox_result outbox_kafka_create(const struct outbox_kafka_options *options, struct outbox_kafka **ret,
                                       struct outbox_fault *fault);
void outbox_kafka_destroy(struct outbox_kafka *kafka); /* quick, also when brokers hang; NULL allowed */

/* Take the transactional id over; fences whoever had it. at_least_once: only waits for a broker. */
enum outbox_result outbox_kafka_init(struct outbox_kafka *kafka, struct outbox_fault *fault);

/* The checkpoint topic: made when it is missing (compacted, one partition), refused when it is not compacted. */
enum outbox_result outbox_kafka_prepare(struct outbox_kafka *kafka, struct outbox_fault *fault);

struct outbox_found {                   /* in the checkpoint topic, read committed, to its very end */
    bool has_checkpoint;
    struct outbox_checkpoint checkpoint;
    bool has_replay;
    struct outbox_progress replay;
    struct outbox_found_parked {        /* newest for each stream; tombstones left out */
        char stream[VARVE_MAX_SYSTEM_STREAM_NAME + 1];
        uint64_t position;
    } *parked;
    size_t parked_count;
    char damage[VARVE_MAX_OUTBOX_REASON]; /* a record that cannot be read (as text); empty: none */
};
/* `parked`: also look for "pk/" and "rp/", which means to read the partition from its beginning. */
enum outbox_result outbox_kafka_read_checkpoint(struct outbox_kafka *kafka, bool parked, struct outbox_found *ret,
                                                struct outbox_fault *fault);
void outbox_found_end(struct outbox_found *found);

/* Partitions of a topic, from what was learnt in this instance, else from Kafka. 0: it does not exist and was not to be
 * made (DONE all the same). */
enum outbox_result outbox_kafka_partitions(struct outbox_kafka *kafka, const char *topic, int32_t *ret_partitions,
                                           struct outbox_fault *fault);
/* What was missing is asked for anew: somebody says that it may be there by now. */
void outbox_kafka_forget_missing(struct outbox_kafka *kafka);
/* murmur2, as Java's default partitioner. */
int32_t outbox_kafka_partition_of(struct varve_view key, int32_t partitions);

/* A record beside the messages, in the checkpoint topic; value data NULL: a tombstone. */
struct outbox_note {
    struct varve_view key, value;
};
struct outbox_sent {
    int64_t first_ack_us;               /* from the first produce to the first acknowledgement */
    int64_t ack_us, commit_us;          /* to the last; the commit itself */
    uint64_t bytes;
};
/* One transaction: all messages, in this order, then the notes, then the commit. at_least_once: messages and their
 * acknowledgements, and no notes. DONE: all is visible; anything else: nothing of it is, or (AGAIN) nobody knows. */
enum outbox_result outbox_kafka_send(struct outbox_kafka *kafka, const struct outbox_message *messages, size_t count,
                                     const struct outbox_note *notes, size_t note_count, struct outbox_sent *ret,
                                     struct outbox_fault *fault);

/* Has a connection failed or something timed out since the instance was made? Then a request may still be on its way
 * somewhere (KAFKA-17754), and the next transaction needs a new epoch. */
bool outbox_kafka_is_suspect(const struct outbox_kafka *kafka);

/* Callbacks (errors, logs, statistics); never waits. */
void outbox_kafka_serve(struct outbox_kafka *kafka);

/* The ends of topics, for verification: every record of `topic` with an offset in the last `depth` of each partition
 * (0: all), read committed, in the order of each partition. `each` false ends it. */
struct outbox_seen {
    const char *topic;
    int32_t partition;
    int64_t offset;
    uint64_t position;                  /* of header v-pos / ce_vpos / the envelope; 0: none, not ours */
    struct varve_view key, value;
    bool is_replay;
};
enum outbox_result outbox_kafka_read_topic(const struct outbox_kafka_options *options, const char *topic,
                                           uint64_t depth,
                                           bool (*each)(void *user, const struct outbox_seen *seen), void *user,
                                           struct outbox_fault *fault);

/* Would librdkafka take this property with this value? False: *ret_known tells whether it knows the name. */
bool outbox_kafka_takes(const char *name, const char *value, bool *ret_known);

/* "librdkafka 2.0.2"; lives for ever. */
const char *outbox_kafka_version(void);

#endif
