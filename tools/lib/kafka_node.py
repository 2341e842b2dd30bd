"""One process of Kafka: how it is started, whether it still runs, how it is stopped.

A node's process is known by its id and the moment it began, so that a stranger that got the same id is never touched.
"""
import json
import os
import pathlib
import signal
import subprocess
import time

import kafka_jars

HEAP = ("-Xms96m", "-Xmx512m", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20")
QUICK = ("-XX:TieredStopAtLevel=1",)  # Java's quick compiler only: half the time of a start, slower under load.
STOP_PATIENCE_S = 15

# The same for log4j 1, of Kafka 3, and log4j 2, of Kafka 4.
LOG4J_1 = """log4j.rootLogger=${level}, A
log4j.appender.A=org.apache.log4j.ConsoleAppender
log4j.appender.A.Target=System.err
log4j.appender.A.layout=org.apache.log4j.PatternLayout
log4j.appender.A.layout.ConversionPattern=[%d] %p %m (%c)%n
"""
LOG4J_2 = """rootLogger.level=${sys:level}
rootLogger.appenderRef.stderr.ref=STDERR
appender.console.type=Console
appender.console.name=STDERR
appender.console.target=SYSTEM_ERR
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=[%d] %p %m (%c)%n
"""


def began_at(pid):
    """When the process began, in ticks since the machine did; None when there is none, or a dead one not waited for."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def java(version, folder, arguments, extra=QUICK, level="WARN"):
    """The command for one Java program of Kafka; it is to be run in the folder of the version."""
    archive = [f"-XX:SharedArchiveFile={kafka_jars.ARCHIVE}"] if kafka_jars.is_fetched(version) else []
    return ["java", *HEAP, *archive, f"-XX:ErrorFile={folder}/jvm_error.log",
            "-Djava.awt.headless=true", f"-Dlevel={level}", f"-Dlog4j.configuration=file:{folder}/log4j.properties",
            f"-Dlog4j2.configurationFile={folder}/log4j2.properties", *extra, "-cp", kafka_jars.classpath(version),
            *arguments]


class Node:
    def __init__(self, folder, version):
        self.folder, self.version = pathlib.Path(folder), version
        self.id = int(self.folder.name.rpartition("-")[2])
        self.log, self.pid_file = self.folder / "log", self.folder / "pid"
        self.properties = self.folder / "server.properties"

    # ---- the process

    def pid(self):
        """Of the running process; None when there is none."""
        try:
            pid, began = json.loads(self.pid_file.read_text())
        except (OSError, ValueError):
            return None
        reap(pid)
        return pid if began_at(pid) == began else None

    def state(self):
        pid = self.pid()
        if pid is None:
            return "stopped"
        stopped = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        return "paused" if stopped else "running"

    def start(self, extra=QUICK, detached=True):
        if self.pid() is not None:
            raise kafka_jars.Failed(f"node {self.id} runs already")
        with open(self.log, "a") as log:
            process = subprocess.Popen(
                java(self.version, self.folder, ["kafka.Kafka", str(self.properties)], extra, "INFO"),
                cwd=kafka_jars.folder(self.version), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=detached)
        process.returncode = 0  # Not for Popen to wait for: see reap().
        self.pid_file.write_text(json.dumps([process.pid, began_at(process.pid)]))

    def signal(self, number):
        pid = self.pid()
        if pid is None:
            raise kafka_jars.Failed(f"node {self.id} does not run")
        os.kill(pid, number)

    def wait_until_gone(self, seconds):
        deadline = time.monotonic() + seconds
        while self.pid() is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def kill(self):
        if self.pid() is not None:
            self.signal(signal.SIGKILL)
            self.wait_until_gone(STOP_PATIENCE_S)

    def ask_to_stop(self):
        if self.pid() is not None:
            self.signal(signal.SIGTERM)
            self.signal(signal.SIGCONT)  # A paused process would hear of it only when resumed.

    # ---- the files

    def write_files(self, properties):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "log4j.properties").write_text(LOG4J_1)
        (self.folder / "log4j2.properties").write_text(LOG4J_2)
        self.properties.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))

    def begin_format(self, cluster_id, scram):
        arguments = ["kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(self.properties), "-g", *scram]
        return subprocess.Popen(java(self.version, self.folder, arguments), cwd=kafka_jars.folder(self.version),
                                stdin=subprocess.DEVNULL, stdout=open(self.folder / "format.log", "w"),
                                stderr=subprocess.STDOUT)

    def last_words(self):
        for path in (self.log, self.folder / "format.log"):
            if path.exists() and path.stat().st_size:
                lines = path.read_text(errors="replace").splitlines()
                return "\n".join([line for line in lines if not line.startswith("\tat ")][-12:])
        return "(nothing in its log)"


def reap(pid):
    """Take note of the end of a child, if it is one."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
