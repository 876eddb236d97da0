"""Bodies over the limits, and what all the refused ones leave behind: nothing."""

from __future__ import annotations

import json
import time

from harness import GatherdTest, Reply
from patience import PATIENCE

GATHER = "/v1/gather"
URL = "http://127.0.0.1:9/"


class SizeTest(GatherdTest):
    max_bytes = 200_000
    settings = [*GatherdTest.settings, f"api.max_body_bytes={max_bytes}", "api.max_items=50"]

    def request(self, *headers: str) -> bytes:
        return self.gatherd.request_bytes(GATHER, "POST", b"", "Content-Type: application/json",
                                          *headers)

    def assert_too_large(self, reply: Reply | None, word: str) -> None:
        self.assertIsNotNone(reply)
        assert reply is not None
        self.assertIn(word, json.dumps(self.assert_problem(reply, 413)))

    def test_a_body_of_the_limit_is_read(self) -> None:
        body = f'["{self.origin.url()}"]'.ljust(self.max_bytes)
        self.assertEqual(self.post(GATHER, body).status, 200)

    def test_an_announced_body_over_the_limit_is_refused_before_it_is_sent(self) -> None:
        for length in (self.max_bytes + 1, 10**9, 10**15):
            with self.subTest(length=length), self.gatherd.connect() as connection:
                started = time.monotonic()
                connection.send(self.request(f"Content-Length: {length}"))
                self.assert_too_large(connection.reply(), str(self.max_bytes))
                self.assertLess(time.monotonic() - started, 1 * PATIENCE)

    def test_a_client_that_asks_first_is_not_told_to_continue(self) -> None:
        with self.gatherd.connect() as connection:
            connection.send(self.request("Content-Length: 1000000", "Expect: 100-continue"))
            self.assert_too_large(connection.reply(), str(self.max_bytes))

    def test_an_unannounced_body_over_the_limit_is_refused(self) -> None:
        with self.gatherd.connect() as connection:
            connection.send(self.request("Transfer-Encoding: chunked"))
            chunk = b"2710\r\n" + b" " * 10000 + b"\r\n"
            connection.send(chunk * (self.max_bytes // 10000 + 2) + b"0\r\n\r\n")
            self.assert_too_large(connection.reply(), str(self.max_bytes))

    def test_an_endless_body_is_not_read_for_ever(self) -> None:
        with self.gatherd.connect(5) as connection:
            connection.send(self.request("Transfer-Encoding: chunked"))
            chunk = b"ffff\r\n" + b" " * 65535 + b"\r\n"
            with self.assertRaises((ConnectionError, TimeoutError)):
                for _ in range(2000):
                    connection.send(chunk)

    def test_curl_sees_the_413(self) -> None:
        reply = self.post(GATHER, " " * (self.max_bytes + 1))
        self.assert_too_large(reply, str(self.max_bytes))

    def test_too_many_items_are_refused(self) -> None:
        url = self.origin.url()
        for body, content_type in (
                (json.dumps([url] * 51), "application/json"),
                (json.dumps([{"url": url, "repeat": 51}]), "application/json"),
                (json.dumps([{"url": url, "repeat": 26}] * 2), "application/json"),
                (f'"{url}"\n' * 51, "application/x-ndjson"), (f"{url}\n" * 51, "text/plain")):
            with self.subTest(body=body[:60]):
                reply = self.post(GATHER, body, content_type=content_type)
                self.assert_too_large(reply, "50")
        self.assertEqual(self.origin.requests(), [])

    def test_absurd_repetitions_are_refused(self) -> None:
        for count in (10**6, 2**31, 2**53, 2**63 - 1, 10**30):
            with self.subTest(count=count):
                reply = self.post(GATHER, [{"url": self.origin.url(), "repeat": count}] * 4)
                self.assertIn(reply.status, (400, 413, 422))
                self.assert_problem(reply, reply.status)

    def test_as_many_items_as_allowed_are_run(self) -> None:
        self.assert_outcomes(self.results([self.origin.url()] * 50), ["success"] * 50)


class AfterwardsTest(GatherdTest):
    """The daemon is none the worse for any of it."""

    def test_memory_is_back_after_bad_bodies(self) -> None:
        bodies = [b"[" * 500000, json.dumps([5] * 50000).encode(), b"\xff" * 500000,
                  json.dumps([{"url": URL, "x" * 1000: 1}] * 300).encode(),
                  json.dumps(["ftp://x/"] * 20000).encode()]

        def post_all() -> None:
            for body in bodies:
                self.assertIn(self.post(GATHER, body).status, (400, 413, 422))

        self.assert_memory_back(post_all, 5, 8 << 20)

    def test_a_good_request_after_each_bad_one_is_answered(self) -> None:
        for bad in ("{", "[5]", '["ftp://x/"]', ""):
            self.assertGreaterEqual(self.post(GATHER, bad).status, 400)
            self.assertEqual(self.post(GATHER, [self.origin.url()]).status, 200)

    def test_a_client_that_leaves_within_its_body_does_no_harm(self) -> None:
        for _ in range(20):
            with self.gatherd.connect() as connection:
                connection.send(self.gatherd.request_bytes(GATHER, "POST", b"",
                                                           "Content-Length: 1000") + b"[")
        self.assertEqual(self.post(GATHER, [self.origin.url()]).status, 200)
