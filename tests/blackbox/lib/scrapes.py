"""/metrics read strictly: what a scrape says, and whether it and the one before it can both be true."""
import re
import subprocess

NAME = re.compile(r"[a-z][a-z0-9_]*")
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)"')
ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


def unescaped(text):
    return re.sub(r"\\.", lambda found: ESCAPES[found.group()], text)


class Scrape:
    """`types`: {family: type}; `samples`: {(name, labels): value}, labels as sorted pairs."""

    def __init__(self, text):
        self.text, self.types, self.samples = text, {}, {}
        family = None
        assert text.endswith("\n"), text[-100:]
        for line in text[:-1].split("\n"):
            if line.startswith("# HELP "):
                family = line.split(" ", 3)[2]
                assert family not in self.types, f"{family} comes in pieces"
                self.types[family] = None
            elif line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                assert name == family and self.types[family] is None, line
                self.types[family] = kind
            else:
                self.add(family, line)

    def add(self, family, line):
        name = NAME.match(line).group()
        at, labels = len(name), []
        if line[at] == "{":
            while line[at] != "}":
                found = LABEL.match(line, at + 1)
                assert found, line
                labels.append((found[1], unescaped(found[2])))
                at = found.end()
                assert line[at] in ",}", line
            at += 1
        assert line[at] == " ", line
        suffixes = ("_bucket", "_sum", "_count") if self.types[family] == "histogram" else ("",)
        assert name in [family + suffix for suffix in suffixes], (family, line)
        key = name, tuple(sorted(labels))
        assert key not in self.samples, f"{line} comes twice"
        self.samples[key] = float(line[at + 1:])

    def value(self, name, absent=None, **labels):
        """Of one sample; `absent` when it is not there."""
        key = name, tuple(sorted(labels.items()))
        assert key in self.samples or absent is not None, f"there is no {key}"
        return self.samples.get(key, absent)

    def all(self, name):
        """{labels: value} of a family's samples, labels as a tuple of their values in the order of their names."""
        return {tuple(value for _, value in labels): number
                for (one, labels), number in self.samples.items() if one == name}

    def sum(self, name):
        return sum(self.all(name).values())

    def histograms(self):
        """(name, labels, [(bound, count)...])"""
        found = {}
        for (name, labels), value in self.samples.items():
            if name.endswith("_bucket"):
                rest = tuple(pair for pair in labels if pair[0] != "le")
                found.setdefault((name[:-len("_bucket")], rest), []).append((float(dict(labels)["le"]), value))
        return [(name, labels, buckets) for (name, labels), buckets in found.items()]

    def check(self):
        """Buckets are cumulative, in order, and add up."""
        for name, labels, buckets in self.histograms():
            bounds, counts = [bound for bound, _ in buckets], [count for _, count in buckets]
            assert bounds == sorted(bounds) and bounds[-1] == float("inf"), (name, bounds)
            assert counts == sorted(counts), (name, labels, counts)
            count, total = self.samples[name + "_count", labels], self.samples[name + "_sum", labels]
            assert counts[-1] == count, (name, labels, counts, count)
            least = sum(low * (n - before) for low, n, before in zip([0] + bounds, counts, [0] + counts)
                        if low != float("inf"))
            assert least <= total + 1e-6 or count == 0, (name, labels, least, total)

    def check_after(self, before):
        """No counter fell, and none went away."""
        for (name, labels), value in before.samples.items():
            family = re.sub("_(bucket|sum|count)$", "", name) if name not in before.types else name
            if before.types[family] != "gauge":
                assert self.samples.get((name, labels), -1) >= value, (name, labels, value, self.samples.get(name))


def promtool(text):
    """What `promtool check metrics` has to say against it: nothing, when all is well."""
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60,
                          check=False)
    return (done.stdout + done.stderr).strip() if done.returncode == 0 else f"exit code {done.returncode}: {done}"
