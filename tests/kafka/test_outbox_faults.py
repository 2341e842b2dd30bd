#!/usr/bin/env python3
"""The broker and the network fail in each way they can while events are published: none is lost, none comes twice, and
the outbox is at work again by itself."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
from outbox_world import RUNNING, one_after_the_other  # noqa: E402
from varved import run  # noqa: E402

STARTING = ["Metadata", "InitProducerId", "ListOffsets", "Fetch"]
ERRORS = {
    "AddPartitionsToTxn": ["CONCURRENT_TRANSACTIONS", "COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR",
                           "REQUEST_TIMED_OUT", "INVALID_PRODUCER_ID_MAPPING", "TOPIC_AUTHORIZATION_FAILED",
                           "INVALID_TXN_STATE", "INVALID_PRODUCER_EPOCH", "UNKNOWN_SERVER_ERROR"],
    "Produce": ["NOT_ENOUGH_REPLICAS", "NOT_LEADER_OR_FOLLOWER", "REQUEST_TIMED_OUT", "OUT_OF_ORDER_SEQUENCE_NUMBER",
                "UNKNOWN_PRODUCER_ID", "INVALID_TXN_STATE", "CORRUPT_MESSAGE", "MESSAGE_TOO_LARGE",
                "TOPIC_AUTHORIZATION_FAILED", "INVALID_PRODUCER_EPOCH", "UNKNOWN_SERVER_ERROR"],
    "EndTxn": ["CONCURRENT_TRANSACTIONS", "COORDINATOR_LOAD_IN_PROGRESS", "NOT_COORDINATOR", "INVALID_TXN_STATE",
               "INVALID_PRODUCER_EPOCH", "INVALID_PRODUCER_ID_MAPPING", "UNKNOWN_SERVER_ERROR"],
    "InitProducerId": ["CONCURRENT_TRANSACTIONS", "COORDINATOR_NOT_AVAILABLE", "PRODUCER_FENCED",
                       "UNKNOWN_SERVER_ERROR"],
}


def requests_and_answers_are_lost(directory):
    one_after_the_other(directory, [{"api": api, "action": action} for api in STARTING + RUNNING
                                    for action in ("drop_before", "drop_after")])


def and_not_only_the_first(directory):
    one_after_the_other(directory, [{"api": api, "action": action, "nth": nth} for api in RUNNING
                                    for action in ("drop_before", "drop_after") for nth in (2, 3)])


def requests_and_answers_hang(directory):
    one_after_the_other(directory, [{"api": api, "action": action} for api in RUNNING + ["InitProducerId"]
                                    for action in ("hang_before", "hang_after")])


def errors_are_answered(directory):
    one_after_the_other(directory, [{"api": api, "action": "error", "error": error} for api, errors in ERRORS.items()
                                    for error in errors])


run([requests_and_answers_are_lost, and_not_only_the_first, requests_and_answers_hang, errors_are_answered])
