"""ApiVersions, Metadata, CreateTopics, DeleteTopics, CreatePartitions, DeleteRecords, DescribeConfigs."""
from .broker import DEFAULT_SETTINGS
from .handlers_group import NODE_ID
from .handlers_transaction import answer, told
from .names import (API_VERSIONS, CREATE_PARTITIONS, CREATE_TOPICS, DELETE_RECORDS, DELETE_TOPICS, DESCRIBE_CONFIGS,
                    ERRORS, METADATA, NONE, VERSIONS)
from .wire import Writer

TOPIC_RESOURCE = 2
DYNAMIC_TOPIC_CONFIG, DEFAULT_CONFIG = 1, 5


# ---- ApiVersions ----------------------------------------------------------------------------------------------------

def write_versions(w, version, error):
    w.i16(error).array(sorted(VERSIONS), lambda key: w.i16(key).i16(VERSIONS[key][0]).i16(VERSIONS[key][1]).tags())
    if version >= 1:
        w.i32(0)
    return w.tags()


def api_versions(call):
    return write_versions(call.writer, call.version, call.error(lambda: NONE))


def unsupported_version(request):
    """In the oldest form, which every client can read."""
    return write_versions(Writer().i32(request.correlation), 0, ERRORS["UNSUPPORTED_VERSION"])


# ---- Metadata -------------------------------------------------------------------------------------------------------

def metadata(call):
    r = call.reader
    names = r.array(r.string)
    may_create = r.boolean() if call.version >= 4 else True
    told(call, topics=names)
    if names is None or call.version == 0 and not names:
        names = sorted(name for name in call.broker.topics if call.broker.allows(name, "describe"))
    elif call.broker.auto_create and may_create:
        for name in names:
            call.broker.create(name, call.broker.auto_create, {})
    return write_metadata(call, names)


def write_metadata(call, names):
    w, version = call.writer, call.version
    host, port = call.address
    if version >= 3:
        w.i32(0)
    w.i32(1).i32(NODE_ID).string(host).i32(port)
    if version >= 1:
        w.string(None)
    if version >= 2:
        w.string("varve-broker-double")
    if version >= 1:
        w.i32(NODE_ID)

    def partition(part):
        w.i16(NONE).i32(part.index).i32(NODE_ID).i32(1).i32(NODE_ID).i32(1).i32(NODE_ID)

    def topic(name):
        error, found = (call.forced, None) if call.forced is not None else call.broker.describe(name)
        w.i16(answer(call, error)).string(name)
        if version >= 1:
            w.boolean(False)
        w.array(found.partitions if error == NONE else [], partition)

    return w.array(names, topic)


# ---- topics ---------------------------------------------------------------------------------------------------------

def create_topics(call):
    r, w = call.reader, call.writer

    def wanted():
        name, partitions, replicas = r.string(), r.i32(), r.i16()
        assigned = r.array(lambda: (r.i32(), r.array(r.i32)))
        settings = dict(r.array(lambda: (r.string(), r.string())))
        return name, len(assigned) or partitions, replicas, settings

    topics = r.array(wanted)
    r.i32()
    validate_only = call.version >= 1 and r.boolean()
    told(call, topics=[topic[0] for topic in topics])

    def create(name, partitions, replicas, settings):
        if replicas not in (-1, 1):
            return ERRORS["INVALID_REPLICATION_FACTOR"]
        error = call.broker.create(name, partitions, settings)
        if error == NONE and validate_only:
            call.broker.delete(name)
        return error

    def one(topic):
        w.string(topic[0]).i16(answer(call, call.error(lambda: create(*topic))))
        if call.version >= 1:
            w.string(None)

    if call.version >= 2:
        w.i32(0)
    return w.array(topics, one)


def delete_topics(call):
    r, w = call.reader, call.writer
    names = r.array(r.string)
    told(call, topics=names)
    if call.version >= 1:
        w.i32(0)
    return w.array(names, lambda name: w.string(name).i16(answer(call, call.error(lambda: call.broker.delete(name)))))


def create_partitions(call):
    r, w = call.reader, call.writer
    topics = r.array(lambda: (r.string(), r.i32(), r.array(lambda: r.array(r.i32)))[:2])
    told(call, topics=[name for name, _ in topics])

    def one(topic):
        error = call.error(lambda: call.broker.add_partitions(*topic))
        w.string(topic[0]).i16(answer(call, error)).string(None)

    return w.i32(0).array(topics, one)


def delete_records(call):
    r, w = call.reader, call.writer
    topics = r.array(lambda: (r.string(), r.array(lambda: (r.i32(), r.i64()))))
    told(call, topics=[name for name, _ in topics])

    def one(name, index, offset):
        error, partition = (call.forced, None) if call.forced is not None else call.broker.find(name, index, "write")
        if error == NONE:
            partition.delete_before(partition.end if offset == -1 else offset)
        w.i32(index).i64(partition.start if error == NONE else -1).i16(answer(call, error))

    return w.i32(0).array(topics, lambda t: w.string(t[0]).array(t[1], lambda part: one(t[0], *part)))


# ---- DescribeConfigs ------------------------------------------------------------------------------------------------

def describe_configs(call):
    r, w = call.reader, call.writer
    wanted = r.array(lambda: (r.i8(), r.string(), r.array(r.string)))
    told(call, resources=[name for _, name, _ in wanted])

    def setting(entry, defaults):
        name, value = entry
        is_default = defaults.get(name) == value
        w.string(name).string(value).boolean(False)
        if call.version == 0:
            w.boolean(is_default).boolean(False)
        else:
            w.i8(DEFAULT_CONFIG if is_default else DYNAMIC_TOPIC_CONFIG).boolean(False).array([], None)

    def one(resource):
        kind, name, keys = resource
        error, found = describe_resource(call, kind, name)
        settings = [(key, value) for key, value in sorted(found.items()) if keys is None or key in keys]
        w.i16(answer(call, error)).string(None).i8(kind).string(name)
        w.array(settings, lambda entry: setting(entry, DEFAULT_SETTINGS))

    return w.i32(0).array(wanted, one)


def describe_resource(call, kind, name):
    """(error, settings)"""
    if call.forced is not None:
        return call.forced, {}
    if kind != TOPIC_RESOURCE:
        return NONE, {"auto.create.topics.enable": "true" if call.broker.auto_create else "false",
                      "transaction.max.timeout.ms": str(call.broker.coordinator.max_timeout_ms)}
    error, topic = call.broker.describe(name)
    return error, topic.settings if topic else {}


HANDLERS = {API_VERSIONS: api_versions, METADATA: metadata, CREATE_TOPICS: create_topics, DELETE_TOPICS: delete_topics,
            CREATE_PARTITIONS: create_partitions, DELETE_RECORDS: delete_records, DESCRIBE_CONFIGS: describe_configs}
