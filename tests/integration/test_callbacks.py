"""Callbacks: who is told that a job has ended, how it knows that it was us, and what becomes of a
receiver that is not there."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Callable

from durable import BadDisk, needs_bad_disk
from harness import Gatherd, GatherdTest, Json, Reply, curl
from patience import PATIENCE, eventually
from servers import free_port
from test_auth import secrets_file

PAGE = Path(__file__).resolve().parents[2] / "docs" / "callbacks.md"
KEY = bytes(range(32))
SECRETS = f"hook = whsec_{base64.b64encode(KEY).decode()}\nraw = correct horse\n" \
          "elsewhere example.com = x\n"


@dataclass
class Delivery:
    path: str
    headers: dict[str, str]
    body: bytes

    def event(self) -> Json:
        return json.loads(self.body)

    def is_signed_with(self, key: bytes) -> bool:
        """As the specification says, by other means than ours."""
        content = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode()
        code = hmac.new(key, content + self.body, hashlib.sha256).digest()
        expected = "v1," + base64.b64encode(code).decode()
        return expected in self.headers.get("webhook-signature", "").split(" ")


class Receiver:
    """Takes callbacks, and answers each as `answer` says: with a status and headers."""

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        self.deliveries: list[Delivery] = []
        self.answer: Callable[[Delivery], tuple[int, dict[str, str]]] = lambda _: (204, {})
        self.n_at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                delivery = Delivery(self.path, headers, self.rfile.read(length))
                status, more = receiver.take(delivery)
                try:
                    self.send_response(status)
                    for name, value in {"Content-Length": "0", **more}.items():
                        self.send_header(name, value)
                    self.end_headers()
                except OSError:
                    pass  # it was given up

            do_GET = do_POST

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer((host, port), Handler)
        self.server.daemon_threads = True
        self.address = f"{host}:{self.server.server_address[1]}"

    def take(self, delivery: Delivery) -> tuple[int, dict[str, str]]:
        with self.lock:
            self.deliveries.append(delivery)
            self.n_at_once += 1
            self.most_at_once = max(self.most_at_once, self.n_at_once)
        try:
            return self.answer(delivery)
        finally:
            with self.lock:
                self.n_at_once -= 1

    def url(self, path: str = "/hook", userinfo: str = "") -> str:
        return f"http://{userinfo}{self.address}{path}"

    def __enter__(self) -> "Receiver":
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


class CallbackTest(GatherdTest):
    TAKES_LONG = True

    @classmethod
    def setUpClass(cls) -> None:
        cls.secrets = secrets_file(SECRETS)
        cls.addClassCleanup(Path(cls.secrets).unlink)
        cls.settings = ["egress.allow=127.0.0.0/8", f"fetch.secrets_file={cls.secrets}"]
        super().setUpClass()

    def setUp(self) -> None:
        super().setUp()
        self.receiver = self.enterContext(Receiver())

    def daemon(self, *settings: str) -> Gatherd:
        return self.enterContext(Gatherd(*self.settings, *settings))

    def try_to_submit(self, callback: Json, gatherd: Gatherd | None = None,
                      **members: Json) -> Reply:
        document = {"urls": [self.origin.url("/")], "callback": callback, **members}
        base = (gatherd or self.gatherd).base
        return curl("-d", json.dumps(document), f"{base}/v1/jobs")

    def submit(self, callback: Json, gatherd: Gatherd | None = None, **members: Json) -> Json:
        reply = self.try_to_submit(callback, gatherd, **members)
        self.assertEqual(reply.status, 202, reply.body)
        return reply.json()

    def look(self, job: Json, gatherd: Gatherd | None = None) -> Json:
        reply = curl(f"{(gatherd or self.gatherd).base}/v1/jobs/{job['id']}/callback")
        self.assertEqual(reply.status, 200, reply.body)
        return reply.json()

    def settled(self, job: Json, state: str, gatherd: Gatherd | None = None) -> Json:
        eventually(lambda: self.look(job, gatherd)["state"] == state, f"the state {state}", 15)
        return self.look(job, gatherd)

    def attempted(self, job: Json, gatherd: Gatherd | None = None) -> Json:
        eventually(lambda: self.look(job, gatherd)["attempts"], "an attempt", 15)
        return self.look(job, gatherd)

    # -- what is sent -----------------------------------------------------------------------

    def test_the_end_of_a_job_is_told_and_signed(self) -> None:
        job = self.submit({"url": self.receiver.url(), "secret_ref": "hook"}, name="nightly",
                          labels={"team": "web"})
        callback = self.settled(job, "delivered")
        [delivery] = self.receiver.deliveries
        self.assertTrue(delivery.is_signed_with(KEY), delivery.headers)
        self.assertFalse(delivery.is_signed_with(KEY[1:]))
        self.assertEqual(delivery.headers["content-type"], "application/json")
        self.assertLess(abs(time.time() - int(delivery.headers["webhook-timestamp"])), 60)
        shown = self.get(f"/v1/jobs/{job['id']}").json()
        self.assertEqual(delivery.event(), {"type": "job.done", "timestamp": shown["ended_at"],
                                            "data": shown})
        self.assertEqual(shown["links"]["callback"], f"/v1/jobs/{job['id']}/callback")
        [attempt] = callback["attempts"]
        self.assertEqual((attempt["n"], attempt["status_code"], attempt["error"]), (1, 204, None))
        self.assertEqual((callback["object"], callback["job_id"], callback["url"]),
                         ("callback", job["id"], self.receiver.url()))
        self.assertIsNone(callback["next_attempt_at"])

    def test_any_other_secret_is_taken_as_it_is(self) -> None:
        self.settled(self.submit({"url": self.receiver.url(), "secret_ref": "raw"}), "delivered")
        self.assertTrue(self.receiver.deliveries[0].is_signed_with(b"correct horse"))

    def test_without_a_secret_it_is_not_signed(self) -> None:
        self.settled(self.submit({"url": self.receiver.url(), "events": ["job.done"]}),
                     "delivered")
        self.assertNotIn("webhook-signature", self.receiver.deliveries[0].headers)

    def test_userinfo_goes_to_the_receiver_and_is_shown_to_nobody(self) -> None:
        job = self.submit({"url": self.receiver.url(userinfo="u:hidden@")})
        callback = self.settled(job, "delivered")
        self.assertEqual(self.receiver.deliveries[0].headers["authorization"],
                         "Basic " + base64.b64encode(b"u:hidden").decode())
        self.assertEqual(callback["url"], self.receiver.url())

    def test_a_canceled_job_is_told_too(self) -> None:
        job = self.submit({"url": self.receiver.url()}, urls=[self.origin.url("/hang")])
        self.assertEqual(self.look(job)["state"], "waiting")
        self.post(f"/v1/jobs/{job['id']}/cancel", "")
        self.settled(job, "delivered")
        self.assertEqual(self.receiver.deliveries[0].event()["data"]["status"], "canceled")

    def test_a_retry_takes_it_over(self) -> None:
        job = self.submit({"url": self.receiver.url()}, urls=[self.origin.url("/status/500")])
        self.settled(job, "delivered")
        again = self.post(f"/v1/jobs/{job['id']}/retry", "").json()
        self.settled(again, "delivered")
        ids = [each.event()["data"]["id"] for each in self.receiver.deliveries]
        self.assertEqual(ids, [job["id"], again["id"]])

    def test_the_page_knows_how_to_check_it_and_what_becomes_of_it(self) -> None:
        [example] = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
        page: dict[str, Json] = {}
        exec(example, page)  # pylint: disable=exec-used
        self.settled(self.submit({"url": self.receiver.url(), "secret_ref": "hook"}), "delivered")
        [delivery] = self.receiver.deliveries
        secret = SECRETS.split()[2]
        self.assertTrue(page["is_from_gatherd"](secret, delivery.headers, delivery.body))
        self.assertFalse(page["is_from_gatherd"](secret, delivery.headers, delivery.body + b" "))
        states = self.get("/openapi.json").json()["components"]["schemas"]["CallbackStatus"]
        self.assertEqual(re.findall(r"^\| `(\w+)` \| [^|\n]", PAGE.read_text(), re.MULTILINE),
                         states["properties"]["state"]["x-extensible-enum"])

    # -- what is refused --------------------------------------------------------------------

    def test_what_is_wrong_with_it_is_said(self) -> None:
        url = "http://127.0.0.1/"
        table: list[tuple[Json, str, str]] = [
            ({}, "/callback/url", "missing_member"),
            ({"url": 1}, "/callback/url", "wrong_type"),
            ({"url": "nowhere"}, "/callback/url", "invalid_url"),
            ({"url": "ftp://a/"}, "/callback/url", "unsupported_scheme"),
            ({"url": url, "events": []}, "/callback/events", "invalid_value"),
            ({"url": url, "events": "job.done"}, "/callback/events", "wrong_type"),
            ({"url": url, "events": ["job.began"]}, "/callback/events/0", "invalid_value"),
            ({"url": url, "secret_ref": "nobody"}, "/callback/secret_ref", "unknown_reference"),
            ({"url": url, "secret_ref": "elsewhere"}, "/callback/secret_ref", "invalid_value"),
            ({"url": url, "secret": "x"}, "/callback/secret", "unknown_member"),
            ("http://127.0.0.1/", "/callback", "wrong_type"),
        ]
        for callback, pointer, code in table:
            with self.subTest(callback=callback):
                error = self.assert_problem(self.try_to_submit(callback), 422, pointer)
                self.assertEqual(error["code"], code)

    def test_a_job_without_one_has_none(self) -> None:
        job = self.post("/v1/jobs", [self.origin.url("/")]).json()
        self.assertNotIn("callback", job["links"])
        path = f"/v1/jobs/{job['id']}/callback"
        self.assertEqual(self.assert_problem(self.get(path), 404)["code"], "callback_none")
        path = "/v1/jobs/job_01JZ9M4T6Q3W8KX2B7V5N0RCFE/callback"
        self.assertEqual(self.assert_problem(self.get(path), 404)["code"], "job_not_found")
        self.assert_problem(self.get(path + "?x=1"), 400)

    # -- receivers that are not what one wishes ---------------------------------------------

    def test_a_receiver_that_is_down_is_tried_again(self) -> None:
        port = free_port()
        job = self.submit({"url": f"http://127.0.0.1:{port}/", "secret_ref": "hook"})
        callback = self.attempted(job)
        self.assertEqual(callback["state"], "pending")
        self.assertEqual(callback["attempts"][0]["error"], "connect_refused")
        self.assertGreater(callback["next_attempt_at"], callback["attempts"][0]["at"])
        receiver = self.enterContext(Receiver(port))
        callback = self.settled(job, "delivered")
        self.assertEqual([each["n"] for each in callback["attempts"]], [1, 2])
        self.assertTrue(receiver.deliveries[0].is_signed_with(KEY))

    def test_what_is_sent_again_has_the_same_id(self) -> None:
        answers = iter([(500, {}), (204, {})])
        self.receiver.answer = lambda _: next(answers)
        self.settled(self.submit({"url": self.receiver.url(), "secret_ref": "hook"}), "delivered")
        first, second = self.receiver.deliveries
        self.assertEqual(first.headers["webhook-id"], second.headers["webhook-id"])
        self.assertEqual(first.body, second.body)
        self.assertTrue(second.is_signed_with(KEY))
        apart = int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"])
        self.assertGreaterEqual(apart, 3)

    def test_retry_after_is_respected(self) -> None:
        self.receiver.answer = lambda _: (503, {"Retry-After": "3600"})
        callback = self.attempted(self.submit({"url": self.receiver.url()}))
        apart = datetime.fromisoformat(callback["next_attempt_at"]) - \
            datetime.fromisoformat(callback["attempts"][0]["at"])
        self.assertLess(abs(apart.total_seconds() - 3600), 20)

    def test_gone_is_the_end(self) -> None:
        self.receiver.answer = lambda _: (410, {})
        job = self.submit({"url": self.receiver.url()})
        callback = self.settled(job, "gone")
        self.assertIsNone(callback["next_attempt_at"])
        eventually(lambda: f"the callback of job {job['id']} is given up" in self.gatherd.stderr(),
                   "the line in the log")

    def test_redirects_are_not_followed(self) -> None:
        self.receiver.answer = lambda _: (302, {"Location": "/elsewhere"})
        callback = self.attempted(self.submit({"url": self.receiver.url()}))
        self.assertEqual((callback["state"], callback["attempts"][0]["status_code"]),
                         ("pending", 302))
        self.assertEqual([each.path for each in self.receiver.deliveries], ["/hook"])

    def test_what_the_policy_forbids_is_not_sent(self) -> None:
        for host in ("10.0.0.1", f"127.0.0.1:{self.gatherd.port}"):
            with self.subTest(host=host):
                job = self.submit({"url": f"http://{host}/"})
                callback = self.settled(job, "blocked")
                self.assertEqual(callback["attempts"][0]["error"], "blocked_by_policy")

    def test_a_receiver_that_hangs_holds_up_nobody(self) -> None:
        gatherd = self.daemon("fetch.concurrency=4", "fetch.per_host_concurrency=2")
        release = threading.Event()
        self.addCleanup(release.set)
        self.receiver.answer = lambda _: (204 if release.wait(30) else 500, {})
        jobs = [self.submit({"url": self.receiver.url()}, gatherd) for _ in range(20)]
        for job in jobs:
            path = f"{gatherd.base}/v1/jobs/{job['id']}?until=done&wait=10"
            self.assertTrue(curl(path).json()["done"])
        other = self.enterContext(Receiver(host="127.0.0.2"))
        self.settled(self.submit({"url": other.url()}, gatherd), "delivered", gatherd)
        release.set()
        for job in jobs:
            self.settled(job, "delivered", gatherd)
        self.assertEqual(self.receiver.most_at_once, 2)

    # -- what survives ----------------------------------------------------------------------

    def crash_at(self, point: str) -> list[Delivery]:
        gatherd = self.daemon()
        gatherd.restart(GATHERD_CRASH_AT=point)
        job = self.submit({"url": self.receiver.url(), "secret_ref": "hook"}, gatherd)
        gatherd.process.wait(20 * PATIENCE)
        gatherd.start()
        self.settled(job, "delivered", gatherd)
        self.assertTrue(all(each.is_signed_with(KEY) for each in self.receiver.deliveries))
        return self.receiver.deliveries

    def test_killed_between_the_end_and_the_callback_it_is_sent(self) -> None:
        self.assertEqual(len(self.crash_at("before_callback")), 1)

    def test_killed_behind_the_callback_it_is_sent_again_with_its_id(self) -> None:
        first, second = self.crash_at("after_callback")
        self.assertEqual(first.headers["webhook-id"], second.headers["webhook-id"])

    def test_stopped_meanwhile_it_is_given_back(self) -> None:
        gatherd = self.daemon("api.drain_timeout_ms=100ms")
        release = threading.Event()
        self.addCleanup(release.set)
        self.receiver.answer = lambda _: (500 if release.wait(30) else 500, {})
        job = self.submit({"url": self.receiver.url()}, gatherd)
        eventually(lambda: self.receiver.deliveries, "the callback")
        gatherd.stop()
        self.receiver.answer = lambda _: (204, {})
        gatherd.start()
        callback = self.settled(job, "delivered", gatherd)
        self.assertEqual(len(callback["attempts"]), 1)

    def test_it_outlives_its_job(self) -> None:
        self.receiver.answer = lambda _: (503, {})
        job = self.submit({"url": self.receiver.url()}, ttl_ms=1)
        self.attempted(job)
        eventually(lambda: self.get(f"/v1/jobs/{job['id']}").status == 404, "its expiry", 15)
        self.receiver.answer = lambda _: (204, {})
        self.assertEqual(len(self.settled(job, "delivered")["attempts"]), 2)

    def test_who_deletes_a_job_deletes_its_callback(self) -> None:
        self.receiver.answer = lambda _: (503, {})
        job = self.submit({"url": self.receiver.url()})
        self.attempted(job)
        self.assertEqual(curl("-X", "DELETE", f"{self.gatherd.base}/v1/jobs/{job['id']}").status,
                         204)
        self.assertEqual(self.get(f"/v1/jobs/{job['id']}/callback").status, 404)

    @needs_bad_disk
    def test_a_full_disk_only_holds_it_up(self) -> None:
        disk = BadDisk("jobs.ttl_ms=1h", *self.settings)
        gatherd = self.enterContext(disk.gatherd)
        release = threading.Event()
        self.addCleanup(release.set)
        self.receiver.answer = lambda _: (204 if release.wait(30) else 500, {})
        job = self.submit({"url": self.receiver.url()}, gatherd)
        eventually(lambda: self.receiver.deliveries, "the callback")
        disk.resize(0)
        release.set()
        time.sleep(0.3)
        self.assertEqual(self.look(job, gatherd)["state"], "pending")
        disk.resize(1 << 40)
        self.settled(job, "delivered", gatherd)
        self.assertEqual(len(self.receiver.deliveries), 1)

    # -- what is counted --------------------------------------------------------------------

    def test_they_are_counted_and_are_no_items(self) -> None:
        gatherd = self.daemon()
        self.settled(self.submit({"url": self.receiver.url()}, gatherd), "delivered", gatherd)
        self.settled(self.submit({"url": "http://10.0.0.1/"}, gatherd), "blocked", gatherd)
        self.attempted(self.submit({"url": f"http://127.0.0.1:{free_port()}/"}, gatherd), gatherd)
        text = curl(f"{gatherd.base}/metrics").body.decode().splitlines()
        for line in ('gatherd_callbacks_total{state="delivered"} 1',
                     'gatherd_callbacks_total{state="blocked"} 1',
                     'gatherd_callback_attempts_total{result="success"} 1',
                     'gatherd_callback_attempts_total{result="transport_error"} 1',
                     "gatherd_callbacks_pending 1",
                     "gatherd_origin_requests_total 3",
                     'gatherd_items_finished_total{outcome="success"} 3'):
            self.assertIn(line, text)
