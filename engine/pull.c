/* pull.c - msgpack taken value by value out of untrusted bytes.
 *
 * One function, take_head(), knows the format: it reads the first bytes of a value and says what it is and how many
 * bytes or values follow. Everything else asks it. */
#include "varve/pull.h"

#include "big_endian.h"

#include <string.h>

/* The head of one value. */
struct head {
    enum varve_pull_kind kind;
    bool negative;    /* INT: the number is number_signed, else number */
    uint64_t number;  /* INT, BOOL; the count of an ARRAY or MAP; the bytes of STR, BIN, EXT (its type byte included) */
    int64_t number_signed;
};

void varve_pull_init(struct varve_pull *pull, const void *bytes, size_t size)
{
    *pull = (struct varve_pull){ .at = bytes, .end = (const uint8_t *)bytes + size };
}

static const enum varve_pull_kind high_kinds[] = { /* of the first bytes c0 to df */
    VARVE_PULL_NIL, VARVE_PULL_BAD, VARVE_PULL_BOOL, VARVE_PULL_BOOL, VARVE_PULL_BIN, VARVE_PULL_BIN, VARVE_PULL_BIN,
    VARVE_PULL_EXT, VARVE_PULL_EXT, VARVE_PULL_EXT, VARVE_PULL_FLOAT, VARVE_PULL_FLOAT, VARVE_PULL_INT, VARVE_PULL_INT,
    VARVE_PULL_INT, VARVE_PULL_INT, VARVE_PULL_INT, VARVE_PULL_INT, VARVE_PULL_INT, VARVE_PULL_INT, VARVE_PULL_EXT,
    VARVE_PULL_EXT, VARVE_PULL_EXT, VARVE_PULL_EXT, VARVE_PULL_EXT, VARVE_PULL_STR, VARVE_PULL_STR, VARVE_PULL_STR,
    VARVE_PULL_ARRAY, VARVE_PULL_ARRAY, VARVE_PULL_MAP, VARVE_PULL_MAP,
};
static const uint8_t high_widths[] = { /* how many bytes of a number or length follow them */
    0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4,
};

static enum varve_pull_kind kind_of(uint8_t first)
{
    if (first >= 0xc0 && first <= 0xdf)
        return high_kinds[first - 0xc0];
    if (first >= 0xa0 && first <= 0xbf)
        return VARVE_PULL_STR;
    if (first >= 0x90 && first <= 0x9f)
        return VARVE_PULL_ARRAY;
    if (first >= 0x80 && first <= 0x8f)
        return VARVE_PULL_MAP;
    return VARVE_PULL_INT;
}

enum varve_pull_kind varve_pull_peek(const struct varve_pull *pull)
{
    if (pull->failed)
        return VARVE_PULL_BAD;
    return pull->at == pull->end ? VARVE_PULL_END : kind_of(*pull->at);
}

static size_t bytes_left(const struct varve_pull *pull)
{
    return (size_t)(pull->end - pull->at);
}

static uint64_t load_number(const uint8_t *bytes, unsigned width)
{
    switch (width) {
    case 1: return bytes[0];
    case 2: return load_be16(bytes);
    case 4: return load_be32(bytes);
    case 8: return load_be64(bytes);
    }
    return 0;
}

/* What a first byte without number bytes says by itself. */
static void set_short_number(uint8_t first, struct head *ret)
{
    if (first < 0x80)
        ret->number = first;
    else if (first >= 0xe0) {
        ret->negative = true;
        ret->number_signed = (int8_t)first;
    } else if (first < 0xa0)
        ret->number = first & 0x0f;
    else if (first < 0xc0)
        ret->number = first & 0x1f;
    else if (ret->kind == VARVE_PULL_EXT)
        ret->number = (UINT64_C(1) << (first - 0xd4)) + 1;
    else
        ret->number = first == 0xc3;
}

static void set_signed_number(unsigned width, struct head *ret)
{
    unsigned unused_bits = 64 - 8 * width;
    int64_t number = (int64_t)(ret->number << unused_bits) >> unused_bits;

    ret->number = (uint64_t)number;
    ret->number_signed = number;
    ret->negative = number < 0;
}

static bool fail(struct varve_pull *pull)
{
    pull->failed = true;
    return false;
}

/* Take a value's head. A length or count that the bytes left do not cover is a failure. */
static bool take_head(struct varve_pull *pull, struct head *ret)
{
    if (pull->failed || pull->at == pull->end)
        return fail(pull);

    uint8_t first = *pull->at;
    bool is_high = first >= 0xc0 && first <= 0xdf;
    unsigned width = is_high ? high_widths[first - 0xc0] : 0;
    *ret = (struct head){ .kind = kind_of(first) };
    if (ret->kind == VARVE_PULL_BAD || bytes_left(pull) - 1 < width)
        return fail(pull);

    if (width == 0) {
        set_short_number(first, ret);
    } else {
        ret->number = load_number(pull->at + 1, width);
        if (first >= 0xd0 && first <= 0xd3)
            set_signed_number(width, ret);
        else if (ret->kind == VARVE_PULL_EXT)
            ret->number++; /* Its type. */
    }
    pull->at += 1 + width;

    bool is_span = ret->kind >= VARVE_PULL_STR; /* Of bytes or of values of a byte at least. */
    uint64_t needed = ret->kind == VARVE_PULL_MAP ? 2 * ret->number : ret->number;
    return !is_span || needed <= bytes_left(pull) ? true : fail(pull);
}

static bool take_kind(struct varve_pull *pull, enum varve_pull_kind kind, struct head *ret)
{
    return varve_pull_peek(pull) == kind ? take_head(pull, ret) : fail(pull);
}

uint32_t varve_pull_array(struct varve_pull *pull)
{
    struct head head;

    return take_kind(pull, VARVE_PULL_ARRAY, &head) ? (uint32_t)head.number : 0;
}

uint32_t varve_pull_map(struct varve_pull *pull)
{
    struct head head;

    return take_kind(pull, VARVE_PULL_MAP, &head) ? (uint32_t)head.number : 0;
}

uint64_t varve_pull_uint(struct varve_pull *pull, uint64_t max)
{
    struct head head;

    if (!take_kind(pull, VARVE_PULL_INT, &head))
        return 0;
    if (head.negative || head.number > max) {
        fail(pull);
        return 0;
    }
    return head.number;
}

int64_t varve_pull_int(struct varve_pull *pull)
{
    struct head head;

    if (!take_kind(pull, VARVE_PULL_INT, &head))
        return 0;
    if (head.negative)
        return head.number_signed;
    if (head.number > INT64_MAX) {
        fail(pull);
        return 0;
    }
    return (int64_t)head.number;
}

bool varve_pull_bool(struct varve_pull *pull)
{
    struct head head;

    return take_kind(pull, VARVE_PULL_BOOL, &head) && head.number == 1;
}

bool varve_pull_nil(struct varve_pull *pull)
{
    if (varve_pull_peek(pull) != VARVE_PULL_NIL)
        return false;
    pull->at++;
    return true;
}

static struct varve_view take_bytes(struct varve_pull *pull, enum varve_pull_kind kind)
{
    struct head head;

    if (!take_kind(pull, kind, &head))
        return varve_view_of(NULL, 0);

    const char *start = (const char *)pull->at;
    pull->at += head.number;
    return varve_view_of(start, (size_t)head.number);
}

struct varve_view varve_pull_str(struct varve_pull *pull)
{
    return take_bytes(pull, VARVE_PULL_STR);
}

struct varve_view varve_pull_bin(struct varve_pull *pull)
{
    return take_bytes(pull, VARVE_PULL_BIN);
}

struct varve_view varve_pull_str_or_nil(struct varve_pull *pull)
{
    return varve_pull_nil(pull) ? varve_view_of(NULL, 0) : varve_pull_str(pull);
}

struct varve_view varve_pull_bin_or_nil(struct varve_pull *pull)
{
    return varve_pull_nil(pull) ? varve_view_of(NULL, 0) : varve_pull_bin(pull);
}

void varve_pull_uuid_or_nil(struct varve_pull *pull, struct varve_uuid *ret)
{
    static const struct varve_uuid nil;
    struct varve_view bytes = varve_pull_bin_or_nil(pull);

    *ret = nil;
    if (bytes.data == NULL)
        return; /* Absent, or failed. */
    if (bytes.size != sizeof(ret->bytes) || memcmp(bytes.data, nil.bytes, sizeof(nil.bytes)) == 0)
        fail(pull);
    else
        memcpy(ret->bytes, bytes.data, sizeof(ret->bytes));
}

/* Past the bytes that belong to the head just taken, but for the values inside an array or map: their number is
 * returned. */
static uint64_t pass_body(struct varve_pull *pull, const struct head *head)
{
    if (head->kind == VARVE_PULL_ARRAY)
        return head->number;
    if (head->kind == VARVE_PULL_MAP)
        return 2 * head->number;
    if (head->kind >= VARVE_PULL_STR)
        pull->at += head->number;
    return 0;
}

void varve_pull_skip(struct varve_pull *pull)
{
    struct head head;

    for (uint64_t wanted = 1; wanted > 0;) {
        if (!take_head(pull, &head))
            return;
        wanted += pass_body(pull, &head) - 1;
        if (wanted > bytes_left(pull)) {
            fail(pull);
            return;
        }
    }
}

bool varve_pull_done(const struct varve_pull *pull)
{
    return !pull->failed && pull->at == pull->end;
}

bool varve_msgpack_check(const void *bytes, size_t size, unsigned max_depth)
{
    uint64_t wanted[VARVE_MSGPACK_MAX_DEPTH + 1] = { 1 }; /* values that are still to come, level by level */
    unsigned depth = 0;
    struct varve_pull pull;
    struct head head;

    if (max_depth > VARVE_MSGPACK_MAX_DEPTH)
        max_depth = VARVE_MSGPACK_MAX_DEPTH;
    varve_pull_init(&pull, bytes, size);
    for (;;) {
        while (depth > 0 && wanted[depth] == 0)
            depth--;
        if (wanted[depth] == 0)
            return varve_pull_done(&pull);
        if (!take_head(&pull, &head))
            return false;
        wanted[depth]--;
        uint64_t inside = pass_body(&pull, &head);
        if (head.kind != VARVE_PULL_ARRAY && head.kind != VARVE_PULL_MAP)
            continue;
        if (depth == max_depth)
            return false;
        wanted[++depth] = inside;
    }
}
