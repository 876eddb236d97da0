"""The gates in front of the fetching: limits, rates, weights, waiting. The origin counts."""

from __future__ import annotations

import threading
import time

from harness import GatherdTest, Json
from patience import PATIENCE, eventually
from servers import Event, Origin


class GateTest(GatherdTest):
    def submit(self, requests: Json, **members: Json) -> Json:
        reply = self.post("/v1/jobs", {"requests": requests, **members})
        self.assertEqual(reply.status, 202, reply.body)
        return reply.json()

    def ended(self, job: Json) -> Json:
        def done() -> Json:
            now = self.get(f"/v1/jobs/{job['id']}").json()
            return now["done"] and now
        return eventually(done, "the end of the job", 20)

    def slow(self, count: int, ms: int, name: str = "") -> list[str]:
        return [self.origin.url(f"/slow?ms={ms}&n={name}{n}") for n in range(count)]


def starts(events: list[Event]) -> list[float]:
    return [event["time"] for event in events if event["event"] == "request"]


class HostLimitTest(GateTest):
    settings = [*GatherdTest.settings, "fetch.per_host_concurrency=4"]

    def test_the_limit_of_a_host_holds_for_all_jobs_together(self) -> None:
        jobs = [self.submit(self.slow(25, 10, f"{name}-")) for name in range(4)]
        for job in jobs:
            self.assertEqual(self.ended(job)["counts"]["success"], 25)
        self.assertEqual(self.origin.peak_requests(), 4)
        self.assertLessEqual(self.origin.peak_connections(), 4)

    def test_it_holds_for_what_is_tried_again(self) -> None:
        urls = [self.origin.url(f"/status/503?n={n}") for n in range(30)]
        retry = {"max_attempts": 3, "backoff_ms": 5, "jitter": 1}
        results = self.results([{"url": url, "retry": retry} for url in urls])
        self.assertEqual({len(result["attempts"]) for result in results}, {3})
        self.assertEqual(len(self.origin.requests()), 90)
        self.assertLessEqual(self.origin.peak_requests(), 4)

    def test_a_hot_host_blocks_nobody(self) -> None:
        with Origin(host="127.0.0.2") as other:
            hot = self.submit(self.slow(60, 200))
            eventually(lambda: len(self.origin.requests()) >= 4, "the hot host's first requests")
            answer = self.gather([other.url(f"/?n={n}") for n in range(100)])
            self.assertEqual(answer["counts"]["success"], 100)
            self.assertLess(answer["elapsed_ms"], 1000 * PATIENCE)
            self.assertFalse(self.get(f"/v1/jobs/{hot['id']}").json()["done"])
            self.post(f"/v1/jobs/{hot['id']}/cancel", b"")

    def test_nor_do_its_retries(self) -> None:
        with Origin(host="127.0.0.2") as other:
            requests = [{"url": self.origin.url("/status/503"), "repeat": 20,
                         "retry": {"max_attempts": 3, "backoff_ms": 300, "jitter": 0}}]
            job = self.submit([*requests, *(other.url(f"/?n={n}") for n in range(50))])
            eventually(lambda: len(other.requests()) == 50, "the other host's requests", 0.8)
            self.assertEqual(self.ended(job)["counts"]["success"], 50)


class JobLimitTest(GateTest):
    def test_the_limits_of_a_job_hold_for_what_is_tried_again(self) -> None:
        retry = {"max_attempts": 3, "backoff_ms": 1}
        requests = [{"url": self.origin.url("/status/503"), "repeat": 20, "retry": retry}]
        for limits in ({"concurrency": 3}, {"per_host_concurrency": 2}):
            with self.subTest(limits=limits):
                self.origin.log.mark()
                self.results(requests, limits=limits)
                self.assertEqual(len(self.origin.requests()), 60)
                self.assertLessEqual(self.origin.peak_requests(), *limits.values())

    def test_a_rate_spaces_first_attempts_and_others_alike(self) -> None:
        self.results([{"url": self.origin.url("/status/503"), "repeat": 10,
                       "retry": {"max_attempts": 2, "backoff_ms": 1}}],
                     limits={"per_host_rate": {"requests": 50, "per_ms": 1000}})
        times = starts(self.origin.events())
        self.assertEqual(len(times), 20)
        self.assertGreaterEqual(times[-1] - times[0], 19 * 0.020 - 0.010)
        for first, sixth in zip(times, times[5:]):  # what arrives late makes the next gap short
            self.assertGreaterEqual(sixth - first, 5 * 0.020 - 0.015)


class TurnTest(GateTest):
    settings = [*GatherdTest.settings, "fetch.concurrency=1"]

    def test_jobs_take_turns_as_their_weights_say(self) -> None:
        blocker = self.submit(self.slow(1, 300))
        eventually(self.origin.requests, "the blocker's request")
        light = self.submit([self.origin.url("/?light"), *self.slow(99, 0, "light")])
        heavy = self.submit(self.slow(100, 0, "heavy"), weight=4)
        for job in (blocker, light, heavy):
            self.ended(job)
        order = ["heavy" in target for target in self.origin.targets()[1:101]]
        self.assertAlmostEqual(sum(order), 80, delta=2)

    def test_a_small_job_does_not_wait_for_a_large_one(self) -> None:
        large = self.submit(self.slow(300, 5))
        eventually(lambda: len(self.origin.requests()) > 5, "the large job's first requests")
        answer = self.gather(self.slow(3, 5, "small"))
        self.assertLess(answer["elapsed_ms"], 500 * PATIENCE)
        self.assertFalse(self.get(f"/v1/jobs/{large['id']}").json()["done"])
        self.post(f"/v1/jobs/{large['id']}/cancel", b"")


class QueueTimeoutTest(GateTest):
    settings = [*GatherdTest.settings, "fetch.concurrency=1"]

    def test_who_waits_for_too_long_hears_it_at_that_moment(self) -> None:
        waits = {"a": 100, "b": 300, "c": 200}
        blocker = self.submit(self.slow(1, 1500))
        eventually(self.origin.requests, "the blocker's request")
        results = self.results([{"url": self.origin.url(f"/?{name}"), "queue_timeout_ms": ms}
                                for name, ms in waits.items()])
        for result, ms in zip(results, waits.values()):
            self.assert_error(result, "transport_error", "queue_timeout", "queue")
            self.assertGreaterEqual(result["timings"]["queue_ms"], ms)
            self.assertLess(result["timings"]["queue_ms"], ms + 100 * PATIENCE)
        self.assertEqual(len(self.origin.requests()), 1)
        self.ended(blocker)

    def test_many_may_wait_for_too_long_at_once(self) -> None:
        blocker = self.submit(self.slow(1, 1000))
        eventually(self.origin.requests, "the blocker's request")
        answer = self.gather([{"url": self.origin.url("/"), "repeat": 20000,
                               "queue_timeout_ms": 200}])
        self.assertEqual(answer["stats"]["errors"], {"queue_timeout": 20000})
        self.ended(blocker)


class EndTest(GateTest):
    def backing_off(self, **members: Json) -> Json:
        retry = {"max_attempts": 3, "backoff_ms": 60000, "max_backoff_ms": 60000}
        job = self.submit([{"url": self.origin.url("/status/503"), "repeat": 5, "retry": retry}],
                          **members)
        eventually(lambda: len(self.origin.events("response")) == 5, "the first attempts")
        return job

    def test_a_job_can_be_canceled_while_its_items_back_off(self) -> None:
        job = self.backing_off()
        self.post(f"/v1/jobs/{job['id']}/cancel", b"")
        counts = self.ended(job)["counts"]
        self.assertEqual((counts["finished"], counts["canceled"]), (5, 5))
        self.assertEqual(len(self.origin.requests()), 5)

    def test_a_deadline_is_not_waited_for_in_a_back_off(self) -> None:
        job = self.backing_off(deadline_ms=5000)
        counts = self.ended(job)["counts"]
        self.assertEqual((counts["finished"], counts["http_error"]), (5, 5))

    def test_a_deadline_ends_what_backs_off(self) -> None:
        retry = {"max_attempts": 3, "backoff_ms": 500, "jitter": 0}
        job = self.submit([{"url": self.origin.url("/status/503"), "retry": retry}],
                          deadline_ms=900)
        started = time.monotonic()
        job = self.ended(job)
        self.assertLess(time.monotonic() - started, 2 * PATIENCE)
        self.assertEqual(job["counts"]["finished"], 1)
        self.assertLessEqual(len(self.origin.requests()), 2)

    def test_deleting_a_job_that_backs_off_leaves_nothing(self) -> None:
        job = self.backing_off()
        reply = self.get(f"/v1/jobs/{job['id']}", "-X", "DELETE")
        self.assertEqual(reply.status, 204)
        eventually(lambda: self.get("/v1/stats").json()["items"]["queued"] == 0, "an empty queue")


class LargeJobTest(GateTest):
    settings = [*GatherdTest.settings, "api.max_items=200000", "fetch.concurrency=4"]

    def test_a_large_job_does_not_hold_up_the_loop(self) -> None:
        urls = [f"http://127.0.{n >> 8 & 255}.{n & 255}:1/" for n in range(1, 60000)]
        body = {"urls": urls, "deadline_ms": 1500}
        posting = threading.Thread(target=lambda: self.post("/v1/jobs", body))
        posting.start()
        slowest = 0.0
        while posting.is_alive():
            slowest = max(slowest, self.get("/healthz").seconds)
        posting.join()
        self.assertLess(slowest, 0.5 * PATIENCE)
