#!/usr/bin/env python3
"""Server-sent events in a real browser: headless Chromium, a page of another origin, and the page of docs/examples."""
import contextlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from held_port import HeldPort  # noqa: E402
from sse import PushServer  # noqa: E402
from varved import event, run  # noqa: E402

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PATIENCE_S = 60
CHROMIUM = shutil.which("chromium")

# Tells its server what it hears: each event with its type, the last id, and what became of the connection. What is told
# may overtake each other on the way, so it is numbered.
PAGE = """<!DOCTYPE html><script>
let tale = 0;
const tell = told => fetch("/told", {method: "POST", body: JSON.stringify({tale: tale++, ...told})});
const source = new EventSource("%(varve)s/v1/events?after=start&type=offer.*,order.placed");
source.onopen = () => tell({state: "open"});
source.onerror = () => tell({state: "error", closed: source.readyState === EventSource.CLOSED});
source.onmessage = event => tell({state: "a message without a type"});
for (const type of ["offer.made", "offer.refused", "order.placed", "caught_up"])
  source.addEventListener(type, event => tell({type: event.type, id: event.lastEventId, body: JSON.parse(event.data)}));
</script>"""

# The page of docs/examples in a frame, and what it shows, told again and again.
FRAME = """<!DOCTYPE html><iframe id="frame" src="/push.html?varve=%(varve)s&after=start"></iframe><script>
setInterval(() => {
  const page = document.getElementById("frame").contentDocument, show = id => page.getElementById(id)?.textContent;
  const cells = page.querySelector("#events td:last-child");
  fetch("/told", {method: "POST", body: JSON.stringify({state: show("state"), count: show("count"), last: show("last"),
                                                        newest: cells?.textContent})});
}, 100);
</script>"""


class Pages(http.server.ThreadingHTTPServer):
    """A front end's own web server: its pages, and a place where they tell what they see."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.texts, self.told, self.changed = {}, [], threading.Condition()
        self.origin = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def wait_for(self, there, what):
        with self.changed:
            assert self.changed.wait_for(lambda: there(self.told), PATIENCE_S), f"{what}: {self.told[-20:]}"

    def events(self):
        with self.changed:
            told = sorted((told for told in self.told if "type" in told), key=lambda told: told["tale"])
            return [(one["type"], int(one["id"]), one["body"]) for one in told]

    def handle_error(self, *_):
        """The browser goes without a word when it is killed."""

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        text = self.server.texts.get(self.path.split("?")[0])
        self.answer(200 if text else 404, (text or "").encode())

    def do_POST(self):
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.changed:
            self.server.told.append(told)
            self.server.changed.notify_all()
        self.answer(200, b"")

    def log_message(self, *_):
        pass


class Browser:
    def __init__(self, url):
        self.folder = tempfile.mkdtemp(prefix="varve-chromium-")
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.process = subprocess.Popen(
                [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                 "--no-first-run", "--disable-background-networking", "--disable-component-update",
                 "--disable-extensions",
                 f"--user-data-dir={self.folder}/profile", url], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, env=dict(os.environ, HOME=self.folder))

    def __enter__(self):
        return self

    def __exit__(self, fault, *_):
        if fault is not None:
            print(open(os.path.join(self.folder, "log"), errors="replace").read()[-3000:])
        os.killpg(self.process.pid, 9)  # Its own group: it has helpers.
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def offers(connection, first, count, kind="offer.made"):
    connection.append("offer-1", [event(json.dumps({"n": first + k}).encode(), kind=kind) for k in range(count)])


def listeners_get_their_types_in_order_and_resume(directory):
    with Pages() as pages, contextlib.closing(HeldPort()) as held:
        server = PushServer(directory, "--http.cors_origins", pages.origin, held=held)
        with server.connect() as connection:
            offers(connection, 0, 10)
            pages.texts["/"] = PAGE % {"varve": f"http://127.0.0.1:{server.http_port}"}
            with Browser(pages.origin + "/"):
                pages.wait_for(lambda told: any(t.get("type") == "caught_up" for t in told), "the end of history")
                for n in range(10, 20):
                    offers(connection, n, 1, kind="offer.refused" if n % 2 else "order.placed")
                    offers(connection, n, 1, kind="payment.done")  # Not asked for.
                pages.wait_for(lambda told: sum("type" in t for t in told) >= 21, "20 events")
                server.kill()
                pages.wait_for(lambda told: any(t.get("state") == "error" for t in told), "the end of the connection")
                server.__exit__(None)
                server = PushServer(directory, "--http.cors_origins", pages.origin, held=held)
                with server.connect() as again:
                    offers(again, 20, 5)
                    pages.wait_for(lambda told: sum(t.get("type") == "offer.made" for t in told) >= 15, "the rest")
                    offers(again, 25, 1)
                    pages.wait_for(lambda told: sum(t.get("type") == "offer.made" for t in told) >= 16, "one more")
        with server:
            server.stop()
        got = [(kind, position, body) for kind, position, body in pages.events() if kind != "caught_up"]
        assert [body["data"]["n"] for _, _, body in got] == list(range(26)), got
        assert [kind for kind, _, _ in got] == ["offer.made"] * 10 + ["order.placed", "offer.refused"] * 5 + \
            ["offer.made"] * 6
        assert [position for _, position, _ in got] == sorted({position for _, position, _ in got})
        assert not any("without a type" in t.get("state", "") for t in pages.told)


def a_page_of_another_origin_is_not_let_in(directory):
    with Pages() as pages, PushServer(directory, "--http.cors_origins", "http://127.0.0.1:1") as server:
        pages.texts["/"] = PAGE % {"varve": f"http://127.0.0.1:{server.http_port}"}
        with Browser(pages.origin + "/"):
            pages.wait_for(lambda told: any(t.get("closed") for t in told), "an end for good")
        assert not pages.events()


def the_page_of_the_examples_shows_events(directory):
    with Pages() as pages, PushServer(directory, "--http.cors_origins", pages.origin) as server, \
            server.connect() as connection:
        offers(connection, 0, 3)
        with open(os.path.join(ROOT, "docs", "examples", "push.html"), encoding="utf-8") as page:
            pages.texts["/push.html"] = page.read()
        pages.texts["/"] = FRAME % {"varve": f"http://127.0.0.1:{server.http_port}"}
        with Browser(pages.origin + "/"):
            shown = {"state": "live", "count": "3", "last": "3", "newest": '{"n":2}'}
            pages.wait_for(lambda told: shown in told, "three events")
            offers(connection, 3, 1)
            shown = {"state": "live", "count": "4", "last": "4", "newest": '{"n":3}'}
            pages.wait_for(lambda told: shown in told, "one more")


if __name__ == "__main__":
    if CHROMIUM is None:
        print("chromium is not here; tools/install-packages installs it\n0 passed, 1 failed")
        sys.exit(1)
    run([listeners_get_their_types_in_order_and_resume, a_page_of_another_origin_is_not_let_in,
         the_page_of_the_examples_shows_events])
