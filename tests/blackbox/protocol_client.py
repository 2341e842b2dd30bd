#!/usr/bin/env python3
"""A client of its own against the real varved: what docs/protocol.md promises, and what it says about bad input.

Shares no code with the server or the C client. Starts varved (from VARVE_BIN_DIR, default build/gcc-release/bin) on a
free port of loopback with an empty directory. Ends with `N passed, N failed`. Names of checks may be given."""
import sys
import traceback

import checks_requests  # noqa: F401
import checks_reads  # noqa: F401
import checks_hostile  # noqa: F401
import checks_sagas  # noqa: F401
import checks_snapshots  # noqa: F401
import varve_protocol as vp
from harness import BIN, CHECKS, ROOT, Server, event
from varve_protocol import ANY


def a_store_outlives_its_server(server):
    """SIGTERM leaves a clean directory; the next server knows everything, ids for replays too."""
    stream, events = "outlives-1", [event(), event()]
    with server.client() as c:
        c.append(stream, ANY, events)
        before = c.read(vp.STREAM, stream)
    assert server.stop() == 0, "exit code"
    server.start()
    with server.client() as c:
        assert c.read(vp.STREAM, stream) == before
        assert c.append(stream, ANY, events)[0] is True
    assert server.stop() == 0, "exit code"


def run(function, server):
    try:
        function(server)
        return True
    except Exception as error:  # Whatever goes wrong is that check's failure.
        text = "%s: %s" % (type(error).__name__, error)
        print("FAILED %s: %s" % (function.__name__, text))
        traceback.print_exc()
        return False


def main():
    chosen = sys.argv[1:]
    checks = [f for f in CHECKS if not chosen or f.__name__ in chosen]
    if not (ROOT / BIN / "varved").exists():
        print("no varved in %s\n0 passed, 1 failed" % (ROOT / BIN))
        return 1
    server = Server()
    passed = failed = 0
    try:
        for function in checks:
            good = run(function, server) and server.process.poll() is None
            passed, failed = passed + good, failed + (not good)
            if server.process.poll() is not None:
                print("varved ended with %s during %s:\n%s" % (server.process.returncode, function.__name__,
                                                               server.said()))
                break
        if server.process.poll() is None and not chosen:
            good = run(a_store_outlives_its_server, server)
            passed, failed = passed + good, failed + (not good)
    finally:
        server.remove()
    print("%d passed, %d failed" % (passed, failed))
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
