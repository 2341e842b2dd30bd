/* common.c - see common.h. */
#include "tests/crash/common.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void die(const char *format, ...)
{
    va_list arguments;

    fputs("crash test: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(2);
}

void *must_alloc(size_t size)
{
    void *memory = calloc(1, size);

    if (memory == NULL)
        die("no memory for %zu bytes", size);
    return memory;
}

void *must_grow(void *memory, size_t size)
{
    memory = realloc(memory, size);
    if (memory == NULL)
        die("no memory for %zu bytes", size);
    return memory;
}

void *grown(void *memory, size_t count, size_t *room, size_t item_bytes)
{
    if (count < *room)
        return memory;
    *room = *room == 0 ? 16 : 2 * *room;
    return must_grow(memory, *room * item_bytes);
}
