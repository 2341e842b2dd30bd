/* test_transact.c - transactions there and back, with every part and with none, up to as many items as may be. */
#include "message_check.h"
#include "random_parts.h"
#include "server/wire/arena.h"
#include "server/wire/pack.h"
#include "support/effort.h"

#include <stdlib.h>

enum { MOST = 12 };

/* What one transaction points into. */
struct made {
    struct varve_append_stream streams[MOST];
    struct varve_event events[MOST];
    uint32_t stream_of[MOST];
    struct varve_saga_change sagas[MOST];
    struct varve_checkpoint checkpoints[MOST];
    struct varve_group_ack ack;
    uint64_t positions[MOST];
};

static struct varve_event random_event(struct parts *parts)
{
    return (struct varve_event){
        .type = parts_text(parts, VARVE_MAX_TYPE),
        .id = parts_uuid_or_none(parts),
        .correlation_id = parts_uuid_or_none(parts),
        .causation_id = parts_uuid_or_none(parts),
        .time_us = parts_time_or_none(parts),
        .schema_version = (uint32_t)parts_number(parts, 0, UINT32_MAX),
        .class_ = (enum varve_class)parts_number(parts, 0, VARVE_CLASS_REALTIME),
        .content_type = (enum varve_content_type)parts_number(parts, 0, VARVE_CONTENT_OCTET_STREAM),
        .source = parts_text_or_none(parts, VARVE_MAX_SOURCE),
        .user_id = parts_text_or_none(parts, VARVE_MAX_USER_ID),
        .data = parts_bytes(parts, 100),
        .metadata = parts_text_or_none(parts, 100),
    };
}

static struct varve_saga_change random_change(struct parts *parts)
{
    struct varve_saga_change change = {
        .action = (enum varve_saga_action)parts_number(parts, 0, VARVE_SAGA_ARCHIVE),
        .type = parts_saga_type(parts),
        .id = parts_text(parts, VARVE_SAGA_MAX_ID),
        .expected = parts_version(parts, VARVE_EXPECTED_STREAM_EXISTS),
        .step = parts_text_or_none(parts, VARVE_SAGA_MAX_STEP),
        .has_state = parts_chance(parts),
        .content_type = (enum varve_content_type)parts_number(parts, 0, VARVE_CONTENT_OCTET_STREAM),
        .deadline_us = parts_time_or_none(parts),
        .error = parts_text_or_none(parts, VARVE_SAGA_MAX_ERROR),
        .event_id = parts_uuid_or_none(parts),
        .correlation_id = parts_uuid_or_none(parts),
        .causation_id = parts_uuid_or_none(parts),
    };

    if (change.has_state)
        change.state = parts_bytes(parts, 100);
    return change;
}

static const struct varve_group_ack *random_ack(struct parts *parts, struct made *made)
{
    if (parts_chance(parts))
        return NULL;
    made->ack = (struct varve_group_ack){ .group = parts_text(parts, VARVE_MAX_GROUP_NAME),
                                          .epoch = parts_number(parts, 1, UINT64_MAX),
                                          .positions = made->positions,
                                          .count = parts_number(parts, 1, MOST) };
    for (size_t i = 0; i < made->ack.count; i++)
        made->positions[i] = parts_number(parts, 1, UINT64_MAX);
    return &made->ack;
}

static struct varve_transact_request random_transact(struct parts *parts, struct made *made)
{
    struct varve_transact_request request = {
        .appends = { made->streams, parts_number(parts, 0, MOST), made->events, made->stream_of, 0 },
        .sagas = made->sagas,
        .saga_count = parts_number(parts, 0, MOST),
        .checkpoints = made->checkpoints,
        .checkpoint_count = parts_number(parts, 0, MOST),
        .ack = random_ack(parts, made),
    };

    for (size_t i = 0; i < request.appends.stream_count; i++)
        made->streams[i] = (struct varve_append_stream){ parts_text(parts, VARVE_MAX_STREAM_NAME),
                                                         parts_version(parts, VARVE_EXPECTED_STREAM_EXISTS) };
    if (request.appends.stream_count > 0)
        request.appends.event_count = parts_number(parts, 0, MOST);
    for (size_t i = 0; i < request.appends.event_count; i++) {
        made->events[i] = random_event(parts);
        made->stream_of[i] = (uint32_t)parts_number(parts, 0, request.appends.stream_count - 1);
    }
    for (size_t i = 0; i < request.saga_count; i++)
        made->sagas[i] = random_change(parts);
    for (size_t i = 0; i < request.checkpoint_count; i++)
        made->checkpoints[i] = (struct varve_checkpoint){ parts_text(parts, VARVE_MAX_CHECKPOINT_NAME),
                                                          parts_number(parts, 0, INT64_MAX),
                                                          parts_version(parts, VARVE_EXPECTED_STREAM_EXISTS),
                                                          parts_uuid_or_none(parts) };
    return request;
}

static void there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261121) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct made made;

    for (unsigned round = 0; round < TEST_EFFORT(150); round++) {
        parts_begin(&parts);
        struct varve_transact_request request = random_transact(&parts, &made);

        varve_encode_transact(&buffer, 1, &request);
        message_check(&buffer, VARVE_OP_TRANSACT, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void answers_there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261122) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(300); round++) {
        struct varve_append_result results[MOST];
        struct varve_transact_place places[MOST];
        const struct varve_transact_outcome outcome = { .replayed = parts_chance(&parts),
                                                        .results = results,
                                                        .stream_count = parts_number(&parts, 0, MOST),
                                                        .sagas = places,
                                                        .saga_count = parts_number(&parts, 0, MOST),
                                                        .checkpoints = places,
                                                        .checkpoint_count = parts_number(&parts, 0, MOST) };

        for (size_t i = 0; i < MOST; i++) {
            results[i] = (struct varve_append_result){ parts_version(&parts, -1), parts_version(&parts, -1),
                                                       parts_number(&parts, 0, UINT64_MAX),
                                                       parts_number(&parts, 0, UINT64_MAX) };
            places[i] = (struct varve_transact_place){ parts_version(&parts, 0),
                                                       parts_number(&parts, 1, UINT64_MAX) };
        }
        varve_encode_transact_ok(&buffer, 1, &outcome);
        message_check(&buffer, VARVE_OP_TRANSACT_OK, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void every_field_comes_through(void **state)
{
    static const uint64_t positions[] = { 4711, 1 };
    const struct varve_append_stream stream = { varve_view_str("x-1"), 4 };
    const struct varve_event event = { .type = varve_view_str("t"), .time_us = VARVE_TIME_NONE };
    const struct varve_saga_change change = {
        .action = VARVE_SAGA_COMPENSATE, .type = varve_view_str("order"), .id = varve_view_str("o-1"), .expected = 7,
        .step = varve_view_str("release"), .has_state = true, .state = varve_view_str("{}"),
        .content_type = VARVE_CONTENT_JSON, .deadline_us = 99, .error = varve_view_str("no stock"),
        .event_id = { { 1 } }, .correlation_id = { { 2 } }, .causation_id = { { 3 } },
    };
    const struct varve_checkpoint checkpoint = { varve_view_str("reader"), 12, VARVE_EXPECTED_NO_STREAM, { { 4 } } };
    const struct varve_group_ack ack = { .group = varve_view_str("g"), .epoch = 3, .positions = positions, .count = 2 };
    const struct varve_transact_request request = { { &stream, 1, &event, NULL, 1 }, &change, 1, &checkpoint, 1, &ack };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct varve_transact_request decoded;

    varve_encode_transact(&buffer, 1, &request);
    assert_int_equal(varve_decode_transact(frame_body(&buffer, VARVE_OP_TRANSACT), arena, &decoded, NULL), VARVE_OK);
    assert_int_equal(decoded.appends.stream_count, 1);
    assert_int_equal(decoded.appends.streams[0].expected, 4);
    assert_true(varve_view_equal(decoded.appends.events[0].stream, stream.stream));
    const struct varve_saga_change *saga = &decoded.sagas[0];

    assert_int_equal(decoded.saga_count, 1);
    assert_int_equal(saga->action, VARVE_SAGA_COMPENSATE);
    assert_true(varve_view_equal(saga->type, change.type) && varve_view_equal(saga->id, change.id));
    assert_int_equal(saga->expected, 7);
    assert_true(varve_view_equal(saga->step, change.step) && varve_view_equal(saga->error, change.error));
    assert_true(saga->has_state && varve_view_equal(saga->state, change.state));
    assert_int_equal(saga->content_type, VARVE_CONTENT_JSON);
    assert_int_equal(saga->deadline_us, 99);
    assert_memory_equal(&saga->event_id, &change.event_id, sizeof(saga->event_id));
    assert_memory_equal(&saga->correlation_id, &change.correlation_id, sizeof(saga->event_id));
    assert_memory_equal(&saga->causation_id, &change.causation_id, sizeof(saga->event_id));
    assert_int_equal(decoded.checkpoint_count, 1);
    assert_true(varve_view_equal(decoded.checkpoints[0].name, checkpoint.name));
    assert_int_equal(decoded.checkpoints[0].position, 12);
    assert_int_equal(decoded.checkpoints[0].expected, VARVE_EXPECTED_NO_STREAM);
    assert_memory_equal(&decoded.checkpoints[0].event_id, &checkpoint.event_id, sizeof(checkpoint.event_id));
    assert_non_null(decoded.ack);
    assert_true(varve_view_equal(decoded.ack->group, ack.group));
    assert_int_equal(decoded.ack->epoch, 3);
    assert_int_equal(decoded.ack->count, 2);
    assert_memory_equal(decoded.ack->positions, positions, sizeof(positions));
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void nothing_at_all_can_be_decoded(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_transact_request request = { .saga_count = 77 };

    assert_int_equal(varve_decode_transact(varve_view_of("\x95\x90\x90\x90\x90", 5), arena, &request, NULL),
                     VARVE_PROTOCOL);
    assert_int_equal(request.saga_count, 77);
    assert_int_equal(varve_decode_transact(varve_view_of("\x95\x90\x90\x90\x90\xc0", 6), arena, &request, NULL),
                     VARVE_OK);
    assert_int_equal(request.appends.stream_count + request.appends.event_count + request.saga_count, 0);
    assert_int_equal(request.checkpoint_count, 0);
    assert_null(request.ack);
    varve_wire_arena_free(arena);
}

static void refuse(struct varve_wire_arena *arena, const struct varve_transact_request *request, const char *field)
{
    struct varve_wire_buffer buffer = { 0 };

    varve_encode_transact(&buffer, 1, request);
    message_check_field(&buffer, VARVE_OP_TRANSACT, arena, field);
    varve_wire_buffer_free(&buffer);
}

static void sagas_out_of_range_are_named(void **state)
{
    const struct varve_saga_change good = { .type = varve_view_str("t"), .id = varve_view_str("1"),
                                            .deadline_us = VARVE_TIME_NONE };
    const struct {
        const char *field;
        struct varve_saga_change change;
    } cases[] = {
        { "sagas[1].action", { .action = VARVE_SAGA_TIME_OUT, .deadline_us = VARVE_TIME_NONE } },
        { "sagas[1].expected", { .expected = -4, .deadline_us = VARVE_TIME_NONE } },
        { "sagas[1].content_type", { .content_type = (enum varve_content_type)3, .deadline_us = VARVE_TIME_NONE } },
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct varve_saga_change changes[] = { good, cases[i].change };

        refuse(arena, &(struct varve_transact_request){ .sagas = changes, .saga_count = 2 }, cases[i].field);
    }
    varve_wire_arena_free(arena);
}

static void checkpoints_and_acks_out_of_range_are_named(void **state)
{
    static const uint64_t fine[] = { 1 }, zero[] = { 1, 0 };
    char longest[VARVE_MAX_CHECKPOINT_NAME + 1];
    const struct varve_view name = varve_view_str("c");
    const struct {
        const char *field;
        struct varve_checkpoint checkpoint;
    } checkpoints[] = {
        { "checkpoints[0].name", { varve_view_str(""), 1, -1, { { 0 } } } },
        { "checkpoints[0].name", { varve_view_str("$c"), 1, -1, { { 0 } } } },
        { "checkpoints[0].name", { varve_view_str("a\nb"), 1, -1, { { 0 } } } },
        { "checkpoints[0].name", { varve_view_of(longest, sizeof(longest)), 1, -1, { { 0 } } } },
        { "checkpoints[0].position", { name, (uint64_t)INT64_MAX + 1, -1, { { 0 } } } },
        { "checkpoints[0].expected", { name, 1, -4, { { 0 } } } },
    };
    const struct {
        const char *field;
        struct varve_group_ack ack;
    } acks[] = {
        { "ack.group", { .group = varve_view_str("$g"), .epoch = 1, .positions = fine, .count = 1 } },
        { "ack.epoch", { .group = name, .epoch = 0, .positions = fine, .count = 1 } },
        { "ack.positions", { .group = name, .epoch = 1, .positions = fine, .count = 0 } },
        { "ack.positions[1]", { .group = name, .epoch = 1, .positions = zero, .count = 2 } },
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();

    memset(longest, 'c', sizeof(longest));
    for (size_t i = 0; i < COUNT_OF(checkpoints); i++)
        refuse(arena, &(struct varve_transact_request){ .checkpoints = &checkpoints[i].checkpoint,
                                                        .checkpoint_count = 1 }, checkpoints[i].field);
    for (size_t i = 0; i < COUNT_OF(acks); i++)
        refuse(arena, &(struct varve_transact_request){ .ack = &acks[i].ack }, acks[i].field);
    varve_wire_arena_free(arena);
}

static void an_event_needs_a_stream(void **state)
{
    const struct varve_event event = { .type = varve_view_str("t"), .time_us = VARVE_TIME_NONE };
    struct varve_wire_arena *arena = varve_wire_arena_create();

    refuse(arena, &(struct varve_transact_request){ .appends = { NULL, 0, &event, NULL, 1 } },
           "events[0].stream_index");
    varve_wire_arena_free(arena);
}

/* So many sagas and checkpoints. */
static enum varve_status decode_many(size_t sagas, size_t checkpoints, struct varve_error *error)
{
    struct varve_transact_request request = { .saga_count = sagas, .checkpoint_count = checkpoints }, decoded;
    struct varve_saga_change *changes = calloc(sagas + 1, sizeof(*changes));
    struct varve_checkpoint *moves = calloc(checkpoints + 1, sizeof(*moves));
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    assert_true(changes != NULL && moves != NULL);
    for (size_t i = 0; i < sagas; i++)
        changes[i].deadline_us = VARVE_TIME_NONE;
    for (size_t i = 0; i < checkpoints; i++)
        moves[i].name = varve_view_str("c");
    request.sagas = changes;
    request.checkpoints = moves;
    varve_encode_transact(&buffer, 1, &request);
    enum varve_status status = varve_decode_transact(frame_body(&buffer, VARVE_OP_TRANSACT), arena, &decoded, error);

    assert_true(arena_taken(arena) <= 16 * buffer.size + 64);
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
    free(changes);
    free(moves);
    return status;
}

static void as_many_as_the_protocol_allows(void **state)
{
    struct varve_error error = { 0 };

    assert_int_equal(decode_many(VARVE_WIRE_MAX_SAGAS, VARVE_WIRE_MAX_CHECKPOINTS, &error), VARVE_OK);
    assert_int_equal(decode_many(VARVE_WIRE_MAX_SAGAS + 1, 0, &error), VARVE_APPEND_TOO_LARGE);
    assert_int_equal(error.limit, VARVE_WIRE_MAX_SAGAS);
    assert_int_equal(decode_many(0, VARVE_WIRE_MAX_CHECKPOINTS + 1, &error), VARVE_APPEND_TOO_LARGE);
    assert_int_equal(error.limit, VARVE_WIRE_MAX_CHECKPOINTS);
}

static void hostile_counts(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();

    for (size_t before = 0; before < 4; before++) {
        char body[16] = "\x95\x90\x90\x90\x90";

        memcpy(body + 1 + before, "\xdd\xff\xff\xff\xff", 5);
        message_check_hostile(VARVE_OP_TRANSACT, body, 6 + before, arena);
    }
    message_check_hostile(VARVE_OP_TRANSACT, "\x95\x90\x90\x90\x90\x93\xa1g\x01\xdd\xff\xff\xff\xff", 14, arena);
    message_check_hostile(VARVE_OP_TRANSACT_OK, "\x94\xc2\x90\xdd\xff\xff\xff\xff", 8, arena);
    message_check_hostile(VARVE_OP_TRANSACT_OK, "\x94\xc2\x90\x90\xdd\xff\xff\xff\xff", 9, arena);
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(answers_there_and_back),
        cmocka_unit_test(every_field_comes_through),
        cmocka_unit_test(nothing_at_all_can_be_decoded),
        cmocka_unit_test(sagas_out_of_range_are_named),
        cmocka_unit_test(checkpoints_and_acks_out_of_range_are_named),
        cmocka_unit_test(an_event_needs_a_stream),
        cmocka_unit_test(as_many_as_the_protocol_allows),
        cmocka_unit_test(hostile_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
