"""Credentials: how they are sent, where they may go. The origin's log says what arrived."""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
import unittest
from pathlib import Path
from urllib.parse import quote

from harness import GatherdTest, Json, captured, run_gatherd
from servers import Origin, header_values

SECRETS = """
# for the tests
token = canary-token
password  = canary password:with colon
here 127.0.0.1 = canary-here
elsewhere api.example.com *.example.org = canary-elsewhere
"""


def secrets_file(text: str) -> str:
    """The path of a file that only we can read."""
    handle, path = tempfile.mkstemp(prefix="gatherd-test-")
    os.write(handle, text.encode())
    os.close(handle)
    return path


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class AuthTest(GatherdTest):
    @classmethod
    def setUpClass(cls) -> None:
        path = secrets_file(SECRETS)
        cls.addClassCleanup(Path(path).unlink)
        cls.settings = ["egress.allow=127.0.0.0/8", f"fetch.secrets_file={path}"]
        super().setUpClass()
        cls.other = cls.enterClassContext(Origin(host="127.0.0.2"))

    def setUp(self) -> None:
        super().setUp()
        self.other.log.mark()

    def authorization(self, auth: Json, **members: Json) -> list[str]:
        return header_values(self.received(auth=auth, **members), "authorization")

    def test_basic_is_sent_with_the_first_request(self) -> None:
        auth = {"type": "basic", "username": "me", "password": "pässword"}
        self.assertEqual(self.authorization(auth), [basic("me", "pässword")])
        self.assertEqual(len(self.origin.requests()), 1)

    def test_bearer_is_the_token(self) -> None:
        self.assertEqual(self.authorization({"type": "bearer", "token": "abc"}), ["Bearer abc"])

    def test_a_secret_is_named(self) -> None:
        self.assertEqual(self.authorization({"type": "bearer", "secret_ref": "token"}),
                         ["Bearer canary-token"])
        auth = {"type": "basic", "username": "me", "secret_ref": "password"}
        self.assertEqual(self.authorization(auth), [basic("me", "canary password:with colon")])

    def test_a_secret_that_does_not_exist_is_a_mistake(self) -> None:
        document = {"requests": [{"url": self.origin.url("/"),
                                  "auth": {"type": "bearer", "secret_ref": "tokn"}}]}
        error = self.assert_problem(self.post("/v1/gather", document), 422,
                                    "/requests/0/auth/secret_ref")
        self.assertEqual(error["code"], "unknown_reference")

    def test_a_secret_goes_to_its_hosts_only(self) -> None:
        auth = {"type": "bearer", "secret_ref": "here"}
        self.assertEqual(self.authorization(auth), ["Bearer canary-here"])
        for kind in ({"type": "bearer"}, {"type": "basic", "username": "me"},
                     {"type": "digest", "username": "me"}):
            with self.subTest(kind=kind):
                self.origin.log.mark()
                result = self.fetch(self.origin.url("/echo"),
                                    auth={**kind, "secret_ref": "elsewhere"})
                self.assert_error(result, "blocked", "blocked_by_policy")
                self.assertEqual(result["error"]["rule"], "secret elsewhere")
                self.assertEqual(self.origin.requests(), [])

    def test_digest_answers_the_challenge(self) -> None:
        for algorithm in ("MD5", "SHA-256"):
            with self.subTest(algorithm=algorithm):
                url = self.origin.url("/digest?user=me&password="
                                      + quote("canary password:with colon")
                                      + f"&algorithm={algorithm}")
                result = self.fetch(url, capture={"body": "full", "hash": "sha256"},
                                    auth={"type": "digest", "username": "me",
                                          "secret_ref": "password"})
                self.assertEqual(result["status_code"], 200, result)
                self.assertEqual(captured(result), b"come in\n")
                self.assertEqual(result["body"]["sha256"],
                                 hashlib.sha256(b"come in\n").hexdigest())

    def test_a_wrong_digest_is_a_401(self) -> None:
        result = self.fetch(self.origin.url("/digest"),
                            auth={"type": "digest", "username": "me", "password": "no"})
        self.assertEqual((result["status_code"], result["outcome"]), (401, "http_error"))
        self.assertLessEqual(len(self.origin.requests()), 3)

    def test_credentials_stay_within_an_origin(self) -> None:
        for auth in ({"type": "bearer", "token": "t"},
                     {"type": "basic", "username": "u", "password": "p"}):
            with self.subTest(auth=auth["type"]):
                self.fetch(self.origin.redirect_to("/echo"), auth=auth)
                sent = [header_values(r, "authorization") for r in self.origin.requests()]
                self.assertTrue(sent[-1] and sent[-1] == sent[-2], sent)

    def test_credentials_do_not_cross_origins(self) -> None:
        for auth in ({"type": "bearer", "token": "canary"},
                     {"type": "basic", "username": "canary", "password": "canary"},
                     {"type": "digest", "username": "me", "password": "pass"}):
            with self.subTest(auth=auth["type"]):
                self.other.log.mark()
                self.fetch(self.origin.redirect_to(self.other.url("/digest")), auth=auth)
                arrived, = self.other.requests()
                self.assertEqual(header_values(arrived, "authorization"), [])

    def test_credentials_do_not_return_from_a_detour(self) -> None:
        home = self.other.redirect_to(self.origin.url("/digest"))
        for auth in ({"type": "bearer", "token": "canary"},
                     {"type": "digest", "username": "me", "password": "pass"}):
            with self.subTest(auth=auth["type"]):
                self.fetch(self.origin.redirect_to(home), auth=auth)
                self.assertEqual(header_values(self.origin.requests()[-1], "authorization"), [])

    def test_each_attempt_has_its_credentials(self) -> None:
        self.fetch(self.origin.url("/flaky/auth?failures=2"), retry={"backoff_ms": 5},
                   auth={"type": "bearer", "secret_ref": "token"})
        self.assertEqual([header_values(r, "authorization") for r in self.origin.requests()],
                         [["Bearer canary-token"]] * 3)

    def test_credentials_of_one_request_are_not_those_of_another(self) -> None:
        self.results([{"url": self.origin.url("/echo?n=1"),
                       "auth": {"type": "digest", "username": "a", "password": "b"}},
                      self.origin.url("/echo?n=2"),
                      {"url": self.origin.url("/echo?n=3"),
                       "auth": {"type": "bearer", "token": "c"}}], limits={"concurrency": 1})
        sent = {r["target"][-1]: header_values(r, "authorization") for r in self.origin.requests()}
        self.assertEqual(sent["2"], [])
        self.assertEqual(sent["3"], ["Bearer c"])


class SecretsFileTest(unittest.TestCase):
    """A file that cannot be trusted or read stops the daemon, which says why and quotes nothing."""

    def refusal(self, path: str) -> str:
        done = [run_gatherd("--set", "api.listen=127.0.0.1:1",
                            "--set", f"fetch.secrets_file={path}", *command)
                for command in ([], ["--check-config"])]
        self.assertEqual([d.returncode for d in done], [78, 78])
        return "".join(d.stderr for d in done)

    def written(self, text: str, mode: int = 0o600) -> str:
        path = secrets_file(text)
        self.addCleanup(Path(path).unlink)
        os.chmod(path, mode)
        return path

    def test_a_missing_file_is_named(self) -> None:
        self.assertIn("/nonexistent/secrets", self.refusal("/nonexistent/secrets"))

    def test_a_line_that_cannot_be_read_is_not_quoted(self) -> None:
        said = self.refusal(self.written("good = fine\nbad canary without equals sign\n"))
        self.assertIn("2", said)
        self.assertNotIn("canary", said)

    def test_a_file_that_others_can_write_is_refused(self) -> None:
        self.assertNotIn("canary", self.refusal(self.written("token = canary\n", 0o666)))
