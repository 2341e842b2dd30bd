/* probe.c - a producer or consumer of librdkafka that does what it is told, line by line, for the tests of the double.
 *
 *   producer KEY=VALUE...           make one              init MS, begin, commit MS, abort MS, flush MS
 *   know TOPIC                      ask for its metadata, without which the first record waits for a second
 *   produce TOPIC PARTITION VALUE   one record            load TOPIC PARTITION COUNT BYTES    many of them
 *   poll MS                         serve callbacks       reports      count delivery reports since the last time
 *   acked MS                        poll until every record has its report
 *   read BROKERS TOPIC PARTITION ISOLATION   everything up to the end of a partition, by assign()
 *   config BROKERS TOPIC NAME       one setting of a topic           create BROKERS TOPIC PARTITIONS NAME=VALUE...
 *   destroy                         end the producer
 *
 * Each is answered by a line: "ok ..." or "error NAME FLAGS", FLAGS being some of fatal, retriable, abort. What read
 * finds goes before that: "record OFFSET VALUE". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <librdkafka/rdkafka.h>

enum { MAX_WORDS = 32, LINE_BYTES = 4096, READ_TIMEOUT_MS = 30000 };

static rd_kafka_t *producer;
static unsigned long long produced, reported, failed;
static char first_failure[64];

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    reported++;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    failed++;
    if (first_failure[0] == '\0')
        snprintf(first_failure, sizeof first_failure, "%s", rd_kafka_err2name(message->err));
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    fprintf(stderr, "%s: %s\n", facility, text);
}

/* ---- answers ---- */

static void say_error(const char *name, const char *flags)
{
    printf("error %s %s\n", name, flags);
}

static void say_code(rd_kafka_resp_err_t code)
{
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        puts("ok");
    else
        say_error(rd_kafka_err2name(code), "");
}

static void say_outcome(rd_kafka_error_t *error)
{
    char flags[64];

    if (error == NULL) {
        puts("ok");
        return;
    }
    snprintf(flags, sizeof flags, "%s%s%s", rd_kafka_error_is_fatal(error) ? "fatal " : "",
             rd_kafka_error_is_retriable(error) ? "retriable " : "",
             rd_kafka_error_txn_requires_abort(error) ? "abort " : "");
    say_error(rd_kafka_error_name(error), flags);
    fprintf(stderr, "%s\n", rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
}

/* ---- settings ---- */

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char text[256];

    if (rd_kafka_conf_set(conf, name, value, text, sizeof text) != RD_KAFKA_CONF_OK) {
        fprintf(stderr, "probe: %s\n", text);
        exit(2);
    }
}

static rd_kafka_conf_t *settings(char **words, int count)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    for (int i = 0; i < count; i++) {
        char *equals = strchr(words[i], '=');

        if (equals == NULL) {
            fprintf(stderr, "probe: no '=' in %s\n", words[i]);
            exit(2);
        }
        *equals = '\0';
        set(conf, words[i], equals + 1);
    }
    rd_kafka_conf_set_log_cb(conf, on_log);
    return conf;
}

static rd_kafka_t *make(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char text[512];
    rd_kafka_t *made = rd_kafka_new(type, conf, text, sizeof text);

    if (made == NULL) {
        fprintf(stderr, "probe: %s\n", text);
        exit(2);
    }
    return made;
}

/* ---- producing ---- */

static void know(const char *name)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(producer, name, NULL);
    rd_kafka_resp_err_t code = rd_kafka_metadata(producer, 0, topic, &metadata, READ_TIMEOUT_MS);

    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        code = metadata->topics[0].err;
        rd_kafka_metadata_destroy(metadata);
    }
    rd_kafka_topic_destroy(topic);
    say_code(code);
}

static void make_producer(char **words, int count)
{
    rd_kafka_conf_t *conf = settings(words, count);

    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    producer = make(RD_KAFKA_PRODUCER, conf);
    produced = reported = failed = 0;
    first_failure[0] = '\0';
    puts("ok");
}

/* Waits while the queue is full, as the outbox does. */
static rd_kafka_resp_err_t produce_one(const char *topic, int partition, const char *value, size_t size)
{
    rd_kafka_resp_err_t code;

    do {
        code = rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                                 RD_KAFKA_V_VALUE((void *)value, size),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            rd_kafka_poll(producer, 1);
    } while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL);
    produced += code == RD_KAFKA_RESP_ERR_NO_ERROR;
    return code;
}

static void load(const char *topic, int partition, long count, long size)
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    char *value = malloc((size_t)size + 32);

    if (value == NULL)
        exit(2);
    memset(value, 'x', (size_t)size);
    for (long i = 0; i < count && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        int length = snprintf(value, 24, "%ld", i);

        value[length] = 'x';
        code = produce_one(topic, partition, value, (size_t)size);
        if (i % 1024 == 0)
            rd_kafka_poll(producer, 0);
    }
    free(value);
    say_code(code);
}

static long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void wait_for_reports(long timeout_ms)
{
    long long until = now_ms() + timeout_ms;

    while (reported < produced && now_ms() < until)
        rd_kafka_poll(producer, 10);
    if (reported < produced)
        say_error("_TIMED_OUT", "");
    else
        puts("ok");
}

static void tell_reports(void)
{
    printf("ok %llu %llu %s\n", reported, failed, first_failure[0] != '\0' ? first_failure : "-");
    first_failure[0] = '\0';
    failed = 0;
}

/* ---- consuming ---- */

static rd_kafka_resp_err_t read_until(rd_kafka_t *consumer, rd_kafka_topic_partition_list_t *parts, int64_t end)
{
    long long until = now_ms() + READ_TIMEOUT_MS;

    while (now_ms() < until) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 50);
        rd_kafka_resp_err_t code = message != NULL ? message->err : RD_KAFKA_RESP_ERR_NO_ERROR;

        if (message != NULL && code == RD_KAFKA_RESP_ERR_NO_ERROR)
            printf("record %lld %.*s\n", (long long)message->offset, (int)message->len, (char *)message->payload);
        if (message != NULL)
            rd_kafka_message_destroy(message);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__PARTITION_EOF)
            return code;
        if (rd_kafka_position(consumer, parts) == RD_KAFKA_RESP_ERR_NO_ERROR && parts->elems[0].offset >= end)
            return RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    return RD_KAFKA_RESP_ERR__TIMED_OUT;
}

/* Up to the end as watermarks tell it: of read_committed that is the last stable offset. */
static void read_partition(const char *brokers, const char *topic, int partition, const char *isolation)
{
    char group[] = "group.id=probe", eof[] = "enable.partition.eof=true", reset[] = "auto.offset.reset=error";
    rd_kafka_conf_t *conf = settings((char *[]){group, eof, reset}, 3);
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(1);
    int64_t start = 0, end = 0;

    set(conf, "bootstrap.servers", brokers);
    set(conf, "isolation.level", isolation);
    rd_kafka_t *consumer = make(RD_KAFKA_CONSUMER, conf);
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(consumer, topic, partition, &start, &end,
                                                                READ_TIMEOUT_MS);

    rd_kafka_poll_set_consumer(consumer);
    rd_kafka_topic_partition_list_add(parts, topic, partition)->offset = start;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = rd_kafka_assign(consumer, parts);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && end > start)
        code = read_until(consumer, parts, end);
    rd_kafka_topic_partition_list_destroy(parts);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        printf("ok %lld %lld\n", (long long)start, (long long)end);
    else
        say_code(code);
}

/* ---- topics ---- */

static void describe(const char *brokers, const char *topic, const char *name)
{
    rd_kafka_conf_t *conf = settings(NULL, 0);
    set(conf, "bootstrap.servers", brokers);
    rd_kafka_t *client = make(RD_KAFKA_PRODUCER, conf);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_ConfigResource_t *wanted = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    const char *value = NULL;
    size_t resources = 0, entries = 0;

    rd_kafka_DescribeConfigs(client, &wanted, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, READ_TIMEOUT_MS);
    const rd_kafka_DescribeConfigs_result_t *result = rd_kafka_event_DescribeConfigs_result(event);
    const rd_kafka_ConfigResource_t **found = rd_kafka_DescribeConfigs_result_resources(result, &resources);
    rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(found[0]);
    const rd_kafka_ConfigEntry_t **settled = rd_kafka_ConfigResource_configs(found[0], &entries);

    for (size_t i = 0; i < entries; i++)
        if (strcmp(rd_kafka_ConfigEntry_name(settled[i]), name) == 0)
            value = rd_kafka_ConfigEntry_value(settled[i]);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        printf("ok %s\n", value != NULL ? value : "-");
    else
        say_code(code);
    rd_kafka_event_destroy(event);
    rd_kafka_ConfigResource_destroy(wanted);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
}

static void create(const char *brokers, const char *topic, int partitions, char **words, int count)
{
    rd_kafka_conf_t *conf = settings(NULL, 0);
    set(conf, "bootstrap.servers", brokers);
    rd_kafka_t *client = make(RD_KAFKA_PRODUCER, conf);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_NewTopic_t *wanted = rd_kafka_NewTopic_new(topic, partitions, -1, NULL, 0);
    size_t topics = 0;

    for (int i = 0; i < count; i++) {
        char *equals = strchr(words[i], '=');

        *equals = '\0';
        rd_kafka_NewTopic_set_config(wanted, words[i], equals + 1);
    }
    rd_kafka_CreateTopics(client, &wanted, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, READ_TIMEOUT_MS);
    const rd_kafka_topic_result_t **found =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &topics);

    say_code(rd_kafka_topic_result_error(found[0]));
    rd_kafka_event_destroy(event);
    rd_kafka_NewTopic_destroy(wanted);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
}

/* ---- commands ---- */

static void destroy_producer(void)
{
    if (producer != NULL)
        rd_kafka_destroy(producer);
    producer = NULL;
    puts("ok");
}

/* Those that need a producer. */
static void drive(const char *what, char **words, int count)
{
    int timeout_ms = count > 0 ? atoi(words[0]) : -1;

    if (strcmp(what, "init") == 0)
        say_outcome(rd_kafka_init_transactions(producer, timeout_ms));
    else if (strcmp(what, "begin") == 0)
        say_outcome(rd_kafka_begin_transaction(producer));
    else if (strcmp(what, "commit") == 0)
        say_outcome(rd_kafka_commit_transaction(producer, timeout_ms));
    else if (strcmp(what, "abort") == 0)
        say_outcome(rd_kafka_abort_transaction(producer, timeout_ms));
    else if (strcmp(what, "flush") == 0)
        say_code(rd_kafka_flush(producer, timeout_ms));
    else if (strcmp(what, "know") == 0 && count == 1)
        know(words[0]);
    else if (strcmp(what, "produce") == 0 && count == 3)
        say_code(produce_one(words[0], atoi(words[1]), words[2], strlen(words[2])));
    else if (strcmp(what, "load") == 0 && count == 4)
        load(words[0], atoi(words[1]), atol(words[2]), atol(words[3]));
    else if (strcmp(what, "acked") == 0)
        wait_for_reports(timeout_ms);
    else if (strcmp(what, "poll") == 0)
        printf("ok %d\n", rd_kafka_poll(producer, timeout_ms));
    else if (strcmp(what, "reports") == 0)
        tell_reports();
    else
        say_error("UNKNOWN_COMMAND", what);
}

static void obey(const char *what, char **words, int count)
{
    if (strcmp(what, "producer") == 0)
        make_producer(words, count);
    else if (strcmp(what, "destroy") == 0)
        destroy_producer();
    else if (strcmp(what, "read") == 0 && count == 4)
        read_partition(words[0], words[1], atoi(words[2]), words[3]);
    else if (strcmp(what, "config") == 0 && count == 3)
        describe(words[0], words[1], words[2]);
    else if (strcmp(what, "create") == 0 && count >= 3)
        create(words[0], words[1], atoi(words[2]), words + 3, count - 3);
    else if (producer == NULL)
        say_error("NO_PRODUCER", "");
    else
        drive(what, words, count);
}

int main(void)
{
    char line[LINE_BYTES];

    while (fgets(line, sizeof line, stdin) != NULL) {
        char *words[MAX_WORDS], *rest = NULL;
        int count = 0;

        for (char *word = strtok_r(line, " \n", &rest); word != NULL && count < MAX_WORDS;
             word = strtok_r(NULL, " \n", &rest))
            words[count++] = word;
        if (count > 0)
            obey(words[0], words + 1, count - 1);
        fflush(stdout);
    }
    if (producer != NULL)
        rd_kafka_destroy(producer);
    return 0;
}
