"""A canary in every place where a secret can be, and a look at all that the daemon has written:
answers of every kind, the log in each of its formats, the dump of tasks, and the files of its
store."""

from __future__ import annotations

import base64
import signal
import time
import unittest
from pathlib import Path

from harness import Json, curl
from journal import JournalGatherd, can_mount
from patience import eventually
from servers import free_port
from test_auth import secrets_file
from tokens import TokensTest

CANARY = "wellensittich"
INLINE = "zebrafinkchen"
"""What clients write into their jobs, which have to be able to go on after a crash."""

IN_URL = "distelfink"
"""In a URL: what was asked for, so answers show it, but nothing for a log."""

READS = ("", "?include=results", "/results", "/results?order=completed", "/results/0",
         "/results/0/body", "/results/5", "/har")


def forms(secret: str) -> list[bytes]:
    """It as it is, and what base64 makes of it, at whatever offset."""
    coded = [base64.b64encode(pad + secret.encode()).decode()[4:-4] for pad in (b"", b"-", b"--")]
    return [form.encode() for form in (secret, *coded)]


class CanaryTest(TokensTest):
    log_format = "text"
    tokens = {"all": ["submit,read,admin", "--tenant", "t"], "weak": ["read"]}

    @classmethod
    def setUpClass(cls) -> None:
        path = secrets_file(f"known = {CANARY}\n")
        cls.addClassCleanup(Path(path).unlink)
        cls.proxy = f"http://127.0.0.1:{free_port()}"
        cls.settings = ["egress.allow=127.0.0.0/8", "log.level=debug",
                        f"log.format={cls.log_format}",
                        f"fetch.secrets_file={path}",
                        f"fetch.proxies={cls.proxy.replace('//', f'//user:{CANARY}@')}"]
        super().setUpClass()

    def requests(self) -> Json:
        url = self.origin.url("/echo")
        return [
            {"url": url, "auth": {"type": "bearer", "secret_ref": "known"},
             "capture": {"body": "none"}},
            {"url": self.origin.url("/hop"), "auth": {"type": "basic", "username": "u",
                                                      "secret_ref": "known"}},
            {"url": url, "proxy": self.proxy},
            {"url": url.replace("//", f"//u:{INLINE}@")},
            {"url": url, "auth": {"type": "bearer", "token": INLINE}},
            {"url": url, "headers": {"Authorization": f"Bearer {INLINE}", "Cookie": f"a={INLINE}",
                                     "X-Api-Key": INLINE}},
        ]

    def ask(self, target: str, *arguments: str) -> bytes:
        reply = curl(*self.bearer("all"), *arguments, self.gatherd.base + target)
        return b"\r\n".join(f"{n}: {v}".encode() for n, v in reply.headers) + reply.body

    def read_all(self, job: str) -> list[bytes]:
        """Everything that can be asked for, also by who may not and with what is wrong."""
        base = f"/v1/jobs/{job}"
        accepts = ("application/x-ndjson", "text/csv")
        answers = [self.ask(base + path) for path in READS]
        answers += [self.ask(base + "/results", "-H", f"Accept: {each}") for each in accepts]
        answers += [self.ask(base + "/events")]
        answers += [self.ask(target) for target in ("/v1/jobs", "/v1/limits", "/v1/stats",
                                                    "/v1/tasks", "/metrics", "/healthz", "/readyz",
                                                    "/openapi.json")]
        answers += [self.ask(base + "/retry", "-X", "POST"),
                    self.ask("/v1/gather", "-d", "{"),
                    self.ask("/nothing"), self.ask(base, "-X", "PUT")]
        for arguments in (self.bearer("weak"),
                          ["-H", f"Authorization: Bearer {self.shown['all']}{CANARY}"],
                          ["-u", f"u:{CANARY}"]):
            answers.append(curl(*arguments, self.gatherd.base + "/v1/stats").body)
        return answers

    def files(self) -> list[bytes]:
        return [path.read_bytes() for path in self.gatherd.store.rglob("*") if path.is_file()]

    def dump(self) -> None:
        self.gatherd.process.send_signal(signal.SIGUSR1)
        eventually(lambda: "http server" in self.log(), "the dump of tasks")

    def log(self) -> str:
        return self.gatherd.stderr()

    def test_nothing_that_was_written_has_a_secret(self) -> None:
        document = {"requests": self.requests()}
        answers = [self.post("/v1/gather", document, *self.bearer("all")).body]
        reply = self.post("/v1/jobs", document, *self.bearer("all"))
        self.assertEqual(reply.status, 202, reply.body)
        job = reply.json()["id"]
        eventually(lambda: b'"done":true' in self.ask(f"/v1/jobs/{job}").replace(b" ", b""),
                   "the end of the job")
        answers += [reply.body, *self.read_all(job)]
        self.dump()
        time.sleep(0.1)
        shown = [*answers, self.log().encode()]
        files = self.files()
        self.assertGreater(sum(map(len, files)), 1000)
        for token in self.shown.values():
            self.assert_nowhere(token, [*shown, *files])
        self.assert_nowhere(CANARY, [*shown, *files])
        self.assert_nowhere(INLINE, shown)
        self.assertTrue(any(INLINE.encode() in each for each in files), "nothing can be found")

    def url_with_secrets(self, base: str) -> str:
        return base.replace("//", f"//u:{IN_URL}@") + f"{IN_URL}/?token={IN_URL}#{IN_URL}"

    def test_nothing_of_a_url_but_its_host_is_logged(self) -> None:
        urls = [self.url_with_secrets(self.origin.url("/")),
                self.url_with_secrets("http://10.0.0.1/"), "http://[" + IN_URL]
        job = {"urls": urls[:2], "callback": {"url": urls[1]}}
        self.post("/v1/gather", {"requests": urls}, *self.bearer("all"))
        for document in ({"requests": urls[:2], "on_invalid": "report"}, job):
            self.assertEqual(self.post("/v1/jobs", document, *self.bearer("all")).status, 202)
        schedule = {"name": "s", "every_ms": 1000, "job": job}
        reply = self.post("/v1/schedules", schedule, *self.bearer("all"))
        self.assertEqual(reply.status, 201, reply.body)
        eventually(lambda: self.log().count("is given up (blocked)") >= 2, "the callbacks' end")
        self.ask(reply.header("location"), "-X", "DELETE")
        self.dump()
        self.assert_nowhere(IN_URL, [self.log().encode()])

    def assert_nowhere(self, secret: str, texts: list[bytes]) -> None:
        for form in forms(secret):
            for text in texts:
                at = text.find(form)
                self.assertEqual(at, -1, text[max(at - 200, 0):at + 100])


class JsonCanaryTest(CanaryTest):
    log_format = "json"


def listening(*settings: str) -> JournalGatherd:
    gatherd = JournalGatherd(*settings)
    gatherd.listen()
    return gatherd


@unittest.skipUnless(can_mount(), "needs a mount namespace")
class JournalCanaryTest(CanaryTest):
    log_format = "journal"
    make_gatherd = staticmethod(listening)

    def log(self) -> str:
        return self.gatherd.stderr() + str(self.gatherd.entries())
