#!/usr/bin/env python3
"""Writes docs/protocol-vectors/*.json: frames, what they mean, and frames that must be refused; and the fuzzers' first
inputs, made of the same.

The bytes come from varve_protocol.py, which knows the document and not the C code; tests/wire/test_vectors.c holds the
C code against them, both ways. Run it after a change of the protocol: tests/blackbox/make_vectors.py"""
import json
import struct

import vectors_consumers
import vectors_outbox
import vectors_state
import vectors_store
from varve_protocol import OPCODES
from vector_family import OUT, ROOT

CORPUS = ROOT / "tests" / "fuzz" / "corpus"


def write_seed(fuzzer, name, data):
    folder = CORPUS / fuzzer
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "".join(c if c.isalnum() else "_" for c in name)).write_bytes(data)


def seeds():
    some = b""
    for path in sorted(OUT.glob("*.json")):
        for vector in json.loads(path.read_text()):
            data = bytes.fromhex(vector["hex"])
            if not vector["valid"] or vector["message"] is None or len(data) > 4000:
                continue
            write_seed("wire", vector["name"], bytes([OPCODES[vector["message"]]]) + data[16:])
            some += data if len(some) < 1000 else b""
    write_seed("frame", "frames", struct.pack("<I", 1 << 20) + some)
    write_seed("frame", "too large", struct.pack("<I", 1) + some)


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for family in (vectors_store.FAMILIES + vectors_consumers.FAMILIES + vectors_state.FAMILIES +
                   vectors_outbox.FAMILIES):
        family()
    seeds()
