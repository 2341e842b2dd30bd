/* broker_double.h - tests/kafka/txbroker as a child process, and orders to it. Ends with us, whatever happens. */
#ifndef TESTS_BROKER_DOUBLE_H
#define TESTS_BROKER_DOUBLE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct broker_double {
    pid_t pid;
    char scratch[64];
    char brokers[32];        /* "127.0.0.1:PORT" */
    int orders;              /* a socket, */
    FILE *answers;           /* and what comes back on it */
    char answer[1 << 16];    /* to the last one: what stands behind "ok" */
};
/* `options` as txbroker takes them, NULL at the end; NULL: none. Fails the test when it does not start. */
void broker_double_start(struct broker_double *broker, const char *const *options);
void broker_double_end(struct broker_double *broker);
/* One line of JSON, {"do": ...}, see tests/kafka/README.md. Fails the test when the double does not obey. */
void broker_double_order(struct broker_double *broker, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A number that an order answers with. */
long broker_double_number(struct broker_double *broker, const char *order);
/* Frozen, its connections stay open; and thawed. */
void broker_double_freeze(struct broker_double *broker, bool frozen);

#endif
