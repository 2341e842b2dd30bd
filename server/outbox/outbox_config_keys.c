/* outbox_config_keys.c - the table of keys, and how each kind of value is read. */
#include "outbox_config_keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config_units.h"
#include "outbox_nearest.h"
#include "outbox_topic.h"

enum row_kind {
    ROW_WORD,      /* one of `values`, parted by '|'; its number is stored */
    ROW_WORD_TEXT, /* likewise; the word itself is stored */
    ROW_NUMBER, ROW_SIZE, ROW_TIME,
    ROW_OWN,       /* has a function */
};
struct key_row {
    const char *name, *values, *otherwise, *help; /* otherwise: the default as written; NULL: none */
    enum row_kind kind;
    size_t offset;
    unsigned width; /* bytes of the field: 4 or 8 */
    uint64_t min, max;
    bool (*set)(struct outbox_draft *draft, const struct outbox_place *place, const char *text);
    bool repeats;
};

static bool set_brokers(struct outbox_draft *draft, const struct outbox_place *place, const char *text);
static bool set_allow_types(struct outbox_draft *draft, const struct outbox_place *place, const char *text);
static bool set_required_fields(struct outbox_draft *draft, const struct outbox_place *place, const char *text);
static bool set_start_from(struct outbox_draft *draft, const struct outbox_place *place, const char *text);
static bool set_gap(struct outbox_draft *draft, const struct outbox_place *place, const char *text);
static bool set_dead_letter_topic(struct outbox_draft *draft, const struct outbox_place *place, const char *text);
static bool set_mock(struct outbox_draft *draft, const struct outbox_place *place, const char *text);

#define FIELD(member) offsetof(struct outbox_config, member), sizeof(((struct outbox_config *)0)->member)
#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define SECOND UINT64_C(1000)
#define HOUR (3600 * SECOND)

static const struct key_row key_rows[] = {
    { "brokers", "HOST:PORT,...", NULL, "where Kafka is; as many of its brokers as you like, it tells of the others",
      ROW_OWN, 0, 0, 0, 0, set_brokers, false },
    { "mode", "exactly_once|at_least_once", "exactly_once",
      "exactly_once: Kafka transactions; at_least_once: sooner there, but after a crash some events come again",
      ROW_WORD, FIELD(mode), 0, 0, NULL, false },
    { "route", "[CONDITION...] -> ACTION", NULL,
      "where which events go; any number of lines, the first that matches counts. None matches: varve.{category}, "
      "for all events but those of class realtime",
      ROW_OWN, 0, 0, 0, 0, outbox_draft_add_route, true },
    { "allow_types", "GLOB,...", NULL, "only these types; the others are filtered as type_not_allowed (default all)",
      ROW_OWN, 0, 0, 0, 0, set_allow_types, false },
    { "required_fields", "FIELD,...", NULL,
      "what lacks one of them is filtered as field_missing: correlation_id, causation_id, user_id, source, time, data, "
      "metadata, data.NAME, metadata.NAME (default none)",
      ROW_OWN, 0, 0, 0, 0, set_required_fields, false },
    { "priority", "critical|high|normal|low", NULL,
      "only events whose metadata have this priority; without one they are normal (default all)",
      ROW_WORD_TEXT, FIELD(priority), 0, 0, NULL, false },
    { "start_from", "beginning|end|POSITION", "beginning", "the first event, when there is no checkpoint anywhere",
      ROW_OWN, 0, 0, 0, 0, set_start_from, false },
    { "txn.max_events", "N", "10000", "events in one Kafka transaction; twice as many when far behind",
      ROW_NUMBER, FIELD(max_events), 1, 100000, NULL, false },
    { "txn.max_bytes", "SIZE", "4MiB", "and bytes; one event is always taken",
      ROW_SIZE, FIELD(max_bytes), 64 * KIB, 256 * MIB, NULL, false },
    { "txn.gap", "auto|TIME", "auto",
      "between a commit and the next transaction, at most 1s; auto: 1 to 20ms, as the brokers need it",
      ROW_OWN, 0, 0, 0, 0, set_gap, false },
    { "transaction.timeout", "TIME", "15s", "after which Kafka ends a transaction that nobody ends; at most what the "
      "brokers allow (transaction.max.timeout.ms)",
      ROW_TIME, FIELD(transaction_timeout_ms), SECOND, HOUR, NULL, false },
    { "message.timeout", "TIME", "12s", "in which a message must have arrived; shorter than transaction.timeout",
      ROW_TIME, FIELD(message_timeout_ms), SECOND, HOUR, NULL, false },
    { "max_message_bytes", "SIZE", "1000000", "larger messages are not sent but become dead letters; not more than the "
      "brokers take (message.max.bytes)",
      ROW_SIZE, FIELD(max_message_bytes), 4096, 64 * MIB, NULL, false },
    { "poison.policy", "park|skip|halt", "park",
      "an event that Kafka refuses for what it is. park: it waits, and so do later ones of its stream; skip: it waits, "
      "later ones are sent; halt: all wait",
      ROW_WORD, FIELD(poison_policy), 0, 0, NULL, false },
    { "poison.attempts", "N", "3", "refusals of an event alone in its transaction, until it is a dead letter",
      ROW_NUMBER, FIELD(poison_attempts), 1, 1000, NULL, false },
    { "poison.max_parked", "N", "1000000", "with more events set aside the outbox halts",
      ROW_NUMBER, FIELD(poison_max_parked), 1, 1000000000, NULL, false },
    { "poison.max_streams", "N", "10000", "or with more streams",
      ROW_NUMBER, FIELD(poison_max_streams), 1, 100000000, NULL, false },
    { "poison.retry_after", "TIME", "0",
      "try dead letters again by itself so long after their last attempt; 0: only by order",
      ROW_TIME, FIELD(poison_retry_after_ms), 0, 8760 * HOUR, NULL, false },
    { "dead_letter_topic", "TOPIC", NULL, "copies of dead letters go here, in the same transaction (default none)",
      ROW_OWN, 0, 0, 0, 0, set_dead_letter_topic, false },
    { "topic.missing", "create|block|dead_letter", "create",
      "a topic that is not there: make it; wait until it is there; or its events become dead letters",
      ROW_WORD, FIELD(topic_missing), 0, 0, NULL, false },
    { "topic.partitions", "N", "0", "of topics that are made; 0: as the brokers do (num.partitions)",
      ROW_NUMBER, FIELD(topic_partitions), 0, 100000, NULL, false },
    { "topic.replication", "N", "0", "likewise; 0: default.replication.factor",
      ROW_NUMBER, FIELD(topic_replication), 0, 100, NULL, false },
    { "partitions.changed", "warn|halt", "warn", "when a topic has got more partitions, so that keys move to others",
      ROW_WORD, FIELD(partitions_changed), 0, 0, NULL, false },
    { "backoff.min", "TIME", "100ms", "the wait after a first failure, twice as long after each further one",
      ROW_TIME, FIELD(backoff_min_ms), 1, HOUR, NULL, false },
    { "backoff.max", "TIME", "30s", "but never longer",
      ROW_TIME, FIELD(backoff_max_ms), 1, 24 * HOUR, NULL, false },
    { "compression", "none|gzip|snappy|lz4|zstd", "lz4", "of batches on the way and in Kafka",
      ROW_WORD_TEXT, FIELD(compression), 0, 0, NULL, false },
    { "mock", "no|yes", "no",
      "the brokers are a mock cluster of librdkafka's, which forgets, and makes topics by itself",
      ROW_OWN, 0, 0, 0, 0, set_mock, false },
};
enum { KEY_ROWS = sizeof(key_rows) / sizeof(key_rows[0]) };
_Static_assert(KEY_ROWS <= 64, "outbox_draft.seen has a bit for each");
_Static_assert(sizeof(enum varve_outbox_mode) == sizeof(uint32_t), "words are stored as 32 bits");

/* ---- values ------------------------------------------------------------------------------------------------------ */

static bool is_port(const char *text)
{
    uint64_t port;
    const char *rest;

    return config_parse_number(text, &port, &rest) && *rest == 0 && port > 0 && port <= 65535;
}

/* HOST:PORT, [IPv6]:PORT; librdkafka also takes PROTOCOL:// before it, and 9092 when there is no port. */
static bool is_broker(char *text)
{
    char *scheme = strstr(text, "://"), *host = scheme != NULL ? scheme + 3 : text;
    char *bracket = *host == '[' ? strchr(host, ']') : NULL;
    char *colon = strchr(bracket != NULL ? bracket : host, ':');

    if (*host == '[' && (bracket == NULL || bracket == host + 1 || (bracket[1] != 0 && bracket[1] != ':')))
        return false;
    if (*host == 0 || colon == host || host[strcspn(host, "/ \t")] != 0)
        return false;
    return colon == NULL || is_port(colon + 1);
}

static bool set_brokers(struct outbox_draft *draft, const struct outbox_place *place, const char *text)
{
    const char **all;
    size_t count, used = 0;

    if (!outbox_draft_words(draft, place, text, &all, &count))
        return false;
    char *joined = outbox_draft_text(draft, place, varve_view_str(text));
    if (joined == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!is_broker((char *)all[i]))
            return outbox_place_wrong(place, "%.100s: expected HOST:PORT,HOST:PORT such as 127.0.0.1:9092", all[i]);
        used += (size_t)snprintf(joined + used, strlen(text) + 1 - used, "%s%s", i > 0 ? "," : "", all[i]);
    }
    draft->config.brokers = joined;
    return true;
}

static bool set_allow_types(struct outbox_draft *draft, const struct outbox_place *place, const char *text)
{
    return outbox_draft_words(draft, place, text, &draft->config.allow_types, &draft->config.allow_type_count);
}

static bool check_field(const struct outbox_place *place, const char *field)
{
    static const char *const names[] = { "correlation_id", "causation_id", "user_id", "source", "time", "data",
                                         "metadata" };
    struct outbox_nearest nearest = outbox_nearest_to(field);
    char hint[OUTBOX_NEAREST_HINT];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], field) == 0)
            return true;
        outbox_nearest_offer(&nearest, names[i]);
    }
    for (const char *rest = strncmp(field, "data.", 5) == 0       ? field + 5
                            : strncmp(field, "metadata.", 9) == 0 ? field + 9 : "";
         *rest != 0;)
        return true;
    return outbox_place_wrong(place, "%.60s: expected correlation_id, causation_id, user_id, source, time, data, "
                              "metadata, data.NAME or metadata.NAME%s", field, outbox_nearest_hint(&nearest, hint));
}

static bool set_required_fields(struct outbox_draft *draft, const struct outbox_place *place, const char *text)
{
    struct outbox_config *config = &draft->config;

    if (!outbox_draft_words(draft, place, text, &config->required_fields, &config->required_field_count))
        return false;
    for (size_t i = 0; i < config->required_field_count; i++)
        if (!check_field(place, config->required_fields[i]))
            return false;
    return true;
}

static bool set_start_from(struct outbox_draft *draft, const struct outbox_place *place, const char *text)
{
    const char *rest = "";
    uint64_t position = 1;

    if (strcmp(text, "end") == 0)
        position = UINT64_MAX;
    else if (strcmp(text, "beginning") != 0 &&
             (!config_parse_number(text, &position, &rest) || *rest != 0 || position == 0))
        return outbox_place_wrong(place, "%.60s: expected beginning, end, or a position from 1 on", text);
    draft->config.start_from = position;
    return true;
}

static bool set_gap(struct outbox_draft *draft, const struct outbox_place *place, const char *text)
{
    uint64_t ms;

    draft->config.gap_us = -1;
    if (strcmp(text, "auto") == 0)
        return true;
    if (!config_parse_duration(text, &ms) || ms > 1000)
        return outbox_place_wrong(place, "%.60s: expected auto or a time up to 1s, such as 5ms", text);
    draft->config.gap_us = (int32_t)ms * 1000;
    return true;
}

static bool set_mock(struct outbox_draft *draft, const struct outbox_place *place, const char *text)
{
    draft->config.is_mock = strcmp(text, "yes") == 0;
    if (!draft->config.is_mock && strcmp(text, "no") != 0)
        return outbox_place_wrong(place, "%.60s: expected no|yes", text);
    return true;
}

static bool set_dead_letter_topic(struct outbox_draft *draft, const struct outbox_place *place, const char *text)
{
    draft->config.dead_letter_topic = outbox_draft_text(draft, place, varve_view_str(text));
    if (draft->config.dead_letter_topic == NULL)
        return false;
    return outbox_topic_is_allowed(varve_view_str(text)) ||
           outbox_place_wrong(place, "%.80s: expected the name of a topic: 1 to 249 letters, digits, '.', '_', '-', "
                              "not \"__...\"", text);
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

/* Words of `values` one after another: *at stands on the next. */
static bool next_word(const char **at, char room[24])
{
    size_t size = strcspn(*at, "|");

    if (size == 0)
        return false;
    snprintf(room, 24, "%.*s", (int)size, *at);
    *at += size + ((*at)[size] == '|');
    return true;
}

static bool set_word(struct outbox_draft *draft, const struct outbox_place *place, const struct key_row *row,
                     const char *text)
{
    char word[24];
    const char *at = row->values;
    uint32_t index = 0;

    while (next_word(&at, word) && strcmp(word, text) != 0)
        index++;
    if (strcmp(word, text) != 0)
        return outbox_place_wrong(place, "%.60s: expected %s", text, row->values);
    char *copy = outbox_draft_text(draft, place, varve_view_str(word));
    if (copy == NULL)
        return false;
    char *field = (char *)&draft->config + row->offset;
    memcpy(field, row->kind == ROW_WORD ? (void *)&index : (void *)&copy, row->width);
    return true;
}

static bool set_number(struct outbox_draft *draft, const struct outbox_place *place, const struct key_row *row,
                       const char *text)
{
    const char *rest = "";
    uint64_t number = 0;
    bool good = row->kind == ROW_SIZE   ? config_parse_size(text, &number)
                : row->kind == ROW_TIME ? config_parse_duration(text, &number)
                                        : config_parse_number(text, &number, &rest) && *rest == 0;

    if (!good)
        return outbox_place_wrong(place, "%.60s: expected a %s", text,
                                  row->kind == ROW_SIZE   ? "size, such as 65536 or 4MiB"
                                  : row->kind == ROW_TIME ? "time, such as 30s or 500ms" : "number");
    if (number < row->min || number > row->max)
        return outbox_place_wrong(place, "%.60s: expected %" PRIu64 " to %" PRIu64 "%s", text, row->min, row->max,
                                  row->kind == ROW_SIZE ? " bytes" : row->kind == ROW_TIME ? " ms" : "");
    char *field = (char *)&draft->config + row->offset;
    if (row->width == sizeof(uint32_t))
        memcpy(field, &(uint32_t){ (uint32_t)number }, sizeof(uint32_t));
    else
        memcpy(field, &number, sizeof(number));
    return true;
}

static bool set_row(struct outbox_draft *draft, const struct outbox_place *place, const struct key_row *row,
                    const char *text)
{
    if (row->kind == ROW_OWN)
        return row->set(draft, place, text);
    return row->kind <= ROW_WORD_TEXT ? set_word(draft, place, row, text) : set_number(draft, place, row, text);
}

bool outbox_keys_set_defaults(struct outbox_draft *draft, const struct outbox_place *place)
{
    for (size_t i = 0; i < KEY_ROWS; i++)
        if (key_rows[i].otherwise != NULL && !set_row(draft, place, &key_rows[i], key_rows[i].otherwise))
            return false;
    return true;
}

bool outbox_keys_row(size_t i, struct outbox_key_row *ret)
{
    if (i >= KEY_ROWS)
        return false;
    const struct key_row *row = &key_rows[i];
    *ret = (struct outbox_key_row){ .name = row->name, .values = row->values, .help = row->help,
                                    .otherwise = row->otherwise, .repeats = row->repeats };
    return true;
}

static bool unknown_key(const struct outbox_place *place)
{
    struct outbox_nearest nearest = outbox_nearest_to(place->key);
    char hint[OUTBOX_NEAREST_HINT];

    for (size_t i = 0; i < KEY_ROWS; i++)
        outbox_nearest_offer(&nearest, key_rows[i].name);
    outbox_nearest_hint(&nearest, hint);
    return outbox_place_wrong(place, "no such key%s", *hint != 0 ? hint : " (varved --help-config lists them all)");
}

static bool is_plain_text(const char *text)
{
    while ((uint8_t)*text >= 0x20 || *text == '\t')
        text++;
    return *text == 0;
}

bool outbox_keys_set(struct outbox_draft *draft, const struct outbox_place *place, const char *text)
{
    size_t i = 0;

    if (*text == 0)
        return outbox_place_wrong(place, "has no value");
    if (!is_plain_text(text))
        return outbox_place_wrong(place, "its value has control characters");
    if (strncmp(place->key, "rdkafka.", 8) == 0)
        return outbox_draft_add_property(draft, place, place->key + 8, text);
    while (i < KEY_ROWS && strcmp(key_rows[i].name, place->key) != 0)
        i++;
    if (i == KEY_ROWS)
        return unknown_key(place);
    if ((draft->seen & (UINT64_C(1) << i)) && !key_rows[i].repeats)
        return outbox_place_wrong(place, "is there twice");
    draft->seen |= UINT64_C(1) << i;
    return set_row(draft, place, &key_rows[i], text);
}

bool outbox_keys_check(const struct outbox_draft *draft, const struct outbox_place *place)
{
    const struct outbox_config *config = &draft->config;

    if (config->brokers == NULL)
        return outbox_place_wrong(place, "[outbox %s] needs brokers = HOST:PORT,...", config->name);
    if (config->message_timeout_ms >= config->transaction_timeout_ms)
        return outbox_place_wrong(place, "[outbox %s]: message.timeout (%" PRIu32 " ms) must be shorter than "
                                  "transaction.timeout (%" PRIu32 " ms)", config->name, config->message_timeout_ms,
                                  config->transaction_timeout_ms);
    if (config->backoff_min_ms > config->backoff_max_ms)
        return outbox_place_wrong(place, "[outbox %s]: backoff.min (%" PRIu64 " ms) must not be longer than "
                                  "backoff.max (%" PRIu64 " ms)", config->name, config->backoff_min_ms,
                                  config->backoff_max_ms);
    return true;
}

const struct outbox_key_row outbox_keys_property = {
    .name = "rdkafka.NAME", .values = "VALUE", .repeats = true,
    .help = "handed to librdkafka as it is: security.protocol, sasl.*, ssl.* and others; rdkafka.NAME_file = PATH "
            "reads the value from a file, $VARIABLE takes it from the environment",
};
