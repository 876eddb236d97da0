"""Everything an origin can do wrong: the right word for it, in time, and nobody else notices."""

from __future__ import annotations

from urllib.parse import quote

from harness import CAPTURE_BODY, GatherdTest, Json, run_curl
from patience import PATIENCE, eventually, in_the_end, report, takes_seconds
from servers import Origin

TIMEOUT_MS = 400 * PATIENCE
GRACE_MS = 100 * PATIENCE
UPLOAD = {"method": "POST", "body": "u" * 6_000_000}

# path: error code, phase
SILENT = {
    "/hang": ("timeout_total", "wait"),
    "/hang-after-hint": ("timeout_total", "wait"),
    "/hang-in-header": ("timeout_total", "receive"),
    "/hang-after-headers": ("timeout_total", "receive"),
    "/hang-before-last-chunk": ("timeout_total", "receive"),
}
SLOW = {
    f"/slow-status?ms={TIMEOUT_MS / 2}": ("timeout_total", "wait"),
    f"/slow-header?ms={TIMEOUT_MS / 2}": ("timeout_total", "receive"),
    f"/slow-chunk-size?ms={TIMEOUT_MS / 2}": ("timeout_total", "receive"),
    f"/drip?bytes=100&ms={TIMEOUT_MS * 20}": ("timeout_total", "receive"),
}
ENDLESS = {
    "/endless": ("timeout_total", "receive"),
    "/endless-chunks": ("timeout_total", "receive"),
    "/endless-chunk-extension": ("timeout_total", "receive"),
    "/endless-chunk-size": ("http_parse_error", "receive"),
    "/endless-trailers": ("header_too_large", "receive"),
    "/endless-hints": ("header_too_large", "wait"),
    "/endless-continues": ("header_too_large", "wait"),
    "/endless-headers": ("header_too_large", "receive"),
    "/endless-header-line": ("header_too_large", "receive"),
    "/endless-status-line": ("header_too_large", "wait"),
    "/many-headers": ("header_too_large", "receive"),
    "/long-header": ("header_too_large", "receive"),
}
CUT = {
    "/close": ("empty_reply", "wait"),
    "/half-close": ("empty_reply", "wait"),
    "/partial-status": ("empty_reply", "wait"),
    "/partial-hint": ("empty_reply", "wait"),
    "/partial-headers": ("http_parse_error", "receive"),
    "/partial-body": ("partial_body", "receive"),
    "/partial-chunk-size": ("partial_body", "receive"),
    "/partial-chunk": ("partial_body", "receive"),
    "/partial-last-chunk": ("partial_body", "receive"),
    "/partial-trailer": ("partial_body", "receive"),
    "/reset": ("recv_reset", "wait"),
    "/reset-status": ("recv_reset", "wait"),
    "/reset-hint": ("recv_reset", "wait"),
    "/reset-headers": ("recv_reset", "receive"),
    "/reset-body": ("recv_reset", "receive"),
    "/reset-chunk-size": ("recv_reset", "receive"),
    "/reset-chunk": ("recv_reset", "receive"),
    "/reset-last-chunk": ("recv_reset", "receive"),
    "/reset-trailer": ("recv_reset", "receive"),
    "/never-read": ("timeout_total", "send"),
    "/reset-upload": ("send_error", "send"),
}
NOT_HTTP = {
    **dict.fromkeys(("/garbage", "/garbage-without-lines", "/http09", "/bad-status", "/icy",
                     "/status-too-small", "/status-too-big", "/status-too-short",
                     "/status-negative", "/http-version-9", "/http-version-2", "/nul-status",
                     "/switching-protocols"), ("http_parse_error", "wait")),
    "/cr-only": ("empty_reply", "wait"),  # not one line of an answer
    **dict.fromkeys(("/nul-header", "/colonless-header", "/folded-first-header"),
                    ("http_parse_error", "receive")),
}
FRAMING = {
    **dict.fromkeys(("/bad-length", "/length-of-words", "/length-overflow", "/length-empty",
                     "/length-of-2-to-the-64", "/length-conflict", "/length-hex",
                     "/bad-chunk", "/chunk-negative", "/chunk-overflow", "/chunk-without-size",
                     "/chunk-without-end"), ("http_parse_error", "receive")),
    "/length-huge": ("partial_body", "receive"),
    "/chunk-huge": ("partial_body", "receive"),
    "/te-unknown": ("decode_error", "receive"),
    "/te-chain": ("decode_error", "receive"),
}
CODING = {
    **dict.fromkeys(("/bomb-gzip", "/bomb-gzip-twice", "/bomb-deflate", "/bomb-br", "/bomb-zstd"),
                    ("body_too_large", "receive")),
    **dict.fromkeys(("/bad-gzip", "/bad-deflate", "/bad-br", "/bad-zstd", "/spoilt-gzip",
                     "/spoilt-gzip-checksum", "/gzip-and-more", "/unknown-coding",
                     "/coding-chain"), ("decode_error", "receive")),
}
FAILURES = {**SILENT, **SLOW, **ENDLESS, **CUT, **NOT_HTTP, **FRAMING, **CODING}

# path: status code, bytes of the decoded body
TOLERATED = {
    **dict.fromkeys(("/no-reason", "/binary-reason", "/http10", "/nameless-header", "/lf-only",
                     "/spaced-header", "/folded-header", "/binary-header", "/binary-header-name",
                     "/length-list", "/length-twice", "/length-and-chunks", "/te-identity",
                     "/te-chunked-twice", "/te-on-http10", "/chunk-long-extension",
                     "/chunk-trailers", "/interim-with-length", "/lying-length",
                     "/trailing-garbage", "/trailing-newlines", "/chunks-and-more",
                     "/unsolicited"), (200, 5)),
    "/status-999": (999, 5),
    "/body-of-204": (204, 0),
    "/body-of-304": (304, 0),
    "/body-of-head": (200, 0),
    "/many-hints": (200, 8),
    "/reset-idle": (200, 4),
    "/early-answer": (413, 10),
    "/early-close": (413, 10),
    "/two-codings": (200, 5000),
    "/identity-coding": (200, 5000),
    "/empty-gzip": (200, 0),
    "/binary-body": (200, 265),
    "/latin1-header": (200, 3),
    "/digest-loop": (401, 0),
    "/challenges": (401, 0),
    "/proxy-challenge": (407, 0),
}
DIGEST = {"auth": {"type": "digest", "username": "user", "password": "word"}}
MEMBERS = {"/never-read": UPLOAD, "/reset-upload": UPLOAD, "/early-answer": UPLOAD,
           "/early-close": UPLOAD, "/body-of-head": {"method": "HEAD"},
           **dict.fromkeys(("/digest-loop", "/challenges", "/proxy-challenge"), DIGEST)}
CUT_CODINGS = ("/truncated-gzip", "/truncated-gzip-header", "/truncated-deflate", "/truncated-br",
               "/truncated-zstd")
N_HEALTHY = 50


def timeout_of(path: str) -> float:
    """Short for those that do not end without it; the others may take their time."""
    is_endless = FAILURES.get(path, ("",))[0] == "timeout_total"
    return TIMEOUT_MS if is_endless else 25 * TIMEOUT_MS


class HostileTest(GatherdTest):
    """The healthy origin is another process, so that only the daemon could slow it down."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.healthy = cls.enterClassContext(Origin(host="127.0.0.2"))
        run_curl("-I", *map(cls.origin.url, CODING))  # has the bombs made

    def hostile(self, path: str) -> Json:
        return {"url": self.origin.url(path), "timeout_ms": timeout_of(path),
                "capture": {"body": CAPTURE_BODY}, **MEMBERS.get(path, {})}

    def among_healthy(self, paths: list[str]) -> tuple[list[Json], list[Json]]:
        """Results of these paths, and of the healthy requests beside them."""
        healthy = [self.healthy.url(f"/slow?ms=20&n={n}") if n % 2 else
                   self.healthy.url(f"/bytes/{n * 100}") for n in range(N_HEALTHY)]
        limits = {"concurrency": 500, "per_host_concurrency": 500}
        results = self.results([*map(self.hostile, paths), *healthy], limits=limits)
        return results[:len(paths)], results[len(paths):]

    def check(self, path: str, result: Json) -> None:
        if path in FAILURES:
            self.assert_error(result, "transport_error", *FAILURES[path])
            self.assertTrue(result["error"]["message"])
        else:
            self.assertIsNone(result["error"], result)
            self.assertEqual((result["status_code"], result["body"]["decoded_bytes"]),
                             TOLERATED[path])

    def check_time(self, path: str, result: Json, grace_ms: float) -> None:
        self.assertLess(result["timings"]["total_ms"], timeout_of(path) + grace_ms)

    def check_healthy(self, results: list[Json]) -> float:
        """Returns what the slowest took, in milliseconds."""
        self.assert_outcomes(results, ["success"] * N_HEALTHY)
        for n, result in enumerate(results):
            if n % 2 == 0:
                self.assertEqual(result["body"]["decoded_bytes"], n * 100)
        return max(result["timings"]["total_ms"] for result in results)


class ManyAtOnceTest(HostileTest):
    TAKES_LONG = True

    def test_each_is_named_and_ended_in_time_in_a_crowd_of_them(self) -> None:
        paths = [*FAILURES, *TOLERATED]
        paths.remove("/unsolicited")  # in a crowd somebody is always about to ask
        results, healthy = self.among_healthy(paths)
        for path, result in zip(paths, results):
            with self.subTest(path=path):
                self.check(path, result)
                self.check_time(path, result, 10 * GRACE_MS)
        self.assertLess(self.check_healthy(healthy), 1000 * PATIENCE)

    def test_the_daemon_gives_up_what_does_not_end(self) -> None:
        endless = [*SILENT, *SLOW, *(path for path in ENDLESS if path.startswith("/endless"))]
        self.among_healthy(endless)
        for path in endless:
            self.assert_left(path)

    def test_an_encoding_that_is_cut_is_no_more_than_what_came(self) -> None:
        """libcurl's decoders do not ask whether they have come to an end."""
        for path in CUT_CODINGS:
            with self.subTest(path=path):
                result = self.fetch(self.origin.url(path))
                self.assertIn(result["outcome"], ("success", "transport_error"))
                if result["error"] is not None:
                    self.assert_error(result, "transport_error", "decode_error", "receive")
                self.assertLessEqual(result["body"]["encoded_bytes"], 2000)


class OneByOneTest(HostileTest):
    """Each alone with the healthy ones, so that whatever they notice is its doing."""

    TAKES_LONG = True

    @takes_seconds
    def test_fifty_healthy_requests_do_not_notice_any_of_them(self) -> None:
        _, alone = self.among_healthy([])
        usual, slowest = self.check_healthy(alone), 0.0

        def attempt(path: str) -> float:
            (result,), healthy = self.among_healthy([path])
            self.check(path, result)
            self.check_time(path, result, GRACE_MS)
            took = self.check_healthy(healthy)
            self.assertLess(took, usual + 250 * PATIENCE)
            return took

        for path in [*FAILURES, *TOLERATED]:
            with self.subTest(path=path):
                slowest = max(slowest, in_the_end(lambda: attempt(path)))
        report(f"the slowest of {N_HEALTHY}: {usual:.1f} ms alone, {slowest:.1f} ms next to "
               f"{len(FAILURES) + len(TOLERATED)} hostile origins in turn")


class KeptConnectionTest(HostileTest):
    def test_what_is_left_on_a_connection_is_no_answer(self) -> None:
        for path in ("/lying-length", "/trailing-garbage", "/trailing-newlines", "/body-of-204",
                     "/body-of-304", "/chunks-and-more", "/unsolicited", "/reset-idle"):
            with self.subTest(path=path):
                for _ in range(3):
                    self.fetch(self.origin.url(path))
                    self.fetch(self.healthy.url("/slow?ms=50"))
                    result = self.fetch(self.origin.url("/bytes/7"))
                    self.assertEqual((result["status_code"], result["body"]["decoded_bytes"]),
                                     (200, 7))

    def test_the_body_of_a_head_is_no_answer(self) -> None:
        head = {"url": self.origin.url("/body-of-head"), "method": "HEAD"}
        results = self.results([head, self.origin.url("/bytes/7")] * 5,
                               limits={"concurrency": 1})[1::2]
        self.assertEqual([(r["status_code"], r["body"]["decoded_bytes"]) for r in results],
                         [(200, 7)] * 5)

    def test_headers_that_begin_folded_do_not_touch_those_of_others(self) -> None:
        urls = [self.origin.url(path) for path in ("/json", "/folded-first-header") * 20]
        results = self.results(urls, limits={"concurrency": 1})
        self.assert_outcomes(results, ["success", "transport_error"] * 20)


class AskedAgainTest(GatherdTest):
    """Origins that would have it come again, or at a time that is none."""

    NO_TIME = ("", "-1", "soon", "1.5", "1e3", "0x1", "1, 2", "0", "Thu, 01 Jan 1970 00:00:00 GMT",
               "Foo, 99 Bar 2020 25:61:61 GMT")
    TOO_LATE = ("1", "99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT")

    def attempts(self, retry_after: str) -> list[Json]:
        retry = {"max_attempts": 2, "on": [503], "backoff_ms": 20, "jitter": 0,
                 "max_retry_after_ms": 200}
        result = self.fetch(self.origin.url(f"/retry-after?value={quote(retry_after)}"),
                            retry=retry)
        self.assertEqual((result["outcome"], result["status_code"]), ("http_error", 503))
        return result["attempts"]

    def test_a_time_that_is_none_leaves_the_usual_pause(self) -> None:
        for value in self.NO_TIME:
            with self.subTest(value=value):
                self.assertEqual([each["backoff_ms"] for each in self.attempts(value)], [20, None])

    def test_a_time_too_far_away_is_not_waited_for(self) -> None:
        for value in self.TOO_LATE:
            with self.subTest(value=value):
                self.assertEqual(len(self.attempts(value)), 1)

    def test_a_challenge_is_not_answered_for_ever(self) -> None:
        result = self.fetch(self.origin.url("/digest-loop"), **DIGEST)
        self.assertEqual((result["outcome"], result["status_code"]), ("http_error", 401))
        self.assertEqual(len(self.origin.requests()), 3)


@takes_seconds
class AfterwardsTest(HostileTest):
    TAKES_LONG = True

    def all_at_once(self) -> None:
        paths = [path for path in [*FAILURES, *TOLERATED] if path not in MEMBERS]
        self.among_healthy(paths)

    def test_memory_is_back(self) -> None:
        self.assert_memory_back(self.all_at_once, 4, 8 << 20)

    def test_descriptors_are_back(self) -> None:
        self.all_at_once()
        before = self.gatherd.open_files()
        for _ in range(4):
            self.all_at_once()
        eventually(lambda: self.gatherd.open_files() <= before + N_HEALTHY, "closing")
