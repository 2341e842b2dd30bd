/* http_cases.h - the parts of the section `http`. */
#ifndef BENCH_HTTP_CASES_H
#define BENCH_HTTP_CASES_H

#include "bench.h"

/* How long each measurement of ours takes. */
uint32_t http_case_ms(const struct settings *settings);
void push_cases(const struct settings *settings, struct report *report);

#endif
