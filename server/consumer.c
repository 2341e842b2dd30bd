/* consumer.c - GROUP_JOIN: one consumer of a group, from the wish to join until it leaves.
 *
 *   JOINING --its epoch is durable--> JOINED --cancelled, fenced, stopped, peer gone--> gone
 *      '--refused, peer gone--> gone
 * What is delivered in one turn is gathered and sent as one frame, as far as its credit goes. */
#include "handlers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "group.h"
#include "reply.h"

enum { BATCH_EVENTS = 64, PER_EVENT_BYTES = 16 };

struct joining {
    struct group_change change;
    struct consumer *consumer; /* NULL: it left meanwhile */
};

struct consumer {
    struct request request;
    struct consumer *next, *previous; /* of the group */
    struct consumer *next_with_batch;
    struct group *group;
    struct joining *joining;          /* NULL: it has joined */
    uint64_t epoch;
    uint32_t max_in_flight;           /* as it wished; 0: as the group is set */
    int64_t credit_bytes;
    struct varve_delivery batch[BATCH_EVENTS];
    uint32_t batch_count;
    uint64_t batch_bytes;
    bool ready;
    size_t name_size;
    char name[VARVE_MAX_CONSUMER_NAME];
};

static struct varve_view name_of(const struct consumer *consumer)
{
    return varve_view_of(consumer->name, consumer->name_size);
}

static struct figures *figures_of(const struct consumer *consumer)
{
    return &consumer->group->server->figures;
}

/* ---- those who joined, by epoch ------------------------------------------------------------------------------- */

static uint32_t find_place(const struct group *group, uint64_t epoch)
{
    uint32_t low = 0, high = group->joined_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (group->joined[middle]->epoch < epoch)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct consumer *consumer_find(const struct group *group, uint64_t epoch)
{
    uint32_t place = find_place(group, epoch);

    return place < group->joined_count && group->joined[place]->epoch == epoch ? group->joined[place] : NULL;
}

struct session *consumer_session(const struct consumer *consumer)
{
    return consumer->request.session;
}

/* Epochs grow, so it is always the last. */
static bool add_joined(struct group *group, struct consumer *consumer)
{
    if (group->joined_count == group->joined_capacity) {
        uint32_t capacity = group->joined_capacity == 0 ? 4 : 2 * group->joined_capacity;
        struct consumer **joined = realloc(group->joined, capacity * sizeof(struct consumer *));

        if (joined == NULL)
            return false;
        group->joined = joined;
        group->joined_capacity = capacity;
    }
    group->joined[group->joined_count++] = consumer;
    return true;
}

static void remove_joined(struct group *group, const struct consumer *consumer)
{
    uint32_t place = find_place(group, consumer->epoch);

    group->joined_count--;
    memmove(group->joined + place, group->joined + place + 1,
            (group->joined_count - place) * sizeof(struct consumer *));
}

/* ---- leaving -------------------------------------------------------------------------------------------------- */

static void drop_batch(struct consumer *consumer)
{
    struct consumer **at = &consumer->group->with_batch;

    while (consumer->batch_count > 0 && *at != consumer)
        at = &(*at)->next_with_batch;
    if (consumer->batch_count > 0)
        *at = consumer->next_with_batch;
    consumer->batch_count = 0;
}

static void leave(struct consumer *consumer, const char *why, bool politely)
{
    struct group *group = consumer->group;

    if (group->state != NULL)
        group_state_leave(group->state, consumer->epoch, politely);
    remove_joined(group, consumer);
    drop_batch(consumer);
    figure_subtract(&group->server->figures.group_consumers, 1);
    log_info(&group->server->log, "group.consumer_left", log_view("group", group->name),
             log_view("consumer", name_of(consumer)), log_number("epoch", consumer->epoch), log_text("why", why));
    if (group->joined_count == 0) {
        group->last_left = true;
        group_stop_reading(group);
    }
    group_touch(group);
}

/* `why` NULL: nobody is told. */
static void drop_consumer(struct consumer *consumer, const struct varve_error *why)
{
    struct group *group = consumer->group;

    if (consumer->previous != NULL)
        consumer->previous->next = consumer->next;
    else
        group->consumers = consumer->next;
    if (consumer->next != NULL)
        consumer->next->previous = consumer->previous;
    group->consumer_count--;
    if (why != NULL)
        reply_error(consumer->request.session, consumer->request.id, why);
    session_end(&consumer->request);
    free(consumer);
}

static void end_consumer(struct consumer *consumer, const struct varve_error *why)
{
    if (consumer->joining != NULL)
        consumer->joining->consumer = NULL;
    else
        leave(consumer, why == NULL ? "DISCONNECTED" : varve_status_name(why->status),
              why != NULL && why->status == VARVE_CANCELLED);
    drop_consumer(consumer, why);
}

void consumers_end_all(struct group *group, const struct varve_error *why)
{
    for (struct consumer *consumer = group->consumers; consumer != NULL;) {
        struct consumer *next = consumer->next;

        if (consumer->joining == NULL) /* The others are answered when their epoch comes back. */
            end_consumer(consumer, why);
        consumer = next;
    }
}

/* ---- deliveries ----------------------------------------------------------------------------------------------- */

static void update_ready(struct consumer *consumer)
{
    struct session *session = consumer->request.session;
    bool ready = consumer->credit_bytes > 0 && !session_is_closing(session) && session_has_room(session);

    if (ready == consumer->ready)
        return;
    consumer->ready = ready;
    group_state_set_ready(consumer->group->state, consumer->epoch, ready);
    group_touch(consumer->group);
}

static void send_batch(struct consumer *consumer)
{
    struct session *session = consumer->request.session;
    struct varve_wire_buffer *out = session_out(session);
    size_t before = out->size;

    varve_encode_group_events(out, consumer->request.id, consumer->batch, consumer->batch_count);
    if (!out->failed)
        consumer->credit_bytes -= (int64_t)(out->size - before - VARVE_WIRE_HEADER);
    session_sent(session);
    figure_add(&figures_of(consumer)->group_events_delivered, consumer->batch_count);
    consumer->batch_count = 0;
    consumer->batch_bytes = 0;
    update_ready(consumer);
}

static void flush(struct consumer *consumer)
{
    struct consumer **at = &consumer->group->with_batch;

    while (*at != consumer)
        at = &(*at)->next_with_batch;
    *at = consumer->next_with_batch;
    send_batch(consumer);
}

void consumers_flush(struct group *group)
{
    while (group->with_batch != NULL)
        flush(group->with_batch);
}

void consumer_deliver(struct group *group, const struct group_action *action)
{
    struct held_event *event = action->event;
    struct consumer *consumer = consumer_find(group, action->epoch);

    if (consumer->batch_count == 0) {
        consumer->next_with_batch = group->with_batch;
        group->with_batch = consumer;
    }
    consumer->batch[consumer->batch_count++] =
        (struct varve_delivery){ action->attempt, varve_view_of((const char *)event->record, event->size) };
    consumer->batch_bytes += event->size + PER_EVENT_BYTES;
    group_note_delivered(group, event);
    if (action->attempt > 1)
        figure_add(&group->server->figures.group_events_redelivered, 1);
    if (consumer->batch_count == BATCH_EVENTS || consumer->batch_bytes >= SERVER_BATCH_BYTES ||
        consumer->batch_bytes >= (uint64_t)consumer->credit_bytes)
        flush(consumer);
}

bool consumers_want_more(const struct group *group)
{
    const struct varve_group_settings *settings = &group->record.settings;
    struct group_state_figures figures;

    group_state_get_figures(group->state, &figures);
    if (figures.in_flight >= settings->max_in_flight)
        return false;
    for (uint32_t i = 0; i < group->joined_count; i++) {
        const struct consumer *consumer = group->joined[i];
        uint32_t limit = settings->consumer_max_in_flight;

        if (consumer->max_in_flight > 0 && consumer->max_in_flight < limit)
            limit = consumer->max_in_flight;
        if (consumer->ready && group_state_member_in_flight(group->state, consumer->epoch) < limit)
            return true;
    }
    return false;
}

/* ---- joining -------------------------------------------------------------------------------------------------- */

static struct consumer *find_name(const struct group *group, struct varve_view name, const struct consumer *but)
{
    for (struct consumer *consumer = group->consumers; consumer != NULL; consumer = consumer->next) {
        if (consumer != but && varve_view_equal(name_of(consumer), name))
            return consumer;
    }
    return NULL;
}

/* Those of its name who joined before are members no more. */
static void fence_others(struct consumer *consumer)
{
    struct group *group = consumer->group;
    struct varve_error why = { .status = VARVE_OK };

    varve_fail(&why, VARVE_FENCED, NULL, "another consumer took the name '%.*s' over", (int)consumer->name_size,
               consumer->name);
    for (uint32_t i = group->joined_count; i > 0; i--) {
        struct consumer *other = group->joined[i - 1];

        if (other != consumer && varve_view_equal(name_of(other), name_of(consumer)))
            end_consumer(other, &why);
    }
}

static void begin_work(struct consumer *consumer)
{
    struct group *group = consumer->group;
    struct session *session = consumer->request.session;

    figure_add(&figures_of(consumer)->group_consumers, 1);
    log_info(&group->server->log, "group.consumer_joined", log_view("group", group->name),
             log_view("consumer", name_of(consumer)), log_number("epoch", consumer->epoch),
             log_number("session", session_id(session)));
    fence_others(consumer);
    group->last_left = false;
    varve_encode_group_joined(session_out(session), consumer->request.id, consumer->epoch,
                              group_state_checkpoint(group->state), group->record.settings.ack_timeout_ms);
    session_sent(session);
    update_ready(consumer);
}

static void on_joined(struct group_change *change, struct group *group, const struct varve_error *error)
{
    struct joining *joining = (struct joining *)change; /* Its first member. */
    struct consumer *consumer = joining->consumer;
    struct varve_error why = { .status = VARVE_OK };

    free(joining);
    if (consumer == NULL)
        return;
    consumer->joining = NULL;
    if (error != NULL)
        why = *error;
    else if (group_is_stopped(group))
        varve_fail(&why, VARVE_GROUP_STOPPED, NULL, "the group was stopped by one of its consumers");
    else if (!group_state_join(group->state, group->record.epoch, consumer->max_in_flight))
        varve_fail(&why, VARVE_NO_MEMORY, NULL, "no memory for one more consumer");
    consumer->epoch = group->record.epoch;
    if (why.status == VARVE_OK && !add_joined(group, consumer)) {
        group_state_leave(group->state, consumer->epoch, true);
        varve_fail(&why, VARVE_NO_MEMORY, NULL, "no memory for one more consumer");
    }
    if (why.status == VARVE_OK)
        begin_work(consumer);
    else
        drop_consumer(consumer, &why); /* It never was a member. */
}

void consumers_rejoin(struct group *group)
{
    struct varve_error why = { .status = VARVE_OK };

    varve_fail(&why, VARVE_NO_MEMORY, NULL, "no memory for one more consumer");
    for (uint32_t i = 0; i < group->joined_count; i++)
        drop_batch(group->joined[i]);
    for (uint32_t i = 0; i < group->joined_count;) {
        struct consumer *consumer = group->joined[i];

        consumer->ready = false;
        if (group_state_join(group->state, consumer->epoch, consumer->max_in_flight)) {
            update_ready(consumer);
            i++;
        } else {
            end_consumer(consumer, &why);
        }
    }
}

bool consumer_was_reset(const struct group *group, uint64_t epoch)
{
    return epoch < group->record.reset_epoch;
}

size_t consumers_list(const struct group *group, struct varve_group_consumer *ret)
{
    for (uint32_t i = 0; i < group->joined_count; i++) {
        const struct consumer *consumer = group->joined[i];
        uint32_t all = group->record.settings.consumer_max_in_flight, own = consumer->max_in_flight;

        ret[i] = (struct varve_group_consumer){
            .name = name_of(consumer), .epoch = consumer->epoch,
            .in_flight = group_state_member_in_flight(group->state, consumer->epoch),
            .max_in_flight = own == 0 || own > all ? all : own,
        };
    }
    return group->joined_count;
}

/* ---- as a request --------------------------------------------------------------------------------------------- */

static void stop(struct request *request, const struct varve_error *why)
{
    end_consumer((struct consumer *)request, why); /* Its first member. */
}

static void room(struct request *request)
{
    struct consumer *consumer = (struct consumer *)request;

    if (consumer->joining == NULL)
        update_ready(consumer);
}

static enum varve_status check_credit(int64_t bytes, struct varve_error *error)
{
    if (bytes <= SERVER_MAX_CREDIT_BYTES)
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "credit_bytes",
                      "credit_bytes: a consumer may have %d, this makes %" PRId64, SERVER_MAX_CREDIT_BYTES, bytes);
}

static void credit(struct request *request, uint32_t bytes)
{
    struct consumer *consumer = (struct consumer *)request;
    struct varve_error error = { .status = VARVE_OK };

    consumer->credit_bytes += bytes;
    if (check_credit(consumer->credit_bytes, &error) != VARVE_OK)
        end_consumer(consumer, &error);
    else if (consumer->joining == NULL)
        update_ready(consumer);
}

static const struct request_kind join_kind = { .stop = stop, .room = room, .credit = credit, .cancel = stop,
                                               .noun = "membership", .is_subscription = true };

static enum varve_status check_join(struct session *session, const struct varve_frame *frame,
                                    const struct varve_group_join *join, struct group **ret_group,
                                    struct varve_error *error)
{
    struct request_list *requests = session_requests(session);
    struct group *group = groups_need(session_server(session)->groups, join->group, error);
    const struct request *other = request_list_find(requests, frame->request_id);

    *ret_group = group;
    if (group == NULL)
        return error->status;
    if (other != NULL)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "request_id", "a %s with this request's id is under way",
                          other->kind->noun);
    if (requests->subscription_count >= SERVER_MAX_SUBSCRIPTIONS)
        return varve_fail(error, VARVE_OVERLOADED, NULL, "%d subscriptions are under way on this connection",
                          SERVER_MAX_SUBSCRIPTIONS);
    if (group_is_stopped(group))
        return varve_fail(error, VARVE_GROUP_STOPPED, NULL, "the group was stopped: %.*s",
                          (int)group->record.stop_reason_size, group->record.stop_reason);
    if (!join->takeover && find_name(group, join->consumer, NULL) != NULL)
        return varve_fail(error, VARVE_CONSUMER_EXISTS, NULL, "a consumer '%.*s' is a member already",
                          (int)join->consumer.size, join->consumer.data);
    if (group->consumer_count >= VARVE_MAX_CONSUMERS)
        return varve_fail(error, VARVE_OVERLOADED, NULL, "the group has %u consumers, as many as it may",
                          VARVE_MAX_CONSUMERS);
    return check_credit(join->credit_bytes, error);
}

static void add_consumer(struct group *group, struct consumer *consumer, const struct varve_group_join *join)
{
    consumer->group = group;
    consumer->max_in_flight = join->max_in_flight;
    consumer->credit_bytes = join->credit_bytes;
    consumer->name_size = join->consumer.size;
    memcpy(consumer->name, join->consumer.data, join->consumer.size);
    consumer->next = group->consumers;
    if (consumer->next != NULL)
        consumer->next->previous = consumer;
    group->consumers = consumer;
    group->consumer_count++;
}

void handle_group_join(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct varve_group_join join;
    struct varve_error error = { .status = VARVE_OK };
    struct group *group;

    if (varve_decode_group_join(body, &join, &error) != VARVE_OK ||
        check_join(session, frame, &join, &group, &error) != VARVE_OK) {
        reply_error(session, frame->request_id, &error);
        return;
    }
    struct consumer *consumer = calloc(1, sizeof(*consumer));
    struct joining *joining = calloc(1, sizeof(*joining));
    if (consumer == NULL || joining == NULL ||
        !session_begin(session, &consumer->request, &join_kind, frame->request_id,
                       sizeof(*consumer) + sizeof(*joining))) {
        bool no_memory = consumer == NULL || joining == NULL;

        free(consumer);
        free(joining);
        if (no_memory)
            reply_no_memory(session, frame->request_id);
        else
            reply_overloaded(session, frame->request_id, "the server's memory for requests is used up");
        return;
    }
    session_wait_for_peer(&consumer->request, true);
    add_consumer(group, consumer, &join);
    consumer->joining = joining;
    joining->consumer = consumer;
    joining->change = (struct group_change){ .kind = GROUP_JOINED, .done = on_joined };
    group_writer_add(group, &joining->change);
}
