/* temp_dir.h - a directory of one's own for a test. */
#ifndef TESTS_TEMP_DIR_H
#define TESTS_TEMP_DIR_H

#include <stddef.h>

#define TEMP_DIR_PATH 256

/* A new empty directory under $TMPDIR or /tmp. Fails the test when it cannot be made. */
void temp_dir_make(char ret_path[TEMP_DIR_PATH]);

/* Remove it with all that is in it. */
void temp_dir_remove(const char *path);

#endif
