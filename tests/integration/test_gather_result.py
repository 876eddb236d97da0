"""One result: its members, its timings to the microsecond, its connection and its body."""

from __future__ import annotations

import json
import re
from decimal import Decimal

from harness import CAPTURE_BODY, GatherdTest, Json, captured
from servers import BlackHole, Origin, refused_url

MEMBERS = {"object", "job_id", "index", "id", "seq", "state", "outcome", "ok", "request",
           "effective_url", "status_code", "http_version", "headers", "remote_ip", "remote_port",
           "connection", "tls", "body", "redirects", "attempts", "timings", "started_at",
           "finished_at", "expect", "error"}
PHASES = ("dns_ms", "connect_ms", "tls_ms", "send_ms", "wait_ms", "receive_ms")
TIMINGS = {"queue_ms", *PHASES, "total_ms", "redirect_ms", "elapsed_ms"}
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class MembersTest(GatherdTest):
    def test_a_result_has_all_members_of_the_contract(self) -> None:
        for url in (self.origin.url(), refused_url()):
            with self.subTest(url=url):
                result = self.fetch(url)
                self.assertEqual(MEMBERS - {"job_id"} - set(result), set())
                self.assertEqual(set(result) - MEMBERS, set())
                self.assertEqual((result["object"], result["state"]), ("result", "finished"))
                self.assertIsNone(result["expect"])
                self.assertIsNone(result["tls"])

    def test_a_success_says_so(self) -> None:
        result = self.fetch(self.origin.url("/json"))
        self.assertEqual((result["outcome"], result["ok"]), ("success", True))
        self.assertIsNone(result["error"])
        self.assertEqual((result["status_code"], result["http_version"]), (200, "1.1"))
        self.assertEqual(result["effective_url"], self.origin.url("/json"))
        self.assertEqual((result["remote_ip"], result["remote_port"]),
                         ("127.0.0.1", self.origin.port))

    def test_the_status_decides_the_outcome(self) -> None:
        table = {200: "success", 201: "success", 204: "success", 299: "success", 301: "success",
                 304: "success", 400: "http_error", 404: "http_error", 418: "http_error",
                 500: "http_error", 503: "http_error", 599: "http_error"}
        results = self.results([self.origin.url(f"/status/{code}") for code in table])
        self.assertEqual([r["status_code"] for r in results], list(table))
        self.assert_outcomes(results, table.values())
        for result in results:
            self.assertEqual(result["ok"], result["outcome"] == "success")
            self.assertIsNone(result["error"])

    def test_one_attempt_is_on_record(self) -> None:
        result = self.fetch(self.origin.url())
        attempt, = result["attempts"]
        self.assertEqual((attempt["n"], attempt["outcome"], attempt["status_code"]),
                         (1, "success", 200))
        self.assertEqual(attempt["total_ms"], result["timings"]["total_ms"])
        self.assertEqual((attempt["error"], attempt["backoff_ms"]), (None, None))

    def test_a_failure_has_no_status_but_an_error(self) -> None:
        result = self.fetch(refused_url())
        self.assertIsNone(result["status_code"])
        self.assertEqual(set(result["error"]) & {"code", "phase", "message", "retryable"},
                         {"code", "phase", "message", "retryable"})
        self.assertIs(result["error"]["retryable"], True)
        self.assertTrue(result["error"]["message"])

    def test_instants_are_utc_with_microseconds(self) -> None:
        result = self.fetch(self.origin.url("/slow?ms=20"))
        self.assertRegex(result["started_at"], INSTANT)
        self.assertRegex(result["finished_at"], INSTANT)
        self.assertLess(result["started_at"], result["finished_at"])


class HeadersTest(GatherdTest):
    def headers(self, query: str, *names: str) -> list[list[str]]:
        result = self.fetch(self.origin.url(query), capture={"headers": list(names)})
        return [[name.lower(), value] for name, value in result["headers"]]

    def test_repeated_headers_stay_repeated_and_in_order(self) -> None:
        self.assertEqual(self.headers("/headers?X-A=1&X-A=2&X-B=3&X-A=4", "x-a", "x-b"),
                         [["x-a", "1"], ["x-a", "2"], ["x-a", "4"], ["x-b", "3"]])

    def test_only_the_asked_headers_come_back(self) -> None:
        self.assertEqual(self.headers("/headers?X-A=1&X-B=2", "X-B"), [["x-b", "2"]])

    def test_bytes_that_are_not_utf_8_keep_the_json_valid(self) -> None:
        (name, value), = self.headers("/latin1-header", "x-latin")
        self.assertEqual(name, "x-latin")
        self.assertTrue(value.startswith("caf"), value)

    def test_interim_answers_do_not_count(self) -> None:
        result = self.fetch(self.origin.url("/early-hints?ms=100"),
                            capture={"headers": ["link", "content-length"]})
        self.assertEqual((result["status_code"], result["headers"]),
                         (200, [["content-length", "16"]]))
        self.assertGreaterEqual(result["timings"]["wait_ms"], 100)


class TimingsTest(GatherdTest):
    zone = {"timed.test": {"A": ["127.0.0.1"], "delay_ms": 60}}

    def timings(self, requests: Json, **members: Json) -> list[dict[str, Decimal]]:
        """Timings as they are written, each checked against the rules for all."""
        reply = self.post("/v1/gather", {"requests": requests, **members})
        self.assertEqual(reply.status, 200, reply.body)
        all_timings = [r["timings"] for r in reply.json(exact=True)["results"]]
        for timings in all_timings:
            self.check(timings)
        return all_timings

    def check(self, timings: dict[str, Decimal]) -> None:
        self.assertEqual(set(timings), TIMINGS)
        present = {name: Decimal(value) for name, value in timings.items() if value is not None}
        for name, value in present.items():
            self.assertGreaterEqual(value, 0, name)
            self.assertLessEqual(-value.as_tuple().exponent, 3, f"{name} is {value}")
        if "total_ms" in present:
            self.assertEqual(sum(present.get(phase, 0) for phase in PHASES), present["total_ms"])

    def test_the_phases_add_up_to_the_total_exactly(self) -> None:
        paths = ["/", "/json", "/slow?ms=30", "/bytes/300000", "/status/404", "/gzip",
                 "/chunked?n=5&delay_ms=5", "/drip?bytes=5&ms=50", "/early-hints?ms=5",
                 "/redirect/2", "/close", "/reset", "/partial", "/garbage", "/bad-chunk"]
        urls = [self.origin.url(path) for path in paths * 5]
        self.timings([*urls, refused_url()], limits={"concurrency": 7})

    def test_the_phases_of_a_timeout_add_up_too(self) -> None:
        with BlackHole() as hole:
            urls = [self.origin.url("/hang"), self.origin.url("/hang-after-headers"), hole.url(),
                    self.origin.url("/endless")]
            self.timings(urls, defaults={"timeout_ms": 150})

    def test_queue_and_total_add_up_to_elapsed_exactly(self) -> None:
        for timings in self.timings([self.origin.url("/slow?ms=20")] * 6,
                                    limits={"concurrency": 2}):
            self.assertEqual(timings["queue_ms"] + timings["total_ms"], timings["elapsed_ms"])

    def test_the_time_of_the_origin_is_wait(self) -> None:
        with Origin() as fresh:
            timings, = self.timings([fresh.url("/slow?ms=120")])
        self.assertGreaterEqual(timings["wait_ms"], 120)
        self.assertLess(timings["receive_ms"], 60)
        self.assertLess(timings["connect_ms"], 60)

    def test_the_time_of_the_body_is_receive(self) -> None:
        timings, = self.timings([self.origin.url("/drip?bytes=4&ms=120")])
        self.assertGreaterEqual(timings["receive_ms"], 60)

    def test_the_time_before_admission_is_queue(self) -> None:
        first, second = sorted(self.timings([self.origin.url("/slow?ms=100")] * 2,
                                            limits={"concurrency": 1}),
                               key=lambda t: t["queue_ms"])
        self.assertLess(first["queue_ms"], 60)
        self.assertGreaterEqual(second["queue_ms"], 100)
        self.assertLess(second["total_ms"], 200)

    def test_the_time_of_the_name_server_is_dns(self) -> None:
        timings, = self.timings([self.origin.url(host="timed.test")])
        self.assertGreaterEqual(timings["dns_ms"], 60)
        self.assertLess(timings["connect_ms"], 60)

    def test_what_does_not_apply_is_null(self) -> None:
        with Origin() as fresh:
            timings, = self.timings([fresh.url()])
        self.assertIsNone(timings["tls_ms"])
        self.assertIsNone(timings["redirect_ms"])
        for name in ("connect_ms", "send_ms", "wait_ms", "receive_ms", "queue_ms", "elapsed_ms"):
            self.assertIsNotNone(timings[name], name)

    def test_what_was_not_reached_is_null(self) -> None:
        timings, = self.timings([refused_url()])
        for name in ("tls_ms", "send_ms", "wait_ms", "receive_ms"):
            self.assertIsNone(timings[name], name)
        self.assertIsNotNone(timings["connect_ms"])

    def test_the_phase_in_progress_has_the_time_of_a_failure(self) -> None:
        hang, headers = self.timings([self.origin.url("/hang"),
                                      self.origin.url("/hang-after-headers")],
                                     defaults={"timeout_ms": 150})
        self.assertGreaterEqual(hang["wait_ms"], 130)
        self.assertIsNone(hang["receive_ms"])
        self.assertGreaterEqual(headers["receive_ms"], 130)

    def test_redirects_have_a_time(self) -> None:
        url = self.origin.redirect_to("/slow?ms=50")
        timings, = self.timings([self.origin.redirect_to(url)])
        self.assertIsNotNone(timings["redirect_ms"])
        self.assertGreaterEqual(timings["elapsed_ms"], 50)


class ConnectionTest(GatherdTest):
    def test_a_kept_connection_is_reused_and_reported(self) -> None:
        results = self.results([self.origin.url(f"/?{n}") for n in range(4)],
                               limits={"concurrency": 1})
        self.assertEqual([r["connection"]["reused"] for r in results][1:], [True] * 3)
        self.assertEqual(len({r["connection"] for r in self.origin.requests()}), 1)
        for result in results[1:]:
            self.assertIn(result["timings"]["connect_ms"], (None, 0))

    def test_a_fresh_connection_is_not_called_reused(self) -> None:
        with_own_origin = self.origin.url(host="127.0.0.1")
        urls = [self.origin.url("/keepalive-close?after=1")] * 3
        results = self.results([*urls, with_own_origin], limits={"concurrency": 1})
        requests = self.origin.requests()
        for result, request in zip(results, requests):
            self.assertEqual(result["connection"]["reused"], request["number"] > 1)

    def test_connections_outlive_a_gather(self) -> None:
        self.fetch(self.origin.url("/"))
        self.origin.log.mark()
        self.assertTrue(self.fetch(self.origin.url("/"))["connection"]["reused"])
        self.assertEqual(self.origin.events("connect"), [])

    def test_a_connection_the_origin_closed_is_replaced(self) -> None:
        for _ in range(5):
            result = self.fetch(self.origin.url("/silent-close"))
            self.assertEqual(result["outcome"], "success", result["error"])

    def test_no_proxy_is_used(self) -> None:
        self.assertIsNone(self.fetch(self.origin.url())["connection"]["proxy"])


class CaptureTest(GatherdTest):
    def body(self, path: str, **capture: Json) -> Json:
        """The result of a captured fetch."""
        result = self.fetch(self.origin.url(path), capture={"body": CAPTURE_BODY, **capture})
        self.assertEqual(result["outcome"], "success", result["error"])
        return result

    def test_nothing_is_captured_unless_asked(self) -> None:
        body = self.fetch(self.origin.url("/bytes/1000"))["body"]
        self.assertEqual((body["encoding"], body["truncated"]), ("none", False))
        self.assertEqual((body["encoded_bytes"], body["decoded_bytes"]), (1000, 1000))
        self.assertNotIn("data", body)

    def test_text_is_captured_as_text(self) -> None:
        result = self.body("/json")
        self.assertNotEqual(result["body"]["encoding"], "base64")
        self.assertEqual(json.loads(captured(result))["text"], "h\u00e9llo \u2603")

    def test_what_is_not_utf_8_is_captured_as_base64(self) -> None:
        result = self.body("/bytes/1000")
        self.assertEqual(result["body"]["encoding"], "base64")
        self.assertEqual(captured(result), (bytes(range(256)) * 4)[:1000])

    def test_an_empty_body_is_captured_as_such(self) -> None:
        self.assertEqual(captured(self.body("/bytes/0")), b"")

    def test_a_longer_body_is_truncated_and_counted(self) -> None:
        result = self.body("/bytes/5000", max_body_bytes=100)
        self.assertTrue(result["body"]["truncated"])
        self.assertEqual(captured(result), bytes(range(100)))

    def test_a_body_of_just_the_limit_is_not_truncated(self) -> None:
        result = self.body("/bytes/100", max_body_bytes=100)
        self.assertFalse(result["body"]["truncated"])
        self.assertEqual(captured(result), bytes(range(100)))

    def test_text_truncated_within_a_character_stays_valid(self) -> None:
        for limit in range(1, 60, 7):
            with self.subTest(limit=limit):
                result = self.body("/json", max_body_bytes=limit)
                self.assertTrue('{"status": "ok", "text": "h\u00e9llo \u2603", "items": [1, 2, 3]}'
                                .encode().startswith(captured(result)))

    def test_a_big_body_comes_whole(self) -> None:
        result = self.body("/bytes/900000")
        self.assertEqual(len(captured(result)), 900000)

    def test_encoded_bodies_are_decoded(self) -> None:
        result = self.body("/gzip?bytes=50000")
        self.assertEqual(result["body"]["decoded_bytes"], 50000)
        self.assertLess(result["body"]["encoded_bytes"], 5000)
        self.assertEqual(captured(result), b"x" * 50000)

    def test_chunked_bodies_are_joined(self) -> None:
        self.assertEqual(captured(self.body("/chunked?n=3&size=5&delay_ms=5")), b"c" * 15)
