#!/usr/bin/env python3
"""The alert rules, tried with promtool: each fires when it should and not before, none in ordinary work; and all that
rules and dashboard name is in docs/metrics.md, each alert in docs/alerts.md."""
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from prometheus import CONFIG, OF_PROMETHEUS, ROOT, RULES, alerts, documented, problems_of, queries, read  # noqa: E402
from varved import bin_dir  # noqa: E402

STEP_S = 30  # between two scrapes and two looks at the rules
GIB = 1 << 30
passed = failed = 0


def test(name, problems):
    global passed, failed
    problems = list(problems)
    passed, failed = passed + (not problems), failed + bool(problems)
    if problems:
        print(f"FAILED {name}:", *problems, sep="\n  ")


def promtool(*arguments):
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=120, check=False)
    return [] if done.returncode == 0 else [(done.stdout + done.stderr).strip()]


# ---- what is there --------------------------------------------------------------------------------------------------

def series(name, values, **labels):
    """`values` as promtool writes them: "0+6x20": from 0 on, 6 more each time, 20 times."""
    pairs = ",".join(f'{label}="{value}"' for label, value in {"job": "varve", "instance": "a", **labels}.items())
    return {"series": f"{name}{{{pairs}}}", "values": values}


def buckets(name, slow, quick="0", **labels):
    """A histogram of which `quick` are below 1 ms, and with them `slow` all below 2 s."""
    return [series(name + "_bucket", quick, le="0.001", **labels), series(name + "_bucket", slow, le="2", **labels),
            series(name + "_bucket", slow, le="+Inf", **labels)]


def minutes(duration):
    number, unit = re.fullmatch(r"(\d+)([smh])", duration).groups()
    return int(number) * {"s": 1 / 60, "m": 1, "h": 60}[unit]


def still(value, times=400):
    return f"{value}+0x{times}"


def rising(by, start=0, times=400):
    return f"{start}{by:+}x{times}"


# Of each alert: what is scraped when it is to fire, and after how many minutes it does at the latest. A rate over five
# minutes is known in full after five only. Before its `for` has passed it must not fire.
BAD = {
    "VarveDown": ([series("up", still(0))], 2),
    "VarveNotScraped": ([series("up", still(1), job="node")], 6),
    "VarveNotLive": ([series("varve_live", still(0))], 1),
    "VarveNotReady": ([series("varve_ready", still(0))], 3),
    "VarveRestarts": ([series("varve_start_time_seconds", "1 1 2 2 3 3 4 4" + " 4" * 400)], 4),
    "VarveClockJumped": ([series("varve_start_time_seconds", still(5000)),
                          series("process_start_time_seconds", still(8600))], 2),
    "VarveRequestsRefused": ([series("varve_requests_refused_total", rising(60))], 9),
    "VarveStorageErrors": ([series("varve_requests_total", "_ _ _ _" + " 1" * 400, operation="APPEND", code="IO")], 3),
    "VarveErrorsLogged": ([series("varve_log_lines_total", "0 0 0 0" + " 1" * 400, level="error")], 3),
    "VarveMemoryBudgetNearlyUsed": ([series("varve_memory_budget_used_bytes", still(95)),
                                     series("varve_memory_budget_bytes", still(100))], 6),
    "VarveDescriptorsNearlyUsed": ([series("process_open_fds", still(950)),
                                    series("process_max_fds", still(1000))], 6),
    "VarveConnectionsRefused": ([series("varve_connections_refused_total", rising(1)),
                                 series("varve_http_connections_refused_total", still(0))], 2),
    "VarveSlowConsumersDropped": ([series("varve_slow_consumers_total", rising(1))], 8),
    "VarveLabelsOverflow": ([series("varve_events_published_total", rising(1), event_type="a", service="other")], 12),
    "VarveDiskFull": ([series("varve_disk_full", still(1))], 1),
    "VarveDiskNearlyFull": ([series("varve_disk_free_bytes", still(GIB)),
                             series("varve_disk_reserve_bytes", still(GIB // 4))], 6),
    "VarveDiskFillsUp": ([series("varve_disk_free_bytes", rising(-7000000, 18000000000, 1000)),
                          series("varve_disk_reserve_bytes", still(GIB // 4, 1000))], 70),
    "VarveSyncSlow": (buckets("varve_sync_duration_seconds", rising(9)), 12),
    "VarveCommitSlow": (buckets("varve_commit_duration_seconds", rising(9)), 12),
    "VarveSettleLag": ([series("varve_settle_lag_seconds", rising(30))], 17),
    "VarveAppendsWait": ([series("varve_commit_waits_seconds_total", rising(20))], 7),
    "AppendConflictsStorm": ([series("varve_append_conflicts_total", rising(600)),
                              series("varve_appends_total", rising(300))], 9),
    "VarveSnapshotsDamaged": ([series("varve_snapshots_damaged_total", "0 0" + " 1" * 400)], 2),
    "EventPublishingFailed": ([series("varve_event_publish_failures_total", rising(4), outbox="kafka", reason="IO")],
                              6),
    "EventProcessingLag": ([series("varve_event_queue_lag_seconds", rising(30))], 4),
    "OutboxBacklog": ([series("varve_outbox_queue_size", still(1001))], 3),
    "OutboxBreakerOpen": ([series("varve_outbox_breaker_state", " ".join(["2", "1"] * 200),
                                  outbox="kafka")], 2),
    "OutboxHalted": ([series("varve_outbox_halted", still(1), outbox="kafka", reason="FENCED")], 1),
    "OutboxPaused": ([series("varve_outbox_state", still(1), outbox="kafka", state="PAUSED")], 31),
    "OutboxDeadLetters": ([series("varve_outbox_parked_events", still(1), outbox="kafka")], 6),
    "OutboxFenced": ([series("varve_outbox_fenced_total", rising(1), outbox="kafka")], 4),
    "OutboxIsMock": ([series("varve_outbox_info", still(0), outbox="kafka", mode="mock")], 16),
    "GroupParkedEvents": ([series("varve_group_parked_events", still(1), group="mails")], 6),
    "GroupWithoutConsumers": ([series("varve_group_lag_events", rising(3, 101), group="mails"),
                               series("varve_group_members", still(0), group="mails")], 16),
    "GroupStuck": ([series("varve_group_lag_events", rising(30, 2000), group="mails"),
                    series("varve_group_checkpoint", still(70), group="mails"),
                    series("varve_group_members", still(2), group="mails")], 17),
    "GroupLag": ([series("varve_group_lag_events", still(100001), group="mails")], 16),
    "GroupRedeliveries": ([series("varve_group_events_redelivered_total", rising(60)),
                           series("varve_group_events_delivered_total", rising(300))], 25),
    "SagasOverdue": ([series("varve_sagas_overdue", still(1))], 6),
    "SagasTimedOut": ([series("varve_sagas", still(1), saga_type="order", status="timed_out")], 31),
    "SagasFail": ([series("varve_saga_changes_total", rising(3), change="fail"),
                   series("varve_saga_changes_total", rising(15), change="begin")], 22),
    "PushClientsRefused": ([series("varve_push_refused_clients_total", rising(1))], 2),
    "PushClientsDropped": ([series("varve_push_dropped_clients_total", rising(1))], 8),
    "PushEventsRejected": ([series("varve_push_rejected_events_total", rising(30), reason="missing_field")], 18),
}

# What a healthy server tells in three hours: also its short troubles, none of which is worth waking anybody.
TIMES = 360
ORDINARY = [
    series("up", f"1+0x100 0 1+0x{TIMES}"), series("varve_live", still(1)),
    series("varve_ready", "0 0 1" + " 1" * TIMES),
    series("varve_start_time_seconds", f"1000+0x200 _ 9000+0x{TIMES}"),
    series("process_start_time_seconds", f"1000+0x200 _ 9000+0x{TIMES}"),
    series("varve_requests_refused_total", f"0+0x50 20+0x{TIMES}"),
    series("varve_requests_total", rising(3000), operation="APPEND", code="OK"),
    series("varve_requests_total", rising(3), operation="APPEND", code="WRONG_EXPECTED_VERSION"),
    series("varve_log_lines_total", still(0), level="error"), series("varve_log_lines_total", rising(2), level="warn"),
    series("varve_memory_budget_used_bytes", "10 99 10 99 99 99 10" + " 20" * TIMES),
    series("varve_memory_budget_bytes", still(100)),
    series("process_open_fds", still(70)), series("process_max_fds", still(1024)),
    series("varve_connections_refused_total", still(3)), series("varve_http_connections_refused_total", still(0)),
    series("varve_slow_consumers_total", f"0+0x20 1+0x60 2+0x{TIMES}"),
    series("varve_events_published_total", rising(300), event_type="order.placed", service="shop"),
    series("varve_events_published_total", still(0), event_type="other", service="other"),
    series("varve_disk_full", still(0)), series("varve_disk_reserve_bytes", still(GIB // 4)),
    series("varve_disk_free_bytes", rising(-1000000, 60 * GIB)),
    *buckets("varve_sync_duration_seconds", rising(300), rising(299)),
    *buckets("varve_commit_duration_seconds", rising(300), rising(299)),
    series("varve_settle_lag_seconds", " ".join(["1", "20", "0"] * (TIMES // 3))),
    series("varve_commit_waits_seconds_total", f"0+0x50 20+0x{TIMES}"),
    series("varve_append_conflicts_total", rising(500)), series("varve_appends_total", rising(3000)),
    series("varve_snapshots_damaged_total", still(0)),
    series("varve_event_publish_failures_total", f"0+0x20 10000+0x60 20000+0x{TIMES}",
           outbox="kafka", reason="_TRANSPORT"),
    series("varve_event_queue_lag_seconds", " ".join(["0", "0", "45", "61", "2"] * (TIMES // 5))),
    series("varve_outbox_queue_size", " ".join(["0", "900", "5000", "3000", "0"] * (TIMES // 5))),
    series("varve_outbox_breaker_state", " ".join(["0"] * 20 + ["2", "1"] + ["0"] * TIMES), outbox="kafka"),
    series("varve_outbox_halted", still(0), outbox="kafka", reason="FENCED"),
    series("varve_outbox_state", "1+0x20 0+0x300", outbox="kafka", state="PAUSED"),
    series("varve_outbox_parked_events", still(0), outbox="kafka"),
    series("varve_outbox_fenced_total", f"0+0x20 1+0x{TIMES}", outbox="kafka"),
    series("varve_outbox_info", still(1), outbox="kafka", mode="broker"),
    series("varve_group_parked_events", still(0), group="mails"),
    series("varve_group_members", still(2), group="mails"),
    series("varve_group_lag_events", " ".join(["0", "4000", "90"] * (TIMES // 3)), group="mails"),
    series("varve_group_checkpoint", rising(300), group="mails"),
    series("varve_group_lag_events", f"0 1 2 5+0x{TIMES}", group="unused"),  # What groups write takes positions, too.
    series("varve_group_members", still(0), group="unused"),
    series("varve_group_checkpoint", still(9), group="unused"),
    series("varve_group_events_delivered_total", rising(3000)),
    series("varve_group_events_redelivered_total", rising(40)),
    series("varve_sagas_overdue", " ".join(["0", "3", "0"] * (TIMES // 3))),
    series("varve_sagas", " ".join(["0", "2", "1", "0"] * (TIMES // 4)), saga_type="order", status="timed_out"),
    series("varve_sagas", still(40), saga_type="order", status="running"),
    series("varve_saga_changes_total", rising(2), change="fail"),
    series("varve_saga_changes_total", rising(90), change="begin"),
    series("varve_push_refused_clients_total", still(0)),
    series("varve_push_dropped_clients_total", f"0+0x20 3+0x{TIMES}"),
    series("varve_push_rejected_events_total", rising(300), reason="type_not_allowed"),
    series("varve_push_rejected_events_total", f"0+0x20 3+0x{TIMES}", reason="bad_id"),
]


# ---- trying it ------------------------------------------------------------------------------------------------------

def count_of(alert, at_minutes, expected):
    """That so many firing alerts of this name are there then."""
    return {"expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)',
            "eval_time": f"{round(at_minutes * 60)}s", "exp_samples": [{"labels": "{}", "value": expected}]}


def rules_hold(tests):
    """promtool reads YAML, of which JSON is a part."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tests.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"rule_files": [RULES], "evaluation_interval": f"{STEP_S}s", "tests": tests}, file)
        return promtool("test", "rules", path)


def each_fires_when_it_should_and_not_before():
    for rule in alerts():
        name = rule["alert"]
        if name not in BAD:
            yield f"{name} is not tried"
            continue
        what, within = BAD[name]
        looks = [count_of(name, within, 1)]
        patience = minutes(rule.get("for", "0s"))
        if patience > 0:
            looks.append(count_of(name, patience - STEP_S / 60, 0))
        yield from rules_hold([{"interval": f"{STEP_S}s", "name": name, "input_series": what,
                                "promql_expr_test": looks}])
    for name in BAD.keys() - {rule["alert"] for rule in alerts()}:
        yield f"there is no alert {name}"


def none_fires_in_ordinary_work():
    looks = [{"expr": 'ALERTS{alertstate="firing"}', "eval_time": f"{at}m", "exp_samples": []}
             for at in range(5, TIMES * STEP_S // 60 - 5, 5)]
    yield from rules_hold([{"interval": f"{STEP_S}s", "input_series": ORDINARY, "promql_expr_test": looks}])
    tried = {re.match(r"\w+", one["series"])[0] for one in ORDINARY}
    for name in sorted({re.match(r"\w+", one["series"])[0] for what, _ in BAD.values() for one in what} - tried):
        yield f"{name} is not in ordinary work"


def one_fires_while_it_recovers():
    """A scrape without a store is an answer: it is not down, and what is absent alarms nobody."""
    what = [series("up", still(1)), series("varve_live", still(1)), series("varve_ready", "0+0x20 1+0x60"),
            series("varve_health_check", "0+0x20 1+0x60", check="store"),
            series("varve_start_time_seconds", still(9000)), series("process_start_time_seconds", still(9000)),
            series("varve_http_connections_refused_total", still(0)),
            series("varve_log_lines_total", still(0), level="error"),
            series("process_open_fds", still(70)), series("process_max_fds", still(1024))]
    looks = [count_of("VarveNotReady", 5, 1), count_of("VarveNotReady", 15, 0)]
    looks += [{"expr": 'ALERTS{alertstate="firing",alertname!="VarveNotReady"}', "eval_time": f"{at}m",
               "exp_samples": []} for at in range(1, 30, 2)]
    yield from rules_hold([{"interval": f"{STEP_S}s", "input_series": what, "promql_expr_test": looks}])


def they_end_when_it_is_over():
    """And what they say, of the three that everything began with."""
    what = [series("varve_event_publish_failures_total", "0+6x20 120+0x60", outbox="kafka", reason="IO"),
            series("varve_event_queue_lag_seconds", "100+0x20 0x60"),
            series("varve_outbox_queue_size", "2000+0x20 0x60")]
    text = {rule["alert"]: rule for rule in alerts()}
    says = {"EventPublishingFailed": ({"outbox": "kafka"}, "Publishing fails: 200m failures/s of the outbox kafka"),
            "EventProcessingLag": ({}, "The oldest event that waits at a is 1m 40s old"),
            "OutboxBacklog": ({}, "2k events of a wait to be published")}
    tests = [{"alertname": name, "eval_time": f"{at}m", "exp_alerts": [
        {"exp_labels": {"job": "varve", "instance": "a", "severity": text[name]["severity"], **labels},
         "exp_annotations": {"description": text[name]["description"], "runbook_url": text[name]["runbook_url"],
                             "summary": summary}}] if at == 9 else []}
             for name, (labels, summary) in says.items() for at in (9, 25)]
    yield from rules_hold([{"interval": f"{STEP_S}s", "input_series": what, "alert_rule_test": tests}])


def all_that_is_used_is_there():
    metrics = documented() | OF_PROMETHEUS
    if len(metrics) < 100:
        yield "docs/metrics.md could not be read"
    for rule in alerts():
        yield from (f"{rule['alert']}: {problem}" for problem in problems_of(rule["expr"], metrics))
    for title, query in queries():
        yield from (f"dashboard, {title}: {problem}" for problem in problems_of(query, metrics))


def commands_are_there():
    """Those named in passing; docs_commands.py runs those that stand in blocks."""
    told = {tuple(words.split()) for words in re.findall(r"`varve ((?:[a-z]+ ?){1,3})", read(ROOT + "/docs/alerts.md"))}
    for words in sorted(told):
        done = subprocess.run([os.path.join(bin_dir(), "varve"), *words, "--help"], capture_output=True, text=True,
                              timeout=60, check=False)
        if done.returncode != 0 or f"varve {' '.join(words)}" not in done.stdout:
            yield f"varve {' '.join(words)}: {(done.stderr or done.stdout).splitlines()[0]}"
    if len(told) < 10:
        yield f"only {len(told)} were found"


def each_is_explained():
    text = read(ROOT + "/docs/alerts.md")
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", text, re.M | re.S))
    rules = {rule["alert"]: rule for rule in alerts()}
    for name, rule in rules.items():
        for field in ("severity", "summary", "description", "runbook_url"):
            if not rule.get(field):
                yield f"{name} has no {field}"
        if rule["severity"] not in ("critical", "warning", "info"):
            yield f"{name}: {rule['severity']} is no severity"
        if rule["runbook_url"] != f"docs/alerts.md#{name.lower()}":
            yield f"{name}: {rule['runbook_url']} leads nowhere"
        if name not in sections:
            yield f"docs/alerts.md says nothing of {name}"
        elif f"*{rule['severity']}" not in sections[name]:
            yield f"docs/alerts.md does not say that {name} is {rule['severity']}"
    for name in sections.keys() - rules.keys():
        yield f"docs/alerts.md tells of {name}, which there is not"


test("promtool takes the rules", promtool("check", "rules", RULES))
test("promtool takes the configuration", promtool("check", "config", CONFIG))
for one in (each_fires_when_it_should_and_not_before, none_fires_in_ordinary_work, one_fires_while_it_recovers,
            they_end_when_it_is_over, all_that_is_used_is_there, each_is_explained, commands_are_there):
    test(one.__name__, one())
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
