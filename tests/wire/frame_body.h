/* frame_body.h - the body of the one frame in a buffer. */
#ifndef TESTS_WIRE_FRAME_BODY_H
#define TESTS_WIRE_FRAME_BODY_H

#include "support/check.h"
#include "varve/wire.h"

/* The frame must have this opcode, and nothing may follow it. */
static inline struct varve_view frame_body(const struct varve_wire_buffer *buffer, uint8_t opcode)
{
    struct varve_frame frame;

    assert_false(buffer->failed);
    assert_true(buffer->size > VARVE_WIRE_HEADER);
    assert_int_equal(varve_frame_decode(buffer->bytes, VARVE_WIRE_MAX_FRAME, &frame, NULL), VARVE_OK);
    assert_int_equal(frame.opcode, opcode);
    assert_int_equal(frame.length, buffer->size - VARVE_WIRE_HEADER);
    return varve_view_of((const char *)buffer->bytes + VARVE_WIRE_HEADER, frame.length);
}

#endif
