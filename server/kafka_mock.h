/* kafka_mock.h - librdkafka's mock of a Kafka cluster, in a process of its own, for trying things out.
 *
 * It keeps what it is sent in memory, a little of it, and forgets it when it ends; it knows no isolation: what was
 * aborted is seen all the same. It ends when its parent does, however that ends. */
#ifndef SERVER_KAFKA_MOCK_H
#define SERVER_KAFKA_MOCK_H

#include <sys/types.h>

#include "varve/status.h"

struct kafka_mock {
    pid_t pid;         /* 0: there is none */
    char address[64];  /* "127.0.0.1:41234" */
};

/* Forks, so there must be no other thread yet. IO. */
enum varve_status kafka_mock_start(struct kafka_mock *ret, struct varve_error *error);
void kafka_mock_stop(struct kafka_mock *mock);

#endif
