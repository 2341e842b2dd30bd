/* config.h - what varved is told: on the command line, in the environment, in a file; docs/configuration.md. */
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
    char text[64];                   /* as given */
};

/* What holds for one key, and who said so. */
struct config_value {
    char *key;                       /* "http.max_body", "outbox.loans.mode" */
    char *text;                      /* a number has one way of being written, whatever it was given as */
    char *origin;                    /* "default", "varved.ini:12", "VARVED_HTTP__MAX_BODY", "--http.max_body" */
    bool is_secret;                  /* never shown */
    bool is_reloadable;
};

/* What texts of lists hold is parted by spaces or commas, checked when the configuration is read. */
struct http_config {
    struct config_address listen[CONFIG_MAX_LISTEN]; /* default 127.0.0.1:8279 */
    size_t listen_count;             /* 0: no HTTP (`off`) */
    const char *port_file;           /* NULL: none */
    uint32_t max_connections;        /* of HTTP, those of push included */
    uint64_t max_body_bytes;         /* of a request */
    uint64_t header_timeout_ms;      /* a request's head and body must come within */
    uint64_t idle_timeout_ms;        /* a connection without a request is closed after */
    const char *hosts;               /* names in the Host header that are answered besides loopback's; NULL: none */
    const char *cors_origins;        /* web pages' origins that browsers may let in; NULL: none */
};

struct push_config {
    const char *allow_types;         /* patterns of types that may be pushed; NULL: all */
    const char *fields;              /* members of `data` that are pushed: "status metadata.tenant"; NULL: all */
    const char *required_fields;     /* an event without one of these is rejected: "user_id data.order_id" */
    const char *uuid_fields;         /* likewise when it is no UUID */
    const char *time_fields;         /* likewise when it is no RFC 3339 time */
    uint32_t max_clients;
    uint64_t heartbeat_ms;
    uint64_t send_timeout_ms;        /* one that takes nothing of what waits for it for so long is dropped */
};

struct config {
    const char *directory;
    struct config_address listen[CONFIG_MAX_LISTEN];
    size_t listen_count;
    const char *unix_path;           /* NULL: no unix socket */
    const char *port_file;           /* NULL: none */
    enum log_level log_level;
    bool log_json;
    const char *log_service;         /* in every line */
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
    bool kafka_mock;                 /* an outbox to a mock cluster of our own */
    struct outbox_configs outboxes;  /* of the file and of --kafka */
    struct http_config http;
    struct push_config push;
    _Atomic uint64_t outbox_halted_after_ms; /* so long may an outbox stand still until the server is not ready */
    uint32_t metrics_label_values;   /* of one label: what comes after these is counted as `other` */
    uint64_t slow_request_ms;        /* a request that took longer is logged; 0: none */
    struct varve_options store;
    int argc;                        /* where it came from, to be read again */
    char **argv;
    uint32_t connections_possible;   /* of both ports; descriptors allow no more, whatever is asked for */
    struct config_value *values;     /* of every key, in the order of the table; then the outboxes' */
    size_t value_count;
};

/* Everything that is wrong, one line each. */
enum { CONFIG_MAX_COMPLAINTS = 20, CONFIG_COMPLAINT_BYTES = 640 };
struct config_complaints {
    size_t count;                    /* also of those there was no room for */
    char lines[CONFIG_MAX_COMPLAINTS][CONFIG_COMPLAINT_BYTES];
};

enum config_action {
    CONFIG_SERVE, CONFIG_CHECK, CONFIG_HELP, CONFIG_HELP_CONFIG, CONFIG_EXAMPLE, CONFIG_VERSION, CONFIG_WRONG,
};

/* Read the command line, the environment, and the file they name. What one of these says hides what is said behind it:
 * command line, environment, file, default. With CONFIG_WRONG, *complaints says what is wrong, who said it, and what
 * would be right. After CONFIG_SERVE and CONFIG_CHECK, end it with config_end(). */
enum config_action config_parse(int argc, char **argv, struct config *ret, struct config_complaints *complaints);

void config_end(struct config *config);

/* A number that SIGHUP may change meanwhile, read by another thread than the loop's. */
#define config_number(field) __atomic_load_n((field), __ATOMIC_RELAXED)

#endif
