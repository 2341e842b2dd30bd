/* main.c - varve-bench: which cases, where, how often. */
#include "bench.h"

#include <errno.h>
#include <ftw.h>
#include <getopt.h>
#include <libgen.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct {
    const char *name, *what;
    void (*run)(const struct settings *settings, struct report *report);
} sections[] = {
    { "engine-append", "durable appends in process, against pwrite + fdatasync", bench_engine_append },
    { "engine-read", "rebuilding streams and reading the log in process", bench_engine_read },
    { "server-append", "durable appends through varved, against a raw libuv server", bench_server_append },
    { "server-read", "reading streams and the log through varved", bench_server_read },
    { "subscriptions", "append to subscriber, and catching up with the log, through varved", bench_subscriptions },
    { "groups", "consumer groups through varved", bench_groups },
    { "state", "transactions, sagas and claims through varved", bench_state },
    { "loads", "loading with and without snapshots; folding every stream", bench_loads },
    { "outbox", "from an append to a consumer of Kafka, backlogs, and what it costs appends", bench_outbox },
    { "http", "appends and reads over HTTP, against the binary port; events to 1,000 clients", bench_http },
    { "metrics", "what counting and scrapes cost appends through varved", bench_metrics },
    { "growth", "from 1 M events upwards, 1 M streams; opening the result", bench_growth },
};
enum { SECTIONS = sizeof(sections) / sizeof(sections[0]) };

/* ---- shared by all parts ---- */

uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

void die(const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "varve-bench: ");
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n");
    exit(1);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    return remove(path);
}

void remove_tree(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *scratch_path(const struct settings *settings, const char *name)
{
    static char path[4096];

    snprintf(path, sizeof(path), "%s/%s", settings->directory, name);
    return path;
}

const char *fresh_path(const struct settings *settings, const char *name)
{
    remove_tree(scratch_path(settings, name));
    return scratch_path(settings, name);
}

/* ---- the command ---- */

static void print_help(void)
{
    printf("varve-bench - measure varve against the limits of this machine\n\n"
           "usage: varve-bench [options] [section...]\n\nsections (default: all):\n");
    for (int i = 0; i < SECTIONS; i++)
        printf("  %-15s %s\n", sections[i].name, sections[i].what);
    printf("\noptions:\n"
           "  --dir DIR        where scratch stores are made (default: a new directory here; removed at the end)\n"
           "  --rounds N       of each case, medians are reported, 1-%d (default 3)\n"
           "  --seconds N      of each round (default 3)\n"
           "  --events N       how far `growth` goes (default 20000000)\n"
           "  --kafka BROKERS  HOST:PORT,... for `outbox` (default: librdkafka's mock; docs/kafka.md has real ones)\n"
           "  --backlog N      events of `outbox`'s backlog (default 2000000)\n"
           "  --baseline FILE  an older varved for `metrics` to compare with (default: this one, not scraped)\n"
           "  --only TEXT      of the appends and the outbox, only cases whose name holds TEXT, such as W2\n"
           "  --json FILE      write all figures there too\n"
           "  --quick          a few cases, one round of a second: to see that it works\n"
           "  --help\n\n"
           "Durable figures depend on the directory's disk: use the disk you mean to use.\n\n"
           "examples:\n  varve-bench --quick\n  varve-bench --rounds 5 --json figures.json engine-append\n",
           MAX_ROUNDS);
}

static uint64_t number(const char *name, const char *text, uint64_t least, uint64_t most)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);

    if (*text == '\0' || *end != '\0' || value < least || value > most) {
        fprintf(stderr, "varve-bench: --%s: must be a number from %llu to %llu, is \"%s\"\n", name,
                (unsigned long long)least, (unsigned long long)most, text);
        exit(2);
    }
    return value;
}

static void parse(int argc, char **argv, struct settings *settings)
{
    static const struct option options[] = {
        { "dir", required_argument, NULL, 'd' },    { "rounds", required_argument, NULL, 'r' },
        { "seconds", required_argument, NULL, 's' }, { "events", required_argument, NULL, 'e' },
        { "json", required_argument, NULL, 'j' },   { "quick", no_argument, NULL, 'q' },
        { "baseline", required_argument, NULL, 'B' },
        { "only", required_argument, NULL, 'o' },   { "help", no_argument, NULL, 'h' },
        { "kafka", required_argument, NULL, 'k' },  { "backlog", required_argument, NULL, 'b' },
        { NULL, 0, NULL, 0 },
    };
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 'd': settings->directory = optarg; break;
        case 'r': settings->rounds = (uint32_t)number("rounds", optarg, 1, MAX_ROUNDS); break;
        case 's': settings->seconds = (uint32_t)number("seconds", optarg, 1, 3600); break;
        case 'e': settings->growth_events = number("events", optarg, 1000, 1000000000000ull); break;
        case 'k': settings->kafka = optarg; break;
        case 'b': settings->backlog_events = number("backlog", optarg, 1000, 1000000000); break;
        case 'j': settings->json_path = optarg; break;
        case 'B': settings->baseline = optarg; break;
        case 'o': settings->only = optarg; break;
        case 'q': settings->quick = true; settings->rounds = settings->seconds = 1; break;
        case 'h': print_help(); exit(0);
        default: fprintf(stderr, "varve-bench --help lists the options\n"); exit(2);
        }
    }
}

static bool is_wanted(int argc, char **argv, const char *name)
{
    if (optind == argc)
        return true;
    for (int i = optind; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return false;
}

static void check_sections(int argc, char **argv)
{
    for (int i = optind; i < argc; i++) {
        bool known = false;
        for (int k = 0; k < SECTIONS; k++)
            known = known || strcmp(argv[i], sections[k].name) == 0;
        if (!known) {
            fprintf(stderr, "varve-bench: no section \"%s\"; varve-bench --help lists them\n", argv[i]);
            exit(2);
        }
    }
}

/* ---- what a run leaves behind, however it ends ---- */

static pid_t worker;

static void pass_on(int number)
{
    kill(-worker, number);
}

/* Returns in a child that does the work, in a process group of its own with the servers it starts. Here, the end of the
 * child by whatever cause is waited for; then the group is ended and the directory, gigabytes maybe, removed. */
static void work_in_child(const char *directory)
{
    static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
    sigset_t passed_on, before;
    int status;

    sigemptyset(&passed_on);
    for (int i = 0; i < 3; i++)
        sigaddset(&passed_on, ends[i]);
    sigprocmask(SIG_BLOCK, &passed_on, &before); /* Until there is somebody to pass them on to. */
    worker = fork();
    if (worker < 0)
        die("cannot fork: %s", strerror(errno));
    setpgid(worker, 0); /* In both, as nobody knows who runs first. */
    if (worker > 0) {
        for (int i = 0; i < 3; i++)
            sigaction(ends[i], &(struct sigaction){ .sa_handler = pass_on }, NULL);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (worker == 0)
        return;
    while (waitpid(worker, &status, 0) < 0 && errno == EINTR)
        ;
    kill(-worker, SIGKILL);
    remove_tree(directory);
    exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int main(int argc, char **argv)
{
    char made[] = "varve-bench-XXXXXX", self[4096];
    struct settings settings = { .rounds = 3, .seconds = 3, .growth_events = 20000000,
                                 .backlog_events = 2000000 };
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);

    parse(argc, argv, &settings);
    check_sections(argc, argv);
    self[size > 0 ? size : 0] = '\0';
    settings.bin = dirname(self);
    if (settings.directory == NULL)
        settings.directory = mkdtemp(made);
    if (settings.directory == NULL)
        die("cannot make a directory here: %s", strerror(errno));
    if (settings.directory == made)
        work_in_child(made);
    struct report *report = report_open(&settings);
    printf("varve-bench: %u rounds of %u s, in %s; medians; ratios are ours / raw of the same round\n", settings.rounds,
           settings.seconds, settings.directory);
    for (int i = 0; i < SECTIONS; i++)
        if (is_wanted(argc, argv, sections[i].name))
            sections[i].run(&settings, report);
    if (!report_close(report))
        die("cannot write %s", settings.json_path);
    return 0;
}
