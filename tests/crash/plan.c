/* plan.c - see plan.h. */
#include "tests/crash/plan.h"

#include "tests/support/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t id_mark[6] = { 'c', 'r', 'a', 's', 'h', '-' };

void plan_options(struct varve_options *options)
{
    varve_options_init(options);
    options->segment_size_bytes = 256 << 10;
    options->max_event_bytes = 32 << 10;
    options->max_append_bytes = 64 << 10;
    options->max_append_events = 256;
    options->queue_size_bytes = 1 << 20;
    options->group_size_bytes = 64 << 10;
    options->settle_size_bytes = 64 << 10;
    options->settle_events = 80;
    options->settle_idle_ms = 0;
    options->recent_ids = 1000;
    options->disk_reserve_bytes = 1 << 20;
    options->map_size_bytes = 64 << 20;
}

static uint64_t random_of(uint64_t seed, uint32_t number, uint32_t index)
{
    uint64_t state = seed ^ (uint64_t)number << 20 ^ index;

    random_next(&state);
    return random_next(&state);
}

/* Apart from the dice of the events. */
static void add_saga(uint64_t seed, struct plan_append *plan)
{
    uint64_t random = random_of(seed, plan->number, UINT32_MAX - 1);

    plan->saga = PLAN_SAGAS;
    plan->checkpoint = PLAN_CHECKPOINTS;
    if (plan->number != PLAN_LAST && random_below(&random, 100) >= 45)
        return;
    plan->saga = (uint32_t)random_below(&random, PLAN_SAGAS);
    if (plan->number == PLAN_LAST) /* A transition, no more. */
        return;
    if (random_below(&random, 2) == 0)
        plan->checkpoint = (uint32_t)random_below(&random, PLAN_CHECKPOINTS);
    if (random_below(&random, 4) == 0)
        plan->event_count = 0;
}

static uint32_t event_count_of(uint64_t dice, uint64_t *random)
{
    if (dice < 75)
        return 1 + (uint32_t)random_below(random, 3);
    if (dice < 88)
        return 1;
    return 6 + (uint32_t)random_below(random, PLAN_MAX_EVENTS - 5);
}

void plan_append(uint64_t seed, uint32_t number, struct plan_append *ret_plan)
{
    uint64_t random = random_of(seed, number, UINT32_MAX);
    struct plan_append plan = { .number = number };
    uint32_t first = (uint32_t)random_below(&random, PLAN_STREAMS);

    plan.event_count = number == PLAN_LAST ? 1 : event_count_of(random_below(&random, 100), &random);
    add_saga(seed, &plan);
    plan.stream_count = 1 + (uint32_t)random_below(&random, 4) / 2;
    if (plan.stream_count > plan.event_count)
        plan.stream_count = plan.event_count;
    for (uint32_t i = 0; i < plan.stream_count; i++) /* Steps that never meet. */
        plan.streams[i] = (first + i * (1 + number % 7)) % PLAN_STREAMS;
    for (uint32_t i = 0; i < plan.event_count; i++)
        plan.stream_of[i] = i < plan.stream_count ? i : (uint32_t)random_below(&random, plan.stream_count);
    *ret_plan = plan;
}

uint32_t plan_total_events(const struct plan_append *plan)
{
    return plan->event_count + (plan->saga < PLAN_SAGAS) + (plan->checkpoint < PLAN_CHECKPOINTS);
}

void plan_stream_name(uint32_t stream, char ret_name[16])
{
    snprintf(ret_name, 16, "cat%u-%u", stream % PLAN_CATEGORIES, stream);
}

uint32_t plan_stream_of_name(struct varve_view name)
{
    char text[16], again[16];
    const char *dash;

    if (name.size >= sizeof(text))
        return PLAN_STREAMS;
    memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    dash = strchr(text, '-');
    uint32_t stream = dash == NULL ? PLAN_STREAMS : (uint32_t)strtoul(dash + 1, NULL, 10);
    if (stream >= PLAN_STREAMS)
        return PLAN_STREAMS;
    plan_stream_name(stream, again);
    return strcmp(text, again) == 0 ? stream : PLAN_STREAMS;
}

void plan_type_name(uint32_t type, char ret_name[16])
{
    snprintf(ret_name, 16, "thing.done%u", type);
}

void plan_category_name(uint32_t category, char ret_name[16])
{
    snprintf(ret_name, 16, "cat%u", category);
}

struct varve_uuid plan_correlation(uint32_t correlation)
{
    struct varve_uuid id = { { 0xc0, 0xff, 0xee } };

    id.bytes[15] = (uint8_t)correlation;
    return id;
}

struct varve_uuid plan_id(uint32_t number, uint32_t index)
{
    struct varve_uuid id;

    memcpy(id.bytes, id_mark, sizeof(id_mark));
    memcpy(id.bytes + 6, &number, 4);
    memcpy(id.bytes + 10, &index, 4);
    id.bytes[14] = id.bytes[15] = 0;
    return id;
}

bool plan_parse_id(const struct varve_uuid *id, uint32_t *ret_number, uint32_t *ret_index)
{
    if (memcmp(id->bytes, id_mark, sizeof(id_mark)) != 0)
        return false;
    memcpy(ret_number, id->bytes + 6, 4);
    memcpy(ret_index, id->bytes + 10, 4);
    return true;
}

static uint32_t data_size_of(const struct plan_append *plan, uint64_t *random)
{
    uint64_t dice = random_below(random, 100);

    if (plan->event_count > 1 || dice < 80)
        return (uint32_t)random_below(random, 200);
    if (dice < 97)
        return 2000 + (uint32_t)random_below(random, 4000);
    return 12000 + (uint32_t)random_below(random, 8000);
}

void plan_event(uint64_t seed, const struct plan_append *plan, uint32_t index, struct plan_event *ret_event)
{
    uint64_t random = random_of(seed, plan->number, index);
    uint32_t size = data_size_of(plan, &random);

    plan_stream_name(plan->streams[plan->stream_of[index]], ret_event->stream);
    plan_type_name((uint32_t)random_below(&random, PLAN_TYPES), ret_event->type);
    for (uint32_t at = 0; at < size; at += 8) {
        uint64_t value = random_next(&random);
        memcpy(ret_event->data + at, &value, 8);
    }
    ret_event->event = (struct varve_event){
        .stream = varve_view_str(ret_event->stream), .type = varve_view_str(ret_event->type),
        .id = plan_id(plan->number, index), .time_us = VARVE_TIME_NONE, .schema_version = 1,
        .content_type = VARVE_CONTENT_OCTET_STREAM, .data = varve_view_of((const char *)ret_event->data, size),
    };
    if (random_below(&random, 2) == 0)
        ret_event->event.correlation_id = plan_correlation((uint32_t)random_below(&random, PLAN_CORRELATIONS));
}
