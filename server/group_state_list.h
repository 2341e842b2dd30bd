/* group_state_list.h - doubly linked lists of table indexes, whose links lie in a table beside: no pointers, so tables
 * may grow and be copied. What is in no list has undefined links. */
#ifndef SERVER_GROUP_STATE_LIST_H
#define SERVER_GROUP_STATE_LIST_H

#include <stdbool.h>
#include <stdint.h>

#define GROUP_NONE UINT32_MAX

struct group_links {
    uint32_t next, previous;
};
struct group_list {
    uint32_t first, last, count;
};
#define GROUP_LIST_EMPTY ((struct group_list){ GROUP_NONE, GROUP_NONE, 0 })

void group_list_append(struct group_list *list, struct group_links *links, uint32_t index);
void group_list_prepend(struct group_list *list, struct group_links *links, uint32_t index);
void group_list_remove(struct group_list *list, struct group_links *links, uint32_t index);

#endif
