/* saga_walk.c - see saga_walk.h. */
#include "saga_walk.h"

#include "tables_sagas.h"
#include "tail_sagas.h"

#include <assert.h>
#include <string.h>

/* ---- what a query wants ---- */

enum judgement {
    WANTED,
    UNWANTED,
    JUMP, /* nothing wanted comes before the key given */
    END,  /* nothing wanted comes any more */
};
struct jump {
    uint8_t key[SAGA_KEY_MAX];
    size_t size;
};

static bool has_status(const struct varve_saga_query *query, unsigned status)
{
    return query->statuses == 0 || (query->statuses >> status & 1) != 0;
}

static void set_jump(struct varve_view type, unsigned status, struct jump *ret_jump)
{
    struct saga_key key = { .order = VARVE_SAGA_BY_CHANGE, .type = type, .status = status };

    ret_jump->size = saga_key_encode(&key, ret_jump->key);
}

/* From a type and status on to the next that are wanted. */
static enum judgement next_range(const struct varve_saga_query *query, const struct saga_key *key,
                                 struct jump *ret_jump)
{
    unsigned status = key->status + 1;

    while (status < VARVE_SAGA_STATUSES && !has_status(query, status))
        status++;
    if (status >= VARVE_SAGA_STATUSES && query->type.size > 0)
        return END;
    set_jump(key->type, status < VARVE_SAGA_STATUSES ? status : UINT8_MAX, ret_jump);
    return JUMP;
}

static enum judgement judge_key(const struct varve_saga_query *query, const struct saga_key *key,
                                struct jump *ret_jump)
{
    if (key->order != query->order)
        return END; /* BY_CHANGE comes first. */
    if (key->order == VARVE_SAGA_BY_DEADLINE)
        return query->deadline_before_us != VARVE_TIME_NONE && key->deadline_us >= query->deadline_before_us ? END
                                                                                                             : WANTED;
    if (query->type.size > 0 && !varve_view_equal(key->type, query->type))
        return END; /* The walk began with the type. */
    return has_status(query, key->status) ? WANTED : next_range(query, key, ret_jump);
}

/* Times grow with positions, so where one is too young, so are all behind it that have its type and status. */
static enum judgement judge_row(const struct varve_saga_query *query, const struct saga_key *key,
                                struct varve_view type, const struct saga_row *row, struct jump *ret_jump)
{
    bool young = query->updated_before_us != VARVE_TIME_NONE && row->updated_at_us >= query->updated_before_us;

    if (young && key->order == VARVE_SAGA_BY_CHANGE)
        return next_range(query, key, ret_jump);
    if (young || !has_status(query, row->status))
        return UNWANTED;
    if (query->type.size > 0 && !varve_view_equal(type, query->type))
        return UNWANTED;
    if (query->step.size > 0 && !varve_view_equal(row->step, query->step))
        return UNWANTED;
    if (query->deadline_before_us != VARVE_TIME_NONE &&
        (row->deadline_us == VARVE_TIME_NONE || row->deadline_us >= query->deadline_before_us))
        return UNWANTED;
    return WANTED;
}

/* ---- keys ---- */

static int compare_keys(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);

    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

static void set_at(struct saga_walk *walk, const uint8_t *key, size_t size)
{
    memcpy(walk->at, key, size);
    walk->at_size = size;
}

static void set_covered(struct saga_walk *walk, const uint8_t *key, size_t size)
{
    memcpy(walk->covered, key, size);
    walk->covered_size = size;
}

/* ---- what is settled ---- */

/* One entry: kept in the batch, or passed over. */
static enum varve_status take_entry(struct saga_walk *walk, struct db_bytes key, struct db_bytes value,
                                    enum judgement *ret_judgement, struct jump *ret_jump)
{
    struct saga_settled *kept = &walk->batch[walk->batch_count];
    struct saga_key decoded;
    enum varve_status status = tables_read_saga_entry(walk->view->txn, key, value, &decoded, &kept->type, &kept->id);

    *ret_judgement = END;
    if (status == VARVE_OK)
        *ret_judgement = judge_key(walk->query, &decoded, ret_jump);
    if (status != VARVE_OK || *ret_judgement != WANTED)
        return status;
    status = tables_get_saga(walk->view->txn, kept->type, kept->id, &kept->row);
    if (status == VARVE_SAGA_NOT_FOUND || (status == VARVE_OK && kept->row.position != decoded.position))
        status = db_damaged(walk->view->txn, "table saga_index: an entry of \"%.*s\" \"%.*s\" is not that of its row",
                            (int)kept->type.size, kept->type.data, (int)kept->id.size, kept->id.data);
    if (status != VARVE_OK)
        return status;
    *ret_judgement = judge_row(walk->query, &decoded, kept->type, &kept->row, ret_jump);
    if (*ret_judgement == WANTED) {
        memcpy(kept->key, key.data, key.size);
        kept->key_size = (uint8_t)key.size;
        walk->batch_count++;
    }
    return VARVE_OK;
}

static enum varve_status fill_from(struct saga_walk *walk, struct db_cursor *cursor)
{
    struct db_bytes key = { walk->at, walk->at_size }, value;
    uint32_t left = SAGA_WALK_MOST - walk->looked, most = left < walk->batch_looks ? left : walk->batch_looks;
    enum varve_status status = VARVE_OK;
    enum judgement judgement = WANTED;
    struct jump jump;
    bool more = db_cursor_move(cursor, DB_SEEK, &key, &value, &status);

    if (more && compare_keys(key.data, key.size, walk->at, walk->at_size) == 0)
        more = db_cursor_move(cursor, DB_NEXT, &key, &value, &status);
    while (more && walk->batch_count < walk->batch_limit && walk->batch_looked < most) {
        walk->batch_looked++;
        status = take_entry(walk, key, value, &judgement, &jump);
        if (status != VARVE_OK || judgement == END)
            break;
        set_covered(walk, key.data, key.size);
        if (judgement == JUMP)
            key = (struct db_bytes){ jump.key, jump.size };
        more = db_cursor_move(cursor, judgement == JUMP ? DB_SEEK : DB_NEXT, &key, &value, &status);
    }
    walk->exhausted = !more || judgement == END;
    return status;
}

/* The next entries behind `at`; what is settled later comes through the tail. */
static enum varve_status fill_batch(struct saga_walk *walk, struct varve_error *error)
{
    struct db_cursor *cursor;
    enum varve_status status = db_cursor_open(walk->view->txn, DB_SAGA_INDEX, &cursor);

    walk->batch_next = walk->batch_count = 0;
    walk->batch_settled = walk->view->settled;
    walk->batch_looked = 0;
    set_covered(walk, walk->at, walk->at_size);
    if (status == VARVE_OK) {
        status = fill_from(walk, cursor);
        db_cursor_close(cursor);
    }
    walk->batch_limit = walk->batch_limit * 2 < SAGA_WALK_BATCH ? walk->batch_limit * 2 : SAGA_WALK_BATCH;
    return status == VARVE_OK ? VARVE_OK : db_explain(walk->view->txn, status, error);
}

/* ---- the merge, under the tail's lock ---- */

enum source { ACTIVE, FROZEN, SETTLED, NOWHERE };

struct merge {
    struct saga_walk *walk;
    const struct tail *tail;
    const struct skip_list *lists[2]; /* NULL: nothing is frozen */
    const struct skip_node *nodes[2];
};

static void begin_merge(struct merge *merge, struct saga_walk *walk)
{
    const struct tail *tail = walk->view->store->tail;
    const struct tail_layer *frozen = tail_frozen(tail);

    *merge = (struct merge){ .walk = walk, .tail = tail };
    merge->lists[ACTIVE] = tail_layer_sagas(tail_active(tail));
    merge->lists[FROZEN] = frozen == NULL ? NULL : tail_layer_sagas(frozen);
    for (int i = ACTIVE; i <= FROZEN; i++)
        if (merge->lists[i] != NULL)
            merge->nodes[i] = skip_list_seek(merge->lists[i], walk->at, walk->at_size, true);
}

/* Where the least key stands, the newest source first. */
static enum source find_least(const struct merge *merge, const uint8_t **ret_key, size_t *ret_size)
{
    const struct saga_walk *walk = merge->walk;
    enum source least = NOWHERE;

    for (enum source i = ACTIVE; i <= SETTLED; i++) {
        const struct saga_settled *settled =
            i == SETTLED && walk->batch_next < walk->batch_count ? &walk->batch[walk->batch_next] : NULL;
        const struct skip_node *node = i == SETTLED ? NULL : merge->nodes[i];
        if (settled == NULL && node == NULL)
            continue;
        const uint8_t *key = settled != NULL ? settled->key : node->key;
        size_t size = settled != NULL ? settled->key_size : node->key_size;
        if (least != NOWHERE && compare_keys(key, size, *ret_key, *ret_size) >= 0)
            continue;
        least = i;
        *ret_key = key;
        *ret_size = size;
    }
    return least;
}

/* Is the entry what its saga is listed by now? *ret_row is the published row then. */
static bool is_current(const struct merge *merge, enum source source, const struct saga_key *key,
                       struct varve_view type, struct varve_view id, struct saga_row *row)
{
    char name[VARVE_SAGA_MAX_NAME];
    struct saga_row newer;

    if (source == ACTIVE || !tail_published_saga(merge->tail, varve_saga_stream(type, id, name), &newer))
        return true;
    *row = newer;
    return newer.position == key->position;
}

/* Every source is behind this key now. */
static void pass(struct merge *merge, const uint8_t *key, size_t size)
{
    struct saga_walk *walk = merge->walk;

    set_at(walk, key, size);
    for (int i = ACTIVE; i <= FROZEN; i++)
        if (merge->nodes[i] != NULL &&
            compare_keys(merge->nodes[i]->key, merge->nodes[i]->key_size, walk->at, walk->at_size) == 0)
            merge->nodes[i] = skip_list_next(merge->nodes[i]);
    if (walk->batch_next < walk->batch_count &&
        compare_keys(walk->batch[walk->batch_next].key, walk->batch[walk->batch_next].key_size, walk->at,
                     walk->at_size) == 0)
        walk->batch_next++;
}

static void jump_ahead(struct merge *merge, const struct jump *jump)
{
    for (int i = ACTIVE; i <= FROZEN; i++)
        if (merge->nodes[i] != NULL &&
            compare_keys(merge->nodes[i]->key, merge->nodes[i]->key_size, jump->key, jump->size) < 0)
            merge->nodes[i] = skip_list_seek(merge->lists[i], jump->key, jump->size, false);
}

static enum judgement look_at(struct merge *merge, enum source source, const uint8_t *bytes, size_t size,
                              struct jump *ret_jump)
{
    struct saga_walk *walk = merge->walk;
    struct varve_view type, id;
    struct saga_row row;
    struct saga_key key;
    bool sound = saga_key_decode(bytes, size, &key);

    assert(sound);
    enum judgement judgement = judge_key(walk->query, &key, ret_jump);
    if (judgement != WANTED)
        return judgement;
    if (source == SETTLED) {
        const struct saga_settled *settled = &walk->batch[walk->batch_next];
        type = settled->type;
        id = settled->id;
        row = settled->row;
    } else {
        const struct layer_saga *saga = merge->nodes[source]->value;
        type = saga->type;
        id = saga->id;
        row = saga->published;
    }
    if (!is_current(merge, source, &key, type, id, &row))
        return UNWANTED;
    judgement = judge_row(walk->query, &key, type, &row, ret_jump);
    if (judgement == WANTED)
        walk->stopped = !walk->take(walk->user, type, id, &row);
    return judgement;
}

static void merge_bite(struct saga_walk *walk)
{
    struct merge merge;
    struct jump jump;
    const uint8_t *key;
    size_t size;

    begin_merge(&merge, walk);
    for (int i = 0; !walk->end; i++) {
        enum source least = find_least(&merge, &key, &size);
        if (!walk->exhausted &&
            (least == NOWHERE || compare_keys(key, size, walk->covered, walk->covered_size) > 0)) {
            set_at(walk, walk->covered, walk->covered_size); /* What is settled has to be read on first. */
            return;
        }
        walk->end = least == NOWHERE;
        if (walk->end || walk->stopped || i == SAGA_WALK_BITE)
            return;
        walk->looked += least != SETTLED;
        enum judgement judgement = look_at(&merge, least, key, size, &jump);
        walk->end = judgement == END;
        pass(&merge, key, size);
        if (judgement == JUMP)
            jump_ahead(&merge, &jump);
    }
}

/* ---- walking ---- */

void saga_walk_begin(struct saga_walk *walk, struct view *view, const struct varve_saga_query *query,
                     saga_walk_take take, void *user)
{
    walk->view = view;
    walk->query = query;
    walk->take = take;
    walk->user = user;
    walk->looked = walk->batch_looked = walk->batch_next = walk->batch_count = 0;
    walk->batch_looks = SAGA_WALK_MOST;
    walk->batch_limit = query->limit < SAGA_WALK_BATCH ? query->limit + 1 : SAGA_WALK_BATCH;
    walk->batch_settled = UINT64_MAX;
    walk->stopped = walk->end = walk->exhausted = false;
    if (query->after.size > 0) {
        set_at(walk, (const uint8_t *)query->after.data, query->after.size);
        return;
    }
    /* No key is as short as these, so they are none that would be passed over. */
    walk->at[0] = query->order == VARVE_SAGA_BY_CHANGE ? 'C' : 'D';
    walk->at_size = 1;
    if (query->order == VARVE_SAGA_BY_CHANGE && query->type.size > 0) {
        memcpy(walk->at + 1, query->type.data, query->type.size);
        walk->at[1 + query->type.size] = 0;
        walk->at_size = 2 + query->type.size;
    }
}

static bool needs_batch(const struct saga_walk *walk)
{
    return walk->batch_settled != walk->view->settled || (!walk->exhausted && walk->batch_next == walk->batch_count);
}

/* Under the tail's lock. A batch that store.mdb went past while it was read is no more, and a smaller one is tried: it
 * does not count, so that a walk always gets somewhere. */
static void use_batch(struct saga_walk *walk)
{
    if (walk->batch_settled != walk->view->settled) {
        walk->batch_looks = walk->batch_looks / 4 > SAGA_WALK_BITE ? walk->batch_looks / 4 : SAGA_WALK_BITE;
        return;
    }
    walk->looked += walk->batch_looked;
    walk->batch_looked = 0;
    walk->view->visible = tail_visible_position(walk->view->store->tail);
    merge_bite(walk);
}

enum varve_status saga_walk_run(struct saga_walk *walk, struct varve_error *error)
{
    struct view *view = walk->view;
    enum varve_status status = VARVE_OK;

    while (status == VARVE_OK && !walk->end && !walk->stopped && walk->looked < SAGA_WALK_MOST) {
        if (needs_batch(walk))
            status = fill_batch(walk, error);
        if (status == VARVE_OK)
            status = view_lock_tail(view, error);
        if (status != VARVE_OK)
            return status;
        use_batch(walk);
        tail_unlock_read(view->store->tail);
    }
    return status;
}
