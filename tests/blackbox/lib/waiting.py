"""How tests wait: for what must come, never for a time."""
import time

PATIENCE_S = 60  # Only ever used up when something is broken: the machine may be slow, the tests must not care.


def wait_until(condition, what="it", patience_s=PATIENCE_S, pause_s=0.01):
    """The condition's value, once it holds. `what`, or what it returns, tells what was waited for."""
    until = time.monotonic() + patience_s
    while not (value := condition()):
        if time.monotonic() > until:
            raise AssertionError(f"waited {patience_s} s in vain for {what() if callable(what) else what}")
        time.sleep(pause_s)
    return value
