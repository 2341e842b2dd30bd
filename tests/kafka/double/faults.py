"""What goes wrong on purpose: rules that a test lays down for requests to come, and the time that every answer takes.

A rule waits for the n-th request that it fits, then acts on that one and, with `times`, on those that follow.
"""
import itertools

from .names import API_KEYS, error_number

SEND, DROP, HANG = "send", "drop", "hang"

# action: (is the request applied, what becomes of its answer)
ACTIONS = {
    "delay": (True, SEND), "error": (True, SEND), "drop_before": (False, DROP), "drop_after": (True, DROP),
    "hang_before": (False, HANG), "hang_after": (True, HANG), "ghost": (True, SEND),
}
MENTIONED_WITHIN = 1 << 20


def holds(request, text):
    return text.encode() in bytes(request.frame[:MENTIONED_WITHIN])


class Rule:
    """`mentions`: a text that the request's first MiB holds, such as a topic or a transactional id; `lacks`: one that
    it does not hold. `commit`: only EndTxn that commit, or only those that abort. Of "ghost", `first` is what becomes
    of the original: "answer" or the name of another action."""

    numbers = itertools.count(1)

    def __init__(self, api, action, nth=1, times=1, ms=0, error=None, client=None, mentions=None, commit=None,
                 first="answer", lacks=None):
        self.number = next(Rule.numbers)
        self.key = None if api == "*" else API_KEYS[api]
        self.action, self.ghost = action, action == "ghost"
        self.applies, self.answer = ACTIONS[action if first == "answer" else first]
        self.skip, self.left, self.ms = nth - 1, times, ms
        self.error = error_number(error) if error is not None else None
        self.client, self.commit = client, commit
        self.mentions, self.lacks = mentions, lacks
        self.acted = 0
        if (action == "error") != (error is not None):
            raise ValueError("error wants a number or a name, other actions want none")

    def fits(self, request):
        if self.left == 0 or self.key is not None and request.key != self.key:
            return False
        if self.client is not None and self.client not in request.client:
            return False
        if self.commit is not None and bool(request.frame[-1]) != self.commit:
            return False
        if self.lacks is not None and holds(request, self.lacks):
            return False
        return self.mentions is None or holds(request, self.mentions)

    def takes(self, request):
        """Counts the request; does the rule act on it? `times` below 0 is for ever."""
        if not self.fits(request):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.left -= 1
        self.acted += 1
        return True

    @property
    def delay_ms(self):
        return 0 if self.ghost else self.ms


class Faults:
    def __init__(self):
        self.rules, self.latency_ms = [], {}

    def add(self, **rule):
        self.rules.append(Rule(**rule))
        return self.rules[-1].number

    def remove(self, number=None):
        self.rules = [rule for rule in self.rules if number is not None and rule.number != number]

    def acted(self, number):
        return next(rule.acted for rule in self.rules if rule.number == number)

    def match(self, request):
        """The first rule that acts on this request; those behind it do not see it."""
        return next((rule for rule in self.rules if rule.takes(request)), None)

    def set_latency(self, api, ms):
        self.latency_ms[None if api == "*" else API_KEYS[api]] = ms

    def latency(self, request):
        return self.latency_ms.get(request.key, self.latency_ms.get(None, 0))
