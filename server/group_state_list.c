/* group_state_list.c - see group_state_list.h. */
#include "group_state_list.h"

#include <assert.h>

void group_list_append(struct group_list *list, struct group_links *links, uint32_t index)
{
    links[index] = (struct group_links){ .next = GROUP_NONE, .previous = list->last };
    if (list->last == GROUP_NONE)
        list->first = index;
    else
        links[list->last].next = index;
    list->last = index;
    list->count++;
}

void group_list_prepend(struct group_list *list, struct group_links *links, uint32_t index)
{
    links[index] = (struct group_links){ .next = list->first, .previous = GROUP_NONE };
    if (list->first == GROUP_NONE)
        list->last = index;
    else
        links[list->first].previous = index;
    list->first = index;
    list->count++;
}

void group_list_remove(struct group_list *list, struct group_links *links, uint32_t index)
{
    struct group_links at = links[index];

    assert(list->count > 0);
    if (at.previous == GROUP_NONE)
        list->first = at.next;
    else
        links[at.previous].next = at.next;
    if (at.next == GROUP_NONE)
        list->last = at.previous;
    else
        links[at.next].previous = at.previous;
    list->count--;
}
