/* page_sums.c - see page_sums.h. */
#include "page_sums.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "db_pages.h"

enum { CHUNK = 1 << 16, MIN_PAGE = 4096 };

struct varve_page_sums {
    uint64_t chunk_count;
    uint32_t *chunks[]; /* 0 in them: not known */
};

static _Thread_local struct varve_page_sums *watching;

struct varve_page_sums *varve_page_sums_create(uint64_t map_size_bytes)
{
    uint64_t count = map_size_bytes / MIN_PAGE / CHUNK + 1;
    struct varve_page_sums *sums = calloc(1, sizeof(*sums) + count * sizeof(sums->chunks[0]));

    if (sums != NULL)
        sums->chunk_count = count;
    return sums;
}

void varve_page_sums_destroy(struct varve_page_sums *sums)
{
    for (uint64_t i = 0; sums != NULL && i < sums->chunk_count; i++)
        free(sums->chunks[i]);
    free(sums);
}

void varve_page_sums_watch(struct varve_page_sums *sums)
{
    watching = sums;
}

static uint32_t sum_of(const void *bytes, uint32_t page_size)
{
    uint32_t sum = (uint32_t)XXH3_64bits(bytes, page_size);
    return sum != 0 ? sum : 1;
}

void page_sums_set(struct varve_page_sums *sums, uint64_t page, const void *bytes, uint32_t page_size)
{
    uint32_t *chunk;

    if (sums == NULL || page / CHUNK >= sums->chunk_count)
        return;
    chunk = __atomic_load_n(&sums->chunks[page / CHUNK], __ATOMIC_RELAXED);
    if (chunk == NULL) {
        chunk = calloc(CHUNK, sizeof(*chunk));
        if (chunk == NULL)
            return;
        __atomic_store_n(&sums->chunks[page / CHUNK], chunk, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&chunk[page % CHUNK], sum_of(bytes, page_size), __ATOMIC_RELAXED);
}

bool page_sums_match(const struct varve_page_sums *sums, uint64_t page, const void *bytes, uint32_t page_size)
{
    const uint32_t *chunk;
    uint32_t known;

    if (sums == NULL || page / CHUNK >= sums->chunk_count)
        return true;
    chunk = __atomic_load_n(&sums->chunks[page / CHUNK], __ATOMIC_ACQUIRE);
    known = chunk != NULL ? __atomic_load_n(&chunk[page % CHUNK], __ATOMIC_RELAXED) : 0;
    return known == 0 || known == sum_of(bytes, page_size);
}

void page_sums_see(const void *bytes, size_t size)
{
    struct page_header header;

    if (watching == NULL || size < MIN_PAGE || size % MIN_PAGE != 0)
        return;
    memcpy(&header, bytes, sizeof(header));
    if (header.flags == PAGE_LEAF || header.flags == PAGE_BRANCH)
        page_sums_set(watching, header.number, bytes, (uint32_t)size);
}
