/* name_sort.h - sorting streams by name or by id, a few hundred thousand at a time. */
#ifndef ENGINE_NAME_SORT_H
#define ENGINE_NAME_SORT_H

#include "settle_parts.h"

/* By the bytes of their names, which hold no NUL. */
void sort_by_name(struct settle_order *orders, size_t count);
/* By `rank`, as it is. */
void sort_by_rank(struct settle_order *orders, size_t count);

#endif
