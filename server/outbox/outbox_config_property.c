/* outbox_config_property.c - `rdkafka.NAME = VALUE`: what is handed to librdkafka as it is, secrets among it. */
#include "outbox_config_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "outbox_kafka.h"

enum { MAX_SECRET = 65536 };

/* Those the outbox sets itself, with the key that says the same; a name that ends with '*' is a beginning. */
static const struct { const char *name, *instead; } denied[] = {
    { "acks", NULL }, { "api.version.request", NULL }, { "auto.offset.reset", NULL },
    { "bootstrap.servers", "brokers" }, { "builtin.features", NULL }, { "compression.codec", "compression" },
    { "compression.type", "compression" }, { "delivery.report.only.error", NULL },
    { "delivery.timeout.ms", "message.timeout" }, { "dr_*", NULL }, { "enable.auto.commit", NULL },
    { "enable.auto.offset.store", NULL }, { "enable.gapless.guarantee", NULL }, { "enable.idempotence", "mode" },
    { "enable.partition.eof", NULL }, { "enabled_events", NULL }, { "group.id", NULL }, { "group.instance.id", NULL },
    { "isolation.level", NULL }, { "log.queue", NULL }, { "max.in.flight*", NULL },
    { "message.max.bytes", "max_message_bytes" }, { "message.send.max.retries", NULL },
    { "message.timeout.ms", "message.timeout" }, { "metadata.broker.list", "brokers" }, { "opaque", NULL },
    { "partitioner*", NULL }, { "plugin.library.paths", NULL }, { "queuing.strategy", NULL },
    { "request.required.acks", NULL }, { "retries", NULL }, { "test.*", NULL },
    { "transaction.timeout.ms", "transaction.timeout" }, { "transactional.id", NULL }, { "*_cb", NULL },
};
enum { DENIED = sizeof(denied) / sizeof(denied[0]) };

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);

    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

static bool is_meant(const char *pattern, const char *name)
{
    size_t size = strlen(pattern);

    if (pattern[0] == '*')
        return ends_with(name, pattern + 1);
    return pattern[size - 1] == '*' ? strncmp(name, pattern, size - 1) == 0 : strcmp(name, pattern) == 0;
}

static size_t find_denied(const char *name)
{
    size_t i = 0;

    while (i < DENIED && !is_meant(denied[i].name, name))
        i++;
    return i;
}

bool outbox_property_is_denied(const char *name)
{
    return find_denied(name) < DENIED;
}

bool outbox_property_is_secret(const char *name)
{
    return strstr(name, "password") != NULL || strstr(name, "secret") != NULL || ends_with(name, "key.pem") ||
           strcmp(name, "sasl.oauthbearer.config") == 0;
}

static bool read_descriptor(int fd, char *room, size_t size, size_t *ret_size)
{
    size_t used = 0;

    while (used < size) {
        ssize_t got = read(fd, room + used, size - used);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            break;
        used += (size_t)got;
    }
    *ret_size = used;
    return true;
}

/* One newline at the end is the editor's, not the secret's. */
static struct varve_view without_newline(struct varve_view text)
{
    if (text.size > 0 && text.data[text.size - 1] == '\n')
        text.size--;
    if (text.size > 0 && text.data[text.size - 1] == '\r')
        text.size--;
    return text;
}

static bool take_secret(struct outbox_draft *draft, const struct outbox_place *place, const char *path, int fd,
                        const char **ret)
{
    char *room = malloc(MAX_SECRET + 1);
    size_t size = 0;
    bool good = false;

    if (room == NULL)
        return outbox_place_no_memory(place);
    if (!read_descriptor(fd, room, MAX_SECRET + 1, &size)) {
        outbox_place_wrong(place, "%.200s: cannot be read: %s", path, strerror(errno));
    } else {
        struct varve_view secret = without_newline(varve_view_of(room, size));

        if (secret.size == 0 || size > MAX_SECRET || memchr(room, 0, secret.size) != NULL)
            outbox_place_wrong(place, "%.200s: expected a text of 1 to %d bytes", path, MAX_SECRET);
        else
            good = (*ret = outbox_draft_text(draft, place, secret)) != NULL;
    }
    explicit_bzero(room, size);
    free(room);
    return good;
}

static bool read_secret(struct outbox_draft *draft, const struct outbox_place *place, const char *path,
                        const char **ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* A fifo without a writer must not keep us. */
    struct stat stat;
    bool good;

    if (fd < 0)
        return outbox_place_wrong(place, "%.200s: cannot be opened: %s", path, strerror(errno));
    if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode))
        good = outbox_place_wrong(place, "%.200s: expected a file", path);
    else if ((stat.st_mode & 027) != 0)
        good = outbox_place_wrong(place, "%.200s: its mode is %04o, so that others than its owner may write it or "
                                  "others than its group read it: chmod 600", path, stat.st_mode & 07777);
    else
        good = take_secret(draft, place, path, fd, ret);
    close(fd);
    return good;
}

/* $NAME is the environment's NAME; "$$..." is a text that begins with one '$'. */
static bool read_variable(const struct outbox_place *place, const char *text, const char **ret)
{
    size_t size = strspn(text + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

    if (text[1] == '$') {
        *ret = text + 1;
        return true;
    }
    if (size == 0 || text[1 + size] != 0 || (text[1] >= '0' && text[1] <= '9'))
        return outbox_place_wrong(place, "expected $VARIABLE; a text that begins with $ is written with $$");
    const char *value = getenv(text + 1);
    if (value == NULL || *value == 0)
        return outbox_place_wrong(place, "the environment has no %.100s", text);
    *ret = value;
    return true;
}

/* Where the value lies, and whether it may be shown. */
static bool find_value(struct outbox_draft *draft, const struct outbox_place *place, struct outbox_property *property,
                       bool is_file, const char *text)
{
    const char *value = text;

    property->is_secret = is_file || text[0] == '$' || outbox_property_is_secret(property->name);
    if (is_file)
        return read_secret(draft, place, text, &property->value);
    if (text[0] == '$' && !read_variable(place, text, &value))
        return false;
    if (place->others_may_read && outbox_property_is_secret(property->name) && (value == text || value == text + 1))
        return outbox_place_wrong(place, "a secret where others may read it: write it into a file of its own and "
                                  "say rdkafka.%s_file = PATH, or $VARIABLE, or chmod 600 the file it is in",
                                  property->name);
    return (property->value = outbox_draft_text(draft, place, varve_view_str(value))) != NULL;
}

/* Else an outbox would try it again and again, and a secret under a wrong name would be shown. */
static bool check_with_librdkafka(const struct outbox_place *place, const struct outbox_property *property)
{
    bool known;

    if (outbox_kafka_takes(property->name, property->value, &known))
        return true;
    if (known)
        return outbox_place_wrong(place, "librdkafka does not take this value");
    return outbox_place_wrong(place, "librdkafka has no such property");
}

static bool is_plain_name(const char *name)
{
    return *name != 0 && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._")] == 0;
}

static bool check_name(const struct outbox_draft *draft, const struct outbox_place *place, const char *name)
{
    size_t found = find_denied(name);

    if (!is_plain_name(name))
        return outbox_place_wrong(place, "expected rdkafka.NAME with a property of librdkafka, such as "
                                  "rdkafka.security.protocol");
    if (found < DENIED && denied[found].instead != NULL)
        return outbox_place_wrong(place, "the outbox sets this itself: see %s", denied[found].instead);
    if (found < DENIED)
        return outbox_place_wrong(place, "the outbox sets this itself, and is right only with its own value");
    for (size_t i = 0; i < draft->config.property_count; i++)
        if (strcmp(draft->config.properties[i].name, name) == 0)
            return outbox_place_wrong(place, "is there twice");
    return true;
}

bool outbox_draft_add_property(struct outbox_draft *draft, const struct outbox_place *place, const char *name,
                               const char *text)
{
    struct outbox_config *config = &draft->config;
    bool is_file = ends_with(name, "_file");
    size_t size = strlen(name) - (is_file ? strlen("_file") : 0);
    char *copy = outbox_draft_text(draft, place, varve_view_of(name, size));
    struct outbox_property property = { .name = copy };

    if (copy == NULL || !check_name(draft, place, copy) || !find_value(draft, place, &property, is_file, text) ||
        !check_with_librdkafka(place, &property))
        return false;
    struct outbox_property *properties =
        outbox_draft_extend(draft, place, config->properties, config->property_count, sizeof(*properties));
    if (properties == NULL)
        return false;
    properties[config->property_count++] = property;
    config->properties = properties;
    return true;
}
