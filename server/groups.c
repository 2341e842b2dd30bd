/* groups.c - the registry of the consumer groups, and whose turn it is. */
#include "groups.h"

#include <stdlib.h>
#include <string.h>

#include "group.h"

static int compare_names(struct varve_view a, struct varve_view b)
{
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* Where the group of this name is, or would be. */
static uint32_t find_place(const struct groups *groups, struct varve_view name)
{
    uint32_t low = 0, high = groups->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (compare_names(groups->all[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct group *groups_find(const struct groups *groups, struct varve_view name)
{
    uint32_t place = find_place(groups, name);

    if (place == groups->count || !varve_view_equal(groups->all[place]->name, name))
        return NULL;
    return groups->all[place];
}

struct group *groups_need(const struct groups *groups, struct varve_view name, struct varve_error *error)
{
    struct group *group = groups_find(groups, name);

    if (group == NULL) {
        varve_fail(error, VARVE_GROUP_NOT_FOUND, NULL, "there is no consumer group '%.*s'", (int)name.size, name.data);
    } else if (group->broken.status != VARVE_OK) {
        *error = group->broken;
        return NULL;
    }
    return group;
}

bool groups_add(struct groups *groups, struct group *group)
{
    uint32_t place = find_place(groups, group->name);
    struct group **all = realloc(groups->all, (groups->count + 1) * sizeof(struct group *));

    if (all == NULL)
        return false;
    groups->all = all;
    memmove(all + place + 1, all + place, (groups->count - place) * sizeof(struct group *));
    all[place] = group;
    groups->count++;
    figure_set(&groups->server->figures.consumer_groups, groups->count);
    return true;
}

void groups_remove(struct groups *groups, struct group *group)
{
    uint32_t place = find_place(groups, group->name);

    assert(groups->all[place] == group);
    groups->count--;
    memmove(groups->all + place, groups->all + place + 1, (groups->count - place) * sizeof(struct group *));
    figure_set(&groups->server->figures.consumer_groups, groups->count);
}

/* ---- turns ---------------------------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
    struct groups *groups = timer->data;
    uint64_t now_ms = uv_now(&groups->server->loop);

    groups->timer_due_ms = UINT64_MAX;
    for (uint32_t i = 0; i < groups->count; i++) {
        struct group *group = groups->all[i];

        if (group->due_ms <= now_ms)
            groups_touch(groups, group);
        else
            groups_due(groups, group->due_ms);
    }
    groups_turn(groups->server);
}

void groups_due(struct groups *groups, uint64_t due_ms)
{
    uint64_t now_ms = uv_now(&groups->server->loop);

    if (due_ms >= groups->timer_due_ms)
        return;
    groups->timer_due_ms = due_ms;
    uv_timer_start(&groups->timer, on_timer, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

/* The timer sees to it that the loop does not sleep before the group had its turn. */
void groups_touch(struct groups *groups, struct group *group)
{
    if (group->touched)
        return;
    group->touched = true;
    group->next_touched = groups->touched;
    groups->touched = group;
    groups_due(groups, 0);
}

void groups_turn(struct server *server)
{
    struct groups *groups = server->groups;

    while (groups->touched != NULL) {
        struct group *group = groups->touched;

        groups->touched = group->next_touched;
        group->touched = false;
        group_turn(group);
    }
}

void groups_stop(struct server *server)
{
    for (uint32_t i = 0; i < server->groups->count; i++)
        groups_touch(server->groups, server->groups->all[i]);
}

bool groups_are_idle(const struct server *server)
{
    const struct groups *groups = server->groups;

    if (groups->away > 0 || groups->touched != NULL)
        return false;
    for (uint32_t i = 0; i < groups->count; i++) {
        if (!group_writer_is_idle(groups->all[i]))
            return false;
    }
    return true;
}

/* ---- beginning and end ---------------------------------------------------------------------------------------- */

enum varve_status groups_init(struct server *server, struct varve_error *error)
{
    struct groups *groups = calloc(1, sizeof(*groups));

    if (groups == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for consumer groups");
    groups->server = server;
    groups->timer_due_ms = UINT64_MAX;
    uv_timer_init(&server->loop, &groups->timer);
    groups->timer.data = groups;
    server->groups = groups;
    return VARVE_OK;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void groups_end(struct server *server)
{
    struct groups *groups = server->groups;

    if (groups == NULL)
        return;
    assert(groups->away == 0);
    for (uint32_t i = 0; i < groups->count; i++)
        group_free(groups->all[i]);
    free(groups->all);
    server->groups = NULL;
    uv_close((uv_handle_t *)&groups->timer, on_closed);
}
