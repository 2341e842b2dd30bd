/* older_store.h - make of a store one that a varve wrote which knew no sagas: format 1, without their tables. */
#ifndef TESTS_OLDER_STORE_H
#define TESTS_OLDER_STORE_H

/* Of a store.mdb that nobody has open. */
void older_store_drop_tables(const char *store_file);
/* Of a whole directory. */
void older_store_make(const char *directory);

#endif
