#!/usr/bin/env python3
"""Is the source in order? Each rule passes or fails as a whole. Ends with `N passed, N failed`."""
import os
import re
import subprocess
import sys

os.chdir(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

FLOORS = ["engine", "snapshots", "server", "clients/c", "tools", "bench"]  # Ground first; as in SConstruct.
TEST_FOLDERS = {"engine": "engine", "snapshots": "snapshots", "server/wire": "wire", "server/outbox": "outbox",
                "server/http": "http", "server": "server",
                "clients/c": "client", "tools/varve": "tools", "bench": "bench"}
OUTBOX_MAY_USE = ("log.h", "json_fields.h", "config_units.h")  # Of the server's private headers.
MAX_COLUMNS, MAX_FUNCTION_LINES, MAX_FILE_LINES, MANY_FILE_LINES = 120, 70, 600, 450

TOP_FOLDER = {".ci", ".gitignore", "LICENSE", "README.md", "SConstruct", "bench", "clients", "docs", "engine", "server",
              "snapshots", "tests", "tools"}

# Source files without a test file of their own, each with the reason why none is needed.
NO_TEST_OF_ITS_OWN = {
    "bench/bench_client.c": "tests/blackbox/bench_quick.sh runs every section",
    "bench/engine_cases.c": "tests/blackbox/bench_quick.sh runs every section",
    "bench/engine_load.c": "tests/blackbox/bench_quick.sh runs every section",
    "bench/group_cases.c": "tests/blackbox/bench_quick.sh runs every section",
    "bench/main.c": "tests/blackbox/bench_quick.sh runs every section",
    "bench/raw_disk.c": "tests/blackbox/bench_quick.sh runs every section",
    "bench/raw_server.c": "tests/blackbox/bench_quick.sh runs every section",
    "bench/report.c": "tests/blackbox/bench_quick.sh runs every section",
    "bench/server_cases.c": "tests/blackbox/bench_quick.sh runs every section",
    "bench/server_load.c": "tests/blackbox/bench_quick.sh runs every section",
    "bench/subscription_cases.c": "tests/blackbox/bench_quick.sh runs every section",
    "bench/subscription_latency.c": "tests/blackbox/bench_quick.sh runs every section",
    "server/http/api_append.c": "tests/blackbox/http_api.py",
    "server/http/api_document.c": "tests/blackbox/http_api.py",
    "server/http/api_event.c": "tests/blackbox/http_api.py",
    "server/http/api_look.c": "tests/blackbox/http_api.py",
    "server/http/api_outboxes.c": "tests/blackbox/http_api.py",
    "server/http/api_read.c": "tests/blackbox/http_api.py",
    "server/http/api_replay.c": "tests/blackbox/http_api.py",
    "server/http/api_sagas.c": "tests/blackbox/http_api.py",
    "server/http/api_stats.c": "tests/blackbox/http_api.py",
    "server/http/api_streams.c": "tests/blackbox/http_api.py",
    "server/http/http_routes.c": "tests/blackbox/http_port.py asks for each of them",
    "tools/varve/main.c": "one call",
    "tools/varve/backend_client.c": "tests/blackbox/cli_*.py run every command against a server",
    "tools/varve/cmd_append.c": "tests/blackbox/cli_commands.py and cli_failures.py",
    "tools/varve/cmd_check.c": "tests/blackbox/cli_commands.py and cli_failures.py",
    "tools/varve/cmd_completion.c": "tests/blackbox/cli_completion.py",
    "tools/varve/cmd_config.c": "tests/blackbox/server_config.py",
    "tools/varve/cmd_dev.c": "tests/blackbox/cli_dev.py",
    "tools/varve/cmd_group.c": "tests/blackbox/cli_group.py",
    "tools/varve/cmd_group_change.c": "tests/blackbox/cli_group.py",
    "tools/varve/cmd_group_work.c": "tests/blackbox/cli_work.py",
    "tools/varve/cmd_health.c": "tests/blackbox/cli_health.py",
    "tools/varve/cmd_top.c": "tests/blackbox/cli_top.py",
    "tools/varve/terminal.c": "tests/blackbox/cli_top.py drives it in a pseudo terminal",
    "tools/varve/top_lines.c": "tests/tools/test_top_screen.c compares whole screens",
    "tools/varve/cmd_load.c": "tests/blackbox/cli_load.py",
    "tools/varve/cmd_outbox.c": "tests/blackbox/cli_outbox.py",
    "tools/varve/cmd_outbox_dead.c": "tests/blackbox/cli_outbox.py",
    "tools/varve/cmd_outbox_look.c": "tests/blackbox/cli_outbox.py",
    "tools/varve/cmd_outbox_move.c": "tests/blackbox/cli_outbox.py",
    "tools/varve/cmd_parked.c": "tests/blackbox/cli_group.py",
    "tools/varve/cmd_ping.c": "tests/blackbox/cli_commands.py and cli_failures.py",
    "tools/varve/cmd_read.c": "tests/blackbox/cli_commands.py and cli_failures.py",
    "tools/varve/cmd_snapshot.c": "tests/blackbox/cli_snapshot.py",
    "tools/varve/cmd_snapshot_build.c": "tests/blackbox/cli_snapshot_build.py",
    "tools/varve/dev_server.c": "tests/blackbox/cli_dev.py",
    "tools/varve/fold_plan.c": "tests/blackbox/cli_snapshot_build.py",
    "tools/varve/fold_pool.c": "tests/blackbox/cli_snapshot_build.py",
    "tools/varve/folder.c": "tests/blackbox/cli_snapshot_build.py",
    "tools/varve/state_client.c": "tests/blackbox/cli_snapshot_build.py",
    "tools/varve/state_source.c": "tests/blackbox/cli_snapshot_build.py",
    "tools/varve/state_store.c": "tests/blackbox/cli_snapshot_build.py",
    "tools/varve/outbox_choice.c": "tests/blackbox/cli_outbox.py",
    "tools/varve/snapshot_cursor.c": "tests/blackbox/cli_snapshot.py",
    "tools/varve/cmd_rebuild.c": "tests/blackbox/cli_rebuild.py",
    "tools/varve/cmd_saga.c": "tests/blackbox/cli_saga.py",
    "tools/varve/cmd_saga_change.c": "tests/blackbox/cli_saga.py",
    "tools/varve/cmd_saga_claim.c": "tests/blackbox/cli_saga.py",
    "tools/varve/cmd_stats.c": "tests/blackbox/cli_commands.py and cli_failures.py",
    "tools/varve/cmd_stream.c": "tests/blackbox/cli_commands.py and cli_failures.py",
    "tools/varve/cmd_stream_change.c": "tests/blackbox/cli_commands.py and cli_failures.py",
    "tools/varve/cmd_tail.c": "tests/blackbox/cli_tail.py",
    "tools/varve/worker.c": "tests/blackbox/cli_work.py",
}


def walk():
    for folder, folders, names in os.walk("."):
        folders[:] = sorted(f for f in folders if f not in (".git", "build", "__pycache__"))
        for name in sorted(names):
            yield os.path.relpath(os.path.join(folder, name), ".")


def is_source(path):
    return path.endswith((".c", ".h", ".def"))


def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def is_text(path):
    return not path.startswith("tests/fuzz/corpus/") and "\0" not in read(path)


FILES = {path: read(path) for path in walk() if is_text(path) and path != "compile_commands.json"
         and not path.startswith(".scon")}
SOURCES = {path: text for path, text in FILES.items() if is_source(path)}
OURS = {path: text for path, text in FILES.items()
        if is_source(path) or path.endswith((".py", ".sh", ".md", "SConstruct")) or path.startswith((".ci/", "tools/"))}


def includes(text):
    return re.findall(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', text, re.M)


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda found: re.sub(r"[^\n]", " ", found.group()), text, flags=re.S)


def lines_that(pattern, files):
    for path, text in files.items():
        for number, line in enumerate(text.split("\n"), 1):
            if re.search(pattern, line):
                yield f"{path}:{number}: {line.strip()[:100]}"


# ---- the rules: each yields its offences -----------------------------------------------------------------------------

def no_include_climbs_out_of_its_folder():
    for path, text in SOURCES.items():
        for _, name in includes(text):
            if ".." in name.split("/"):
                yield f"{path}: includes {name}"


def floor_of(path):
    return max((level for level, floor in enumerate(FLOORS) if path.startswith(floor + "/")), default=None)


def no_floor_sees_more_than_it_may():
    """A bare name is a neighbour; varve/ is public, of this floor or of one below."""
    for path, text in SOURCES.items():
        level = floor_of(path)
        if level is None or "/include/" in path and path.endswith(".def"):
            continue
        for quote, name in includes(text):
            if quote == "<":
                continue
            places = ([f"{floor}/include/{name}" for floor in FLOORS[: level + 1]] if name.startswith("varve/")
                      else [os.path.join(os.path.dirname(path), name)])
            if path.startswith("server/http/") or (path.startswith("server/outbox/") and name in OUTBOX_MAY_USE):
                places.append(f"server/{name}")
            if not any(os.path.exists(place) for place in places):
                yield f"{path}: includes {name}, which is no neighbour and not public in this floor or below"


def may_include(pattern, allowed):
    """Only files that `allowed` matches include what `pattern` matches; tests may."""
    for path, text in SOURCES.items():
        if path.startswith("tests/") or re.fullmatch(allowed, path):
            continue
        for _, name in includes(text):
            if re.match(pattern, name):
                yield f"{path}: includes <{name}>"


def lmdb_has_one_caller():
    return may_include(r"lmdb\.h", r"engine/db(_open\.c|_parts\.h|\.c)|snapshots/snapshot_file\.[ch]|bench/raw_\w+\.c")


def msgpack_c_is_called_by_wire_only():
    return may_include(r"msgpack", r"server/wire/.*")


def librdkafka_has_one_caller():
    return may_include(r"librdkafka/", r"server/outbox/outbox_kafka\w*\.[ch]|server/kafka_mock\.c|bench/.*")


def libuv_stays_out_of_engine_wire_outbox_and_client():
    return may_include(r"uv\.h", r"server/[^/]*|server/http/[^/]*|bench/.*")


def libmicrohttpd_has_one_caller():
    return may_include(r"microhttpd", r"server/http/http(_\w+)?\.[ch]")


def functions(text):
    """(first line, lines) of each function: it ends with a brace in the first column."""
    start = None
    for number, line in enumerate(text.split("\n"), 1):
        if re.match(r"[A-Za-z_].*\)?", line) and not line.endswith((";", ":", "{")) and start is None:
            start = number
        elif line == "{" and start is not None:
            pass
        elif re.match(r"}", line) and start is not None:
            yield start, number - start + 1
            start = None
        elif line == "" or line.endswith(";") and not line.startswith(" "):
            if start is not None and number - start < 4 and "{" not in "\n".join(text.split("\n")[start - 1:number]):
                start = None


def functions_are_short():
    for path, text in SOURCES.items():
        for start, lines in functions(without_comments(text)):
            if lines > MAX_FUNCTION_LINES:
                yield f"{path}:{start}: {lines} lines, {MAX_FUNCTION_LINES} are allowed"


def files_are_short():
    for path, text in OURS.items():
        lines = text.count("\n")
        if path.endswith((".md", ".json")):
            continue
        if lines > MAX_FILE_LINES:
            yield f"{path}: {lines} lines, {MAX_FILE_LINES} are allowed"
        elif lines > MANY_FILE_LINES:
            print(f"note: {path}: {lines} lines; think of two files")


def lines_are_short():
    code = {path: text for path, text in OURS.items() if not path.endswith((".md", ".json"))}
    return lines_that(r"^.{%d}" % (MAX_COLUMNS + 1), code)


def nothing_is_left_for_later():
    return lines_that(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "HA" + "CK"]) + r")\b", OURS)


def no_tabs_and_no_blanks_at_line_ends():
    return lines_that(r"\t|[ \t]$", {path: text for path, text in OURS.items() if not path.endswith(".md")})


def files_end_with_one_newline():
    for path, text in OURS.items():
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            yield path


def nothing_names_the_place_it_was_made_in():
    return lines_that(r"/work/|/tmp/wt|/root/|/home/\w+/", {p: t for p, t in OURS.items() if p != "tests/tidy.py"})


def asserts_stay_on():
    return lines_that(r"\bN" + r"DEBUG\b", OURS)


def no_function_that_overruns():
    code = {path: without_comments(text) for path, text in SOURCES.items() if not path.startswith("tests/")}
    return lines_that(r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca|tmpnam)\(", code)


def files_say_what_they_are():
    """`/* name.c - what it is for`, so that a listing of first lines is a map."""
    for path, text in SOURCES.items():
        if not re.match(r"/\* " + re.escape(os.path.basename(path)) + r" - \S", text):
            yield f"{path}: does not begin with /* {os.path.basename(path)} - ..."


def headers_have_guards():
    for path, text in SOURCES.items():
        if path.endswith(".h") and not re.search(r"#ifndef (\w+_H)\n#define \1\n", text):
            yield path


def test_file_of(path):
    folder, name = os.path.split(path)
    return f"tests/{TEST_FOLDERS[folder]}/test_{name}" if folder in TEST_FOLDERS else None


def tracked_files():
    """What git knows of; nothing where it cannot tell, as in a copy without its folder."""
    listed = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z"], check=False, capture_output=True)
    if listed.returncode != 0:
        print("note: git cannot list the files: nothing is said about strays")
    return [path for path in listed.stdout.decode("utf-8", "surrogateescape").split("\0") if os.path.isfile(path)]


def nothing_strays_in():
    """A slip of the shell (`2>9`) leaves an empty file, and `git add` takes it along."""
    for path in tracked_files():
        if path.split("/")[0] not in TOP_FOLDER:
            yield f"{path}: nothing of that name belongs into the top folder (TOP_FOLDER lists what does)"
        elif os.path.getsize(path) == 0:
            yield f"{path}: is empty"


def source_files_have_tests():
    for path in SOURCES:
        if not path.endswith(".c") or floor_of(path) is None or path.startswith("bench/"):
            continue  # What measures is tried as a whole, with --quick.
        test = test_file_of(path)
        if test in FILES and path in NO_TEST_OF_ITS_OWN:
            yield f"{path}: has {test}; take it off the list of those that need none"
        elif test not in FILES and path not in NO_TEST_OF_ITS_OWN:
            yield f"{path}: has no {test or 'test folder'}"
    for path in NO_TEST_OF_ITS_OWN:
        if path not in FILES:
            yield f"{path}: is on the list of files without tests, but not there"


RULES = [
    no_include_climbs_out_of_its_folder, no_floor_sees_more_than_it_may, lmdb_has_one_caller,
    msgpack_c_is_called_by_wire_only, libuv_stays_out_of_engine_wire_outbox_and_client, librdkafka_has_one_caller,
    libmicrohttpd_has_one_caller,
    functions_are_short, files_are_short,
    lines_are_short, nothing_is_left_for_later, no_tabs_and_no_blanks_at_line_ends, files_end_with_one_newline,
    nothing_names_the_place_it_was_made_in, asserts_stay_on, no_function_that_overruns, files_say_what_they_are,
    headers_have_guards, nothing_strays_in, source_files_have_tests,
]


def main():
    failed = 0
    for rule in RULES:
        offences = list(rule())
        for offence in offences:
            print(f"{rule.__name__}: {offence}")
        failed += bool(offences)
    print(f"{len(RULES) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
