/* saga_copies.c - see saga_copies.h. */
#include "saga_copies.h"

#include "varve/record.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct saga_copy {
    struct saga_row row;
    size_t texts;                          /* in `bytes`: type, id, step, error, one behind the other */
    size_t type_size, id_size, step_size, error_size;
    size_t state, state_size;              /* in `bytes` */
    bool has_state;
};

void saga_copies_free(struct saga_copies *copies)
{
    free(copies->items);
    free(copies->bytes);
    *copies = (struct saga_copies){ 0 };
}

static bool reserve_bytes(struct saga_copies *copies, size_t more)
{
    size_t room = copies->bytes_room == 0 ? 1024 : copies->bytes_room;

    while (room - copies->size < more)
        room *= 2;
    if (room == copies->bytes_room)
        return true;
    uint8_t *bytes = realloc(copies->bytes, room);
    if (bytes == NULL)
        return false;
    copies->bytes = bytes;
    copies->bytes_room = room;
    return true;
}

static bool reserve_item(struct saga_copies *copies)
{
    if (copies->count < copies->room)
        return true;
    size_t room = copies->room == 0 ? 16 : copies->room * 2;
    struct saga_copy *items = realloc(copies->items, room * sizeof(*items));
    if (items == NULL)
        return false;
    copies->items = items;
    copies->room = room;
    return true;
}

static void put(struct saga_copies *copies, struct varve_view bytes)
{
    if (bytes.size > 0)
        memcpy(copies->bytes + copies->size, bytes.data, bytes.size);
    copies->size += bytes.size;
}

bool saga_copies_add(struct saga_copies *copies, struct varve_view type, struct varve_view id,
                     const struct saga_row *row)
{
    size_t most = type.size + id.size + row->step.size + VARVE_SAGA_MAX_ERROR;

    if (!reserve_item(copies) || !reserve_bytes(copies, most))
        return false;
    struct saga_copy *copy = &copies->items[copies->count++];
    *copy = (struct saga_copy){ .row = *row, .texts = copies->size, .type_size = type.size, .id_size = id.size,
                                .step_size = row->step.size };
    copy->row.step = copy->row.error_json = varve_view_of(NULL, 0);
    put(copies, type);
    put(copies, id);
    put(copies, row->step);
    if (row->error_json.size > 0)
        copy->error_size = saga_error_text(row->error_json, (char *)copies->bytes + copies->size);
    copies->size += copy->error_size;
    return true;
}

/* False: no memory. */
static bool take_state(void *user, const uint8_t *record, uint32_t size)
{
    struct saga_copies *copies = user;
    struct varve_event event;

    if (varve_record_decode(record, size, &event) != VARVE_OK || !reserve_bytes(copies, event.data.size))
        return false; /* It is verified, so it can be decoded. */
    put(copies, event.data);
    return true;
}

enum varve_status saga_copies_add_state(struct saga_copies *copies, size_t i, struct view *view,
                                        struct varve_error *error)
{
    struct saga_copy *copy = &copies->items[i];
    bool taken = false;

    assert(i < copies->count);
    if (copy->row.state_position == 0)
        return VARVE_OK;
    copy->state = copies->size;
    enum varve_status status = view_record(view, copy->row.state_position, take_state, copies, &taken, error);
    if (status != VARVE_OK)
        return status;
    if (!taken)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a saga's state");
    copy->has_state = true;
    copy->state_size = copies->size - copy->state;
    return VARVE_OK;
}

const struct saga_row *saga_copies_row(const struct saga_copies *copies, size_t i)
{
    assert(i < copies->count);
    return &copies->items[i].row;
}

static struct varve_view next_text(const uint8_t **at, size_t size)
{
    struct varve_view text = { (const char *)*at, size };

    *at += size;
    return text;
}

static void describe(const struct saga_copy *copy, const uint8_t *bytes, struct varve_saga *ret)
{
    const struct saga_row *row = &copy->row;
    const uint8_t *at = bytes + copy->texts;

    *ret = (struct varve_saga){
        .status = (enum varve_saga_status)row->status, .version = row->version, .position = row->position,
        .started_at_us = row->started_at_us, .updated_at_us = row->updated_at_us,
        .completed_at_us = row->completed_at_us, .failed_at_us = row->failed_at_us, .deadline_us = row->deadline_us,
        .correlation_id = row->correlation_id, .content_type = row->content_type, .has_state = copy->has_state,
    };
    ret->type = next_text(&at, copy->type_size);
    ret->id = next_text(&at, copy->id_size);
    ret->step = next_text(&at, copy->step_size);
    ret->error = next_text(&at, copy->error_size);
    if (copy->has_state)
        ret->state = varve_view_of((const char *)bytes + copy->state, copy->state_size);
}

void *saga_copies_pack(const struct saga_copies *copies, size_t count, size_t head)
{
    const size_t sagas = count * sizeof(struct varve_saga);
    uint8_t *memory = malloc(head + sagas + copies->size);

    assert(count <= copies->count && head % _Alignof(struct varve_saga) == 0);
    if (memory == NULL)
        return NULL;
    struct varve_saga *first = (struct varve_saga *)(memory + head);
    uint8_t *bytes = memory + head + sagas;
    if (copies->size > 0)
        memcpy(bytes, copies->bytes, copies->size);
    for (size_t i = 0; i < count; i++)
        describe(&copies->items[i], bytes, &first[i]);
    return memory;
}
