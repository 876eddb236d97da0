"""/v1/stats and /v1/limits: what goes on, and what is allowed."""

from __future__ import annotations

from harness import Gatherd, GatherdTest, Json
from patience import PATIENCE, eventually
from servers import free_port
from streams import EVENTS, Stream

RUNS_ALONE = True


class StatsTest(GatherdTest):
    def setUp(self) -> None:
        super().setUp()
        self.gatherd = self.enterContext(Gatherd(*self.settings))

    def stats(self) -> Json:
        reply = self.get("/v1/stats")
        self.assertEqual(reply.status, 200)
        return reply.json()

    def test_a_daemon_that_has_done_nothing_says_so(self) -> None:
        stats = self.stats()
        self.assertEqual(stats["object"], "stats")
        self.assertEqual(set(stats["items"]["finished"].values()), {0})
        self.assertEqual((stats["items"]["queued"], stats["items"]["running"]), (0, 0))
        self.assertEqual((stats["items"]["errors"], stats["items"]["blocked_by"]), ({}, {}))
        self.assertEqual(stats["requests"]["sent"], 0)
        self.assertGreater(stats["uptime_ms"], 0)
        self.assertRegex(stats["started_at"], r"^20..-..-..T..:..:..\.\d{6}Z$")

    def test_what_has_finished_is_counted_by_what_came_of_it(self) -> None:
        self.results([self.origin.url(), self.origin.url("/status/404"), "http://10.1.2.3/",
                      f"http://127.0.0.1:{free_port()}/", self.gatherd.base])
        items = self.stats()["items"]
        self.assertEqual({name: n for name, n in items["finished"].items() if n},
                         {"success": 1, "http_error": 1, "transport_error": 1, "blocked": 2})
        self.assertEqual(items["errors"]["connect_refused"], 1)
        self.assertEqual(items["errors"]["blocked_by_policy"], 2)
        self.assertEqual(items["blocked_by"], {"ipv4-private": 1, "own-listener": 1})

    def test_they_come_again_and_again_as_events_until_the_end(self) -> None:
        with Stream(self.gatherd.port, "/v1/stats", **EVENTS) as stream:
            self.assertEqual(stream.header("content-type"), "text/event-stream")
            events = stream.events()
            first, second = next(events), next(events)
            self.assertEqual((first.name, second.name), ("stats", "stats"))
            self.assertLess(first.json()["uptime_ms"], second.json()["uptime_ms"])
            self.gatherd.stop()
            self.assertLessEqual({event.name for event in events}, {"stats"})  # and that they end

    def test_requests_are_counted_with_connections_and_bytes(self) -> None:
        self.results([self.origin.url("/bytes/1000")] * 10, limits={"concurrency": 1})
        requests = self.stats()["requests"]
        self.assertEqual(requests["sent"], 10)
        self.assertEqual((requests["connections_opened"], requests["connections_reused"]), (1, 9))
        self.assertEqual((requests["received_bytes"], requests["decoded_bytes"]), (10000, 10000))
        self.assertGreater(requests["sent_bytes"], 500)

    def test_redirects_and_retries_are_requests_too(self) -> None:
        self.fetch(self.origin.url("/redirect/3"))
        self.fetch(self.origin.url("/status/503"), retry={"max_attempts": 3, "backoff_ms": 1})
        stats = self.stats()
        self.assertEqual(stats["requests"]["sent"], 7)
        self.assertEqual(stats["items"]["retried"], 2)
        self.assertEqual(len(self.origin.requests()), 7)

    def test_what_goes_on_is_seen(self) -> None:
        reply = self.post("/v1/jobs", {"urls": [self.origin.url("/hang")] * 5,
                                       "limits": {"concurrency": 2}})
        eventually(lambda: self.stats()["items"]["running"] == 2, "two that run")
        stats = self.stats()
        self.assertEqual(stats["items"]["queued"], 3)
        self.assertEqual((stats["jobs"]["accepted"], stats["jobs"]["running"]), (1, 1))
        self.post(f"/v1/jobs/{reply.json()['id']}/cancel", b"")
        eventually(lambda: self.stats()["jobs"]["canceled"] == 1, "the end of the job")
        stats = self.stats()
        self.assertEqual((stats["items"]["queued"], stats["items"]["running"]), (0, 0))
        self.assertEqual(stats["jobs"]["running"], 0)
        self.assertEqual((stats["items"]["finished"]["canceled"],
                          stats["items"]["finished"]["skipped"]), (2, 3))

    def test_names_that_are_looked_up_are_counted(self) -> None:
        self.fetch("http://no-such-name.invalid/")
        self.fetch("http://no-such-name.invalid/")
        dns = self.stats()["dns"]
        self.assertEqual(dns["lookups"], 2)
        self.assertEqual(sum(dns["queries"].values()), 1)
        self.assertEqual((dns["known"], dns["cached_names"]), (1, 1))

    def test_it_says_how_the_daemon_is(self) -> None:
        stats = self.stats()
        self.assertIs(stats["draining"], False)
        self.assertEqual(stats["store"]["health"], "ok")
        self.assertEqual(stats["api"]["connections"], 1)
        self.assertEqual(stats["jobs"]["queued"], 0)
        self.assertGreater(stats["loop"]["tasks"], 5)

    def test_the_lag_of_the_loop_is_measured(self) -> None:
        def lag() -> Json:
            return self.stats()["loop_lag_ms"]
        eventually(lambda: lag()["max"] > 0, "a first sample")
        self.assertLessEqual(lag()["p50"], lag()["max"])
        eventually(lambda: lag()["p50"] < 50 * PATIENCE, "samples from after the start")


class LimitsTest(GatherdTest):
    settings = [*GatherdTest.settings, "fetch.concurrency=17", "fetch.timeout_ms=2s",
                "api.max_body_bytes=1M"]

    def test_the_limits_in_force_are_shown(self) -> None:
        limits = self.get("/v1/limits").json()
        self.assertEqual(limits["object"], "limits")
        self.assertEqual(limits["fetch"]["concurrency"], 17)
        self.assertEqual(limits["fetch"]["timeout_ms"], 2000)
        self.assertEqual(limits["api"]["max_body_bytes"], 1 << 20)
        self.assertIn("ttl_ms", limits["jobs"])

    def test_nothing_but_numbers_is_shown(self) -> None:
        limits = self.get("/v1/limits").json()
        del limits["object"], limits["token"]
        for section in limits.values():
            for name, value in section.items():
                self.assertIsInstance(value, int, name)
