/* verify_fixture.c - see verify_fixture.h. */
#include "verify_fixture.h"

#include "config_text.h"
#include "support/check.h"
#include "varve/record.h"

#include <stdlib.h>

struct verify_fixture *verify_begin(const char *lines)
{
    struct verify_fixture *f = calloc(1, sizeof(*f));
    struct varve_options options;

    assert_non_null(f);
    temp_dir_make(f->directory);
    varve_options_init(&options);
    options.map_size_bytes = 256u << 20;
    options.segment_size_bytes = 16 << 20;
    options.disk_reserve_bytes = 0;
    assert_int_equal(varve_store_open(f->directory, &options, &f->store, &f->error), VARVE_OK);
    f->configs = config_lines(lines);
    assert_int_equal(outbox_dead_create(&f->dead), VARVE_OK);
    return f;
}

void verify_end(struct verify_fixture *f)
{
    outbox_dead_destroy(f->dead);
    outbox_configs_end(&f->configs);
    assert_int_equal(varve_store_close(f->store), VARVE_OK);
    temp_dir_remove(f->directory);
    free(f);
}

static uint64_t append(struct verify_fixture *f, const char *stream, const char *type, const char *data, bool system)
{
    const struct varve_append_stream streams[] = { { varve_view_str(stream), VARVE_EXPECTED_ANY } };
    const struct varve_event event = { .type = varve_view_str(type), .data = varve_view_str(data),
                                       .schema_version = 1, .time_us = VARVE_TIME_NONE };
    const struct varve_append_request request = { .streams = streams, .stream_count = 1, .events = &event,
                                                  .event_count = 1 };
    struct varve_append *made = NULL;

    enum varve_status status = system ? varve_append_create_system(f->store, &request, &made, &f->error)
                                      : varve_append_create(f->store, &request, &made, &f->error);
    if (status != VARVE_OK || varve_append_wait(made, &f->error) != VARVE_OK)
        fail_msg("cannot append to %s: %s", stream, f->error.message);
    varve_append_free(made);
    return varve_store_last_position(f->store);
}

uint64_t verify_append(struct verify_fixture *f, const char *stream, const char *type, const char *data)
{
    return append(f, stream, type, data, false);
}

void verify_say(struct verify_fixture *f, const char *type, const char *json)
{
    append(f, "$outbox-x", type, json, true);
}

/* NULL: no route takes it. */
static struct verify_record *publish(struct verify_fixture *f, uint64_t position)
{
    struct verify_record *record = &f->records[f->count];
    struct outbox_routing routing;
    struct varve_event event;
    uint8_t *bytes;
    uint32_t size;

    assert_true(f->count < VERIFY_RECORDS);
    assert_int_equal(varve_store_get(f->store, position, &bytes, &size, &f->error), VARVE_OK);
    assert_int_equal(varve_record_decode(bytes, size, &event), VARVE_OK);
    bool sent = outbox_route(f->configs.all[0], &event, &routing) == OUTBOX_SEND;
    if (sent) {
        *record = (struct verify_record){ .position = position,
                                          .partition = outbox_kafka_partition_of(routing.key, VERIFY_PARTITIONS) };
        snprintf(record->topic, sizeof(record->topic), "%s", routing.topic);
        snprintf(record->key, sizeof(record->key), "%.*s", (int)routing.key.size, routing.key.data);
        snprintf(record->value, sizeof(record->value), "%.*s", (int)event.data.size, event.data.data);
        f->count++;
    }
    free(bytes);
    return sent ? record : NULL;
}

struct verify_record *verify_publish(struct verify_fixture *f, uint64_t position)
{
    struct verify_record *record = publish(f, position);

    assert_non_null(record);
    return record;
}

void verify_publish_all(struct verify_fixture *f, uint64_t from, uint64_t until)
{
    for (uint64_t position = from; position <= until; position++)
        publish(f, position);
}

/* ---- what verification reads ---- */

static enum outbox_result read_checkpoint(void *user, uint64_t *ret_position, struct outbox_fault *fault)
{
    struct verify_fixture *f = user;
    size_t last = COUNT_OF(f->checkpoints) - 1;

    *ret_position = f->checkpoints[f->checkpoint_reads < last ? f->checkpoint_reads : last];
    f->checkpoint_reads++;
    return OUTBOX_DONE;
}

static bool is_in_tail(const struct verify_fixture *f, size_t at, uint64_t depth)
{
    size_t behind = 0;

    for (size_t i = at + 1; i < f->count; i++)
        behind += f->records[i].partition == f->records[at].partition &&
                  strcmp(f->records[i].topic, f->records[at].topic) == 0;
    return depth == 0 || behind < depth;
}

static bool show(const struct verify_record *record, int64_t offset,
                 bool (*each)(void *user, const struct outbox_seen *seen), void *each_user)
{
    const struct outbox_seen seen = { .topic = record->topic, .partition = record->partition, .offset = offset,
                                      .position = record->position, .is_replay = record->is_replay,
                                      .key = varve_view_str(record->key), .value = varve_view_str(record->value) };

    return each(each_user, &seen);
}

static enum outbox_result read_topic(void *user, const char *topic, uint64_t depth,
                                     bool (*each)(void *user, const struct outbox_seen *seen), void *each_user,
                                     struct outbox_fault *fault)
{
    struct verify_fixture *f = user;

    if (f->topic_reads++ == 0 && f->meanwhile != NULL)
        f->meanwhile(f);
    snprintf(fault->code, sizeof(fault->code), "_TRANSPORT");
    snprintf(fault->reason, sizeof(fault->reason), "no broker");
    for (int32_t partition = 0; partition < VERIFY_PARTITIONS; partition++)
        for (size_t i = 0; i < f->count; i++)
            if (f->records[i].partition == partition && strcmp(f->records[i].topic, topic) == 0 &&
                is_in_tail(f, i, depth) && !show(&f->records[i], (int64_t)i, each, each_user))
                return f->result;
    return f->result;
}

enum varve_status verify_run(struct verify_fixture *f, uint64_t depth, bool (*interrupted)(void *user))
{
    const struct outbox_verify_options options = {
        .config = f->configs.all[0], .store = f->store, .dead = f->dead, .depth = depth, .interrupted = interrupted,
        .source = { .user = f, .read_checkpoint = read_checkpoint, .read_topic = read_topic }, .user = f,
    };

    f->checkpoint_reads = f->topic_reads = 0;
    memset(&f->found, 0, sizeof(f->found));
    return outbox_verify_topics(&options, &f->found, &f->error);
}
