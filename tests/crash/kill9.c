/* kill9.c - the kill loop: a real varved under load is killed with -9 at random moments, again and again.
 *
 * After every kill the directory is checked as it lies there, the server started again, and what it serves held against
 * the notes of the writers: every acknowledged event is there, intact, at its place; versions and positions are dense;
 * what nobody knows about can be appended once more and gives the original numbers where it had been stored. Beside
 * them a worker does everything in transactions over an event, sagas and its checkpoint: each is there once and whole,
 * and deadlines are fired once.
 *
 *   kill9 [--rounds N] [--seed N]     one test per round and two more; the last line is `N passed, N failed` */
#include "crash/kill9_verify.h"
#include "support/random.h"
#include "support/varved_process.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* Small segments and early settling, so that settles and the recycling of segments happen while it is killed. */
static const char *const options[] = { "--segment-size", "2MiB", "--max-event-bytes", "64KiB", "--max-append-bytes",
                                       "256KiB", "--settle-events", "2000", "--settle-size", "1MiB", "--recent-ids",
                                       "2000000", "--log-level", "warn", NULL };

struct loop {
    struct varved_process varved;
    struct writer writers[LOAD_WRITERS];
    struct saga_worker worker;
    uint64_t random;
    unsigned round;
    char fault[600];
    uint32_t unknown, found; /* of this round: appends without an outcome; of these, stored */
    uint64_t events;
};

static bool offend(struct loop *loop, const char *what)
{
    snprintf(loop->fault, sizeof(loop->fault), "%s", what);
    return false;
}

static void sleep_below_us(struct loop *loop, uint64_t bound_us)
{
    uint64_t us = random_below(&loop->random, bound_us);
    struct timespec rest = { .tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000 };

    nanosleep(&rest, NULL);
}

/* ---- checks ------------------------------------------------------------------------------------------------------ */

static void on_finding(void *user, const struct varve_check_finding *finding)
{
    struct loop *loop = user;

    printf("  finding: %s: %s\n", finding->where, finding->what);
    if (loop->fault[0] == '\0')
        snprintf(loop->fault, sizeof(loop->fault), "check --deep: %.100s: %.150s", finding->where, finding->what);
}

/* As the kill left it: a torn frame at the end was never acknowledged and is no finding. */
static bool check_directory(struct loop *loop)
{
    struct varve_check_report report;
    struct varve_error error;

    if (varve_check_directory(loop->varved.directory, true, NULL, on_finding, loop, &report, &error) != VARVE_OK)
        return offend(loop, error.message);
    return loop->fault[0] == '\0';
}

static bool verify(struct loop *loop, bool complete)
{
    struct varve_client *client = NULL;
    bool sound = varve_client_create(loop->varved.url, NULL, &client, NULL) == VARVE_OK &&
                 verify_served(client, loop->writers, &loop->worker, complete, loop->fault, sizeof(loop->fault),
                               &loop->events);

    varve_client_free(client);
    return sound;
}

static bool writers_are_content(struct loop *loop)
{
    for (unsigned i = 0; i < LOAD_WRITERS; i++)
        if (loop->writers[i].fault[0] != '\0')
            return offend(loop, loop->writers[i].fault);
    return loop->worker.fault[0] == '\0' || offend(loop, loop->worker.fault);
}

/* ---- a round ----------------------------------------------------------------------------------------------------- */

/* Kill it in the middle of starting, too: recovery must survive its own death. */
static bool start_again(struct loop *loop)
{
    for (uint64_t deaths = random_below(&loop->random, 3); deaths > 0; deaths--) {
        if (!varved_process_launch(&loop->varved, options))
            return offend(loop, "cannot fork");
        sleep_below_us(loop, 15000);
        varved_process_kill(&loop->varved);
    }
    return varved_process_start(&loop->varved, options) ? true : offend(loop, "varved did not start again");
}

/* Half of the writers, on average, send on through the restart; the others stop when their connection is lost. Every
 * third round has the worker alone: beside the writers, who send many at a time, it gets little done. */
static bool kill_under_load(struct loop *loop)
{
    unsigned writers = loop->round % 3 == 0 ? 0 : LOAD_WRITERS;
    bool alive = false;

    for (unsigned i = 0; i < writers; i++)
        load_begin(&loop->writers[i], random_below(&loop->random, 2) == 0);
    sagas_begin(&loop->worker, random_below(&loop->random, 2) == 0);
    sleep_below_us(loop, 300000);
    varved_process_kill(&loop->varved);
    if (check_directory(loop))
        alive = start_again(loop);
    if (alive)
        sleep_below_us(loop, 50000);
    else
        for (unsigned i = 0; i < writers; i++)
            loop->writers[i].stop = true; /* Nobody will ever answer those who persist; their deadline ends them. */
    sagas_end(&loop->worker);
    for (unsigned i = 0; i < writers; i++)
        load_end(&loop->writers[i]);
    return alive && writers_are_content(loop);
}

static void count_unknown(struct loop *loop)
{
    loop->unknown = loop->found = 0;
    for (unsigned w = 0; w < LOAD_WRITERS; w++)
        for (uint32_t i = 0; i < loop->writers[w].note_count; i++)
            loop->unknown += loop->writers[w].notes[i].state == NOTE_UNKNOWN;
}

static bool run_round(struct loop *loop)
{
    loop->fault[0] = '\0';
    if (!kill_under_load(loop) || !verify(loop, false))
        return false;
    count_unknown(loop);
    for (unsigned i = 0; i < LOAD_WRITERS; i++)
        load_settle(&loop->writers[i], 50, &loop->found);
    sagas_settle(&loop->worker);
    return writers_are_content(loop) && verify(loop, true);
}

/* A planned stop must leave a directory without a finding as well, and open again with everything in it. */
static bool run_last(struct loop *loop)
{
    loop->fault[0] = '\0';
    if (varved_process_stop(&loop->varved) != 0)
        return offend(loop, "varved did not stop as asked");
    if (!check_directory(loop))
        return false;
    return varved_process_start(&loop->varved, options) ? verify(loop, true) : offend(loop, "varved did not start");
}

/* Would we notice? An acknowledgement for another place, and one for an event that is not there, must be offences. */
static bool run_control(struct loop *loop)
{
    struct writer *writer = &loop->writers[random_below(&loop->random, LOAD_WRITERS)];
    struct note *note = &writer->notes[random_below(&loop->random, writer->note_count)];

    note->first_position[0]++;
    bool noticed_place = !verify(loop, true);
    note->first_position[0]--;
    writer->next_version[0]++;
    bool noticed_loss = !verify(loop, true);
    writer->next_version[0]--;
    loop->worker.lives.transactions++;
    bool noticed_transaction = !verify(loop, true);
    loop->worker.lives.transactions--;
    return (noticed_place && noticed_loss && noticed_transaction && verify(loop, true)) ||
           offend(loop, "the control was not noticed");
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

static uint64_t number_after(int argc, char **argv, const char *name, uint64_t preset)
{
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return strtoull(argv[i + 1], NULL, 10);
    return preset;
}

static bool begin(struct loop *loop, const char *scratch)
{
    loop->random = load_seed;
    varved_process_init(&loop->varved, scratch);
    sagas_init(&loop->worker, loop->varved.url);
    return load_init(loop->writers, loop->varved.url) && varved_process_start(&loop->varved, options);
}

static unsigned tell(const char *name, const struct loop *loop, bool sound)
{
    printf("%s: %s%s\n", name, sound ? "ok" : "FAILED: ", sound ? "" : loop->fault);
    return sound;
}

static unsigned run_rounds(struct loop *loop, unsigned rounds)
{
    unsigned passed = 0;
    bool sound = true;

    for (loop->round = 1; loop->round <= rounds && sound; loop->round++) {
        sound = run_round(loop);
        passed += sound;
        printf("round %u: %s; %" PRIu64 " events, %" PRIu64 " transactions; %u appends without an outcome, %u of them "
               "stored%s%s\n", loop->round, sound ? "ok" : "FAILED", loop->events, loop->worker.lives.transactions,
               loop->unknown, loop->found, sound ? "" : ": ", loop->fault);
        fflush(stdout);
    }
    if (sound)
        passed += tell("planned stop", loop, run_last(loop)) + tell("control", loop, run_control(loop));
    return passed;
}

int main(int argc, char **argv)
{
    static struct loop loop;
    unsigned rounds = (unsigned)number_after(argc, argv, "--rounds", 20), passed = 0;
    const char *temporary = getenv("TMPDIR");
    char scratch[200], command[220];
    bool sound;

    if (getrandom(&load_seed, sizeof(load_seed), 0) != sizeof(load_seed))
        return 1;
    load_seed = number_after(argc, argv, "--seed", load_seed);
    printf("seed %" PRIu64 "\n", load_seed);
    snprintf(scratch, sizeof(scratch), "%.160s/varve-kill9-XXXXXX", temporary != NULL ? temporary : "/tmp");
    if (mkdtemp(scratch) == NULL)
        return 1;
    if (begin(&loop, scratch))
        passed = run_rounds(&loop, rounds);
    varved_process_kill(&loop.varved);
    load_free(loop.writers);
    snprintf(command, sizeof(command), "rm -rf '%s'", scratch);
    sound = passed == rounds + 2;
    if (sound && system(command) != 0)
        printf("could not remove %s\n", scratch);
    printf("%u passed, %u failed\n", passed, sound ? 0u : 1u);
    return sound ? 0 : 1;
}
