/* skip_list.c - see skip_list.h. */
#include "skip_list.h"

#include <assert.h>
#include <string.h>

void skip_list_init(struct skip_list *list, uint64_t seed)
{
    *list = (struct skip_list){ .random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1 };
}

/* One more level for every fourth node: xorshift, two bits at a time. */
unsigned skip_list_draw_height(struct skip_list *list)
{
    uint64_t random = list->random;
    unsigned height = 1;

    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    list->random = random;
    for (random >>= 16; height < SKIP_LIST_HEIGHT && (random & 3) == 0; random >>= 2)
        height++;
    return height;
}

size_t skip_list_node_size(unsigned height, size_t key_size)
{
    return sizeof(struct skip_node) + height * sizeof(struct skip_node *) + key_size;
}

struct skip_node *skip_node_make(void *memory, unsigned height, const uint8_t *key, size_t key_size, const void *value)
{
    struct skip_node *node = memory;

    assert(height >= 1 && height <= SKIP_LIST_HEIGHT && key_size <= UINT8_MAX);
    node->height = (uint8_t)height;
    node->key_size = (uint8_t)key_size;
    node->value = value;
    node->key = (uint8_t *)&node->next[height];
    memcpy(node->key, key, key_size);
    memset(node->next, 0, height * sizeof(node->next[0]));
    return node;
}

/* Of the node's key to another: -1, 0, 1. */
static int compare(const struct skip_node *node, const uint8_t *key, size_t key_size)
{
    size_t common = node->key_size < key_size ? node->key_size : key_size;
    int order = common == 0 ? 0 : memcmp(node->key, key, common);

    if (order == 0)
        order = (int)node->key_size - (int)key_size;
    return (order > 0) - (order < 0);
}

/* The first node that is not below the key (or is above it, with `above`). ret_links[level], if asked for, is where
 * the link to it stands, or would stand. */
static struct skip_node *descend(const struct skip_list *list, const uint8_t *key, size_t key_size, bool above,
                                 struct skip_node **ret_links[SKIP_LIST_HEIGHT])
{
    struct skip_node **links = (struct skip_node **)(uintptr_t)list->first;

    for (unsigned level = SKIP_LIST_HEIGHT; level-- > 0;) {
        while (links[level] != NULL && compare(links[level], key, key_size) < (int)above)
            links = links[level]->next;
        if (ret_links != NULL)
            ret_links[level] = &links[level];
    }
    return links[0];
}

void skip_list_insert(struct skip_list *list, struct skip_node *node)
{
    struct skip_node **links[SKIP_LIST_HEIGHT];

    descend(list, node->key, node->key_size, false, links);
    for (unsigned level = 0; level < node->height; level++) {
        node->next[level] = *links[level];
        *links[level] = node;
    }
}

bool skip_list_remove(struct skip_list *list, struct skip_node *node)
{
    struct skip_node **links[SKIP_LIST_HEIGHT];

    if (descend(list, node->key, node->key_size, false, links) != node)
        return false;
    for (unsigned level = 0; level < node->height; level++)
        *links[level] = node->next[level];
    return true;
}

const struct skip_node *skip_list_seek(const struct skip_list *list, const uint8_t *key, size_t key_size, bool above)
{
    return descend(list, key, key_size, above, NULL);
}
