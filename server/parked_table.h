/* parked_table.h - which events of a group are parked: a little about each, by position. All else stands in the log. */
#ifndef SERVER_PARKED_TABLE_H
#define SERVER_PARKED_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*   RESTING --a replay is asked for--> WANTED --its record is being read--> LOADING --with the machine--> REPLAYING
 *   REPLAYING --failed again, group reset--> RESTING, --acked--> gone;  RESTING, WANTED --being discarded--> ENDING */
enum parked_state { PARKED_RESTING, PARKED_WANTED, PARKED_LOADING, PARKED_REPLAYING, PARKED_ENDING, PARKED_GONE };

struct parked_entry {
    uint64_t position;
    uint64_t where;            /* the position of the system event that tells all about it */
    int64_t first_attempt_us;
    uint32_t attempts;         /* before the replay that is under way */
    enum parked_state state;
};

struct parked_table {
    struct parked_entry *entries; /* by position; those that are GONE are left out of everything */
    size_t slots, capacity;
    size_t count;                 /* not GONE */
};
void parked_table_free(struct parked_table *table);

struct parked_entry *parked_table_find(const struct parked_table *table, uint64_t position); /* NULL: none */
/* The first above this position; NULL: none. */
struct parked_entry *parked_table_next(const struct parked_table *table, uint64_t position);
/* In place of what is there for its position. False: no memory. Entries move. */
bool parked_table_put(struct parked_table *table, const struct parked_entry *entry);
void parked_table_remove(struct parked_table *table, uint64_t position); /* nothing when it is not there */

#endif
