/* metrics_groups.c - consumer groups as the metrics tell them, looked at on the loop, to which they belong. */
#include <stdlib.h>
#include <string.h>

#include "group.h"
#include "metrics_series.h"
#include "metrics_write.h"

static void look_at(const struct group *group, uint64_t last_position, struct metrics_group *ret)
{
    uint64_t checkpoint = group_state_checkpoint(group->state);

    ret->members += group->joined_count;
    ret->lag_events += last_position > checkpoint ? last_position - checkpoint : 0;
    ret->parked += group->parked.count;
    ret->checkpoint = checkpoint;
}

static bool is_named_other(const struct metrics_group *group)
{
    return group->name_size == 5 && memcmp(group->name, "other", 5) == 0;
}

/* A group that is really called so is one of the rest: its place becomes theirs, and the last. */
static bool find_other(struct metrics_look *look)
{
    struct metrics_group *last = &look->groups[look->group_count - 1];

    for (struct metrics_group *group = look->groups; group <= last; group++) {
        if (is_named_other(group)) {
            struct metrics_group kept = *last;

            *last = *group;
            *group = kept;
            return true;
        }
    }
    return false;
}

/* The next one has a place of its own, or is one of the rest. */
static struct metrics_group *place_for(struct metrics_look *look, struct varve_view name, uint32_t most)
{
    if (look->has_other)
        return &look->groups[look->group_count - 1];
    look->has_other = look->group_count == most;
    if (look->has_other && find_other(look))
        return &look->groups[look->group_count - 1];
    struct metrics_group *group = &look->groups[look->group_count++];
    *group = (struct metrics_group){ .members = 0 };
    group->name_size = series_escape(look->has_other ? varve_view_str("other") : name, group->name);
    return group;
}

bool metrics_look(const struct server *server, struct metrics_look *ret)
{
    struct varve_store *store = server->store;
    uint32_t most = server->config->metrics_label_values;
    const struct groups *groups = server->groups;

    *ret = (struct metrics_look){ .has_store = store != NULL };
    if (store == NULL)
        return true;
    uint64_t last_position = varve_store_last_position(store);
    ret->groups = malloc(((groups->count < most ? groups->count : most) + 1ul) * sizeof(*ret->groups));
    if (ret->groups == NULL)
        return false;
    for (uint32_t i = 0; i < groups->count; i++)
        if (groups->all[i]->state != NULL) /* One that is not understood does nothing. */
            look_at(groups->all[i], last_position, place_for(ret, groups->all[i]->name, most));
    return true;
}

void metrics_look_end(struct metrics_look *look)
{
    free(look->groups);
    look->groups = NULL;
}
