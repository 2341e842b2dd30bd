/* test_request.c - the list of what is under way on a connection. */
#include "support/check.h"

#include "server/request.h"

enum { COUNT = 4 };

struct numbered {
    struct request request;
    struct request_list *list;
    int stopped, roomed;
    const struct varve_error *why;
};

/* As handlers do: a stopped request ends, that is, leaves the list. */
static void stop(struct request *request, const struct varve_error *why)
{
    struct numbered *numbered = (struct numbered *)request;

    numbered->stopped++;
    numbered->why = why;
    request_list_remove(numbered->list, request);
}

static void room(struct request *request)
{
    ((struct numbered *)request)->roomed++;
}

static const struct request_kind waiting_kind = { .stop = stop, .room = room };
static const struct request_kind deaf_kind = { .stop = NULL };

static void credit(struct request *request, uint32_t bytes)
{
}

static void cancel(struct request *request, const struct varve_error *why)
{
}

static const struct request_kind flowing_kind = { .credit = credit, .cancel = cancel, .noun = "flow",
                                                  .is_subscription = true };

static void fill(struct request_list *list, struct numbered numbered[COUNT])
{
    *list = (struct request_list){ .first = NULL };
    for (int i = 0; i < COUNT; i++) {
        numbered[i] = (struct numbered){ .request.kind = &waiting_kind, .list = list };
        request_list_add(list, &numbered[i].request);
    }
    assert_int_equal(list->count, COUNT);
}

static void any_of_them_can_leave(void **state)
{
    for (int leaves = 0; leaves < COUNT; leaves++) {
        struct request_list list;
        struct numbered numbered[COUNT];
        int seen = 0;

        fill(&list, numbered);
        request_list_remove(&list, &numbered[leaves].request);
        assert_int_equal(list.count, COUNT - 1);
        for (struct request *request = list.first; request != NULL; request = request->next, seen++) {
            assert_ptr_not_equal(request, &numbered[leaves].request);
            assert_true(request->next == NULL || request->next->previous == request);
        }
        assert_int_equal(seen, COUNT - 1);
    }
}

static void stopping_spares_what_is_away(void **state)
{
    struct request_list list;
    struct numbered numbered[COUNT];
    const struct varve_error why = { .status = VARVE_NOT_READY };

    fill(&list, numbered);
    numbered[1].request.away = true;
    numbered[2].request.kind = &deaf_kind;
    request_list_stop(&list, &why);
    assert_int_equal(list.count, 2);
    assert_true(numbered[0].stopped == 1 && numbered[3].stopped == 1);
    assert_ptr_equal(numbered[0].why, &why);
    assert_int_equal(numbered[1].stopped, 0);
}

static void room_goes_to_those_that_wait(void **state)
{
    struct request_list list;
    struct numbered numbered[COUNT];

    fill(&list, numbered);
    numbered[3].request.away = true;
    numbered[0].request.kind = &deaf_kind;
    request_list_give_room(&list);
    assert_true(numbered[1].roomed == 1 && numbered[2].roomed == 1 && numbered[3].roomed == 0);
}

static void only_what_takes_credit_is_found(void **state)
{
    struct request_list list;
    struct numbered numbered[COUNT], flowing = { .request = { .kind = &flowing_kind, .id = 7 } };

    fill(&list, numbered);
    for (uint32_t i = 0; i < COUNT; i++)
        numbered[i].request.id = 6 + i;
    assert_null(request_list_find(&list, 7));
    request_list_add(&list, &flowing.request);
    assert_int_equal(list.subscription_count, 1);
    assert_ptr_equal(request_list_find(&list, 7), &flowing.request);
    assert_null(request_list_find(&list, 6));
    request_list_remove(&list, &flowing.request);
    assert_int_equal(list.subscription_count, 0);
    assert_null(request_list_find(&list, 7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_of_them_can_leave), cmocka_unit_test(stopping_spares_what_is_away),
        cmocka_unit_test(room_goes_to_those_that_wait), cmocka_unit_test(only_what_takes_credit_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
