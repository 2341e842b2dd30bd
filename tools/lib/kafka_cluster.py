"""A Kafka cluster of one or three nodes on the loopback: its configuration, its folder, its life.

The folder holds cluster.json, a folder per node (server.properties, data, log, pid), and, when asked for, the
certificates and kafka.conf, with which librdkafka reaches the listener that wants credentials. Every node has a
listener without any besides, for the nodes among each other and for whoever administers.
"""
import base64
import json
import pathlib
import random
import shutil
import socket
import tempfile
import time
import uuid

import kafka_jars
import kafka_metadata
import kafka_secrets
from kafka_jars import Failed
from kafka_node import QUICK, STOP_PATIENCE_S, Node

READY_PATIENCE_S, ATTEMPTS = 120, 3
FIRST_PORT, LAST_PORT = 20000, 32000  # Below those that the system hands out to connections that go out.

SETTINGS = {
    "num.partitions": 6, "auto.create.topics.enable": "false", "offsets.topic.num.partitions": 4,
    "transaction.state.log.num.partitions": 4, "group.initial.rebalance.delay.ms": 0,
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000, "num.network.threads": 2,
    "num.io.threads": 4,
    # A node that was killed is known to be gone, and may come back, after so long: by default, 9 s.
    "broker.session.timeout.ms": 3000, "broker.heartbeat.interval.ms": 500,
}


class PortTaken(Failed):
    pass


# ---- ports -----------------------------------------------------------------------------------------------------------

def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count):
    """Somebody may take one before it is used; start() then tries others."""
    ports = []
    while len(ports) < count:
        port = random.randrange(FIRST_PORT, LAST_PORT)
        if port not in ports and is_free(port):
            ports.append(port)
    return ports


def assign_ports(nodes, first_port):
    """{node: {listener: port}}: three per node, whether or not all are used."""
    names = ("plain", "controller", "secure")
    if first_port:
        return {node: {name: first_port + 10 * (node - 1) + n for n, name in enumerate(names)} for node in nodes}
    ports = iter(free_ports(len(nodes) * len(names)))
    return {node: {name: next(ports) for name in names} for node in nodes}


# ---- configuration ---------------------------------------------------------------------------------------------------

def listeners(ports, secure_protocol):
    own = {"PLAINTEXT": ports["plain"], "CONTROLLER": ports["controller"]}
    protocols = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT"}
    if secure_protocol:
        own["SECURE"], protocols["SECURE"] = ports["secure"], secure_protocol
    addresses = {name: f"{name}://127.0.0.1:{port}" for name, port in own.items()}
    return {"listeners": ",".join(addresses.values()),
            "advertised.listeners": ",".join(at for name, at in addresses.items() if name != "CONTROLLER"),
            "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
            "inter.broker.listener.name": "PLAINTEXT", "controller.listener.names": "CONTROLLER"}


def copies(brokers):
    in_sync = min(2, brokers)
    return {"default.replication.factor": brokers, "min.insync.replicas": in_sync,
            "offsets.topic.replication.factor": brokers, "transaction.state.log.replication.factor": brokers,
            "transaction.state.log.min.isr": in_sync}


def properties(node, state, folder):
    brokers = len(state["ports"])
    voters = [f"{other}@127.0.0.1:{ports['controller']}" for other, ports in state["ports"].items()]
    result = {"process.roles": "broker,controller", "node.id": node, "controller.quorum.voters": ",".join(voters),
              "log.dirs": f"{folder}/data"}
    result |= listeners(state["ports"][node], kafka_secrets.protocol(state))
    result |= copies(brokers) | SETTINGS | kafka_secrets.broker_settings(state, folder.parent)
    return result | state["settings"]


# ---- the cluster -----------------------------------------------------------------------------------------------------

class Cluster:
    def __init__(self, folder, state):
        self.folder, self.state = pathlib.Path(folder), state
        self.nodes = {node: Node(self.folder / f"node-{node}", state["version"]) for node in state["ports"]}

    @classmethod
    def load(cls, folder):
        path = pathlib.Path(folder).resolve() / "cluster.json"
        try:
            state = json.loads(path.read_text())
        except FileNotFoundError as absent:
            raise Failed(f"{folder} holds no cluster made by tools/kafka") from absent
        state["ports"] = {int(node): ports for node, ports in state["ports"].items()}
        return cls(path.parent, state)

    def save(self):
        (self.folder / "cluster.json").write_text(json.dumps(self.state, indent=1) + "\n")

    def bootstrap(self, listener="plain"):
        return ",".join(f"127.0.0.1:{ports[listener]}" for ports in self.state["ports"].values())

    def secure_bootstrap(self):
        return self.bootstrap("secure") if kafka_secrets.protocol(self.state) else None

    def node(self, number):
        if number not in self.nodes:
            raise Failed(f"there is no node {number}; there are {', '.join(map(str, self.nodes))}")
        return self.nodes[number]

    def format(self):
        cluster_id = "V" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:].rstrip("=")  # Never with a dash.
        processes = {}
        for number, node in self.nodes.items():
            node.write_files(properties(number, self.state, node.folder))
            processes[number] = node.begin_format(cluster_id, kafka_secrets.scram(self.state))
        for number, process in processes.items():
            if process.wait() != 0:
                raise Failed(f"node {number} could not be formatted:\n{self.nodes[number].last_words()}")

    def start_nodes(self, numbers=None, extra=(), detached=True):
        compiler = () if self.state["optimize"] else QUICK
        for number in numbers or self.nodes:
            self.node(number).start((*compiler, *extra), detached)

    def wait_until_ready(self, numbers=None):
        """Every running node answers and knows all that run; nodes that are stopped on purpose are not waited for."""
        deadline = time.monotonic() + READY_PATIENCE_S
        waited_for = set(numbers or self.nodes)
        while True:
            running = {number for number, node in self.nodes.items() if node.state() == "running"}
            for number in waited_for - running:
                self.report_end_of(number)
            known = [set(kafka_metadata.known_brokers(self.state["ports"][number]["plain"])) for number in waited_for]
            if all(running <= brokers for brokers in known):
                return
            if time.monotonic() > deadline:
                raise Failed(f"not ready after {READY_PATIENCE_S} s; the logs are in {self.folder}")
            time.sleep(0.02)

    def report_end_of(self, number):
        words = self.nodes[number].last_words()
        kind = PortTaken if "Address already in use" in words else Failed
        raise kind(f"node {number} ended while starting; the end of {self.nodes[number].log}:\n{words}")

    def stop(self, at_once=False):
        if not at_once:
            for node in self.nodes.values():
                node.ask_to_stop()
            deadline = time.monotonic() + STOP_PATIENCE_S
            for node in self.nodes.values():
                node.wait_until_gone(max(0, deadline - time.monotonic()))
        for node in self.nodes.values():  # With the majority gone, the last ones would wait for it in vain.
            node.kill()

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def make_folder(wanted):
    if wanted is None:
        return pathlib.Path(tempfile.mkdtemp(prefix="varve-kafka."))
    folder = pathlib.Path(wanted).resolve()
    if (folder / "cluster.json").exists():
        raise Failed(f"{wanted} holds a cluster already; `tools/kafka restart {wanted}` starts it again")
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise Failed(f"{wanted} is not empty")
    return folder


def empty(folder):
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def start(version=kafka_jars.DEFAULT_VERSION, brokers=1, port=None, folder=None, settings=None, sasl=None, tls=False,
          acls=False, optimize=False, extra=(), detached=True):
    """A new cluster that answers. What is left of a failed attempt is removed."""
    made = make_folder(folder)
    try:
        for attempt in range(1, ATTEMPTS + 1):
            state = {"version": version, "temporary": folder is None, "sasl": sasl, "tls": tls, "acls": acls,
                     "optimize": optimize, "settings": settings or {},
                     "ports": assign_ports(range(1, brokers + 1), port)}
            cluster = Cluster(made, state)
            try:
                begin(cluster, extra, detached)
                return cluster
            except PortTaken:
                if port or attempt == ATTEMPTS:
                    raise
                empty(made)
    except BaseException:
        if folder is None:
            shutil.rmtree(made, ignore_errors=True)
        raise


def begin(cluster, extra, detached):
    kafka_secrets.write_files(cluster)
    cluster.format()
    cluster.save()
    try:
        cluster.start_nodes(None, extra, detached)
        cluster.wait_until_ready()
    except BaseException:
        cluster.stop(at_once=True)
        raise


def make_archive(version, path):
    """Runs a broker once to write down the classes it loads: each later start is twice as quick."""
    unfinished = path.with_suffix(".unfinished")
    cluster = start(version, extra=[f"-XX:ArchiveClassesAtExit={unfinished}"])
    try:
        node = cluster.node(1)
        node.ask_to_stop()
        if not node.wait_until_gone(READY_PATIENCE_S) or not unfinished.exists():
            raise Failed(f"Java wrote no archive of the classes of Kafka {version}:\n{node.last_words()}")
        unfinished.rename(path)
    finally:
        cluster.stop(at_once=True)
        cluster.remove()


def fetch(version):
    return kafka_jars.fetch(version, make_archive)
