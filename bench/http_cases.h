/* http_cases.h - the parts of the section `http`. */
#ifndef BENCH_HTTP_CASES_H
#define BENCH_HTTP_CASES_H

#include "bench.h"

void push_cases(const struct settings *settings, struct report *report);

#endif
