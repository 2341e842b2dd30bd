#!/usr/bin/env python3
"""Would the tests of the outbox notice? Its readers and its comparison are tried with what is right and what is not."""
import json
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
from broker import TxBroker, wait_until  # noqa: E402
from committed import Committed, Found  # noqa: E402
from exactly_once import Event, murmur2, partition_of, problems, wanted_headers  # noqa: E402
from raw import make_batch  # noqa: E402
from records import COMMITTED  # noqa: E402
from varved import run  # noqa: E402

PARTITIONS = 3


def a_log():
    versions = {}
    for position in range(1, 61):
        stream = f"order-{position * 7 % 5}"
        versions[stream] = versions.get(stream, -1) + 1
        yield Event(position, stream, versions[stream], "order.paid", f"id-{position}", json.dumps(position).encode())


def published(log):
    """As an outbox without fault leaves it."""
    ends, records = {}, []
    for event in log:
        key = event.stream.encode()
        partition = partition_of(key, PARTITIONS)
        ends[partition] = ends.get(partition, -1) + 1
        headers = {name: value.encode() for name, value in wanted_headers(event).items()}
        records.append(Found("varve.order", partition, ends[partition], key, event.data, headers, 0))
    return records


def told(records):
    return problems(list(a_log()), records, {"varve.order": PARTITIONS})


def what_is_right_passes(_):
    records = published(a_log())
    assert told(records) == [], told(records)
    random.Random(1).shuffle(records)  # Offsets say the order.
    assert told(records) == []


def each_damage_is_noticed(_):
    good = published(a_log())
    first, second = [r for r in good if r.key == good[0].key][:2]

    swapped = [r for r in good if r not in (first, second)]
    swapped += [first._replace(offset=second.offset), second._replace(offset=first.offset)]
    cases = {
        "lost": good[1:],
        "more than once": good + [good[7]._replace(offset=1000)],
        "out of order": swapped,
        "not of the log": good + [good[0]._replace(offset=1000, headers={**good[0].headers, "v-pos": b"999"})],
        "value": [good[0]._replace(value=b"other")] + good[1:],
        "key": [good[0]._replace(key=b"order-9")] + good[1:],
        "partition": [good[0]._replace(partition=(good[0].partition + 1) % PARTITIONS)] + good[1:],
        "v-ver": [good[0]._replace(headers={**good[0].headers, "v-ver": b"7"})] + good[1:],
    }
    for kind, records in cases.items():
        found = told(records)
        assert any(kind in sentence for sentence in found), (kind, found)


def murmur2_is_javas(_):
    for text, wanted in (("21", -973932308), ("foobar", -790332482), ("a-little-bit-long-string", -985981536),
                         ("a-little-bit-longer-string", -1486304829), ("abc", 479470107),
                         ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971)):
        assert murmur2(text.encode()) == wanted % (1 << 32), text


def committed_is_what_was_committed(_):
    """Transactions of several producers, mixed at random, read while they are written."""
    chance = random.Random(7)
    with TxBroker("--topic", "t:2", "--topic", "other:1", "--marker-delay-ms", "0") as broker, broker.raw() as raw:
        reader = Committed(broker.port, "t")
        producers = {}
        for name in "abcd":
            producers[name] = [raw.init_producer(name)[1:], [0, 0], False]
        for step in range(600):
            name = chance.choice("abcd")
            producer, sequences, is_open = producers[name]
            if is_open and chance.random() < 0.3:
                assert raw.end(name, producer, chance.random() < 0.6) == 0
                wait_until(lambda: broker.transactions()[name]["state"].startswith("Complete"), "the markers")
                producers[name][2] = False
                continue
            index = chance.randrange(2)
            assert raw.add_partitions(name, producer, "t", [index]) == {index: 0}
            batch = make_batch([b"%d" % step] * chance.randrange(1, 4), *producer, sequences[index], True)
            assert raw.produce("t", index, batch, name)[0] == 0
            sequences[index] += int.from_bytes(batch[57:61], "big")
            producers[name][2] = True
            if chance.random() < 0.2:
                reader.read_on()
        for name, (producer, _, is_open) in producers.items():
            assert not is_open or raw.end(name, producer, True) == 0
        wait_until(lambda: all(stable == end for _, stable, end in broker.topics()["t"]), "the markers")
        broker.cut()
        wait_until(lambda: reader.read_on() is not None, "the broker")
        for index in range(2):
            wanted = [(r.offset, r.value) for r in raw_again(broker, index) if r.state == COMMITTED]
            assert [(r.offset, r.value) for r in reader.records if r.partition == index] == wanted
            assert 0 < len(wanted) < sum(producers[name][1][index] for name in producers)
        reader.close()


def raw_again(broker, index):
    with broker.raw() as raw:
        return raw.records("t", index)


run([what_is_right_passes, each_damage_is_noticed, murmur2_is_javas, committed_is_what_was_committed])
