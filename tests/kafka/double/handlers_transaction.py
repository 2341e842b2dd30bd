"""InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, EndTxn."""
from .names import ADD_OFFSETS_TO_TXN, ADD_PARTITIONS_TO_TXN, END_TXN, ERROR_NAMES, ERRORS, INIT_PRODUCER_ID, NONE


def told(call, **what):
    call.told = what


def answer(call, error):
    if error != NONE:
        call.told["error"] = ERROR_NAMES.get(error, error)
    return error


def fenced_as_of_old(call, error, since):
    """Versions before `since` do not know PRODUCER_FENCED."""
    old = error == ERRORS["PRODUCER_FENCED"] and call.version < since
    return answer(call, ERRORS["INVALID_PRODUCER_EPOCH"] if old else error)


def init_producer_id(call):
    r, expected = call.reader, None
    transactional_id, timeout_ms = r.string(), r.i32()
    if call.version >= 3:
        producer_id, epoch = r.i64(), r.i16()
        expected = (producer_id, epoch) if producer_id != -1 else None
    told(call, transactional_id=transactional_id, expected=expected)
    if call.forced is not None:
        error, producer_id, epoch = call.forced, -1, -1
    elif transactional_id is None:
        error, producer_id, epoch = NONE, call.broker.coordinator.new_producer_id(), 0
    else:
        error, producer_id, epoch = call.broker.coordinator.init(transactional_id, timeout_ms, expected)
    call.told["answer"] = [producer_id, epoch]
    return call.writer.i32(0).i16(fenced_as_of_old(call, error, 4)).i64(producer_id).i16(epoch).tags()


def add_partitions_to_txn(call):
    r, w = call.reader, call.writer
    transactional_id, producer_id, epoch = r.string(), r.i64(), r.i16()
    topics = r.array(lambda: (r.string(), r.array(r.i32)))
    told(call, transactional_id=transactional_id, producer_id=producer_id, epoch=epoch,
         partitions=[[name, index] for name, indexes in topics for index in indexes])
    errors = {(name, index): call.forced for name, indexes in topics for index in indexes}
    if call.forced is None:
        errors = add_partitions(call, transactional_id, producer_id, epoch, list(errors))

    def one(name, index):
        w.i32(index).i16(fenced_as_of_old(call, errors[name, index], 2))

    return w.i32(0).array(topics, lambda topic: w.string(topic[0]).array(topic[1], lambda i: one(topic[0], i)))


def add_partitions(call, transactional_id, producer_id, epoch, partitions):
    """An error for each; when one cannot be added, none is."""
    errors = {part: call.broker.find(*part, "write")[0] for part in partitions}
    if any(error != NONE for error in errors.values()):
        return {part: error or ERRORS["OPERATION_NOT_ATTEMPTED"] for part, error in errors.items()}
    error = call.broker.coordinator.add_partitions(transactional_id, producer_id, epoch, partitions)
    return dict.fromkeys(partitions, error)


def add_offsets_to_txn(call):
    r = call.reader
    transactional_id, producer_id, epoch, group = r.string(), r.i64(), r.i16(), r.string()
    told(call, transactional_id=transactional_id, producer_id=producer_id, epoch=epoch, group=group)
    error = call.error(lambda: call.broker.coordinator.add_offsets(transactional_id, producer_id, epoch, group))
    return call.writer.i32(0).i16(fenced_as_of_old(call, error, 2))


def end_txn(call):
    r = call.reader
    transactional_id, producer_id, epoch, commit = r.string(), r.i64(), r.i16(), r.boolean()
    told(call, transactional_id=transactional_id, producer_id=producer_id, epoch=epoch, commit=commit)
    error = call.error(lambda: call.broker.coordinator.end(transactional_id, producer_id, epoch, commit))
    return call.writer.i32(0).i16(fenced_as_of_old(call, error, 2))


HANDLERS = {INIT_PRODUCER_ID: init_producer_id, ADD_PARTITIONS_TO_TXN: add_partitions_to_txn,
            ADD_OFFSETS_TO_TXN: add_offsets_to_txn, END_TXN: end_txn}
