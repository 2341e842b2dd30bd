/* db_fixture.h - a store.mdb in a directory of its own, for tests of what stands on db.h. */
#ifndef TESTS_DB_FIXTURE_H
#define TESTS_DB_FIXTURE_H

#include "check.h"
#include "temp_dir.h"

#include "engine/db.h"

#define DB_FIXTURE_MAP (UINT64_C(1) << 30) /* the thread sanitizer has no room for a tebibyte */

struct db_fixture {
    char directory[TEMP_DIR_PATH];
    char path[TEMP_DIR_PATH + 32];
    struct db *db;
};

void db_fixture_open(struct db_fixture *fixture);   /* a new one */
void db_fixture_reopen(struct db_fixture *fixture); /* closed first if it is open */
void db_fixture_close(struct db_fixture *fixture);  /* and removed */

/* Transactions that must begin and end well. */
struct db_txn *db_fixture_read(struct db_fixture *fixture);
struct db_txn *db_fixture_write(struct db_fixture *fixture);
void db_fixture_commit(struct db_txn *txn);

/* Turn one bit of a value over. The transaction must be a writing one and the key there. */
void db_fixture_flip(struct db_txn *txn, enum db_table table, struct db_bytes key, size_t byte, unsigned bit);

static inline struct db_bytes db_text(const char *text)
{
    return (struct db_bytes){ text, strlen(text) };
}

#endif
