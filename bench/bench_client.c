/* bench_client.c - see bench_client.h. */
#include "bench_client.h"

#include "bench.h"

struct varve_client *bench_client_open(const char *url, uint32_t in_flight)
{
    struct varve_client_options options;
    struct varve_client *client;
    struct varve_error error;

    varve_client_options_init(&options);
    if (in_flight > 0)
        options.max_in_flight = in_flight;
    if (varve_client_create(url, &options, &client, &error) != VARVE_OK ||
        varve_client_connect(client, &error) != VARVE_OK)
        die("cannot connect to %s: %s", url, error.message);
    return client;
}
