/* outbox_words.c - the names of an outbox's phases, reasons, fates and orders; here, so that clients have them too. */
#include "varve/outbox.h"

#define NAME_IN(table, value) ((size_t)(value) < sizeof(table) / sizeof((table)[0]) ? (table)[value] : NULL)

const char *varve_outbox_phase_name(enum varve_outbox_phase phase)
{
    static const char *const names[VARVE_OUTBOX_PHASES] = {
        [VARVE_OUTBOX_STOPPED] = "STOPPED", [VARVE_OUTBOX_INIT] = "INIT", [VARVE_OUTBOX_RECOVER] = "RECOVER",
        [VARVE_OUTBOX_RUN] = "RUN", [VARVE_OUTBOX_REFRESH] = "REFRESH", [VARVE_OUTBOX_ISOLATE] = "ISOLATE",
        [VARVE_OUTBOX_BACKOFF] = "BACKOFF", [VARVE_OUTBOX_PROBE] = "PROBE", [VARVE_OUTBOX_PAUSED] = "PAUSED",
        [VARVE_OUTBOX_HALTED] = "HALTED",
    };

    return NAME_IN(names, phase);
}

const char *varve_outbox_breaker_name(enum varve_outbox_breaker breaker)
{
    static const char *const names[] = {
        [VARVE_BREAKER_CLOSED] = "CLOSED", [VARVE_BREAKER_OPEN] = "OPEN", [VARVE_BREAKER_HALF_OPEN] = "HALF_OPEN",
    };

    return NAME_IN(names, breaker);
}

const char *varve_outbox_halt_name(enum varve_outbox_halt halt)
{
    static const char *const names[VARVE_HALTS] = {
        [VARVE_HALT_NONE] = "NONE", [VARVE_HALT_SUPERSEDED] = "SUPERSEDED", [VARVE_HALT_DIVERGED] = "DIVERGED",
        [VARVE_HALT_CHECKPOINT_MISSING] = "CHECKPOINT_MISSING",
        [VARVE_HALT_CHECKPOINT_REGRESSED] = "CHECKPOINT_REGRESSED", [VARVE_HALT_LOG_CORRUPT] = "LOG_CORRUPT",
        [VARVE_HALT_PARK_LIMIT] = "PARK_LIMIT", [VARVE_HALT_POISON] = "POISON",
        [VARVE_HALT_PARTITIONS_CHANGED] = "PARTITIONS_CHANGED", [VARVE_HALT_CONFIG] = "CONFIG",
    };

    return NAME_IN(names, halt);
}

const char *varve_outbox_mode_name(enum varve_outbox_mode mode)
{
    static const char *const names[] = {
        [VARVE_OUTBOX_EXACTLY_ONCE] = "exactly_once", [VARVE_OUTBOX_AT_LEAST_ONCE] = "at_least_once",
    };

    return NAME_IN(names, mode);
}

const char *varve_outbox_fate_name(enum varve_outbox_fate fate)
{
    static const char *const names[VARVE_OUTBOX_FATES] = {
        [VARVE_FATE_PENDING] = "pending", [VARVE_FATE_PUBLISHED] = "published", [VARVE_FATE_FAILED] = "failed",
        [VARVE_FATE_FILTERED] = "filtered", [VARVE_FATE_DISCARDED] = "discarded",
    };

    return NAME_IN(names, fate);
}

const char *varve_outbox_action_name(enum varve_outbox_action action)
{
    static const char *const names[VARVE_OUTBOX_ACTIONS] = {
        [VARVE_OUTBOX_PAUSE] = "pause", [VARVE_OUTBOX_RESUME] = "resume", [VARVE_OUTBOX_RESET] = "reset",
        [VARVE_OUTBOX_RETRY] = "retry", [VARVE_OUTBOX_DISCARD] = "discard", [VARVE_OUTBOX_REPLAY] = "replay",
    };

    return NAME_IN(names, action);
}

bool varve_outbox_figure_is_bool(struct varve_view name)
{
    return varve_view_equal(name, varve_view_str("is_mock")) || varve_view_equal(name, varve_view_str("agrees"));
}
