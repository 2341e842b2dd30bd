/* fuzz_pull.c - reads stay inside, failures are final, and what is accepted is what msgpack-c accepts. */
#include "fuzz.h"
#include "varve/pull.h"
#include "varve/uuid.h"

#include <msgpack.h>

/* Less than what msgpack-c takes without memory of its own. */
#define DEPTH 16

static bool msgpack_c_accepts(const uint8_t *bytes, size_t size)
{
    msgpack_unpacked unpacked;
    size_t offset = 0;

    msgpack_unpacked_init(&unpacked);
    msgpack_unpack_return result = msgpack_unpack_next(&unpacked, (const char *)bytes, size, &offset);
    msgpack_unpacked_destroy(&unpacked);
    return result == MSGPACK_UNPACK_SUCCESS && offset == size;
}

static void take_text(struct varve_pull *pull, struct varve_view text)
{
    MUST(!pull->failed || (text.data == NULL && text.size == 0));
    MUST(text.data == NULL || (const uint8_t *)text.data + text.size == pull->at);
}

static void take_count(struct varve_pull *pull, uint32_t count, unsigned values_each)
{
    MUST(pull->failed ? count == 0 : (uint64_t)count * values_each <= (size_t)(pull->end - pull->at));
}

static void take(struct varve_pull *pull, uint8_t operation)
{
    struct varve_uuid uuid;

    switch (operation % 12) {
    case 0: take_count(pull, varve_pull_array(pull), 1); break;
    case 1: take_count(pull, varve_pull_map(pull), 2); break;
    case 2: MUST(varve_pull_uint(pull, operation) <= operation); break;
    case 3: MUST(varve_pull_int(pull) == 0 || !pull->failed); break;
    case 4: MUST(!varve_pull_bool(pull) || !pull->failed); break;
    case 5: MUST(!varve_pull_nil(pull) || !pull->failed); break;
    case 6: take_text(pull, varve_pull_str(pull)); break;
    case 7: take_text(pull, varve_pull_bin(pull)); break;
    case 8: take_text(pull, varve_pull_str_or_nil(pull)); break;
    case 9: take_text(pull, varve_pull_bin_or_nil(pull)); break;
    case 10:
        varve_pull_uuid_or_nil(pull, &uuid);
        MUST(!pull->failed || varve_uuid_is_nil(&uuid));
        break;
    default: varve_pull_skip(pull); break;
    }
}

/* The first byte says how many operations stand before the bytes they work on. */
static void run_operations(const uint8_t *bytes, size_t size)
{
    size_t count = size == 0 ? 0 : bytes[0] % 64;
    struct varve_pull pull;

    if (count + 1 > size)
        return;
    varve_pull_init(&pull, bytes + 1 + count, size - 1 - count);
    for (size_t i = 0; i < count; i++) {
        struct varve_pull before = pull;
        take(&pull, bytes[1 + i]);
        MUST(pull.at >= before.at && pull.at <= pull.end && pull.end == before.end);
        MUST(!before.failed || (pull.failed && pull.at == before.at));
        MUST(!pull.failed || varve_pull_peek(&pull) == VARVE_PULL_BAD);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct varve_pull pull;
    bool shallow = varve_msgpack_check(bytes, size, DEPTH);

    varve_pull_init(&pull, bytes, size);
    varve_pull_skip(&pull);
    MUST(!varve_msgpack_check(bytes, size, VARVE_MSGPACK_MAX_DEPTH) || varve_pull_done(&pull));
    if (shallow) {
        MUST(varve_msgpack_check(bytes, size, VARVE_MSGPACK_MAX_DEPTH));
        MUST(msgpack_c_accepts(bytes, size));
    }
    run_operations(bytes, size);
    return 0;
}
