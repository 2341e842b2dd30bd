/* wire_pass.h - any message, from its body through the structs of C and back to a frame. */
#ifndef TESTS_WIRE_PASS_H
#define TESTS_WIRE_PASS_H

#include "varve/wire_config.h"
#include "varve/wire_health.h"
#include "varve/wire_outbox.h"
#include "varve/wire_saga.h"
#include "varve/wire_snapshot.h"

#define WIRE_PASS_ID 7u

/* Decode `body` and, on VARVE_OK, append the frame with request id WIRE_PASS_ID that says the same to *out. */
typedef enum varve_status (*wire_pass)(uint8_t opcode, struct varve_view body, struct varve_wire_arena *arena,
                                       struct varve_wire_buffer *out, struct varve_error *error);

wire_pass wire_pass_of(uint8_t opcode); /* NULL: no such message */

#endif
