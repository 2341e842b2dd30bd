/* db_pages.c - what is done to a file before LMDB sees it: its two meta pages read, judged, and made durable
 * again. */
#include "db_pages.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { LMDB_MAGIC = (int)0xBEEFC0DE, LMDB_VERSION = 1, LMDB_INTEGERKEY = 8, LMDB_TREE_FLAGS = 0x3f };
enum { MIN_PAGE = 4096, MAX_PAGE = 65536, MAX_MISSING_PAGES = 4096 };

_Static_assert(sizeof(struct page_header) == 16, "as LMDB lays it out");
_Static_assert(sizeof(struct page_tree) == 48, "as LMDB lays it out");
_Static_assert(sizeof(struct page_meta) == 136, "as LMDB lays it out");

const char *db_pages_label(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static enum varve_status fail_errno(struct varve_error *error, const char *label, int rc, const char *doing)
{
    enum varve_status status = rc == -ENOSPC || rc == -EDQUOT ? VARVE_DISK_FULL
                               : rc == -EROFS                 ? VARVE_READ_ONLY
                               : rc == -ENOMEM                ? VARVE_NO_MEMORY
                                                              : VARVE_IO;

    return varve_fail(error, status, NULL, "%s: cannot %s: %s", label, doing, strerror(-rc));
}

static bool is_root(const struct page_tree *tree, const struct page_meta *meta)
{
    return tree->depth <= PAGES_MAX_DEPTH &&
           (tree->root == PAGE_NONE || (tree->root >= PAGES_META && tree->root <= meta->last_page));
}

/* NULL when the page is a meta page as LMDB writes it, else what is wrong with it. */
static const char *meta_problem(const struct page_header *header, const struct page_meta *meta, uint64_t number)
{
    uint32_t page_size = meta->free_list.pad;

    if (meta->magic != (uint32_t)LMDB_MAGIC)
        return "its magic number is not LMDB's";
    if (meta->version != LMDB_VERSION)
        return "it is of another version of LMDB's format";
    if (header->number != number || header->flags != PAGE_IS_META)
        return "its page header is damaged";
    if (page_size < MIN_PAGE || page_size > MAX_PAGE || (page_size & (page_size - 1)) != 0)
        return "its page size is damaged";
    if ((meta->free_list.flags & LMDB_TREE_FLAGS) != LMDB_INTEGERKEY ||
        (meta->catalogue.flags & LMDB_TREE_FLAGS) != 0)
        return "its flags are damaged";
    /* Transactions take turns with the two pages. */
    if (meta->txn_id != 0 && (meta->txn_id & 1) != number)
        return "its transaction number is damaged";
    return NULL;
}

/* Asked of the newest only. When writing a meta page fails, LMDB writes the old transaction number and last page back
 * over it, but not the old roots: such a page is never used, and the next commit makes it whole. */
static bool has_sound_page_numbers(const struct page_meta *meta)
{
    return meta->last_page >= PAGES_META - 1 && meta->last_page <= (UINT64_MAX >> 17) &&
           is_root(&meta->free_list, meta) && is_root(&meta->catalogue, meta);
}

static enum varve_status read_meta(const struct varve_os *os, int fd, const char *label, uint64_t number,
                                   uint32_t page_size, struct page_meta *ret_meta, struct varve_error *error)
{
    uint8_t bytes[sizeof(struct page_header) + sizeof(struct page_meta)];
    struct page_header header;
    ssize_t size = os->pread(os->self, fd, bytes, sizeof(bytes), number * page_size);
    const char *problem = "the file ends before it";

    if (size < 0)
        return fail_errno(error, label, (int)size, "read its meta pages");
    if (size == (ssize_t)sizeof(bytes)) {
        memcpy(&header, bytes, sizeof(header));
        memcpy(ret_meta, bytes + sizeof(header), sizeof(*ret_meta));
        problem = meta_problem(&header, ret_meta, number);
    }
    if (problem != NULL)
        return varve_fail(error, VARVE_CORRUPT, NULL, "%s: meta page %d: %s", label, (int)number, problem);
    return VARVE_OK;
}

enum varve_status db_pages_read_metas(const struct varve_os *os, int fd, const char *label,
                                      struct page_meta *ret_newest, uint32_t *ret_page_size, struct varve_error *error)
{
    struct page_meta metas[PAGES_META];
    enum varve_status status = read_meta(os, fd, label, 0, MIN_PAGE, &metas[0], error);
    uint64_t ahead;

    if (status == VARVE_OK)
        status = read_meta(os, fd, label, 1, metas[0].free_list.pad, &metas[1], error);
    if (status != VARVE_OK)
        return status;
    if (metas[0].free_list.pad != metas[1].free_list.pad)
        return varve_fail(error, VARVE_CORRUPT, NULL, "%s: its meta pages name different page sizes",
                          label);
    ahead = metas[1].txn_id - metas[0].txn_id;
    if (ahead != 1 && ahead != UINT64_MAX)
        return varve_fail(error, VARVE_CORRUPT, NULL,
                          "%s: its meta pages are of transactions %llu and %llu, which do not follow each other", label,
                          (unsigned long long)metas[0].txn_id, (unsigned long long)metas[1].txn_id);
    if (!has_sound_page_numbers(&metas[ahead == 1]))
        return varve_fail(error, VARVE_CORRUPT, NULL, "%s: meta page %d: its page numbers are damaged", label,
                          (int)(ahead == 1));
    *ret_newest = metas[ahead == 1];
    *ret_page_size = metas[0].free_list.pad;
    return VARVE_OK;
}

/* Write both meta pages once more, as they are, and wait until the disk has them. */
static int rewrite_metas(const struct varve_os *os, int fd, uint32_t page_size)
{
    size_t size = (size_t)PAGES_META * page_size;
    uint8_t *bytes = malloc(size);
    ssize_t rc = -ENOMEM;

    if (bytes == NULL)
        return (int)rc;
    rc = os->pread(os->self, fd, bytes, size, 0);
    if (rc >= 0)
        rc = (size_t)rc == size ? os->pwrite(os->self, fd, bytes, size, 0) : -EIO;
    if (rc == 0)
        rc = os->fdatasync(os->self, fd);
    free(bytes);
    return (int)rc;
}

static int has_byte(const struct varve_os *os, int fd, uint64_t offset)
{
    uint8_t byte;

    return (int)os->pread(os->self, fd, &byte, 1, offset);
}

/* The last pages may never have been written, when the transaction that took them gave them back. Such a file is made
 * longer: LMDB maps it, and to read past its end would kill the process. If more is missing, the file has lost its
 * end. */
static enum varve_status lengthen(const struct varve_os *os, int fd, const char *label, uint64_t pages,
                                  uint32_t page_size, struct varve_error *error)
{
    uint64_t needed = pages > MAX_MISSING_PAGES ? (pages - MAX_MISSING_PAGES) * page_size : 1;
    int rc = has_byte(os, fd, needed - 1);

    if (rc == 0)
        return varve_fail(error, VARVE_CORRUPT, NULL, "%s: the file ends long before its last page, %llu", label,
                          (unsigned long long)pages - 1);
    if (rc > 0)
        rc = has_byte(os, fd, pages * page_size - 1);
    if (rc == 0)
        rc = os->ftruncate(os->self, fd, pages * page_size);
    return rc >= 0 ? VARVE_OK : fail_errno(error, label, rc, "make the file longer");
}

static enum varve_status prepare(const struct varve_os *os, int fd, const char *label, bool read_only,
                                 struct varve_error *error)
{
    struct page_meta newest;
    uint32_t page_size;
    enum varve_status status = db_pages_read_metas(os, fd, label, &newest, &page_size, error);
    int rc;

    if (status == VARVE_OK && !read_only)
        status = lengthen(os, fd, label, newest.last_page + 1, page_size, error);
    if (status != VARVE_OK || read_only)
        return status;
    rc = rewrite_metas(os, fd, page_size);
    return rc == 0 ? VARVE_OK : fail_errno(error, label, rc, "make its meta pages durable");
}

enum varve_status db_pages_prepare(const char *path, const struct varve_os *os, bool read_only,
                                   struct varve_error *error)
{
    int fd = os->open(os->self, path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC, 0);
    const char *label = db_pages_label(path);
    enum varve_status status;

    if (fd == -ENOENT)
        return varve_fail(error, VARVE_NOT_A_STORE, NULL, "%s does not exist", path);
    if (fd < 0)
        return fail_errno(error, label, fd, "open it");
    status = prepare(os, fd, label, read_only, error);
    os->close(os->self, fd); /* Before LMDB locks the file: closing any descriptor of it would drop those locks. */
    return status;
}
