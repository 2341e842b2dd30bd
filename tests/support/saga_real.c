/* saga_real.c - see saga_real.h. */
#include "support/saga_real.h"

#include "support/check.h"
#include "support/records.h"

#include <stdlib.h>

const char *const saga_real_types[SAGA_MODEL_TYPES] = { "order", "order.v2", "pay" };
const char *const saga_real_steps[SAGA_REAL_STEPS] = { "", "reserve", "charge", "ship" };
const char *const saga_real_errors[SAGA_REAL_ERRORS] = { "", "no stock", "a \"quoted\"\nline" };
static const char *const stream_names[SAGA_MODEL_STREAMS] = { "a", "b", "c", "$checkpoint-p" };

struct real {
    struct varve_transact transact;
    struct varve_append_stream streams[2][SAGA_MODEL_ITEMS];
    struct varve_event events[2][SAGA_MODEL_ITEMS * SAGA_MODEL_EVENTS];
    uint32_t stream_of[2][SAGA_MODEL_ITEMS * SAGA_MODEL_EVENTS];
    struct varve_saga_change sagas[SAGA_MODEL_ITEMS];
    char text[SAGA_MODEL_ITEMS * SAGA_MODEL_EVENTS][64];
    unsigned texts;
};

static struct varve_uuid uuid_of(uint64_t id)
{
    return id == 0 ? (struct varve_uuid){ { 0 } } : test_uuid(id);
}

static struct varve_view json_of(struct real *real, const char *member, uint64_t number)
{
    char *text = real->text[real->texts++];

    snprintf(text, sizeof(real->text[0]), "{\"%s\":%llu}", member, (unsigned long long)number);
    return varve_view_str(text);
}

void saga_real_name(unsigned number, struct varve_view *ret_type, char ret_id[8])
{
    *ret_type = varve_view_str(saga_real_types[number / SAGA_MODEL_IDS]);
    snprintf(ret_id, 8, "id-%u", number % SAGA_MODEL_IDS);
}

static void add_real_saga(struct real *real, const struct saga_model_item *item, char id[8])
{
    const struct saga_model_change *change = &item->change;
    struct varve_saga_change *made = &real->sagas[real->transact.saga_count++];

    *made = (struct varve_saga_change){
        .action = change->action, .expected = item->expected, .step = varve_view_str(saga_real_steps[change->step]),
        .error = varve_view_str(saga_real_errors[change->error]), .has_state = change->has_state,
        .content_type = VARVE_CONTENT_JSON, .deadline_us = change->deadline_us,
        .event_id = uuid_of(item->events[0].id),
    };
    saga_real_name(item->number - SAGA_MODEL_STREAMS, &made->type, id);
    made->id = varve_view_str(id);
    if (change->has_state)
        made->state = json_of(real, "state", change->state);
    if (change->correlation != 0)
        made->correlation_id = test_uuid(1u << 30 | change->correlation);
}

static void add_real_stream(struct real *real, const struct saga_model_item *item)
{
    bool system = item->number == SAGA_MODEL_STREAMS - 1;
    struct varve_append_request *part = system ? &real->transact.system : &real->transact.appends;

    for (unsigned i = 0; i < item->event_count; i++) {
        real->stream_of[system][part->event_count] = (uint32_t)part->stream_count;
        real->events[system][part->event_count++] = (struct varve_event){
            .type = varve_view_str("tested"), .time_us = VARVE_TIME_NONE, .schema_version = 1,
            .id = system ? uuid_of(0) : uuid_of(item->events[i].id),
            .data = json_of(real, "n", item->events[i].content),
        };
    }
    real->streams[system][part->stream_count++] =
        (struct varve_append_stream){ varve_view_str(stream_names[item->number]), item->expected };
}

struct varve_append *saga_real_make(struct store_fixture *f, const struct saga_model_request *request)
{
    struct real *real = calloc(1, sizeof(*real));
    char ids[SAGA_MODEL_ITEMS][8];
    struct varve_append *append = NULL;

    assert_non_null(real);
    for (unsigned i = 0; i < request->count; i++) {
        if (request->items[i].number >= SAGA_MODEL_STREAMS)
            add_real_saga(real, &request->items[i], ids[i]);
        else
            add_real_stream(real, &request->items[i]);
    }
    real->transact.appends.streams = real->streams[0];
    real->transact.appends.events = real->events[0];
    real->transact.appends.stream_of = real->stream_of[0];
    real->transact.system.streams = real->streams[1];
    real->transact.system.events = real->events[1];
    real->transact.system.stream_of = real->stream_of[1];
    real->transact.sagas = real->sagas;
    if (varve_transact_create(f->store, &real->transact, &append, &f->error) != VARVE_OK)
        fail_msg("cannot make a transaction: %s", f->error.message);
    free(real);
    return append;
}
