/* cmd_dev.c - `varve dev`: a server on a directory that goes again, with a mock of Kafka, for trying things out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "dev_server.h"

#define DEFAULT_PORT 8278
#define DEFAULT_HTTP_PORT 8279

static const struct option_spec options[] = {
    { "port", 'p', "PORT", "of the server; default 8278, 0: a free one" },
    { "http-port", 0, "PORT", "of HTTP; default 8279, with --port a free one" },
    { "keep", 0, "DIR", "use this directory, and leave it there at the end" },
    { NULL, 0, NULL, NULL },
};

/* ---- the directory ----------------------------------------------------------------------------------------------- */

static enum varve_status make_directory(const struct cli *cli, struct dev_server *server, struct varve_error *error)
{
    const char *kept = arguments_text(&cli->arguments, "keep"), *above = getenv("TMPDIR");
    int size;

    if (kept != NULL)
        size = snprintf(server->directory, DEV_PATH, "%s", kept);
    else
        size = snprintf(server->directory, DEV_PATH, "%s/varve-dev-XXXXXX",
                        above != NULL && above[0] != '\0' ? above : "/tmp");
    if (size >= DEV_PATH)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "keep", "the path is too long");
    if (kept != NULL ? mkdir(kept, 0700) == 0 || errno == EEXIST : mkdtemp(server->directory) != NULL)
        return VARVE_OK;
    return varve_fail(error, VARVE_IO, NULL, "%s cannot be made: %s", server->directory, strerror(errno));
}

static bool has_command(const struct cli *cli)
{
    return cli->arguments.command != NULL && cli->arguments.command[0] != NULL;
}

/* ---- what is said ------------------------------------------------------------------------------------------------ */

static void say_for_programs(struct cli *cli, const struct dev_server *server)
{
    struct text object = { 0 };

    text_add_str(&object, "{");
    text_member(&object, "url", varve_view_str(server->url));
    text_member(&object, "http", varve_view_str(server->http));
    text_member(&object, "kafka", varve_view_str(server->kafka));
    text_member(&object, "directory", varve_view_str(server->directory));
    text_member(&object, "log", varve_view_str(server->log_path));
    text_add_str(&object, "}");
    output_object(&cli->output, &object);
    text_free(&object);
}

static void say_for_people(struct cli *cli, const struct dev_server *server)
{
    FILE *file = cli->output.file;
    bool kept = arguments_has(&cli->arguments, "keep"), usual = strcmp(server->url, CLI_DEFAULT_URL) == 0;

    fprintf(file, "varved    %s\n", server->url);
    fprintf(file, "HTTP      %s\n", server->http);
    fprintf(file, "Kafka     %s, a mock: it forgets everything when this ends\n", server->kafka);
    fprintf(file, "data      %s%s\n", server->directory, kept ? "" : ", removed when this ends");
    fprintf(file, "log       %s\n\nTry, in another terminal:\n\n", server->log_path);
    if (!usual)
        fprintf(file, "  export VARVE_URL=%s\n", server->url);
    fprintf(file, "  varve append order-42 order.placed '{\"total\": 99}'\n"
                  "  varve append order-42 order.paid --expected 0\n"
                  "  varve read order-42\n"
                  "  varve tail --all\n"
                  "  curl -N '%s/v1/events?after=start'\n"
                  "  varve top\n"
                  "  varve outbox status\n"
                  "  kcat -b %s -C -t varve.order -o beginning -f '%%k %%h %%s\\n'\n\n"
                  "Ctrl-C ends it.\n", server->http, server->kafka);
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

static pid_t start_command(char *const *command, const struct dev_server *server)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    dev_signals_restore();
    setenv("VARVE_URL", server->url, 1);
    setenv("VARVE_HTTP", server->http, 1);
    setenv("KAFKA_BROKERS", server->kafka, 1);
    execvp(command[0], command);
    fprintf(stderr, "error: IO: %s cannot be run: %s\n", command[0], strerror(errno));
    _exit(127);
}

/* Its exit code, or what became of the server before that. */
static int stay(struct cli *cli, struct dev_server *server)
{
    char *const *command = cli->arguments.command;
    pid_t pid = 0, server_pid = server->pid;
    struct varve_error error;
    int code = CLI_OK;

    if (has_command(cli)) {
        pid = start_command(command, server);
        if (pid < 0) {
            varve_fail(&error, VARVE_IO, NULL, "no process for %s: %s", command[0], strerror(errno));
            return cli_fail(cli, &error);
        }
    }
    if (dev_server_wait(server, pid, &code) == server_pid) {
        varve_fail(&error, VARVE_DISCONNECTED, NULL, "varved has ended; see %s", server->log_path);
        code = cli_fail(cli, &error);
    }
    if (pid > 0 && waitpid(pid, NULL, WNOHANG) == 0) { /* It was we who were told to end. */
        kill(pid, SIGTERM);
        waitpid(pid, NULL, 0);
    }
    return code;
}

static enum varve_status parse(const struct cli *cli, uint64_t *ret_port, uint64_t *ret_http_port,
                               struct varve_error *error)
{
    enum varve_status status = cli_words(cli, 0, 0, error);

    if (status == VARVE_OK && (arguments_has(&cli->arguments, "server") || arguments_has(&cli->arguments, "db")))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "server", "it brings its own server: no --server, no --db");
    if (arguments_has(&cli->arguments, "port"))
        *ret_http_port = 0;
    if (status == VARVE_OK)
        status = arguments_uint(&cli->arguments, "port", 65535, ret_port, error);
    return status == VARVE_OK ? arguments_uint(&cli->arguments, "http-port", 65535, ret_http_port, error) : status;
}

static int run(struct cli *cli)
{
    struct dev_server server = { .pid = 0 };
    struct varve_error error;
    char program[DEV_PATH];
    uint64_t port = DEFAULT_PORT, http_port = DEFAULT_HTTP_PORT;
    int code = CLI_OK;

    enum varve_status status = parse(cli, &port, &http_port, &error);
    if (status == VARVE_OK)
        status = make_directory(cli, &server, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    dev_server_find(program);
    dev_signals_block();
    status = dev_server_start(&server, program, (uint16_t)port, (uint16_t)http_port, &error);
    if (status == VARVE_OK) {
        if (!has_command(cli) && cli->output.format == OUTPUT_TABLE)
            say_for_people(cli, &server);
        else if (!has_command(cli))
            say_for_programs(cli, &server);
        fflush(cli->output.file);
        code = stay(cli, &server);
    } else {
        code = cli_fail(cli, &error);
    }
    dev_server_stop(&server);
    if (!arguments_has(&cli->arguments, "keep"))
        dev_remove(server.directory);
    return code;
}

const struct command command_dev = {
    .name = "dev",
    .arguments = "[-- COMMAND [ARG...]]",
    .summary = "run a server with a mock of Kafka, to try things out",
    .details = "Starts the varved beside this program (or of PATH) on a directory of its own, and says where things\n"
               "are. With a COMMAND it runs that, with VARVE_URL, VARVE_HTTP and KAFKA_BROKERS set, and ends with it\n"
               "and its exit code; otherwise it ends with Ctrl-C.",
    .options = options,
    .examples = "  varve dev\n  varve dev --port 0 -- ./run-tests\n  varve dev --keep ./data\n",
    .takes_command = true,
    .run = run,
};
