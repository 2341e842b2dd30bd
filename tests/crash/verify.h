/* verify.h - what must hold of any store that is opened after a crash. */
#ifndef TESTS_CRASH_VERIFY_H
#define TESTS_CRASH_VERIFY_H

#include "tests/crash/plan.h"

struct verify_demands {
    uint64_t seed;                 /* of the plan */
    const struct plan_mark *marks; /* acknowledged before the crash */
    size_t mark_count;
    bool twice;                    /* check it offline, deeply, and open it once more */
};

/* Open the directory with the engine and look: every acknowledged append is there, whole, at its positions, with its
 * ids and bytes; no append is there in part; positions and versions are dense; every index agrees with the log; another
 * append works. False, with the reason in `ret_problem`. */
bool verify_store(const char *path, const struct verify_demands *demands, char ret_problem[512]);

#endif
