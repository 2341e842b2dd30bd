/* verify.c - see verify.h. The log is read position by position and compared with the plan; every other way to read is
 * then compared with the log. */
#include "tests/crash/verify.h"

#include "tests/crash/common.h"
#include "tests/crash/verify_sagas.h"
#include "varve/record.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_POSITIONS 16384u
#define LAST_EVENTS 2u /* that the append PLAN_LAST has */
#define NO_STREAM UINT32_MAX
#define META_TYPE "$metadata"

/* What one position holds, as far as the indexes are concerned. */
struct logged {
    struct varve_uuid id;
    uint32_t stream;      /* PLAN_STREAMS: an event that says that `target` was deleted; NO_STREAM: a transition, or
                           * a checkpoint */
    uint32_t target;
    uint32_t type, correlation; /* correlation: PLAN_CORRELATIONS = none */
    uint64_t version;
};

struct view {
    const struct verify_demands *demands;
    struct varve_store *store;
    struct logged *log;               /* by position */
    uint64_t last;
    uint64_t versions[PLAN_STREAMS];  /* how many events a stream has; */
    uint64_t shown_from[PLAN_STREAMS]; /* the first that is not deleted */
    uint64_t deletes[PLAN_STREAMS];    /* how often it was */
    struct book *book;
    char *problem;
};

static bool fails(struct view *view, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fails(struct view *view, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(view->problem, 512, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- the log ----------------------------------------------------------------------------------------------------- */

static uint32_t number_behind(struct varve_view text, size_t prefix_bytes)
{
    char digits[16] = "";

    if (text.size > prefix_bytes && text.size - prefix_bytes < sizeof(digits))
        memcpy(digits, text.data + prefix_bytes, text.size - prefix_bytes);
    return (uint32_t)strtoul(digits, NULL, 10);
}

static bool same_event(const struct varve_event *found, const struct varve_event *planned)
{
    return varve_view_equal(found->stream, planned->stream) && varve_view_equal(found->type, planned->type) &&
           varve_view_equal(found->data, planned->data) &&
           memcmp(&found->correlation_id, &planned->correlation_id, 16) == 0 &&
           found->content_type == planned->content_type && found->schema_version == planned->schema_version;
}

/* An event of the plan: it and its neighbours must be the whole append. */
static bool take_planned(struct view *view, const struct varve_event *event, uint32_t number, uint32_t index,
                         bool *ret_is_extra)
{
    static struct plan_append plan; /* Of the append being read. */
    static uint64_t plan_seed = UINT64_MAX;
    static struct plan_event planned;

    if (plan_seed != view->demands->seed || plan.number != number)
        plan_append(view->demands->seed, number, &plan);
    plan_seed = view->demands->seed;
    if (index >= plan_total_events(&plan))
        return fails(view, "position %" PRIu64 ": append %u has no event %u", event->position, number, index);
    *ret_is_extra = index >= plan.event_count;
    if (*ret_is_extra && !book_take(view->book, view->demands->seed, &plan, index, event))
        return false;
    if (!*ret_is_extra)
        plan_event(view->demands->seed, &plan, index, &planned);
    if (!*ret_is_extra && !same_event(event, &planned.event))
        return fails(view, "position %" PRIu64 ": event %u of append %u is not what was appended", event->position,
                     index, number);

    uint32_t before, before_index = 0;
    bool follows = event->position > 1 && plan_parse_id(&view->log[event->position - 1].id, &before, &before_index) &&
                   before == number && before_index + 1 == index;
    if (index > 0 && !follows)
        return fails(view, "position %" PRIu64 ": append %u begins with its event %u", event->position, number, index);
    if (index + 1 < plan_total_events(&plan) && event->position == view->last)
        return fails(view, "append %u ends after its event %u", number, index);
    return true;
}

static bool whole_append_before(struct view *view, uint64_t position)
{
    struct plan_append plan;
    uint32_t number, index;

    if (position == 0 || !plan_parse_id(&view->log[position].id, &number, &index))
        return true;
    plan_append(view->demands->seed, number, &plan);
    return index + 1 == plan_total_events(&plan) || fails(view, "append %u ends after its event %u", number, index);
}

static bool take_delete(struct view *view, const struct varve_event *event, struct logged *entry)
{
    struct varve_view name = event->stream;

    entry->target = PLAN_STREAMS;
    if (name.size > 2 && memcmp(name.data, "$$", 2) == 0)
        entry->target = plan_stream_of_name(varve_view_of(name.data + 2, name.size - 2));
    if (entry->target == PLAN_STREAMS || !varve_view_equal(event->type, varve_view_str(META_TYPE)))
        return fails(view, "position %" PRIu64 ": an event nobody appended", event->position);
    entry->stream = PLAN_STREAMS;
    if (event->version != view->deletes[entry->target]++)
        return fails(view, "position %" PRIu64 ": version %" PRIu64 " of %.*s is not the next", event->position,
                     event->version, (int)name.size, name.data);
    view->shown_from[entry->target] = view->versions[entry->target];
    return true;
}

static bool take_event(struct view *view, const uint8_t *record, uint32_t size, uint64_t position)
{
    struct varve_event event;
    struct logged *entry = &view->log[position];
    uint32_t number, index;
    bool is_extra = false;

    if (varve_record_decode(record, size, &event) != VARVE_OK)
        return fails(view, "position %" PRIu64 ": a damaged record", position);
    if (event.position != position)
        return fails(view, "position %" PRIu64 " holds the record of position %" PRIu64, position, event.position);
    *entry = (struct logged){ .id = event.id, .version = event.version, .correlation = PLAN_CORRELATIONS };
    if (!plan_parse_id(&event.id, &number, &index))
        return whole_append_before(view, position - 1) && take_delete(view, &event, entry);
    if (index == 0 && !whole_append_before(view, position - 1))
        return false;
    if (!take_planned(view, &event, number, index, &is_extra))
        return false;
    entry->stream = NO_STREAM;
    if (is_extra)
        return true;
    entry->stream = plan_stream_of_name(event.stream);
    entry->type = number_behind(event.type, strlen("thing.done"));
    if (event.correlation_id.bytes[0] != 0)
        entry->correlation = event.correlation_id.bytes[15];
    if (event.version != view->versions[entry->stream]++)
        return fails(view, "position %" PRIu64 ": version %" PRIu64 " of %.*s is not the next", position, event.version,
                     (int)event.stream.size, event.stream.data);
    return true;
}

static bool take_hidden(struct view *view, uint64_t position)
{
    uint8_t *record;
    uint32_t size;
    struct varve_error error;

    if (varve_store_get(view->store, position, &record, &size, &error) != VARVE_OK)
        return fails(view, "position %" PRIu64 ": %s", position, error.message);
    bool sound = take_event(view, record, size, position);
    free(record);
    return sound;
}

/* All positions: from a read of everything, and one by one where that leaves something out. */
static bool read_log(struct view *view)
{
    struct varve_read read;
    struct varve_reader *reader;
    struct varve_batch batch = { .end = false };
    struct varve_error error;
    uint64_t position = 1;
    bool sound = true;

    varve_read_init(&read);
    read.include_system = true;
    if (varve_reader_open(view->store, &read, &reader, &error) != VARVE_OK)
        return fails(view, "read all: %s", error.message);
    while (sound && !batch.end) {
        if (varve_reader_next(reader, 1 << 20, 4096, &batch, &error) != VARVE_OK) {
            sound = fails(view, "read all: %s", error.message);
            break;
        }
        for (uint32_t i = 0; i < batch.count && sound; i++) {
            uint64_t found = varve_record_position(batch.records[i]);
            if (found < position || found > view->last)
                sound = fails(view, "read all: position %" PRIu64 " where %" PRIu64 " is due", found, position);
            while (sound && position < found)
                sound = take_hidden(view, position++);
            if (sound)
                sound = take_event(view, batch.records[i], batch.sizes[i], position++);
        }
    }
    varve_reader_close(reader);
    while (sound && position <= view->last)
        sound = take_hidden(view, position++);
    return sound;
}

/* ---- what was promised ------------------------------------------------------------------------------------------- */

/* What the i-th event's version was said to be; `next` counts those of the streams. */
static uint64_t version_marked(const struct plan_mark *mark, const struct plan_append *plan, uint32_t i,
                               uint64_t next[3])
{
    if (i < plan->event_count)
        return next[plan->stream_of[i]]++;
    return (uint64_t)(i == plan->event_count ? mark->saga_version : mark->checkpoint_version);
}

static bool check_mark(struct view *view, const struct plan_mark *mark)
{
    struct plan_append plan;

    if (mark->number == PLAN_DELETE) {
        const struct logged *entry = &view->log[mark->first_position];
        return (mark->first_position <= view->last && entry->stream == PLAN_STREAMS && entry->target == mark->stream) ||
               fails(view, "an acknowledged deletion of stream %u at position %" PRIu64 " is lost", mark->stream,
                     mark->first_position);
    }
    plan_append(view->demands->seed, mark->number, &plan);
    uint32_t events = plan_total_events(&plan);
    if (mark->first_position + events - 1 > view->last)
        return fails(view, "acknowledged append %u (positions %" PRIu64 " to %" PRIu64 ") is lost: the log ends at %"
                     PRIu64, mark->number, mark->first_position, mark->first_position + events - 1,
                     view->last);
    uint64_t next[3];
    memcpy(next, mark->first_versions, sizeof(next));
    for (uint32_t i = 0; i < events; i++) {
        const struct logged *entry = &view->log[mark->first_position + i];
        uint32_t number, index;
        if (!plan_parse_id(&entry->id, &number, &index) || number != mark->number || index != i ||
            entry->version != version_marked(mark, &plan, i, next))
            return fails(view, "acknowledged append %u is not at position %" PRIu64, mark->number,
                         mark->first_position + i);
    }
    return true;
}

static bool check_marks(struct view *view)
{
    for (size_t i = 0; i < view->demands->mark_count; i++)
        if (!check_mark(view, &view->demands->marks[i]))
            return false;
    return true;
}

/* ---- every other way to read ------------------------------------------------------------------------------------- */

static bool is_shown(const struct view *view, uint64_t position)
{
    const struct logged *entry = &view->log[position];
    return entry->stream < PLAN_STREAMS && entry->version >= view->shown_from[entry->stream];
}

static bool belongs(const struct logged *entry, enum varve_read_kind kind, uint32_t which)
{
    switch (kind) {
    case VARVE_READ_STREAM:
        return entry->stream == which;
    case VARVE_READ_CATEGORY:
        return entry->stream % PLAN_CATEGORIES == which;
    case VARVE_READ_TYPE:
        return entry->type == which;
    default:
        return entry->correlation == which;
    }
}

static bool compare_read(struct view *view, struct varve_reader *reader, const char *what, enum varve_read_kind kind,
                         uint32_t which)
{
    struct varve_batch batch = { .end = false };
    struct varve_error error;
    uint64_t position = 0;

    while (!batch.end) {
        if (varve_reader_next(reader, 1 << 20, 4096, &batch, &error) != VARVE_OK)
            return fails(view, "read %s: %s", what, error.message);
        for (uint32_t i = 0; i < batch.count; i++) {
            do
                position++;
            while (position <= view->last && !(is_shown(view, position) && belongs(&view->log[position], kind, which)));
            if (position > view->last || varve_record_position(batch.records[i]) != position)
                return fails(view, "read %s: position %" PRIu64 ", the log has %" PRIu64, what,
                             varve_record_position(batch.records[i]), position);
        }
    }
    for (position++; position <= view->last; position++)
        if (is_shown(view, position) && belongs(&view->log[position], kind, which))
            return fails(view, "read %s: position %" PRIu64 " is missing", what, position);
    return true;
}

static bool check_read(struct view *view, enum varve_read_kind kind, uint32_t which)
{
    char name[16] = "correlation";
    struct varve_read read;
    struct varve_reader *reader;
    struct varve_error error;

    varve_read_init(&read);
    read.kind = kind;
    if (kind == VARVE_READ_STREAM)
        plan_stream_name(which, name);
    else if (kind == VARVE_READ_CATEGORY)
        plan_category_name(which, name);
    else if (kind == VARVE_READ_TYPE)
        plan_type_name(which, name);
    else
        read.correlation_id = plan_correlation(which);
    read.name = varve_view_str(name);
    enum varve_status status = varve_reader_open(view->store, &read, &reader, &error);
    if (kind == VARVE_READ_STREAM && view->versions[which] == view->shown_from[which])
        return status == VARVE_STREAM_NOT_FOUND ||
               fails(view, "stream %s has nothing to show, yet opening it says %s", name, varve_status_name(status));
    if (status != VARVE_OK)
        return fails(view, "read %s: %s", name, error.message);
    bool same = compare_read(view, reader, name, kind, which);
    varve_reader_close(reader);
    return same;
}

static bool check_reads(struct view *view)
{
    static const struct {
        enum varve_read_kind kind;
        uint32_t count;
    } ways[] = { { VARVE_READ_STREAM, PLAN_STREAMS }, { VARVE_READ_CATEGORY, PLAN_CATEGORIES },
                 { VARVE_READ_TYPE, PLAN_TYPES }, { VARVE_READ_CORRELATION, PLAN_CORRELATIONS } };

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        for (uint32_t which = 0; which < ways[i].count; which++)
            if (!check_read(view, ways[i].kind, which))
                return false;
    return true;
}

static bool check_ids(struct view *view)
{
    static struct varve_uuid ids[MAX_POSITIONS];
    static uint64_t positions[MAX_POSITIONS];
    struct varve_error error;

    for (uint64_t i = 0; i < view->last; i++)
        ids[i] = view->log[i + 1].id;
    if (varve_store_find(view->store, ids, view->last, positions, &error) != VARVE_OK)
        return fails(view, "find: %s", error.message);
    for (uint64_t i = 0; i < view->last; i++)
        if (positions[i] != i + 1)
            return fails(view, "find: the id of position %" PRIu64 " is said to be at %" PRIu64, i + 1, positions[i]);
    return true;
}

/* ---- and on it goes ---------------------------------------------------------------------------------------------- */

/* Something also happens to a saga. */
static bool check_append(struct view *view)
{
    static struct plan_event planned;
    static struct plan_change change;
    struct plan_append plan;
    char name[16];
    uint32_t generation;
    uint64_t random = view->last;
    struct varve_append *append;
    struct varve_error error;

    plan_append(view->demands->seed, PLAN_LAST, &plan);
    plan_event(view->demands->seed, &plan, 0, &planned);
    plan_stream_name(plan.streams[0], name);
    uint32_t stream = plan.streams[0];
    bool empty = view->versions[stream] == view->shown_from[stream];
    struct varve_append_stream target = { varve_view_str(name), empty ? VARVE_EXPECTED_NO_STREAM
                                                                      : (int64_t)view->versions[stream] - 1 };
    struct book_saga saga = book_newest(view->book, plan.saga, &generation);
    plan_change(view->demands->seed, PLAN_LAST, 1, plan.saga, generation,
                plan_choose_action(saga.status, saga.deadline_us != VARVE_TIME_NONE, &random), saga.version, &change);
    struct varve_transact transact = { .appends = { &target, 1, &planned.event, NULL, 1 }, .sagas = &change.change,
                                       .saga_count = 1 };
    if (varve_transact_create(view->store, &transact, &append, &error) != VARVE_OK)
        return fails(view, "another append: %s", error.message);
    enum varve_status status = varve_append_wait(append, &error);
    uint64_t position = status == VARVE_OK ? varve_append_get_outcome(append)->results[0].first_position : 0;
    varve_append_free(append);
    if (status != VARVE_OK)
        return fails(view, "another append to %s: %s", name, error.message);
    return position == view->last + 1 || fails(view, "another append went to position %" PRIu64 ", not %" PRIu64,
                                               position, view->last + 1);
}

static bool open_store(struct view *view, const char *path)
{
    struct varve_options options;
    struct varve_error error;

    plan_options(&options);
    if (varve_store_open(path, &options, &view->store, &error) != VARVE_OK)
        return fails(view, "open: %s: %s", varve_status_name(error.status), error.message);
    view->last = varve_store_last_position(view->store);
    if (view->last < MAX_POSITIONS - 1)
        return true;
    varve_store_close(view->store);
    return fails(view, "the log ends at position %" PRIu64, view->last);
}

static bool look(struct view *view)
{
    memset(view->versions, 0, sizeof(view->versions));
    memset(view->shown_from, 0, sizeof(view->shown_from));
    memset(view->deletes, 0, sizeof(view->deletes));
    book_begin(view->book, view->problem);
    return read_log(view) && whole_append_before(view, view->last) && check_marks(view) && check_reads(view) &&
           check_ids(view) && book_check(view->book, view->demands->seed, view->store);
}

static void note_finding(void *user, const struct varve_check_finding *finding)
{
    fails(user, "check: %s: %s", finding->where, finding->what);
}

/* The check that is done without opening. */
static bool check_directory(struct view *view, const char *path)
{
    struct varve_check_report report;
    struct varve_error error;

    if (varve_check_directory(path, true, NULL, note_finding, view, &report, &error) != VARVE_OK)
        return fails(view, "check: %s", error.message);
    if (report.findings == 0 && report.events != view->last + LAST_EVENTS)
        return fails(view, "check: %" PRIu64 " events, the log has %" PRIu64, report.events, view->last + LAST_EVENTS);
    return report.findings == 0;
}

bool verify_store(const char *path, const struct verify_demands *demands, char ret_problem[512])
{
    static struct logged log[MAX_POSITIONS];
    static struct book book;
    struct view view = { .demands = demands, .log = log, .book = &book, .problem = ret_problem };

    if (!open_store(&view, path))
        return false;
    bool sound = look(&view) && check_append(&view);
    if (varve_store_close(view.store) != VARVE_OK && sound)
        sound = fails(&view, "close failed");
    if (!sound || !demands->twice)
        return sound;

    if (!check_directory(&view, path))
        return false;
    uint64_t last = view.last + LAST_EVENTS;
    if (!open_store(&view, path))
        return false;
    sound = view.last == last ? look(&view) : fails(&view, "opened again, the log ends at %" PRIu64 ", not %" PRIu64,
                                                    view.last, last);
    varve_store_close(view.store);
    return sound;
}
