/* wire_values.h - single values between C and JSON, and the messages of consumers, which have files of their own. */
#ifndef TESTS_WIRE_VALUES_H
#define TESTS_WIRE_VALUES_H

#include "wire_meaning.h"

json_t *json_of_text(struct varve_view text);         /* absent: null */
json_t *json_of_bytes(struct varve_view bytes);       /* hex; absent: null */
json_t *json_of_uuid(const struct varve_uuid *uuid);  /* nil: null */
json_t *json_of_count(uint64_t number, uint64_t absent); /* null for `absent` */
json_t *json_of_time(int64_t time_us);
json_t *json_of_record(struct varve_view record);
json_t *json_of_stats(const struct varve_stat *stats, size_t count);

void *value_room(size_t count, size_t size); /* cleared; lives until meaning_forget() */
struct varve_view value_text(const json_t *object, const char *key);
struct varve_view value_bytes(const json_t *object, const char *key);
struct varve_uuid value_uuid(const json_t *value);
int64_t value_int(const json_t *object, const char *key);
uint64_t value_count(const json_t *object, const char *key, uint64_t absent);
int64_t value_time(const json_t *object, const char *key);
bool value_bool(const json_t *object, const char *key);
struct varve_view value_record(const json_t *meaning);
const struct varve_stat *value_stats(const json_t *map, size_t *ret_count);

json_t *json_of_append(const struct varve_append_request *append);
json_t *json_of_append_ok(const struct varve_append_outcome *outcome);
struct varve_append_request value_append(const json_t *m);
struct varve_append_outcome value_append_ok(const json_t *m);

/* As meaning_decode() and meaning_encode(), for messages about subscriptions and groups, about sagas and snapshots,
 * and about outboxes. */
enum varve_status consumer_meaning_decode(uint8_t opcode, struct varve_view body, struct varve_wire_arena *arena,
                                          json_t **ret_meaning, struct varve_error *error);
bool consumer_meaning_encode(struct varve_wire_buffer *out, uint32_t request_id, uint8_t opcode,
                             const json_t *meaning);
enum varve_status state_meaning_decode(uint8_t opcode, struct varve_view body, struct varve_wire_arena *arena,
                                       json_t **ret_meaning, struct varve_error *error);
bool state_meaning_encode(struct varve_wire_buffer *out, uint32_t request_id, uint8_t opcode, const json_t *meaning);
enum varve_status outbox_meaning_decode(uint8_t opcode, struct varve_view body, struct varve_wire_arena *arena,
                                        json_t **ret_meaning, struct varve_error *error);
bool outbox_meaning_encode(struct varve_wire_buffer *out, uint32_t request_id, uint8_t opcode, const json_t *meaning);

#endif
