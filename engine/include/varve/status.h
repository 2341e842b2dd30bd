/* status.h - how every function of varve says what happened.
 *
 * Expected outcomes (a conflict, a missing stream) and faults (a broken disk) share one numbering, generated from
 * errors.def, so that C, the protocol, the command line and the docs use the same numbers and names. Bugs are not
 * statuses: they are asserts, and those stay on in release builds. */
#ifndef VARVE_STATUS_H
#define VARVE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum varve_status {
    VARVE_OK = 0,
#define VARVE_ERROR(number, name, retryable, details, meaning) VARVE_##name = (number),
#include "varve/errors.def"
#undef VARVE_ERROR
};

/* What went wrong, for people and for programs. Functions that take a `struct varve_error *` accept NULL and write it
 * only when they return something else than VARVE_OK. It owns nothing; copy it freely. */
struct varve_error {
    enum varve_status status;
    char field[48];           /* The field that is wrong (INVALID_ARGUMENT), else "". */
    char message[464];        /* One line, no newline: what, where, and what was expected. */
    uint64_t limit;           /* EVENT_TOO_LARGE, APPEND_TOO_LARGE: the limit that was passed. Else 0. */
    uint32_t retry_after_ms;  /* OVERLOADED: when to try again. Else 0. */
};

/* The registry's name, such as "WRONG_EXPECTED_VERSION"; "OK" for 0; "UNKNOWN" for a number of a newer registry. */
const char *varve_status_name(enum varve_status status);

/* The registry's sentence for people. */
const char *varve_status_meaning(enum varve_status status);

/* True when the same request may succeed later, unchanged. */
bool varve_status_retryable(enum varve_status status);

/* Fill *error (NULL is allowed) and return `status`, so that a failing function ends in one line. `field` may be
 * NULL. The message is cut, never overrun, when it is too long. */
enum varve_status varve_fail(struct varve_error *error, enum varve_status status, const char *field,
                             const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
