/* temp_dir.c - made with mkdtemp, removed bottom up. */
#include "temp_dir.h"

#include "check.h"

#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

void temp_dir_make(char ret_path[TEMP_DIR_PATH])
{
    const char *parent = getenv("TMPDIR");

    snprintf(ret_path, TEMP_DIR_PATH, "%s/varve-test-XXXXXX", parent == NULL ? "/tmp" : parent);
    assert_non_null(mkdtemp(ret_path));
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    return remove(path);
}

void temp_dir_remove(const char *path)
{
    assert_int_equal(nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}
