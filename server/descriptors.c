/* descriptors.c - see descriptors.h. */
#include "descriptors.h"

#include <sys/resource.h>

#include "server.h"

enum { DESCRIPTORS_BESIDES = 128 }; /* of the store, the loop, the log */

void descriptors_ask(struct config *config)
{
    struct rlimit limit;
    uint64_t besides = DESCRIPTORS_BESIDES + SERVER_SPARE_CONNECTIONS;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return;
    uint64_t room = limit.rlim_cur > besides + 1 ? limit.rlim_cur - besides : 1;
    config->connections_possible = room < UINT32_MAX ? (uint32_t)room : UINT32_MAX;
}

static void fit(const char *key, uint32_t *connections, uint32_t possible, const struct log *log)
{
    if (*connections <= possible)
        return;
    log_warn(log, "server.fewer_connections", log_text("key", key), log_number("wanted", *connections),
             log_number("possible", possible));
    __atomic_store_n(connections, possible, __ATOMIC_RELAXED); /* Other threads work out the bound of memory. */
}

void descriptors_share(struct config *config, const struct log *log)
{
    uint32_t possible = config->connections_possible;

    fit("server.max_connections", &config->max_connections, possible, log);
    if (config->http.listen_count == 0)
        return;
    fit("http.max_connections", &config->http.max_connections,
        possible > config->max_connections ? possible - config->max_connections : 1, log);
}
