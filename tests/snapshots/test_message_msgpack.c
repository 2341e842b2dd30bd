/* test_message_msgpack.c - messages to reducers as msgpack, read by a library we did not write, and the answers. */
#include "snapshots/message.h"
#include "support/check.h"
#include "support/random.h"

#include <msgpack.h>

static const struct message_form *const form = &message_msgpack;

static const msgpack_object *member(const msgpack_object *map, const char *name)
{
    for (uint32_t i = 0; i < map->via.map.size; i++) {
        const msgpack_object *key = &map->via.map.ptr[i].key;
        if (key->via.str.size == strlen(name) && memcmp(key->via.str.ptr, name, strlen(name)) == 0)
            return &map->via.map.ptr[i].val;
    }
    return NULL;
}

static void expect_str(const msgpack_object *object, const char *text)
{
    assert_int_equal(object->type, MSGPACK_OBJECT_STR);
    assert_int_equal(object->via.str.size, strlen(text));
    assert_memory_equal(object->via.str.ptr, text, strlen(text));
}

static void unpack(const struct message *message, msgpack_unpacked *ret)
{
    const uint8_t *bytes = (const uint8_t *)message->bytes.bytes;
    size_t size = (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3], offset = 0;

    assert_false(message->bytes.failed);
    assert_int_equal(size + 4, message->bytes.size);
    msgpack_unpacked_init(ret);
    assert_int_equal(msgpack_unpack_next(ret, message->bytes.bytes + 4, size, &offset), MSGPACK_UNPACK_SUCCESS);
    assert_int_equal(offset, size);
}

static void a_message_says_everything(void **state)
{
    const struct varve_event one = {
        .type = varve_view_str("a type with more than thirty-one bytes"), .version = 300, .position = UINT64_MAX,
        .recorded_at_us = -5, .schema_version = 2, .data = varve_view_str("{}"),
    };
    const struct varve_event two = { .type = varve_view_str("b"), .content_type = VARVE_CONTENT_MSGPACK };
    struct message message = { .bytes = { 0 } };
    msgpack_unpacked unpacked;

    form->begin(&message, 7, varve_view_str("account-1"), true, varve_view_of("\x91\x05", 2));
    form->event(&message, &one);
    form->event(&message, &two);
    form->end(&message, true);
    unpack(&message, &unpacked);
    const msgpack_object *map = &unpacked.data;
    assert_int_equal(map->via.map.size, 5);
    assert_int_equal(member(map, "n")->via.u64, 7);
    expect_str(member(map, "stream"), "account-1");
    assert_int_equal(member(map, "state")->via.array.ptr[0].via.u64, 5);
    assert_true(member(map, "save")->via.boolean);
    const msgpack_object *events = member(map, "events");
    assert_int_equal(events->via.array.size, 2);
    const msgpack_object *first = &events->via.array.ptr[0], *second = &events->via.array.ptr[1];
    assert_int_equal(first->via.map.size, 7);
    expect_str(member(first, "type"), "a type with more than thirty-one bytes");
    assert_int_equal(member(first, "version")->via.u64, 300);
    assert_true(member(first, "position")->via.u64 == UINT64_MAX);
    assert_int_equal(member(first, "recorded_at_us")->via.i64, -5);
    assert_int_equal(member(first, "schema_version")->via.u64, 2);
    expect_str(member(first, "content_type"), "application/json");
    assert_int_equal(member(first, "data")->type, MSGPACK_OBJECT_BIN);
    assert_memory_equal(member(first, "data")->via.bin.ptr, "{}", 2);
    assert_int_equal(member(second, "data")->via.bin.size, 0);
    expect_str(member(second, "content_type"), "application/msgpack");
    msgpack_unpacked_destroy(&unpacked);
    grow_free(&message.bytes);
}

static void a_message_may_go_on_or_begin_with_nothing(void **state)
{
    struct message message = { .bytes = { 0 } };
    msgpack_unpacked unpacked;

    form->begin(&message, 1000, varve_view_str("s"), false, varve_view_str(NULL));
    form->end(&message, false);
    unpack(&message, &unpacked);
    assert_null(member(&unpacked.data, "state"));
    assert_int_equal(member(&unpacked.data, "n")->via.u64, 1000);
    assert_false(member(&unpacked.data, "save")->via.boolean);
    msgpack_unpacked_destroy(&unpacked);
    form->begin(&message, 9, varve_view_str("t"), true, varve_view_str(NULL));
    form->end(&message, true);
    unpack(&message, &unpacked);
    assert_int_equal(member(&unpacked.data, "state")->type, MSGPACK_OBJECT_NIL);
    msgpack_unpacked_destroy(&unpacked);
    grow_free(&message.bytes);
}

static void answers_end_where_their_length_says(void **state)
{
    assert_int_equal(form->framing(varve_view_of("\0\0\0", 3)), 0);
    assert_int_equal(form->framing(varve_view_of("\0\0\0\2a", 5)), 0);
    assert_int_equal(form->framing(varve_view_of("\0\0\0\2ab", 6)), 6);
    assert_int_equal(form->framing(varve_view_of("\0\0\0\0", 4)), 4);
    assert_true(form->framing(varve_view_of("\0\x40\0\0", 4)) == SIZE_MAX);
    assert_true(form->framing(varve_view_of("hell", 4)) == SIZE_MAX);
}

static void answers_are_read(void **state)
{
    static const char whole[] = "\0\0\0\0\x83\xa1n\x0c\xa5state\x92\x01\x02\xa5" "error\xc0";
    static const char refused[] = "\0\0\0\0\x82\xa1n\x01\xa5" "error\xa2no";
    struct message_answer answer;

    assert_null(form->read(varve_view_of(whole, sizeof(whole) - 1), &answer));
    assert_int_equal(answer.n, 12);
    assert_true(answer.has_state && varve_view_equal(answer.state, varve_view_str("\x92\x01\x02")));
    assert_null(answer.error.data);
    assert_null(form->read(varve_view_of(refused, sizeof(refused) - 1), &answer));
    assert_false(answer.has_state);
    assert_true(varve_view_equal(answer.error, varve_view_str("no")));
}

static void what_is_no_answer_is_refused(void **state)
{
    static const struct { const char *bytes; size_t size; const char *words; } cases[] = {
        { "\0\0\0\0", 4, "not one msgpack value" }, { "\0\0\0\0\xc1", 5, "not one msgpack value" },
        { "\0\0\0\0\x01\x01", 6, "not one msgpack value" }, { "\0\0\0\0\x81\xa1n", 7, "not one msgpack value" },
        { "\0\0\0\0\x90", 5, "not a msgpack map" }, { "\0\0\0\0\x80", 5, "does not repeat" },
        { "\0\0\0\0\x81\x01\x01", 7, "a member" }, { "\0\0\0\0\x81\xa1n\xff", 8, "a member" },
        { "\0\0\0\0\x81\xa5" "error\x01", 12, "a member" },
    };
    struct message_answer answer;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *why = form->read(varve_view_of(cases[i].bytes, cases[i].size), &answer);
        if (why == NULL || strstr(why, cases[i].words) == NULL)
            fail_msg("case %zu: %s", i, why != NULL ? why : "it was taken");
    }
}

static void random_bytes_do_no_harm(void **state)
{
    uint64_t seed = 4;
    struct message_answer answer;

    for (unsigned i = 0; i < 100000; i++) {
        char bytes[64];
        size_t size = 4 + random_below(&seed, 60);

        for (size_t b = 0; b < size; b++)
            bytes[b] = (char)random_next(&seed);
        bytes[4] = (char)(0x80 | (bytes[4] & 3));
        if (form->read(varve_view_of(bytes, size), &answer) == NULL && answer.has_state)
            assert_true(answer.state.data >= bytes && answer.state.data + answer.state.size <= bytes + size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_says_everything),
        cmocka_unit_test(a_message_may_go_on_or_begin_with_nothing),
        cmocka_unit_test(answers_end_where_their_length_says),
        cmocka_unit_test(answers_are_read),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(random_bytes_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
