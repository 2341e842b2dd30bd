/* db_walk.c - the pages of store.mdb: each of them in one place only, each node inside its page, keys in order from the
 * first to the last, and as many of everything as the catalogue says. Free pages are listed in the tree of the free
 * list, by transaction. */
#include "db_walk.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db_nodes.h"
#include "page_sums.h"

enum { MAX_TABLES = 32 };
_Static_assert((int)DB_TABLES <= (int)MAX_TABLES, "a bit for each");

enum tree_kind { TREE_TABLE, TREE_CATALOGUE, TREE_FREE_LIST };

/* What is being walked, and what was counted on the way. */
struct walk_tree {
    enum tree_kind kind;
    const char *name;
    struct page_tree tree;
    uint64_t branch_pages, leaf_pages, overflow_pages, entries;
    bool integer_keys;
};

struct walk {
    const struct varve_os *os;
    int fd;
    uint32_t page_size;
    struct page_meta meta;
    uint8_t *seen; /* a bit per page */
    db_walk_found found;
    void *user;
    struct db_walk_report *report;
    struct walk_tree *at;
    uint8_t *pages[PAGES_MAX_DEPTH + 1]; /* a buffer for each level */
    const char *label; /* the file, for people */
    struct walk_tree tables[MAX_TABLES];
    unsigned table_count, tables_seen;
    unsigned first_tables; /* that may be all there are, in a file made before there were the others */
    bool roots_only;
    struct varve_page_sums *sums; /* where the pages are remembered; NULL: nowhere */
    enum varve_status status; /* a fault of the disk or of memory ends the walk */
};

static void problem(struct walk *walk, uint64_t page, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void problem(struct walk *walk, uint64_t page, const char *format, ...)
{
    char where[96], what[192];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    if (page == PAGE_NONE)
        snprintf(where, sizeof(where), "%s, %s", walk->label, walk->at->name);
    else
        snprintf(where, sizeof(where), "%s page %llu (offset %llu), %s", walk->label,
                 (unsigned long long)page, (unsigned long long)page * walk->page_size, walk->at->name);
    walk->report->problems++;
    walk->found(walk->user, where, what);
}

/* ---- pages ---- */

/* Mark pages as used, once. */
static bool claim(struct walk *walk, uint64_t page, uint64_t count)
{
    if (page < PAGES_META || page > walk->meta.last_page || count > walk->meta.last_page - page + 1) {
        problem(walk, page, "the number is outside of the file");
        return false;
    }
    for (uint64_t i = page; i < page + count; i++) {
        if ((walk->seen[i / 8] & 1u << i % 8) != 0) {
            problem(walk, i, "the page has two uses");
            return false;
        }
        walk->seen[i / 8] |= (uint8_t)(1u << i % 8);
    }
    walk->report->pages += count;
    return true;
}

static bool read_at(struct walk *walk, uint64_t offset, void *bytes, size_t size)
{
    ssize_t got = walk->os->pread(walk->os->self, walk->fd, bytes, size, offset);

    if (got < 0)
        walk->status = VARVE_IO;
    else if ((size_t)got < size)
        problem(walk, offset / walk->page_size, "the file ends before the end of the page");
    return got >= 0 && (size_t)got == size;
}

static bool read_page(struct walk *walk, uint64_t page, unsigned level, struct page_header *ret_header)
{
    if (walk->pages[level] == NULL)
        walk->pages[level] = malloc(walk->page_size);
    if (walk->pages[level] == NULL) {
        walk->status = VARVE_NO_MEMORY;
        return false;
    }
    if (!claim(walk, page, 1) || !read_at(walk, page * walk->page_size, walk->pages[level], walk->page_size))
        return false;
    memcpy(ret_header, walk->pages[level], sizeof(*ret_header));
    return true;
}

/* Is the header that of a page of this kind, with a table of nodes that fits? */
static bool check_header(struct walk *walk, uint64_t page, const uint8_t *bytes, const struct page_header *header,
                         bool is_leaf)
{
    /* How many nodes there must be; LMDB asserts it for branches, but not for those of the free list. */
    const unsigned least = is_leaf || walk->at->kind == TREE_FREE_LIST ? 1 : 2;
    const char *wrong = node_page_problem(header, page, walk->page_size, is_leaf, least);

    if (wrong != NULL)
        problem(walk, page, "%s", wrong);
    else
        page_sums_set(walk->sums, page, bytes, walk->page_size);
    return wrong == NULL;
}

static bool node_is_sound(struct walk *walk, uint64_t page, uint32_t i, const char *wrong)
{
    if (wrong != NULL)
        problem(walk, page, "node %u: %s", i, wrong);
    return wrong == NULL;
}

/* ---- values ---- */

static bool check_overflow(struct walk *walk, uint64_t page, uint32_t i, const struct node *node, uint64_t *ret_page)
{
    struct page_header header;
    const char *wrong;
    uint8_t last;

    *ret_page = node_overflow_page(node);
    if (*ret_page < PAGES_META || *ret_page > walk->meta.last_page) {
        problem(walk, page, "node %u leads to page %llu, outside of the file", i, (unsigned long long)*ret_page);
        return false;
    }
    if (!read_at(walk, *ret_page * walk->page_size, &header, sizeof(header)))
        return false;
    wrong = node_overflow_problem(&header, *ret_page, walk->page_size, node);
    if (wrong != NULL)
        return problem(walk, *ret_page, "%s", wrong), false;
    walk->at->overflow_pages += header.overflow_pages;
    return claim(walk, *ret_page, header.overflow_pages) &&
           read_at(walk, *ret_page * walk->page_size + sizeof(header) + node->value_size - 1, &last, 1);
}

static void mark_free(struct walk *walk, uint64_t page, const uint64_t *numbers, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (i > 0 && numbers[i] >= numbers[i - 1])
            return problem(walk, page, "the list of free pages is out of order");
        if (!claim(walk, numbers[i], 1))
            return; /* Said already; what follows of this list would be as doubtful. */
    }
}

/* The pages that a transaction has left: their count, then their numbers, falling. */
static void check_free_pages(struct walk *walk, uint64_t page, const struct node *node, uint64_t overflow_page)
{
    uint64_t count, *numbers = malloc((size_t)node->value_size + sizeof(count));

    if (numbers == NULL) {
        walk->status = VARVE_NO_MEMORY;
        return;
    }
    if (overflow_page == PAGE_NONE)
        memcpy(numbers, node->value, node->value_size);
    else if (!read_at(walk, overflow_page * walk->page_size + sizeof(struct page_header), numbers, node->value_size)) {
        free(numbers);
        return;
    }
    memcpy(&count, numbers, sizeof(count));
    if (node->value_size % sizeof(count) != 0 || node->value_size < sizeof(count) ||
        count > node->value_size / sizeof(count) - 1)
        problem(walk, page, "the count of a list of free pages is damaged");
    else
        mark_free(walk, page, numbers + 1, count);
    free(numbers);
}

/* An entry of the catalogue: a table of ours. */
static void take_table(struct walk *walk, uint64_t page, const struct node *node)
{
    for (unsigned table = 0; table < walk->table_count; table++) {
        struct walk_tree *tree = &walk->tables[table];

        if (node->key.size != strlen(tree->name) || memcmp(node->key.data, tree->name, node->key.size) != 0)
            continue;
        memcpy(&tree->tree, node->value, sizeof(tree->tree));
        if (tree->tree.flags != (tree->integer_keys ? NODE_INTEGER_KEYS : 0) || tree->tree.depth > PAGES_MAX_DEPTH)
            problem(walk, page, "the entry of table %s is damaged", tree->name);
        else
            walk->tables_seen |= 1u << table;
        return;
    }
    problem(walk, page, "there is a table \"%.*s\", which is not ours", (int)node->key.size,
            (const char *)node->key.data);
}

static void check_value(struct walk *walk, uint64_t page, uint32_t i, const struct node *node)
{
    uint64_t overflow_page = PAGE_NONE;

    walk->at->entries++;
    if (walk->at->kind == TREE_CATALOGUE) {
        if (node->flags != NODE_TREE || node->value_size != sizeof(struct page_tree))
            problem(walk, page, "node %u is no table", i);
        else
            take_table(walk, page, node);
        return;
    }
    if ((node->flags & ~NODE_BIG) != 0) {
        problem(walk, page, "the flags of node %u are damaged", i);
        return;
    }
    if (walk->roots_only)
        return;
    if (node->flags == NODE_BIG && !check_overflow(walk, page, i, node, &overflow_page))
        return;
    if (walk->at->kind == TREE_FREE_LIST)
        check_free_pages(walk, page, node, overflow_page);
}

/* ---- trees ---- */

struct place { /* in a tree: where, and the keys between which all must lie; data NULL: no bound */
    uint64_t page;
    unsigned level; /* from 1 */
    struct db_bytes least, bound;
};

static void walk_page(struct walk *walk, const struct place *place);

static struct db_bytes child_bound(struct walk *walk, const struct place *place, const struct page_header *header,
                                   uint32_t i)
{
    struct node next;
    size_t used = 0;

    if (i + 1 == node_count(header) ||
        node_take(walk->pages[place->level], walk->page_size, header, i + 1, &next, &used) != NULL)
        return place->bound;
    /* Whether it is a key at all is judged when its turn comes. */
    return walk->at->integer_keys && next.key.size != sizeof(uint64_t) ? place->bound : next.key;
}

/* Nodes in order; those of a branch lead on, those of a leaf are the end. Returns what they take of the page. */
static size_t walk_nodes(struct walk *walk, const struct place *place, const struct page_header *header)
{
    const uint8_t *bytes = walk->pages[place->level];
    bool is_leaf = header->flags == PAGE_LEAF;
    struct db_bytes before = { NULL, 0 };
    size_t used = 0;

    for (uint32_t i = 0; i < node_count(header) && walk->status == VARVE_OK; i++) {
        struct node node;

        if (!node_is_sound(walk, place->page, i, node_take(bytes, walk->page_size, header, i, &node, &used)))
            return SIZE_MAX;
        if (is_leaf || i > 0) {
            if (!node_is_sound(walk, place->page, i, node_key_problem(walk->at->integer_keys, node.key, before,
                                                                      place->least, place->bound)))
                return SIZE_MAX;
            before = node.key;
        }
        if (is_leaf)
            check_value(walk, place->page, i, &node);
        else if (!walk->roots_only || walk->at->kind == TREE_CATALOGUE)
            walk_page(walk, &(struct place){ node.child, place->level + 1, i > 0 ? node.key : place->least,
                                             child_bound(walk, place, header, i) });
    }
    return used;
}

static void walk_page(struct walk *walk, const struct place *place)
{
    bool is_leaf = place->level == walk->at->tree.depth;
    struct page_header header;
    size_t used;

    if (!read_page(walk, place->page, place->level, &header) ||
        !check_header(walk, place->page, walk->pages[place->level], &header, is_leaf))
        return;
    *(is_leaf ? &walk->at->leaf_pages : &walk->at->branch_pages) += 1;
    used = walk_nodes(walk, place, &header);
    if (used != SIZE_MAX && walk->status == VARVE_OK && used != walk->page_size - header.upper)
        problem(walk, place->page, "its nodes overlap or leave gaps");
}

static void walk_whole(struct walk *walk, struct walk_tree *tree)
{
    uint64_t problems = walk->report->problems;

    walk->at = tree;
    if (tree->tree.root != PAGE_NONE && tree->tree.depth > 0)
        walk_page(walk, &(struct place){ .page = tree->tree.root, .level = 1 });
    else if (tree->tree.root != PAGE_NONE || tree->tree.depth != 0)
        problem(walk, PAGE_NONE, "its depth and its root do not go together");
    if (walk->report->problems == problems && walk->status == VARVE_OK && !walk->roots_only &&
        (tree->entries != tree->tree.entries || tree->leaf_pages != tree->tree.leaf_pages ||
         tree->branch_pages != tree->tree.branch_pages || tree->overflow_pages != tree->tree.overflow_pages))
        problem(walk, PAGE_NONE, "it has %llu entries on %llu leaf pages, but %llu on %llu are said to be there",
                (unsigned long long)tree->entries, (unsigned long long)tree->leaf_pages,
                (unsigned long long)tree->tree.entries, (unsigned long long)tree->tree.leaf_pages);
}

static void walk_all(struct walk *walk)
{
    struct walk_tree catalogue = { .kind = TREE_CATALOGUE, .name = "the catalogue", .tree = walk->meta.catalogue };
    struct walk_tree free_list = { .kind = TREE_FREE_LIST, .name = "the free list", .tree = walk->meta.free_list,
                                   .integer_keys = true };
    unsigned count = walk->table_count;

    walk_whole(walk, &catalogue);
    if (walk->tables_seen == (1u << walk->first_tables) - 1)
        count = walk->first_tables;
    for (unsigned table = 0; table < count && walk->status == VARVE_OK; table++) {
        walk->at = &walk->tables[table];
        if ((walk->tables_seen & 1u << table) != 0)
            walk_whole(walk, &walk->tables[table]);
        else
            problem(walk, PAGE_NONE, "the table is missing");
    }
    if (walk->status == VARVE_OK)
        walk_whole(walk, &free_list); /* Last: a page in use that is listed as free is a problem of the list. */
}

static enum varve_status walk_file(struct walk *walk, struct varve_error *error)
{
    struct varve_error damage;
    enum varve_status status = db_pages_read_metas(walk->os, walk->fd, walk->label, &walk->meta,
                                                   &walk->page_size, &damage);

    if (status == VARVE_CORRUPT) {
        walk->report->problems++;
        walk->found(walk->user, walk->label, damage.message);
        return VARVE_OK;
    }
    if (status != VARVE_OK)
        return varve_fail(error, status, NULL, "%s", damage.message);
    if (walk->meta.last_page > UINT32_MAX) { /* 16 TiB: more than our map. */
        walk->report->problems++;
        walk->found(walk->user, walk->label, "its last page number is damaged");
        return VARVE_OK;
    }
    walk->seen = calloc(walk->meta.last_page / 8 + 1, 1);
    if (walk->seen == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "%s: no memory to check %llu pages", walk->label,
                          (unsigned long long)walk->meta.last_page);
    walk_all(walk);
    return walk->status == VARVE_OK ? VARVE_OK
                                    : varve_fail(error, walk->status, NULL, "%s: cannot be read: %s", walk->label,
                                                 varve_status_meaning(walk->status));
}

static enum varve_status walk_path(struct walk *walk, const char *path, struct varve_error *error)
{
    enum varve_status status;

    *walk->report = (struct db_walk_report){ 0 };
    walk->label = db_pages_label(path);
    walk->fd = walk->os->open(walk->os->self, path, O_RDONLY | O_CLOEXEC, 0);
    if (walk->fd < 0)
        return varve_fail(error, walk->fd == -ENOENT ? VARVE_NOT_A_STORE : VARVE_IO, NULL, "%s: cannot open: %s", path,
                          strerror(-walk->fd));
    status = walk_file(walk, error);
    walk->os->close(walk->os->self, walk->fd);
    for (unsigned level = 0; level <= PAGES_MAX_DEPTH; level++)
        free(walk->pages[level]);
    free(walk->seen);
    return status;
}

static void keep_first(void *user, const char *where, const char *what)
{
    struct varve_error *first = user;

    if (first->status == VARVE_OK)
        varve_fail(first, VARVE_CORRUPT, NULL, "%s: %s", where, what);
}

/* Walk; CORRUPT names the first problem. */
static enum varve_status walk_until_found(struct walk *walk, const char *path, struct varve_error *error)
{
    struct varve_error first = { 0 };
    struct db_walk_report report;
    enum varve_status status;

    walk->found = keep_first;
    walk->user = &first;
    walk->report = &report;
    status = walk_path(walk, path, error);
    if (status == VARVE_OK && report.problems > 0 && error != NULL)
        *error = first;
    return status == VARVE_OK && report.problems > 0 ? VARVE_CORRUPT : status;
}

static void add_tables_of_store(struct walk *walk)
{
    for (unsigned table = 0; table < DB_TABLES; table++)
        walk->tables[table] = (struct walk_tree){ .name = db_table_names[table], .integer_keys = table == DB_EVENTS };
    walk->table_count = DB_TABLES;
    walk->first_tables = DB_FIRST_TABLES;
}

enum varve_status db_walk(const char *path, const struct varve_os *os, db_walk_found found, void *user,
                          struct db_walk_report *ret_report, struct varve_error *error)
{
    struct walk walk = { .os = os, .found = found, .user = user, .report = ret_report };

    add_tables_of_store(&walk);
    return walk_path(&walk, path, error);
}

enum varve_status db_walk_roots(const char *path, const struct varve_os *os, struct varve_error *error)
{
    struct walk walk = { .os = os, .roots_only = true };

    add_tables_of_store(&walk);
    return walk_until_found(&walk, path, error);
}

enum varve_status varve_page_walk(const char *path, const struct varve_os *os, const char *const *tables,
                                  unsigned table_count, bool whole, struct varve_page_sums *sums,
                                  struct varve_error *error)
{
    struct walk walk = { .os = os, .roots_only = !whole, .table_count = table_count,
                         .first_tables = table_count, .sums = sums };

    assert(table_count <= MAX_TABLES);
    for (unsigned table = 0; table < table_count; table++)
        walk.tables[table].name = tables[table];
    return walk_until_found(&walk, path, error);
}
