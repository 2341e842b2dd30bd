/* group_record.c - the picture of a group as JSON, and back with every field looked at. */
#include "group_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_fields.h"

enum { LISTS = 4 };

static const char *const types[GROUP_EVENT_KINDS] = {
    [GROUP_CREATED] = "$group.created", [GROUP_UPDATED] = "$group.updated", [GROUP_RESET] = "$group.reset",
    [GROUP_JOINED] = "$group.joined", [GROUP_CHECKPOINT] = "$group.checkpoint", [GROUP_STOPPED] = "$group.stopped",
    [GROUP_RESUMED] = "$group.resumed", [GROUP_DELETED] = "$group.deleted",
};

const char *group_event_type(enum group_event_kind kind)
{
    return types[kind];
}

struct varve_view group_stream_name(const char *prefix, struct varve_view group, char ret[GROUP_STREAM_NAME_BYTES])
{
    int size = snprintf(ret, GROUP_STREAM_NAME_BYTES, "%s%.*s", prefix, (int)group.size, group.data);

    return varve_view_of(ret, (size_t)size);
}

void group_record_end(struct group_record *record)
{
    free(record->filter);
    group_ranges_end(&record->finished);
    record->filter = NULL;
    record->settings.filter = NULL;
}

bool group_record_set(struct group_record *record, const struct varve_group_settings *settings)
{
    static const struct varve_filter everything;
    struct varve_filter *filter = varve_filter_copy(settings->filter == NULL ? &everything : settings->filter);

    if (filter == NULL)
        return false;
    record->settings = *settings;
    record->settings.filter = record->filter = filter;
    return true;
}

void group_record_set_stopped(struct group_record *record, struct varve_view reason)
{
    size_t size = reason.size < sizeof(record->stop_reason) ? reason.size : sizeof(record->stop_reason);

    record->stopped = true;
    if (size > 0)
        memcpy(record->stop_reason, reason.data, size);
    record->stop_reason_size = size;
}

/* ---- writing -------------------------------------------------------------------------------------------------- */

static bool set_list(json_t *object, const char *name, const struct varve_view *items, size_t count)
{
    json_t *list = count == 0 ? NULL : json_array();
    bool good = true;

    for (size_t i = 0; i < count; i++)
        good &= json_array_append_new(list, json_stringn(items[i].data, items[i].size)) == 0;
    return count == 0 || (json_object_set_new(object, name, list) == 0 && good);
}

static bool set_classes(json_t *object, unsigned classes)
{
    struct varve_view names[32];
    size_t count = 0;

    for (int class_ = 0; varve_class_name(class_) != NULL; class_++) {
        if (classes & (1u << class_))
            names[count++] = varve_view_str(varve_class_name(class_));
    }
    return set_list(object, "classes", names, count);
}

static json_t *encode_filter(const struct varve_filter *filter)
{
    json_t *object = json_object();
    bool good = set_list(object, "streams", filter->streams, filter->stream_count) &&
                set_list(object, "categories", filter->categories, filter->category_count) &&
                set_list(object, "types", filter->types, filter->type_count) &&
                set_list(object, "prefixes", filter->prefixes, filter->prefix_count) &&
                json_set_uuid(object, "correlation_id", &filter->correlation_id) &&
                set_classes(object, filter->classes) &&
                (!filter->include_system || json_object_set_new(object, "include_system", json_true()) == 0);

    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *encode_settings(const struct varve_group_settings *settings)
{
    json_t *object = json_object(), *backoffs = json_array();
    bool good = json_object_set_new(object, "filter", encode_filter(settings->filter)) == 0 &&
                json_set_text(object, "key", varve_view_str(varve_group_key_name(settings->key))) &&
                json_set_uint(object, "max_in_flight", settings->max_in_flight) &&
                json_set_uint(object, "consumer_max_in_flight", settings->consumer_max_in_flight) &&
                json_set_uint(object, "ack_timeout_ms", settings->ack_timeout_ms) &&
                json_set_uint(object, "max_attempts", settings->max_attempts) && backoffs != NULL;

    for (uint32_t i = 0; i < settings->backoff_count; i++)
        good = good && json_array_append_new(backoffs, json_integer(settings->backoff_ms[i])) == 0;
    good = good && json_object_set(object, "backoff_ms", backoffs) == 0;
    json_decref(backoffs);
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static bool set_stopped(json_t *object, const struct group_record *record)
{
    return !record->stopped ||
           (json_object_set_new(object, "stopped", json_true()) == 0 &&
            json_set_text(object, "stop_reason", varve_view_of(record->stop_reason, record->stop_reason_size)));
}

struct varve_view group_record_encode(const struct group_record *record)
{
    json_t *object = json_object();
    bool good = json_set_uint(object, "checkpoint", record->checkpoint) &&
                group_ranges_set(object, "finished", &record->finished, record->checkpoint) &&
                (record->acked_through == UINT64_MAX ||
                 json_set_uint(object, "acked_through", record->acked_through)) &&
                json_set_uint(object, "epoch", record->epoch) &&
                json_set_uint(object, "created_epoch", record->created_epoch) &&
                json_set_uint(object, "reset_epoch", record->reset_epoch) &&
                json_object_set_new(object, "created_at_us", json_integer(record->created_at_us)) == 0 &&
                set_stopped(object, record) &&
                json_object_set_new(object, "settings", encode_settings(&record->settings)) == 0;

    return json_finish(object, good);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static size_t take_list(struct json_fields *fields, const char *name, struct varve_view items[VARVE_FILTER_MAX_ITEMS])
{
    const json_t *list = json_fields_list(fields, name, VARVE_FILTER_MAX_ITEMS);

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);

        items[i] = varve_view_of(json_string_value(item), json_string_length(item));
        if (!json_is_string(item))
            json_fields_bad(fields, name, "a list of texts");
    }
    return json_array_size(list);
}

static unsigned take_classes(struct json_fields *fields)
{
    const json_t *list = json_fields_list(fields, "classes", 32);
    unsigned classes = 0;

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        enum varve_class class_ = VARVE_CLASS_DOMAIN;

        if (!varve_class_parse(varve_view_of(json_string_value(item), json_string_length(item)), &class_))
            json_fields_bad(fields, "classes", "a list of classes");
        classes |= 1u << class_;
    }
    return classes;
}

/* The lists of *ret lie in `items`. */
static void take_filter(struct json_fields *fields, struct varve_view items[LISTS][VARVE_FILTER_MAX_ITEMS],
                        struct varve_filter *ret)
{
    *ret = (struct varve_filter){ .streams = items[0], .categories = items[1], .types = items[2],
                                  .prefixes = items[3] };
    ret->stream_count = take_list(fields, "streams", items[0]);
    ret->category_count = take_list(fields, "categories", items[1]);
    ret->type_count = take_list(fields, "types", items[2]);
    ret->prefix_count = take_list(fields, "prefixes", items[3]);
    ret->correlation_id = json_fields_uuid(fields, "correlation_id");
    ret->classes = take_classes(fields);
    ret->include_system = json_fields_flag(fields, "include_system");
}

/* Another object, one level down, with the same error and the same fate. */
static bool descend(struct json_fields *fields, const char *name, struct json_fields *ret)
{
    *ret = (struct json_fields){ .object = json_object_get(fields->object, name), .error = fields->error };
    if (!json_is_object(ret->object))
        json_fields_bad(fields, name, "an object");
    return !fields->failed;
}

static void take_backoffs(struct json_fields *fields, struct varve_group_settings *ret)
{
    const json_t *list = json_fields_list(fields, "backoff_ms", VARVE_MAX_BACKOFFS);

    ret->backoff_count = (uint32_t)json_array_size(list);
    for (uint32_t i = 0; i < ret->backoff_count; i++) {
        const json_t *item = json_array_get(list, i);
        json_int_t value = json_integer_value(item);

        if (!json_is_integer(item) || value < 0 || value > UINT32_MAX)
            json_fields_bad(fields, "backoff_ms", "a list of numbers");
        else
            ret->backoff_ms[i] = (uint32_t)value;
    }
}

static void take_settings(struct json_fields *fields, struct varve_group_settings *ret)
{
    if (!varve_group_key_parse(json_fields_text(fields, "key", 64), &ret->key))
        json_fields_bad(fields, "key", "stream, category or correlation");
    ret->max_in_flight = (uint32_t)json_fields_uint(fields, "max_in_flight", UINT32_MAX);
    ret->consumer_max_in_flight = (uint32_t)json_fields_uint(fields, "consumer_max_in_flight", UINT32_MAX);
    ret->ack_timeout_ms = (uint32_t)json_fields_uint(fields, "ack_timeout_ms", UINT32_MAX);
    ret->max_attempts = (uint32_t)json_fields_uint(fields, "max_attempts", UINT32_MAX);
    take_backoffs(fields, ret);
}

static enum varve_status set_settings(struct json_fields *fields, struct group_record *record)
{
    struct varve_view items[LISTS][VARVE_FILTER_MAX_ITEMS];
    struct json_fields settings, filter;
    struct varve_filter parts;
    struct varve_error why;

    if (!descend(fields, "settings", &settings) || !descend(&settings, "filter", &filter))
        return VARVE_CORRUPT;
    varve_group_settings_init(&record->settings);
    take_settings(&settings, &record->settings);
    take_filter(&filter, items, &parts);
    if (settings.failed || filter.failed)
        return VARVE_CORRUPT;
    record->settings.filter = &parts;
    if (varve_group_settings_check(&record->settings, &why) != VARVE_OK)
        return varve_fail(fields->error, VARVE_CORRUPT, NULL, "%s", why.message);
    if (!group_record_set(record, &record->settings))
        return varve_fail(fields->error, VARVE_NO_MEMORY, NULL, "no memory for a group's settings");
    return VARVE_OK;
}

/* False: no memory. */
static bool take_picture(struct json_fields *fields, struct group_record *ret)
{
    ret->checkpoint = json_fields_uint(fields, "checkpoint", INT64_MAX);
    ret->epoch = json_fields_uint(fields, "epoch", INT64_MAX);
    ret->created_epoch = json_fields_uint(fields, "created_epoch", INT64_MAX);
    ret->reset_epoch = json_fields_uint(fields, "reset_epoch", INT64_MAX);
    ret->acked_through = json_fields_uint_or(fields, "acked_through", INT64_MAX, UINT64_MAX);
    ret->created_at_us = json_fields_int(fields, "created_at_us");
    struct varve_view reason = json_fields_text(fields, "stop_reason", VARVE_MAX_REASON);
    if (json_fields_flag(fields, "stopped"))
        group_record_set_stopped(ret, reason);
    return group_ranges_take(fields, "finished", ret->checkpoint, &ret->finished);
}

enum varve_status group_record_decode(struct varve_view data, struct group_record *ret, struct varve_error *error)
{
    struct group_record record = { .filter = NULL };
    struct json_fields fields;
    json_t *object = json_fields_parse(&fields, data, error);

    if (object == NULL)
        return VARVE_CORRUPT;
    enum varve_status status = VARVE_NO_MEMORY;
    if (!take_picture(&fields, &record))
        varve_fail(error, status, NULL, "no memory for what a group has finished");
    else
        status = fields.failed ? VARVE_CORRUPT : set_settings(&fields, &record);
    json_decref(object);
    if (status == VARVE_OK)
        *ret = record;
    else
        group_ranges_end(&record.finished);
    return status;
}
