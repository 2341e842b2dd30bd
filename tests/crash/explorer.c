/* explorer.c - records the life of a store, then opens what every crash could have left of it, and demands what a store
 * promises. Controls are the same with a recorder that lies about one thing: each must be found out.
 *
 *   life --trace--> walk --point--> states --directory--> verify
 *
 * Ends with `N passed, N failed`. */
#include "tests/crash/common.h"
#include "tests/crash/life.h"
#include "tests/crash/states.h"
#include "tests/crash/verify.h"
#include "tests/crash/walk.h"
#include "tests/support/random.h"

#include <ftw.h>
#include <getopt.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORKERS 16u
#define SEEN_SLOTS (1u << 18) /* states of one point or of neighbours with the same demands */
#define STATE_SECONDS 20u     /* longer is a hang */
#define TWICE_EVERY 8u        /* so many states are opened a second time */
#define NEIGHBOURS 4u         /* points that one worker takes together: they share many states */
#define MIN_RANDOM 8u
#define MAX_RANDOM 4000u
#define MAX_VIOLATIONS 5u     /* then it ends */
#define SCRATCH_BYTES ((uint64_t)48 << 20)
#define CONTROL_SESSIONS 10u
#define CONTROL_APPENDS 100u
#define CONTROL_STATES 24u
#define CONTROL_LIVES 8u

static struct {
    uint64_t seed, states;
    uint64_t most_per_point; /* a control looks at fewer, taken at random */
    unsigned workers, sessions, appends, violations; /* violations: after so many it ends */
    bool keep;
    const char *trace;       /* one that was kept, instead of a new life */
    struct tally *tallies;   /* of all workers */
    char programs[PATH_MAX]; /* where workload and recorder lie */
    char scratch[PATH_MAX];
} run = { .states = 110000, .sessions = 8, .appends = 80, .violations = MAX_VIOLATIONS,
          .most_per_point = UINT64_MAX };

/* What a worker has done; shared with its parent. */
struct tally {
    uint64_t claimed; /* of the first tally only: how many times NEIGHBOURS points are taken */
    uint64_t points, exhaustive, states, opened, violations;
    uint64_t index;  /* of the state being looked at */
    size_t seen_marks;
    uint64_t seen[SEEN_SLOTS]; /* hashes of the states opened with these demands */
    size_t seen_count;
};

/* ---- exploring --------------------------------------------------------------------------------------------------- */

/* How many random states each sampled point gets, so that all together are as many as asked for. */
static uint64_t spread(const struct trace *trace, uint64_t *ret_points)
{
    struct walk walk;
    uint64_t fixed = 0, sampled = 0, most = 0;

    *ret_points = 0;
    walk_init(&walk, trace);
    while (walk_next(&walk)) {
        struct states states;
        states_init(&states, &walk.image, 0, 0);
        fixed += states_total(&states);
        most = states_total(&states) > most ? states_total(&states) : most;
        sampled += !states_exhaustive(&states);
        states_free(&states);
        ++*ret_points;
    }
    walk_free(&walk);
    printf("  %" PRIu64 " states by rule, at most %" PRIu64 " at one point; %" PRIu64 " points get random ones too\n",
           fixed, most, sampled);
    uint64_t each = sampled == 0 || fixed >= run.states ? 0 : (run.states - fixed) / sampled + 1;
    return each < MIN_RANDOM ? MIN_RANDOM : each > MAX_RANDOM ? MAX_RANDOM : each;
}

static bool enough_found(void)
{
    uint64_t violations = 0;

    for (unsigned i = 0; i < run.workers; i++)
        violations += __atomic_load_n(&run.tallies[i].violations, __ATOMIC_RELAXED);
    return violations >= run.violations;
}

static bool seen_before(struct tally *tally, uint64_t hash)
{
    hash += hash == 0;
    for (size_t slot = hash % SEEN_SLOTS;; slot = (slot + 1) % SEEN_SLOTS) {
        if (tally->seen[slot] == hash)
            return true;
        if (tally->seen[slot] != 0)
            continue;
        if (tally->seen_count < SEEN_SLOTS / 2) {
            tally->seen[slot] = hash;
            tally->seen_count++;
        }
        return false;
    }
}

static uint64_t states_tried(const struct states *states)
{
    return states_total(states) < run.most_per_point ? states_total(states) : run.most_per_point;
}

static uint64_t state_of(const struct states *states, uint64_t index)
{
    uint64_t random = states->seed + index;

    return states_total(states) <= run.most_per_point ? index : random_below(&random, states_total(states));
}

static void tell(const struct walk *walk, const struct states *states, const uint32_t *outcomes, uint64_t index,
                 const char *problem)
{
    const struct trace_entry *last = &walk->trace->entries[walk->at - 1];

    printf("violation: %s\n  state %" PRIu64 " after operation %zu of %zu (%s %s), %zu acknowledgements before it, "
           "seed %" PRIu64 "\n", problem, index, walk->at, walk->trace->count, trace_kind_name(last->op.kind),
           last->path, walk->mark_count, run.seed);
    states_print(states, outcomes);
    fflush(stdout);
}

/* All states of a point from `tally->index` on, in a process that may be killed by what it finds. */
static void open_states(const struct walk *walk, const struct states *states, struct tally *tally, const char *path)
{
    uint32_t *outcomes = must_alloc((states->count + 1) * sizeof(*outcomes));
    struct verify_demands demands = { .seed = run.seed, .marks = walk->marks, .mark_count = walk->mark_count };
    char problem[512];

    for (; tally->index < states_tried(states) && !enough_found(); tally->index++) {
        states_get(states, state_of(states, tally->index), outcomes);
        tally->states++;
        uint64_t hash = states_hash(states, outcomes);
        if (seen_before(tally, hash))
            continue;
        tally->opened++;
        demands.twice = hash % TWICE_EVERY == 0;
        alarm(STATE_SECONDS);
        states_write(states, outcomes, path);
        if (verify_store(path, &demands, problem))
            continue;
        tally->violations++;
        tell(walk, states, outcomes, tally->index, problem);
    }
    free(outcomes);
    _exit(0);
}

static void explore_point(const struct walk *walk, const struct states *states, struct tally *tally, const char *path)
{
    if (tally->seen_marks != walk->mark_count) { /* The same state must now hold more. */
        memset(tally->seen, 0, sizeof(tally->seen));
        tally->seen_count = 0;
        tally->seen_marks = walk->mark_count;
    }
    tally->points++;
    tally->exhaustive += states_exhaustive(states);
    for (tally->index = 0; tally->index < states_tried(states) && !enough_found();) {
        int status;
        fflush(stdout);
        pid_t child = fork();
        if (child == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0)
            open_states(walk, states, tally, path);
        if (child < 0 || waitpid(child, &status, 0) != child)
            die("cannot fork");
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            continue;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
            exit(2);
        uint32_t *outcomes = must_alloc((states->count + 1) * sizeof(*outcomes));
        char problem[128];
        states_get(states, state_of(states, tally->index), outcomes);
        snprintf(problem, sizeof(problem), "the engine died: %s", WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
                                                                                       : "it called exit");
        tell(walk, states, outcomes, tally->index, problem);
        free(outcomes);
        tally->violations++;
        tally->index++;
    }
}

/* The next points that no worker has taken. Each worker walks through all of the trace, which costs little. */
static uint64_t claim(void)
{
    return __atomic_fetch_add(&run.tallies[0].claimed, 1, __ATOMIC_RELAXED);
}

static void work(const struct trace *trace, unsigned worker, uint64_t random, struct tally *tally)
{
    char path[PATH_MAX + 16];
    struct walk walk;

    snprintf(path, sizeof(path), "%s/state%u", run.scratch, worker);
    walk_init(&walk, trace);
    uint64_t mine = claim();
    for (uint64_t point = 0; walk_next(&walk) && !enough_found(); point++) {
        if (point / NEIGHBOURS > mine)
            mine = claim();
        if (point / NEIGHBOURS != mine)
            continue;
        struct states states;
        states_init(&states, &walk.image, random, run.seed + point * 1000003);
        explore_point(&walk, &states, tally, path);
        states_free(&states);
    }
    walk_free(&walk);
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Returns how many violations were found. */
static uint64_t explore(const struct trace *trace)
{
    double began = seconds();
    uint64_t points, random = spread(trace, &points);
    size_t size = run.workers * sizeof(struct tally);
    struct tally *tallies = run.tallies = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct tally sum = { 0 };
    pid_t children[MAX_WORKERS];

    if (tallies == MAP_FAILED)
        die("no memory");
    fflush(stdout);
    for (unsigned i = 0; i < run.workers; i++) {
        children[i] = fork();
        if (children[i] == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0) { /* None outlives who waits for it. */
            work(trace, i, random, &tallies[i]);
            exit(0);
        }
    }
    for (unsigned i = 0; i < run.workers; i++) {
        int status;
        if (children[i] < 0 || waitpid(children[i], &status, 0) != children[i] || status != 0)
            die("worker %u did not finish", i);
        sum.points += tallies[i].points;
        sum.exhaustive += tallies[i].exhaustive;
        sum.states += tallies[i].states;
        sum.opened += tallies[i].opened;
        sum.violations += tallies[i].violations;
    }
    munmap(tallies, size);
    double took = seconds() - began;
    printf("  %zu operations, %" PRIu64 " of %" PRIu64 " points explored (%" PRIu64 " exhaustively), %" PRIu64
           " states, %" PRIu64 " of them different and opened, %.0f s, %.0f opened/s, %" PRIu64 " violations\n",
           trace->count, sum.points, points, sum.exhaustive, sum.states, sum.opened, took, (double)sum.opened / took,
           sum.violations);
    return sum.violations;
}

/* The states opened here need not outlive the machine: where there is no tmpfs, their syncs would take all the time. */
int fdatasync(int fd)
{
    return 0;
}

int fsync(int fd)
{
    return 0;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    return remove(path);
}

/* In memory when there is room: a state is written and opened in a few milliseconds then. */
static void make_scratch(void)
{
    struct statvfs disk;
    const char *parent = getenv("TMPDIR");

    if (statvfs("/dev/shm", &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize > SCRATCH_BYTES)
        parent = "/dev/shm";
    snprintf(run.scratch, sizeof(run.scratch), "%s/varve-crash-XXXXXX", parent == NULL ? "/tmp" : parent);
    if (mkdtemp(run.scratch) == NULL)
        die("cannot make %s", run.scratch);
}

static uint64_t record_and_explore(const char *control)
{
    struct life life = { control, run.programs, run.scratch, run.seed, run.sessions, run.appends };
    struct trace trace;

    make_scratch();
    if (run.trace != NULL)
        trace_load(run.trace, &trace);
    else
        life_record(&life, &trace);
    uint64_t violations = explore(&trace);
    trace_free(&trace);
    if (run.keep) /* Threads make every life a little different: only its trace repeats it exactly. */
        printf("  kept: repeat with --seed %" PRIu64 " --states %" PRIu64 " --trace %s/trace\n", run.seed, run.states,
               run.scratch);
    else
        nftw(run.scratch, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return violations;
}

/* What a lie does shows only where the life leads through it; so a few lives are tried, each in fewer states. */
static bool run_control(const char *control)
{
    uint64_t violations = 0, seed = run.seed;
    unsigned sessions = run.sessions, appends = run.appends;

    printf("control %s: must be found out\n", control);
    run.violations = 1;
    run.sessions = CONTROL_SESSIONS;
    run.appends = CONTROL_APPENDS;
    run.most_per_point = CONTROL_STATES;
    for (unsigned life = 0; life < CONTROL_LIVES && violations == 0; life++) {
        violations = record_and_explore(control);
        run.seed++;
    }
    run.seed = seed;
    run.violations = MAX_VIOLATIONS;
    run.sessions = sessions;
    run.appends = appends;
    run.most_per_point = UINT64_MAX;
    printf("control %s: %s\n", control, violations > 0 ? "found out" : "NOT FOUND OUT");
    return violations > 0;
}

static void read_options(int argc, char **argv, const char **ret_control)
{
    static const struct option options[] = {
        { "seed", required_argument, NULL, 's' },     { "states", required_argument, NULL, 'n' },
        { "workers", required_argument, NULL, 'w' },  { "sessions", required_argument, NULL, 'S' },
        { "appends", required_argument, NULL, 'a' },  { "control", required_argument, NULL, 'c' },
        { "keep", no_argument, NULL, 'k' },           { "trace", required_argument, NULL, 't' },
        { NULL, 0, NULL, 0 },
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        uint64_t number = optarg == NULL ? 0 : strtoull(optarg, NULL, 10);
        switch (option) {
        case 's': run.seed = number; break;
        case 'n': run.states = number; break;
        case 'w': run.workers = (unsigned)number; break;
        case 'S': run.sessions = (unsigned)number; break;
        case 'a': run.appends = (unsigned)number; break;
        case 'c': *ret_control = optarg; break;
        case 'k': run.keep = true; break;
        case 't': run.trace = optarg; *ret_control = "none"; break;
        default:
            die("options: --seed N --states N --workers N --sessions N --appends N --control NAME|none|all\n"
                "  --keep the trace; --trace FILE: explore it again (with the same --seed and --states)");
        }
    }
}

int main(int argc, char **argv)
{
    static const char *const controls[] = { "no-journal-sync", "no-directory-sync", "no-store-sync", "early-sync",
                                           "no-open-store-sync", "no-open-journal-sync" };
    const char *only = "all";
    unsigned passed = 0, failed = 0;
    ssize_t size = readlink("/proc/self/exe", run.programs, sizeof(run.programs) - 1);

    if (size < 0)
        die("cannot find its own program");
    strcpy(run.programs, dirname(dirname(run.programs)));
    run.seed = (uint64_t)time(NULL);
    run.workers = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    read_options(argc, argv, &only);
    if (run.workers == 0 || run.workers > MAX_WORKERS)
        run.workers = run.workers == 0 ? 1 : MAX_WORKERS;
    printf("crash explorer: seed %" PRIu64 ", %u workers\n", run.seed, run.workers);
    for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++)
        if (strcmp(only, "all") == 0 || strcmp(only, controls[i]) == 0) {
            bool found_out = run_control(controls[i]);
            passed += found_out;
            failed += !found_out;
        }
    if (strcmp(only, "all") == 0 || strcmp(only, "none") == 0) {
        printf("every crash of an honest life\n");
        bool sound = record_and_explore("") == 0;
        passed += sound;
        failed += !sound;
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
