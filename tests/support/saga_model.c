/* saga_model.c - see saga_model.h. Slow and plain on purpose. */
#include "support/saga_model.h"

#include "support/check.h"

#include <stdlib.h>

void saga_model_init(struct saga_model *model)
{
    memset(model, 0, sizeof(*model));
    for (unsigned i = 0; i < SAGA_MODEL_STREAMS; i++)
        model->versions[i] = -1;
    for (unsigned i = 0; i < SAGA_MODEL_SAGAS; i++)
        model->sagas[i] = (struct saga_model_saga){ .status = SAGA_MODEL_NONE, .version = -1 };
}

void saga_model_free(struct saga_model *model)
{
    free(model->log);
}

static bool is_saga(const struct saga_model_item *item)
{
    return item->number >= SAGA_MODEL_STREAMS;
}

static struct saga_model_saga *saga_of(struct saga_model *model, const struct saga_model_item *item)
{
    return &model->sagas[item->number - SAGA_MODEL_STREAMS];
}

static int64_t version_of(const struct saga_model *model, const struct saga_model_item *item)
{
    return is_saga(item) ? model->sagas[item->number - SAGA_MODEL_STREAMS].version : model->versions[item->number];
}

/* ---- what may be ---- */

static bool is_unfinished(unsigned status)
{
    return status == VARVE_SAGA_RUNNING || status == VARVE_SAGA_COMPENSATING || status == VARVE_SAGA_TIMED_OUT;
}

static bool action_fits(const struct saga_model_saga *saga, enum varve_saga_action action)
{
    switch (action) {
    case VARVE_SAGA_COMPLETE:
        return saga->status == VARVE_SAGA_RUNNING || saga->status == VARVE_SAGA_TIMED_OUT;
    case VARVE_SAGA_ARCHIVE:
        return saga->status == VARVE_SAGA_COMPLETED || saga->status == VARVE_SAGA_FAILED;
    case VARVE_SAGA_TIME_OUT:
        return saga->deadline_us != VARVE_TIME_NONE &&
               (saga->status == VARVE_SAGA_RUNNING || saga->status == VARVE_SAGA_COMPENSATING);
    default:
        return is_unfinished(saga->status);
    }
}

static enum varve_status judge_saga(const struct saga_model_saga *saga, const struct saga_model_item *item)
{
    if (item->change.action == VARVE_SAGA_BEGIN)
        return saga->status == SAGA_MODEL_NONE ? VARVE_OK : VARVE_SAGA_EXISTS;
    if (saga->status == SAGA_MODEL_NONE || saga->status == SAGA_MODEL_ARCHIVED)
        return VARVE_SAGA_NOT_FOUND;
    if (item->expected >= 0 && item->expected != saga->version)
        return VARVE_SAGA_CONFLICT;
    return action_fits(saga, item->change.action) ? VARVE_OK : VARVE_SAGA_FINISHED;
}

static enum varve_status judge_stream(int64_t version, int64_t expected)
{
    bool holds = expected == VARVE_EXPECTED_ANY || (expected == VARVE_EXPECTED_STREAM_EXISTS && version >= 0) ||
                 expected == version;

    return holds ? VARVE_OK : VARVE_WRONG_EXPECTED_VERSION;
}

static void add_conflict(const struct saga_model *model, const struct saga_model_request *request, unsigned index,
                         enum varve_status status, struct saga_model_outcome *outcome)
{
    struct varve_conflict *conflict = &outcome->conflicts[outcome->conflict_count++];
    const struct saga_model_item *item = &request->items[index];

    *conflict = (struct varve_conflict){ .status = status, .expected = item->expected,
                                         .actual = version_of(model, item) };
    if (is_saga(item) && status == VARVE_WRONG_EXPECTED_VERSION)
        conflict->status = VARVE_SAGA_CONFLICT;
    conflict->part = is_saga(item) ? VARVE_PART_SAGA
                     : item->number == SAGA_MODEL_STREAMS - 1 ? VARVE_PART_SYSTEM : VARVE_PART_STREAM;
    for (unsigned i = 0; i < index; i++) { /* Its index in its own part. */
        const struct saga_model_item *other = &request->items[i];
        bool same = is_saga(other) == is_saga(item) &&
                    (is_saga(item) || (other->number == SAGA_MODEL_STREAMS - 1) ==
                                          (item->number == SAGA_MODEL_STREAMS - 1));
        conflict->stream_index += same;
    }
    outcome->status = outcome->conflicts[0].status;
}

/* ---- what was stored before ---- */

static uint64_t position_of_id(const struct saga_model *model, uint64_t id)
{
    for (uint64_t at = model->count; id != 0 && at > 0; at--)
        if (model->log[at - 1].event.id == id)
            return at;
    return 0;
}

static uint64_t position_of_version(const struct saga_model *model, unsigned number, int64_t version)
{
    for (uint64_t at = 0; at < model->count; at++)
        if (model->log[at].number == number && model->log[at].version == version)
            return at + 1;
    return 0;
}

enum finding { SAME, NEW, REUSED };

static enum finding find_share(const struct saga_model *model, const struct saga_model_item *item,
                               struct varve_append_result *result)
{
    int64_t first = 0;

    for (unsigned i = 0; i < item->event_count; i++) {
        const struct saga_model_event *event = &item->events[i];
        uint64_t position = position_of_id(model, event->id);
        if (position == 0 && item->expected >= VARVE_EXPECTED_NO_STREAM)
            position = position_of_version(model, item->number, item->expected + 1 + i);
        if (position == 0 || event->id == 0 || model->log[position - 1].event.id != event->id)
            return NEW;
        const struct saga_model_stored *stored = &model->log[position - 1];
        if (stored->number != item->number || stored->event.content != event->content)
            return REUSED;
        if (i == 0) {
            first = item->expected >= 0 ? item->expected + 1 : stored->version;
            result->first_version = stored->version;
            result->first_position = position;
        }
        if (stored->version != first + i)
            return NEW;
        result->last_version = stored->version;
        result->last_position = position;
    }
    return SAME;
}

static enum finding find_mix(const struct saga_model *model, const struct saga_model_request *request, unsigned *index)
{
    for (unsigned i = 0; i < request->count; i++)
        for (unsigned k = 0; k < request->items[i].event_count; k++) {
            uint64_t position = position_of_id(model, request->items[i].events[k].id);
            if (position == 0)
                continue;
            *index = i;
            const struct saga_model_stored *stored = &model->log[position - 1];
            if (stored->number != request->items[i].number ||
                stored->event.content != request->items[i].events[k].content)
                return REUSED;
        }
    return NEW;
}

static void judge_doubt(const struct saga_model *model, const struct saga_model_request *request,
                        struct saga_model_outcome *outcome)
{
    enum finding finding = SAME;
    unsigned index = 0;

    for (unsigned i = 0; i < request->count && finding == SAME; i++) {
        if (request->items[i].event_count == 0)
            continue;
        index = i;
        finding = find_share(model, &request->items[i], &outcome->results[i]);
    }
    if (finding == NEW)
        finding = find_mix(model, request, &index);
    if (finding == SAME) {
        outcome->status = VARVE_OK;
        outcome->replayed = true;
        outcome->conflict_count = 0;
    } else if (finding == REUSED) {
        outcome->conflict_count = 0;
        add_conflict(model, request, index, VARVE_ID_REUSED, outcome);
    } else if (outcome->conflict_count == 0) {
        add_conflict(model, request, index, VARVE_WRONG_EXPECTED_VERSION, outcome);
    }
}

/* ---- storing ---- */

static void change_saga(struct saga_model_saga *saga, const struct saga_model_change *change, uint64_t position,
                        int64_t recorded_at_us)
{
    saga->position = position;
    saga->updated_at_us = recorded_at_us;
    saga->deadline_us = change->deadline_us;
    if (change->has_state) {
        saga->has_state = true;
        saga->state = change->state;
    }
    switch (change->action) {
    case VARVE_SAGA_BEGIN:
        saga->started_at_us = recorded_at_us;
        saga->completed_at_us = saga->failed_at_us = VARVE_TIME_NONE;
        saga->correlation = change->correlation;
        saga->step = change->step;
        saga->status = VARVE_SAGA_RUNNING;
        break;
    case VARVE_SAGA_STEP:
        saga->step = change->step;
        if (saga->status == VARVE_SAGA_TIMED_OUT)
            saga->status = VARVE_SAGA_RUNNING;
        break;
    case VARVE_SAGA_COMPENSATE:
        saga->step = change->step;
        saga->status = VARVE_SAGA_COMPENSATING;
        break;
    case VARVE_SAGA_COMPLETE:
        saga->status = VARVE_SAGA_COMPLETED;
        saga->completed_at_us = recorded_at_us;
        break;
    case VARVE_SAGA_FAIL:
        saga->status = VARVE_SAGA_FAILED;
        saga->failed_at_us = recorded_at_us;
        break;
    case VARVE_SAGA_ARCHIVE:
        saga->status = SAGA_MODEL_ARCHIVED;
        break;
    default:
        saga->status = VARVE_SAGA_TIMED_OUT;
        break;
    }
    if (saga->status == VARVE_SAGA_RUNNING || saga->status == VARVE_SAGA_COMPLETED)
        saga->error = 0;
    else if (change->error != 0)
        saga->error = change->error;
}

static void store_event(struct saga_model *model, const struct saga_model_item *item, unsigned i,
                        struct varve_append_result *result)
{
    if (model->count == model->room) {
        model->room = model->room == 0 ? 256 : 2 * model->room;
        model->log = realloc(model->log, model->room * sizeof(*model->log));
        assert_non_null(model->log);
    }
    int64_t version = is_saga(item) ? ++saga_of(model, item)->version : ++model->versions[item->number];
    model->log[model->count++] = (struct saga_model_stored){ item->number, item->events[i], version };
    if (is_saga(item)) {
        change_saga(saga_of(model, item), &item->change, model->count, model->last_recorded_at_us);
        model->had_type[(item->number - SAGA_MODEL_STREAMS) / SAGA_MODEL_IDS] = true;
    }
    if (result->first_version < 0) {
        result->first_version = version;
        result->first_position = model->count;
    }
    result->last_version = version;
    result->last_position = model->count;
}

void saga_model_transact(struct saga_model *model, const struct saga_model_request *request, int64_t now_us,
                         struct saga_model_outcome *ret_outcome)
{
    bool has_ids = false, knows_one = false;

    memset(ret_outcome, 0, sizeof(*ret_outcome));
    for (unsigned i = 0; i < request->count; i++) {
        const struct saga_model_item *item = &request->items[i];
        int64_t version = version_of(model, item);
        enum varve_status status =
            is_saga(item) ? judge_saga(saga_of(model, item), item) : judge_stream(version, item->expected);
        ret_outcome->results[i] = (struct varve_append_result){ .first_version = -1, .last_version = version };
        if (status != VARVE_OK)
            add_conflict(model, request, i, status, ret_outcome);
        for (unsigned k = 0; k < item->event_count; k++) {
            has_ids = has_ids || item->events[k].id != 0;
            knows_one = knows_one || position_of_id(model, item->events[k].id) != 0;
        }
    }
    if (ret_outcome->conflict_count > 0 || knows_one) {
        if (has_ids)
            judge_doubt(model, request, ret_outcome);
        return;
    }
    model->last_recorded_at_us = now_us > model->last_recorded_at_us ? now_us : model->last_recorded_at_us;
    for (unsigned i = 0; i < request->count; i++)
        for (unsigned k = 0; k < request->items[i].event_count; k++)
            store_event(model, &request->items[i], k, &ret_outcome->results[i]);
}

/* ---- lists ---- */

static bool is_wanted(const struct saga_model *model, const struct saga_model_query *query, unsigned number)
{
    const struct saga_model_saga *saga = &model->sagas[number];

    return saga->status < VARVE_SAGA_STATUSES &&
           (query->order == VARVE_SAGA_BY_CHANGE || saga->deadline_us != VARVE_TIME_NONE) &&
           (query->type < 0 || (unsigned)query->type == number / SAGA_MODEL_IDS) &&
           (query->statuses == 0 || (query->statuses >> saga->status & 1) != 0) &&
           (query->step == 0 || query->step == saga->step) &&
           (query->updated_before_us == VARVE_TIME_NONE || saga->updated_at_us < query->updated_before_us) &&
           (query->deadline_before_us == VARVE_TIME_NONE ||
            (saga->deadline_us != VARVE_TIME_NONE && saga->deadline_us < query->deadline_before_us));
}

static bool comes_before(const struct saga_model *model, enum varve_saga_order order, unsigned a, unsigned b)
{
    const struct saga_model_saga *x = &model->sagas[a], *y = &model->sagas[b];

    if (order == VARVE_SAGA_BY_DEADLINE && x->deadline_us != y->deadline_us)
        return x->deadline_us < y->deadline_us;
    if (order == VARVE_SAGA_BY_CHANGE && a / SAGA_MODEL_IDS != b / SAGA_MODEL_IDS)
        return a / SAGA_MODEL_IDS < b / SAGA_MODEL_IDS; /* Types are numbered in the order of their names. */
    if (order == VARVE_SAGA_BY_CHANGE && x->status != y->status)
        return x->status < y->status;
    return x->position < y->position;
}

unsigned saga_model_list(const struct saga_model *model, const struct saga_model_query *query,
                         unsigned ret_sagas[SAGA_MODEL_SAGAS])
{
    unsigned count = 0;

    for (unsigned i = 0; i < SAGA_MODEL_SAGAS; i++) {
        if (!is_wanted(model, query, i))
            continue;
        unsigned at = count++;
        for (; at > 0 && comes_before(model, query->order, i, ret_sagas[at - 1]); at--)
            ret_sagas[at] = ret_sagas[at - 1];
        ret_sagas[at] = i;
    }
    return count;
}
