/* number_text.h - numbers as people and programs write them in requests: decimal digits and nothing else. */
#ifndef VARVE_NUMBER_TEXT_H
#define VARVE_NUMBER_TEXT_H

#include "varve/event.h"

/* No sign, no blank; leading zeros are fine. false: it is not that, or above UINT64_MAX; *ret is untouched. */
bool varve_number_parse(struct varve_view text, uint64_t *ret);

#endif
