/* message_check.h - what every message must stand: going there and back, being cut short, being tampered with. */
#ifndef TESTS_WIRE_MESSAGE_CHECK_H
#define TESTS_WIRE_MESSAGE_CHECK_H

#include "frame_body.h"

/* The frame in `buffer`, a good one, is decoded and encoded to the same bytes; with an element of a later version at
 * the end of its array it means the same; cut short anywhere it is PROTOCOL, as it is with a byte more; random bytes in
 * it change nothing but the answer, which says why. The buffer is emptied. */
void message_check(struct varve_wire_buffer *buffer, uint8_t opcode, struct varve_wire_arena *arena, uint64_t *random);

/* Is this body refused with INVALID_ARGUMENT and this field? Empties the buffer. */
void message_check_field(struct varve_wire_buffer *buffer, uint8_t opcode, struct varve_wire_arena *arena,
                         const char *field);

/* A body that claims more than it holds is PROTOCOL and takes next to no memory. */
void message_check_hostile(uint8_t opcode, const char *bytes, size_t size, struct varve_wire_arena *arena);

#endif
