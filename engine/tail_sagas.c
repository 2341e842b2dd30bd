/* tail_sagas.c - see tail_sagas.h. */
#include "tail_sagas.h"

#include <assert.h>
#include <string.h>

/* An empty text needs no memory. */
static bool copy_text(struct tail_arena *arena, struct varve_view *text)
{
    if (text->size == 0)
        return true;
    char *copy = tail_arena_take(arena, text->size);
    if (copy == NULL)
        return false;
    text->data = memcpy(copy, text->data, text->size);
    return true;
}

bool layer_saga_init(struct layer_saga *saga, struct tail_arena *arena, struct varve_view type, struct varve_view id,
                     const struct saga_row *before)
{
    *saga = (struct layer_saga){ .type = type, .id = id };
    saga_row_init(&saga->newest);
    if (before != NULL)
        saga->newest = *before;
    if (!copy_text(arena, &saga->newest.step) || !copy_text(arena, &saga->newest.error_json))
        return false;
    saga->published = saga->newest;
    return true;
}

static bool reserve_node(struct layer_saga *saga, struct tail_arena *arena, struct skip_list *list,
                         const struct saga_key *key)
{
    uint8_t bytes[SAGA_KEY_MAX];

    if (saga->spare[key->order] != NULL)
        return true;
    size_t size = saga_key_encode(key, bytes);
    unsigned height = skip_list_draw_height(list);
    void *memory = tail_arena_take(arena, skip_list_node_size(height, size));
    if (memory == NULL)
        return false;
    saga->spare[key->order] = skip_node_make(memory, height, bytes, size, saga);
    saga->spare[key->order]->next[0] = NULL;
    return true;
}

bool layer_saga_reserve(struct layer_saga *saga, struct tail_arena *arena, struct skip_list *list,
                        const struct saga_row *row)
{
    struct saga_key keys[SAGA_ORDERS];
    size_t count = saga_keys_of(row, saga->type, keys);

    for (size_t i = 0; i < count; i++)
        if (!reserve_node(saga, arena, list, &keys[i]))
            return false;
    return true;
}

static void unlink_nodes(struct layer_saga *saga, struct skip_list *list)
{
    for (int order = 0; order < SAGA_ORDERS; order++) {
        struct skip_node *node = saga->linked[order];
        if (node == NULL)
            continue;
        bool was_there = skip_list_remove(list, node);
        assert(was_there);
        saga->linked[order] = NULL;
        node->next[0] = saga->spare[order];
        saga->spare[order] = node;
    }
}

/* The keys of a saga in one order are all of the same size, so its nodes fit each of them. */
static void link_node(struct layer_saga *saga, struct skip_list *list, const struct saga_key *key)
{
    struct skip_node *node = saga->spare[key->order];
    uint8_t bytes[SAGA_KEY_MAX];
    size_t size = saga_key_encode(key, bytes);

    assert(node != NULL && node->key_size == size);
    saga->spare[key->order] = node->next[0];
    saga->linked[key->order] = skip_node_make(node, node->height, bytes, size, saga);
    skip_list_insert(list, saga->linked[key->order]);
}

void layer_saga_publish(struct layer_saga *saga, struct skip_list *list, struct saga_counts *counts)
{
    struct saga_key keys[SAGA_ORDERS];
    size_t count = saga_keys_of(&saga->newest, saga->type, keys);

    unlink_nodes(saga, list);
    for (size_t i = 0; i < count; i++)
        link_node(saga, list, &keys[i]);
    saga_counts_move(counts, saga->type, saga->published.status, saga->newest.status);
    saga->published = saga->newest;
}
