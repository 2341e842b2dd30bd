/* measure_json.c - how long checking JSON takes, beside jansson. The figures in docs/decisions/0001-json-check.md. */
#include "varve/json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char order[] =
    "{\"order_id\":\"0190a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b\",\"customer\":\"anna.schmidt@example.com\","
    "\"lines\":[{\"sku\":\"AB-1001\",\"quantity\":2,\"price\":19.99},"
    "{\"sku\":\"CD-2002\",\"quantity\":1,\"price\":5.49}],"
    "\"total\":45.47,\"currency\":\"EUR\",\"note\":\"Bitte beim Nachbarn abgeben, M\xc3\xbcller\"}";

enum { ROUNDS = 7 };

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool check_ours(const char *text, size_t size)
{
    return varve_json_check(varve_view_of(text, size), NULL, NULL);
}

static bool check_jansson(const char *text, size_t size)
{
    json_t *value = json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    bool good = value != NULL;

    json_decref(value);
    return good;
}

/* Nanoseconds per check, the fastest of a few rounds: others may be using this machine. */
static double measure(bool (*check)(const char *, size_t), const char *text, size_t size)
{
    unsigned repeats = (unsigned)(20000000 / (size + 100));
    double best = 1e9;

    for (unsigned round = 0; round < ROUNDS; round++) {
        double start = seconds();
        for (unsigned i = 0; i < repeats; i++)
            if (!check(text, size))
                exit(1);
        double taken = (seconds() - start) / repeats;
        if (taken < best)
            best = taken;
    }
    return best * 1e9;
}

static void report(const char *label, const char *text, size_t size)
{
    double ours = measure(check_ours, text, size), theirs = measure(check_jansson, text, size);

    printf("%-34s %7zu B  varve %9.0f ns  jansson %10.0f ns  %5.1f times\n", label, size, ours, theirs, theirs / ours);
}

static void say_who_takes(const char *label, const char *text, size_t size)
{
    printf("%-34s varve %-7s  jansson %s\n", label, check_ours(text, size) ? "takes" : "refuses",
           check_jansson(text, size) ? "takes" : "refuses");
}

int main(void)
{
    size_t text_size = 64 * 1024, many_size = 0;
    char *text = malloc(text_size), *many = malloc(1000 * sizeof(order));

    if (text == NULL || many == NULL)
        return 1;
    memset(text, 'x', text_size);
    text[0] = text[text_size - 1] = '"';
    many[many_size++] = '[';
    for (unsigned i = 0; i < 300; i++)
        many_size += (size_t)sprintf(many + many_size, "%s%s", i == 0 ? "" : ",", order);
    many[many_size++] = ']';

    report("{}", "{}", 2);
    report("an order", order, sizeof(order) - 1);
    report("300 orders", many, many_size);
    report("one string of 64 KiB", text, text_size);
    say_who_takes("123456789012345678901234567890", "123456789012345678901234567890", 30);
    say_who_takes("1e400", "1e400", 5);
    say_who_takes("\"\\ud800\" (RFC 8259 allows it)", "\"\\ud800\"", 8);
    say_who_takes("[1<NUL>] (a NUL behind a number)", "[1\0]", 4);
    free(text);
    free(many);
    return 0;
}
