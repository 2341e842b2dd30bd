/* db_parts.h - what opening store.mdb and its transactions have in common. */
#ifndef ENGINE_DB_PARTS_H
#define ENGINE_DB_PARTS_H

#include <lmdb.h>

#include "db.h"

struct db {
    MDB_env *env;
    MDB_dbi tables[DB_TABLES];
    uint32_t page_size;
    bool hurry;
};

/* What LMDB, or the system (an errno), says. */
enum varve_status db_status_of(int code);
enum varve_status db_fail_code(struct varve_error *error, int code, const char *doing);

#endif
