/* kafka_bench.h - the Kafka that the section `outbox` measures against: a broker that was given, or librdkafka's mock
 * in this process; a consumer that notes when each event arrives; a plain producer to compare with. */
#ifndef BENCH_KAFKA_BENCH_H
#define BENCH_KAFKA_BENCH_H

#include "bench.h"

#include <librdkafka/rdkafka.h>

struct kafka_bench;

/* `brokers` NULL: a mock. */
struct kafka_bench *kafka_bench_open(const char *brokers);
void kafka_bench_close(struct kafka_bench *kafka);
const char *kafka_bench_brokers(const struct kafka_bench *kafka);
bool kafka_bench_is_mock(const struct kafka_bench *kafka);
void kafka_bench_remove_topic(struct kafka_bench *kafka, const char *topic);

/* An event's data begin with its number, in so many hexadecimal digits. */
enum { BENCH_NUMBER_DIGITS = 16 };
uint64_t bench_number_of(const char *data, size_t size); /* UINT64_MAX: none is there */

/* Reads a topic that exists from its beginning, read committed, on a thread of its own. An event with a number below
 * `count` is entered into arrived_ns, which is zero before. */
struct kafka_arrivals;
struct kafka_arrivals *kafka_arrivals_start(struct kafka_bench *kafka, const char *topic, uint64_t *arrived_ns,
                                            uint64_t count);
uint64_t kafka_arrivals_count(const struct kafka_arrivals *arrivals);  /* different events that are here */
uint64_t kafka_arrivals_others(const struct kafka_arrivals *arrivals); /* with other numbers */
/* Ends the thread; returns how many arrived again. */
uint64_t kafka_arrivals_stop(struct kafka_arrivals *arrivals);

/* An idempotent producer without transactions sends `count` records like those at the beginning of the topic `like`
 * (the same keys, values, headers, partitions) into `topic`, which it makes. Returns the nanoseconds until all are
 * acknowledged. */
uint64_t kafka_produce_plainly(struct kafka_bench *kafka, const char *like, const char *topic, uint64_t count);

/* A configuration with what every instance here has. */
rd_kafka_conf_t *kafka_bench_conf(const struct kafka_bench *kafka, const char *const (*properties)[2], size_t count);
/* How many partitions a topic has; waits until there is one. */
int kafka_bench_partitions(rd_kafka_t *rk, const char *topic);

#endif
