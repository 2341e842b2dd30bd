/* config.h - what the command line of varved says. */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include <stdio.h>
#include <sys/socket.h>

#include "varve/store.h"

#include "log.h"
#include "outbox/outbox_config.h"

enum { CONFIG_MAX_LISTEN = 8 };

struct config_address {
    struct sockaddr_storage address; /* loopback, IPv4 or IPv6 */
    const char *text;                /* as given */
};

struct config {
    const char *directory;
    struct config_address listen[CONFIG_MAX_LISTEN];
    size_t listen_count;
    const char *unix_path;           /* NULL: no unix socket */
    const char *port_file;           /* NULL: none */
    enum log_level log_level;
    bool log_json;
    uint32_t max_connections;
    uint32_t max_requests;           /* in flight on one connection */
    uint32_t reader_threads;
    uint64_t memory_budget_bytes;    /* frames, replies and reads of all connections together */
    uint64_t max_output_bytes;       /* replies waiting for one connection */
    uint64_t send_timeout_ms;        /* how long a peer may take nothing of what waits for it */
    uint64_t hello_timeout_ms;
    uint64_t stop_timeout_ms;        /* how long a graceful stop may take until connections are cut */
    uint32_t snapshots_keep;         /* newest ones of each stream; 0: no cache of snapshots */
    const char *config_file;         /* NULL: none */
    const char *kafka;               /* brokers, as given; NULL: none */
    bool kafka_mock;                 /* an outbox to a mock cluster of our own */
    struct outbox_configs outboxes;  /* of the file and of --kafka */
    struct varve_options store;
};

enum config_action { CONFIG_SERVE, CONFIG_HELP, CONFIG_HELP_CONFIG, CONFIG_VERSION, CONFIG_WRONG };

/* Read the command line, and the file it names. The texts in *ret point into `argv`. With CONFIG_WRONG, `error` holds
 * one line that says which argument is wrong and what would be right. After CONFIG_SERVE, end it with config_end(). */
enum config_action config_parse(int argc, char **argv, struct config *ret, char *error, size_t error_room);

void config_end(struct config *config);

void config_print_help(FILE *out);

/* "HOST:PORT" with HOST an IPv4 address, an IPv6 address in brackets, or "localhost". False, with a reason, for
 * anything else and for addresses that are not loopback. */
bool config_parse_address(const char *text, struct sockaddr_storage *ret, char *error, size_t error_room);

#endif
