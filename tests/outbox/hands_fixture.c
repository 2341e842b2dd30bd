/* hands_fixture.c - see hands_fixture.h. */
#include "hands_fixture.h"

#include <stdlib.h>

#include "support/pause.h"
#include "varve/record.h"

enum { PATIENCE_S = 60 };

static void on_growth(void *user, uint64_t last_position)
{
    struct hands *h = user;

    outbox_wake(h->outbox, last_position);
}

static void open_store(struct hands *h)
{
    struct varve_options options;

    varve_options_init(&options);
    options.map_size_bytes = UINT64_C(1) << 30;
    options.segment_size_bytes = 16 << 20;
    options.disk_reserve_bytes = 0;
    assert_int_equal(varve_store_open(h->directory, &options, &h->store, &h->error), VARVE_OK);
}

struct hands *hands_open(void)
{
    struct hands *h = calloc(1, sizeof(*h));

    temp_dir_make(h->directory);
    open_store(h);
    assert_int_equal(outbox_configs_add(&h->configs, "t", "127.0.0.1:1", &h->error), VARVE_OK);
    h->config = h->configs.all[0];
    h->config->backoff_min_ms = 1;
    h->config->backoff_max_ms = 5;
    h->config->gap_us = 0;
    log_pipe_open(&h->told);
    h->log = (struct log){ .fd = h->told.to, .level = LOG_LEVEL_INFO };
    return h;
}

void hands_start(struct hands *h)
{
    const struct outbox_options options = { .config = h->config, .store = h->store, .log = &h->log,
                                            .counting = h->counting };

    if (outbox_open(&options, &h->outbox, &h->error) != VARVE_OK ||
        outbox_start(h->outbox, &h->error) != VARVE_OK)
        fail_msg("%s", h->error.message);
    varve_store_on_growth(h->store, on_growth, h);
    outbox_wake(h->outbox, varve_store_last_position(h->store));
}

void hands_stop(struct hands *h)
{
    if (h->outbox == NULL)
        return;
    outbox_stop(h->outbox);
    assert_true(outbox_join(h->outbox, PATIENCE_S * 1000));
    /* A growth callback may still be under way: closing waits for it. */
    varve_store_on_growth(h->store, NULL, NULL);
    assert_int_equal(varve_store_close(h->store), VARVE_OK);
    open_store(h);
    outbox_free(h->outbox);
    h->outbox = NULL;
}

void hands_close(struct hands *h)
{
    hands_stop(h);
    assert_int_equal(varve_store_close(h->store), VARVE_OK);
    outbox_configs_end(&h->configs);
    log_pipe_close(&h->told);
    temp_dir_remove(h->directory);
    free(h);
}

const char *hands_log(struct hands *h)
{
    return log_pipe_take(&h->told);
}

static uint64_t append(struct hands *h, const char *stream, const char *type, size_t count, struct varve_view data)
{
    const struct varve_append_stream streams[] = { { varve_view_str(stream), VARVE_EXPECTED_ANY } };
    struct varve_event *events = calloc(count, sizeof(*events));
    const struct varve_append_request request = { .streams = streams, .stream_count = 1, .events = events,
                                                  .event_count = count };
    struct varve_append *done = NULL;

    for (size_t i = 0; i < count; i++)
        events[i] = (struct varve_event){ .type = varve_view_str(type), .time_us = VARVE_TIME_NONE,
                                          .schema_version = 1, .data = data };
    if (varve_append_create(h->store, &request, &done, &h->error) != VARVE_OK ||
        varve_append_wait(done, &h->error) != VARVE_OK)
        fail_msg("%s", h->error.message);
    uint64_t last = varve_append_get_outcome(done)->results[0].last_position;
    varve_append_free(done);
    free(events);
    return last;
}

uint64_t hands_append(struct hands *h, const char *stream, const char *type, size_t count)
{
    return append(h, stream, type, count, varve_view_str("{\"a\":1}"));
}

uint64_t hands_append_sized(struct hands *h, const char *stream, size_t data_size)
{
    char *data = malloc(data_size);

    memset(data, 'x', data_size);
    data[0] = data[data_size - 1] = '"';
    uint64_t position = append(h, stream, "large", 1, varve_view_of(data, data_size));
    free(data);
    return position;
}

void hands_wait(struct hands *h, bool (*so)(struct hands *h))
{
    int64_t until_us = outbox_now_us() + PATIENCE_S * INT64_C(1000000);

    for (outbox_look(h->outbox, &h->view); !so(h); outbox_look(h->outbox, &h->view)) {
        pause_ms(1);
        if (outbox_now_us() > until_us)
            fail_msg("phase %s, halt %s, position %llu of %llu, dead %llu, reason %s",
                     varve_outbox_phase_name(h->view.phase), varve_outbox_halt_name(h->view.halt),
                     (unsigned long long)h->view.position, (unsigned long long)h->view.head,
                     (unsigned long long)h->view.dead_streams, h->view.reason);
    }
}

static bool has_phase(struct hands *h)
{
    return h->view.phase == h->wanted_phase;
}

void hands_wait_phase(struct hands *h, enum varve_outbox_phase phase)
{
    h->wanted_phase = phase;
    hands_wait(h, has_phase);
}

static bool has_position(struct hands *h)
{
    return h->view.position >= h->wanted_position;
}

void hands_wait_position(struct hands *h, uint64_t position)
{
    h->wanted_position = position;
    hands_wait(h, has_position);
}

struct waiter {
    struct outbox_errand errand;
    atomic_bool is_done;
};

static void on_done(struct outbox_errand *errand)
{
    atomic_store(&((struct waiter *)errand)->is_done, true);
}

enum varve_status hands_order(struct hands *h, enum varve_outbox_action action)
{
    struct waiter waiter = { .errand = { .order = h->order, .done = on_done } };
    int64_t until_us = outbox_now_us() + PATIENCE_S * INT64_C(1000000);

    waiter.errand.order.action = action;
    outbox_order(h->outbox, &waiter.errand);
    while (!atomic_load(&waiter.is_done)) {
        pause_ms(1);
        assert_true(outbox_now_us() < until_us);
    }
    h->order = (struct varve_outbox_order){ .position = 0 };
    h->error = waiter.errand.error;
    h->position = waiter.errand.position;
    h->count = waiter.errand.count;
    return waiter.errand.status;
}

size_t hands_remembered(struct hands *h, const char *type)
{
    struct varve_reader *reader = NULL;
    struct varve_batch batch = { .end = false };
    struct varve_read read;
    size_t count = 0;

    varve_read_init(&read);
    read.include_system = true;
    assert_int_equal(varve_reader_open(h->store, &read, &reader, &h->error), VARVE_OK);
    while (!batch.end) {
        assert_int_equal(varve_reader_next(reader, 1 << 20, 10000, &batch, &h->error), VARVE_OK);
        for (uint32_t i = 0; i < batch.count; i++)
            count += varve_view_equal(varve_record_type(batch.records[i]), varve_view_str(type));
    }
    varve_reader_close(reader);
    return count;
}
