/* append_check.h - the shape of a request: every rule that needs no stream, with the field's name where one is broken.
 * What an append of streams and a transaction of several parts (transact.c) have in common. */
#ifndef ENGINE_APPEND_CHECK_H
#define ENGINE_APPEND_CHECK_H

#include "store_parts.h"

/* Clients write to names without '$'; the server to those with one, but not to those of sagas; the engine to "$$" for a
 * change of a stream. */
enum append_writer { APPEND_CLIENT, APPEND_SERVER, APPEND_ENGINE };

/* No more of both than one append may have: APPEND_TOO_LARGE. */
enum varve_status append_check_counts(const struct varve_options *limits, size_t stream_count, size_t event_count,
                                      struct varve_error *error);
/* Names, expectations and events, and the sum of the records' sizes. `numbered`: a single stream is called
 * "streams[0]", not "stream". */
enum varve_status append_check_shape(const struct varve_options *limits, const struct varve_append_request *request,
                                     enum append_writer writer, bool numbered, uint64_t *ret_size,
                                     struct varve_error *error);
/* APPEND_TOO_LARGE. */
enum varve_status append_check_size(const struct varve_options *limits, uint64_t records_size,
                                    struct varve_error *error);
/* The index of a stream and of an event's id that stand there for the second time; the counts when none does.
 * NO_MEMORY. */
enum varve_status append_find_duplicates(const struct varve_store *store, const struct varve_append_request *request,
                                         size_t *ret_stream, size_t *ret_event, struct varve_error *error);
/* All of it, for an append that is nothing but streams. */
enum varve_status append_check_request(const struct varve_store *store, const struct varve_append_request *request,
                                       enum append_writer writer, uint64_t *ret_size, struct varve_error *error);

#endif
