#!/usr/bin/env python3
"""Build varve in each way it is tested and run every test; see tools/test --help.

A part is a function that returns (passed, failed). A program that crashes, times out or says nothing about what it
tested counts as one failure, whatever it said before.

Parts follow each other, and many of their tests wait more than they work. What takes processors only - the builds with
sanitizers, the crash explorer - is done ahead of the parts that need it, beside those that wait, at a lower priority.
"""
import argparse
import base64
import concurrent.futures
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

JOBS = int(os.environ.get("JOBS", os.cpu_count() or 2))
FUZZ_SECONDS = int(os.environ.get("FUZZ_SECONDS", "5"))
PROGRAM_TIMEOUT_S, SCRIPT_TIMEOUT_S, CRASH_TIMEOUT_S, HEARTBEAT_S = 300, 300, 900, 60
BUILD_TIMEOUT_S, EXPLORER_TIMEOUT_S = 1800, 2400  # They may have to wait for processors.
AHEAD_NICENESS = 10
MEMORY_FOLDER, MEMORY_BYTES = "/dev/shm", 4 << 30  # Room enough for the folders of all scripts that run at a time.
LONG, LONG_TIMEOUT_S = "--long" in sys.argv[1:], 1800
ALL_KAFKA_VERSIONS = "3.9.2 4.3.1"  # The newest alone, without --long.
EXPLORER = "tests/crash/explore"
RELEASE = "build/gcc-release"
ASAN = "build/clang-release-address-undefined"
TSAN = "build/clang-release-thread"
FUZZ = "build/clang-release-fuzz-address-undefined"
# Of tests/blackbox, that sanitized servers are tried with, too.
SERVER_SCRIPTS = ("server_", "protocol_", "http_api", "http_bodies", "http_hostile")
NOT_FOR_SANITIZERS = ("test_malloc_faults",)  # A sanitizer's allocator cannot be made to fail: nothing of it would run.
UNIT_FOLDERS = ["engine", "snapshots", "faults", "wire", "client", "server", "outbox", "http", "model",
                "tools", "bench", "integration"]

# TSan leaves 1.5 TiB of addresses to programs; with random ones a store's map of 1 TiB does not always fit in.
# Containers may forbid the call; then the parts with TSan can fail for want of addresses.
WITHOUT_RANDOM_ADDRESSES = (["setarch", "-R"] if subprocess.run(["setarch", "-R", "true"], check=False,
                                                                capture_output=True).returncode == 0 else [])

started = time.monotonic()
print_lock = threading.Lock()
ending = threading.Event()  # Nobody waits for results any more.
scratch = {}  # "disk", "memory": folders


def say(text):
    with print_lock:
        print(f"[{time.monotonic() - started:6.1f} s] {text}", flush=True)


def show(name, output):
    """All that a failing program said."""
    with print_lock:
        print(f"----- output of {name}", flush=True)
        print(output.rstrip())
        print(f"----- end of {name}", flush=True)


def environment(build):
    env = dict(os.environ, VARVE_BUILD=os.path.abspath(build), VARVE_BIN_DIR=os.path.abspath(build) + "/bin",
               LC_ALL="C.UTF-8", NO_COLOR="1", VARVED_HTTP__LISTEN="off",  # Whoever tests HTTP asks for a free port.
               ASAN_OPTIONS="detect_leaks=1:allocator_may_return_null=1:detect_stack_use_after_return=1",
               UBSAN_OPTIONS="print_stacktrace=1",
               TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:allocator_may_return_null=1")
    if os.path.exists("tests/tsan.supp"):
        env["TSAN_OPTIONS"] += ":suppressions=" + os.path.abspath("tests/tsan.supp")
    env.pop("CMOCKA_MESSAGE_OUTPUT", None)
    return env


def make_scratch():
    """Folders for all that tests write, also for the leavings of those that crash. The programs without sanitizers are
    on the disk, as servers are; scripts, and what looks for faults of memory or threads, need not wait for it."""
    scratch["disk"] = scratch["memory"] = tempfile.mkdtemp(prefix="varve-tests-")
    try:
        room = os.statvfs(MEMORY_FOLDER)
        if room.f_bavail * room.f_frsize >= MEMORY_BYTES:
            scratch["memory"] = tempfile.mkdtemp(prefix="varve-tests-", dir=MEMORY_FOLDER)
    except OSError:
        pass
    tempfile.tempdir = scratch["memory"]


def give_way(process):
    """To all that is not ahead: of its session, too, where the kernel weighs sessions instead of processes."""
    try:
        os.setpriority(os.PRIO_PGRP, process.pid, AHEAD_NICENESS)
        with open(f"/proc/{process.pid}/autogroup", "w") as file:
            file.write(str(AHEAD_NICENESS))
    except OSError:
        pass  # It has ended, or there is no such thing here.


def run(command, build, timeout_s, extra_environment=None, in_memory=False, ahead=False):
    """(exit status or None after a timeout, output). The whole process group ends with it."""
    env = dict(environment(build), TMPDIR=scratch["memory" if in_memory else "disk"])
    for name, value in (extra_environment or {}).items():
        env[name] = env.get(name, "") + value
    if build == TSAN:
        command = WITHOUT_RANDOM_ADDRESSES + command
    began = last = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                   env=env, start_new_session=True)
        if ahead:
            give_way(process)
        status = None
        while status is None and time.monotonic() - began < timeout_s and not ending.is_set():
            try:
                status = process.wait(timeout=1)
            except subprocess.TimeoutExpired:
                if time.monotonic() - last > HEARTBEAT_S:
                    last = time.monotonic()
                    say(f"  ... {' '.join(command)} has been running for {last - began:.0f} s")
        try:
            os.killpg(process.pid, signal.SIGKILL)  # Also what it may have left behind.
        except ProcessLookupError:
            pass
        process.wait()
        output.seek(0)
        return status, output.read().decode("utf-8", "replace")


def how_it_ended(status, timeout_s):
    if status is None:
        return f"was stopped after {timeout_s} s"
    return f"was killed by signal {-status}" if status < 0 else f"exited with {status}"


def judge(name, status, output, timeout_s, counts):
    """Turn what a program did into (passed, failed)."""
    passed, failed = counts if counts else (0, 0)
    if status != 0 and failed == 0:
        failed = 1
        output += f"\n{name} {how_it_ended(status, timeout_s)}"
    elif passed + failed == 0:
        failed = 1
        output += f"\n{name} ran no test"
    if failed:
        show(name, output)
    return passed, failed


def cmocka_counts(output):
    passed = sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test\(s\)", output))
    failed = sum(int(n) for n in re.findall(r"\[  FAILED  \] (\d+) test\(s\)", output))
    return passed, failed


def script_counts(output):
    """Of a script that ends with `N passed, N failed`."""
    last = output.rstrip().rsplit("\n", 1)[-1]
    found = re.fullmatch(r"(?:.*: )?(\d+) passed, (\d+) failed", last.strip())
    return (int(found.group(1)), int(found.group(2))) if found else None


def run_program(path, build):
    status, output = run([path], build, PROGRAM_TIMEOUT_S, in_memory=build != RELEASE)
    if status == 0 and build != RELEASE and "[  SKIPPED ]" in output and cmocka_counts(output) == (0, 0):
        say(f"  {path}: skipped itself")  # What cannot be tested with a sanitizer. In the release build all must run.
        return 0, 0
    return judge(path, status, output, PROGRAM_TIMEOUT_S, cmocka_counts(output))


def run_script(path, build=RELEASE, timeout_s=SCRIPT_TIMEOUT_S, in_memory=False, ahead=False):
    say(f"  {path}")
    status, output = run([path], build, timeout_s, None, in_memory, ahead)
    return judge(path, status, output, timeout_s, script_counts(output))


def run_script_sanitized(path, build):
    """A script against sanitized programs: a report of any process it starts is a failure, noticed or not."""
    with tempfile.TemporaryDirectory() as folder:
        say(f"  {path}")
        extra = {name: f":log_path={folder}/report" for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")}
        extra["ASAN_OPTIONS"] += ":quarantine_size_mb=16"  # Some scripts look at the memory a server takes.
        status, output = run([path], build, SCRIPT_TIMEOUT_S, extra, in_memory=True)
        passed, failed = judge(path, status, output, SCRIPT_TIMEOUT_S, script_counts(output))
        reports = sorted(glob.glob(folder + "/report*"))
        for report in reports:
            show(f"a sanitizer during {path}", open(report, errors="replace").read())
        return passed, failed + len(reports)


def total(results):
    results = list(results)
    return sum(r[0] for r in results), sum(r[1] for r in results)


def at_once(run_one, paths, jobs=JOBS + 1):
    """One more than there are jobs, for all wait now and then: each has servers, ports and folders of its own."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return total(pool.map(run_one, paths))


def run_programs(paths, build):
    """Twice as many as there are cores: many wait for the disk, or for somebody to lose patience."""
    return at_once(lambda path: run_program(path, build), paths, 2 * JOBS)


# ---- builds ---------------------------------------------------------------------------------------------------------

ASAN_BUILD = ("cc=clang", "sanitize=address,undefined", "tests")
TSAN_BUILD = ("cc=clang", "sanitize=thread", "tests")
FUZZ_BUILD = ("fuzz=1", "fuzzers")

builds, builds_lock = {}, threading.Lock()  # What was built, or is being built: a future each.


def scons(arguments, ahead):
    say("  scons " + " ".join(arguments))
    status, output = run(["scons", "-Q", f"-j{JOBS}", *arguments], RELEASE, BUILD_TIMEOUT_S, ahead=ahead)
    if status != 0:
        show("scons " + " ".join(arguments), re.sub(r"^  [A-Z]+ +build/.*\n", "", output, flags=re.M))
    return status == 0


def build(*arguments, ahead=False):
    """Once each: nothing that is built changes during a run."""
    with builds_lock:
        mine = arguments not in builds
        done = builds.setdefault(arguments, concurrent.futures.Future())
    if mine:
        done.set_result(scons(arguments, ahead))
    return done.result()


def build_programs(whole):
    """Of what is built with sanitizers; all of it, when somebody else needs it anyway."""
    return build(*whole) if whole in builds else build(*whole[:-1], "programs")


def unit_programs(folder):
    left_out = NOT_FOR_SANITIZERS if folder in (ASAN, TSAN) else ()
    return sorted(path for name in UNIT_FOLDERS for path in glob.glob(f"{folder}/tests/{name}/*")
                  if os.access(path, os.X_OK) and os.path.isfile(path) and os.path.exists(source_of(path, folder))
                  and os.path.basename(path) not in left_out)


def source_of(path, folder):
    return os.path.relpath(path, folder) + ".c"


def starts_threads(path):
    symbols = subprocess.run(["nm", "-D", "--undefined-only", path], capture_output=True, text=True, check=True).stdout
    return "pthread_create" in symbols or "uv_thread_create" in symbols


def executables(folder):
    return sorted(path for path in glob.glob(f"{folder}/*") if os.access(path, os.X_OK) and os.path.isfile(path))


# ---- the parts ------------------------------------------------------------------------------------------------------

def part_unit():
    return run_programs(unit_programs(RELEASE), RELEASE) if build() and build("tests") else (0, 1)


def part_tidy():
    return run_script("tests/tidy.py")


def part_docs():
    return run_script("tests/docs.py")


def part_install():
    return run_script("tests/install.sh") if build() else (0, 1)


def part_package():
    """The Debian package's life, on a machine of its own where that can be had."""
    if not build():
        return 0, 1
    scripts = ["test_package.py"] + ["first_day.py"] * LONG  # The second waits for alerts as they are: minutes.
    return total(run_script(f"tests/packaging/{script}", timeout_s=LONG_TIMEOUT_S if LONG else SCRIPT_TIMEOUT_S)
                 for script in scripts)


def part_blackbox():
    if not build():
        return 0, 1
    return at_once(lambda path: run_script(path, in_memory=True), executables("tests/blackbox"))


def part_kafka():
    """What talks to Kafka, against the double of tests/kafka."""
    if not (build() and build("tests")):
        return 0, 1
    scripts = [path for path in executables("tests/kafka") if os.path.basename(path).startswith("test_")]
    timeout_s = LONG_TIMEOUT_S if LONG else SCRIPT_TIMEOUT_S
    return at_once(lambda path: run_script(path, timeout_s=timeout_s, in_memory=True), scripts,
                   2 * JOBS)  # Most of it is waiting.


def part_asan():
    return run_programs(unit_programs(ASAN), ASAN) if build(*ASAN_BUILD) else (0, 1)


def part_tsan():
    """Only programs that start threads: the others have nothing to race with."""
    if not (build() and build("tests") and build(*TSAN_BUILD)):
        return 0, 1
    threaded = [path for path in unit_programs(TSAN) if starts_threads(path.replace(TSAN, RELEASE))]
    return run_programs(threaded, TSAN)


def sanitized_server_scripts(folder, whole_build):
    """What talks to a server, against a server that watches itself."""
    if not build_programs(whole_build):
        return 0, 1
    scripts = [path for path in executables("tests/blackbox") if os.path.basename(path).startswith(SERVER_SCRIPTS)]
    return at_once(lambda path: run_script_sanitized(path, folder), scripts)


def part_server_asan():
    return sanitized_server_scripts(ASAN, ASAN_BUILD)


def part_server_tsan():
    return sanitized_server_scripts(TSAN, TSAN_BUILD)


def run_fuzzer(path):
    name = os.path.basename(path)
    seeds = "tests/fuzz/corpus/" + name.replace("fuzz_", "", 1)
    with tempfile.TemporaryDirectory() as folder:
        found, crashes = folder + "/found", folder + "/crashes/"
        os.mkdir(found)
        os.mkdir(crashes)
        command = [path, f"-max_total_time={FUZZ_SECONDS}", "-timeout=20", "-rss_limit_mb=1500", "-print_final_stats=1",
                   f"-artifact_prefix={crashes}", found] + ([seeds] if os.path.isdir(seeds) else [])
        timeout_s = FUZZ_SECONDS + 120
        status, output = run(command, FUZZ, timeout_s, in_memory=True)
        output = re.sub(r"^#\d+\s.*\n", "", output, flags=re.M)  # libFuzzer's thousands of lines of progress.
        for crash in glob.glob(crashes + "*"):
            output += "\ninput, base64: " + base64.b64encode(open(crash, "rb").read()).decode()
        runs = re.search(r"stat::number_of_executed_units: (\d+)", output)
        if status == 0:
            say(f"  {name}: {int(runs.group(1)) if runs else 0:,} inputs")
        return judge(name, status, output, timeout_s, (1, 0) if status == 0 and runs else (0, 1))


def part_fuzz():
    if not build(*FUZZ_BUILD):
        return 0, 1
    fuzzers = [path for path in executables(FUZZ + "/fuzz") if os.path.exists(f"tests/fuzz/{os.path.basename(path)}.c")]
    return at_once(run_fuzzer, fuzzers, JOBS)


def part_kafka_real():
    """One at a time: a cluster and what is tried against it take the machine."""
    if missing := [name for name in ("java", "javac", "mvn") if shutil.which(name) is None]:
        say(f"kafka-real: skipped, for want of {', '.join(missing)}")
        return None
    if not build():
        return 0, 1
    wanted = "real_" if LONG else "real_ci_"
    scripts = [path for path in executables("tests/kafka") if os.path.basename(path).startswith(wanted)]
    return total(run_script(path, timeout_s=LONG_TIMEOUT_S if LONG else SCRIPT_TIMEOUT_S) for path in scripts)


def explore():
    """Nothing but work, for minutes. What it needs is built before anything is begun ahead: see run_parts()."""
    return run_script(EXPLORER, timeout_s=EXPLORER_TIMEOUT_S, ahead=True) if build() and build("tests") else (0, 1)


def part_crash():
    if not (build() and build("tests")):
        return 0, 1
    scripts = [path for path in executables("tests/crash") if path != EXPLORER or "crash" not in begun]
    results = [at_once(lambda path: run_script(path, timeout_s=CRASH_TIMEOUT_S), scripts)]
    return total(results + [begun["crash"].result()] if "crash" in begun else results)


# In this order; the last are those that need what is done ahead.
PARTS = {
    "unit": part_unit, "tidy": part_tidy, "docs": part_docs, "install": part_install, "package": part_package,
    "blackbox": part_blackbox, "kafka": part_kafka, "kafka-real": part_kafka_real, "asan": part_asan,
    "tsan": part_tsan, "server-asan": part_server_asan, "server-tsan": part_server_tsan, "fuzz": part_fuzz,
    "crash": part_crash,
}
AHEAD = {
    "asan": lambda: build(*ASAN_BUILD, ahead=True), "tsan": lambda: build(*TSAN_BUILD, ahead=True),
    "fuzz": lambda: build(*FUZZ_BUILD, ahead=True), "crash": explore,
}
begun = {}  # Of AHEAD, for this run: a future each.


def run_part(name):
    say(f"{name}")
    result = PARTS[name]()
    if result is None:  # It has said why.
        return 0, 0
    passed, failed = result
    if passed + failed == 0:
        show(name, f"the part {name} ran no test")
        failed = 1
    say(f"{name}: {passed} passed, {failed} failed")
    return passed, failed


def run_parts(names):
    with concurrent.futures.ThreadPoolExecutor(1) as lane:
        try:
            if len(names) > 1:
                if "crash" in names and build():  # Not while others have scons look at the same variant.
                    build("tests")
                begun.update({name: lane.submit(work) for name, work in AHEAD.items() if name in names})
            return total(run_part(name) for name in names)
        finally:
            ending.set()
            lane.shutdown(cancel_futures=True)


def arguments():
    parser = argparse.ArgumentParser(prog="tools/test")
    parser.add_argument("--quick", action="store_true", help="unit and integration tests only")
    parser.add_argument("--only", action="append", choices=list(PARTS), metavar="PART", help="one part of the whole")
    parser.add_argument("--long", action="store_true",
                        help="also what takes long: more of the real Kafka, and more faults of its double")
    parser.add_argument("--list", action="store_true", help="name the parts")
    parser.add_argument("--programs", nargs="+", help=argparse.SUPPRESS)  # For `scons test`: build folder, programs.
    return parser.parse_args()


def main():
    os.chdir(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    options = arguments()
    if options.list:
        print("\n".join(PARTS))
        return 0

    make_scratch()
    if LONG:
        os.environ.setdefault("KAFKA_VERSIONS", ALL_KAFKA_VERSIONS)
        os.environ["VARVE_LONG_TESTS"] = "1"  # tests/kafka/outbox.py
    try:
        if options.programs:
            passed, failed = run_programs(options.programs[1:], options.programs[0])
        else:
            passed, failed = run_parts(["unit"] if options.quick else options.only or list(PARTS))
    finally:
        for folder in set(scratch.values()):
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed", flush=True)
    return 0 if passed > 0 and failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
