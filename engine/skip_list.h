/* skip_list.h - keys of bytes in order, in memory that belongs to somebody else: what a layer of the tail lists its
 * sagas by. One writer at a time, no reader meanwhile. After W. Pugh, "Skip Lists: A Probabilistic Alternative to
 * Balanced Trees" (1990). */
#ifndef ENGINE_SKIP_LIST_H
#define ENGINE_SKIP_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SKIP_LIST_HEIGHT = 16 };

struct skip_node {
    uint8_t height, key_size;
    const void *value;                       /* the owner's */
    uint8_t *key;                            /* behind the links */
    struct skip_node *next[];                /* `height` of them */
};
struct skip_list {
    struct skip_node *first[SKIP_LIST_HEIGHT];
    uint64_t random;                         /* of the heights; not 0 */
};
void skip_list_init(struct skip_list *list, uint64_t seed);
/* How high the next node is to be, and the memory that a node of this height and key takes. */
unsigned skip_list_draw_height(struct skip_list *list);
size_t skip_list_node_size(unsigned height, size_t key_size);
/* Make a node in `memory` of that size, aligned as a pointer; it is in no list yet. */
struct skip_node *skip_node_make(void *memory, unsigned height, const uint8_t *key, size_t key_size, const void *value);
void skip_list_insert(struct skip_list *list, struct skip_node *node); /* its key is in the list nowhere yet */
bool skip_list_remove(struct skip_list *list, struct skip_node *node); /* false: it was not in it */
/* The first node with a key >= `key` (or > with `above`); NULL: none. */
const struct skip_node *skip_list_seek(const struct skip_list *list, const uint8_t *key, size_t key_size, bool above);
static inline const struct skip_node *skip_list_next(const struct skip_node *node)
{
    return node->next[0];
}

#endif
