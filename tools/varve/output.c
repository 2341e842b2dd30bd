/* output.c - see output.h; tables are in table.c. */
#include "output.h"

#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BUFFER_SIZE (256 * 1024)
#define WIDTH_MIN 20
#define WIDTH_MAX 10000

static unsigned terminal_width(FILE *file, bool terminal)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size = { 0 };
    unsigned long width = columns != NULL ? strtoul(columns, NULL, 10) : 0;

    if (width == 0 && terminal && ioctl(fileno(file), TIOCGWINSZ, &size) == 0)
        width = size.ws_col;
    if (width == 0)
        return 0;
    return width < WIDTH_MIN ? WIDTH_MIN : width > WIDTH_MAX ? WIDTH_MAX : (unsigned)width;
}

void output_init(struct output *output, enum output_format format)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    bool terminal = isatty(STDOUT_FILENO) == 1;

    setlocale(LC_CTYPE, "C.UTF-8"); /* texts are UTF-8 whatever the user's locale; for their width only */
    *output = (struct output){ .file = stdout, .format = format };
    output->colour = terminal && (no_color == NULL || no_color[0] == '\0') &&
                     (term == NULL || strcmp(term, "dumb") != 0);
    output->width = terminal_width(stdout, terminal);
    if (!terminal)
        setvbuf(stdout, NULL, _IOFBF, BUFFER_SIZE);
}

bool output_format_parse(struct varve_view text, enum output_format *ret)
{
    static const char *const names[] = { "table", "json", "ndjson" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (varve_view_equal(text, varve_view_str(names[i]))) {
            *ret = (enum output_format)i;
            return true;
        }
    }
    return false;
}

bool output_works(const struct output *output)
{
    return ferror(output->file) == 0;
}

void output_list_begin(struct output *output)
{
    output->printed = 0;
    if (output->format == OUTPUT_JSON)
        fputs("[", output->file);
}

void output_list_object(struct output *output, const struct text *object)
{
    if (output->format == OUTPUT_JSON)
        fputs(output->printed > 0 ? ",\n " : "\n ", output->file);
    fwrite(object->bytes, 1, object->size, output->file);
    if (output->format == OUTPUT_NDJSON)
        fputc('\n', output->file);
    output->printed++;
}

void output_list_end(struct output *output)
{
    if (output->format == OUTPUT_JSON)
        fputs(output->printed > 0 ? "\n]\n" : "]\n", output->file);
}

void output_object(struct output *output, const struct text *object)
{
    fwrite(object->bytes, 1, object->size, output->file);
    fputc('\n', output->file);
}

const char *format_count(uint64_t number, char ret_text[32])
{
    char digits[24];
    size_t size = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, number), at = 0;

    for (size_t i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0)
            ret_text[at++] = ',';
        ret_text[at++] = digits[i];
    }
    ret_text[at] = '\0';
    return ret_text;
}

const char *format_bytes(uint64_t bytes, char ret_text[32])
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    double value = (double)bytes / 1024;
    size_t unit = 0;

    if (bytes < 1024) {
        snprintf(ret_text, 32, "%" PRIu64 " B", bytes);
        return ret_text;
    }
    for (; value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
        value /= 1024;
    snprintf(ret_text, 32, "%.1f %s", value, units[unit]);
    return ret_text;
}
