/* listing.h - a list that comes in pages: a table for people, objects for programs, and nothing at all before the first
 * answer. */
#ifndef TOOLS_LISTING_H
#define TOOLS_LISTING_H

#include "output.h"
#include "varve/status.h"

struct listing {
    struct output *output;
    const struct table_column *columns;
    size_t column_count;
    uint32_t page;        /* entries asked for at a time */
    uint64_t left;        /* UINT64_MAX: there is no limit */
    bool begun;
    struct table *table;  /* NULL: objects are printed */
    struct text text;     /* for those who print an entry */
};

/* Asks for at most `limit` entries behind those that came before. Once they are there: listing_begin(), and prints
 * them. *ret_end: there are no more. */
typedef enum varve_status listing_ask(void *user, struct listing *listing, uint32_t limit, size_t *ret_count,
                                      bool *ret_end, struct varve_error *error);
void listing_begin(struct listing *listing); /* the second time and later: nothing */

/* Page after page, until the last one, --limit, or nobody who reads; ends what is printed. */
enum varve_status listing_run(struct listing *listing, listing_ask *ask, void *user, struct varve_error *error);

#endif
