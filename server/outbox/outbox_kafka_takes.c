/* outbox_kafka_takes.c - which properties librdkafka knows, asked before there is anything of Kafka. */
#include "outbox_kafka.h"

#include <librdkafka/rdkafka.h>

bool outbox_kafka_takes(const char *name, const char *value, bool *ret_known)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, NULL, 0);

    rd_kafka_conf_destroy(conf);
    *ret_known = result != RD_KAFKA_CONF_UNKNOWN;
    return result == RD_KAFKA_CONF_OK;
}
