/* metrics_scrape.c - see metrics_scrape.h. */
#include "metrics_scrape.h"

#include "server/metrics_write.h"

enum { TEXT_BYTES = 8 << 20 };

static char text[TEXT_BYTES];

const char *scrape(struct fixture *f)
{
    struct varve_wire_buffer out = { .bytes = NULL };
    struct metrics_look look;
    struct varve_error error;

    assert_true(metrics_look(&f->server, &look));
    if (metrics_write(&f->server, &look, &out, &error) != VARVE_OK)
        fail_msg("%s", error.message);
    assert_true(out.capacity <= metrics_write_bytes(&f->server, &look));
    metrics_look_end(&look);
    assert_true(out.size < sizeof(text));
    memcpy(text, out.bytes, out.size);
    text[out.size] = '\0';
    varve_wire_buffer_free(&out);
    return text;
}

const char *scraped(const char *sample)
{
    static char value[64];
    size_t size = strlen(sample);
    const char *at = text;

    while ((at = strstr(at, sample)) != NULL && !((at == text || at[-1] == '\n') && at[size] == ' '))
        at++;
    if (at == NULL)
        return NULL;
    snprintf(value, sizeof(value), "%.*s", (int)strcspn(at + size + 1, "\n"), at + size + 1);
    return value;
}

void expect_scraped(const char *sample, const char *wanted)
{
    const char *value = scraped(sample);

    if (value == NULL || strcmp(value, wanted) != 0)
        fail_msg("%s is %s, expected %s", sample, value == NULL ? "not there" : value, wanted);
}
