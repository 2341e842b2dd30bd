/* group_transact.c - acks that are a part of a transaction; see group_transact.h.
 *
 * A picture of the group may be written while transactions are under way, before or after them in the log: it says up
 * to which version of the group's stream it has what transactions acked, and that is before the oldest of them. */
#include "group_transact.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include "group.h"
#include "group_acked.h"
#include "varve/uuid.h"

struct group_hold {
    struct group_hold *next, *previous; /* of the group */
    struct group *group;
    struct group_mark begun;            /* what was known to be in the log then */
    uint64_t epoch, number, bytes;      /* the how-manieth of the group */
    struct varve_view acked, resolved;  /* malloc'ed: data of the events; size 0: there is none */
    char acked_stream[GROUP_STREAM_NAME_BYTES], resolved_stream[GROUP_STREAM_NAME_BYTES];
    size_t count, acked_count;          /* the others are replays: */
    uint64_t positions[];               /* from the end on */
};

struct group_mark group_holds_mark(const struct group *group)
{
    return group->holds == NULL ? group->newest : group->holds->begun;
}

/* ---- beginning -------------------------------------------------------------------------------------------------- */

static enum varve_status check_bound(const struct group *group, size_t count, struct varve_error *error)
{
    struct group_state_figures figures;

    group_state_get_figures(group->state, &figures);
    if (group->newest.acks - group->pictured_acks + figures.held + count <= GROUP_MAX_UNPICTURED)
        return VARVE_OK;
    varve_fail(error, VARVE_OVERLOADED, NULL, "transactions acked %d events since the group was last written down",
               GROUP_MAX_UNPICTURED);
    error->retry_after_ms = SERVER_RETRY_AFTER_MS;
    return error->status;
}

static enum varve_status check(const struct group *group, const struct session *session,
                               const struct varve_group_ack *ack, struct varve_error *error)
{
    const struct consumer *consumer = consumer_find(group, ack->epoch);

    if (consumer == NULL || consumer_session(consumer) != session)
        return varve_fail(error, VARVE_FENCED, NULL, "epoch %" PRIu64 " is no membership of this connection",
                          ack->epoch);
    if (group->writer.gave_up)
        return varve_fail(error, VARVE_NOT_READY, NULL, "what the group remembers cannot be written any more");
    if (group_writer_holds_up(group))
        return varve_fail(error, VARVE_NOT_READY, NULL, "the group is being reset or deleted");
    return check_bound(group, ack->count, error);
}

static enum varve_status no_memory(struct varve_error *error)
{
    return varve_fail(error, VARVE_NO_MEMORY, NULL, "the server has no memory for this request");
}

static enum varve_status create(struct group *group, const struct varve_group_ack *ack, struct group_hold **ret,
                                struct varve_error *error)
{
    enum { PER_POSITION_BYTES = 24 }; /* its number, and as JSON */
    uint64_t bytes = sizeof(struct group_hold) + ack->count * PER_POSITION_BYTES;

    if (!budget_take(&group->server->budget, bytes)) {
        varve_fail(error, VARVE_OVERLOADED, NULL, "the server's memory for requests is used up");
        error->retry_after_ms = SERVER_RETRY_AFTER_MS;
        return error->status;
    }
    struct group_hold *hold = malloc(sizeof(*hold) + ack->count * sizeof(hold->positions[0]));
    if (hold == NULL) {
        budget_give(&group->server->budget, bytes);
        return no_memory(error);
    }
    *hold = (struct group_hold){ .group = group, .begun = group->newest, .epoch = ack->epoch,
                                 .number = group->hold_count++, .bytes = bytes };
    *ret = hold;
    return VARVE_OK;
}

/* Returns how many were refused; what was not is held then all the same. */
static size_t hold_all(struct group_hold *hold, const struct varve_group_ack *ack, struct varve_conflict *conflicts)
{
    struct group *group = hold->group;
    size_t refused = 0, replays = 0;

    for (size_t i = 0; i < ack->count; i++) {
        bool replay = false;
        enum varve_status status = group_state_hold(group->state, ack->epoch, ack->positions[i], &replay);

        if (status == VARVE_NOT_DELIVERED && consumer_was_reset(group, ack->epoch))
            status = VARVE_FENCED; /* It was, before the group began anew. */
        if (status != VARVE_OK)
            conflicts[refused++] = (struct varve_conflict){ .part = VARVE_PART_ACK, .stream_index = (uint32_t)i,
                                                            .status = status };
        else if (replay)
            hold->positions[ack->count - ++replays] = ack->positions[i];
        else
            hold->positions[hold->acked_count++] = ack->positions[i];
    }
    memmove(hold->positions + hold->acked_count, hold->positions + ack->count - replays,
            replays * sizeof(hold->positions[0])); /* No gap between them. */
    hold->count = hold->acked_count + replays;
    return refused;
}

static struct varve_view encode_resolved(const struct group_hold *hold)
{
    struct parked_note note = { .epoch = hold->group->record.epoch };

    for (size_t i = hold->acked_count; i < hold->count; i++)
        note.positions[note.count++] = hold->positions[i];
    return parked_note_encode(&note, varve_view_of(NULL, 0));
}

static enum varve_status encode(struct group_hold *hold, struct varve_error *error)
{
    const struct group *group = hold->group;
    bool good = true;

    if (hold->count - hold->acked_count > PARKED_MAX_POSITIONS)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "ack.positions",
                          "ack.positions: at most %d replays of parked events", PARKED_MAX_POSITIONS);
    if (hold->acked_count > 0) {
        group_stream_name(GROUP_STREAM_PREFIX, group->name, hold->acked_stream);
        hold->acked = group_acked_encode(hold->positions, hold->acked_count, hold->epoch);
        good = hold->acked.data != NULL;
    }
    if (hold->count > hold->acked_count) {
        group_stream_name(PARKED_STREAM_PREFIX, group->name, hold->resolved_stream);
        hold->resolved = encode_resolved(hold);
        good = good && hold->resolved.data != NULL;
    }
    return good ? VARVE_OK : no_memory(error);
}

static enum varve_status refuse(const struct varve_group_ack *ack, const struct varve_conflict *first, size_t refused,
                                struct varve_error *error)
{
    uint64_t position = ack->positions[first->stream_index];

    if (first->status == VARVE_NOT_DELIVERED)
        return varve_fail(error, first->status, NULL, "event %" PRIu64 " was never sent to this consumer (%zu of %zu "
                          "events are refused)", position, refused, ack->count);
    return varve_fail(error, first->status, NULL, "event %" PRIu64 " is not with this consumer any more, or in another "
                      "transaction (%zu of %zu events are refused)", position, refused, ack->count);
}

static void settle_all(struct group_hold *hold, bool stored)
{
    struct group *group = hold->group;

    for (size_t i = 0; i < hold->count; i++) {
        struct held_event *event = group_state_event(group->state, hold->positions[i]);
        bool known = group_state_settle(group->state, hold->epoch, hold->positions[i], stored, group_now_ms(group));
        assert(known); /* No other machine took its place: see group_writer_go_on(). */
        if (known && stored)
            group_note_consumed(group, event);
    }
    group_touch(group);
}

static void free_hold(struct group_hold *hold)
{
    budget_give(&hold->group->server->budget, hold->bytes);
    free((char *)hold->acked.data);
    free((char *)hold->resolved.data);
    free(hold);
}

static void append_to_group(struct group_hold *hold)
{
    struct group *group = hold->group;

    hold->previous = group->last_hold;
    if (hold->previous != NULL)
        hold->previous->next = hold;
    else
        group->holds = hold;
    group->last_hold = hold;
    group_went_away(group);
}

enum varve_status group_hold_begin(struct session *session, const struct varve_group_ack *ack,
                                   struct varve_conflict *conflicts, size_t *ret_conflicts,
                                   struct group_hold **ret_hold, struct varve_error *error)
{
    struct server *server = session_server(session);
    struct group *group = groups_need(server->groups, ack->group, error);
    struct group_hold *hold = NULL;

    *ret_conflicts = 0;
    if (group == NULL || check(group, session, ack, error) != VARVE_OK ||
        create(group, ack, &hold, error) != VARVE_OK)
        return error->status;
    *ret_conflicts = hold_all(hold, ack, conflicts);
    figure_add(&server->figures.group_acks_refused, *ret_conflicts);
    enum varve_status status = *ret_conflicts > 0 ? refuse(ack, conflicts, *ret_conflicts, error) : encode(hold, error);
    if (status == VARVE_OK) {
        append_to_group(hold);
        *ret_hold = hold;
        return VARVE_OK;
    }
    settle_all(hold, false);
    free_hold(hold);
    return status;
}

/* Epochs are never handed out twice, and numbers not while the server lives, as long as an epoch does. */
static struct varve_uuid make_id(const struct group_hold *hold, const char *stream)
{
    const uint64_t numbers[] = { hold->epoch, hold->number };
    XXH128_hash_t hash = XXH3_128bits_withSeed(numbers, sizeof(numbers), XXH3_64bits(stream, strlen(stream)));
    struct varve_uuid id;

    varve_uuid_v8((const uint8_t *)&hash, &id);
    return id;
}

size_t group_hold_events(const struct group_hold *hold, struct group_hold_event ret[GROUP_HOLD_MAX_EVENTS])
{
    size_t count = 0;

    if (hold->acked_count > 0)
        ret[count++] = (struct group_hold_event){ varve_view_str(hold->acked_stream), GROUP_ACKED_TYPE, hold->acked,
                                                  make_id(hold, hold->acked_stream) };
    if (hold->count > hold->acked_count)
        ret[count++] = (struct group_hold_event){ varve_view_str(hold->resolved_stream),
                                                  parked_event_type(PARKED_RESOLVED), hold->resolved,
                                                  make_id(hold, hold->resolved_stream) };
    return count;
}

/* ---- its end ---------------------------------------------------------------------------------------------------- */

static void remove_from_group(struct group_hold *hold)
{
    struct group *group = hold->group;

    if (hold->previous != NULL)
        hold->previous->next = hold->next;
    else
        group->holds = hold->next;
    if (hold->next != NULL)
        hold->next->previous = hold->previous;
    else
        group->last_hold = hold->previous;
}

static void forget_replays(struct group_hold *hold)
{
    struct group *group = hold->group;
    size_t before = group->parked.count;

    for (size_t i = hold->acked_count; i < hold->count; i++)
        parked_table_remove(&group->parked, hold->positions[i]);
    parking_count(group, (int64_t)group->parked.count - (int64_t)before);
}

static void remember(struct group_hold *hold, const struct varve_append_result *results)
{
    struct group *group = hold->group;
    uint64_t version = (uint64_t)results[0].first_version;

    if (hold->acked_count > 0 && version > group->newest.version)
        group->newest.version = version;
    group->newest.acks += hold->acked_count;
    group->finished = true;
    forget_replays(hold);
    figure_add(&group->server->figures.group_acks, hold->count);
}

void group_hold_end(struct group_hold *hold, const struct varve_append_result *results)
{
    struct group *group = hold->group;

    settle_all(hold, results != NULL);
    if (results != NULL)
        remember(hold, results);
    remove_from_group(hold);
    free_hold(hold);
    group_came_back(group);
}
