/* test_outbox_words.c - every word of an outbox has a name of its own, and nothing else has one. */
#include "support/check.h"

#include "varve/outbox.h"

#define CHECK_NAMES(type, name_of, ...)                                   \
    do {                                                                  \
        static const char *const names[] = { __VA_ARGS__ };               \
        for (size_t i = 0; i < COUNT_OF(names); i++)                      \
            assert_string_equal(name_of((type)i), names[i]);              \
        assert_null(name_of((type)COUNT_OF(names)));                      \
        assert_null(name_of((type)-1));                                   \
    } while (0)

static void every_word_has_its_name(void **state)
{
    CHECK_NAMES(enum varve_outbox_phase, varve_outbox_phase_name, "STOPPED", "INIT", "RECOVER", "RUN", "REFRESH",
                "ISOLATE", "BACKOFF", "PROBE", "PAUSED", "HALTED");
    CHECK_NAMES(enum varve_outbox_breaker, varve_outbox_breaker_name, "CLOSED", "OPEN", "HALF_OPEN");
    CHECK_NAMES(enum varve_outbox_halt, varve_outbox_halt_name, "NONE", "SUPERSEDED", "DIVERGED", "CHECKPOINT_MISSING",
                "CHECKPOINT_REGRESSED", "LOG_CORRUPT", "PARK_LIMIT", "POISON", "PARTITIONS_CHANGED", "CONFIG");
    CHECK_NAMES(enum varve_outbox_mode, varve_outbox_mode_name, "exactly_once", "at_least_once");
    CHECK_NAMES(enum varve_outbox_fate, varve_outbox_fate_name, "pending", "published", "failed", "filtered",
                "discarded");
    CHECK_NAMES(enum varve_outbox_action, varve_outbox_action_name, "pause", "resume", "reset", "retry", "discard",
                "replay");
}

static void some_figures_are_true_or_false(void **state)
{
    assert_true(varve_outbox_figure_is_bool(varve_view_str("is_mock")));
    assert_true(varve_outbox_figure_is_bool(varve_view_str("agrees")));
    assert_false(varve_outbox_figure_is_bool(varve_view_str("position")));
    assert_false(varve_outbox_figure_is_bool(varve_view_str("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_word_has_its_name),
                                        cmocka_unit_test(some_figures_are_true_or_false) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
