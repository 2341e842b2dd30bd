/* outbox_topic.c - fills templates of topic names with what events say. */
#include "outbox_topic.h"

#include <stdio.h>
#include <string.h>

static const bool allowed[256] = {
    ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true, ['.'] = true, ['_'] = true, ['-'] = true,
};

static const char *const variables[] = { "category", "type", "class", "source" };
enum { VARIABLES = sizeof(variables) / sizeof(variables[0]) };

/* Which variable stands at `at`, which is a '{'; VARIABLES: none. */
static size_t variable_at(const char *at, size_t *ret_size)
{
    for (size_t i = 0; i < VARIABLES; i++) {
        size_t size = strlen(variables[i]);

        if (strncmp(at + 1, variables[i], size) == 0 && at[1 + size] == '}') {
            *ret_size = size + 2;
            return i;
        }
    }
    return VARIABLES;
}

static struct varve_view value_of(const struct varve_event *event, size_t variable)
{
    switch (variable) {
    case 0: return varve_category(event->stream);
    case 1: return event->type;
    case 2: return varve_view_str(varve_class_name(event->class_));
    default: return event->source;
    }
}

static size_t allowed_bytes(struct varve_view text)
{
    size_t at = 0;

    while (at < text.size && allowed[(uint8_t)text.data[at]])
        at++;
    return at;
}

static bool is_reserved(struct varve_view name)
{
    return name.data[0] == '_' && name.size > 1 && name.data[1] == '_';
}

static bool is_dots(struct varve_view name)
{
    return name.data[0] == '.' && (name.size == 1 || (name.size == 2 && name.data[1] == '.'));
}

bool outbox_topic_is_allowed(struct varve_view name)
{
    return name.size > 0 && name.size <= OUTBOX_MAX_TOPIC && allowed_bytes(name) == name.size && !is_reserved(name) &&
           !is_dots(name);
}

bool outbox_topic_check_template(const char *template_, const char **ret_why)
{
    const char *at = template_;
    size_t size;

    *ret_why = NULL;
    while (*at != 0 && *ret_why == NULL) {
        if (*at != '{')
            size = 1;
        else if (variable_at(at, &size) == VARIABLES)
            *ret_why = "variables are {category}, {type}, {class} and {source}";
        if (*at != '{' && !allowed[(uint8_t)*at])
            *ret_why = "Kafka allows letters, digits, '.', '_' and '-' in names of topics";
        if (*ret_why == NULL)
            at += size;
    }
    if (*ret_why == NULL && strchr(template_, '{') == NULL && !outbox_topic_is_allowed(varve_view_str(template_)))
        *ret_why = "it has 1 to 249 characters, is not \".\" or \"..\", and what begins with \"__\" is Kafka's own";
    if (*ret_why == NULL && strncmp(template_, "__", 2) == 0)
        *ret_why = "what begins with \"__\" is Kafka's own";
    return *ret_why == NULL;
}

bool outbox_topic_depends_on(const char *template_, const char *variable)
{
    size_t size;

    for (const char *at = strchr(template_, '{'); at != NULL; at = strchr(at + 1, '{')) {
        size_t found = variable_at(at, &size);

        if (found < VARIABLES && strcmp(variables[found], variable) == 0)
            return true;
    }
    return false;
}

/* Texts come from clients and go into logs and consoles: at most a few words of them. */
#define SHOWN(text) ((int)((text).size < 60 ? (text).size : 60)), (text).data

static bool bad_value(const char *template_, size_t variable, struct varve_view value, char *why, size_t room)
{
    const char *name = variables[variable];

    if (value.size == 0)
        snprintf(why, room, "the event has no %s, which the topic %.80s asks for", name, template_);
    else
        snprintf(why, room, "the %s \"%.*s\" cannot be part of the topic %.80s: only letters, digits, '.', '_', '-'",
                 name, SHOWN(value), template_);
    return false;
}

static bool bad_name(const char *template_, struct varve_view name, char *why, size_t room)
{
    if (name.size > OUTBOX_MAX_TOPIC)
        snprintf(why, room, "the topic %.80s comes out longer than %d characters", template_, OUTBOX_MAX_TOPIC);
    else
        snprintf(why, room, "the topic %.80s comes out as \"%.*s\", which is Kafka's own", template_, SHOWN(name));
    return false;
}

bool outbox_topic_expand(const char *template_, const struct varve_event *event, char ret[OUTBOX_MAX_TOPIC + 1],
                         char *why, size_t room)
{
    size_t used = 0, step = 1;

    for (const char *at = template_; *at != 0; at += step) {
        struct varve_view part = varve_view_of(at, step = 1);

        if (*at == '{') {
            size_t variable = variable_at(at, &step);

            part = value_of(event, variable);
            if (part.size == 0 || allowed_bytes(part) != part.size)
                return bad_value(template_, variable, part, why, room);
        }
        if (part.size > OUTBOX_MAX_TOPIC - used)
            return bad_name(template_, varve_view_of(NULL, OUTBOX_MAX_TOPIC + 1), why, room);
        memcpy(ret + used, part.data, part.size);
        used += part.size;
    }
    ret[used] = 0;
    struct varve_view name = varve_view_of(ret, used);
    return (!is_reserved(name) && !is_dots(name)) || bad_name(template_, name, why, room);
}
