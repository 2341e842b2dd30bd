/* kafka_fixture.c - a mock cluster, an instance before it, and what it was given to send. */
#include "kafka_fixture.h"

#include <stdlib.h>

static bool is_interrupted(void *user)
{
    struct kafka_fixture *fixture = user;

    fixture->asked++;
    return fixture->interrupt_at != 0 && fixture->asked >= fixture->interrupt_at;
}

static struct kafka_fixture *new_fixture(void)
{
    struct kafka_fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    fixture->config = (struct outbox_config){
        .name = "test", .mode = VARVE_OUTBOX_EXACTLY_ONCE, .brokers = fixture->brokers, .max_events = 10000,
        .max_bytes = 4 << 20, .transaction_timeout_ms = 15000, .message_timeout_ms = 12000,
        .max_message_bytes = 1000000, .compression = "lz4", .properties = fixture->properties,
        .topic_missing = OUTBOX_TOPIC_CREATE,
    };
    outbox_figures_init(&fixture->figures);
    fixture->options = (struct outbox_kafka_options){
        .config = &fixture->config, .database_id = { { 1, 2, 3, 4, 5, 6, 0x70, 8, 0x80, 10, 11, 12, 13, 14, 15, 16 } },
        .figures = &fixture->figures, .interrupted = is_interrupted, .user = fixture,
    };
    return fixture;
}

/* Without Nagle's algorithm off on the hosting side, each transaction takes 44 ms. */
struct kafka_fixture *fixture_begin(int brokers)
{
    struct kafka_fixture *fixture = new_fixture();
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char text[256];

    assert_int_equal(rd_kafka_conf_set(conf, "socket.nagle.disable", "true", text, sizeof(text)), RD_KAFKA_CONF_OK);
    assert_int_equal(rd_kafka_conf_set(conf, "log_level", "2", text, sizeof(text)), RD_KAFKA_CONF_OK);
    fixture->host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    assert_non_null(fixture->host);
    fixture->cluster = rd_kafka_mock_cluster_new(fixture->host, brokers);
    assert_non_null(fixture->cluster);
    snprintf(fixture->brokers, sizeof(fixture->brokers), "%s", rd_kafka_mock_cluster_bootstraps(fixture->cluster));
    fixture->config.is_mock = true;
    return fixture;
}

struct kafka_fixture *fixture_begin_at(const char *brokers)
{
    struct kafka_fixture *fixture = new_fixture();

    snprintf(fixture->brokers, sizeof(fixture->brokers), "%s", brokers);
    return fixture;
}

void fixture_end(struct kafka_fixture *fixture)
{
    outbox_kafka_destroy(fixture->kafka);
    if (fixture->cluster != NULL)
        rd_kafka_mock_cluster_destroy(fixture->cluster);
    if (fixture->host != NULL)
        rd_kafka_destroy(fixture->host);
    outbox_figures_end(&fixture->figures);
    free(fixture);
}

void fixture_set(struct kafka_fixture *fixture, const char *name, const char *value)
{
    assert_true(fixture->config.property_count < COUNT_OF(fixture->properties));
    fixture->properties[fixture->config.property_count++] = (struct outbox_property){ .name = name, .value = value };
}

static void expect_done(struct kafka_fixture *fixture, enum outbox_result result)
{
    if (result != OUTBOX_DONE)
        print_error("%s: %s\n", fixture->fault.code, fixture->fault.reason);
    assert_int_equal(result, OUTBOX_DONE);
}

void fixture_create(struct kafka_fixture *fixture)
{
    expect_done(fixture, outbox_kafka_create(&fixture->options, &fixture->kafka, &fixture->fault));
}

void kafka_fixture_open(struct kafka_fixture *fixture)
{
    fixture_create(fixture);
    expect_done(fixture, outbox_kafka_prepare(fixture->kafka, &fixture->fault));
    expect_done(fixture, outbox_kafka_init(fixture->kafka, &fixture->fault));
}

void kafka_fixture_reopen(struct kafka_fixture *fixture)
{
    outbox_kafka_destroy(fixture->kafka);
    fixture->kafka = NULL;
    kafka_fixture_open(fixture);
}

/* ---- sending ---- */

static void fill_one(struct kafka_fixture *fixture, size_t i, const char *topic, uint64_t position, int32_t partitions)
{
    struct outbox_message *message = &fixture->messages[i];

    snprintf(fixture->keys[i], sizeof(fixture->keys[i]), "key-%d", (int)(position % 10));
    snprintf(fixture->values[i], sizeof(fixture->values[i]), "%d", (int)position);
    fixture->headers[i] = (struct outbox_header){ "v-pos", varve_view_str(fixture->values[i]) };
    *message = (struct outbox_message){
        .topic = topic, .key = varve_view_str(fixture->keys[i]), .value = varve_view_str(fixture->values[i]),
        .headers = &fixture->headers[i], .header_count = 1, .timestamp_ms = 1700000000000, .position = position,
    };
    message->partition = outbox_kafka_partition_of(message->key, partitions);
}

void kafka_fixture_fill(struct kafka_fixture *fixture, const char *topic, uint64_t first, size_t count)
{
    int32_t partitions = 0;

    assert_true(count <= FIXTURE_MESSAGES);
    expect_done(fixture, outbox_kafka_partitions(fixture->kafka, topic, &partitions, &fixture->fault));
    assert_true(partitions > 0);
    for (size_t i = 0; i < count; i++)
        fill_one(fixture, i, topic, first + i, partitions);
}

enum outbox_result fixture_send(struct kafka_fixture *fixture, size_t count)
{
    return outbox_kafka_send(fixture->kafka, fixture->messages, count, NULL, 0, &fixture->sent, &fixture->fault);
}

enum outbox_result fixture_send_with_checkpoint(struct kafka_fixture *fixture, size_t count, uint64_t position,
                                                uint64_t generation)
{
    const struct outbox_checkpoint checkpoint = { .database_id = fixture->options.database_id, .position = position,
                                                  .generation = generation };
    uint8_t value[OUTBOX_CHECKPOINT_BYTES];
    char key[OUTBOX_MAX_NOTE_KEY];

    outbox_checkpoint_encode(&checkpoint, value);
    const struct outbox_note note = {
        .key = outbox_note_key(OUTBOX_NOTE_CHECKPOINT, fixture->config.name, varve_view_of(NULL, 0), key),
        .value = varve_view_of((const char *)value, sizeof(value)),
    };
    return outbox_kafka_send(fixture->kafka, fixture->messages, count, &note, 1, &fixture->sent, &fixture->fault);
}

/* ---- reading ---- */

static bool keep_record(void *user, const struct outbox_seen *seen)
{
    struct fixture_records *records = user;
    struct fixture_record *record = &records->all[records->count];

    assert_true(records->count < FIXTURE_MESSAGES);
    *record = (struct fixture_record){ .partition = seen->partition, .offset = seen->offset,
                                       .position = seen->position, .is_replay = seen->is_replay };
    snprintf(record->key, sizeof(record->key), "%.*s", (int)seen->key.size, seen->key.data);
    snprintf(record->value, sizeof(record->value), "%.*s", (int)seen->value.size,
             seen->value.data == NULL ? "" : seen->value.data);
    records->count++;
    return true;
}

struct fixture_records *kafka_fixture_read(struct kafka_fixture *fixture, const char *topic, uint64_t depth)
{
    struct fixture_records *records = calloc(1, sizeof(*records));

    assert_non_null(records);
    expect_done(fixture, outbox_kafka_read_topic(&fixture->options, topic, depth, keep_record, records,
                                                 &fixture->fault));
    return records;
}

void fixture_expect_positions(struct kafka_fixture *fixture, const char *topic, uint64_t first, uint64_t last)
{
    struct fixture_records *records = kafka_fixture_read(fixture, topic, 0);
    uint64_t newest[64] = { 0 };
    int32_t partitions = 0;

    expect_done(fixture, outbox_kafka_partitions(fixture->kafka, topic, &partitions, &fixture->fault));
    assert_int_equal(records->count, last - first + 1);
    for (size_t i = 0; i < records->count; i++) {
        const struct fixture_record *record = &records->all[i];

        assert_true(record->position >= first && record->position <= last);
        assert_int_equal(record->partition, outbox_kafka_partition_of(varve_view_str(record->key), partitions));
        assert_true(record->position > newest[record->partition]);
        newest[record->partition] = record->position;
    }
    free(records);
}

struct outbox_found fixture_found(struct kafka_fixture *fixture, bool parked)
{
    struct outbox_found found = { 0 };

    expect_done(fixture, outbox_kafka_read_checkpoint(fixture->kafka, parked, &found, &fixture->fault));
    return found;
}

void fixture_fail_requests(struct kafka_fixture *fixture, int16_t api, rd_kafka_resp_err_t error, size_t times)
{
    for (size_t i = 0; i < times; i++)
        rd_kafka_mock_push_request_errors(fixture->cluster, api, 1, error);
}
