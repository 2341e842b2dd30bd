/* page_cursor.c - a walk from entry to entry of a tree, page by page, each judged as a whole before it is believed: by
 * its sum, where that is known, its header, and every node of it against the bounds that the branches above set. */
#include "page_cursor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "page_sums.h"

/* A page on the way down. Bounds point into the pages above. */
struct level {
    uint8_t *bytes;
    struct page_header header;
    struct db_bytes least, bound;
    uint32_t at;
};

struct varve_page_cursor {
    const struct varve_page_file *file;
    const struct varve_page_roots *roots;
    const struct varve_page_tree *tree;
    bool free_list;
    struct node node;         /* that it stands on, if it stands on one */
    struct level *levels;     /* from the root */
    struct level *side;       /* as many, for looks to the side */
};

enum varve_status varve_page_cursor_create(const struct varve_page_file *file, const struct varve_page_roots *roots,
                                           const struct varve_page_tree *tree, struct varve_page_cursor **ret_cursor,
                                           struct varve_error *error)
{
    const size_t levels = 2 * (size_t)tree->depth;
    struct varve_page_cursor *cursor =
        calloc(1, sizeof(*cursor) + levels * (sizeof(struct level) + (size_t)file->page_size));
    uint8_t *bytes;

    assert(tree->depth <= PAGES_MAX_DEPTH);
    if (cursor == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "%s: no memory to look into it", file->label);
    cursor->file = file;
    cursor->roots = roots;
    cursor->tree = tree;
    cursor->levels = (struct level *)(cursor + 1);
    cursor->side = cursor->levels + tree->depth;
    bytes = (uint8_t *)(cursor->levels + levels);
    for (size_t i = 0; i < levels; i++)
        cursor->levels[i].bytes = bytes + i * file->page_size;
    *ret_cursor = cursor;
    return VARVE_OK;
}

void varve_page_cursor_destroy(struct varve_page_cursor *cursor)
{
    free(cursor);
}

void page_cursor_expect_free_list(struct varve_page_cursor *cursor)
{
    cursor->free_list = true;
}

const struct node *page_cursor_node(const struct varve_page_cursor *cursor)
{
    return &cursor->node;
}

static enum varve_status damaged(const struct varve_page_cursor *cursor, uint64_t page, const char *what,
                                 struct varve_error *error)
{
    return varve_fail(error, VARVE_CORRUPT, NULL, "%s: page %llu: %s", cursor->file->label, (unsigned long long)page,
                      what);
}

static enum varve_status read_bytes(const struct varve_page_cursor *cursor, uint64_t page, uint64_t offset, void *bytes,
                                    size_t size, struct varve_error *error)
{
    const struct varve_page_file *file = cursor->file;
    ssize_t got = file->os->pread(file->os->self, file->fd, bytes, size, page * file->page_size + offset);

    if (got < 0)
        return varve_fail(error, VARVE_IO, NULL, "%s: page %llu: cannot be read: %s", file->label,
                          (unsigned long long)page, strerror((int)-got));
    return (size_t)got == size ? VARVE_OK : damaged(cursor, page, "the file ends before its end", error);
}

/* ---- one page ---- */

/* Every node of a page: each within it, its key in order, and nothing between them. */
static const char *find_problem(const struct varve_page_cursor *cursor, const struct level *level, bool is_leaf)
{
    struct db_bytes before = { NULL, 0 };
    size_t used = 0;

    for (uint32_t i = 0; i < node_count(&level->header); i++) {
        struct node node;
        const char *wrong = node_take(level->bytes, cursor->file->page_size, &level->header, i, &node, &used);

        if (wrong == NULL && (is_leaf || i > 0)) {
            wrong = node_key_problem(cursor->free_list, node.key, before, level->least, level->bound);
            before = node.key;
        }
        if (wrong != NULL)
            return wrong;
    }
    return used == cursor->file->page_size - level->header.upper ? NULL : "its nodes overlap or leave gaps";
}

static enum varve_status load(const struct varve_page_cursor *cursor, struct level *level, unsigned depth,
                              uint64_t page, struct varve_error *error)
{
    const uint32_t page_size = cursor->file->page_size;
    const bool is_leaf = depth + 1 == cursor->tree->depth;
    enum varve_status status;
    const char *wrong;

    if (page < PAGES_META || page > cursor->roots->last_page)
        return damaged(cursor, page, "the number is outside of the file", error);
    status = read_bytes(cursor, page, 0, level->bytes, page_size, error);
    if (status != VARVE_OK)
        return status;
    if (!page_sums_match(cursor->file->sums, page, level->bytes, page_size))
        return damaged(cursor, page, "it is not what was written there", error);
    memcpy(&level->header, level->bytes, sizeof(level->header));
    wrong = node_page_problem(&level->header, page, page_size, is_leaf, is_leaf || cursor->free_list ? 1 : 2);
    if (wrong == NULL)
        wrong = find_problem(cursor, level, is_leaf);
    return wrong == NULL ? VARVE_OK : damaged(cursor, page, wrong, error);
}

/* Of a page that was loaded, and so is sound. */
static struct node node_of(const struct varve_page_cursor *cursor, const struct level *level, uint32_t i)
{
    struct node node;
    size_t used = 0;
    const char *wrong = node_take(level->bytes, cursor->file->page_size, &level->header, i, &node, &used);

    assert(wrong == NULL);
    return node;
}

/* Load the page that node `at` of a branch leads to. */
static enum varve_status descend(const struct varve_page_cursor *cursor, const struct level *branch, uint32_t at,
                                 struct level *below, unsigned depth, struct varve_error *error)
{
    struct node node = node_of(cursor, branch, at);

    below->least = at > 0 ? node.key : branch->least;
    below->bound = at + 1 < node_count(&branch->header) ? node_of(cursor, branch, at + 1).key : branch->bound;
    return load(cursor, below, depth, node.child, error);
}

/* ---- places ---- */

/* The last node of a branch whose key is not greater: below it the key must stand. */
static uint32_t find_child(const struct varve_page_cursor *cursor, const struct level *level, struct db_bytes key)
{
    uint32_t low = 0, high = node_count(&level->header);

    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;

        if (node_compare_keys(cursor->free_list, node_of(cursor, level, middle).key, key) <= 0)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The first node of a leaf whose key is not less; how many there are, if none. */
static uint32_t find_entry(const struct varve_page_cursor *cursor, const struct level *level, struct db_bytes key)
{
    uint32_t low = 0, high = node_count(&level->header);

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (node_compare_keys(cursor->free_list, node_of(cursor, level, middle).key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void stand_on(struct varve_page_cursor *cursor)
{
    const struct level *leaf = &cursor->levels[cursor->tree->depth - 1];

    cursor->node = node_of(cursor, leaf, leaf->at);
}

enum varve_status varve_page_cursor_step(struct varve_page_cursor *cursor, bool forward, bool *ret_found,
                                         struct varve_error *error)
{
    const unsigned depth = cursor->tree->depth;
    enum varve_status status = VARVE_OK;
    unsigned turn = depth; /* the level where it goes on to another node */

    *ret_found = false;
    do {
        if (turn == 0)
            return VARVE_OK;
        turn--;
    } while (forward ? cursor->levels[turn].at + 1 >= node_count(&cursor->levels[turn].header)
                     : cursor->levels[turn].at == 0);
    cursor->levels[turn].at = forward ? cursor->levels[turn].at + 1 : cursor->levels[turn].at - 1;
    for (unsigned i = turn + 1; i < depth && status == VARVE_OK; i++) {
        status = descend(cursor, &cursor->levels[i - 1], cursor->levels[i - 1].at, &cursor->levels[i], i, error);
        cursor->levels[i].at = forward || status != VARVE_OK ? 0 : node_count(&cursor->levels[i].header) - 1;
    }
    if (status != VARVE_OK)
        return status;
    stand_on(cursor);
    *ret_found = true;
    return VARVE_OK;
}

enum varve_status varve_page_cursor_seek(struct varve_page_cursor *cursor, const void *key, size_t size,
                                         bool *ret_found, struct varve_error *error)
{
    const unsigned depth = cursor->tree->depth;
    const struct db_bytes wanted = { key, size };
    enum varve_status status;

    *ret_found = false;
    if (depth == 0)
        return VARVE_OK;
    cursor->levels[0].least = cursor->levels[0].bound = (struct db_bytes){ NULL, 0 };
    status = load(cursor, &cursor->levels[0], 0, cursor->tree->root, error);
    for (unsigned i = 1; i < depth && status == VARVE_OK; i++) {
        cursor->levels[i - 1].at = find_child(cursor, &cursor->levels[i - 1], wanted);
        status = descend(cursor, &cursor->levels[i - 1], cursor->levels[i - 1].at, &cursor->levels[i], i, error);
    }
    if (status != VARVE_OK)
        return status;
    struct level *leaf = &cursor->levels[depth - 1];
    leaf->at = find_entry(cursor, leaf, wanted);
    if (leaf->at == node_count(&leaf->header)) /* Behind the last of this leaf: the next one's first. */
        return varve_page_cursor_step(cursor, true, ret_found, error);
    stand_on(cursor);
    *ret_found = true;
    return VARVE_OK;
}

/* ---- the entry ---- */

const void *varve_page_cursor_key(const struct varve_page_cursor *cursor, size_t *ret_size)
{
    *ret_size = cursor->node.key.size;
    return cursor->node.key.data;
}

size_t varve_page_cursor_value_size(const struct varve_page_cursor *cursor)
{
    return cursor->node.value_size;
}

struct varve_page_leaf varve_page_cursor_leaf(const struct varve_page_cursor *cursor)
{
    const struct level *leaf = &cursor->levels[cursor->tree->depth - 1];
    size_t entry_bytes = 0;

    node_take(leaf->bytes, cursor->file->page_size, &leaf->header, leaf->at, &(struct node){ .flags = 0 },
              &entry_bytes);
    return (struct varve_page_leaf){
        .page = leaf->header.number, .page_size = cursor->file->page_size,
        .used_bytes = cursor->file->page_size - (uint32_t)(leaf->header.upper - leaf->header.lower),
        .entry_bytes = (uint32_t)entry_bytes,
    };
}

static enum varve_status check_overflow(const struct varve_page_cursor *cursor, uint64_t page,
                                        struct varve_error *error)
{
    const uint32_t page_size = cursor->file->page_size;
    struct page_header header;
    enum varve_status status;
    const char *wrong;

    if (page < PAGES_META || page > cursor->roots->last_page)
        return damaged(cursor, page, "the number of an overflow page is outside of the file", error);
    status = read_bytes(cursor, page, 0, &header, sizeof(header), error);
    if (status != VARVE_OK)
        return status;
    wrong = node_overflow_problem(&header, page, page_size, &cursor->node);
    /* More than it needs would be pages of others, which LMDB would take for its own. */
    if (wrong == NULL && (header.overflow_pages - 1) * (uint64_t)page_size >
                             sizeof(header) + (uint64_t)cursor->node.value_size - 1)
        wrong = "the length of the overflow pages is damaged";
    return wrong == NULL ? VARVE_OK : damaged(cursor, page, wrong, error);
}

enum varve_status varve_page_cursor_value(const struct varve_page_cursor *cursor, void *bytes, size_t size,
                                          struct varve_error *error)
{
    const struct node *node = &cursor->node;
    enum varve_status status;

    if (bytes != NULL && size != node->value_size)
        return varve_fail(error, VARVE_CORRUPT, NULL, "%s: a value has %u bytes instead of %zu", cursor->file->label,
                          node->value_size, size);
    if (node->flags == 0) {
        if (bytes != NULL && size > 0)
            memcpy(bytes, node->value, size);
        return VARVE_OK;
    }
    if (node->flags != NODE_BIG)
        return varve_fail(error, VARVE_CORRUPT, NULL, "%s: the flags of a value are damaged", cursor->file->label);
    status = check_overflow(cursor, node_overflow_page(node), error);
    if (status != VARVE_OK || bytes == NULL)
        return status;
    return read_bytes(cursor, node_overflow_page(node), sizeof(struct page_header), bytes, size, error);
}

/* ---- before LMDB deletes ---- */

/* The pages below node `at` of the branch at `depth`, along its edge on one side. */
static enum varve_status check_edge(struct varve_page_cursor *cursor, unsigned depth, uint32_t at, bool left_edge,
                                    struct varve_error *error)
{
    const struct level *above = &cursor->levels[depth];
    enum varve_status status = VARVE_OK;

    for (unsigned i = depth + 1; i < cursor->tree->depth && status == VARVE_OK; i++) {
        struct level *below = &cursor->side[i];

        status = descend(cursor, above, at, below, i, error);
        at = left_edge || status != VARVE_OK ? 0 : node_count(&below->header) - 1;
        above = below;
    }
    return status;
}

/* A page that holds too little takes in its neighbour, or from it; and then, holding still too little, the next. */
enum varve_status varve_page_cursor_check_around(struct varve_page_cursor *cursor, unsigned deletes,
                                                 struct varve_error *error)
{
    enum varve_status status = VARVE_OK;

    for (unsigned i = 0; i + 1 < cursor->tree->depth && status == VARVE_OK; i++) {
        const struct level *branch = &cursor->levels[i];
        uint32_t count = node_count(&branch->header), far = i + 2 == cursor->tree->depth ? deletes : 1;
        uint32_t from = branch->at > far ? branch->at - far : 0;
        uint32_t until = count - branch->at > far ? branch->at + far : count - 1;

        for (uint32_t at = from; at <= until && status == VARVE_OK; at++) {
            if (at >= branch->at)
                status = at == branch->at ? VARVE_OK : check_edge(cursor, i, at, true, error);
            else if ((status = check_edge(cursor, i, at, true, error)) == VARVE_OK)
                status = check_edge(cursor, i, at, false, error);
        }
    }
    return status;
}
