/* test_tail.c - the tail against arrays: what is published is seen by position, stream and key, in both layers; what is
 * not yet published is seen by nobody. */
#include "engine/tail.h"
#include "support/check.h"
#include "support/random.h"
#include "support/records.h"

#include <stdlib.h>

enum { MOST = 4000, FIRST = 501, STREAMS = 7, TYPES = 3, CORRELATIONS = 4 };

struct event {
    unsigned stream, type, correlation; /* 0 = no correlation */
    uint64_t version;
};
struct fixture {
    struct tail *tail;
    struct event events[MOST]; /* by position - FIRST */
    uint64_t added, published, settled, frozen_end; /* counts of events */
    struct stream_state settled_states[STREAMS], states[STREAMS];
};

static const char *stream_name(unsigned stream)
{
    static const char *const names[STREAMS] = { "a-1", "a-2", "a-3", "b-1", "b-2", "b", "c" };
    return names[stream];
}

static const char *type_name(unsigned type)
{
    static const char *const names[TYPES] = { "begun", "done", "a-1" };
    return names[type];
}

static void setup(struct fixture *f, uint32_t recent_ids)
{
    struct tail_options options = { .seed = 3, .next_position = FIRST, .recent_ids = recent_ids,
                                    .indexes = VARVE_INDEX_ALL };

    memset(f, 0, sizeof(*f));
    assert_int_equal(tail_create(&options, &f->tail), VARVE_OK);
    for (unsigned i = 0; i < STREAMS; i++)
        stream_state_init(&f->states[i]);
    memcpy(f->settled_states, f->states, sizeof(f->states));
}

static void add(struct fixture *f, unsigned stream, unsigned type, unsigned correlation)
{
    struct test_record described = { .stream = stream_name(stream), .type = type_name(type), .data = "x",
                                     .position = FIRST + f->added, .version = (uint64_t)(f->states[stream].version + 1),
                                     .recorded_at_us = 7 };
    struct stream_state before;
    struct tail_event event = { .before = &before };

    if (!tail_find_state(f->tail, varve_view_str(stream_name(stream)), &before))
        before = f->settled_states[stream];
    assert_int_equal(before.version, f->states[stream].version);
    if (correlation != 0)
        event.correlation_id = described.correlation_id = test_uuid(correlation);
    uint8_t *record = test_record_make(&described, &event.size);
    event.record = record;
    tail_begin_adding(f->tail);
    assert_int_equal(tail_add(f->tail, &event), VARVE_OK);
    tail_end_adding(f->tail);
    free(record);
    f->events[f->added++] = (struct event){ stream, type, correlation, described.version };
    stream_state_add(&f->states[stream], described.position, 7);
}

static bool has_key(const struct event *event, enum tail_kind kind, unsigned key)
{
    switch (kind) {
    case TAIL_STREAM: return event->stream == key;
    case TAIL_CATEGORY: return stream_name(event->stream)[0] == "abc"[key];
    case TAIL_TYPE: return event->type == key;
    default: return event->correlation == key + 1;
    }
}

static unsigned key_count(enum tail_kind kind)
{
    static const unsigned counts[] = { STREAMS, 3, TYPES, CORRELATIONS };
    return counts[kind];
}

static struct varve_view key_name(enum tail_kind kind, unsigned key, struct varve_uuid *id)
{
    static const char *const categories[] = { "a", "b", "c" };

    switch (kind) {
    case TAIL_STREAM: return varve_view_str(stream_name(key));
    case TAIL_CATEGORY: return varve_view_str(categories[key]);
    case TAIL_TYPE: return varve_view_str(type_name(key));
    default:
        *id = test_uuid(key + 1);
        return varve_view_of((const char *)id->bytes, sizeof(id->bytes));
    }
}

/* What tail_positions() must give, by looking at every event. */
static size_t expected_positions(const struct fixture *f, enum tail_kind kind, unsigned key, uint64_t from,
                                 bool backwards, uint64_t *ret_positions, size_t room)
{
    size_t count = 0;

    for (uint64_t i = 0; i < f->published - f->settled && count < room; i++) {
        uint64_t at = backwards ? f->published - 1 - i : f->settled + i, position = FIRST + at;
        if (has_key(&f->events[at], kind, key) && (backwards ? position <= from : position >= from))
            ret_positions[count++] = position;
    }
    return count;
}

static void check_positions(struct fixture *f, uint64_t *seed)
{
    enum tail_kind kind = (enum tail_kind)random_below(seed, TAIL_KINDS);
    unsigned key = (unsigned)random_below(seed, key_count(kind));
    uint64_t from = FIRST - 3 + random_below(seed, f->added + 6), expected[MOST], found[MOST];
    size_t room = 1 + random_below(seed, 40);
    bool backwards = random_below(seed, 2);
    struct varve_uuid id;

    if (random_below(seed, 10) == 0)
        from = backwards ? UINT64_MAX - 1 : 0;
    size_t wanted = expected_positions(f, kind, key, from, backwards, expected, room);
    tail_lock_read(f->tail);
    size_t count = tail_positions(f->tail, kind, key_name(kind, key, &id), from, backwards, found, room);
    tail_unlock_read(f->tail);
    assert_int_equal(count, wanted);
    assert_memory_equal(found, expected, count * sizeof(found[0]));
}

static void check_event(struct fixture *f, uint64_t at)
{
    const struct event *event = &f->events[at];
    bool seen = at >= f->settled && at < f->published;
    struct varve_uuid id = test_uuid(FIRST + at);
    uint32_t size;

    tail_lock_read(f->tail);
    const uint8_t *record = tail_record(f->tail, FIRST + at, &size);
    assert_int_equal(record != NULL, seen);
    if (seen) {
        assert_true(varve_record_verify(record, size));
        assert_int_equal(varve_record_position(record), FIRST + at);
        assert_int_equal(varve_record_version(record), event->version);
    }
    uint64_t position = tail_version_position(f->tail, varve_view_str(stream_name(event->stream)), event->version);
    assert_int_equal(position, seen ? FIRST + at : 0);
    assert_int_equal(tail_recent_position(f->tail, &id), FIRST + at);
    tail_unlock_read(f->tail);
}

/* What was published of a stream, as a fold over the events. */
static int64_t published_version(const struct fixture *f, unsigned stream, bool *ret_in_tail)
{
    int64_t version = -1;

    *ret_in_tail = false;
    for (uint64_t at = 0; at < f->added; at++) {
        if (f->events[at].stream != stream)
            continue;
        *ret_in_tail = *ret_in_tail || at >= f->settled;
        if (at < f->published)
            version = (int64_t)f->events[at].version;
    }
    return version;
}

static void check_states(struct fixture *f)
{
    for (unsigned i = 0; i < STREAMS; i++) {
        struct stream_state state;
        bool in_tail;
        int64_t version = published_version(f, i, &in_tail);
        tail_lock_read(f->tail);
        assert_int_equal(tail_published_state(f->tail, varve_view_str(stream_name(i)), &state), in_tail);
        if (in_tail)
            assert_int_equal(state.version, version);
        assert_int_equal(tail_find_state(f->tail, varve_view_str(stream_name(i)), &state), in_tail);
        if (in_tail)
            assert_int_equal(state.version, f->states[i].version);
        tail_unlock_read(f->tail);
    }
    assert_int_equal(tail_visible_position(f->tail), FIRST + f->published - 1);
    assert_int_equal(tail_next_position(f->tail), FIRST + f->added);
    assert_int_equal(tail_first_position(f->tail), FIRST + f->settled);
}

static void freeze(struct fixture *f)
{
    assert_int_equal(tail_freeze(f->tail), VARVE_OK);
    assert_int_equal(tail_layer_first_position(tail_frozen(f->tail)), FIRST + f->settled);
    assert_int_equal(tail_layer_count(tail_frozen(f->tail)), f->published - f->settled);
    assert_int_equal(tail_layer_count(tail_active(f->tail)), 0);
    f->frozen_end = f->published;
}

static void drop(struct fixture *f)
{
    tail_drop_frozen(f->tail);
    for (uint64_t at = f->settled; at < f->frozen_end; at++)
        stream_state_add(&f->settled_states[f->events[at].stream], FIRST + at, 7);
    f->settled = f->frozen_end;
}

static void turn_a_screw(struct fixture *f, uint64_t *seed)
{
    switch (random_below(seed, 12)) {
    case 0:
        if (tail_frozen(f->tail) == NULL && f->added == f->published && f->added > f->settled)
            freeze(f);
        break;
    case 1:
        if (tail_frozen(f->tail) != NULL)
            drop(f);
        break;
    case 2:
    case 3:
        tail_publish(f->tail);
        f->published = f->added;
        break;
    default:
        if (f->added < MOST)
            add(f, (unsigned)random_below(seed, STREAMS), (unsigned)random_below(seed, TYPES),
                (unsigned)random_below(seed, CORRELATIONS + 1));
    }
}

static void agrees_with_arrays(void **ignored)
{
    static struct fixture f;

    for (uint64_t round = 1; round <= 4; round++) {
        uint64_t seed = round;
        setup(&f, MOST);
        for (int step = 0; step < 3000; step++) {
            turn_a_screw(&f, &seed);
            check_states(&f);
            for (int i = 0; i < 3; i++)
                check_positions(&f, &seed);
            if (f.added > 0)
                check_event(&f, random_below(&seed, f.added));
        }
        tail_destroy(f.tail);
    }
}

static void remembered_ids_are_found(void **ignored)
{
    struct tail_options options = { .seed = 3, .next_position = 101, .recent_ids = 20, .indexes = 0 };
    struct tail *tail = NULL;

    assert_int_equal(tail_create(&options, &tail), VARVE_OK);
    for (uint64_t position = 91; position <= 100; position++) {
        struct varve_uuid id = test_uuid(position);
        tail_remember_id(tail, &id, position);
    }
    for (uint64_t position = 91; position <= 100; position++) {
        struct varve_uuid id = test_uuid(position);
        assert_int_equal(tail_recent_position(tail, &id), position);
    }
    assert_int_equal(tail_visible_position(tail), 100);
    tail_destroy(tail);
    tail_destroy(NULL);
}

/* However few may be remembered: what is in a layer is found by its id. */
static void ids_of_the_layers_are_never_forgotten(void **ignored)
{
    static struct fixture f;

    setup(&f, 0);
    for (unsigned i = 0; i < 1000; i++)
        add(&f, i % STREAMS, 0, 0);
    tail_publish(f.tail);
    f.published = f.added;
    for (uint64_t at = 0; at < f.added; at++)
        check_event(&f, at);
    tail_destroy(f.tail);
}

static void a_dropped_layer_is_used_again(void **ignored)
{
    static struct fixture f;
    uint64_t held = 0;

    setup(&f, 64);
    for (int round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 100; i++)
            add(&f, i % STREAMS, 0, 0);
        tail_publish(f.tail);
        f.published = f.added;
        assert_true(tail_active_bytes(f.tail) >= 100 * VARVE_RECORD_PREFIX);
        freeze(&f);
        assert_int_equal(tail_active_bytes(f.tail), 0);
        drop(&f);
        if (round == 2)
            held = tail_bytes(f.tail);
        if (round > 2)
            assert_int_equal(tail_bytes(f.tail), held);
    }
    tail_destroy(f.tail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_arrays),
        cmocka_unit_test(remembered_ids_are_found),
        cmocka_unit_test(ids_of_the_layers_are_never_forgotten),
        cmocka_unit_test(a_dropped_layer_is_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
