/* db_nodes.h - one page of an LMDB file taken apart, each step bounded first: a header, the offsets of its nodes in the
 * order of their keys, free space, and the nodes. A branch's nodes lead to pages, and the key of each is the least that
 * may stand below it (that of the first is not looked at). A leaf's nodes hold values; larger ones stand in overflow
 * pages of their own. */
#ifndef ENGINE_DB_NODES_H
#define ENGINE_DB_NODES_H

#include "db.h"
#include "db_pages.h"

enum { NODE_BIG = 1, NODE_TREE = 2, NODE_INTEGER_KEYS = 8 };

struct node {
    struct db_bytes key;
    const uint8_t *value;
    uint32_t value_size;
    uint16_t flags;
    uint64_t child; /* of a branch */
};

/* These return NULL, or what is wrong. `least` is how many nodes there must be. */
const char *node_page_problem(const struct page_header *header, uint64_t page, uint32_t page_size, bool is_leaf,
                              unsigned least);
/* Take node `i` apart. *used grows by what it takes of its page. */
const char *node_take(const uint8_t *bytes, uint32_t page_size, const struct page_header *header, uint32_t i,
                      struct node *ret_node, size_t *used);
/* The key stands after that of the node before it, and between the bounds that the branches above have set. Those
 * without data bound nothing. */
const char *node_key_problem(bool integer_keys, struct db_bytes key, struct db_bytes before, struct db_bytes least,
                             struct db_bytes bound);
/* `header` stands where the value of `node` begins, on `page`. */
const char *node_overflow_problem(const struct page_header *header, uint64_t page, uint32_t page_size,
                                  const struct node *node);

static inline uint32_t node_count(const struct page_header *header)
{
    return (header->lower - (uint32_t)sizeof(*header)) / 2;
}

static inline uint64_t node_overflow_page(const struct node *node)
{
    uint64_t page;
    __builtin_memcpy(&page, node->value, sizeof(page));
    return page;
}

int node_compare_keys(bool integer_keys, struct db_bytes a, struct db_bytes b);

#endif
