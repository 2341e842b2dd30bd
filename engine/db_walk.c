/* db_walk.c - the pages of store.mdb: each of them in one place only, each node inside its page, keys in order from the
 * first to the last, and as many of everything as the catalogue says.
 *
 * A page is a header, the offsets of its nodes in the order of their keys, free space, and the nodes. A branch's nodes
 * lead to pages, and the key of each is the least that may stand below it (that of the first is not looked at). A
 * leaf's nodes hold values; larger ones stand in overflow pages of their own. Free pages are listed in the tree of the
 * free list, by transaction. */
#include "db_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "db_pages.h"

enum { NODE_HEADER = 8, NODE_BIG = 1, NODE_TREE = 2, INTEGER_KEYS = 8 };

struct node_header {
    uint16_t low, high; /* of the value's size; of a branch: of the page's number */
    uint16_t flags;     /* of a branch: the highest bits of the page's number */
    uint16_t key_size;
};

struct node {
    struct db_bytes key;
    const uint8_t *value;
    uint32_t value_size;
    uint16_t flags;
    uint64_t child; /* of a branch */
};

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
    struct walk_tree tables[DB_TABLES];
    unsigned tables_seen;
    bool roots_only;
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
        snprintf(where, sizeof(where), "store.mdb, %s", walk->at->name);
    else
        snprintf(where, sizeof(where), "store.mdb page %llu (offset %llu), %s", (unsigned long long)page,
                 (unsigned long long)page * walk->page_size, walk->at->name);
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
static bool check_header(struct walk *walk, uint64_t page, const struct page_header *header, bool is_leaf)
{
    /* How many nodes there must be; LMDB asserts it for branches, but not for those of the free list. */
    const size_t least = is_leaf || walk->at->kind == TREE_FREE_LIST ? 1 : 2;

    if (header->number != page || header->flags != (is_leaf ? PAGE_LEAF : PAGE_BRANCH))
        problem(walk, page, "its header is damaged");
    else if (header->lower < sizeof(*header) + 2 * least || header->lower % 2 != 0 ||
             header->upper < header->lower || header->upper > walk->page_size)
        problem(walk, page, "the bounds of its free space are damaged");
    else
        return true;
    return false;
}

/* ---- nodes ---- */

static size_t even(size_t size)
{
    return size + (size & 1);
}

/* Take node `i` apart. *used grows by what it takes of its page. */
static bool take_node(struct walk *walk, uint64_t page, const uint8_t *bytes, const struct page_header *header,
                      uint32_t i, struct node *ret_node, size_t *used)
{
    bool is_leaf = header->flags == PAGE_LEAF;
    struct node_header node;
    size_t size, value_on_page = 0;
    uint16_t offset;

    memcpy(&offset, bytes + sizeof(*header) + 2u * i, sizeof(offset));
    if (offset < header->upper || (uint32_t)offset + NODE_HEADER > walk->page_size)
        return problem(walk, page, "the offset of node %u is damaged", i), false;
    memcpy(&node, bytes + offset, sizeof(node));
    *ret_node = (struct node){
        .key = { bytes + offset + NODE_HEADER, node.key_size },
        .value = bytes + offset + NODE_HEADER + node.key_size,
        .value_size = node.low | (uint32_t)node.high << 16,
        .flags = node.flags,
        .child = node.low | (uint64_t)node.high << 16 | (uint64_t)node.flags << 32,
    };
    if (is_leaf)
        value_on_page = (node.flags & NODE_BIG) != 0 ? sizeof(uint64_t) : ret_node->value_size;
    size = even(NODE_HEADER + node.key_size + value_on_page);
    if (size > walk->page_size - offset || node.key_size > DB_MAX_KEY)
        return problem(walk, page, "the sizes of node %u are damaged", i), false;
    *used += size;
    return true;
}

static int compare_keys(const struct walk_tree *tree, struct db_bytes a, struct db_bytes b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    uint64_t left, right;
    int order;

    if (tree->integer_keys) {
        memcpy(&left, a.data, sizeof(left));
        memcpy(&right, b.data, sizeof(right));
        return left < right ? -1 : left > right;
    }
    order = memcmp(a.data, b.data, common);
    return order != 0 ? order : a.size < b.size ? -1 : a.size > b.size;
}

/* The key stands between that of the node before it and the bounds that the branches above have set. */
static bool check_key(struct walk *walk, uint64_t page, uint32_t i, struct db_bytes key, struct db_bytes before,
                      struct db_bytes least, struct db_bytes bound)
{
    const struct walk_tree *tree = walk->at;

    if (key.size == 0 || (tree->integer_keys && key.size != sizeof(uint64_t)))
        problem(walk, page, "the key of node %u is damaged", i);
    else if ((before.data != NULL && compare_keys(tree, before, key) >= 0) ||
             (least.data != NULL && compare_keys(tree, least, key) > 0) ||
             (bound.data != NULL && compare_keys(tree, key, bound) >= 0))
        problem(walk, page, "the key of node %u is out of order", i);
    else
        return true;
    return false;
}

/* ---- values ---- */

static bool check_overflow(struct walk *walk, uint64_t page, uint32_t i, const struct node *node, uint64_t *ret_page)
{
    uint64_t needed = (sizeof(struct page_header) + (uint64_t)node->value_size + walk->page_size - 1) / walk->page_size;
    struct page_header header;
    uint8_t last;

    memcpy(ret_page, node->value, sizeof(*ret_page));
    if (*ret_page < PAGES_META || *ret_page > walk->meta.last_page) {
        problem(walk, page, "node %u leads to page %llu, outside of the file", i, (unsigned long long)*ret_page);
        return false;
    }
    if (!read_at(walk, *ret_page * walk->page_size, &header, sizeof(header)))
        return false;
    if (header.number != *ret_page || header.flags != PAGE_OVERFLOW || header.overflow_pages < needed)
        return problem(walk, *ret_page, "the header of the overflow page is damaged"), false;
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
    for (unsigned table = 0; table < DB_TABLES; table++) {
        struct walk_tree *tree = &walk->tables[table];

        if (node->key.size != strlen(tree->name) || memcmp(node->key.data, tree->name, node->key.size) != 0)
            continue;
        memcpy(&tree->tree, node->value, sizeof(tree->tree));
        if (tree->tree.flags != (tree->integer_keys ? INTEGER_KEYS : 0) || tree->tree.depth > PAGES_MAX_DEPTH)
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

    if (i + 1 == (header->lower - sizeof(*header)) / 2 ||
        !take_node(walk, place->page, walk->pages[place->level], header, i + 1, &next, &used))
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

    for (uint32_t i = 0; i < (header->lower - sizeof(*header)) / 2 && walk->status == VARVE_OK; i++) {
        struct node node;

        if (!take_node(walk, place->page, bytes, header, i, &node, &used))
            return SIZE_MAX;
        if (is_leaf || i > 0) {
            if (!check_key(walk, place->page, i, node.key, before, place->least, place->bound))
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

    if (!read_page(walk, place->page, place->level, &header) || !check_header(walk, place->page, &header, is_leaf))
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
    unsigned count = DB_TABLES;

    for (unsigned table = 0; table < DB_TABLES; table++)
        walk->tables[table] = (struct walk_tree){ .name = db_table_names[table], .integer_keys = table == DB_EVENTS };
    walk_whole(walk, &catalogue);
    if (walk->tables_seen == (1u << DB_FIRST_TABLES) - 1)
        count = DB_FIRST_TABLES; /* Made before there were sagas. */
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
    enum varve_status status = db_pages_read_metas(walk->os, walk->fd, &walk->meta, &walk->page_size, &damage);

    if (status == VARVE_CORRUPT) {
        walk->report->problems++;
        walk->found(walk->user, "store.mdb", damage.message);
        return VARVE_OK;
    }
    if (status != VARVE_OK)
        return varve_fail(error, status, NULL, "%s", damage.message);
    if (walk->meta.last_page > UINT32_MAX) { /* 16 TiB: more than our map. */
        walk->report->problems++;
        walk->found(walk->user, "store.mdb", "its last page number is damaged");
        return VARVE_OK;
    }
    walk->seen = calloc(walk->meta.last_page / 8 + 1, 1);
    if (walk->seen == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "store.mdb: no memory to check %llu pages",
                          (unsigned long long)walk->meta.last_page);
    walk_all(walk);
    return walk->status == VARVE_OK ? VARVE_OK
                                    : varve_fail(error, walk->status, NULL, "store.mdb: cannot be read: %s",
                                                 varve_status_meaning(walk->status));
}

static enum varve_status walk_path(struct walk *walk, const char *path, struct varve_error *error)
{
    enum varve_status status;

    *walk->report = (struct db_walk_report){ 0 };
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

enum varve_status db_walk(const char *path, const struct varve_os *os, db_walk_found found, void *user,
                          struct db_walk_report *ret_report, struct varve_error *error)
{
    struct walk walk = { .os = os, .found = found, .user = user, .report = ret_report };

    return walk_path(&walk, path, error);
}

static void keep_first(void *user, const char *where, const char *what)
{
    struct varve_error *first = user;

    if (first->status == VARVE_OK)
        varve_fail(first, VARVE_CORRUPT, NULL, "%s: %s", where, what);
}

enum varve_status db_walk_roots(const char *path, const struct varve_os *os, struct varve_error *error)
{
    struct varve_error first = { 0 };
    struct db_walk_report report;
    struct walk walk = { .os = os, .found = keep_first, .user = &first, .report = &report, .roots_only = true };
    enum varve_status status = walk_path(&walk, path, error);

    if (status == VARVE_OK && report.problems > 0 && error != NULL)
        *error = first;
    return status == VARVE_OK && report.problems > 0 ? VARVE_CORRUPT : status;
}
