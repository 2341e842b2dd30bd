/* number_text.c - see number_text.h. */
#include "varve/number_text.h"

bool varve_number_parse(struct varve_view text, uint64_t *ret)
{
    uint64_t number = 0;

    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = (unsigned)(text.data[i] - '0');

        if (digit > 9 || __builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, digit, &number))
            return false;
    }
    if (text.size == 0)
        return false;
    *ret = number;
    return true;
}
