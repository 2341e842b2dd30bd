/* effort.c - see effort.h. */
#include "support/effort.h"

#include "support/check.h"

#include <stdlib.h>

uint64_t test_seed(uint64_t usual)
{
    const char *given = getenv("VARVE_TEST_SEED");
    uint64_t seed = given == NULL ? usual : strtoull(given, NULL, 0);

    print_message("seed %llu (repeat with VARVE_TEST_SEED=%llu)\n", (unsigned long long)seed,
                  (unsigned long long)seed);
    return seed;
}
