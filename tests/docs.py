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


CHECKS = [errors_are_those_of_the_registry, links_lead_somewhere, files_named_exist, decisions_are_numbered_once]


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
