/* wire_meaning.h - messages as JSON, the way docs/protocol-vectors writes down what they mean. */
#ifndef TESTS_WIRE_MEANING_H
#define TESTS_WIRE_MEANING_H

#include "varve/wire_config.h"
#include "varve/wire_health.h"
#include "varve/wire_outbox.h"
#include "varve/wire_saga.h"
#include "varve/wire_snapshot.h"

#include <jansson.h>

/* Decode one body of this opcode. On VARVE_OK *ret_meaning is its meaning, owned by the caller. */
enum varve_status meaning_decode(uint8_t opcode, struct varve_view body, struct varve_wire_arena *arena,
                                 json_t **ret_meaning, struct varve_error *error);

/* Append the frame that means this. False for an opcode that is not known. */
bool meaning_encode(struct varve_wire_buffer *out, uint32_t request_id, uint8_t opcode, const json_t *meaning);

/* Records and single values; texts are hex or UUIDs. What is returned lives until meaning_forget(). */
json_t *meaning_of_record(const struct varve_event *event);
struct varve_event meaning_to_record(const json_t *meaning);
struct varve_view meaning_bytes(const char *hex);
void meaning_forget(void);

#endif
