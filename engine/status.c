/* status.c - names and sentences of the registry, and the one way to fill in an error. */
#include "varve/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *varve_status_name(enum varve_status status)
{
    switch (status) {
    case VARVE_OK:
        return "OK";
#define VARVE_ERROR(number, name, retryable, details, meaning) \
    case VARVE_##name: return #name;
#include "varve/errors.def"
#undef VARVE_ERROR
    }
    return "UNKNOWN";
}

const char *varve_status_meaning(enum varve_status status)
{
    switch (status) {
    case VARVE_OK:
        return "it was done";
#define VARVE_ERROR(number, name, retryable, details, meaning) \
    case VARVE_##name: return meaning;
#include "varve/errors.def"
#undef VARVE_ERROR
    }
    return "an outcome that this version of varve does not know";
}

bool varve_status_retryable(enum varve_status status)
{
    switch (status) {
    case VARVE_OK:
        return false;
#define VARVE_ERROR(number, name, retryable, details, meaning) \
    case VARVE_##name: return (retryable);
#include "varve/errors.def"
#undef VARVE_ERROR
    }
    return false;
}

/* A cut may have split a character; the half of it is dropped. */
static void drop_partial_character(char *text, size_t size)
{
    size_t start = size;

    while (start > 0 && size - start < 3 && ((uint8_t)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0)
        return;

    uint8_t lead = (uint8_t)text[start - 1];
    size_t needed = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (size - (start - 1) < needed)
        text[start - 1] = '\0';
}

/* Names that others chose may stand in a message; a log line stays one line all the same. */
static void replace_controls(char *text)
{
    for (; *text != '\0'; text++)
        if ((uint8_t)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

enum varve_status varve_fail(struct varve_error *error, enum varve_status status, const char *field,
                             const char *format, ...)
{
    if (error == NULL)
        return status;

    struct varve_error made = { .status = status }; /* On the side: an argument may lie in *error. */
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(made.message, sizeof(made.message), format, arguments);
    va_end(arguments);

    if (size >= (int)sizeof(made.message))
        drop_partial_character(made.message, sizeof(made.message) - 1);
    replace_controls(made.message);
    if (field != NULL)
        snprintf(made.field, sizeof(made.field), "%s", field);
    *error = made;
    return status;
}
