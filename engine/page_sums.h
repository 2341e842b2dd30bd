/* page_sums.h - what pages looked like when they were written, by their numbers. One thread writes, others may read. */
#ifndef ENGINE_PAGE_SUMS_H
#define ENGINE_PAGE_SUMS_H

#include "varve/page_file.h"

/* A page of a tree. Without memory for it, it is not known. */
void page_sums_set(struct varve_page_sums *sums, uint64_t page, const void *bytes, uint32_t page_size);
/* False: these are not the bytes that were written. NULL as `sums`, or a page that is not known: true. */
bool page_sums_match(const struct varve_page_sums *sums, uint64_t page, const void *bytes, uint32_t page_size);
/* LMDB is about to write these bytes in this thread: a page of a tree, or something else. */
void page_sums_see(const void *bytes, size_t size);

#endif
