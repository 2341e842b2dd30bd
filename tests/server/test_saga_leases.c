/* test_saga_leases.c - leases of sagas: by hand, and random lives of many sagas and claims against a naive model. */
#include "support/check.h"
#include "support/effort.h"
#include "support/fail_alloc.h"
#include "support/random.h"

#include "server/saga_leases.h"

static struct varve_saga saga_of(const char *type, const char *id, int64_t version, uint64_t position)
{
    return (struct varve_saga){ .type = varve_view_str(type), .id = varve_view_str(id), .version = version,
                                .position = position };
}

static enum saga_lease_outcome take(struct saga_leases *leases, const char *id, int64_t version, uint64_t position,
                                    uint64_t claim, uint64_t until_ms)
{
    const struct varve_saga saga = saga_of("order", id, version, position);

    return saga_leases_take(leases, &saga, claim, until_ms);
}

static void one_lease_for_a_version(void **state)
{
    struct saga_leases *leases = saga_leases_create(10, 1);

    assert_int_equal(saga_leases_next_end(leases), UINT64_MAX);
    assert_int_equal(take(leases, "a", 0, 1, 1, 100), SAGA_LEASE_GIVEN);
    assert_int_equal(take(leases, "a", 0, 1, 2, 100), SAGA_LEASE_TAKEN);
    assert_int_equal(take(leases, "b", 0, 2, 2, 50), SAGA_LEASE_GIVEN);
    assert_int_equal(saga_leases_next_end(leases), 50);
    assert_int_equal(take(leases, "a", 1, 3, 3, 200), SAGA_LEASE_GIVEN); /* It changed: the older one is over. */
    assert_int_equal(take(leases, "a", 0, 1, 4, 100), SAGA_LEASE_TAKEN); /* As an old list showed it. */
    assert_int_equal(saga_leases_count(leases), 2);
    saga_leases_end_due(leases, 49);
    assert_int_equal(saga_leases_count(leases), 2);
    saga_leases_end_due(leases, 50);
    assert_int_equal(saga_leases_count(leases), 1);
    assert_int_equal(saga_leases_freed(leases), 1);
    assert_int_equal(take(leases, "b", 0, 2, 5, 60), SAGA_LEASE_GIVEN);
    saga_leases_free(leases);
}

static void a_change_ends_it_and_a_claim_gives_back(void **state)
{
    struct saga_leases *leases = saga_leases_create(10, 1);

    assert_int_equal(take(leases, "a", 4, 1, 1, 100), SAGA_LEASE_GIVEN);
    saga_leases_changed(leases, varve_view_str("order"), varve_view_str("a"), 4); /* That is what was given. */
    saga_leases_changed(leases, varve_view_str("other"), varve_view_str("a"), 9);
    assert_int_equal(saga_leases_count(leases), 1);
    saga_leases_changed(leases, varve_view_str("order"), varve_view_str("a"), 5);
    assert_int_equal(saga_leases_count(leases), 0);
    assert_int_equal(saga_leases_freed(leases), 0);
    for (int i = 0; i < 8; i++)
        assert_int_equal(take(leases, (char[]){ (char)('a' + i), 0 }, 1, 5, i % 2, 100), SAGA_LEASE_GIVEN);
    saga_leases_give_back(leases, 1);
    assert_int_equal(saga_leases_count(leases), 4);
    assert_int_equal(saga_leases_freed(leases), 4);
    assert_int_equal(take(leases, "b", 1, 5, 7, 100), SAGA_LEASE_GIVEN);
    assert_int_equal(take(leases, "a", 1, 5, 7, 100), SAGA_LEASE_TAKEN);
    saga_leases_free(leases);
}

static void there_is_room_for_so_many(void **state)
{
    enum { CAPACITY = 300 };
    struct saga_leases *leases = saga_leases_create(CAPACITY, 1);
    char id[16];

    for (int i = 0; i < CAPACITY; i++) {
        snprintf(id, sizeof(id), "%d", i);
        assert_int_equal(take(leases, id, 0, (uint64_t)i + 1, 1, (uint64_t)i), SAGA_LEASE_GIVEN);
    }
    assert_int_equal(take(leases, "more", 0, 999, 1, 9), SAGA_LEASE_NO_ROOM);
    assert_int_equal(take(leases, "7", 1, 999, 1, 9), SAGA_LEASE_GIVEN); /* In place of the older one. */
    saga_leases_end_due(leases, 0);
    assert_int_equal(take(leases, "more", 0, 999, 1, 9), SAGA_LEASE_GIVEN);
    assert_true(saga_leases_bound(CAPACITY) > CAPACITY * VARVE_SAGA_MAX_ID);
    saga_leases_free(leases);
}

static void without_memory_there_is_no_room(void **state)
{
    bool fired = true;

    if (!FAIL_ALLOC_WORKS)
        skip();
    for (unsigned nth = 1; fired; nth++) {
        struct saga_leases *leases = saga_leases_create(1000, 1);
        fail_alloc_arm(nth);
        enum saga_lease_outcome outcome = take(leases, "a", 0, 1, 1, 10);
        fired = fail_alloc_disarm();
        assert_int_equal(outcome, fired ? SAGA_LEASE_NO_ROOM : SAGA_LEASE_GIVEN);
        assert_int_equal(saga_leases_count(leases), fired ? 0 : 1);
        assert_int_equal(take(leases, "b", 0, 2, 1, 10), SAGA_LEASE_GIVEN);
        saga_leases_free(leases);
    }
}

static void nothing_is_looked_at_twice(void **state)
{
    const struct saga_want any = { .type = varve_view_str("order"), .status = VARVE_SAGA_RUNNING };
    const struct saga_want step = { .type = any.type, .status = any.status, .step = varve_view_str("pay") };
    struct saga_leases *leases = saga_leases_create(10, 1);

    take(leases, "a", 0, 5, 1, 100);
    saga_leases_looked(leases, &any, 0, 5);
    saga_leases_looked(leases, &step, 0, 9);
    assert_int_equal(saga_leases_low(leases, &any), 5);
    assert_int_equal(saga_leases_low(leases, &step), 9);
    saga_leases_looked(leases, &any, 6, 12); /* What lies between was not looked at. */
    assert_int_equal(saga_leases_low(leases, &any), 5);
    saga_leases_looked(leases, &any, 5, 12);
    assert_int_equal(saga_leases_low(leases, &any), 12);
    saga_leases_end_due(leases, 100);
    assert_int_equal(saga_leases_low(leases, &any), 4);
    assert_int_equal(saga_leases_low(leases, &step), 4);
    saga_leases_free(leases);
}

static void of_many_wants_the_least_used_is_forgotten(void **state)
{
    struct saga_leases *leases = saga_leases_create(10, 1);
    char step[16];
    struct saga_want want = { .type = varve_view_str("order"), .status = VARVE_SAGA_RUNNING };

    for (int i = 0; i <= SAGA_MAX_WANTS; i++) {
        snprintf(step, sizeof(step), "%d", i);
        want.step = varve_view_str(step);
        saga_leases_looked(leases, &want, 0, 7);
        want.step = varve_view_str("0");
        assert_int_equal(saga_leases_low(leases, &want), 7); /* Used all the time. */
    }
    want.step = varve_view_str("1");
    assert_int_equal(saga_leases_low(leases, &want), 0);
    saga_leases_free(leases);
}

/* ---- against a model -------------------------------------------------------------------------------------------- */

enum { SAGAS = 12, TYPES = 2, STATUSES = 2, STEPS = 2, CLAIMS = 4, PAGE = 3, LIVES = 3000, MOVES = 300, CAPACITY = 9 };

struct one {                /* a saga of the world */
    unsigned status, step;
    int64_t version;
    uint64_t position;
};
struct given {              /* what a saga was given as, at last */
    int64_t version;
    uint64_t until_ms, claim;
};
struct claim {              /* under way */
    bool active;
    unsigned type, status, step;   /* step STEPS: any */
    uint64_t from, id, until_ms;
    unsigned limit;
    unsigned page_count, page[PAGE];
    struct one page_rows[PAGE];    /* as the list showed them */
    bool page_end;
    uint64_t page_last;            /* of the log, before the list was made */
};
struct world {
    struct saga_leases *leases;
    struct one sagas[SAGAS];
    struct given given[SAGAS];
    struct claim claims[CLAIMS];
    uint64_t now_ms, last_position, last_claim;
};

static const char *const type_names[] = { "order", "trip" };
static const char *const step_names[] = { "reserve", "charge", "" };

static struct varve_saga row_of(unsigned i, const struct one *one, char id[8])
{
    snprintf(id, 8, "%u", i);
    struct varve_saga saga = saga_of(type_names[i % TYPES], id, one->version, one->position);
    saga.status = one->status;
    return saga;
}

static bool fits(unsigned i, const struct claim *claim, const struct one *one)
{
    return i % TYPES == claim->type && one->status == claim->status &&
           (claim->step == STEPS || one->step == claim->step);
}

static bool is_leased(const struct world *w, unsigned i)
{
    return w->given[i].version == w->sagas[i].version && w->given[i].until_ms > w->now_ms;
}

/* Those behind claim->from, by position. */
static void list_page(struct world *w, struct claim *claim)
{
    uint64_t behind = claim->from;

    claim->page_count = 0;
    claim->page_last = w->last_position;
    for (;;) {
        unsigned next = SAGAS;
        for (unsigned i = 0; i < SAGAS; i++) {
            if (fits(i, claim, &w->sagas[i]) && w->sagas[i].position > behind &&
                (next == SAGAS || w->sagas[i].position < w->sagas[next].position))
                next = i;
        }
        claim->page_end = next == SAGAS;
        if (next == SAGAS || claim->page_count == PAGE)
            return;
        claim->page_rows[claim->page_count] = w->sagas[next];
        claim->page[claim->page_count++] = next;
        behind = w->sagas[next].position;
    }
}

static struct saga_want want_of(const struct claim *claim)
{
    return (struct saga_want){ .type = varve_view_str(type_names[claim->type]), .status = claim->status,
                               .step = varve_view_str(step_names[claim->step]) };
}

static void begin_claim(struct world *w, struct claim *claim, uint64_t *random)
{
    *claim = (struct claim){ .active = true, .type = (unsigned)random_below(random, TYPES),
                             .status = (unsigned)random_below(random, STATUSES),
                             .step = (unsigned)random_below(random, STEPS + 1), .id = ++w->last_claim,
                             .limit = 1 + (unsigned)random_below(random, 4),
                             .until_ms = w->now_ms + 1 + random_below(random, 30) };
    const struct saga_want want = want_of(claim);
    saga_leases_end_due(w->leases, w->now_ms);
    claim->from = saga_leases_low(w->leases, &want);
    list_page(w, claim);
}

/* One saga of the page. False: no more can be given. */
static bool take_row(struct world *w, struct claim *claim, unsigned at)
{
    char id[8];
    unsigned i = claim->page[at];
    const struct varve_saga row = row_of(i, &claim->page_rows[at], id);
    struct given *given = &w->given[i];
    enum saga_lease_outcome outcome = saga_leases_take(w->leases, &row, claim->id, claim->until_ms);

    if (outcome == SAGA_LEASE_GIVEN && row.version < w->sagas[i].version) {
        /* The list was old, as he sees who fetches the state. */
        saga_leases_changed(w->leases, row.type, row.id, w->sagas[i].version);
    } else if (outcome == SAGA_LEASE_GIVEN) {
        assert_false(given->version == row.version && given->until_ms > w->now_ms); /* Never two of one version. */
        *given = (struct given){ row.version, claim->until_ms, claim->id };
        claim->limit--;
    } else if (outcome == SAGA_LEASE_NO_ROOM) {
        assert_int_equal(saga_leases_count(w->leases), CAPACITY);
    }
    return outcome != SAGA_LEASE_NO_ROOM;
}

/* The page that was listed is taken from, perhaps long after; then the next is listed. As server/saga_claims.c. */
static void go_on(struct world *w, struct claim *claim)
{
    const struct saga_want want = want_of(claim);
    uint64_t to = claim->from;
    unsigned at = 0;

    saga_leases_end_due(w->leases, w->now_ms);
    while (at < claim->page_count && claim->limit > 0 && claim->until_ms > w->now_ms && take_row(w, claim, at))
        to = claim->page_rows[at++].position;
    bool whole = at == claim->page_count;
    if (whole && claim->page_end && claim->page_last > to)
        to = claim->page_last;
    saga_leases_looked(w->leases, &want, claim->from, to);
    claim->from = to;
    claim->active = whole && !claim->page_end;
    if (claim->active)
        list_page(w, claim);
}

static void change(struct world *w, unsigned i, uint64_t *random)
{
    char id[8];

    w->sagas[i] = (struct one){ .status = (unsigned)random_below(random, STATUSES),
                                .step = (unsigned)random_below(random, STEPS),
                                .version = w->sagas[i].version + 1, .position = ++w->last_position };
    if (random_below(random, 4) == 0)
        return; /* The news is late. */
    const struct varve_saga row = row_of(i, &w->sagas[i], id);
    saga_leases_changed(w->leases, row.type, row.id, row.version);
}

static void give_back(struct world *w, uint64_t claim)
{
    saga_leases_give_back(w->leases, claim);
    for (unsigned i = 0; i < SAGAS; i++) {
        if (w->given[i].claim == claim)
            w->given[i].until_ms = 0;
    }
}

/* Whoever asks now for all of something gets all that is free, or as much as there is room for. */
static void nothing_is_lost(struct world *w, uint64_t *random)
{
    struct claim all;
    unsigned expected = 0;

    begin_claim(w, &all, random);
    for (unsigned i = 0; i < SAGAS; i++)
        expected += fits(i, &all, &w->sagas[i]) && !is_leased(w, i);
    all.limit = 1000;
    while (all.active)
        go_on(w, &all);
    if (saga_leases_count(w->leases) < CAPACITY)
        assert_int_equal(1000 - all.limit, expected);
    give_back(w, all.id);
}

static void one_move(struct world *w, uint64_t *random)
{
    struct claim *claim = &w->claims[random_below(random, CLAIMS)];

    switch (random_below(random, 8)) {
    case 0:
    case 1:
        change(w, (unsigned)random_below(random, SAGAS), random);
        break;
    case 2:
        w->now_ms += random_below(random, 12);
        break;
    case 3:
        if (random_below(random, 4) == 0)
            give_back(w, claim->id);
        break;
    case 4:
        nothing_is_lost(w, random);
        break;
    default:
        if (claim->active)
            go_on(w, claim);
        else
            begin_claim(w, claim, random);
        break;
    }
}

static void random_lives(void **state)
{
    uint64_t seed = test_seed(1);

    for (uint64_t life = 0; life < TEST_EFFORT(LIVES); life++) {
        struct world w = { .leases = saga_leases_create(CAPACITY, life), .now_ms = 1000 };
        uint64_t random = seed + life;

        for (unsigned i = 0; i < SAGAS; i++)
            w.given[i].version = -1;
        for (unsigned i = 0; i < SAGAS; i++)
            change(&w, i, &random);
        for (unsigned move = 0; move < MOVES; move++)
            one_move(&w, &random);
        saga_leases_free(w.leases);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_lease_for_a_version), cmocka_unit_test(a_change_ends_it_and_a_claim_gives_back),
        cmocka_unit_test(there_is_room_for_so_many), cmocka_unit_test(without_memory_there_is_no_room),
        cmocka_unit_test(nothing_is_looked_at_twice), cmocka_unit_test(of_many_wants_the_least_used_is_forgotten),
        cmocka_unit_test(random_lives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
