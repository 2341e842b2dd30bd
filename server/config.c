/* config.c - reads the command line of varved; every option is a row of one table, which is also the help. */
#include "config.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config_units.h"
#include "varve/snapshots.h"
#include "varve/wire.h"

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_COUNT, OPTION_SIZE, OPTION_DURATION, OPTION_OWN };

/* An option that is a plain number or text is stored at `offset`; OPTION_OWN and flags have a function of their own. */
struct option_row {
    const char *name, *argument, *help;
    enum option_kind kind;
    size_t offset;
    unsigned width; /* bytes of the field: 4 or 8 */
    uint64_t min, max;
};

#define FIELD(member) offsetof(struct config, member), sizeof(((struct config *)0)->member)
#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define MAX_APPEND_BYTES (VARVE_WIRE_MAX_FRAME - MIB) /* what still fits a frame, with the checks that ride along */

static const struct option_row option_rows[] = {
    { "listen", "HOST:PORT", "loopback address to listen on; port 0 = choose one; may be given up to 8 times\n"
      "(default 127.0.0.1:8278, unless --unix is given alone)", OPTION_OWN, 0, 0, 0, 0 },
    { "unix", "PATH", "listen on a unix socket as well (mode 0600)", OPTION_TEXT, FIELD(unix_path), 0, 0 },
    { "port-file", "PATH", "write the TCP ports here when listening, one a line", OPTION_TEXT, FIELD(port_file), 0, 0 },
    { "log-format", "FORMAT", "logfmt (default) or json", OPTION_OWN, 0, 0, 0, 0 },
    { "log-level", "LEVEL", "debug, info (default), warn or error", OPTION_OWN, 0, 0, 0, 0 },
    { "max-connections", "N", "at most so many at a time (default 1024)",
      OPTION_COUNT, FIELD(max_connections), 1, 100000 },
    { "max-requests", "N", "in flight on one connection; more wait in its socket (default 256)",
      OPTION_COUNT, FIELD(max_requests), 1, 65536 },
    { "readers", "N", "threads that read for clients (default 2)", OPTION_COUNT, FIELD(reader_threads), 1, 64 },
    { "memory-budget", "SIZE", "for frames, replies and reads of all connections together (default 256MiB)",
      OPTION_SIZE, FIELD(memory_budget_bytes), 64 * MIB, 1024 * GIB },
    { "max-output", "SIZE", "replies that may wait for one connection (default 16MiB)",
      OPTION_SIZE, FIELD(max_output_bytes), 64 * KIB, 1 * GIB },
    { "send-timeout", "TIME", "close a connection that takes none of its replies for so long (default 30s)",
      OPTION_DURATION, FIELD(send_timeout_ms), 1000, 86400000 },
    { "hello-timeout", "TIME", "close a connection that has not said HELLO within (default 10s)",
      OPTION_DURATION, FIELD(hello_timeout_ms), 1000, 86400000 },
    { "stop-timeout", "TIME", "cut what is left of the connections so long after SIGTERM (default 5s)",
      OPTION_DURATION, FIELD(stop_timeout_ms), 100, 86400000 },
    { "max-event-bytes", "SIZE", "data and metadata of one event (default 1MiB, at most 16MiB)",
      OPTION_SIZE, FIELD(store.max_event_bytes), 1, 16 * MIB },
    { "max-append-bytes", "SIZE", "the records of one append (default 8MiB, at most 31MiB)",
      OPTION_SIZE, FIELD(store.max_append_bytes), 4096, MAX_APPEND_BYTES },
    { "segment-size", "SIZE", "of a journal file (default 64MiB)",
      OPTION_SIZE, FIELD(store.segment_size_bytes), 256 * KIB, 2 * GIB },
    { "settle-size", "SIZE", "events kept in memory before they are settled (default 128MiB)",
      OPTION_SIZE, FIELD(store.settle_size_bytes), 64 * KIB, 64 * GIB },
    { "settle-events", "N", "or so many events (default 500000)",
      OPTION_COUNT, FIELD(store.settle_events), 1, 100000000 },
    { "recent-ids", "N", "event ids remembered to recognise repeated appends (default 1000000)",
      OPTION_COUNT, FIELD(store.recent_ids), 0, 1000000000 },
    { "disk-reserve", "SIZE", "below so much free space appends get DISK_FULL (default 256MiB)",
      OPTION_SIZE, FIELD(store.disk_reserve_bytes), 0, UINT64_C(1) << 60 },
    { "map-size", "SIZE", "address space for store.mdb, which it can never outgrow (default 1TiB)",
      OPTION_SIZE, FIELD(store.map_size_bytes), 16 * MIB, UINT64_C(1) << 46 },
    { "index", "LIST", "what a new store indexes besides streams: any of type,category,correlation,id;\n"
      "or all (default), or none", OPTION_OWN, 0, 0, 0, 0 },
    { "snapshots-keep", "N", "newest snapshots kept of each stream, unless a put says otherwise (default 2);\n"
      "0 = no snapshots: there are none to be had, and none can be put",
      OPTION_COUNT, FIELD(snapshots_keep), 0, VARVE_SNAPSHOT_MAX_KEEP },
    { "config", "FILE", "outboxes to Kafka, each a section [outbox NAME] with keys; see --help-config",
      OPTION_OWN, 0, 0, 0, 0 },
    { "kafka", "HOST:PORT,...", "an outbox named kafka to these brokers, with all defaults: every event but those of\n"
      "class realtime, exactly once, to the topic varve.CATEGORY", OPTION_OWN, 0, 0, 0, 0 },
    { "kafka-mock", NULL, "the same to a mock of Kafka that is started with the server, for trying things out: it\n"
      "forgets everything when the server ends", OPTION_FLAG, 0, 0, 0, 0 },
    { "help-config", NULL, "say the keys of the file of --config and exit", OPTION_FLAG, 0, 0, 0, 0 },
    { "version", NULL, "say the version and exit", OPTION_FLAG, 0, 0, 0, 0 },
    { "help", NULL, "say this and exit", OPTION_FLAG, 0, 0, 0, 0 },
};
enum { OPTION_COUNT_ALL = sizeof(option_rows) / sizeof(option_rows[0]) };

static bool wrong(char *error, size_t room, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool wrong(char *error, size_t room, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error, room, format, arguments);
    va_end(arguments);
    return false;
}

/* HOST and PORT of "HOST:PORT"; the host without its brackets. */
static bool split_address(const char *text, char *host, size_t host_room, uint16_t *ret_port)
{
    const char *colon = strrchr(text, ':');
    uint64_t port;
    const char *rest;

    if (colon == NULL || !config_parse_number(colon + 1, &port, &rest) || *rest != 0 || port > 65535)
        return false;
    size_t size = (size_t)(colon - text);
    if (size >= 2 && text[0] == '[' && text[size - 1] == ']') {
        text++;
        size -= 2;
    } else if (memchr(text, ':', size) != NULL) {
        return false; /* A bare IPv6 address: which colon parts the port? */
    }
    if (size == 0 || size >= host_room)
        return false;
    memcpy(host, text, size);
    host[size] = 0;
    *ret_port = (uint16_t)port;
    return true;
}

bool config_parse_address(const char *text, struct sockaddr_storage *ret, char *error, size_t error_room)
{
    char host[64];
    uint16_t port;
    struct in_addr v4;
    struct in6_addr v6;
    bool loopback;

    if (!split_address(text, host, sizeof(host), &port))
        return wrong(error, error_room, "--listen %s: not HOST:PORT, such as 127.0.0.1:8278 or [::1]:8278", text);
    memset(ret, 0, sizeof(*ret));
    if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &v4) == 1) {
        loopback = (ntohl(v4.s_addr) >> 24) == 127;
        *(struct sockaddr_in *)ret =
            (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = v4 };
    } else if (inet_pton(AF_INET6, host, &v6) == 1) {
        loopback = IN6_IS_ADDR_LOOPBACK(&v6);
        *(struct sockaddr_in6 *)ret =
            (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = v6 };
    } else {
        return wrong(error, error_room, "--listen %s: the host must be a numeric address or localhost", text);
    }
    if (!loopback)
        return wrong(error, error_room, "--listen %s: refused, because varved has no TLS and no authentication yet; "
                     "only loopback addresses (127.0.0.0/8, [::1]) are safe", text);
    return true;
}

static bool parse_indexes(const char *text, unsigned *ret, char *error, size_t error_room)
{
    static const struct { const char *name; unsigned bit; } names[] = {
        { "type", VARVE_INDEX_TYPE }, { "category", VARVE_INDEX_CATEGORY },
        { "correlation", VARVE_INDEX_CORRELATION }, { "id", VARVE_INDEX_ID }, { "all", VARVE_INDEX_ALL },
        { "none", 0 },
    };
    unsigned indexes = 0;

    for (const char *at = text;; at++) {
        size_t size = strcspn(at, ","), i = 0, count = sizeof(names) / sizeof(names[0]);

        while (i < count && (strlen(names[i].name) != size || strncmp(at, names[i].name, size) != 0))
            i++;
        if (i == count)
            return wrong(error, error_room, "--index %s: knows type, category, correlation, id; or all, or none", text);
        indexes |= names[i].bit;
        at += size;
        if (*at == 0)
            break;
    }
    *ret = indexes;
    return true;
}

static bool parse_listen(const char *text, struct config *config, char *error, size_t error_room)
{
    if (config->listen_count == CONFIG_MAX_LISTEN)
        return wrong(error, error_room, "--listen %s: at most %d addresses", text, CONFIG_MAX_LISTEN);
    struct config_address *address = &config->listen[config->listen_count];
    if (!config_parse_address(text, &address->address, error, error_room))
        return false;
    address->text = text;
    config->listen_count++;
    return true;
}

static bool parse_outboxes(const struct option_row *row, const char *text, struct config *config, char *error,
                           size_t room)
{
    bool is_file = strcmp(row->name, "config") == 0;
    const char **given = is_file ? &config->config_file : &config->kafka;
    struct varve_error why;

    if (*given != NULL)
        return wrong(error, room, "--%s %s: may be given once, was %s", row->name, text, *given);
    *given = text;
    enum varve_status status = is_file ? outbox_configs_read(&config->outboxes, text, &why)
                                       : outbox_configs_add(&config->outboxes, "kafka", text, &why);
    return status == VARVE_OK || wrong(error, room, "--%s %s", row->name, why.message);
}

static bool parse_own(const struct option_row *row, const char *text, struct config *config, char *error, size_t room)
{
    if (strcmp(row->name, "config") == 0 || strcmp(row->name, "kafka") == 0)
        return parse_outboxes(row, text, config, error, room);
    if (strcmp(row->name, "listen") == 0)
        return parse_listen(text, config, error, room);
    if (strcmp(row->name, "index") == 0)
        return parse_indexes(text, &config->store.indexes, error, room);
    if (strcmp(row->name, "log-level") == 0)
        return log_level_parse(text, &config->log_level) ||
               wrong(error, room, "--log-level %s: must be debug, info, warn or error", text);
    config->log_json = strcmp(text, "json") == 0;
    return config->log_json || strcmp(text, "logfmt") == 0 ||
           wrong(error, room, "--log-format %s: must be logfmt or json", text);
}

static bool parse_option(const struct option_row *row, const char *text, struct config *config, char *error,
                         size_t room)
{
    char *field = (char *)config + row->offset;
    const char *rest = "";
    uint64_t number = 0;
    bool good;

    if (row->kind == OPTION_OWN)
        return parse_own(row, text, config, error, room);
    if (row->kind == OPTION_TEXT) {
        memcpy(field, &text, sizeof(text));
        return *text != 0 || wrong(error, room, "--%s: must not be empty", row->name);
    }
    good = row->kind == OPTION_SIZE       ? config_parse_size(text, &number)
           : row->kind == OPTION_DURATION ? config_parse_duration(text, &number)
                                          : config_parse_number(text, &number, &rest) && *rest == 0;
    if (!good)
        return wrong(error, room, "--%s %s: not a %s", row->name, text,
                     row->kind == OPTION_SIZE       ? "size, such as 65536 or 64MiB"
                     : row->kind == OPTION_DURATION ? "time, such as 30s or 500ms"
                                                    : "number");
    if (number < row->min || number > row->max)
        return wrong(error, room, "--%s %s: must be %" PRIu64 " to %" PRIu64 "%s", row->name, text, row->min, row->max,
                     row->kind == OPTION_SIZE ? " bytes" : row->kind == OPTION_DURATION ? " ms" : "");
    if (row->width == sizeof(uint32_t))
        memcpy(field, &(uint32_t){ (uint32_t)number }, sizeof(uint32_t));
    else
        memcpy(field, &number, sizeof(number));
    return true;
}

static void set_defaults(struct config *config)
{
    *config = (struct config){
        .directory = "varve-data", .log_level = LOG_LEVEL_INFO, .max_connections = 1024, .max_requests = 256,
        .reader_threads = 2, .memory_budget_bytes = 256 * MIB, .max_output_bytes = 16 * MIB,
        .send_timeout_ms = 30000, .hello_timeout_ms = 10000, .stop_timeout_ms = 5000,
        .snapshots_keep = 2,
        .http = { .max_connections = 4096, .max_body_bytes = 8 * MIB, .header_timeout_ms = 10000,
                  .idle_timeout_ms = 60000 },
        .push = { .max_clients = 2048, .heartbeat_ms = 15000, .send_timeout_ms = 30000 },
        .outbox_halted_after_ms = 60000, .metrics_label_values = 200, .slow_request_ms = 1000,
    };
    varve_options_init(&config->store);
}

/* What only the whole command line can tell. */
static bool check_together(struct config *config, char *error, size_t room)
{
    if (config->listen_count == 0 && config->unix_path == NULL &&
        !parse_listen("127.0.0.1:8278", config, error, room))
        return false;
    if (config->kafka_mock && config->kafka != NULL)
        return wrong(error, room, "--kafka-mock: excludes --kafka %s", config->kafka);
    if (config->store.segment_size_bytes % 4096 != 0)
        return wrong(error, room, "--segment-size: must be a multiple of 4096 bytes");
    if (config->store.max_append_bytes > config->store.segment_size_bytes - 4096)
        return wrong(error, room, "--max-append-bytes %" PRIu32 ": must fit a segment of %" PRIu32
                     " bytes with 4096 to spare", config->store.max_append_bytes, config->store.segment_size_bytes);
    return true;
}

static enum config_action parse_all(int argc, char **argv, const struct option *options, struct config *config,
                                    char *error, size_t room)
{
    int index, found;

    while ((found = getopt_long(argc, argv, ":", options, &index)) != -1) {
        if (found != 0) {
            wrong(error, room, "%s: %s (see varved --help)", argv[optind - 1],
                  found == ':' ? "needs a value" : "no such option");
            return CONFIG_WRONG;
        }
        if (strcmp(option_rows[index].name, "help") == 0)
            return CONFIG_HELP;
        if (strcmp(option_rows[index].name, "help-config") == 0)
            return CONFIG_HELP_CONFIG;
        if (strcmp(option_rows[index].name, "version") == 0)
            return CONFIG_VERSION;
        if (strcmp(option_rows[index].name, "kafka-mock") == 0)
            config->kafka_mock = true;
        else if (!parse_option(&option_rows[index], optarg, config, error, room))
            return CONFIG_WRONG;
    }
    if (argc - optind > 1) {
        wrong(error, room, "%s: one directory at most (see varved --help)", argv[optind + 1]);
        return CONFIG_WRONG;
    }
    if (optind < argc)
        config->directory = argv[optind];
    return check_together(config, error, room) ? CONFIG_SERVE : CONFIG_WRONG;
}

enum config_action config_parse(int argc, char **argv, struct config *ret, char *error, size_t error_room)
{
    struct option options[OPTION_COUNT_ALL + 1];

    for (size_t i = 0; i < OPTION_COUNT_ALL; i++)
        options[i] = (struct option){ .name = option_rows[i].name,
                                      .has_arg = option_rows[i].argument != NULL ? required_argument : no_argument };
    options[OPTION_COUNT_ALL] = (struct option){ .name = NULL };
    set_defaults(ret);
    opterr = 0; /* We say it ourselves, */
    optind = 0; /* and may be called twice. */
    enum config_action action = parse_all(argc, argv, options, ret, error, error_room);
    if (action != CONFIG_SERVE)
        config_end(ret);
    return action;
}

void config_end(struct config *config)
{
    outbox_configs_end(&config->outboxes);
}

static void print_option(FILE *out, const struct option_row *row)
{
    char left[64];

    snprintf(left, sizeof(left), "  --%s%s%s", row->name, row->argument != NULL ? " " : "",
             row->argument != NULL ? row->argument : "");
    for (const char *text = row->help; text != NULL;) {
        const char *end = strchr(text, '\n');

        int size = (int)(end != NULL ? (size_t)(end - text) : strlen(text));

        fprintf(out, "%-26s  %.*s\n", text == row->help ? left : "", size, text);
        text = end != NULL ? end + 1 : NULL;
    }
}

void config_print_help(FILE *out)
{
    fputs("usage: varved [OPTION...] [DIR]\n\n"
          "Serve the event store in DIR (default ./varve-data; made when absent) until SIGTERM or SIGINT.\n\n"
          "options:\n", out);
    for (size_t i = 0; i < OPTION_COUNT_ALL; i++)
        print_option(out, &option_rows[i]);
    fputs("\nA SIZE takes KiB, MiB, GiB or TiB, a TIME ms, s, m or h.\n\n"
          "examples:\n"
          "  varved                                        ./varve-data on 127.0.0.1:8278\n"
          "  varved --listen [::1]:9000 /var/lib/varve     another directory and address\n"
          "  varved --unix /run/varve.sock data            a unix socket and no TCP\n"
          "  varved --listen 127.0.0.1:0 --port-file port  any free port, told in a file\n"
          "  varved --index type,category data             a new store with fewer indexes\n"
          "  varved --kafka 127.0.0.1:9092 data            everything that is appended goes to Kafka, too\n\n"
          "exit codes: 0 stopped as asked, 1 failure, 2 usage, 6 the store is corrupt\n", out);
}
