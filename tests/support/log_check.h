/* log_check.h - what was settled, held against the naive copy of the log it came from. Every check fails the test. */
#ifndef TESTS_LOG_CHECK_H
#define TESTS_LOG_CHECK_H

#include "log_fixture.h"
#include "random.h"

/* Events of any kind for some of so many streams. */
void log_random_layer(struct log_fixture *log, uint64_t events, uint64_t streams, uint64_t *random);

void log_check(struct log_fixture *log); /* all tables */
void log_check_records(struct db_txn *txn, const struct log_fixture *log);
void log_check_lists(struct db_txn *txn, const struct log_fixture *log);
void log_check_runs(struct db_txn *txn, const struct log_fixture *log);
void log_check_streams(struct db_txn *txn, const struct log_fixture *log);

/* The list holds `position` where `ordinal` leads. */
void log_check_list_entry(struct db_txn *txn, const struct tables_list_key *key, uint64_t ordinal, uint64_t position);
bool log_has_position(struct db_txn *txn, enum db_table table, uint64_t hash, uint64_t position);

#endif
