/* fuzz_http_target.c - a request's target is taken apart into pieces of itself, which put together again are the same;
 * each fits the routes as it is; and what it asks of push is taken whole or refused with a reason. */
#include "fuzz.h"
#include "server/http/http.h"
#include "server/http/http_target.h"
#include "server/http/push_query.h"

static void must_be_inside(struct varve_view view, const char *text, size_t size)
{
    MUST(view.data >= text && view.data + view.size <= text + size && memchr(view.data, 0, view.size) == NULL);
}

static void check(const struct http_target *target, const char *text, size_t size)
{
    MUST(target->segment_count <= HTTP_MAX_SEGMENTS && target->parameter_count <= HTTP_MAX_PARAMETERS);
    for (size_t i = 0; i < target->segment_count; i++) {
        must_be_inside(target->segments[i], text, size);
        MUST(target->segments[i].size > 0);
    }
    for (size_t i = 0; i < target->parameter_count; i++) {
        must_be_inside(target->parameters[i].name, text, size);
        must_be_inside(target->parameters[i].value, text, size);
        for (size_t j = 0; j < i; j++)
            MUST(!varve_view_equal(target->parameters[i].name, target->parameters[j].name));
    }
}

static void route(const struct http_target *target)
{
    struct varve_view parts[HTTP_MAX_PARTS];
    unsigned fitting = 0;

    for (size_t i = 0; i < http_route_count; i++) {
        memset(parts, 0, sizeof(parts));
        if (!http_target_matches(target, http_routes[i].path, parts))
            continue;
        fitting += strcmp(http_routes[i].method, "GET") == 0;
        MUST((parts[0].data != NULL) == (strchr(http_routes[i].path, '{') != NULL));
    }
    MUST(fitting <= 2); /* The table is looked through in its order; "/v1/streams/{stream}" and the like. */
}

/* ---- put together again ------------------------------------------------------------------------------------------ */

static char *put(char *at, struct varve_view text)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < text.size; i++) {
        *at++ = '%';
        *at++ = digits[(uint8_t)text.data[i] >> 4];
        *at++ = digits[text.data[i] & 15];
    }
    return at;
}

static void must_read_back(const struct http_target *target, size_t size)
{
    char *text = malloc(3 * size + 64), *at = text;
    struct http_target again;

    MUST(text != NULL);
    *at++ = '/';
    for (size_t i = 0; i < target->segment_count; i++) {
        at = put(at, target->segments[i]);
        *at++ = '/';
    }
    for (size_t i = 0; i < target->parameter_count; i++) {
        *at++ = i == 0 ? '?' : '&';
        at = put(at, target->parameters[i].name);
        if (target->parameters[i].has_value)
            *at++ = '=';
        at = put(at, target->parameters[i].value);
    }
    MUST(http_target_parse(text, (size_t)(at - text), &again, NULL) == VARVE_OK);
    MUST(again.segment_count == target->segment_count && again.parameter_count == target->parameter_count);
    for (size_t i = 0; i < target->segment_count; i++)
        MUST(varve_view_equal(again.segments[i], target->segments[i]));
    for (size_t i = 0; i < target->parameter_count; i++) {
        MUST(varve_view_equal(again.parameters[i].name, target->parameters[i].name));
        MUST(varve_view_equal(again.parameters[i].value, target->parameters[i].value));
    }
    free(text);
}

/* ---- what it asks of push ---------------------------------------------------------------------------------------- */

static struct varve_view find(const struct http_target *target, const char *name)
{
    for (size_t i = 0; i < target->parameter_count; i++)
        if (varve_view_equal(target->parameters[i].name, varve_view_str(name)))
            return target->parameters[i].value;
    return varve_view_of(NULL, 0);
}

static void ask(const struct http_target *target)
{
    const struct push_parameters parameters = {
        .after = find(target, "after"), .last_event_id = find(target, "last"), .category = find(target, "category"),
        .type = find(target, "type"), .user = find(target, "user"), .class_ = find(target, "class"),
        .stream = find(target, "stream"), .prefix = find(target, "prefix"), .named = find(target, "named"),
    };
    struct push_ask *made = NULL;
    struct varve_error error;

    if (push_ask_create(&parameters, &made, &error) != VARVE_OK) {
        MUST(error.status == VARVE_INVALID_ARGUMENT && error.message[0] != '\0' && made == NULL);
        return;
    }
    MUST(made->filter != NULL && !made->filter->include_system && made->types.count <= PUSH_LIST_MAX);
    MUST((made->user_id.data != NULL) == (parameters.user.data != NULL));
    MUST(varve_view_equal(made->user_id, parameters.user));
    for (size_t i = 0; i < made->types.count; i++)
        MUST(made->types.items[i][0] != '\0' && made->types.items[i] >= made->text &&
             made->types.items[i] < (char *)made + made->bytes);
    push_ask_free(made);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size + 1); /* It is decoded in place. */
    struct http_target target;
    struct varve_error error;

    MUST(text != NULL);
    memcpy(text, bytes, size);
    if (http_target_parse(text, size, &target, &error) == VARVE_OK) {
        check(&target, text, size);
        route(&target);
        must_read_back(&target, size);
        ask(&target);
    } else {
        MUST(error.status == VARVE_INVALID_ARGUMENT && error.message[0] != '\0');
    }
    free(text);
    return 0;
}
