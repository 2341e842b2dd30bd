/* recent.h - the ids of the newest events and their positions: a ring with a hash table over it, of fixed size. */
#ifndef ENGINE_RECENT_H
#define ENGINE_RECENT_H

#include "varve/event.h"

struct recent;

enum varve_status recent_create(uint32_t capacity, uint64_t seed, struct recent **ret_recent);
void recent_destroy(struct recent *recent); /* NULL allowed */
/* Twice the capacity, nothing forgotten. NO_MEMORY: as it was. */
enum varve_status recent_grow(struct recent **recent);
uint32_t recent_capacity(const struct recent *recent);
/* Positions come in order without gaps; the first may be any. The id `capacity` positions back is forgotten. */
void recent_add(struct recent *recent, const struct varve_uuid *id, uint64_t position);
/* A hint that recent_add() for this id comes soon: where it and the id it pushes out lie is fetched meanwhile. */
void recent_prefetch(const struct recent *recent, const struct varve_uuid *id);
/* 0: not among the newest. An id that was added twice gives one of its positions. */
uint64_t recent_find(const struct recent *recent, const struct varve_uuid *id);
uint64_t recent_bytes(const struct recent *recent); /* memory held at most */

#endif
