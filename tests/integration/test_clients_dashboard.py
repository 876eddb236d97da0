"""The dashboard in a real browser (tests/clients/dashboard.mjs says what a person does there).

Whatever is done, the browser must have nothing to complain of: no error, no breach of the page's
Content-Security-Policy, no request to anybody else.
"""

from __future__ import annotations

import csv
import http.server
import io
import json
import subprocess
import threading
from pathlib import Path

from harness import Gatherd, GatherdTest, Json
from patience import PATIENCE, eventually, in_the_end, report
from servers import free_port
from test_clients_docs import NPM, from_npm
from test_dashboard import BelowAPrefix
from tokens import TokensTest

CLIENTS = Path(NPM or ".")
MANY = 10_000
STEP_MS = 100


class DashboardTest(GatherdTest):
    def browse(self, scenario: str, *arguments: str, base: str = "") -> Json:
        """What was seen."""
        command = ["node", "dashboard.mjs", base or f"{self.gatherd.base}/", scenario, *arguments]
        done = subprocess.run(command, cwd=CLIENTS, capture_output=True, text=True, check=False,
                              timeout=120 * PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        seen = json.loads(done.stdout)
        self.assertEqual(seen["problems"], [])
        return seen

    def submit(self, requests: Json, *arguments: str, **members: Json) -> str:
        reply = self.post("/v1/jobs", {"requests": requests, **members}, *arguments)
        self.assertEqual(reply.status, 202, reply.body)
        return reply.json()["id"]

    def ended(self, job: str, *arguments: str) -> str:
        eventually(lambda: self.get(f"/v1/jobs/{job}", *arguments).json()["done"], "its end", 60)
        return job

    def mixed_job(self) -> str:
        urls = [self.origin.url("/"), self.origin.url("/status/404"), self.origin.url("/slow?ms=50")]
        return self.ended(self.submit(urls * 4, name="mixed"))


class ViewsTest(DashboardTest):
    maxDiff = None

    def check_views(self, width: str, scheme: str, base: str = "") -> Json:
        self.submit([self.origin.url("/hang")], name="hanging")
        seen = self.browse("views", self.mixed_job(), width, scheme, base=base)
        for view, words in {"now": "in flight", "jobs": "hanging", "try": "urls", "tasks": "http server",
                            "schedules": "schedules", "job": "what came of them"}.items():
            self.assertIn(words, seen[view]["text"].lower(), view)
            self.assertLessEqual(seen[view]["overflow"], 0, f"{view} scrolls sideways at {width}")
            self.assertEqual(seen[view]["barriers"], [], view)
        return seen


@from_npm
class ViewTest(ViewsTest):
    def test_every_view_shows_what_it_is_for(self) -> None:
        self.check_views("1280", "light")

    def test_dark_is_dark(self) -> None:
        light, dark = (sum(map(int, seen["now"]["ground"].removeprefix("rgb(").rstrip(")").split(",")))
                       for seen in (self.check_views("1280", scheme) for scheme in ("light", "dark")))
        self.assertGreater(light, 600)
        self.assertLess(dark, 150)

    def test_a_phone_is_wide_enough(self) -> None:
        self.check_views("390", "light")

    def test_a_gather_can_be_tried(self) -> None:
        seen = self.browse("try", self.origin.url("/"), self.origin.url("/status/404"))
        self.assertIn("404", seen["text"])


@from_npm
class PrefixTest(ViewsTest):
    """Browsers say where a module comes from, so the origin of the proxy has to be an allowed one."""

    @classmethod
    def start_gatherd(cls, *settings: str) -> Gatherd:
        cls.listed_port = free_port()
        return super().start_gatherd(
            *settings, f"api.allowed_origins=http://127.0.0.1:{cls.listed_port}")

    def test_every_view_is_there_below_a_prefix(self) -> None:
        proxy = BelowAPrefix(self.gatherd)
        proxy.port = self.listed_port
        self.enterContext(proxy)
        self.check_views("1280", "light", f"http://127.0.0.1:{proxy.port}/tools/gatherd/")


    def test_a_proxy_that_is_not_listed_is_told_what_is_missing(self) -> None:
        with BelowAPrefix(self.gatherd) as proxy:
            seen = self.browse("refused", base=f"http://127.0.0.1:{proxy.port}/tools/gatherd/")
        self.assertIn("api.allowed_origins", seen["text"])


@from_npm
class ChangeTest(DashboardTest):
    def test_a_job_is_canceled_and_retried(self) -> None:
        job = self.submit([self.origin.url("/"), self.origin.url("/hang")])
        retried = self.browse("change", job)["retried"]
        self.assertEqual(self.get(f"/v1/jobs/{job}").json()["status"], "canceled")
        self.assertEqual(self.get(f"/v1/jobs/{retried}").json()["counts"]["total"], 1)

    def test_a_schedule_shows_its_runs_and_is_paused(self) -> None:
        reply = self.post("/v1/schedules", {"name": "hourly", "every_ms": 3_600_000,
                                            "job": {"requests": [self.origin.url("/")]}})
        schedule = reply.json()["links"]["self"]
        self.post(f"{schedule}/run", "")
        eventually(lambda: self.get(schedule).json()["availability"]["1h"] == 1, "the run", 30)
        seen = self.browse("schedule", "hourly")
        self.assertIn("every 1 h", seen["text"])
        self.assertIn("100", seen["text"])
        self.assertEqual((seen["runs"], seen["barriers"]), (1, []))
        self.assertTrue(self.get(schedule).json()["paused"])


@from_npm
class JobViewTest(DashboardTest):
    def test_a_job_grows_while_one_looks(self) -> None:
        seen = self.browse("live", self.submit(
            [self.origin.url(f"/slow?ms={1500 * n}") for n in range(1, 11)], limits={"concurrency": 10}))
        self.assertLess(seen["before"], 10)
        self.assertEqual(seen["after"], 10)

    def test_a_statement_of_what_came_chooses_rows(self) -> None:
        seen = self.browse("filter", self.mixed_job(), "404")
        self.assertEqual(seen["all"], ["200"] * 8 + ["404"] * 4)
        self.assertEqual(seen["some"], ["404"] * 4)

    def test_keys_are_enough(self) -> None:
        self.assertEqual(self.browse("keyboard", self.mixed_job()),
                         {"heading": "Result 1", "barriers": [], "isOpen": 0, "problems": []})

    def test_ten_thousand_rows_scroll_smoothly(self) -> None:
        job = self.ended(self.submit([{"url": self.origin.url("/"), "repeat": MANY}]))
        in_the_end(lambda: self.scroll(job))

    def scroll(self, job: str) -> None:
        seen = self.browse("scroll", job, str(MANY))
        report(f"{MANY} rows: a step of scrolling takes {seen['median']:.1f} ms, {seen['longest']:.1f} at most")
        self.assertLess(seen["inDocument"], 100)
        self.assertLess(seen["longest"], STEP_MS * PATIENCE)

    def test_results_are_saved_as_files(self) -> None:
        job = self.mixed_job()
        table = self.browse("save", job, "CSV")
        self.assertEqual(table["name"], f"{job}.csv")
        self.assertEqual(len(list(csv.DictReader(io.StringIO(table["text"])))), 12)
        self.assertEqual(len(json.loads(self.browse("save", job, "JSON")["text"])), 12)
        self.assertEqual(len(self.browse("save", job, "NDJSON")["text"].splitlines()), 13)
        self.assertEqual(len(json.loads(self.browse("save", job, "HAR")["text"])["log"]["entries"]), 12)


SCRIPT = "<script>window.hasRun=1</script><img src=x onerror='window.hasRun=1'>"
TURNED = "\u202egnp.exe\x07"


class Stranger(http.server.BaseHTTPRequestHandler):
    """An origin whose headers and body are made for whoever shows them."""

    def do_GET(self) -> None:
        said = (SCRIPT + TURNED).encode()
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-Said: " + said +
                         b"\r\nContent-Length: %d\r\n\r\n" % len(said) + said)

    def log_message(self, *_: object) -> None:
        pass


@from_npm
class HostileTest(DashboardTest):
    def stranger(self) -> str:
        server = self.enterContext(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}/"

    def test_what_an_origin_sends_is_text(self) -> None:
        request = {"url": self.stranger() + "?" + SCRIPT.replace(" ", "%20"), "id": SCRIPT,
                   "capture": {"body": "full"}}
        seen = self.browse("hostile", self.ended(self.submit([request], name=SCRIPT)))
        self.assertFalse(seen["hasRun"])
        self.assertEqual(seen["elements"], 0)
        self.assertEqual(seen["text"].count("<script>"), 3, seen["text"])  # URL, header, body
        self.assertIn(r"\u{202e}gnp.exe\u{7}", seen["text"])
        for character in TURNED[0], TURNED[-1]:
            self.assertNotIn(character, seen["page"])


@from_npm
class TokenTest(DashboardTest, TokensTest):
    tokens = {"writer": ["submit,read"], "reader": ["read"]}

    def seen_by(self, name: str) -> Json:
        job = self.ended(self.submit([self.origin.url("/status/404")], *self.bearer("writer")),
                         *self.bearer("writer"))
        return self.browse("token", "wrong-token-0123456789", self.shown[name], job)

    def test_a_token_is_asked_for_and_kept_for_the_session(self) -> None:
        self.assertEqual(self.seen_by("writer"), {"mayCancel": 1, "isKept": True, "problems": []})

    def test_who_may_only_read_is_offered_no_change(self) -> None:
        self.assertEqual(self.seen_by("reader")["mayCancel"], 0)


@from_npm
class RestartTest(DashboardTest):
    def test_a_daemon_that_comes_back_is_followed_again(self) -> None:
        with Gatherd(*self.settings) as gatherd:
            job = json.loads(subprocess.run(
                ["curl", "-sS", "-d", json.dumps([self.origin.url("/"), self.origin.url("/slow?ms=12000")]),
                 f"{gatherd.base}/v1/jobs"], capture_output=True, text=True, check=True).stdout)["id"]
            command = ["node", "dashboard.mjs", f"{gatherd.base}/", "live", job]
            with subprocess.Popen(command, cwd=CLIENTS, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True) as process:
                self.assertEqual(process.stderr.readline(), "seen\n")
                gatherd.restart()
                seen = json.loads(process.communicate(timeout=90 * PATIENCE)[0])
            self.assertEqual((seen["before"], seen["after"], seen["problems"]), (1, 2, []))
