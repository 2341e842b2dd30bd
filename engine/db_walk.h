/* db_walk.h - does the page tree of store.mdb hold together? Every page is read by itself and bounded, so that no
 * damage can lead astray; afterwards LMDB may be trusted with the file. What values hold is not looked at. */
#ifndef ENGINE_DB_WALK_H
#define ENGINE_DB_WALK_H

#include "varve/os.h"
#include "varve/store.h"

struct db_walk_report {
    uint64_t pages;    /* looked at */
    uint64_t problems; /* handed to `found` */
};
typedef void (*db_walk_found)(void *user, const char *where, const char *what);

/* VARVE_OK even with problems; else why the file could not be looked at. NOT_A_STORE: there is no file. */
enum varve_status db_walk(const char *path, const struct varve_os *os, db_walk_found found, void *user,
                          struct db_walk_report *ret_report, struct varve_error *error);

/* The same for the catalogue and the root of each tree only: some ten pages, at every open. CORRUPT names the first
 * problem. */
enum varve_status db_walk_roots(const char *path, const struct varve_os *os, struct varve_error *error);

#endif
