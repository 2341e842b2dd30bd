"""What is in tools/prometheus, and what docs/metrics.md says there is."""
import json
import os
import re

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
FOLDER = os.path.join(ROOT, "tools", "prometheus")
RULES, CONFIG, DASHBOARD = (os.path.join(FOLDER, name) for name in ("varve.rules.yml", "prometheus.yml",
                                                                    "grafana-dashboard.json"))
OF_PROMETHEUS = {"up": ["job", "instance"]}  # Metrics that it makes itself.
ALWAYS = {"job", "instance"}                 # Labels that it adds to everything.
WORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "offset", "bool"}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def alerts():
    """[{"alert", "expr", "for", "severity", ...}] of the rules file, which is written plainly enough for this."""
    found, text_of = [], None
    for line in read(RULES).splitlines():
        begun = re.fullmatch(r"      - alert: (\w+)", line)
        field = re.fullmatch(r" {8,10}(\w+): ?(.*)", line)
        if begun:
            found.append({"alert": begun[1]})
        elif field and found:
            text_of = field[1]
            found[-1][text_of] = "" if field[2] in (">-", "|") else field[2].strip('"')
        elif re.match(r" {10,}\S", line) and text_of:
            found[-1][text_of] = (found[-1][text_of] + " " + line.strip()).strip()
    return found


def queries():
    """(title, query) of every panel of the dashboard; its variables are replaced by what matches all."""
    def of(panels):
        for panel in panels:
            yield from of(panel.get("panels", []))
            for target in panel.get("targets", []):
                yield panel["title"], target["expr"]

    for title, query in of(json.loads(read(DASHBOARD))["panels"]):
        yield title, query.replace("$__rate_interval", "1m").replace("$instance", ".*")


def documented():
    """{metric: labels} of docs/metrics.md; those of a histogram by the names that its parts have."""
    metrics = {}
    for name, kind, labels in re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]*) \|", read(ROOT + "/docs/metrics.md"), re.M):
        labels = re.findall(r"`(\w+)`", labels)
        if kind == "histogram":
            metrics |= {name + "_sum": labels, name + "_count": labels, name + "_bucket": labels + ["le"]}
        else:
            metrics[name] = labels
    return metrics


def values_of(label):
    """Those that a label of a small set may have, or None."""
    if label == "code":
        return set(re.findall(r"^\| \d+ \| `(\w+)` \|", read(ROOT + "/docs/errors.md"), re.M))
    if label == "state":
        return set(re.findall(r"\b[A-Z]{3,}\b", read(ROOT + "/docs/outbox-states.md")))
    rows = re.findall(rf"^\| `\w+` \| \w+ \| [^|]*`{label}`[^|]* \| .*One of (.*) \|", read(ROOT + "/docs/metrics.md"),
                      re.M)
    return {value for row in rows for value in re.findall(r"`(\w+)`", row)} or None


def problems_of(expression, metrics):
    """What an expression uses that there is not."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    used = set(re.findall(r"\b((?:varve|process)_\w+|up)\b", bare))
    for name in sorted(used - metrics.keys()):
        yield f"there is no metric {name}"
    known = {label for name in used & metrics.keys() for label in metrics[name]} | ALWAYS
    for name, matchers in re.findall(r"(\w+)\{([^}]*)\}", expression):
        for label, text in re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"', matchers):
            if name in metrics and label not in {*metrics[name], *ALWAYS}:
                yield f"{name} has no label {label}"
            of_set = values_of(label)
            for value in set(text.split("|")) - {"other", ".*", ""}:
                if of_set is not None and value not in of_set:
                    yield f"{label} is never {value}"
    for labels in re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", bare):
        for label in labels.split(","):
            if label.strip() and label.strip() not in known | {"le"}:
                yield f"nothing there has a label {label.strip()}"
