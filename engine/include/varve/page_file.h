/* page_file.h - an LMDB file read without LMDB, for floors above that keep files of their own: LMDB believes every byte
 * of its file, and crashes or answers nonsense when one is wrong. What is read here is bounded first.
 *
 * Before LMDB opens a file: varve_page_prepare(), varve_page_walk(). While it is open: cursors instead of LMDB's reads,
 * and a look at what LMDB is about to walk on before it writes. Sums tell a page that was damaged, or is an older one
 * that looks well, from what LMDB wrote. Keys are bytes in their order. */
#ifndef VARVE_PAGE_FILE_H
#define VARVE_PAGE_FILE_H

#include "varve/os.h"
#include "varve/status.h"

#define VARVE_PAGE_MAX_TABLES 8u /* of one file */

/* ---- before LMDB opens it --------------------------------------------------------------------------------------- */

/* Both meta pages are LMDB's; they are written back and synced, and a file that lacks its last pages is made longer.
 * NOT_A_STORE: no such file. CORRUPT: damaged, and nothing was changed. */
enum varve_status varve_page_prepare(const char *path, const struct varve_os *os, struct varve_error *error);

/* What pages looked like when LMDB wrote them: 4 bytes for each page of the file, taken as the file grows. */
struct varve_page_sums;
/* NULL: no memory. */
struct varve_page_sums *varve_page_sums_create(uint64_t map_size_bytes);
void varve_page_sums_destroy(struct varve_page_sums *sums); /* NULL allowed */
/* What LMDB writes in this thread is remembered here, until the next call. NULL: nowhere. */
void varve_page_sums_watch(struct varve_page_sums *sums);

/* Does the page tree hold together, with exactly these tables? Every page is looked at, and remembered in `sums` (may
 * be NULL); unless `whole`: the catalogue and the roots only. CORRUPT names the first problem. */
enum varve_status varve_page_walk(const char *path, const struct varve_os *os, const char *const *tables,
                                  unsigned table_count, bool whole, struct varve_page_sums *sums,
                                  struct varve_error *error);

/* ---- while it is open ------------------------------------------------------------------------------------------- */

struct varve_page_file {
    const struct varve_os *os;
    const char *label;              /* for messages; of the path, which must live */
    const struct varve_page_sums *sums; /* NULL: none */
    uint32_t page_size;
    int fd;
};
/* For reading. LMDB must not use locks on this file (MDB_NOLOCK): closing would end them. */
enum varve_status varve_page_file_open(const char *path, const struct varve_os *os, const struct varve_page_sums *sums,
                                       struct varve_page_file *ret_file, struct varve_error *error);
void varve_page_file_close(struct varve_page_file *file);

struct varve_page_tree {
    uint64_t root, entries;
    unsigned depth;                 /* 0: empty */
};
/* One state of the file: pages below it are not used again before the second commit after it. */
struct varve_page_roots {
    uint64_t last_page, transaction;
    struct varve_page_tree free_list;
    struct varve_page_tree tables[VARVE_PAGE_MAX_TABLES];
};
/* Of the newest commit. */
enum varve_status varve_page_roots_read(const struct varve_page_file *file, const char *const *tables,
                                        unsigned table_count, struct varve_page_roots *ret_roots,
                                        struct varve_error *error);
/* May LMDB take pages from its list of free ones? */
enum varve_status varve_page_check_free_list(const struct varve_page_file *file, const struct varve_page_roots *roots,
                                             struct varve_error *error);

struct varve_page_cursor;
/* `file` and `roots`, of which `tree` is a part, must outlive it. */
enum varve_status varve_page_cursor_create(const struct varve_page_file *file, const struct varve_page_roots *roots,
                                           const struct varve_page_tree *tree, struct varve_page_cursor **ret_cursor,
                                           struct varve_error *error);
void varve_page_cursor_destroy(struct varve_page_cursor *cursor); /* NULL allowed */

/* To the first entry whose key is not less. Not found: it stands behind the last. All of these: CORRUPT, IO. */
enum varve_status varve_page_cursor_seek(struct varve_page_cursor *cursor, const void *key, size_t size,
                                         bool *ret_found, struct varve_error *error);
/* To the next or previous one, after a seek. Not found: it stands where it stood. */
enum varve_status varve_page_cursor_step(struct varve_page_cursor *cursor, bool forward, bool *ret_found,
                                         struct varve_error *error);
/* Of the entry it stands on. The key lives until the cursor moves. */
const void *varve_page_cursor_key(const struct varve_page_cursor *cursor, size_t *ret_size);
size_t varve_page_cursor_value_size(const struct varve_page_cursor *cursor);
/* The value, if it has this size. With `bytes` NULL: can it be read at all? */
enum varve_status varve_page_cursor_value(const struct varve_page_cursor *cursor, void *bytes, size_t size,
                                          struct varve_error *error);
/* The leaf it stands on: its page, and how much of that is taken; `entry_bytes` of it by the entry it stands on. */
struct varve_page_leaf {
    uint64_t page;
    uint32_t page_size, used_bytes, entry_bytes;
};
struct varve_page_leaf varve_page_cursor_leaf(const struct varve_page_cursor *cursor);
/* After a seek: are the pages sound on which LMDB may tread when up to `deletes` entries about here are deleted? */
enum varve_status varve_page_cursor_check_around(struct varve_page_cursor *cursor, unsigned deletes,
                                                 struct varve_error *error);

#endif
