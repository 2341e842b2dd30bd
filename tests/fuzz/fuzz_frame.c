/* fuzz_frame.c - a header that is accepted says all that its bytes say, and never more than the limit allows. */
#include "fuzz.h"
#include "varve/wire.h"

static bool is_version_1(const uint8_t *header)
{
    return header[2] == VARVE_WIRE_VERSION;
}

static void check_accepted(const uint8_t *header, const struct varve_frame *frame, uint32_t limit)
{
    uint8_t again[VARVE_WIRE_HEADER];

    MUST(frame->length <= limit);
    MUST(varve_opcode_name(frame->opcode) != NULL);
    varve_frame_encode(frame, again);
    if (!is_version_1(header))
        memcpy(again + 4, header + 4, 4); /* What a later version keeps there is its own affair. */
    MUST(memcmp(again, header, sizeof(again)) == 0);
    MUST(!is_version_1(header) || frame->flags == 0);
}

/* A limit of four bytes, then frames one after the other, as a session cuts them. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint32_t limit = 0;

    if (size < sizeof(limit))
        return 0;
    memcpy(&limit, bytes, sizeof(limit));
    for (size_t at = sizeof(limit); size - at >= VARVE_WIRE_HEADER;) {
        struct varve_frame frame;
        struct varve_error error = { 0 };
        enum varve_status status = varve_frame_decode(bytes + at, limit, &frame, &error);

        MUST(status == VARVE_OK || status == VARVE_PROTOCOL);
        if (status != VARVE_OK) {
            MUST(error.status == VARVE_PROTOCOL && error.message[0] != '\0');
            return 0;
        }
        check_accepted(bytes + at, &frame, limit);
        if (size - at - VARVE_WIRE_HEADER < frame.length)
            return 0;
        at += VARVE_WIRE_HEADER + frame.length;
    }
    return 0;
}
