/* test_utf8.c - every character there is, and every way to write one wrongly. */
#include "engine/utf8.h"
#include "support/check.h"

/* Written from the definition of UTF-8, not from the table that utf8.c follows. */
static unsigned put_character(uint32_t number, uint8_t bytes[4])
{
    if (number < 0x80) {
        bytes[0] = (uint8_t)number;
        return 1;
    }
    unsigned size = number < 0x800 ? 2 : number < 0x10000 ? 3 : 4;
    for (unsigned i = size - 1; i > 0; i--, number >>= 6)
        bytes[i] = 0x80 | (number & 0x3f);
    bytes[0] = (uint8_t)(0xf0 << (4 - size)) | (uint8_t)number;
    return size;
}

static bool is_control(uint32_t number)
{
    return number < 0x20 || (number >= 0x7f && number < 0xa0);
}

static void every_number_is_judged_rightly(void **state)
{
    for (uint32_t number = 0; number < 0x120000; number++) {
        uint8_t text[4];
        size_t offset = 99;
        unsigned size = put_character(number, text);
        bool exists = number < 0x110000 && (number < 0xd800 || number > 0xdfff);
        enum utf8_verdict expected = !exists ? UTF8_BROKEN : is_control(number) ? UTF8_CONTROL : UTF8_PLAIN;

        if (utf8_check_plain((char *)text, size, &offset) != expected)
            fail_msg("U+%04X judged wrongly", number);
        assert_int_equal(offset, expected == UTF8_PLAIN ? 99 : 0);
        if (number >= 0x80)
            assert_int_equal(utf8_sequence(text, text + size), exists ? size : 0);
    }
}

static void the_offset_is_that_of_the_first_offence(void **state)
{
    static const struct { const char *label, *text; size_t size; enum utf8_verdict verdict; size_t offset; } cases[] = {
        { "empty", "", 0, UTF8_PLAIN, 0 },
        { "long ascii", "0123456789abcdefghijklmnopqrstuvwxyz ~", 38, UTF8_PLAIN, 0 },
        { "NUL inside", "01234567\0", 9, UTF8_CONTROL, 8 },
        { "DEL in an eight", "0123\x7f""567", 8, UTF8_CONTROL, 4 },
        { "newline after eight", "012345678\n1234567", 17, UTF8_CONTROL, 9 },
        { "C1", "ab\xc2\x85", 4, UTF8_CONTROL, 2 },
        { "no-break space is no control", "\xc2\xa0", 2, UTF8_PLAIN, 0 },
        { "lone continuation", "abc\x80", 4, UTF8_BROKEN, 3 },
        { "overlong slash", "\xc0\xaf", 2, UTF8_BROKEN, 0 },
        { "overlong in three", "\xe0\x80\xaf", 3, UTF8_BROKEN, 0 },
        { "overlong in four", "\xf0\x80\x80\xaf", 4, UTF8_BROKEN, 0 },
        { "surrogate", "xx\xed\xa0\x80", 5, UTF8_BROKEN, 2 },
        { "beyond the last", "\xf4\x90\x80\x80", 4, UTF8_BROKEN, 0 },
        { "no such lead", "\xff", 1, UTF8_BROKEN, 0 },
        { "bad third", "\xe2\x82x", 3, UTF8_BROKEN, 0 },
        { "bad fourth", "\xf0\x9f\x8cx", 4, UTF8_BROKEN, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t offset = 0;
        CHECK_CASE(utf8_check_plain(cases[i].text, cases[i].size, &offset) == cases[i].verdict, cases[i].label);
        CHECK_CASE(offset == cases[i].offset, cases[i].label);
    }
}

static void cut_characters_are_broken(void **state)
{
    static const char *const characters[] = { "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x8c\x8d" };
    size_t offset;

    for (size_t i = 0; i < COUNT_OF(characters); i++)
        for (size_t size = 1; size < strlen(characters[i]); size++)
            assert_int_equal(utf8_check_plain(characters[i], size, &offset), UTF8_BROKEN);
}

static void each_byte_is_judged_the_same_at_each_place(void **state)
{
    for (unsigned byte = 0; byte < 128; byte++)
        for (size_t place = 0; place < 20; place++) {
            char text[20];
            size_t offset = 0;
            memset(text, 'a', sizeof(text));
            text[place] = (char)byte;
            bool control = is_control(byte);
            assert_int_equal(utf8_check_plain(text, sizeof(text), &offset), control ? UTF8_CONTROL : UTF8_PLAIN);
            assert_int_equal(offset, control ? place : 0);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_is_judged_rightly),
        cmocka_unit_test(the_offset_is_that_of_the_first_offence),
        cmocka_unit_test(cut_characters_are_broken),
        cmocka_unit_test(each_byte_is_judged_the_same_at_each_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
