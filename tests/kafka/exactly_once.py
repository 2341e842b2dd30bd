"""The log of varve held against what consumers got: is each event there once, as it was written, where it belongs, and
in the order of its stream?"""
from collections import Counter, defaultdict, namedtuple

SHOWN = 5

# What an outbox without routes and of format raw sends. `data` as bytes; `id` as text.
Event = namedtuple("Event", "position stream version type id data")


def murmur2(key):
    """Of bytes, as Kafka's clients in Java choose partitions by; 32 bits, unsigned."""
    mask, mixed = 0xFFFFFFFF, 0x5BD1E995
    h = 0x9747B28C ^ len(key)
    whole = len(key) & ~3
    for at in range(0, whole, 4):
        k = int.from_bytes(key[at:at + 4], "little") * mixed & mask
        h = (h * mixed & mask) ^ ((k ^ k >> 24) * mixed & mask)
    if whole < len(key):
        h = (h ^ int.from_bytes(key[whole:], "little")) * mixed & mask
    h = (h ^ h >> 13) * mixed & mask
    return h ^ h >> 15


def partition_of(key, count):
    return (murmur2(key) & 0x7FFFFFFF) % count


def topic_of(stream):
    return "varve." + stream.partition("-")[0]


def wanted_headers(event):
    return {"v-pos": str(event.position), "v-ver": str(event.version), "v-agg": event.stream, "v-type": event.type,
            "v-id": event.id}


def position_of(found):
    return int(found.headers.get("v-pos", b"-1"))


def differences(event, found):
    """What of a record is not as its event wants it."""
    headers = {name: value.decode() for name, value in found.headers.items()}
    for name, value in wanted_headers(event).items():
        if headers.get(name) != value:
            yield f"header {name} is {headers.get(name)!r}, not {value!r}"
    if found.key != event.stream.encode():
        yield f"the key is {found.key!r}"
    if found.value != event.data:
        yield f"the value is {found.value!r}, not {event.data!r}"
    if found.topic != topic_of(event.stream):
        yield f"the topic is {found.topic}"


def wrong_records(log, records, partition_counts):
    for found in records:
        event = log.get(position_of(found))
        if event is not None:
            wrong = list(differences(event, found))
            if found.partition != partition_of(found.key or b"", partition_counts[found.topic]):
                wrong.append(f"the partition is {found.partition}")
            if wrong:
                yield f"position {event.position}: {'; '.join(wrong)}"


def out_of_order(log, records):
    """Streams whose events do not come by version; records of a partition come by offset."""
    last = defaultdict(lambda: -1)
    for found in sorted(records, key=lambda r: (r.topic, r.partition, r.offset)):
        event = log.get(position_of(found))
        if event is not None:
            if event.version <= last[event.stream]:
                yield f"{event.stream}: version {event.version} at offset {found.offset} of {found.topic}, after " \
                      f"{last[event.stream]}"
            last[event.stream] = event.version


def problems(log, records, partition_counts):
    """Sentences; none when all is well. `log` are Events, `records` have the fields of committed.Found."""
    log = {event.position: event for event in log}
    times = Counter(position_of(found) for found in records)
    kinds = [("lost", sorted(log.keys() - times.keys())), ("not of the log", sorted(times.keys() - log.keys())),
             ("more than once", sorted(position for position, count in times.items() if count > 1)),
             ("wrong", list(wrong_records(log, records, partition_counts))),
             ("out of order", list(out_of_order(log, records)))]
    return [f"{len(found)} {kind}: {found[:SHOWN]}" for kind, found in kinds if found]
