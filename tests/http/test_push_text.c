/* test_push_text.c - an event as it is sent, cut to what may go out, rejected and counted; and made once. */
#include "push_probe.h"

#include <stdlib.h>

#include "varve/json.h"

#define RECORDED "2023-11-14T22:13:20.000000Z"

/* A batch of a channel of its own, and what holds it. */
struct made {
    struct fixture *fixture;
    struct push_channel *channel;
    struct push_batch *batch;
};

static struct made make(struct fixture *f, uint64_t after, const struct probe_event *events, size_t count)
{
    static const struct varve_filter all = { 0 };
    struct follow_batch batch = probe_batch(after, events, count);
    struct made made = { .fixture = f, .channel = push_channel_enter(f->server.push, varve_filter_copy(&all)) };

    made.batch = push_batch_of(f->server.push, made.channel, after, &batch);
    probe_batch_end(&batch);
    return made;
}

static void end(struct made *made)
{
    push_batches_hide(made->fixture->server.push);
    push_channel_leave(made->fixture->server.push, made->channel);
}

static struct varve_view render(struct made *made, uint32_t index)
{
    struct push_event *event = &made->batch->events[index];

    assert_true(push_text_render(made->fixture->server.push, made->batch, event));
    if (event->state == PUSH_REJECTED)
        return varve_view_of(NULL, 0);
    return varve_view_of((char *)made->batch->text.bytes + event->text_at, event->text_size);
}

static void check_text(struct made *made, uint32_t index, const char *expected)
{
    struct varve_view text = render(made, index);

    if (!varve_view_equal(text, varve_view_str(expected)))
        fail_msg("%.*s\nexpected\n%s", (int)text.size, text.data, expected);
}

static void an_event_is_three_lines_and_an_empty_one(void **state)
{
    struct fixture *f = fixture_open("");
    const struct probe_event events[] = {
        { .type = "offer.made", .data = "{\"total\":1}", .user = "anna", .metadata = "{\"m\":2}" }, { .data = "" },
    };
    struct made made = make(f, 41, events, 2);

    check_text(&made, 0, "event: offer.made\nid: 42\ndata: {\"stream\":\"probe-1\",\"type\":\"offer.made\","
               "\"id\":\"01000000-0000-0000-0000-000000000000\",\"user_id\":\"anna\",\"metadata\":{\"m\":2},"
               "\"data\":{\"total\":1},\"version\":0,\"position\":42,\"recorded_at\":\"" RECORDED "\"}\n\n");
    assert_int_equal(made.batch->events[0].name_size, strlen("event: offer.made\n"));
    check_text(&made, 1, "event: tested\nid: 43\ndata: {\"stream\":\"probe-1\",\"type\":\"tested\","
               "\"id\":\"01000000-0000-0000-0000-000000000000\",\"version\":1,\"position\":43,"
               "\"recorded_at\":\"" RECORDED "\"}\n\n");
    end(&made);
    fixture_close(f);
}

/* Whatever stands in the data: `data:` is one line, and JSON. */
static void data_never_breaks_the_line(void **state)
{
    static const struct probe_event events[] = {
        { .data = "{\n\"a\":\r\n[1,\r2]\n}\n" }, { .data = "\"\\n\\r\\u2028\"" }, { .data = "\n\n5\r\r" },
        { .data = "\"\xe2\x80\xa8\xe2\x80\xa9\xc2\x85\"" },
        { .data = "\x82\xa1\x61\xa1\n\xa1\r\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
          .content_type = VARVE_CONTENT_MSGPACK },
        { .data = "\ndata: evil\n\n", .content_type = VARVE_CONTENT_OCTET_STREAM },
        { .data = "{}", .metadata = "{\"a\":\n\r1}" }, { .user = "id: 7 \xe2\x80\xa8" },
    };
    struct fixture *f = fixture_open("");
    struct made made = make(f, 0, events, COUNT_OF(events));

    for (uint32_t i = 0; i < COUNT_OF(events); i++) {
        struct varve_view text = render(&made, i);
        char *copy = strndup(text.data, text.size), *data = strstr(copy, "\ndata: ");
        unsigned lines = 0;

        for (const char *at = copy; *at != 0; at++) {
            lines += *at == '\n';
            assert_int_not_equal(*at, '\r');
        }
        assert_int_equal(lines, 4);
        assert_true(varve_json_check(varve_view_str(data + 7), NULL, NULL));
        free(copy);
    }
    end(&made);
    fixture_close(f);
}

/* Of a small one JSON is made; of a large one it would take ten times the memory. */
static void large_msgpack_is_left_as_it_is(void **state)
{
    enum { LARGE = 1024 * 1024 + 1 };
    struct fixture *f = fixture_open("");
    char *data = malloc(LARGE);

    memset(data, '\x01', LARGE);
    for (unsigned more = 0; more < 2; more++) {
        memcpy(data, more ? "\xdd\x00\x0f\xff\xfc" : "\xdd\x00\x0f\xff\xfb", 5); /* An array of so many ones. */
        struct made made = make(f, 5, &(struct probe_event){ .data = data, .data_size = LARGE - 1 + more,
                                                             .content_type = VARVE_CONTENT_MSGPACK }, 1);
        struct varve_view text = render(&made, 0);
        size_t data_at = (size_t)((char *)memmem(text.data, text.size, "\"data\":", 7) + 7 - text.data);

        assert_int_equal(text.data[data_at], more ? '"' : '[');
        assert_true(text.size < 3 * LARGE);
        end(&made);
    }
    free(data);
    fixture_close(f);
}

static void only_listed_fields_go_out(void **state)
{
    static const struct probe_event events[] = {
        { .data = "{\"a\":1,\"b\":2,\"c\":{\"d\":3,\"e\":4}}", .user = "u", .metadata = "{\"a\":5}" },
        { .data = "[1]" }, { .data = "7" },
        { .data = "\x81\xa1\x61\xc3", .content_type = VARVE_CONTENT_MSGPACK },
        { .data = "{\"a\":1}", .content_type = VARVE_CONTENT_OCTET_STREAM },
    };
    struct fixture *f = fixture_open("--push.fields a,c.d");
    struct made made = make(f, 0, events, COUNT_OF(events));
    static const char *const datas[] = { ",\"data\":{\"a\":1,\"c\":{\"d\":3}}", ",\"data\":[]", "",
                                         ",\"data\":{\"a\":true}", "" };

    for (uint32_t i = 0; i < COUNT_OF(events); i++) {
        struct varve_view text = render(&made, i);
        char *copy = strndup(text.data, text.size);
        const char *found = strstr(copy, ",\"data\":");

        assert_null(strstr(copy, "metadata"));
        CHECK_CASE(datas[i][0] == 0 ? found == NULL : found != NULL && strstr(found, datas[i]) == found, datas[i]);
        CHECK_CASE((strstr(copy, "\"user_id\":\"u\"") != NULL) == (i == 0), datas[i]);
        free(copy);
    }
    end(&made);
    fixture_close(f);
}

static void of_metadata_only_what_is_named_goes_out(void **state)
{
    static const struct probe_event events[] = {
        { .data = "{\"a\":1,\"metadata\":{\"t\":2}}", .metadata = "{\"t\":3,\"u\":4,\"w\":{\"x\":5,\"y\":6}}" },
        { .data = "{\"t\":1}", .metadata = "{\"u\":4}" }, { .data = "{\"a\":1}", .metadata = "\"t\"" },
        { .data = "{\"a\":1}" },
    };
    static const struct { const char *options, *sent[COUNT_OF(events)]; } cases[] = {
        { "--push.fields a,metadata.t,metadata.w.x",
          { ",\"metadata\":{\"t\":3,\"w\":{\"x\":5}},\"data\":{\"a\":1},", ",\"metadata\":{},\"data\":{},",
            ",\"data\":{\"a\":1},", ",\"data\":{\"a\":1}," } },
        { "--push.fields metadata.t",
          { ",\"metadata\":{\"t\":3},\"data\":{},", ",\"metadata\":{},\"data\":{},",
            ",\"data\":{},", ",\"data\":{}," } },
        { "--push.fields metadata",
          { ",\"data\":{\"metadata\":{\"t\":2}},", ",\"data\":{},", ",\"data\":{},", ",\"data\":{}," } },
    };

    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct fixture *f = fixture_open(cases[c].options);
        struct made made = make(f, 0, events, COUNT_OF(events));

        for (uint32_t i = 0; i < COUNT_OF(events); i++) {
            struct varve_view text = render(&made, i);
            char *copy = strndup(text.data, text.size);

            CHECK_CASE(strstr(copy, cases[c].sent[i]) != NULL, copy);
            CHECK_CASE((strstr(copy, ",\"metadata\":") != NULL) == (cases[c].sent[i][2] == 'm'), copy);
            free(copy);
        }
        end(&made);
        fixture_close(f);
    }
}

/* Whoever asks again, when there is memory again, gets all of it. */
static void without_memory_it_is_not_made(void **state)
{
    static const struct probe_event events[] = { { .type = "a" }, { .type = "b" } };
    struct fixture *f = fixture_open("");
    struct made made = make(f, 0, events, 2);
    struct push_event *event = &made.batch->events[1];

    size_t size = render(&made, 0).size;
    made.batch->text.failed = true; /* As when it could not grow. */
    assert_false(push_text_render(f->server.push, made.batch, event));
    assert_int_equal(event->state, PUSH_UNSEEN);
    assert_int_equal(made.batch->text.size, size);
    struct varve_view text = render(&made, 1);
    assert_memory_equal(text.data, "event: b\nid: 2\n", 15);
    assert_memory_equal(text.data + text.size - 3, "}\n\n", 3);
    end(&made);
    fixture_close(f);
}

static void rejections_are_counted_once(void **state)
{
    static const struct probe_event events[] = {
        { .type = "other", .data = "{\"id\":5}" }, { .type = "ok.a" },
        { .type = "ok.a", .user = "u", .data = "{\"id\":5}" },
        { .type = "ok.a", .user = "u", .data = "{\"at\":5}" }, { .type = "ok.a", .user = "u" },
    };
    struct fixture *f = fixture_open("--push.allow_types ok.* --push.required_fields user_id "
                                     "--push.uuid_fields data.id --push.time_fields data.at");

    for (unsigned round = 0; round < 3; round++) { /* As if of three channels. */
        struct made made = make(f, 100, events, COUNT_OF(events));

        for (unsigned again = 0; again < 2; again++)
            for (uint32_t i = 0; i < COUNT_OF(events); i++)
                assert_int_equal(render(&made, i).data != NULL, i == 4);
        assert_int_equal(probe_figure(f, "push_events_rendered"), round + 1);
        end(&made);
    }
    assert_int_equal(probe_figure(f, "push_rejected_type_not_allowed"), 1);
    assert_int_equal(probe_figure(f, "push_rejected_missing_field"), 1);
    assert_int_equal(probe_figure(f, "push_rejected_bad_id"), 1);
    assert_int_equal(probe_figure(f, "push_rejected_bad_time"), 1);
    struct made later = make(f, 200, events, COUNT_OF(events)); /* Other events. */
    assert_null(render(&later, 1).data);
    assert_int_equal(probe_figure(f, "push_rejected_missing_field"), 2);
    end(&later);
    fixture_close(f);
}

static void users_are_looked_up(void **state)
{
    static const struct probe_event events[] = { { .user = "anna" }, { .user = NULL } };
    struct fixture *f = fixture_open("");
    struct made made = make(f, 0, events, 2);

    for (unsigned again = 0; again < 2; again++) {
        assert_true(varve_view_equal(push_text_user(&made.batch->events[0]), varve_view_str("anna")));
        assert_null(push_text_user(&made.batch->events[1]).data);
    }
    end(&made);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_three_lines_and_an_empty_one), cmocka_unit_test(data_never_breaks_the_line),
        cmocka_unit_test(large_msgpack_is_left_as_it_is),
        cmocka_unit_test(only_listed_fields_go_out), cmocka_unit_test(of_metadata_only_what_is_named_goes_out),
        cmocka_unit_test(without_memory_it_is_not_made),
        cmocka_unit_test(rejections_are_counted_once),
        cmocka_unit_test(users_are_looked_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
