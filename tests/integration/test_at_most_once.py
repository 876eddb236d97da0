"""What may have been acted upon is not sent again behind anybody's back, by the origin's log."""

from __future__ import annotations

from collections import Counter

from harness import GatherdTest, Json
from servers import Event, Origin

SAFE = ("GET", "HEAD", "OPTIONS")
IDEMPOTENT = (*SAFE, "PUT", "DELETE")
NOT_IDEMPOTENT = ("POST", "PATCH", "PURGE")


class KeptConnectionTest(GatherdTest):
    """The origin takes a request on a kept connection and ends that without an answer."""

    def arrived(self, path: str, **members: Json) -> tuple[Json, list[Event]]:
        with Origin() as fresh:
            self.fetch(fresh.url("/bytes/1"))  # leaves a connection
            fresh.log.mark()
            result = self.fetch(fresh.url(path), **members)
            return result, fresh.requests()

    def test_an_unsafe_request_arrives_once(self) -> None:
        for method in ("PUT", "DELETE", *NOT_IDEMPOTENT):
            for path, code in (("/close", "empty_reply"), ("/reset", "recv_reset empty_reply")):
                with self.subTest(method=method, path=path):
                    result, requests = self.arrived(path, method=method, body="x")
                    self.assert_error(result, "transport_error", code, "wait")
                    self.assertEqual(len(requests), 1)

    def test_a_safe_one_may_be_repeated_on_a_new_connection(self) -> None:
        for method in SAFE:
            with self.subTest(method=method):
                result, requests = self.arrived("/close", method=method)
                self.assert_error(result, "transport_error", "empty_reply", "wait")
                self.assertEqual([r["connection"] for r in requests], [1, 2])

    def test_a_connection_known_to_be_closed_is_not_tried(self) -> None:
        for _ in range(10):
            self.fetch(self.origin.url("/silent-close"))
            result = self.fetch(self.origin.url("/echo"), method="POST", body="x")
            self.assertEqual(result["outcome"], "success", result["error"])
        posts = [r for r in self.origin.requests() if r["method"] == "POST"]
        self.assertEqual(len(posts), 10)

    def test_among_many_each_arrives_at_most_once(self) -> None:
        paths = ("/echo", "/close", "/silent-close", "/reset", "/keepalive-close?after=2")
        urls = [self.origin.url(f"{path}{'&' if '?' in path else '?'}n={n}")
                for n in range(60) for path in paths]
        self.results([{"url": url, "method": "POST", "body": "x"} for url in urls],
                     limits={"concurrency": 20, "per_host_concurrency": 20})
        counts = Counter(r["target"] for r in self.origin.requests())
        self.assertEqual(set(counts.values()), {1})


class RetryTest(GatherdTest):
    RETRY = {"max_attempts": 3, "on": ["reset", "empty_reply", 503], "backoff_ms": 5, "jitter": 0}

    def n_arrived(self, **members: Json) -> int:
        self.origin.log.mark()
        self.fetch(self.origin.url("/status/503"), retry={**self.RETRY, **members.pop("retry", {})},
                   **members)
        return len(self.origin.requests())

    def test_a_retry_repeats_what_is_idempotent(self) -> None:
        for method in IDEMPOTENT:
            self.assertEqual(self.n_arrived(method=method), 3, method)

    def test_a_retry_does_not_repeat_what_is_not(self) -> None:
        for method in NOT_IDEMPOTENT:
            self.assertEqual(self.n_arrived(method=method, body="x"), 1, method)

    def test_unless_the_client_says_so(self) -> None:
        self.assertEqual(self.n_arrived(method="POST", body="x", retry={"methods": ["POST"]}), 3)
