/* db_nodes.c - see db_nodes.h. */
#include "db_nodes.h"

#include <string.h>

enum { NODE_HEADER = 8 };

struct node_header {
    uint16_t low, high; /* of the value's size; of a branch: of the page's number */
    uint16_t flags;     /* of a branch: the highest bits of the page's number */
    uint16_t key_size;
};

const char *node_page_problem(const struct page_header *header, uint64_t page, uint32_t page_size, bool is_leaf,
                              unsigned least)
{
    if (header->number != page || header->flags != (is_leaf ? PAGE_LEAF : PAGE_BRANCH))
        return "its header is damaged";
    if (header->lower < sizeof(*header) + 2 * least || header->lower % 2 != 0 || header->upper < header->lower ||
        header->upper > page_size)
        return "the bounds of its free space are damaged";
    return NULL;
}

static size_t even(size_t size)
{
    return size + (size & 1);
}

const char *node_take(const uint8_t *bytes, uint32_t page_size, const struct page_header *header, uint32_t i,
                      struct node *ret_node, size_t *used)
{
    bool is_leaf = header->flags == PAGE_LEAF;
    struct node_header node;
    size_t size, value_on_page = 0;
    uint16_t offset;

    memcpy(&offset, bytes + sizeof(*header) + 2u * i, sizeof(offset));
    if (offset < header->upper || (uint32_t)offset + NODE_HEADER > page_size)
        return "the offset is damaged";
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
    if (size > page_size - offset || node.key_size > DB_MAX_KEY)
        return "the sizes are damaged";
    *used += size;
    return NULL;
}

int node_compare_keys(bool integer_keys, struct db_bytes a, struct db_bytes b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    uint64_t left, right;
    int order;

    if (integer_keys) {
        memcpy(&left, a.data, sizeof(left));
        memcpy(&right, b.data, sizeof(right));
        return left < right ? -1 : left > right;
    }
    order = memcmp(a.data, b.data, common);
    return order != 0 ? order : a.size < b.size ? -1 : a.size > b.size;
}

const char *node_key_problem(bool integer_keys, struct db_bytes key, struct db_bytes before, struct db_bytes least,
                             struct db_bytes bound)
{
    if (key.size == 0 || (integer_keys && key.size != sizeof(uint64_t)))
        return "the key is damaged";
    if ((before.data != NULL && node_compare_keys(integer_keys, before, key) >= 0) ||
        (least.data != NULL && node_compare_keys(integer_keys, least, key) > 0) ||
        (bound.data != NULL && node_compare_keys(integer_keys, key, bound) >= 0))
        return "the key is out of order";
    return NULL;
}

const char *node_overflow_problem(const struct page_header *header, uint64_t page, uint32_t page_size,
                                  const struct node *node)
{
    uint64_t needed = (sizeof(*header) + (uint64_t)node->value_size + page_size - 1) / page_size;

    if (header->number != page || header->flags != PAGE_OVERFLOW || header->overflow_pages < needed)
        return "the header of the overflow page is damaged";
    return NULL;
}
