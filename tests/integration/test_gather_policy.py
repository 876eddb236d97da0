"""How a gather is run: limits, timeouts, repetitions, and when it ends early."""

from __future__ import annotations

import time

from harness import GatherdTest, Json
from patience import PATIENCE
from servers import BlackHole, Origin

ROOM = 1 + (PATIENCE - 1) / 3
"""Upper limits of durations are multiplied by this; lower ones hold anywhere."""


class LimitsTest(GatherdTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.other = cls.enterClassContext(Origin(host="127.0.0.2"))

    def setUp(self) -> None:
        super().setUp()
        self.other.log.mark()

    def test_concurrency_is_the_most_in_flight(self) -> None:
        self.results([self.origin.url("/slow?ms=30")] * 20, limits={"concurrency": 5})
        self.assertEqual(self.origin.peak_requests(), 5)

    def test_without_limits_requests_run_together(self) -> None:
        self.results([self.origin.url("/slow?ms=300")] * 4)
        self.assertEqual(self.origin.peak_requests(), 4)

    def test_a_concurrency_of_one_is_a_sequence(self) -> None:
        paths = [f"/slow?ms=5&n={n}" for n in range(10)]
        self.results([self.origin.url(path) for path in paths], limits={"concurrency": 1})
        self.assertEqual(self.origin.peak_requests(), 1)
        self.assertEqual(self.origin.targets(), paths)

    def test_per_host_concurrency_holds_for_each_host(self) -> None:
        urls = [origin.url("/slow?ms=40") for origin in (self.origin, self.other)
                for _ in range(12)]
        self.results(urls, limits={"concurrency": 24, "per_host_concurrency": 3})
        self.assertEqual(self.origin.peak_requests(), 3)
        self.assertEqual(self.other.peak_requests(), 3)

    def test_a_busy_host_does_not_hold_up_another(self) -> None:
        urls = [*[self.origin.url("/slow?ms=100")] * 10, self.other.url("/")]
        results = self.results(urls, limits={"per_host_concurrency": 2})
        self.assertLess(results[-1]["timings"]["queue_ms"], 100 * ROOM)

    def test_per_host_rate_is_kept(self) -> None:
        rate = {"requests": 4, "per_ms": 200}
        self.results([self.origin.url(f"/?{n}") for n in range(12)],
                     limits={"per_host_rate": rate})
        times = [request["time"] for request in self.origin.requests()]
        self.assertEqual(len(times), 12)
        self.assertGreaterEqual(times[-1] - times[0], 0.38)
        for start in times:
            self.assertLessEqual(sum(start <= t < start + 0.19 for t in times), 8)

    def test_limits_hold_across_redirects_and_failures(self) -> None:
        urls = [self.origin.url(path) for path in ("/redirect/2", "/close", "/slow?ms=10") * 8]
        self.results(urls, limits={"concurrency": 4})
        self.assertLessEqual(self.origin.peak_requests(), 4)


class RepeatTest(GatherdTest):
    def test_each_repetition_is_a_result(self) -> None:
        requests = [{"url": self.origin.url("/a"), "repeat": 3}, self.origin.url("/b")]
        results = self.results(requests)
        self.assertEqual([r["request"]["url"][-2:] for r in results], ["/a", "/a", "/a", "/b"])
        self.assertEqual([r["index"] for r in results], [0, 1, 2, 3])
        self.assertEqual([r.get("repetition") for r in results][:3], [0, 1, 2])
        self.assertEqual(sorted(self.origin.targets()), ["/a", "/a", "/a", "/b"])

    def test_an_interval_separates_repetitions(self) -> None:
        begin = time.monotonic()
        self.fetch(self.origin.url(), repeat={"count": 3, "interval_ms": 80})
        times = [request["time"] for request in self.origin.requests()]
        self.assertEqual(len(times), 3)
        for i, at in enumerate(times):  # any of them may be late, none is early
            self.assertGreaterEqual(at - begin, i * 0.08)


class TimeoutTest(GatherdTest):
    """Each timeout has its own code, and counts its own time."""

    def assert_timeout(self, url: str, code: str, phase: str, within_ms: float,
                       **members: Json) -> None:
        result = self.fetch(url, **members)
        self.assert_error(result, "transport_error", code, phase)
        self.assertLess(result["timings"]["elapsed_ms"], within_ms * ROOM)

    def test_timeout_ms_bounds_the_whole_request(self) -> None:
        for path, phase in (("/hang", "wait"), ("/endless", "receive"),
                            ("/drip?bytes=50&ms=5000", "receive"),
                            ("/hang-after-headers", "receive")):
            with self.subTest(path=path):
                self.assert_timeout(self.origin.url(path), "timeout_total", phase, 600,
                                    timeout_ms=200)

    def test_connect_timeout_ms_bounds_connecting(self) -> None:
        with BlackHole() as hole:
            self.assert_timeout(hole.url(), "connect_timeout", "connect", 600,
                                connect_timeout_ms=150)

    def test_first_byte_timeout_ms_bounds_the_wait(self) -> None:
        self.assert_timeout(self.origin.url("/hang"), "timeout_first_byte", "wait", 600,
                            first_byte_timeout_ms=150)

    def test_idle_timeout_ms_bounds_a_pause_in_the_body(self) -> None:
        self.assert_timeout(self.origin.url("/hang-after-headers"), "timeout_idle", "receive", 600,
                            idle_timeout_ms=150)

    def test_a_slow_but_steady_body_is_not_idle(self) -> None:
        result = self.fetch(self.origin.url("/drip?bytes=8&ms=400"), idle_timeout_ms=250,
                            first_byte_timeout_ms=300)
        self.assertEqual(result["outcome"], "success", result["error"])

    def test_timeouts_may_be_fractions_of_a_millisecond(self) -> None:
        self.assert_timeout(self.origin.url("/hang"), "timeout_total", "wait", 600,
                            timeout_ms=50.5)

    def test_the_timeout_counts_from_admission(self) -> None:
        results = self.results([self.origin.url("/slow?ms=80")] * 4, limits={"concurrency": 1},
                               defaults={"timeout_ms": 200 * ROOM})
        self.assert_outcomes(results, ["success"] * 4)

    def test_queue_timeout_ms_bounds_the_wait_for_admission(self) -> None:
        requests = [self.origin.url("/slow?ms=400"),
                    {"url": self.origin.url("/never"), "queue_timeout_ms": 100}]
        results = self.results(requests, limits={"concurrency": 1})
        self.assertEqual(results[0]["outcome"], "success")
        self.assert_error(results[1], "transport_error", "queue_timeout", "queue")
        self.assertNotIn("/never", self.origin.targets())


class DeadlineTest(GatherdTest):
    def test_the_deadline_ends_what_runs_and_skips_what_waits(self) -> None:
        urls = [self.origin.url(path) for path in ("/", "/hang", "/hang?2", "/never")]
        started = time.monotonic()
        answer = self.gather(urls, deadline_ms=250, limits={"concurrency": 2})
        self.assertLess(time.monotonic() - started, 1.0 * ROOM)
        done, *running, waiting = answer["results"]
        self.assertEqual(done["outcome"], "success")
        for result in running:
            self.assert_error(result, "transport_error", "deadline_exceeded", "wait")
        self.assert_error(waiting, "skipped", "deadline_exceeded", "queue")
        self.assertEqual(answer["counts"]["finished"], 4)
        self.assertNotIn("/never", self.origin.targets())
        self.assertGreaterEqual(answer["elapsed_ms"], 250)

    def test_a_deadline_that_is_not_reached_changes_nothing(self) -> None:
        self.assert_outcomes(self.results([self.origin.url()] * 3, deadline_ms=10000),
                             ["success"] * 3)


class UntilTest(GatherdTest):
    """gather.until and gather.on_failure: any, race, quorum, fail-fast."""

    def run_until(self, until: Json, *paths: str, **members: Json) -> list[Json]:
        started = time.monotonic()
        results = self.results([self.origin.url(path) for path in paths],
                               gather={"until": until}, **members)
        self.assertLess(time.monotonic() - started, 2 * ROOM)
        return results

    def test_all_waits_for_everything(self) -> None:
        results = self.run_until("all", "/status/500", "/slow?ms=50", "/")
        self.assert_outcomes(results, ["http_error", "success", "success"])

    def test_first_success_passes_over_failures(self) -> None:
        results = self.run_until("first_success", "/hang", "/status/500", "/slow?ms=50", "/hang")
        self.assert_outcomes(results, ["canceled", "http_error", "success", "canceled"])
        self.assertEqual(results[0]["error"]["code"], "canceled")

    def test_first_success_may_never_come(self) -> None:
        results = self.run_until("first_success", "/status/500", "/close")
        self.assert_outcomes(results, ["http_error", "transport_error"])

    def test_first_completed_is_a_race(self) -> None:
        results = self.run_until("first_completed", "/hang", "/slow?ms=50", "/hang")
        self.assert_outcomes(results, ["canceled", "success", "canceled"])

    def test_a_failure_may_win_the_race(self) -> None:
        results = self.run_until("first_completed", "/hang", "/status/500")
        self.assert_outcomes(results, ["canceled", "http_error"])

    def test_a_quorum_ends_the_gather(self) -> None:
        results = self.run_until({"successes": 2}, "/", "/status/404", "/slow?ms=50", "/hang")
        self.assert_outcomes(results, ["success", "http_error", "success", "canceled"])

    def test_what_did_not_start_is_skipped(self) -> None:
        results = self.run_until("first_completed", "/slow?ms=30", "/never", "/never",
                                 limits={"concurrency": 1})
        self.assert_outcomes(results, ["success", "skipped", "skipped"])
        self.assertNotIn("/never", self.origin.targets())

    def test_continue_is_the_default_on_failure(self) -> None:
        results = self.results([self.origin.url("/status/500"), self.origin.url("/slow?ms=50")])
        self.assert_outcomes(results, ["http_error", "success"])

    def test_cancel_rest_ends_with_the_first_failure(self) -> None:
        for path, outcome in (("/status/500", "http_error"), ("/close", "transport_error")):
            with self.subTest(path=path):
                results = self.results([self.origin.url("/hang"), self.origin.url(path)],
                                       gather={"on_failure": "cancel_rest"})
                self.assert_outcomes(results, ["canceled", outcome])

    def test_cancel_rest_without_failure_runs_everything(self) -> None:
        results = self.results([self.origin.url("/"), self.origin.url("/slow?ms=20")],
                               gather={"on_failure": "cancel_rest"})
        self.assert_outcomes(results, ["success", "success"])

    def test_canceled_requests_leave_the_origin(self) -> None:
        self.run_until("first_success", "/hang", "/slow?ms=50")
        self.assert_left("/hang")
