/* test_transact.c - transactions: the shape of every part, all or nothing, which part failed, and repetitions. */
#include "engine/append.h"
#include "support/check.h"
#include "support/transact_fixture.h"

#include <stdlib.h>

static void a_transaction_is_one_append(void **ignored)
{
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    assert_string_equal(transact(&f, "a:none=.. *order-1:begin/reserve=S b:none=. $checkpoint-p:any=. c:none"),
                        "ok a@0-1/1-2 b@0-0/3-3 c@none *order-1@0-0/4-4 $checkpoint-p@0-0/5-5");
    assert_string_equal(saga_text(&f, "order", "1"), "running reserve v0 @4 =S");
    assert_string_equal(transact(&f, "*order-1:step:0/pay!500 *order-2:begin"), "ok *order-1@1-1/6-6 *order-2@0-0/7-7");
    assert_string_equal(saga_text(&f, "order", "1"), "running pay v1 @6 =S !500");
    assert_string_equal(saga_text(&f, "order", "2"), "running  v0 @7");
    assert_string_equal(saga_text(&f, "order", "3"), "SAGA_NOT_FOUND");
    assert_string_equal(transact(&f, "*order-1:complete:1=T"), "ok *order-1@2-2/8-8");
    assert_string_equal(saga_text(&f, "order", "1"), "completed pay v2 @8 =T");
    assert_string_equal(saga_counts_text(&f), "order 1,0,0,1,0");
    fixture_reopen(&f);
    assert_string_equal(saga_text(&f, "order", "1"), "completed pay v2 @8 =T");
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transaction_is_one_append),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
