/* test_outbox.c - OUTBOX_LIST and OUTBOX_VERIFY, there and back. */
#include "message_check.h"
#include "random_parts.h"
#include "server/wire/arena.h"
#include "support/effort.h"

enum { MOST_OUTBOXES = 4, MOST_FIGURES = 6, MANY = 3000 };

static size_t make_figures(struct parts *parts, struct varve_stat *stats)
{
    size_t count = parts_number(parts, 0, MOST_FIGURES);

    for (size_t i = 0; i < count; i++) {
        stats[i] = (struct varve_stat){ .name = parts_text(parts, 20), .is_text = parts_chance(parts) };
        if (stats[i].is_text)
            stats[i].text = parts_text(parts, 400);
        else
            stats[i].number = parts_number(parts, 0, UINT64_MAX);
    }
    return count;
}

static void there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261130) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(200); round++) {
        struct varve_stat figures[MOST_OUTBOXES][MOST_FIGURES];
        struct varve_outbox_entry entries[MOST_OUTBOXES];
        size_t count = parts_number(&parts, 0, MOST_OUTBOXES);

        parts_begin(&parts);
        varve_encode_outbox_list(&buffer, 1,
                                 parts_chance(&parts) ? parts_outbox_name(&parts) : varve_view_of(NULL, 0));
        message_check(&buffer, VARVE_OP_OUTBOX_LIST, arena, &parts.random);
        for (size_t i = 0; i < count; i++)
            entries[i] = (struct varve_outbox_entry){ parts_outbox_name(&parts), figures[i],
                                                      make_figures(&parts, figures[i]) };
        varve_encode_outbox_list_ok(&buffer, 1, entries, count);
        message_check(&buffer, VARVE_OP_OUTBOX_LIST_OK, arena, &parts.random);
        varve_encode_outbox_verify(&buffer, 1, parts_outbox_name(&parts), parts_number(&parts, 0, UINT64_MAX));
        message_check(&buffer, VARVE_OP_OUTBOX_VERIFY, arena, &parts.random);
        varve_encode_outbox_verify_ok(&buffer, 1, figures[0], make_figures(&parts, figures[0]));
        message_check(&buffer, VARVE_OP_OUTBOX_VERIFY_OK, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void every_field_comes_through(void **state)
{
    const struct varve_stat figures[] = { { .name = varve_view_str("position"), .number = 4711 },
                                          { .name = varve_view_str("phase"), .is_text = true,
                                            .text = varve_view_str("RUN") } };
    const struct varve_outbox_entry entries[] = { { varve_view_str("kafka"), figures, 2 },
                                                  { varve_view_str("audit"), figures, 1 } };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    const struct varve_outbox_entry *read;
    size_t count;

    varve_encode_outbox_list_ok(&buffer, 1, entries, 2);
    assert_int_equal(varve_decode_outbox_list_ok(frame_body(&buffer, VARVE_OP_OUTBOX_LIST_OK), arena, &read, &count,
                                                 NULL), VARVE_OK);
    assert_int_equal(count, 2);
    assert_true(varve_view_equal(read[0].name, entries[0].name));
    assert_int_equal(read[0].figure_count, 2);
    assert_int_equal(read[0].figures[0].number, 4711);
    assert_true(varve_view_equal(read[0].figures[1].text, figures[1].text));
    assert_true(varve_view_equal(read[1].name, entries[1].name));
    assert_int_equal(read[1].figure_count, 1);
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void a_request_says_which_and_how_deep(void **state)
{
    struct varve_wire_buffer buffer = { 0 };
    struct varve_view name = varve_view_str("untouched");
    uint64_t depth = 0;

    varve_encode_outbox_list(&buffer, 1, varve_view_of(NULL, 0));
    assert_int_equal(varve_decode_outbox_list(frame_body(&buffer, VARVE_OP_OUTBOX_LIST), &name, NULL), VARVE_OK);
    assert_null(name.data);
    buffer.size = 0;
    varve_encode_outbox_verify(&buffer, 1, varve_view_str("kafka"), 1000);
    assert_int_equal(varve_decode_outbox_verify(frame_body(&buffer, VARVE_OP_OUTBOX_VERIFY), &name, &depth, NULL),
                     VARVE_OK);
    assert_true(varve_view_equal(name, varve_view_str("kafka")));
    assert_int_equal(depth, 1000);
    varve_wire_buffer_free(&buffer);
}

static void a_bad_name_is_said(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    varve_encode_outbox_list(&buffer, 1, varve_view_str("no good"));
    message_check_field(&buffer, VARVE_OP_OUTBOX_LIST, arena, "name");
    varve_encode_outbox_verify(&buffer, 1, varve_view_str("$kafka"), 0);
    message_check_field(&buffer, VARVE_OP_OUTBOX_VERIFY, arena, "name");
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

/* The smallest that an outbox can be in bytes still takes no more of the arena than is promised. */
static void many_small_ones_and_hostile_counts(void **state)
{
    static struct varve_outbox_entry entries[MANY];
    static const struct varve_stat figure = { .name = { "n", 1 } };
    static const char overlapping[] = "\x91\x99\x93\xa5kafka\x87\xa8p1s\0\0\xa3\0\0\0\xa4list\x91\x01\xa1`\x01 x";
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    const struct varve_outbox_entry *read;
    size_t count;

    for (size_t i = 0; i < MANY; i++)
        entries[i] = (struct varve_outbox_entry){ .figures = &figure, .figure_count = i % 2 };
    varve_encode_outbox_list_ok(&buffer, 1, entries, MANY);
    assert_int_equal(varve_decode_outbox_list_ok(frame_body(&buffer, VARVE_OP_OUTBOX_LIST_OK), arena, &read, &count,
                                                 NULL), VARVE_OK);
    assert_int_equal(count, MANY);
    assert_true(arena_taken(arena) <= 16 * buffer.size);
    message_check_hostile(VARVE_OP_OUTBOX_LIST_OK, "\x91\xdd\xff\xff\xff\xff", 6, arena);
    message_check_hostile(VARVE_OP_OUTBOX_LIST_OK, "\x91\x91\x92\xa0\xdf\xff\xff\xff\xff", 9, arena);
    /* An entry in whose map the rest is claimed, beside the list in which it is claimed too. */
    message_check_hostile(VARVE_OP_OUTBOX_LIST_OK, overlapping, sizeof(overlapping) - 1, arena);
    message_check_hostile(VARVE_OP_OUTBOX_VERIFY_OK, "\x91\xdf\xff\xff\xff\xff", 6, arena);
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(every_field_comes_through),
        cmocka_unit_test(a_request_says_which_and_how_deep),
        cmocka_unit_test(a_bad_name_is_said),
        cmocka_unit_test(many_small_ones_and_hostile_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
