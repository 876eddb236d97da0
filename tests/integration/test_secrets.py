"""No secret is ever shown: a canary in each place where one can be, and every answer searched."""

from __future__ import annotations

import base64
import os
import signal
import unittest
from pathlib import Path

from harness import GatherdTest, Json, run_gatherd
from patience import eventually
from servers import free_port
from test_auth import secrets_file

CANARY = "kanarienvogel"


FORMS = [CANARY, *(base64.b64encode(pad + CANARY.encode()).decode()[4:-4]
                   for pad in (b"", b"-", b"--"))]
"""It as it is, and what base64 makes of it, at whatever offset."""


def traces(text: str) -> list[str]:
    return [form for form in FORMS if form in text]


class SecretsTest(GatherdTest):
    @classmethod
    def setUpClass(cls) -> None:
        path = secrets_file(f"known = {CANARY}\nelsewhere example.com = {CANARY}\n")
        cls.addClassCleanup(Path(path).unlink)
        cls.proxy = f"http://127.0.0.1:{free_port()}"
        cls.settings = ["egress.allow=127.0.0.0/8", "log.level=debug",
                        f"fetch.secrets_file={path}",
                        f"fetch.proxies={cls.proxy.replace('//', f'//user:{CANARY}@')}"]
        super().setUpClass()

    def setUp(self) -> None:
        super().setUp()
        self.answers: list[str] = []

    def tearDown(self) -> None:
        """What was answered, and all that was logged by now."""
        for text in (*self.answers, self.gatherd.stderr()):
            self.assertEqual(traces(text), [], text)

    def with_userinfo(self, path: str) -> str:
        return self.origin.url(path).replace("//", f"//u:{CANARY}@")

    def all_kinds(self, path: str) -> list[Json]:
        url = self.origin.url(path)
        return [
            {"url": url, "auth": {"type": "basic", "username": "u", "password": CANARY}},
            {"url": url, "auth": {"type": "bearer", "token": CANARY}},
            {"url": url, "auth": {"type": "digest", "username": "u", "password": CANARY}},
            {"url": url, "auth": {"type": "bearer", "secret_ref": "known"}},
            {"url": url, "auth": {"type": "basic", "username": "u", "secret_ref": "known"}},
            {"url": url, "auth": {"type": "digest", "username": "u", "secret_ref": "known"}},
            {"url": url, "auth": {"type": "bearer", "secret_ref": "elsewhere"}},
            {"url": url, "headers": {"Authorization": f"Bearer {CANARY}",
                                     "Cookie": f"a={CANARY}", "X-Api-Key": CANARY}},
            self.with_userinfo(path),
            {"url": url, "proxy": self.proxy},
        ]

    def submit(self, requests: Json, **members: Json) -> None:
        """By both ways, with everything that can be read of it afterwards."""
        document = {"requests": requests, **members}
        self.answers.append(self.post("/v1/gather", document).body.decode())
        reply = self.post("/v1/jobs", document)
        self.answers.append(reply.body.decode())
        if reply.status != 202:
            return
        path = "/v1/jobs/" + reply.json()["id"]
        eventually(lambda: self.get(path).json()["done"], "the end of the job")
        for target in (path, path + "?include=results", path + "/results", path + "/results/0",
                       "/v1/jobs"):
            self.answers.append(self.get(target).body.decode())

    def test_a_success_shows_none(self) -> None:
        self.submit(self.all_kinds("/json"))

    def test_the_origin_got_it(self) -> None:
        self.submit(self.all_kinds("/json"))
        self.assertTrue(traces(str(self.origin.requests())))

    def test_failures_show_none(self) -> None:
        for path in ("/status/401", "/status/500", "/close", "/digest", "/garbage", "/partial"):
            with self.subTest(path=path):
                self.submit(self.all_kinds(path))

    def test_redirects_show_none(self) -> None:
        self.submit([*self.all_kinds("/redirect/2"), *self.all_kinds("/circle-a")])

    def test_retries_show_none(self) -> None:
        requests = [r if isinstance(r, dict) else {"url": r} for r in self.all_kinds("/status/503")]
        self.submit([{**r, "retry": {"backoff_ms": 1}} for r in requests])

    def test_failed_checks_show_none(self) -> None:
        requests = [r if isinstance(r, dict) else {"url": r} for r in self.all_kinds("/json")]
        self.submit([{**r, "expect": {"body": {"contains": "nowhere"}}} for r in requests])

    def test_what_is_blocked_shows_none(self) -> None:
        self.submit([f"http://u:{CANARY}@10.0.0.1/",
                     {"url": "http://10.0.0.1/", "auth": {"type": "bearer", "token": CANARY}}])

    def test_refusals_quote_none(self) -> None:
        url = self.origin.url("/")
        for request in (
                {"url": f"http://u:{CANARY}@[bad/"}, {"url": f"gopher://u:{CANARY}@127.0.0.1/"},
                {"url": f"http:/u:{CANARY}@127.0.0.1/"},
                {"url": url, "auth": {"type": "basic", "password": CANARY}},
                {"url": url, "auth": {"type": "bearer", "token": CANARY + "\n"}},
                {"url": url, "auth": {"type": "bearer", "token": CANARY, "username": "u"}},
                {"url": url, "auth": {"type": "secret", "token": CANARY}},
                {"url": url, "auth": {"type": "bearer", "token": [CANARY]}},
                {"url": url, "headers": {"Authorization": CANARY + "\r\nX: y"}},
                {"url": url, "proxy": f"http://u:{CANARY}@127.0.0.1:1/"},
                {"url": url, "proxy": f"http://u:{CANARY}@[bad"}):
            with self.subTest(request=request):
                reply = self.post("/v1/gather", {"requests": [request]})
                self.assertEqual(reply.status, 422, reply.body)
                self.answers.append(reply.body.decode())
                self.submit([request], on_invalid="report")

    def test_state_shows_none(self) -> None:
        self.submit(self.all_kinds("/json"))
        for path in ("/v1/stats", "/v1/limits", "/v1/tasks", "/metrics"):
            self.answers.append(self.get(path).body.decode())

    def test_tasks_that_are_listed_show_none(self) -> None:
        reply = self.post("/v1/jobs", {"requests": self.all_kinds("/hang")})
        path = "/v1/jobs/" + reply.json()["id"]
        eventually(lambda: self.get(path).json()["counts"]["running"] > 0, "requests")
        os.kill(self.gatherd.process.pid, signal.SIGUSR1)
        eventually(lambda: "fetch" in self.gatherd.stderr(), "the list")
        self.answers.append(self.post(path + "/cancel", "").body.decode())


class ConfigTest(unittest.TestCase):
    def test_a_refused_configuration_quotes_no_password_of_a_proxy(self) -> None:
        for url in (f"http://user:{CANARY}@[bad", f"socks5://user:{CANARY}@127.0.0.1:1",
                    f"http://user:{CANARY}@127.0.0.1:1/path"):
            with self.subTest(url=url):
                done = run_gatherd("--set", f"fetch.proxies={url}", "--check-config")
                self.assertNotEqual(done.returncode, 0)
                self.assertEqual(traces(done.stdout + done.stderr), [])

    def test_a_printed_configuration_has_no_password_of_a_proxy(self) -> None:
        done = run_gatherd("--set", f"fetch.proxies=http://user:{CANARY}@127.0.0.1:1",
                           "--print-config")
        self.assertIn("http://***@127.0.0.1:1\n", done.stdout)
        self.assertEqual(traces(done.stdout + done.stderr), [])
