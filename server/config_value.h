/* config_value.h - one key's text into its field, and back. */
#ifndef SERVER_CONFIG_VALUE_H
#define SERVER_CONFIG_VALUE_H

#include "config_keys.h"

/* False: `expected` says what the text should have been. The field may point into `text`, which must live as long. */
enum { CONFIG_EXPECTED_BYTES = 320 };
bool config_value_set(struct config *config, const struct config_key *key, const char *text,
                      char expected[CONFIG_EXPECTED_BYTES]);

/* The field's value as it is written in one way only: 65536 and 64KiB are both "64KiB". For kinds that are numbers. */
enum { CONFIG_NUMBER_BYTES = 32 };
bool config_value_is_number(const struct config_key *key);
void config_value_write(const struct config *config, const struct config_key *key, char room[CONFIG_NUMBER_BYTES]);

/* The next of the words that commas and blanks part; false: there is none. *at goes on behind it. */
bool config_next_word(const char **at, const char **ret_word, size_t *ret_size);

#endif
