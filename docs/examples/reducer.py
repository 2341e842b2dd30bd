#!/usr/bin/env python3
"""Accounts folded to their balance, as a program that `varve snapshot build` asks.

    varve snapshot build --reducer 'program python3 docs/examples/reducer.py' --type account --category account

A message is a line of JSON, and so is its answer. Standard error is for people.
"""
import json
import sys


def apply(state, event):
    state["events"] += 1
    if event["type"] == "account.deposited":
        state["balance"] += event["data"]["amount"]
    elif event["type"] == "account.withdrawn":
        if event["data"]["amount"] > state["balance"]:
            raise ValueError("more was withdrawn than there was")
        state["balance"] -= event["data"]["amount"]


def main():
    state = None
    for line in sys.stdin.buffer:
        message = json.loads(line)
        answer = {"n": message["n"]}
        if "state" in message:  # A stream begins: with what a snapshot holds, or with nothing.
            state = message["state"] or {"balance": 0, "events": 0}
        try:
            for event in message["events"]:
                apply(state, event)
            if message["save"]:
                answer["state"] = state
        except (ValueError, KeyError, TypeError) as error:
            answer["error"] = f"{type(error).__name__}: {error}"  # Gives up this stream, and no other.
        print(json.dumps(answer, sort_keys=True, separators=(",", ":")), flush=True)


main()
