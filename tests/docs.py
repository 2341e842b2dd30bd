#!/usr/bin/env python3
"""Are the documents true as far as a program can tell? Ends with `N passed, N failed`."""
import glob
import os
import re
import subprocess
import sys

os.chdir(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOCUMENTS = sorted(glob.glob("*.md") + glob.glob("docs/**/*.md", recursive=True))


def errors_are_those_of_the_registry():
    made = subprocess.run(["tools/generate-errors"], capture_output=True, text=True, check=True).stdout
    if made != open("docs/errors.md", encoding="utf-8").read():
        yield "docs/errors.md is stale: run `scons errors`"


def anchors(path):
    """As GitHub makes them from headings."""
    headings = re.findall(r"^#+ +(.*)$", open(path, encoding="utf-8").read(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower().strip()).replace(" ", "-") for heading in headings}


def links_lead_somewhere():
    for path in DOCUMENTS:
        text = re.sub(r"```.*?```", "", open(path, encoding="utf-8").read(), flags=re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            there = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
            if not os.path.exists(there):
                yield f"{path}: {target}: no such file"
            elif anchor and there.endswith(".md") and anchor not in anchors(there):
                yield f"{path}: {target}: no such heading"


# A path of ours in back quotes, such as `engine/json.c` or `tools/test --quick`.
OUR_PATH = re.compile(r"`((?:engine|server|clients|tools|bench|tests|docs)/[\w./\-]*)[^`]*`")


def files_named_exist():
    for path in DOCUMENTS:
        for named in OUR_PATH.findall(open(path, encoding="utf-8").read()):
            if not (os.path.exists(named) or glob.glob(named + ".*")):
                yield f"{path}: names {named}, which does not exist"


def decisions_are_numbered_once():
    seen = {}
    for path in sorted(glob.glob("docs/decisions/*.md")):
        number = os.path.basename(path)[:4]
        if not re.fullmatch(r"\d{4}-[a-z0-9\-]+\.md", os.path.basename(path)):
            yield f"{path}: is not named NNNN-words.md"
        if number in seen:
            yield f"{path}: has the number of {seen[number]}"
        seen[number] = path


# ---- docs/logs.md: the events of the log, held against the calls in the source ---------------------------------------

LOG_CALL = re.compile(r'\blog_(debug|info|warn|error|event)\(')
LOG_KEY = re.compile(r'log_(?:text|view|number)\("(\w+)"')
# Whose event is not written out in the call: where the names are.
LOG_NAMES = {"server/batches.c": ("server/*.c", r'\.failed = "([\w.]+)"'),
             "server/group_writer.c": ("server/group_record.c", r'"\$(group\.(?!joined|checkpoint)\w+)"'),
             "server/outbox/outbox_steps.c": ("server/outbox/outbox_steps.c", r'\] = "(outbox\.\w+)"')}
# Those that not every state has are told where they belong.
SOME_FIELDS = {"outbox." + state for state in "init recover running refresh probe paused stopped".split()}
# Keys that other files add.
LOG_MORE_KEYS = {"request.slow": {"stream", "category", "type", "from", "streams", "position"},
                 "log.repeated": {"of", "cause", "repeated"}}


def arguments_of(text, start):
    """What stands between the parenthesis that was opened before `start` and its end."""
    depth, quoted, at = 1, False, start
    while depth:
        quoted ^= text[at] == '"' and text[at - 1] != "\\"
        depth += 0 if quoted else (text[at] == "(") - (text[at] == ")")
        at += 1
    return text[start:at - 1]


def names_in(pattern, name):
    return {found for path in glob.glob(pattern) for found in re.findall(name, open(path, encoding="utf-8").read())}


def logged_events():
    """event -> the keys of its fields, of all the source."""
    events = {event: set(keys) for event, keys in LOG_MORE_KEYS.items()}
    for path in sorted(glob.glob("server/**/*.c", recursive=True)):
        text = open(path, encoding="utf-8").read()
        for call in LOG_CALL.finditer(text) if path != "server/log.c" else []:
            arguments = arguments_of(text, call.end())
            named = re.search(r'"([a-z_]+\.[a-z_]+)"', arguments)
            names = {named[1]} if named else names_in(*LOG_NAMES[path])
            keys = LOG_KEY.findall(arguments) or LOG_KEY.findall(text)  # Fields may have been gathered before the call.
            for name in names:
                events.setdefault(name, set()).update(keys)
    return events


def logs_are_documented():
    text = open("docs/logs.md", encoding="utf-8").read()
    rows = re.findall(r"^\| `(\w+\.\w+)` \| [^|]+ \| ([^|]*) \| [^|]* \|$", text, re.M)
    told = {event: set(fields.split()) for event, fields in rows}
    logged = logged_events()
    for event in sorted(set(logged) | set(told)):
        if event not in told:
            yield f"docs/logs.md: has no row for {event}, fields {' '.join(sorted(logged[event]))}"
        elif event not in logged:
            yield f"docs/logs.md: has a row for {event}, which nobody logs"
        elif told[event] != logged[event] and not (event in SOME_FIELDS and told[event] < logged[event]):
            yield f"docs/logs.md: {event}: fields that differ: {' '.join(sorted(told[event] ^ logged[event]))}"
    if len(told) != len(rows):
        yield "docs/logs.md: an event has two rows"


CHECKS = [errors_are_those_of_the_registry, links_lead_somewhere, files_named_exist, decisions_are_numbered_once,
          logs_are_documented]


def main():
    failed = 0
    for check in CHECKS:
        offences = list(check())
        for offence in offences:
            print(f"{check.__name__}: {offence}")
        failed += bool(offences)
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
