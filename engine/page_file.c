/* page_file.c - an LMDB file from the outside: opened for reading, its newest roots, its list of free pages. */
#include "varve/page_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "page_cursor.h"

enum varve_status varve_page_prepare(const char *path, const struct varve_os *os, struct varve_error *error)
{
    return db_pages_prepare(path, os, false, error);
}

enum varve_status varve_page_file_open(const char *path, const struct varve_os *os, const struct varve_page_sums *sums,
                                       struct varve_page_file *ret_file, struct varve_error *error)
{
    struct varve_page_file file = { .os = os, .label = db_pages_label(path), .sums = sums };
    struct page_meta newest;
    enum varve_status status;

    file.fd = os->open(os->self, path, O_RDONLY | O_CLOEXEC, 0);
    if (file.fd < 0)
        return varve_fail(error, file.fd == -ENOENT ? VARVE_NOT_A_STORE : VARVE_IO, NULL, "%s: cannot open: %s",
                          file.label, strerror(-file.fd));
    status = db_pages_read_metas(os, file.fd, file.label, &newest, &file.page_size, error);
    if (status != VARVE_OK) {
        os->close(os->self, file.fd);
        return status;
    }
    *ret_file = file;
    return VARVE_OK;
}

void varve_page_file_close(struct varve_page_file *file)
{
    file->os->close(file->os->self, file->fd);
}

/* ---- roots ---- */

static enum varve_status damaged(const struct varve_page_file *file, const char *what, struct varve_error *error)
{
    return varve_fail(error, VARVE_CORRUPT, NULL, "%s: %s", file->label, what);
}

static struct varve_page_tree tree_of(const struct page_tree *tree)
{
    return (struct varve_page_tree){ .root = tree->root, .entries = tree->entries, .depth = tree->depth };
}

static bool is_sound(const struct varve_page_tree *tree)
{
    return tree->depth <= PAGES_MAX_DEPTH && (tree->depth == 0) == (tree->root == PAGE_NONE);
}

static enum varve_status take_table(const struct varve_page_file *file, const struct varve_page_cursor *cursor,
                                    const char *name, struct varve_page_tree *ret_tree, struct varve_error *error)
{
    const struct node *node = page_cursor_node(cursor);
    struct page_tree tree;

    if (node->key.size != strlen(name) || memcmp(node->key.data, name, node->key.size) != 0)
        return damaged(file, "its tables are not those that it should have", error);
    if (node->flags != NODE_TREE || node->value_size != sizeof(tree))
        return damaged(file, "an entry of its catalogue is damaged", error);
    memcpy(&tree, node->value, sizeof(tree));
    *ret_tree = tree_of(&tree);
    return tree.flags == 0 && is_sound(ret_tree) ? VARVE_OK
                                                 : damaged(file, "an entry of its catalogue is damaged", error);
}

static enum varve_status take_tables(const struct varve_page_file *file, struct varve_page_cursor *cursor,
                                     const char *const *tables, unsigned table_count, struct varve_page_roots *roots,
                                     struct varve_error *error)
{
    enum varve_status status = VARVE_OK;

    for (unsigned i = 0; i < table_count && status == VARVE_OK; i++) {
        bool found = false;

        status = varve_page_cursor_seek(cursor, tables[i], strlen(tables[i]), &found, error);
        if (status == VARVE_OK)
            status = found ? take_table(file, cursor, tables[i], &roots->tables[i], error)
                           : damaged(file, "a table is missing", error);
    }
    return status;
}

enum varve_status varve_page_roots_read(const struct varve_page_file *file, const char *const *tables,
                                        unsigned table_count, struct varve_page_roots *ret_roots,
                                        struct varve_error *error)
{
    struct varve_page_roots roots = { .last_page = 0 };
    struct varve_page_cursor *cursor = NULL;
    struct varve_page_tree catalogue;
    struct page_meta newest;
    uint32_t page_size;
    enum varve_status status = db_pages_read_metas(file->os, file->fd, file->label, &newest, &page_size, error);

    assert(table_count <= VARVE_PAGE_MAX_TABLES);
    if (status != VARVE_OK)
        return status;
    roots.last_page = newest.last_page;
    roots.transaction = newest.txn_id;
    roots.free_list = tree_of(&newest.free_list);
    catalogue = tree_of(&newest.catalogue);
    if (page_size != file->page_size || !is_sound(&roots.free_list) || !is_sound(&catalogue) ||
        catalogue.entries != table_count)
        return damaged(file, "its newest meta page is damaged", error);
    status = varve_page_cursor_create(file, &roots, &catalogue, &cursor, error);
    if (status == VARVE_OK)
        status = take_tables(file, cursor, tables, table_count, &roots, error);
    varve_page_cursor_destroy(cursor);
    if (status == VARVE_OK)
        *ret_roots = roots;
    return status;
}

/* ---- the list of free pages ---- */

/* A count, then so many numbers, falling. */
static bool are_pages(const uint64_t *numbers, size_t size, uint64_t last_page)
{
    uint64_t count, before = UINT64_MAX;

    if (size < sizeof(count) || size % sizeof(count) != 0)
        return false;
    count = numbers[0];
    if (count > size / sizeof(count) - 1)
        return false;
    for (uint64_t i = 1; i <= count; before = numbers[i++])
        if (numbers[i] >= before || numbers[i] < PAGES_META || numbers[i] > last_page)
            return false;
    return true;
}

static enum varve_status check_entry(const struct varve_page_file *file, const struct varve_page_roots *roots,
                                     const struct varve_page_cursor *cursor, struct varve_error *error)
{
    size_t size = varve_page_cursor_value_size(cursor);
    uint64_t *numbers;
    enum varve_status status;

    if (size / sizeof(*numbers) > roots->last_page + 1)
        return damaged(file, "a list of free pages is longer than the file", error);
    numbers = malloc(size > 0 ? size : 1);
    if (numbers == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "%s: no memory to look at its free pages", file->label);
    status = varve_page_cursor_value(cursor, numbers, size, error);
    if (status == VARVE_OK && !are_pages(numbers, size, roots->last_page))
        status = damaged(file, "a list of free pages is damaged", error);
    free(numbers);
    return status;
}

enum varve_status varve_page_check_free_list(const struct varve_page_file *file, const struct varve_page_roots *roots,
                                             struct varve_error *error)
{
    const uint64_t first = 0;
    struct varve_page_cursor *cursor = NULL;
    bool found = false;
    enum varve_status status = varve_page_cursor_create(file, roots, &roots->free_list, &cursor, error);

    if (status != VARVE_OK)
        return status;
    page_cursor_expect_free_list(cursor);
    status = varve_page_cursor_seek(cursor, &first, sizeof(first), &found, error);
    while (status == VARVE_OK && found) {
        status = check_entry(file, roots, cursor, error);
        if (status == VARVE_OK)
            status = varve_page_cursor_step(cursor, true, &found, error);
    }
    varve_page_cursor_destroy(cursor);
    return status;
}
