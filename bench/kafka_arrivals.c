/* kafka_arrivals.c - see kafka_bench.h: a read_committed consumer that notes when each event is here. */
#include "kafka_bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { POLL_MS = 50 };

struct kafka_arrivals {
    rd_kafka_t *rk;
    uint64_t *arrived_ns, room;
    _Atomic uint64_t count, others;
    uint64_t again;
    atomic_bool stopping;
    pthread_t thread;
};

static void take(struct kafka_arrivals *arrivals, const rd_kafka_message_t *message)
{
    uint64_t number = bench_number_of(message->payload, message->len);

    if (number >= arrivals->room) {
        atomic_fetch_add(&arrivals->others, 1);
    } else if (arrivals->arrived_ns[number] != 0) {
        arrivals->again++;
    } else {
        arrivals->arrived_ns[number] = now_ns();
        atomic_fetch_add(&arrivals->count, 1);
    }
}

static void *consume(void *argument)
{
    struct kafka_arrivals *arrivals = argument;

    while (!atomic_load(&arrivals->stopping)) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(arrivals->rk, POLL_MS);
        if (message == NULL)
            continue;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            take(arrivals, message);
        rd_kafka_message_destroy(message);
    }
    return NULL;
}

static rd_kafka_t *open_consumer(struct kafka_bench *kafka)
{
    static const char *const properties[][2] = {
        { "group.id", "varve-bench" },      { "isolation.level", "read_committed" },
        { "enable.auto.commit", "false" },  { "auto.offset.reset", "earliest" },
        { "fetch.error.backoff.ms", "10" }, { "allow.auto.create.topics", "false" },
    };
    char why[256];
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER,
                                  kafka_bench_conf(kafka, properties, sizeof(properties) / sizeof(properties[0])), why,
                                  sizeof(why));

    if (rk == NULL)
        die("librdkafka: %s", why);
    rd_kafka_poll_set_consumer(rk);
    return rk;
}

struct kafka_arrivals *kafka_arrivals_start(struct kafka_bench *kafka, const char *topic, uint64_t *arrived_ns,
                                            uint64_t count)
{
    struct kafka_arrivals *arrivals = calloc(1, sizeof(*arrivals));

    if (arrivals == NULL)
        die("no memory");
    arrivals->rk = open_consumer(kafka);
    arrivals->arrived_ns = arrived_ns;
    arrivals->room = count;
    int partitions = kafka_bench_partitions(arrivals->rk, topic);
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(partitions);
    for (int i = 0; i < partitions; i++)
        rd_kafka_topic_partition_list_add(all, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(arrivals->rk, all);
    rd_kafka_topic_partition_list_destroy(all);
    if (pthread_create(&arrivals->thread, NULL, consume, arrivals) != 0)
        die("cannot start a thread");
    return arrivals;
}

uint64_t kafka_arrivals_count(const struct kafka_arrivals *arrivals)
{
    return atomic_load(&arrivals->count);
}

uint64_t kafka_arrivals_others(const struct kafka_arrivals *arrivals)
{
    return atomic_load(&arrivals->others);
}

uint64_t kafka_arrivals_stop(struct kafka_arrivals *arrivals)
{
    atomic_store(&arrivals->stopping, true);
    pthread_join(arrivals->thread, NULL);
    uint64_t again = arrivals->again;
    rd_kafka_consumer_close(arrivals->rk);
    rd_kafka_destroy(arrivals->rk);
    free(arrivals);
    return again;
}
