/* verify_sagas.c - see verify_sagas.h. Nothing here uses the engine's own fold. */
#include "tests/crash/verify_sagas.h"

#include "varve/record.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LISTED (PLAN_SAGAS * BOOK_GENERATIONS)
#define PAGE 16u

static bool fails(const struct book *book, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fails(const struct book *book, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(book->problem, 512, format, arguments);
    va_end(arguments);
    return false;
}

static const struct book_saga unborn = { .status = PLAN_NOT_BEGUN, .version = -1, .started_at_us = VARVE_TIME_NONE,
                                         .completed_at_us = VARVE_TIME_NONE, .failed_at_us = VARVE_TIME_NONE,
                                         .deadline_us = VARVE_TIME_NONE, .state_number = -1 };

void book_begin(struct book *book, char problem[512])
{
    memset(book->generations, 0, sizeof(book->generations));
    memset(book->checkpoints, 0, sizeof(book->checkpoints));
    book->problem = problem;
}

struct book_saga book_newest(const struct book *book, uint32_t saga, uint32_t *ret_generation)
{
    uint32_t begun = book->generations[saga];

    *ret_generation = begun;
    if (begun == 0 || book->sagas[saga][begun - 1].status == PLAN_ARCHIVED)
        return unborn;
    *ret_generation = begun - 1;
    return book->sagas[saga][begun - 1];
}

/* ---- from the log ---- */

static bool is_as_planned(const struct varve_event *event, const struct plan_change *planned)
{
    const struct varve_saga_change *change = &planned->change;
    bool same_data = event->data.size == change->state.size &&
                     (event->data.size == 0 || memcmp(event->data.data, change->state.data, event->data.size) == 0);

    return same_data && varve_view_equal(event->metadata, varve_view_str(planned->metadata)) &&
           event->content_type == VARVE_CONTENT_OCTET_STREAM &&
           memcmp(&event->correlation_id, &change->correlation_id, sizeof(event->correlation_id)) == 0;
}

static void fold(struct book_saga *saga, const struct plan_change *planned, uint32_t number,
                 const struct varve_event *event)
{
    const struct varve_saga_change *change = &planned->change;

    saga->status = plan_next_status(saga->status, change->action);
    saga->version = (int64_t)event->version;
    saga->position = event->position;
    saga->updated_at_us = event->recorded_at_us;
    saga->deadline_us = change->deadline_us;
    if (change->action == VARVE_SAGA_BEGIN) {
        saga->started_at_us = event->recorded_at_us;
        saga->correlation_id = event->correlation_id;
    }
    if (change->action == VARVE_SAGA_COMPLETE)
        saga->completed_at_us = event->recorded_at_us;
    if (change->action == VARVE_SAGA_FAIL)
        saga->failed_at_us = event->recorded_at_us;
    if (planned->step[0] != '\0' || change->action == VARVE_SAGA_BEGIN)
        memcpy(saga->step, planned->step, sizeof(saga->step));
    if (saga->status == VARVE_SAGA_RUNNING || saga->status == VARVE_SAGA_COMPLETED)
        saga->error[0] = '\0';
    else if (planned->error[0] != '\0')
        memcpy(saga->error, planned->error, sizeof(saga->error));
    if (change->has_state)
        saga->state_number = number;
}

static bool take_transition(struct book *book, uint64_t seed, const struct plan_append *plan, uint32_t index,
                            const struct varve_event *event)
{
    static struct plan_change planned;
    enum varve_saga_action action;
    uint32_t number, generation, newest;

    if (!plan_parse_saga(event->stream, &number, &generation) || number != plan->saga ||
        !plan_parse_action(event->type, &action))
        return fails(book, "position %" PRIu64 ": not the transition that append %u has", event->position,
                     plan->number);
    struct book_saga saga = book_newest(book, number, &newest);
    if (generation != newest || newest >= BOOK_GENERATIONS)
        return fails(book, "position %" PRIu64 ": a transition of saga %u.%u, but %u.%u is in its place",
                     event->position, number, generation, number, newest);
    if (plan_next_status(saga.status, action) < 0 ||
        (action == VARVE_SAGA_TIME_OUT && saga.deadline_us == VARVE_TIME_NONE) ||
        (int64_t)event->version != saga.version + 1)
        return fails(book, "position %" PRIu64 ": %s, version %" PRIu64 ", does not follow status %d, version %" PRId64,
                     event->position, plan_saga_event_type(action), event->version, saga.status, saga.version);
    plan_change(seed, plan->number, index, number, generation, action, saga.version, &planned);
    if (!is_as_planned(event, &planned))
        return fails(book, "position %" PRIu64 ": the transition of append %u is not what was asked for",
                     event->position, plan->number);
    fold(&saga, &planned, plan->number, event);
    book->sagas[number][generation] = saga;
    book->generations[number] = generation + 1;
    return true;
}

static bool take_checkpoint(struct book *book, const struct plan_append *plan, const struct varve_event *event)
{
    char stream[32], data[32];

    plan_checkpoint(plan->checkpoint, plan->number, stream, data);
    if (!varve_view_equal(event->stream, varve_view_str(stream)) ||
        !varve_view_equal(event->data, varve_view_str(data)) ||
        !varve_view_equal(event->type, varve_view_str(PLAN_CHECKPOINT_TYPE)) ||
        event->version != book->checkpoints[plan->checkpoint].events)
        return fails(book, "position %" PRIu64 ": not the checkpoint that append %u has", event->position,
                     plan->number);
    book->checkpoints[plan->checkpoint].events++;
    book->checkpoints[plan->checkpoint].last_position = event->position;
    return true;
}

bool book_take(struct book *book, uint64_t seed, const struct plan_append *plan, uint32_t index,
               const struct varve_event *event)
{
    return index == plan->event_count ? take_transition(book, seed, plan, index, event)
                                      : take_checkpoint(book, plan, event);
}

/* ---- rows ---- */

static bool has_text(struct varve_view view, const char *text)
{
    return view.size == strlen(text) && memcmp(view.data == NULL ? "" : view.data, text, view.size) == 0;
}

static bool has_state(uint64_t seed, const struct varve_saga *found, const struct book_saga *saga)
{
    static uint8_t state[PLAN_MAX_STATE];

    if (saga->state_number < 0)
        return !found->has_state;
    struct varve_view planned = plan_state(seed, (uint32_t)saga->state_number, state);
    return found->has_state && found->content_type == VARVE_CONTENT_OCTET_STREAM &&
           found->state.size == planned.size &&
           (planned.size == 0 || memcmp(found->state.data, planned.data, planned.size) == 0);
}

static bool is_same(const struct varve_saga *found, const struct book_saga *saga)
{
    return (int)found->status == saga->status && found->version == saga->version &&
           found->position == saga->position && found->started_at_us == saga->started_at_us &&
           found->updated_at_us == saga->updated_at_us && found->completed_at_us == saga->completed_at_us &&
           found->failed_at_us == saga->failed_at_us && found->deadline_us == saga->deadline_us &&
           memcmp(&found->correlation_id, &saga->correlation_id, sizeof(found->correlation_id)) == 0 &&
           has_text(found->step, saga->step) && has_text(found->error, saga->error);
}

static bool check_row(const struct book *book, uint64_t seed, struct varve_store *store, uint32_t number,
                      uint32_t generation)
{
    const struct book_saga *saga = &book->sagas[number][generation];
    struct plan_saga_name name;
    struct varve_saga *found;
    struct varve_error error;

    plan_saga_name(number, generation, &name);
    enum varve_status status = varve_saga_get(store, varve_view_str(name.type), varve_view_str(name.id), &found,
                                              &error);
    if (saga->status == PLAN_ARCHIVED && status == VARVE_SAGA_NOT_FOUND)
        return true;
    if (status != VARVE_OK)
        return fails(book, "saga %s: %s, its events say status %d", name.stream, varve_status_name(status),
                     saga->status);
    bool same = is_same(found, saga), same_state = has_state(seed, found, saga);
    int found_status = (int)found->status;
    int64_t found_version = found->version;
    free(found);
    if (!same)
        return fails(book, "saga %s: its row (status %d, version %" PRId64 ") is not what its events say (%d, %" PRId64
                     ")", name.stream, found_status, found_version, saga->status, saga->version);
    return same_state || fails(book, "saga %s: its state is not the one written last", name.stream);
}

static bool check_rows(const struct book *book, uint64_t seed, struct varve_store *store)
{
    for (uint32_t number = 0; number < PLAN_SAGAS; number++)
        for (uint32_t generation = 0; generation < book->generations[number]; generation++)
            if (!check_row(book, seed, store, number, generation))
                return false;
    return true;
}

/* ---- lists ---- */

struct listed {
    char type[8];
    uint32_t status;
    int64_t deadline_us;
    uint64_t position;
};

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int by_change(const void *a, const void *b)
{
    const struct listed *left = a, *right = b;
    int order = strcmp(left->type, right->type);

    if (order == 0)
        order = compare_numbers(left->status, right->status);
    return order != 0 ? order : compare_numbers((int64_t)left->position, (int64_t)right->position);
}

static int by_deadline(const void *a, const void *b)
{
    const struct listed *left = a, *right = b;
    int order = compare_numbers(left->deadline_us, right->deadline_us);

    return order != 0 ? order : compare_numbers((int64_t)left->position, (int64_t)right->position);
}

static size_t collect(const struct book *book, enum varve_saga_order order, struct listed *ret_listed)
{
    size_t count = 0;

    for (uint32_t number = 0; number < PLAN_SAGAS; number++)
        for (uint32_t generation = 0; generation < book->generations[number]; generation++) {
            const struct book_saga *saga = &book->sagas[number][generation];
            struct plan_saga_name name;

            if (saga->status >= VARVE_SAGA_STATUSES ||
                (order == VARVE_SAGA_BY_DEADLINE && saga->deadline_us == VARVE_TIME_NONE))
                continue;
            plan_saga_name(number, generation, &name);
            ret_listed[count] = (struct listed){ .status = (uint32_t)saga->status, .deadline_us = saga->deadline_us,
                                                 .position = saga->position };
            memcpy(ret_listed[count++].type, name.type, sizeof(name.type));
        }
    qsort(ret_listed, count, sizeof(*ret_listed), order == VARVE_SAGA_BY_DEADLINE ? by_deadline : by_change);
    return count;
}

static bool check_page(const struct book *book, const struct varve_saga_list *page, const struct listed *expected,
                       size_t count, size_t *at, const char *label)
{
    for (size_t i = 0; i < page->count; i++, ++*at)
        if (*at == count || page->sagas[i].position != expected[*at].position ||
            page->sagas[i].status != expected[*at].status)
            return fails(book, "sagas by %s: the %zu. of %zu is the one of position %" PRIu64, label, *at + 1, count,
                         page->sagas[i].position);
    return !page->end || *at == count || fails(book, "sagas by %s: %zu are listed, %zu are there", label, *at, count);
}

static bool check_list(const struct book *book, struct varve_store *store, enum varve_saga_order order,
                       const char *label)
{
    static struct listed expected[MAX_LISTED];
    size_t count = collect(book, order, expected), at = 0;
    uint8_t after[VARVE_SAGA_MAX_CURSOR];
    struct varve_saga_query query;
    struct varve_error error;

    varve_saga_query_init(&query);
    query.order = order;
    query.limit = PAGE;
    for (bool end = false; !end;) {
        struct varve_saga_list *page;

        if (varve_saga_list(store, &query, &page, &error) != VARVE_OK)
            return fails(book, "sagas by %s: %s", label, error.message);
        bool same = check_page(book, page, expected, count, &at, label);
        end = page->end || !same;
        memcpy(after, page->next, sizeof(after));
        query.after = varve_view_of((const char *)after, page->next_size);
        free(page);
        if (!same)
            return false;
    }
    return true;
}

/* ---- counts and checkpoints ---- */

static bool check_type(const struct book *book, const struct varve_saga_count *found)
{
    uint64_t expected[VARVE_SAGA_STATUSES] = { 0 };
    bool ever = false;

    for (uint32_t number = 0; number < PLAN_SAGAS; number++) {
        struct plan_saga_name name;

        plan_saga_name(number, 0, &name);
        if (!has_text(found->type, name.type))
            continue;
        for (uint32_t generation = 0; generation < book->generations[number]; generation++) {
            ever = true;
            if (book->sagas[number][generation].status < VARVE_SAGA_STATUSES)
                expected[book->sagas[number][generation].status]++;
        }
    }
    if (!ever)
        return fails(book, "sagas of type %.*s are counted, there never were any", (int)found->type.size,
                     found->type.data);
    for (unsigned status = 0; status < VARVE_SAGA_STATUSES; status++)
        if (found->by_status[status] != expected[status])
            return fails(book, "%" PRIu64 " sagas of type %.*s are counted with status %u, there are %" PRIu64,
                         found->by_status[status], (int)found->type.size, found->type.data, status, expected[status]);
    return true;
}

static size_t count_types(const struct book *book)
{
    size_t types = 0;

    for (uint32_t kind = 0; kind < 3; kind++) {
        bool ever = false;

        for (uint32_t number = kind; number < PLAN_SAGAS; number += 3)
            ever = ever || book->generations[number] > 0;
        types += ever;
    }
    return types;
}

static bool check_counts(const struct book *book, struct varve_store *store)
{
    struct varve_saga_counts *counts;
    struct varve_error error;
    bool sound = true;

    if (varve_saga_counts(store, &counts, &error) != VARVE_OK)
        return fails(book, "counts of sagas: %s", error.message);
    if (counts->count != count_types(book))
        sound = fails(book, "%zu types of sagas are counted, there are %zu", counts->count, count_types(book));
    for (size_t i = 0; i < counts->count && sound; i++)
        sound = check_type(book, &counts->types[i]);
    free(counts);
    return sound;
}

static bool check_checkpoints(const struct book *book, struct varve_store *store)
{
    for (uint32_t i = 0; i < PLAN_CHECKPOINTS; i++) {
        struct varve_stream_info info = { .version = -1 };
        char stream[32], data[32];

        plan_checkpoint(i, 0, stream, data);
        enum varve_status status = varve_stream_info(store, varve_view_str(stream), &info, NULL);
        if ((status != VARVE_OK && status != VARVE_STREAM_NOT_FOUND) ||
            info.version + 1 != (int64_t)book->checkpoints[i].events ||
            info.last_position != book->checkpoints[i].last_position)
            return fails(book, "%s ends with position %" PRIu64 ", the log says %" PRIu64, stream, info.last_position,
                         book->checkpoints[i].last_position);
    }
    return true;
}

bool book_check(const struct book *book, uint64_t seed, struct varve_store *store)
{
    return check_rows(book, seed, store) && check_list(book, store, VARVE_SAGA_BY_CHANGE, "change") &&
           check_list(book, store, VARVE_SAGA_BY_DEADLINE, "deadline") && check_counts(book, store) &&
           check_checkpoints(book, store);
}
