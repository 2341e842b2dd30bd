/* main.c - varved: from the command line to an open store, a running server, and an exit code. */
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config_help.h"
#include "config_outboxes.h"
#include "config_reference.h"
#include "descriptors.h"
#include "kafka_mock.h"
#include "outboxes.h"
#include "run.h"
#include "varve/version.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_WRONG_USAGE = 2, EXIT_CORRUPT = 6 };

static int exit_code(enum varve_status status)
{
    return status == VARVE_OK ? EXIT_OK
           : status == VARVE_CORRUPT ? EXIT_CORRUPT
           : status == VARVE_INVALID_ARGUMENT ? EXIT_WRONG_USAGE : EXIT_FAILED;
}

static int complain(const struct varve_error *error)
{
    fprintf(stderr, "varved: %s: %s\n", varve_status_name(error->status), error->message);
    return exit_code(error->status);
}

static int complain_of_config(const struct config_complaints *complaints)
{
    for (size_t i = 0; i < complaints->count && i < CONFIG_MAX_COMPLAINTS; i++)
        fprintf(stderr, "varved: %s\n", complaints->lines[i]);
    if (complaints->count > CONFIG_MAX_COMPLAINTS)
        fprintf(stderr, "varved: and %zu more\n", complaints->count - CONFIG_MAX_COMPLAINTS);
    return EXIT_WRONG_USAGE;
}

/* When started without them, the first files of the store would get their numbers, and the log would be written into
 * one of those. */
static bool occupy_standard_descriptors(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    return fd >= 0 && close(fd) == 0;
}

/* What is said when the server is gone, in the way that holds since the last SIGHUP. */
static struct log log_of_the_end(const struct server *server)
{
    return (struct log){ .fd = server->log.fd, .level = log_level_of(&server->log), .json = server->log.json,
                         .service = server->log.service };
}

/* The server, from opening its store to closing it. After a fault the store is left as it is. */
static int serve(const struct config *config, const struct log *log)
{
    static struct server server; /* Too large for a stack. */
    struct varve_error error = { .status = VARVE_OK };

    if (server_init(&server, config, log, &error) != VARVE_OK)
        return complain(&error);
    enum varve_status status = run_server(&server, &error);
    struct varve_store *store = server.store;
    if (store != NULL && varve_store_fault(store, NULL) != VARVE_OK)
        _exit(complain(&error)); /* Closing would touch files whose state is unknown. */
    if (!outboxes_end(&server))
        _exit(status == VARVE_OK ? EXIT_OK : complain(&error)); /* Its thread would go on with what is freed. */
    enum varve_status closed = varve_store_close(store);
    server_end(&server);
    const struct log end = log_of_the_end(&server);
    if (status != VARVE_OK)
        return complain(&error);
    if (closed != VARVE_OK) {
        varve_fail(&error, closed, NULL, "%s: closing the store failed: %s", config->directory,
                   varve_status_meaning(closed));
        log_error(&end, "store.fault", log_text("error", varve_status_name(closed)),
                  log_text("message", error.message));
        return complain(&error);
    }
    log_info(&end, "server.stopped", log_text("directory", config->directory));
    return EXIT_OK;
}

/* Ten pieces of memory for each message, freed by the ten thousand: glibc would gather its fast bins anew for each of
 * the large holes that come of it, a quarter of the outbox thread's time when it drains a backlog. */
static void fit_memory(const struct config *config)
{
    if (config->outboxes.count > 0)
        mallopt(M_MXFAST, 0);
}

static int prepare_and_serve(struct config *config, const struct log *log)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN); /* Until there is somebody to reload for. */
    descriptors_ask(config);
    descriptors_share(config, log);
    fit_memory(config);
    return serve(config, log);
}

/* Before anything else, while there is one thread: it forks. */
static int serve_with_mock(struct config *config, const struct log *log)
{
    struct kafka_mock mock = { 0 };
    struct varve_error error;
    enum varve_status status = kafka_mock_start(&mock, &error);

    if (status == VARVE_OK)
        status = config_outboxes_add_mock(config, mock.address, &error);
    if (status != VARVE_OK) {
        kafka_mock_stop(&mock);
        return complain(&error);
    }
    log_info(log, "kafka_mock.ready", log_text("address", mock.address), log_number("pid", (uint64_t)mock.pid));
    int code = prepare_and_serve(config, log);
    kafka_mock_stop(&mock);
    return code;
}

static int run(struct config *config)
{
    const struct log log = { .fd = STDERR_FILENO, .level = config->log_level, .json = config->log_json,
                             .service = config->log_service };

    return config->kafka_mock ? serve_with_mock(config, &log) : prepare_and_serve(config, &log);
}

int main(int argc, char **argv)
{
    static struct config config; /* Stays to the very end: an outbox's thread may hang in librdkafka with it. */
    static struct config_complaints complaints;

    if (!occupy_standard_descriptors())
        return EXIT_FAILED;
    switch (config_parse(argc, argv, &config, &complaints)) {
    case CONFIG_HELP:
        config_print_help(stdout);
        return EXIT_OK;
    case CONFIG_HELP_CONFIG:
        config_print_keys(stdout);
        return EXIT_OK;
    case CONFIG_EXAMPLE:
        config_print_example(stdout);
        return EXIT_OK;
    case CONFIG_CHECK:
        puts("the configuration is good");
        return EXIT_OK;
    case CONFIG_VERSION:
        printf("varved %s\n", VARVE_VERSION);
        return EXIT_OK;
    case CONFIG_WRONG:
        return complain_of_config(&complaints);
    case CONFIG_SERVE:
        break;
    }
    return run(&config);
}
