#!/usr/bin/env python3
"""A real Prometheus scrapes a varved whose broker goes away and comes back: alerts fire, say so to an Alertmanager (a
double of it, here), and end; the figures agree with what happened; every query of the dashboard is understood."""
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "kafka"), os.path.join(HERE, "lib")]
from broker import TxBroker, wait_until  # noqa: E402
from outbox_world import World  # noqa: E402
from prometheus import CONFIG, RULES, alerts, queries, read  # noqa: E402
from varved import PATIENCE_S, run  # noqa: E402

BEFORE, MEANWHILE = 200, 1200  # events; the backlog is to be above a thousand
SOON = {"OutboxBacklog": "2s", "OutboxBreakerOpen": "2s"}  # Instead of minutes: what is waited for here.
EMPTY_HERE = {"Lag of groups", "Acknowledged by type", "Time of an event (99%)", "Parked", "By status",
              "How long they take (median)"}  # Panels: there are neither consumer groups nor sagas.


class Alertmanager:
    """Takes what Prometheus sends to one: {alert: how it stands, as it was told last}."""

    def __init__(self):
        self.told = told = {}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                for alert in json.loads(self.rfile.read(int(self.headers["Content-Length"]))):
                    told[alert["labels"]["alertname"]] = alert
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def configure(folder, target, alertmanager):
    """The configuration and the rules as they are, but for addresses, the pace, and the patience of the alerts that are
    waited for."""
    config, rules = read(CONFIG), read(RULES)
    for old, new in (("127.0.0.1:8279", target), ("127.0.0.1:9093", alertmanager), (": 15s", ": 1s")):
        assert old in config, old
        config = config.replace(old, new)
    for name, patience in SOON.items():
        rules, times = re.subn(rf"(alert: {name}\n.*?\n        for: )\w+", rf"\g<1>{patience}", rules, flags=re.S)
        assert times == 1, name
    for name, text in (("prometheus.yml", config), ("varve.rules.yml", rules)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)


class Prometheus:
    """A context manager: ended with it."""

    def __init__(self, folder, target, alertmanager):
        os.mkdir(folder)
        configure(folder, target, alertmanager)
        self.log_path = os.path.join(folder, "log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                 "--web.listen-address=127.0.0.1:0", "--log.level=info"], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log)
        listening = wait_until(lambda: self.look_for(r"Listening on.*address=(127\.0\.0\.1:\d+)"), "Prometheus")
        self.url = "http://" + listening[1]
        wait_until(lambda: self.look_for("Server is ready to receive web requests"), "Prometheus to be ready")

    def __enter__(self):
        return self

    def __exit__(self, fault, *_):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if fault is not None:
            print(f"---- log of Prometheus\n{read(self.log_path)[-4000:]}----")

    def look_for(self, pattern):
        assert self.process.poll() is None, read(self.log_path)
        return re.search(pattern, read(self.log_path))

    def ask(self, path, **parameters):
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            return json.load(answer)["data"]

    def value(self, query):
        """The sum of what is found; None: nothing is."""
        found = self.ask("query", query=query)["result"]
        return sum(float(one["value"][1]) for one in found) if found else None

    def firing(self):
        return {one["labels"]["alertname"]: one for one in self.ask("alerts")["alerts"] if one["state"] == "firing"}


def http_address(port_file):
    with open(port_file, encoding="ascii") as file:
        return "127.0.0.1:" + file.read().split()[0]


def everything_is_understood(prometheus):
    """The rules, by Prometheus; the queries of the dashboard, which find something wherever there is something."""
    groups = prometheus.ask("rules")["groups"]
    names = {rule["name"]: rule for group in groups for rule in group["rules"]}
    assert names.keys() == {rule["alert"] for rule in alerts()}, names.keys()
    for rule in names.values():
        assert rule["health"] in ("ok", "unknown"), (rule["name"], rule.get("lastError"))
    for title, query in queries():
        assert (prometheus.value(query) is None) == (title in EMPTY_HERE), f"{title}: {query}"


def ordinary_work(prometheus, world):
    world.import_history(BEFORE)
    world.wait_until_published(BEFORE)
    wait_until(lambda: prometheus.value("sum(varve_events_published_total)") == BEFORE, f"{BEFORE} events published")
    wait_until(lambda: prometheus.value('sum(up{job="varve"})') == 1, "a target that is up")
    wait_until(lambda: prometheus.value("varve_ready") == 1, "ready")
    assert prometheus.value("sum(varve_events_appended_total)") >= BEFORE
    assert prometheus.firing() == {}, prometheus.firing()


def an_outage(prometheus, world, broker, told):
    broker.down()
    world.import_history(MEANWHILE, seed=2)
    wait_until(lambda: SOON.keys() <= prometheus.firing().keys(), "alerts", pause_s=0.1)
    firing = prometheus.firing()
    assert firing["OutboxBreakerOpen"]["annotations"]["summary"] == "The breaker of the outbox kafka is open", firing
    world.wait_for_imports()
    wait_until(lambda: prometheus.value("varve_outbox_queue_size") >= MEANWHILE, "all that waits")
    assert prometheus.value('varve_outbox_state{state="RUN"}') == 0
    others = firing.keys() - SOON.keys()
    assert not others, others
    wait_until(lambda: SOON.keys() <= told.keys(), "them to be told", pause_s=0.1)
    assert told["OutboxBacklog"]["labels"]["severity"] == "warning", told


def afterwards(prometheus, world, broker, told):
    broker.up()
    wait_until(lambda: prometheus.firing() == {}, "no alerts", pause_s=0.1)
    wait_until(lambda: prometheus.value("sum(varve_events_published_total)") == BEFORE + MEANWHILE, "the last event")
    assert prometheus.value("varve_outbox_queue_size") == 0
    assert world.status()["lag_events"] == 0
    wait_until(lambda: all(told[name]["endsAt"] < told_now() for name in SOON), "their end to be told", pause_s=0.1)


def told_now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))


def a_broker_goes_away_and_comes_back(directory):
    ports = directory + ".http"
    alertmanager = Alertmanager()
    try:
        with TxBroker() as broker, \
             World(directory, broker, options=("--http.listen", "127.0.0.1:0", "--http.port_file", ports)) as world, \
             Prometheus(directory + ".prometheus", http_address(ports), alertmanager.address) as prometheus:
            ordinary_work(prometheus, world)
            an_outage(prometheus, world, broker, alertmanager.told)
            afterwards(prometheus, world, broker, alertmanager.told)
            everything_is_understood(prometheus)
    finally:
        alertmanager.close()


run([a_broker_goes_away_and_comes_back])
