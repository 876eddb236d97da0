"""Limits of time and size, names that do not resolve, origins that are not there."""

from __future__ import annotations

from harness import CAPTURE_BODY, GatherdTest, Json
from patience import PATIENCE
from servers import BlackHole, Origin, refused_url


class LimitTest(GatherdTest):
    def test_the_first_byte_of_an_answer_may_be_late_but_not_missing(self) -> None:
        result = self.fetch(self.origin.url("/hang"), first_byte_timeout_ms=200)
        self.assert_error(result, "transport_error", "timeout_first_byte", "wait")

    def test_a_refused_connection_says_so(self) -> None:
        result = self.fetch(refused_url())
        self.assert_error(result, "transport_error", "connect_refused", "connect")

    def test_a_connection_that_never_comes_says_so(self) -> None:
        with BlackHole() as hole:
            result = self.fetch(hole.url(), connect_timeout_ms=200)
            self.assert_error(result, "transport_error", "connect_timeout", "connect")
            result = self.fetch(hole.url(), timeout_ms=200)
            self.assert_error(result, "transport_error", "timeout_total connect_timeout",
                              "connect")

    def test_what_was_received_of_a_cut_answer_is_reported(self) -> None:
        result = self.fetch(self.origin.url("/partial"))
        self.assertEqual((result["status_code"], result["body"]["encoded_bytes"]), (200, 500))


class NoWayTest(GatherdTest):
    """What the kernel refuses at once."""

    settings = [*GatherdTest.settings, "egress.allow=224.0.0.1/32 fe80::1/128"]

    def test_a_network_that_no_way_leads_to_says_so(self) -> None:
        result = self.fetch("http://224.0.0.1/")
        self.assert_error(result, "transport_error", "connect_unreachable", "connect")

    def test_an_address_that_needs_an_interface_says_so(self) -> None:
        result = self.fetch("http://[fe80::1]/")
        self.assert_error(result, "transport_error", "connect_error", "connect")


class SizeTest(GatherdTest):
    settings = [*GatherdTest.settings, "fetch.max_body_bytes=100000",
                "fetch.max_header_bytes=10000"]

    def test_a_body_over_the_limit_fails(self) -> None:
        for path in ("/bytes/100001", "/chunked?n=20&size=10000", "/gzip?bytes=2000000",
                     "/endless"):
            with self.subTest(path=path):
                result = self.fetch(self.origin.url(path))
                self.assert_error(result, "transport_error", "body_too_large", "receive")

    def test_a_body_of_the_limit_does_not(self) -> None:
        for path in ("/bytes/100000", "/chunked?n=10&size=10000", "/gzip?bytes=100000"):
            with self.subTest(path=path):
                result = self.fetch(self.origin.url(path))
                self.assertEqual(result["outcome"], "success", result["error"])

    def test_headers_over_the_limit_fail(self) -> None:
        result = self.fetch(self.origin.url("/big-header?bytes=10000"))
        self.assert_error(result, "transport_error", "header_too_large")
        result = self.fetch(self.origin.url("/big-header?bytes=5000"))
        self.assertEqual(result["outcome"], "success", result["error"])


class TolerableTest(GatherdTest):
    """Odd, but no reason to fail."""

    def test_odd_answers_are_answers(self) -> None:
        for path in ("/latin1-header", "/early-hints", "/silent-close", "/chunked",
                     "/big-header?bytes=20000", "/keepalive-close"):
            with self.subTest(path=path):
                result = self.fetch(self.origin.url(path))
                self.assertEqual(result["outcome"], "success", result["error"])

    def test_a_surplus_answer_is_not_taken_for_the_next_one(self) -> None:
        urls = [self.origin.url(path) for path in ("/lying-length", "/bytes/7", "/bytes/8") * 5]
        results = self.results(urls, limits={"concurrency": 1})
        self.assertEqual([r["status_code"] for r in results], [200] * 15)
        self.assertEqual([r["body"]["decoded_bytes"] for r in results], [5, 7, 8] * 5)

    def test_many_closing_origins_do_not_confuse_connections(self) -> None:
        paths = ("/keepalive-close?after=2", "/silent-close", "/close", "/reset", "/bytes/9")
        urls = [self.origin.url(path) for path in paths * 60]
        results = self.results(urls, limits={"concurrency": 12})
        for path, result in zip(paths * 60, results):
            expected = "transport_error" if path in ("/close", "/reset") else "success"
            self.assertEqual(result["outcome"], expected, f"{path}: {result['error']}")


class NameTest(GatherdTest):
    zone = {"ok.test": {"A": ["127.0.0.1"]}, "broken.test": {"rcode": "SERVFAIL"},
            "silent.test": {"silent": True}, "empty.test": {"A": [], "AAAA": []},
            "alias.test": {"CNAME": "ok.test"}, "two.test": {"A": ["127.0.0.9", "127.0.0.1"]},
            "hole.test": {"A": ["127.0.0.2", "127.0.0.1"]},
            "refusing.test": {"A": [f"127.0.0.{n}" for n in (9, 8, 7, 6, 5, 1)]}}

    def named(self, name: str, **members: Json) -> Json:
        return self.fetch(self.origin.url(host=name), **members)

    def test_a_name_is_resolved(self) -> None:
        for name in ("ok.test", "alias.test", "OK.test"):
            with self.subTest(name=name):
                result = self.named(name)
                self.assertEqual(result["outcome"], "success", result["error"])
                self.assertEqual(result["remote_ip"], "127.0.0.1")

    def test_a_name_that_does_not_exist_says_so(self) -> None:
        for name in ("unknown.test", "empty.test"):
            with self.subTest(name=name):
                self.assert_error(self.named(name), "transport_error", "dns_not_found", "dns")

    def test_an_address_that_is_silent_is_left_for_the_next(self) -> None:
        with BlackHole("127.0.0.2") as hole, Origin(port=hole.port) as origin:
            result = self.fetch(origin.url(host="hole.test"), connect_timeout_ms=1000 * PATIENCE)
            self.assertEqual(result["outcome"], "success", result["error"])
            self.assertEqual(result["remote_ip"], "127.0.0.1")
            self.assertGreater(result["timings"]["connect_ms"], 500 * PATIENCE)

    def test_addresses_that_refuse_are_left_at_once(self) -> None:
        result = self.named("refusing.test")
        self.assertEqual(result["outcome"], "success", result["error"])
        self.assertEqual(result["remote_ip"], "127.0.0.1")
        self.assertLess(result["timings"]["connect_ms"], 500 * PATIENCE)

    def test_a_broken_name_server_says_so(self) -> None:
        self.assert_error(self.named("broken.test", timeout_ms=8000), "transport_error",
                          "dns_error dns_timeout", "dns")

    def test_a_silent_name_server_is_not_waited_for(self) -> None:
        result = self.named("silent.test", timeout_ms=300)
        self.assert_error(result, "transport_error", "dns_timeout timeout_total", "dns")
        self.assertLess(result["timings"]["elapsed_ms"], 300 + 300 * PATIENCE)

    def test_the_second_address_is_tried(self) -> None:
        result = self.named("two.test")
        self.assertEqual(result["outcome"], "success", result["error"])
        self.assertEqual(result["remote_ip"], "127.0.0.1")

    def test_one_question_serves_many_requests(self) -> None:
        self.dns.log.mark()
        self.results([self.origin.url(f"/?{n}", host="ok.test") for n in range(50)])
        asked = [q["type"] for q in self.dns.log.lines() if q["name"] == "ok.test"]
        self.assertLessEqual(len(asked), 2)


class MemoryTest(GatherdTest):
    def test_a_gzip_bomb_does_not_fill_the_memory(self) -> None:
        def fetch_bomb() -> None:
            result = self.fetch(self.origin.url("/gzip?bytes=50000000"), timeout_ms=10000,
                                capture={"body": CAPTURE_BODY, "max_body_bytes": 1000})
            self.assertIn(result["outcome"], ("success", "transport_error"))

        self.fetch(self.origin.url())
        self.assert_memory_back(fetch_bomb, 1, 8 << 20)
        if self.gatherd.memory_is_its_own():
            self.assertLess(self.gatherd.resident_bytes(), 100 << 20)
