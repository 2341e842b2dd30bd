/* life.h - the recorded life of a store: the workload under the recorder, through several processes, most of them
 * killed in the middle of an operation. Their page cache lives on: a later sync, or a crash of the machine, settles its
 * fate. */
#ifndef TESTS_CRASH_LIFE_H
#define TESTS_CRASH_LIFE_H

#include "tests/crash/trace.h"

struct life {
    const char *control;   /* the recorder's lie; "" = none */
    const char *programs;  /* the folder with crash/workload and preload/recorder.so */
    const char *scratch;   /* an empty directory */
    uint64_t seed;
    unsigned sessions, appends; /* processes, and appends of each */
};

void life_record(const struct life *life, struct trace *ret_trace);

#endif
