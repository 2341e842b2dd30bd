/* check.h - cmocka with the headers it wants, and what test files share. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

/* A table's case went wrong: say which, then fail. */
#define CHECK_CASE(condition, label)                                        \
    do {                                                                    \
        if (!(condition)) {                                                 \
            print_error("case \"%s\" at %s:%d\n", (label), __FILE__, __LINE__); \
            assert_true(condition);                                         \
        }                                                                   \
    } while (0)

#endif
