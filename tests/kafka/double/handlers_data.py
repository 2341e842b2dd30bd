"""Produce, Fetch, ListOffsets."""
from .names import ERROR_NAMES, ERRORS, FETCH, LIST_OFFSETS, NONE, PRODUCE

NO_ANSWER = object()
LATEST, EARLIEST = -1, -2


class Wait:
    """No answer yet: try again when a partition changes, and for the last time when max_wait_ms is over."""

    def __init__(self, partitions, max_wait_ms):
        self.partitions, self.max_wait_ms = partitions, max_wait_ms


# ---- Produce --------------------------------------------------------------------------------------------------------

def produce(call):
    r = call.reader
    transactional_id, acks, _ = r.string(), r.i16(), r.i32()
    topics = r.array(lambda: (r.string(), r.array(lambda: (r.i32(), r.blob()))))
    call.told = {"transactional_id": transactional_id,
                 "partitions": [[name, index] for name, parts in topics for index, _ in parts]}
    answers = [(name, [(index, *produce_one(call, transactional_id, name, index, data)) for index, data in parts])
               for name, parts in topics]
    return write_produced(call, answers) if acks != 0 else NO_ANSWER


def produce_one(call, transactional_id, name, index, data):
    if call.forced is not None:
        if data:
            call.broker.note_failure(name, index, data)
        return call.forced, -1
    return call.broker.produce(transactional_id, name, index, data if data is not None else b"")


def write_produced(call, answers):
    def one(answer):
        index, error, base = answer
        if error != NONE:
            call.told["error"] = ERROR_NAMES.get(error, error)
        w.i32(index).i16(error).i64(base).i64(-1)
        if call.version >= 5:
            w.i64(0 if error == NONE else -1)

    w = call.writer
    w.array(answers, lambda topic: w.string(topic[0]).array(topic[1], one))
    return w.i32(0)


# ---- Fetch ----------------------------------------------------------------------------------------------------------

def read_fetch(call):
    """(max wait, min bytes, max bytes, committed only, [(topic, [(partition, offset, max bytes)])])"""
    r, version = call.reader, call.version
    r.i32()  # Replica.
    limits = r.i32(), r.i32(), r.i32(), r.i8() == 1
    if version >= 7:
        r.take(8)  # Session: every answer is a whole one, which tells the client that there are none.

    def one():
        index = r.i32()
        r.take(4 if version >= 9 else 0)
        offset = r.i64()
        r.take(8 if version >= 5 else 0)
        return index, offset, r.i32()

    return (*limits, r.array(lambda: (r.string(), r.array(one))))


def fetch(call):
    max_wait_ms, min_bytes, max_bytes, committed, topics = read_fetch(call)
    call.told = {"partitions": [[name, index, offset] for name, parts in topics for index, offset, _ in parts]}
    size, answers, waited_for, failed = 0, [], [], False
    for name, parts in topics:
        answers.append((name, []))
        for index, offset, limit in parts:
            error, partition, found, aborted = fetch_one(call, name, index, offset, min(limit, max_bytes - size),
                                                         committed, size == 0)
            answers[-1][1].append((index, error, partition, found, aborted))
            size += sum(len(part) for part in found)
            failed |= error != NONE
            waited_for.append(partition)
    if size < min_bytes and max_wait_ms > 0 and not failed and not call.last_try:
        return Wait(waited_for, max_wait_ms)
    return write_fetched(call, answers)


def fetch_one(call, name, index, offset, limit, committed, first):
    """(error, partition, batches, aborted transactions). Only the first with data may be above its limit."""
    if call.forced is not None:
        return call.forced, None, [], None
    error, partition = call.broker.find(name, index, "read")
    if error == NONE and not partition.start <= offset <= partition.end:
        error = ERRORS["OFFSET_OUT_OF_RANGE"]
    if error != NONE:
        return error, partition, [], None
    found, aborted = partition.read(offset, limit, committed) if first or limit > 0 else ([], [])
    if not first and sum(len(part) for part in found) > limit:
        found, aborted = [], []
    return NONE, partition, found, aborted


def write_fetched(call, answers):
    def one(answer):
        index, error, partition, found, aborted = answer
        known = error == NONE
        w.i32(index).i16(error).i64(partition.end if known else -1).i64(partition.stable_end if known else -1)
        if call.version >= 5:
            w.i64(partition.start if known else -1)
        w.array(aborted, lambda entry: w.i64(entry[0]).i64(entry[1]))
        if call.version >= 11:
            w.i32(-1)
        w.blob(found)

    w = call.writer.i32(0)
    if call.version >= 7:
        w.i16(NONE).i32(0)
    return w.array(answers, lambda topic: w.string(topic[0]).array(topic[1], one))


# ---- ListOffsets ----------------------------------------------------------------------------------------------------

def list_offsets(call):
    r = call.reader
    r.i32()
    committed = call.version >= 2 and r.i8() == 1
    topics = r.array(lambda: (r.string(), r.array(lambda: (r.i32(), r.i64()))))
    call.told = {"topics": [name for name, _ in topics]}
    w = call.writer
    if call.version >= 2:
        w.i32(0)

    def one(name, index, timestamp):
        error, partition = (call.forced, None) if call.forced is not None else call.broker.find(name, index, "describe")
        offset, found = offset_for(partition, timestamp, committed) if error == NONE else (-1, -1)
        w.i32(index).i16(error).i64(found).i64(offset)

    return w.array(topics, lambda topic: w.string(topic[0]).array(topic[1], lambda part: one(topic[0], *part)))


def offset_for(partition, timestamp, committed):
    if timestamp == EARLIEST:
        return partition.start, -1
    if timestamp == LATEST:
        return (partition.stable_end if committed else partition.end), -1
    return partition.offset_at(timestamp)


HANDLERS = {PRODUCE: produce, FETCH: fetch, LIST_OFFSETS: list_offsets}
