/* sample_event.h - an event with everything, one with nothing, and their bytes. */
#ifndef TESTS_SAMPLE_EVENT_H
#define TESTS_SAMPLE_EVENT_H

#include "varve/event.h"

struct varve_event sample_event_full(void); /* order-42@3, position 7, every optional field there */
struct varve_event sample_event_bare(void); /* s, type t, an id, nothing else */

/* The event's record in memory of exactly its size, so that a sanitizer sees any step beyond. Free with free(). */
uint8_t *sample_event_encode(const struct varve_event *event, size_t *ret_size);

#endif
