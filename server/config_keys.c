/* config_keys.c - the table of keys, and how one is found by a name. */
#include "config_keys.h"

#include <ctype.h>
#include <string.h>

#include "outbox/outbox_nearest.h"
#include "varve/snapshots.h"
#include "varve/wire.h"

#define FIELD(member) .offset = offsetof(struct config, member), .width = sizeof(((struct config *)0)->member)
#define RANGE(from, to) .min = (from), .max = (to)
#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define SECOND UINT64_C(1000)
#define DAY (86400 * SECOND)
#define MAX_APPEND_BYTES (VARVE_WIRE_MAX_FRAME - MIB) /* what still fits a frame, with the checks that ride along */

static bool is_host(const char *word, const char **expected);
static bool is_origin(const char *word, const char **expected);

const struct config_section config_sections[] = {
    { "server", "the binary port" },
    { "store", "the log on the disk" },
    { "snapshots", "the cache of snapshots" },
    { "http", "the HTTP port: metrics, health, JSON, push" },
    { "push", "server-sent events" },
    { "health", "when the server says that it is ready" },
    { "metrics", "what /metrics tells" },
    { "log", "the log that is written to the standard error" },
};
const size_t config_section_count = sizeof(config_sections) / sizeof(config_sections[0]);

const struct config_key config_keys[] = {
    { "server.directory", NULL, "DIR", "varve-data", "where the store is; the same as the argument DIR",
      CONFIG_TEXT, false, FIELD(directory) },
    { "server.listen", "listen", "HOST:PORT,...|off", "127.0.0.1:8278",
      "loopback addresses of the binary port, at most 8; port 0 takes any free one; off needs server.unix, and is the "
      "default when that is given alone", CONFIG_ADDRESSES, false, FIELD(listen),
      .count_offset = offsetof(struct config, listen_count) },
    { "server.unix", "unix", "PATH", "none", "listen on a unix socket as well (mode 0600)",
      CONFIG_TEXT, false, FIELD(unix_path) },
    { "server.port_file", "port-file", "PATH", "none", "write the TCP ports here when listening, one a line",
      CONFIG_TEXT, false, FIELD(port_file) },
    { "server.max_connections", "max-connections", "N", "1024", "at most so many at a time",
      CONFIG_COUNT, true, FIELD(max_connections), RANGE(1, 100000) },
    { "server.max_requests", "max-requests", "N", "256", "in flight on one connection; more wait in its socket",
      CONFIG_COUNT, true, FIELD(max_requests), RANGE(1, 65536) },
    { "server.readers", "readers", "N", "2", "threads that read for clients",
      CONFIG_COUNT, false, FIELD(reader_threads), RANGE(1, 64) },
    { "server.memory_budget", "memory-budget", "SIZE", "256MiB",
      "for frames, replies and reads of all connections together",
      CONFIG_SIZE, true, FIELD(memory_budget_bytes), RANGE(64 * MIB, 1024 * GIB) },
    { "server.max_output", "max-output", "SIZE", "16MiB", "replies that may wait for one connection",
      CONFIG_SIZE, true, FIELD(max_output_bytes), RANGE(64 * KIB, 1 * GIB) },
    { "server.send_timeout", "send-timeout", "TIME", "30s",
      "close a connection that takes none of its replies for so long",
      CONFIG_TIME, true, FIELD(send_timeout_ms), RANGE(SECOND, DAY) },
    { "server.hello_timeout", "hello-timeout", "TIME", "10s", "close a connection that has not said HELLO within",
      CONFIG_TIME, true, FIELD(hello_timeout_ms), RANGE(SECOND, DAY) },
    { "server.stop_timeout", "stop-timeout", "TIME", "5s",
      "cut what is left of the connections so long after SIGTERM",
      CONFIG_TIME, true, FIELD(stop_timeout_ms), RANGE(100, DAY) },

    { "store.index", "index", "LIST", "all",
      "what a new store indexes besides streams: any of type,category,correlation,id; or all, or none",
      CONFIG_INDEXES, false, FIELD(store.indexes) },
    { "store.max_event_bytes", "max-event-bytes", "SIZE", "1MiB", "data and metadata of one event, at most 16MiB",
      CONFIG_SIZE, false, FIELD(store.max_event_bytes), RANGE(1, 16 * MIB) },
    { "store.max_append_bytes", "max-append-bytes", "SIZE", "8MiB",
      "the records of one append, at most 31MiB; must fit a segment with 4096 bytes to spare",
      CONFIG_SIZE, false, FIELD(store.max_append_bytes), RANGE(4096, MAX_APPEND_BYTES) },
    { "store.segment_size", "segment-size", "SIZE", "64MiB", "of a journal file; a multiple of 4096 bytes",
      CONFIG_SIZE, false, FIELD(store.segment_size_bytes), RANGE(256 * KIB, 2 * GIB) },
    { "store.settle_size", "settle-size", "SIZE", "128MiB", "events kept in memory before they are settled",
      CONFIG_SIZE, false, FIELD(store.settle_size_bytes), RANGE(64 * KIB, 64 * GIB) },
    { "store.settle_events", "settle-events", "N", "500000", "or so many events",
      CONFIG_COUNT, false, FIELD(store.settle_events), RANGE(1, 100000000) },
    { "store.recent_ids", "recent-ids", "N", "1000000", "event ids remembered to recognise repeated appends",
      CONFIG_COUNT, false, FIELD(store.recent_ids), RANGE(0, 1000000000) },
    { "store.disk_reserve", "disk-reserve", "SIZE", "256MiB", "below so much free space appends get DISK_FULL",
      CONFIG_SIZE, false, FIELD(store.disk_reserve_bytes), RANGE(0, UINT64_C(1) << 60) },
    { "store.map_size", "map-size", "SIZE", "1TiB", "address space for store.mdb, which it can never outgrow",
      CONFIG_SIZE, false, FIELD(store.map_size_bytes), RANGE(16 * MIB, UINT64_C(1) << 46) },

    { "snapshots.keep", "snapshots-keep", "N", "2",
      "newest snapshots kept of each stream, unless a put says otherwise; 0 = no snapshots: there are none to be had, "
      "and none can be put", CONFIG_COUNT, false, FIELD(snapshots_keep), RANGE(0, VARVE_SNAPSHOT_MAX_KEEP) },

    { "http.listen", "http-listen", "HOST:PORT,...|off", "127.0.0.1:8279",
      "loopback addresses of the HTTP port, at most 8; port 0 takes any free one; off = no HTTP",
      CONFIG_ADDRESSES, false, FIELD(http.listen), .count_offset = offsetof(struct config, http.listen_count) },
    { "http.port_file", "http-port-file", "PATH", "none", "write the HTTP ports here when listening, one a line",
      CONFIG_TEXT, false, FIELD(http.port_file) },
    { "http.max_connections", NULL, "N", "4096", "at most so many at a time, those of push included",
      CONFIG_COUNT, true, FIELD(http.max_connections), RANGE(1, 100000) },
    { "http.max_body", NULL, "SIZE", "8MiB", "of one request",
      CONFIG_SIZE, true, FIELD(http.max_body_bytes), RANGE(1 * KIB, 64 * MIB) },
    { "http.header_timeout", NULL, "TIME", "10s", "the head and the body of a request must come within",
      CONFIG_TIME, true, FIELD(http.header_timeout_ms), RANGE(SECOND, DAY) },
    { "http.idle_timeout", NULL, "TIME", "1m", "close a connection that has been without a request for so long",
      CONFIG_TIME, true, FIELD(http.idle_timeout_ms), RANGE(SECOND, DAY) },
    { "http.hosts", NULL, "HOST,...", "none",
      "names besides those of loopback that a request may be for (its Host), such as that of a proxy in front",
      CONFIG_LIST, true, FIELD(http.hosts), .is_good_word = is_host },
    { "http.cors_origins", NULL, "ORIGIN,...", "none",
      "origins of web pages that browsers may let in, such as https://app.example; null for pages opened from a file",
      CONFIG_LIST, true, FIELD(http.cors_origins), .is_good_word = is_origin },

    { "push.allow_types", NULL, "GLOB,...", "all", "types of events that may be pushed",
      CONFIG_LIST, true, FIELD(push.allow_types) },
    { "push.fields", NULL, "FIELD,...", "all", "members of an event's data that are pushed, such as "
      "status,total; of its metadata, metadata.tenant",
      CONFIG_LIST, true, FIELD(push.fields) },
    { "push.required_fields", NULL, "FIELD,...", "none",
      "an event without one of these is rejected, such as user_id,data.order_id",
      CONFIG_LIST, true, FIELD(push.required_fields) },
    { "push.uuid_fields", NULL, "FIELD,...", "none", "likewise when one of these is no UUID",
      CONFIG_LIST, true, FIELD(push.uuid_fields) },
    { "push.time_fields", NULL, "FIELD,...", "none", "likewise when one of these is no time as in RFC 3339",
      CONFIG_LIST, true, FIELD(push.time_fields) },
    { "push.max_clients", NULL, "N", "2048", "at most so many at a time",
      CONFIG_COUNT, true, FIELD(push.max_clients), RANGE(0, 100000) },
    { "push.heartbeat", NULL, "TIME", "15s", "a comment is sent when there was nothing else for so long",
      CONFIG_TIME, true, FIELD(push.heartbeat_ms), RANGE(SECOND, DAY) },
    { "push.send_timeout", NULL, "TIME", "30s", "drop a client that takes nothing of what waits for it for so long",
      CONFIG_TIME, true, FIELD(push.send_timeout_ms), RANGE(SECOND, DAY) },

    { "health.outbox_halted_after", NULL, "TIME", "1m",
      "an outbox that stands still for so long makes the server not ready",
      CONFIG_TIME, true, FIELD(outbox_halted_after_ms), RANGE(0, DAY) },

    { "metrics.label_values", NULL, "N", "200",
      "of one label that are told apart; what comes after these counts as `other`",
      CONFIG_COUNT, false, FIELD(metrics_label_values), RANGE(1, 100000) },

    { "log.format", "log-format", "logfmt|json", "logfmt", "lines of key=value, or JSON objects",
      CONFIG_WORD, true, FIELD(log_json) },
    { "log.level", "log-level", "debug|info|warn|error", "info", "the least that is logged",
      CONFIG_WORD, true, FIELD(log_level) },
    { "log.service", NULL, "NAME", "varved", "what every line gives as its service",
      CONFIG_TEXT, false, FIELD(log_service) },
    { "log.slow_request", NULL, "TIME", "1s", "log a request that took longer; 0 = none",
      CONFIG_TIME, true, FIELD(slow_request_ms), RANGE(0, DAY) },
};
const size_t config_key_count = sizeof(config_keys) / sizeof(config_keys[0]);

/* ---- words of lists ---------------------------------------------------------------------------------------------- */

static bool is_host(const char *word, const char **expected)
{
    *expected = "names of hosts without a port, such as varve.example";
    for (; *word != 0; word++)
        if (!isalnum((unsigned char)*word) && strchr(".-_[]:", *word) == NULL)
            return false;
    return true;
}

/* As browsers write it: no path, no slash at the end; null, for pages opened from a file. */
static bool is_origin(const char *word, const char **expected)
{
    const char *rest = strstr(word, "://");

    *expected = "origins as browsers send them, such as https://app.example or http://localhost:3000";
    if (strcmp(word, "null") == 0)
        return true;
    if (rest == NULL || (strncmp(word, "http://", 7) != 0 && strncmp(word, "https://", 8) != 0) || rest[3] == 0)
        return false;
    for (rest += 3; *rest != 0; rest++)
        if (!islower((unsigned char)*rest) && !isdigit((unsigned char)*rest) && strchr(".-_[]:", *rest) == NULL)
            return false;
    return true;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

size_t config_section_size(const char *name)
{
    return strcspn(name, ".");
}

static int plain(char c)
{
    return c == '.' || c == '-' ? '_' : tolower((unsigned char)c);
}

bool config_same_name(const char *a, size_t a_size, const char *b, size_t b_size)
{
    if (a_size != b_size)
        return false;
    for (size_t i = 0; i < a_size; i++)
        if (plain(a[i]) != plain(b[i]))
            return false;
    return true;
}

const struct config_section *config_section_find(const char *name, size_t size)
{
    for (size_t i = 0; i < config_section_count; i++)
        if (config_same_name(config_sections[i].name, strlen(config_sections[i].name), name, size))
            return &config_sections[i];
    return NULL;
}

const struct config_key *config_key_find(const char *section, size_t section_size, const char *name, size_t name_size)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const char *known = config_keys[i].name;
        size_t size = config_section_size(known);

        if (config_same_name(known, size, section, section_size) &&
            config_same_name(known + size + 1, strlen(known) - size - 1, name, name_size))
            return &config_keys[i];
    }
    return NULL;
}

const struct config_key *config_key_of_flag(const char *flag, size_t size)
{
    for (size_t i = 0; i < config_key_count; i++)
        if (config_keys[i].flag != NULL && strlen(config_keys[i].flag) == size &&
            memcmp(config_keys[i].flag, flag, size) == 0)
            return &config_keys[i];
    return NULL;
}

enum { SLIP = 2 }; /* letters that fingers get wrong in a name that they know */

/* The key of this name that stands in another section. */
static const char *elsewhere(const char *name)
{
    const char *dot = strchr(name, '.');

    for (size_t i = 0; dot != NULL && i < config_key_count; i++)
        if (strcmp(config_keys[i].name + config_section_size(config_keys[i].name), dot) == 0)
            return config_keys[i].name;
    return NULL;
}

const char *config_key_nearest(const char *name)
{
    struct outbox_nearest nearest = outbox_nearest_to(name);
    const char *same = elsewhere(name);

    for (size_t i = 0; i < config_key_count; i++)
        outbox_nearest_offer(&nearest, config_keys[i].name);
    if (nearest.name != NULL && nearest.distance <= SLIP) /* htpp.listen is not meant to be server.listen. */
        return nearest.name;
    return same != NULL ? same : nearest.name;
}

const char *config_flag_hint(const char *name, char room[CONFIG_HINT_BYTES])
{
    static const char *const others[] = { "config", "kafka", "kafka-mock", "help", "help-config",
                                          "example-config", "check-config", "version" };
    struct outbox_nearest nearest = outbox_nearest_to(name);

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        outbox_nearest_offer(&nearest, others[i]);
    for (size_t i = 0; i < config_key_count; i++)
        if (config_keys[i].flag != NULL)
            outbox_nearest_offer(&nearest, config_keys[i].flag);
    const char *meant = nearest.name != NULL ? nearest.name : config_key_nearest(name);
    if (meant != NULL)
        snprintf(room, CONFIG_HINT_BYTES, "; did you mean --%s?", meant);
    else
        snprintf(room, CONFIG_HINT_BYTES, " (see varved --help)");
    return room;
}
