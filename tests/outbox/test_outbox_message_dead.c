/* test_outbox_message_dead.c - copies of dead letters: what went wrong, and never too large themselves. */
#include "config_text.h"
#include "message_check.h"
#include "support/check.h"

static const struct varve_dead_letter *letter(void)
{
    static struct varve_dead_letter dead;

    dead = (struct varve_dead_letter){
        .error_code = varve_view_str("MSG_SIZE_TOO_LARGE"), .last_error = varve_view_str("too large"), .retry_count = 3,
    };
    return &dead;
}

static void a_copy_says_what_went_wrong(void **state)
{
    struct outbox_configs configs = config_lines("dead_letter_topic = dead\nroute = -> topic=pay format=envelope\n");
    struct outbox_arena *arena = outbox_arena_create(0);
    struct varve_event event = message_event();
    struct outbox_message message;

    assert_int_equal(outbox_message_make_dead(configs.all[0], &event, letter(), arena, &message, NULL), VARVE_OK);
    assert_string_equal(message.topic, "dead");
    assert_true(varve_view_equal(message.key, event.stream));
    assert_int_equal(message.position, 4711);
    message_value_is(&message, "{ \"amount\": 12.50 }");
    assert_non_null(strstr(message_headers(&message), "v-id=10111213-1415-1617-1819-1a1b1c1d1e1f\n"
                                                      "v-type=payment.captured\n"));
    assert_non_null(strstr(message_headers(&message), "v-error-code=MSG_SIZE_TOO_LARGE\nv-error=too large\n"
                                                      "v-attempts=3\nv-topic=pay\n"));
    assert_null(message_header(&message, "v-cut-from").data);
    event.type = varve_view_str("no topic");
    outbox_configs_end(&configs);

    configs = config_lines("dead_letter_topic = dead\nroute = -> topic=pay.{type}\n");
    assert_int_equal(outbox_message_make_dead(configs.all[0], &event, letter(), arena, &message, NULL), VARVE_OK);
    assert_null(message_header(&message, "v-topic").data);
    outbox_arena_free(arena);
    outbox_configs_end(&configs);
}

/* Names as long as they may be, a topic as long as it may be, metadata and data beyond the limit. */
static void the_largest_event_fits_the_smallest_limit(void **state)
{
    static char text[600], error[VARVE_MAX_OUTBOX_REASON], data[100000];
    struct outbox_configs configs = config_lines("dead_letter_topic = dead\nmax_message_bytes = 4096\n");
    struct outbox_arena *arena = outbox_arena_create(0);
    struct varve_event event = message_event();
    struct varve_dead_letter dead = *letter();
    struct outbox_message message;

    memset(text, 'a', sizeof(text));
    memset(error, 'e', sizeof(error));
    memset(data, 'd', sizeof(data));
    text[243] = '-';
    event.stream = varve_view_of(text, VARVE_MAX_STREAM_NAME);
    event.type = event.source = event.user_id = varve_view_of(text, 255);
    event.position = event.version = UINT64_MAX;
    event.schema_version = UINT32_MAX;
    event.content_type = VARVE_CONTENT_OCTET_STREAM;
    dead.error_code = varve_view_of(text, 64);
    dead.last_error = varve_view_of(error, sizeof(error));
    dead.retry_count = UINT32_MAX;
    for (size_t metadata = 0; metadata < sizeof(data); metadata = metadata * 2 + 500) {
        event.data = varve_view_of(data, sizeof(data));
        event.metadata = varve_view_of(data, metadata);
        assert_int_equal(outbox_message_make_dead(configs.all[0], &event, &dead, arena, &message, NULL), VARVE_OK);
        assert_true(message.size <= 4096);
        assert_true(varve_view_equal(message_header(&message, "v-cut-from"), varve_view_str("100000")));
        assert_int_equal(message_header(&message, "v-topic").size, 249);
        assert_true((message_header(&message, "v-meta").data != NULL) == (metadata <= 512));
    }
    outbox_arena_free(arena);
    outbox_configs_end(&configs);
}

static void a_cut_is_told(void **state)
{
    static char data[10000];
    struct outbox_configs configs = config_lines("dead_letter_topic = dead\nmax_message_bytes = 8192\n");
    struct outbox_arena *arena = outbox_arena_create(0);
    struct varve_event event = message_event();
    struct outbox_message message;

    event.data = varve_view_of(data, sizeof(data));
    assert_int_equal(outbox_message_make_dead(configs.all[0], &event, letter(), arena, &message, NULL), VARVE_OK);
    assert_true(message.size <= 8192 && message.size > 8100);
    assert_ptr_equal(message.value.data, data);
    outbox_arena_free(arena);
    outbox_configs_end(&configs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_says_what_went_wrong), cmocka_unit_test(the_largest_event_fits_the_smallest_limit),
        cmocka_unit_test(a_cut_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
