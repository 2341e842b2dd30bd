/* db_pages.h - store.mdb as a file of pages, looked at without LMDB: LMDB believes every byte of its file, and crashes
 * or answers nonsense when one is wrong. What is read here is bounded first. The format is that of LMDB 0.9 on 64
 * bits. */
#ifndef ENGINE_DB_PAGES_H
#define ENGINE_DB_PAGES_H

#include "varve/os.h"
#include "varve/store.h"

enum { PAGES_META = 2, PAGES_MAX_DEPTH = 32 };
enum { PAGE_BRANCH = 1, PAGE_LEAF = 2, PAGE_OVERFLOW = 4, PAGE_IS_META = 8 };
#define PAGE_NONE UINT64_MAX /* the root of an empty tree */

struct page_header {
    uint64_t number;
    uint16_t pad, flags;
    union {
        struct {
            uint16_t lower, upper; /* free space lies between; offsets of the nodes stand before `lower` */
        };
        uint32_t overflow_pages;
    };
};
/* A tree: the two in the meta page are the free list and the catalogue of tables; each entry of that is another. */
struct page_tree {
    uint32_t pad;
    uint16_t flags, depth;
    uint64_t branch_pages, leaf_pages, overflow_pages, entries, root;
};
struct page_meta {
    uint32_t magic, version;
    uint64_t address, map_size;
    struct page_tree free_list, catalogue;
    uint64_t last_page, txn_id;
};

/* Before LMDB opens the file: are both meta pages what LMDB writes? Unless `read_only` the same bytes are written back
 * and synced, because after a crash of the process alone the newest may be in the page cache only, and everything we
 * say from now on rests on it; and a file that ends before its last page is made longer, so that no read of the map can
 * fall off its end. NOT_A_STORE: no such file. CORRUPT: not LMDB's, or damaged. */
enum varve_status db_pages_prepare(const char *path, const struct varve_os *os, bool read_only,
                                   struct varve_error *error);

/* The first half of it, on a file that is open: read and check both meta pages. Messages call it `label`. */
enum varve_status db_pages_read_metas(const struct varve_os *os, int fd, const char *label,
                                      struct page_meta *ret_newest, uint32_t *ret_page_size, struct varve_error *error);

/* How messages call the file of this path: by its name alone. */
const char *db_pages_label(const char *path);

#endif
