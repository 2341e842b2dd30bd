/* page_cursor.h - what a cursor of page_file.h shows to its neighbours only. */
#ifndef ENGINE_PAGE_CURSOR_H
#define ENGINE_PAGE_CURSOR_H

#include "varve/page_file.h"

#include "db_nodes.h"

/* The free list's keys are numbers, and its branches may have one node. Before the first seek. */
void page_cursor_expect_free_list(struct varve_page_cursor *cursor);
/* The entry it stands on. */
const struct node *page_cursor_node(const struct varve_page_cursor *cursor);

#endif
