/* check_fixture.h - a directory with a store of some hundred events to look at, sound or damaged in one place. */
#ifndef TESTS_CHECK_FIXTURE_H
#define TESTS_CHECK_FIXTURE_H

#include "db_fixture.h"

#include "engine/tables.h"
#include "varve/store.h"

enum { CHECK_UNSETTLED = 30, CHECK_FINDINGS_BYTES = 1 << 16 };

extern char check_directory_path[TEMP_DIR_PATH + 8], check_store_file[TEMP_DIR_PATH + 32];
extern char check_findings[CHECK_FINDINGS_BYTES]; /* of the last run, a line each */

/* For a group of tests, all in one directory. Streams are order-0, -4, -16, -24, -36 and customer-1, -9, -25; types
 * order.placed, .paid and .sent in turn; every fourth event has no correlation. */
int check_make_store(void **state);
int check_remove_store(void **state);

struct varve_store *check_open_store(void);
/* CHECK_UNSETTLED events more and a metadata event, by a process that ends without closing: only in the journal. */
void check_append_and_die(void);

struct varve_check_report check_run(bool deep);
void check_expect_sound(bool deep);

/* Do each damage to a copy, and see that the check says what it is; only with `deep` if it needs that. */
struct check_damage {
    const char *label;
    void (*damage)(struct db_txn *txn);
    bool needs_deep;
    const char *says;
};
void check_damages(const struct check_damage *damages, size_t count);

/* Means of damage. */
uint64_t check_settled(struct db_txn *txn);
void check_delete_row(struct db_txn *txn, enum db_table table, enum db_move move); /* DB_FIRST or DB_LAST */
void check_flip_value(struct db_txn *txn, enum db_table table, size_t byte);       /* of the last row */
void check_flip_bit(const char *path, uint64_t bit);

#endif
