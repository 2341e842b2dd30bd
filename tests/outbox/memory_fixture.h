/* memory_fixture.h - an outbox's memory over a store in a directory of its own, and all of it as a text. */
#ifndef TESTS_MEMORY_FIXTURE_H
#define TESTS_MEMORY_FIXTURE_H

#include "server/outbox/outbox_memory.h"
#include "support/store_fixture.h"

#define MEMORY_NAME "kafka"
#define MEMORY_STREAM "$outbox-kafka"
#define MEMORY_HINTS "$outbox.published-kafka"

struct memory_fixture {
    struct store_fixture store;
    struct outbox_memory memory;
    struct varve_error error;
};

/* For cmocka: *state is the fixture, the store and the memory open. */
int memory_setup(void **state);
int memory_teardown(void **state);
void memory_open(struct memory_fixture *f);   /* must succeed */
void memory_reopen(struct memory_fixture *f); /* close the memory, and open it over the same store */

/* As if the process died now, perhaps after a fault of the disk: what the disk has, opened anew. */
void memory_crash(struct memory_fixture *f);

/* Everything that is remembered, but for events_read; free it. */
char *memory_picture(const struct outbox_memory *memory);
/* Reopened it is the same. */
void memory_check_reopened(struct memory_fixture *f);

struct varve_dead_letter memory_letter(const char *stream, uint64_t position);
/* A letter, and what waits behind: positions until 0. */
void memory_park(struct memory_fixture *f, const char *stream, uint64_t position, ...);
/* "100 110 120" */
const char *memory_waiting(const struct outbox_memory *memory, const char *stream);
/* An event of a system stream, whatever its data are. */
void memory_write(struct memory_fixture *f, const char *stream, const char *type, const char *data);

#endif
