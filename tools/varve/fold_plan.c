/* fold_plan.c - see fold_plan.h. */
#include "fold_plan.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 1000 /* streams asked for at a time */

static int compare_names(struct varve_view a, struct varve_view b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = memcmp(a.data, b.data, size);

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* ---- choices ----------------------------------------------------------------------------------------------------- */

static int compare_choices(const void *a, const void *b)
{
    const struct fold_choice *one = a, *other = b;

    if (one->kind != other->kind)
        return one->kind < other->kind ? -1 : 1;
    return compare_names(one->name, other->name);
}

static bool takes(const struct fold_choice *choice, struct varve_view stream)
{
    struct varve_view name = choice->name;

    if (choice->kind == FOLD_CATEGORY)
        return varve_view_equal(varve_category(stream), name);
    return stream.size >= name.size && memcmp(stream.data, name.data, name.size) == 0;
}

/* Has a choice before the one at hand taken it? There may be very many that name a stream. */
static bool was_taken(const struct fold_plan *plan, struct varve_view stream)
{
    const struct fold_choice wanted = { FOLD_STREAM, stream };

    if (plan->choice_at < plan->stream_choices)
        return plan->choice_at > 0 && varve_view_equal(plan->choices[plan->choice_at - 1].name, stream);
    for (size_t i = plan->stream_choices; i < plan->choice_at; i++) {
        if (takes(&plan->choices[i], stream))
            return true;
    }
    return plan->stream_choices > 0 &&
           bsearch(&wanted, plan->choices, plan->stream_choices, sizeof(wanted), compare_choices) != NULL;
}

/* ---- one stream -------------------------------------------------------------------------------------------------- */

static void add_version(struct fold_plan *plan, int64_t version)
{
    if (plan->version_count == plan->version_capacity) {
        plan->version_capacity = plan->version_capacity > 0 ? 2 * plan->version_capacity : 16;
        plan->versions = memory_resize(plan->versions, plan->version_capacity * sizeof(*plan->versions));
    }
    plan->versions[plan->version_count++] = version;
}

/* The stream's snapshots of our kind; the cursor moves behind all of the stream's. */
static enum varve_status find_versions(struct fold_plan *plan, struct varve_view name, struct varve_error *error)
{
    const struct varve_snapshot *snapshot = NULL;
    enum varve_status status = snapshot_cursor_peek(&plan->cursor, &snapshot, error);

    plan->version_count = 0;
    while (status == VARVE_OK && snapshot != NULL && compare_names(snapshot->stream, name) <= 0) {
        if (varve_view_equal(snapshot->stream, name) && varve_view_equal(snapshot->type, plan->type) &&
            snapshot->schema_version == plan->schema_version)
            add_version(plan, snapshot->version);
        status = snapshot_cursor_next(&plan->cursor, &snapshot, error);
        if (status == VARVE_OK)
            status = snapshot_cursor_peek(&plan->cursor, &snapshot, error);
    }
    return status;
}

static void hand_over(struct fold_plan *plan)
{
    struct fold_batch *batch = plan->batch;

    plan->batch = NULL;
    if (batch != NULL && !plan->take(plan->user, batch))
        plan->stopped = true;
}

static void add_due(struct fold_plan *plan, struct varve_view name, uint64_t events)
{
    bool versions = plan->purpose == FOLD_VERIFY;

    if (plan->batch == NULL)
        plan->batch = fold_batch_make();
    plan->counts.due++;
    plan->counts.events += events;
    if (fold_batch_add(plan->batch, name, versions ? plan->versions : NULL, versions ? plan->version_count : 0, events))
        hand_over(plan);
}

/* Events to be folded: behind the newest snapshot that can be gone on from, else all that are shown. */
static uint64_t events_behind(const struct fold_plan *plan, const struct varve_stream_info *info)
{
    uint64_t from = info->first_version, next = (uint64_t)(info->version + 1);

    for (size_t i = plan->version_count; i > 0; i--) {
        uint64_t behind = (uint64_t)(plan->versions[i - 1] + 1);
        if (behind > next || behind < info->first_version)
            continue;
        from = behind;
        break;
    }
    return from < next ? next - from : 0;
}

static void judge_verify(struct fold_plan *plan, struct varve_view name)
{
    if (plan->version_count == 0)
        plan->counts.without++;
    else
        add_due(plan, name, (uint64_t)(plan->versions[plan->version_count - 1] + 1));
}

static void judge_build(struct fold_plan *plan, struct varve_view name, const struct varve_stream_info *info)
{
    uint64_t next = (uint64_t)(info->version + 1), behind = events_behind(plan, info);
    uint64_t length = info->first_version < next ? next - info->first_version : 0;

    if (length <= plan->longer_than)
        plan->counts.too_short++;
    else if (behind == 0)
        plan->counts.up_to_date++;
    else if (behind < plan->every)
        plan->counts.not_due++;
    else
        add_due(plan, name, behind);
}

static enum varve_status consider(struct fold_plan *plan, struct varve_view name, const struct varve_stream_info *info,
                                  struct varve_error *error)
{
    if (was_taken(plan, name))
        return VARVE_OK;
    plan->counts.streams++;
    if (info->deleted || info->tombstoned) {
        plan->counts.ended++;
        return VARVE_OK;
    }
    if (plan->skip(plan->user, name)) {
        plan->counts.crashed++;
        return VARVE_OK;
    }
    enum varve_status status = find_versions(plan, name, error);
    if (status != VARVE_OK)
        return status;
    if (plan->purpose == FOLD_VERIFY)
        judge_verify(plan, name);
    else
        judge_build(plan, name, info);
    return VARVE_OK;
}

/* ---- many -------------------------------------------------------------------------------------------------------- */

static enum varve_status take_page(struct fold_plan *plan, struct varve_stream_list_request *request,
                                   struct varve_view category, struct text *after, bool *ret_end,
                                   struct varve_error *error)
{
    struct varve_stream_list list = { 0 };

    request->after = text_view(after);
    enum varve_status status = plan->source->call->streams(plan->source, request, &list, error);
    if (status != VARVE_OK)
        return status;
    for (size_t i = 0; i < list.count && status == VARVE_OK && !plan->stopped; i++) {
        const struct varve_stream_entry *entry = &list.entries[i];
        if (category.data == NULL || varve_view_equal(varve_category(entry->name), category))
            status = consider(plan, entry->name, &entry->info, error);
    }
    *ret_end = list.end || list.count == 0 || plan->stopped;
    if (list.count > 0) {
        text_clear(after);
        text_add(after, list.entries[list.count - 1].name);
    }
    plan->source->call->streams_free(&list);
    plan->tick(plan->user);
    return status;
}

/* Streams whose names begin so and, unless absent, whose category is this one. */
static enum varve_status plan_prefix(struct fold_plan *plan, struct varve_view prefix, struct varve_view category,
                                     struct varve_error *error)
{
    struct varve_stream_list_request request = { .prefix = prefix, .limit = PAGE };
    struct text after = { 0 };
    enum varve_status status = VARVE_OK;
    bool end = plan->stopped;

    snapshot_cursor_begin(&plan->cursor, plan->source, prefix, varve_view_of("", 0));
    while (status == VARVE_OK && !end)
        status = take_page(plan, &request, category, &after, &end, error);
    snapshot_cursor_end(&plan->cursor);
    text_free(&after);
    return status;
}

static enum varve_status plan_stream(struct fold_plan *plan, struct varve_view name, struct varve_error *error)
{
    struct varve_stream_info info;
    enum varve_status status = plan->stopped ? VARVE_OK
                                             : plan->source->call->info(plan->source, name, &info, error);

    if (status != VARVE_OK || plan->stopped)
        return status;
    snapshot_cursor_begin(&plan->cursor, plan->source, name, varve_view_of("", 0));
    status = consider(plan, name, &info, error);
    snapshot_cursor_end(&plan->cursor);
    return status;
}

enum varve_status fold_plan_choose(struct fold_plan *plan, struct fold_choice *choices, size_t count,
                                   struct varve_error *error)
{
    const struct varve_view absent = { NULL, 0 };
    enum varve_status status = VARVE_OK;

    if (count == 0)
        return plan_prefix(plan, varve_view_of("", 0), absent, error);
    qsort(choices, count, sizeof(*choices), compare_choices);
    plan->choices = choices;
    plan->stream_choices = 0;
    while (plan->stream_choices < count && choices[plan->stream_choices].kind == FOLD_STREAM)
        plan->stream_choices++;
    for (size_t i = 0; i < count && status == VARVE_OK; i++) {
        struct varve_view name = choices[i].name;

        plan->choice_at = i;
        if (choices[i].kind == FOLD_STREAM)
            status = plan_stream(plan, name, error);
        else
            status = plan_prefix(plan, name, choices[i].kind == FOLD_CATEGORY ? name : absent, error);
    }
    plan->choices = NULL;
    plan->stream_choices = plan->choice_at = 0;
    return status;
}

void fold_plan_end(struct fold_plan *plan)
{
    hand_over(plan);
    free(plan->versions);
    plan->versions = NULL;
}
