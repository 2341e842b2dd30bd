"""FindCoordinator, TxnOffsetCommit, OffsetCommit, OffsetFetch. Groups have offsets and no members: for assign()."""
from .names import ERRORS, FIND_COORDINATOR, NONE, OFFSET_COMMIT, OFFSET_FETCH, TXN_OFFSET_COMMIT
from .handlers_transaction import answer, told

NODE_ID = 1


def find_coordinator(call):
    r, w = call.reader, call.writer
    key, kind = r.string(), r.i8() if call.version >= 1 else 0
    told(call, key=key, kind="transaction" if kind == 1 else "group")
    error = answer(call, call.error(lambda: NONE))
    if call.version >= 1:
        w.i32(0)
    w.i16(error)
    if call.version >= 1:
        w.string(None)
    host, port = call.address
    return w.i32(-1).string("").i32(-1) if error != NONE else w.i32(NODE_ID).string(host).i32(port)


def read_offsets(r, has_epoch):
    """[(topic, [(partition, offset, metadata)])]"""
    def one():
        index, offset = r.i32(), r.i64()
        r.take(4 if has_epoch else 0)
        metadata = r.string()
        r.tags()
        return index, offset, metadata

    def topic():
        found = r.string(), r.array(one)
        r.tags()
        return found

    return r.array(topic)


def write_outcome(w, topics, error):
    """The same error for each partition."""
    def topic(entry):
        w.string(entry[0]).array(entry[1], lambda part: w.i32(part[0]).i16(error).tags()).tags()

    return w.array(topics, topic).tags()


def by_partition(topics):
    return {(name, index): (offset, metadata) for name, parts in topics for index, offset, metadata in parts}


def txn_offset_commit(call):
    r = call.reader
    transactional_id, group, producer_id, epoch = r.string(), r.string(), r.i64(), r.i16()
    if call.version >= 3:
        r.i32(), r.string(), r.string()  # Generation, member, instance.
    topics = read_offsets(r, call.version >= 2)
    told(call, transactional_id=transactional_id, group=group)
    error = call.error(lambda: call.broker.coordinator.commit_offsets(transactional_id, producer_id, epoch, group,
                                                                      by_partition(topics)))
    return write_outcome(call.writer.i32(0), topics, answer(call, error))


def offset_commit(call):
    r, w = call.reader, call.writer
    group = r.string()
    r.i32(), r.string()  # Generation, member.
    if call.version >= 7:
        r.string()
    r.take(8 if call.version <= 4 else 0)  # Retention.
    topics = read_offsets(r, call.version >= 6)
    told(call, group=group)
    if call.forced is None:
        call.broker.store_offsets(group, by_partition(topics))
    if call.version >= 3:
        w.i32(0)
    return write_outcome(w, topics, answer(call, call.error(lambda: NONE)))


def offset_fetch(call):
    r, w = call.reader, call.writer

    def wanted():
        entry = r.string(), r.array(r.i32)
        r.tags()
        return entry

    group, topics = r.string(), r.array(wanted)
    stable = call.version >= 7 and r.boolean()
    told(call, group=group)
    unstable = stable and call.broker.coordinator.unstable(group)
    error = answer(call, call.error(lambda: ERRORS["UNSTABLE_OFFSET_COMMIT"] if unstable else NONE))
    known = call.broker.groups.get(group, {})
    if topics is None:
        names = sorted({name for name, _ in known})
        topics = [(name, [index for topic, index in known if topic == name]) for name in names]
    return write_fetched_offsets(call.version, w, topics, known, error)


def write_fetched_offsets(version, w, topics, known, error):
    def one(name, index):
        offset, metadata = known.get((name, index), (-1, "")) if error == NONE else (-1, "")
        w.i32(index).i64(offset)
        if version >= 5:
            w.i32(-1)
        w.string(metadata).i16(error).tags()

    if version >= 3:
        w.i32(0)
    w.array(topics, lambda topic: w.string(topic[0]).array(topic[1], lambda i: one(topic[0], i)).tags())
    if version >= 2:
        w.i16(error if error != ERRORS["UNSTABLE_OFFSET_COMMIT"] else NONE)
    return w.tags()


HANDLERS = {FIND_COORDINATOR: find_coordinator, TXN_OFFSET_COMMIT: txn_offset_commit, OFFSET_COMMIT: offset_commit,
            OFFSET_FETCH: offset_fetch}
