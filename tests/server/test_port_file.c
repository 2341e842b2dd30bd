/* test_port_file.c - ports in a file: all of them, over what was there, or a reason why not. */
#include "support/check.h"
#include "support/temp_dir.h"

#include <sys/stat.h>

#include "server/port_file.h"

static const uint16_t ports[] = { 8278, 65535 };

static void written_over_what_was_there(void **state)
{
    char directory[TEMP_DIR_PATH], path[TEMP_DIR_PATH + 8], text[64];

    temp_dir_make(directory);
    snprintf(path, sizeof(path), "%s/ports", directory);
    for (size_t count = COUNT_OF(ports) + 1; count-- > 0;) {
        assert_int_equal(port_file_write("--port-file", path, ports, count, NULL), VARVE_OK);
        FILE *file = fopen(path, "re");
        assert_non_null(file);
        text[fread(text, 1, sizeof(text) - 1, file)] = 0;
        fclose(file);
        assert_string_equal(text, count == 2 ? "8278\n65535\n" : count == 1 ? "8278\n" : "");
    }
    temp_dir_remove(directory);
}

static void what_is_in_its_way_is_told(void **state)
{
    char directory[TEMP_DIR_PATH], path[TEMP_DIR_PATH + 8], too_long[5000];
    struct varve_error error;

    temp_dir_make(directory);
    snprintf(path, sizeof(path), "%s/ports", directory);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(port_file_write("http.port_file", path, ports, 2, &error), VARVE_IO);
    assert_non_null(strstr(error.message, "/ports: "));
    assert_int_equal(port_file_write("--port-file", "/nonexistent/port", ports, 2, &error), VARVE_IO);
    assert_string_equal(error.message, "--port-file /nonexistent/port: No such file or directory");
    memset(too_long, 'x', sizeof(too_long) - 1);
    too_long[sizeof(too_long) - 1] = 0;
    assert_int_equal(port_file_write("--port-file", too_long, ports, 2, &error), VARVE_IO);
    temp_dir_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_over_what_was_there),
        cmocka_unit_test(what_is_in_its_way_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
