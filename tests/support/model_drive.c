/* model_drive.c - see model_drive.h. */
#include "support/model_drive.h"

#include "support/check.h"
#include "support/random.h"
#include "support/records.h"
#include "varve/record.h"
#include "varve/uuid.h"

#include <stdlib.h>

static const char *const stream_names[MODEL_STREAMS] = {
    "a-1", "a-2", "a-10", "a", "ab-1", "b-1", "b-2", "b-2-x", "c", "\xc3\xa9t\xc3\xa9-1", "~last", "0",
};
static const char *const type_names[MODEL_TYPES + 1] = { "a", "order.placed", "order.paid", "x", "$metadata" };

/* ---- options ---- */

static uint64_t pick(uint64_t *seed, const uint64_t *from, size_t count)
{
    return from[random_below(seed, count)];
}

static void choose_options(struct drive *d)
{
    static const uint64_t events[] = { 1, 3, 8, 30, 100, 1000, 1000 }, sizes[] = { 4096, 20000, 64 << 20, 64 << 20 },
                          ids[] = { 16, 200, 5000 }, groups[] = { 1, 2000, 64 << 10 },
                          indexes[] = { VARVE_INDEX_ALL, VARVE_INDEX_ALL, VARVE_INDEX_ALL, VARVE_INDEX_ALL, 0,
                                        VARVE_INDEX_TYPE | VARVE_INDEX_ID, VARVE_INDEX_CORRELATION,
                                        VARVE_INDEX_CATEGORY };
    struct varve_options *o = &d->f.options;

    o->segment_size_bytes = 512u << 10;
    o->max_append_events = 64;
    o->settle_events = (uint32_t)pick(&d->seed, events, COUNT_OF(events));
    o->settle_size_bytes = pick(&d->seed, sizes, COUNT_OF(sizes));
    o->settle_idle_ms = random_below(&d->seed, 6) == 0;
    o->group_size_bytes = (uint32_t)pick(&d->seed, groups, COUNT_OF(groups));
    o->indexes = (unsigned)pick(&d->seed, indexes, COUNT_OF(indexes));
    /* At least as many as the engine keeps anyway for its own sake: then this many are known, no more and no less. */
    o->recent_ids = 4 * o->settle_events + o->max_append_events + (uint32_t)pick(&d->seed, ids, COUNT_OF(ids));
}

void drive_init(struct drive *d, uint64_t seed)
{
    memset(d, 0, sizeof(*d));
    fixture_init(&d->f);
    d->seed = seed;
    d->next_id = 1;
    d->now_us = 1000000;
    atomic_store(&d->f.now_us, d->now_us);
    choose_options(d);
    model_init(&d->model, stream_names, d->f.options.recent_ids);
    fixture_open(&d->f);
}

void drive_free(struct drive *d)
{
    fixture_free(&d->f);
    model_free(&d->model);
}

/* ---- appends ---- */

struct varve_view drive_data(struct drive *d, uint64_t content, char *room)
{
    static const uint16_t sizes[] = { 2, 1, 5, 20, 60, 70, 100, 150, 200, 250, 300, 500, 900, 1500, 4000, 9000 };
    size_t size = content == 0 ? 0 : sizes[content % COUNT_OF(sizes)];

    memset(room, 'a' + (int)(content / COUNT_OF(sizes) % 26), size);
    return varve_view_of(room, size);
}

struct varve_append *drive_make(struct drive *d, const struct model_request *request)
{
    struct varve_append_stream streams[MODEL_APPEND_STREAMS];
    struct varve_event events[MODEL_APPEND_EVENTS];
    uint32_t stream_of[MODEL_APPEND_EVENTS];
    struct varve_append *append = NULL;
    char *data = malloc((size_t)MODEL_APPEND_EVENTS * DRIVE_MAX_DATA);

    assert_non_null(data);
    for (unsigned i = 0; i < request->stream_count; i++)
        streams[i] = (struct varve_append_stream){ varve_view_str(stream_names[request->streams[i].stream]),
                                                   request->streams[i].expected };
    for (unsigned i = 0; i < request->event_count; i++) {
        events[i] = (struct varve_event){ .type = varve_view_str(type_names[request->events[i].type]),
            .time_us = VARVE_TIME_NONE, .content_type = VARVE_CONTENT_OCTET_STREAM,
            .data = drive_data(d, request->events[i].content, data + (size_t)i * DRIVE_MAX_DATA) };
        if (request->events[i].id != 0)
            events[i].id = test_uuid(request->events[i].id);
        if (request->events[i].correlation != 0)
            events[i].correlation_id = test_uuid(1000000 + request->events[i].correlation);
        stream_of[i] = request->events[i].of;
    }
    struct varve_append_request real = { streams, request->stream_count, events, stream_of, request->event_count };
    if (varve_append_create(d->f.store, &real, &append, &d->f.error) != VARVE_OK)
        fail_msg("cannot make an append: %s", d->f.error.message);
    free(data);
    return append;
}

void drive_check_outcome(const struct varve_append_outcome *outcome, const struct model_outcome *wanted,
                         unsigned result_count)
{
    if (outcome->status != wanted->status)
        fail_msg("outcome %s (%s), the model says %s", varve_status_name(outcome->status), outcome->error.message,
                 varve_status_name(wanted->status));
    assert_int_equal(outcome->replayed, wanted->replayed);
    assert_int_equal(outcome->conflict_count, wanted->conflict_count);
    for (unsigned i = 0; i < wanted->conflict_count; i++) {
        assert_int_equal(outcome->conflicts[i].stream_index, wanted->conflicts[i].stream_index);
        assert_int_equal(outcome->conflicts[i].status, wanted->conflicts[i].status);
        assert_int_equal(outcome->conflicts[i].expected, wanted->conflicts[i].expected);
        assert_int_equal(outcome->conflicts[i].actual, wanted->conflicts[i].actual);
    }
    if (wanted->status != VARVE_OK)
        return;
    assert_int_equal(outcome->stream_count, result_count);
    for (unsigned i = 0; i < result_count; i++) {
        assert_int_equal(outcome->results[i].first_version, wanted->results[i].first_version);
        assert_int_equal(outcome->results[i].last_version, wanted->results[i].last_version);
        assert_int_equal(outcome->results[i].first_position, wanted->results[i].first_position);
        assert_int_equal(outcome->results[i].last_position, wanted->results[i].last_position);
    }
}

/* ---- reads ---- */

void drive_check_record(struct drive *d, uint64_t position, const uint8_t *record, uint32_t size)
{
    const struct model_event *wanted = &d->model.events[position - 1];
    struct varve_event event;
    struct varve_uuid id = { { 0 } };

    assert_int_equal(varve_record_decode(record, size, &event), VARVE_OK);
    assert_int_equal(event.position, position);
    assert_int_equal(event.version, wanted->version);
    assert_int_equal(event.recorded_at_us, wanted->recorded_at_us);
    assert_true(varve_view_equal(event.stream, model_name(&d->model, wanted->stream)));
    assert_true(varve_view_equal(event.type, varve_view_str(type_names[wanted->type])));
    if (wanted->correlation != 0)
        id = test_uuid(1000000 + wanted->correlation);
    assert_true(varve_uuid_equal(&event.correlation_id, &id));
    id = test_uuid(wanted->id);
    assert_true(wanted->id == 0 ? !varve_uuid_is_nil(&event.id) : varve_uuid_equal(&event.id, &id));
    if (wanted->type != MODEL_META_TYPE) {
        struct varve_view data = drive_data(d, wanted->content, d->data);
        assert_int_equal(event.data.size, data.size);
        assert_memory_equal(event.data.data, data.data, data.size);
    }
    d->records++;
}

static void make_read(struct drive *d, const struct model_read *read, struct varve_read *ret_read)
{
    *ret_read = (struct varve_read){ .kind = read->kind, .backwards = read->backwards,
        .include_system = read->include_system, .from = read->from, .limit = read->limit, .since_us = read->since_us,
        .until_us = read->until_us };
    switch (read->kind) {
    case VARVE_READ_STREAM:
        ret_read->name = model_name(&d->model, read->key);
        break;
    case VARVE_READ_CATEGORY:
        ret_read->name = varve_category(model_name(&d->model, read->key));
        break;
    case VARVE_READ_TYPE:
        ret_read->name = varve_view_str(type_names[read->key]);
        break;
    case VARVE_READ_CORRELATION:
        ret_read->correlation_id = test_uuid(1000000 + read->key);
        break;
    case VARVE_READ_ALL:
        break;
    }
}

static bool index_is_kept(const struct drive *d, enum varve_read_kind kind)
{
    static const unsigned needed[] = { 0, 0, VARVE_INDEX_CATEGORY, VARVE_INDEX_TYPE, VARVE_INDEX_CORRELATION };
    return (d->f.options.indexes & needed[kind]) == needed[kind];
}

/* Go through a read with batches of random measures; now and then let go of the reader and go on with a new one. */
static void walk(struct drive *d, struct varve_read *read, struct varve_reader *reader, const uint64_t *wanted,
                 uint64_t count)
{
    static const size_t bytes[] = { 1, 300, 5000, 1 << 20 };
    static const uint32_t events[] = { 0, 1, 3, 40 };
    struct varve_batch batch = { .end = false };
    uint64_t seen = 0, seen_before = 0;

    while (!batch.end) {
        size_t max_bytes = bytes[random_below(&d->seed, COUNT_OF(bytes))], size = 0;
        uint32_t max_events = events[random_below(&d->seed, COUNT_OF(events))];
        enum varve_status status = varve_reader_next(reader, max_bytes, max_events, &batch, &d->f.error);
        if (status != VARVE_OK)
            fail_msg("a read failed: %s", d->f.error.message);
        assert_true(max_events == 0 || batch.count <= max_events);
        for (uint32_t i = 0; i < batch.count; i++, seen++) {
            if (seen == count)
                fail_msg("the read gives more than the %llu events of the model", (unsigned long long)count);
            drive_check_record(d, wanted[seen], batch.records[i], batch.sizes[i]);
            size += batch.sizes[i];
        }
        assert_true(batch.count <= 1 || size <= max_bytes);
        if (!batch.end && random_below(&d->seed, 5) == 0) {
            varve_reader_close(reader);
            read->from = batch.next;
            read->limit -= read->limit == 0 ? 0 : seen - seen_before;
            seen_before = seen;
            assert_int_equal(varve_reader_open(d->f.store, read, &reader, &d->f.error), VARVE_OK);
        }
    }
    assert_int_equal(seen, count);
    assert_int_equal(varve_reader_next(reader, 1, 1, &batch, &d->f.error), VARVE_OK); /* The end stays the end. */
    assert_true(batch.end && batch.count == 0);
    varve_reader_close(reader);
}

void drive_check_read(struct drive *d, const struct model_read *read)
{
    struct varve_read real;
    struct varve_reader *reader = NULL;
    uint64_t *wanted = calloc(d->model.count + 1, sizeof(*wanted)), count;
    enum varve_status status = model_read(&d->model, read, d->now_us, wanted, &count);

    assert_non_null(wanted);
    if (!index_is_kept(d, read->kind))
        status = VARVE_INDEX_NOT_KEPT;
    make_read(d, read, &real);
    assert_int_equal(varve_reader_open(d->f.store, &real, &reader, &d->f.error), status);
    if (status == VARVE_OK) {
        char name[VARVE_MAX_SYSTEM_STREAM_NAME]; /* The model's names live shortly. */
        if (real.name.size > 0)
            memcpy(name, real.name.data, real.name.size);
        real.name.data = name;
        walk(d, &real, reader, wanted, count);
    }
    free(wanted);
    d->reads++;
}

/* ---- streams and figures ---- */

static void compare_info(const struct varve_stream_info *info, const struct varve_stream_info *wanted)
{
    assert_int_equal(info->version, wanted->version);
    assert_int_equal(info->first_version, wanted->first_version);
    assert_int_equal(info->last_position, wanted->last_position);
    assert_int_equal(info->created_at_us, wanted->created_at_us);
    assert_int_equal(info->updated_at_us, wanted->updated_at_us);
    assert_int_equal(info->truncate_before, wanted->truncate_before);
    assert_int_equal(info->max_count, wanted->max_count);
    assert_int_equal(info->max_age_us, wanted->max_age_us);
    assert_int_equal(info->deleted, wanted->deleted);
    assert_int_equal(info->tombstoned, wanted->tombstoned);
}

void drive_check_info(struct drive *d, unsigned stream)
{
    struct varve_stream_info info, wanted;
    enum varve_status status = model_info(&d->model, stream, &wanted);

    assert_int_equal(varve_stream_info(d->f.store, model_name(&d->model, stream), &info, &d->f.error), status);
    if (status == VARVE_OK)
        compare_info(&info, &wanted);
}

void drive_check_list(struct drive *d, struct varve_view prefix, struct varve_view after, unsigned limit, bool system)
{
    struct varve_stream_list list;
    struct varve_stream_info wanted;
    unsigned streams[MODEL_ALL_STREAMS];
    bool end;
    unsigned count = model_list(&d->model, prefix, after, limit, system, streams, &end);

    assert_int_equal(varve_store_list_streams(d->f.store, prefix, after, limit, system, &list, &d->f.error), VARVE_OK);
    assert_int_equal(list.count, count);
    assert_int_equal(list.end, end);
    for (unsigned i = 0; i < count; i++) {
        assert_true(varve_view_equal(list.entries[i].name, model_name(&d->model, streams[i])));
        assert_int_equal(model_info(&d->model, streams[i], &wanted), VARVE_OK);
        compare_info(&list.entries[i].info, &wanted);
    }
    varve_stream_list_free(&list);
}

void drive_check_stats(struct drive *d)
{
    struct varve_stats stats = fixture_stats(&d->f);
    uint64_t streams = 0, system = 0;

    for (unsigned i = 0; i < MODEL_ALL_STREAMS; i++)
        if (d->model.streams[i].version >= 0)
            (*(i < MODEL_STREAMS ? &streams : &system))++;
    assert_int_equal(stats.last_position, d->model.count);
    assert_int_equal(stats.stream_count, streams);
    assert_int_equal(stats.system_stream_count, system);
    assert_int_equal(stats.appends, d->model.appends);
    assert_int_equal(stats.append_conflicts, d->model.conflicts);
    assert_int_equal(stats.append_replays, d->model.replays);
    assert_int_equal(stats.events_appended, d->since_open_events);
    assert_int_equal(stats.queue_appends, 0);
    assert_int_equal(stats.queue_bytes, 0);
    assert_true(stats.settled_position <= stats.last_position);
    assert_true(stats.groups <= stats.appends);
}

void drive_check_all(struct drive *d)
{
    static const unsigned keys[] = { 1, MODEL_ALL_STREAMS, MODEL_ALL_STREAMS, MODEL_TYPES + 1, MODEL_CORRELATIONS };

    for (int kind = VARVE_READ_ALL; kind <= VARVE_READ_CORRELATION; kind++)
        for (unsigned key = kind == VARVE_READ_CORRELATION; key < keys[kind]; key++)
            for (int backwards = 0; backwards < 2; backwards++) {
                struct model_read read = { (enum varve_read_kind)kind, key, backwards, true, VARVE_FROM_EDGE, 0,
                                           VARVE_TIME_NONE, VARVE_TIME_NONE };
                drive_check_read(d, &read);
            }
    for (unsigned stream = 0; stream < MODEL_ALL_STREAMS; stream++)
        drive_check_info(d, stream);
    drive_check_list(d, varve_view_str(""), varve_view_str(""), 10000, true);
    drive_check_stats(d);
}
