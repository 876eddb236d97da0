"""HTTP/2 gone wrong: a stream, a connection, or all of what is said on it."""

from __future__ import annotations

from itertools import count

from harness import GatherdTest, Json
from patience import PATIENCE, takes_seconds
from servers import Certificates, OriginH2

TIMEOUT_MS = 500 * PATIENCE
GRACE_MS = 300 * PATIENCE
HTTP_1_1_REQUIRED = 13

# path: error codes, phase. Where there are two, libcurl does not say what it was that it did not
# like about the connection.
FAILURES = {
    "/hang": ("timeout_total", "wait"),
    "/hang-after-headers": ("timeout_total", "receive"),
    "/empty-frames": ("timeout_total", "receive"),
    "/pings": ("timeout_total", "wait"),
    "/settings": ("timeout_total", "wait"),
    "/endless-headers": ("header_too_large recv_reset", "wait"),
    "/endless-hints": ("header_too_large recv_reset", "wait"),
    "/reset": ("recv_reset", "wait"),
    "/reset/8": ("recv_reset", "wait"),
    "/reset/11": ("recv_reset", "wait"),
    "/reset-body": ("recv_reset", "receive"),
    "/goaway": ("recv_reset empty_reply", "wait"),
    "/goaway/1": ("recv_reset empty_reply", "wait"),
    "/close": ("empty_reply", "wait"),
    "/close-in-body": ("partial_body", "receive"),
    "/short-body": ("recv_reset", "wait"),
    "/long-body": ("recv_reset", "wait"),
    "/no-status": ("recv_reset", "wait"),
    "/upper-case": ("recv_reset", "wait"),
    **dict.fromkeys(("/not-frames", "/data-of-nobody", "/headers-of-nobody", "/bad-hpack",
                     "/data-before-headers", "/unasked-push"),
                    ("empty_reply http_parse_error", "wait")),
}
TOLERATED = ("/hints", "/trailers", "/goaway-after")
HOSTS = (f"127.1.{n // 250}.{n % 250 + 1}" for n in count())  # a connection for each


def timeout_of(path: str) -> float:
    """Short for those that do not end without it; the others may take their time."""
    is_endless = FAILURES.get(path, ("",))[0] == "timeout_total"
    return TIMEOUT_MS if is_endless else 20 * TIMEOUT_MS


class Http2Test(GatherdTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.certificates = cls.enterClassContext(Certificates())
        cls.settings = [*GatherdTest.settings, f"fetch.ca_file={cls.certificates.ca}"]
        super().setUpClass()
        cls.files = cls.certificates.issue("good", "IP:127.0.0.1,IP:127.0.0.2")
        cls.hostile = cls.enterClassContext(OriginH2(tls=cls.files, host="0.0.0.0"))
        cls.healthy = cls.enterClassContext(OriginH2(tls=cls.files, host="127.0.0.2"))

    def setUp(self) -> None:
        super().setUp()
        self.hostile.log.mark()
        self.healthy.log.mark()

    def beside_healthy(self, *paths: str, **members: Json) -> tuple[list[Json], list[Json]]:
        """Results of these paths, and of the healthy requests beside them."""
        requests = [{"url": self.hostile.url(path, host=next(HOSTS)), "http_version": "2",
                     "timeout_ms": timeout_of(path), "tls": {"verify": False}, **members}
                    for path in paths]
        healthy = [self.healthy.url(f"/slow/20?{n}") for n in range(50)]
        results = self.results([*requests, *healthy],
                               limits={"concurrency": 200, "per_host_concurrency": 100})
        self.assert_outcomes(results[len(paths):], ["success"] * len(healthy))
        return results[:len(paths)], results[len(paths):]


class HostileTest(Http2Test):
    @takes_seconds
    def test_each_is_named_and_ended_in_time(self) -> None:
        for path, (codes, phase) in FAILURES.items():
            with self.subTest(path=path):
                (result,), _ = self.beside_healthy(path)
                self.assert_error(result, "transport_error", codes, phase)
                self.assertLess(result["timings"]["total_ms"], timeout_of(path) + GRACE_MS)

    def test_what_is_odd_but_right_is_an_answer(self) -> None:
        for path in TOLERATED:
            with self.subTest(path=path):
                (result,), _ = self.beside_healthy(path)
                self.assertEqual(result["outcome"], "success", result["error"])
                self.assertEqual(result["http_version"], "2")
                self.assertEqual(result["body"]["decoded_bytes"], 5)

    @takes_seconds
    def test_nobody_notices_many_of_them(self) -> None:
        paths = [path for path in FAILURES if "timeout_total" not in FAILURES[path]]
        _, healthy = self.beside_healthy(*paths)
        self.assertLess(max(result["timings"]["total_ms"] for result in healthy), 2000 * PATIENCE)


class SiblingsTest(Http2Test):
    """Streams of one connection, one of which goes wrong."""

    def siblings(self, path: str, **members: Json) -> list[Json]:
        """The results of twenty slow requests that have this one in their midst."""
        host = next(HOSTS)
        defaults = {"tls": {"verify": False}, "timeout_ms": 4000 * PATIENCE}
        self.results([self.hostile.url("/bytes/1", host)], defaults=defaults)
        requests = [{"url": self.hostile.url(each, host), **members}
                    for each in [*(f"/slow/60?{n}" for n in range(20)), path]]
        return self.results(requests, defaults=defaults,
                            limits={"concurrency": 50, "per_host_concurrency": 50})[:20]

    def test_a_reset_stream_does_not_touch_the_others(self) -> None:
        for path in ("/reset", "/reset/8", "/reset-body"):
            with self.subTest(path=path):
                self.hostile.log.mark()
                self.assert_outcomes(self.siblings(path), ["success"] * 20)
                self.assertEqual(len({r["connection"] for r in self.hostile.requests()}), 1)

    def test_what_a_lost_connection_leaves_unanswered_is_asked_again(self) -> None:
        for path in ("/goaway-after", "/close", "/close-in-body"):
            with self.subTest(path=path):
                self.assert_outcomes(self.siblings(path), ["success"] * 20)

    def test_but_not_if_that_is_unsafe(self) -> None:
        results = self.siblings("/close", method="POST", body="x")
        self.assertLess(max(r["timings"]["total_ms"] for r in results), 2000 * PATIENCE)
        targets = [r["target"] for r in self.hostile.requests() if r["method"] == "POST"]
        self.assertEqual(len(targets), len(set(targets)))
        self.assertGreaterEqual(len(targets), 21)


class StreamsTest(Http2Test):
    def test_a_hundred_streams_share_a_connection(self) -> None:
        urls = [self.healthy.url(f"/slow/50?{n}") for n in range(100)]
        results = self.results(urls, limits={"concurrency": 100, "per_host_concurrency": 100})
        self.assert_outcomes(results, ["success"] * 100)
        self.assertEqual({result["http_version"] for result in results}, {"2"})
        self.assertEqual(len({r["connection"] for r in self.healthy.requests()}), 1)

    def test_an_origin_that_asks_for_http_1_gets_it_if_it_has_it(self) -> None:
        (result,), _ = self.beside_healthy(f"/reset/{HTTP_1_1_REQUIRED}", http_version="auto")
        self.assertEqual(result["outcome"], "transport_error")
        self.assertEqual(len(self.hostile.requests()), 1)
