"""EventSource, of npm and of a real browser: across origins, and across a crash of the daemon.

source  WHATWG HTML, "Server-sent events"; WHATWG Fetch, "CORS protocol"
"""

from __future__ import annotations

import functools
import http.server
import subprocess
import tempfile
import threading
from pathlib import Path
from urllib.parse import quote

from examples import Page
from harness import Gatherd, Json
from patience import eventually
from servers import free_port
from streams import StreamTest
from test_clients_docs import NPM, from_npm
from tokens import TokensTest

CLIENTS = Path(NPM or ".")
N_ITEMS = 30


class Pages:
    """A web server of static files, of an origin that is not the daemon's."""

    def __init__(self, directory: Path, port: int) -> None:
        handler = functools.partial(Quiet, directory=str(directory))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.base = f"http://localhost:{port}"

    def __enter__(self) -> "Pages":
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map,
                      ".mjs": "text/javascript"}

    def log_message(self, *_: object) -> None:
        pass


class Client:
    """A program in Node, whose lines are what has been told."""

    def __init__(self, script: str, *arguments: str) -> None:
        self.process = subprocess.Popen(["node", str(CLIENTS / script), *arguments],
                                        cwd=CLIENTS, text=True, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)

    def lines(self) -> list[str]:
        try:
            return self.process.communicate(timeout=60)[0].splitlines()
        finally:
            self.process.kill()
            self.process.wait()


class BrowserTest(StreamTest):
    """A daemon that may be used by pages of one other origin."""

    @classmethod
    def start_gatherd(cls, *settings: str) -> Gatherd:
        cls.listed_port = free_port()
        return super().start_gatherd(
            *settings, f"api.allowed_origins=http://localhost:{cls.listed_port}")

    def pages(self, directory: Path, port: int) -> Pages:
        return self.enterContext(Pages(directory, port))

    def example(self, name: str, port: int, **replaced: str) -> str:
        """Where the page of docs/clients.md is now."""
        directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        page = Page("docs/clients.md", {
            "http://127.0.0.1:7480": self.gatherd.base, "https://one.example/": self.origin.url(),
            "https://two.example/": self.origin.url(), **replaced})
        (directory / name).write_text(page.file(name))
        return f"{self.pages(directory, port).base}/{name}"


@from_npm
class EventSourceTest(BrowserTest):
    def events_of(self, job: Json) -> str:
        return self.gatherd.base + job["links"]["events"]

    def check_resumed(self, job: Json, client: Client) -> None:
        """Kill the daemon in the middle: the client goes on by itself, and misses nothing."""
        eventually(self.has_listener, "the client", 30)
        self.gatherd.kill()
        self.gatherd.start()
        eventually(self.has_listener, "the client, again", 30)
        self.post(f"/v1/jobs/{job['id']}/cancel", "")
        lines = client.lines()
        told = [line for line in lines if line.startswith("result")]
        self.assertEqual(told, [f"result {n}" for n in range(1, N_ITEMS + 1)], lines)
        self.assertLess(lines.index("interrupted"), lines.index(told[-1]))
        self.assertTrue(lines[lines.index(told[-1]) + 1].startswith("end "), lines)
        self.assertEqual(lines[-1], "closed")

    def has_listener(self) -> bool:
        return self.get("/v1/stats").json()["api"]["connections"] > 1  # this one

    def test_one_in_node_goes_on_after_a_crash_and_stops_in_the_end(self) -> None:
        job = self.started(n_first=N_ITEMS - 1)
        self.check_resumed(job, Client("follow.mjs", self.events_of(job)))

    def test_one_in_a_page_of_another_origin_does_so_too(self) -> None:
        job = self.started(n_first=N_ITEMS - 1)
        page = self.pages(CLIENTS, self.listed_port).base + "/follow.html?" + \
            quote(self.events_of(job), safe="")
        self.check_resumed(job, Client("browse.mjs", page, "closed"))


@from_npm
class PageTest(BrowserTest):
    """docs/clients.md: the page of its example, in a browser."""

    def test_the_page_of_a_listed_origin_submits_a_job_and_follows_it(self) -> None:
        client = Client("browse.mjs", self.example("board.html", self.listed_port), "done")
        self.assertEqual(client.lines(), ["success", "success", "done"])

    def test_the_page_of_another_origin_cannot(self) -> None:
        client = Client("browse.mjs", self.example("board.html", free_port()), "Failed to fetch")
        self.assertEqual(client.lines(), ["Failed to fetch"])
        self.assertEqual(self.origin.requests(), [])


@from_npm
class PageWithTokenTest(BrowserTest, TokensTest):
    tokens = {"page": ["submit"]}

    def shows(self, token: str, last: str) -> list[str]:
        page = self.example("lines.html", self.listed_port, **{"gth_...": token})
        return Client("browse.mjs", page, last).lines()

    def test_a_page_with_a_token_reads_lines(self) -> None:
        self.assertEqual(self.shows(self.shown["page"], "gather"), ["success", "success", "gather"])

    def test_a_page_with_a_wrong_token_reads_what_is_wrong(self) -> None:
        said = self.get("/v1/jobs", "-H", "Authorization: Bearer gth_0").json()["detail"]
        self.assertEqual(self.shows("gth_0", said), [said])
