"""Many at once: order, limits and times. Times are printed; their limits leave room for noise."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from harness import GatherdTest, Json, RawConnection
from patience import PATIENCE, report, takes_seconds
from servers import Nginx, Origin

RUNS_ALONE = True


class ManyUrlsTest(GatherdTest):
    settings = [*GatherdTest.settings, "api.max_items=20000"]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.nginx = cls.enterClassContext(Nginx())

    def test_ten_thousand_urls_in_one_gather(self) -> None:
        urls = [f"{self.nginx.base}/{n}" for n in range(10_000)]
        limits = {"concurrency": 200, "per_host_concurrency": 50}
        reply = self.post("/v1/gather", {"urls": urls, "limits": limits})
        self.assertEqual(reply.status, 200, reply.body[:500])
        results = reply.json()["results"]
        report(f"10 000 URLs: {reply.seconds:.2f} s, {reply.seconds * 100:.0f} us each")
        self.assertEqual([r["request"]["url"] for r in results], urls)
        self.assertEqual({r["status_code"] for r in results}, {200})
        self.assertEqual({r["body"]["decoded_bytes"] for r in results}, {100})
        self.assert_origin_agrees(urls, limits["per_host_concurrency"])

    def assert_origin_agrees(self, urls: list[str], most_connections: int) -> None:
        log = self.nginx.access_log()
        self.assertEqual(sorted(uri for *_, uri in log),
                         sorted(url.removeprefix(self.nginx.base) for url in urls))
        connections = len({connection for connection, *_ in log})
        report(f"10 000 URLs: {connections} connections")
        self.assertLessEqual(connections, most_connections)

    def test_per_host_concurrency_bounds_the_open_connections(self) -> None:
        self.results([self.origin.url(f"/slow?ms=2&n={n}") for n in range(500)],
                     limits={"concurrency": 100, "per_host_concurrency": 8})
        self.assertEqual(self.origin.peak_requests(), 8)
        self.assertLessEqual(self.origin.peak_connections(), 8)


class TimeTest(GatherdTest):
    def timed(self, urls: list[str], **members: Json) -> Json:
        return self.gather(urls, limits={"concurrency": 100, "per_host_concurrency": 100},
                           **members)

    def slow_urls(self, count: int) -> list[str]:
        return [self.origin.url(f"/slow?ms=100&n={n}") for n in range(count)]

    def test_a_hundred_slow_urls_take_as_long_as_one(self) -> None:
        answer = self.timed(self.slow_urls(100))
        report(f"100 URLs of 100 ms: {answer['elapsed_ms']:.1f} ms")
        self.assertEqual(answer["counts"]["success"], 100)
        self.assertGreaterEqual(answer["elapsed_ms"], 100)
        self.assertLess(answer["elapsed_ms"], 400 * PATIENCE)

    def test_a_deadline_ends_the_one_that_hangs(self) -> None:
        urls = self.slow_urls(100)
        urls[42] = self.origin.url("/hang")
        answer = self.timed(urls, deadline_ms=300 * PATIENCE)
        report(f"99 URLs of 100 ms, one that hangs, a deadline of {300 * PATIENCE:g} ms: "
               f"{answer['elapsed_ms']:.1f} ms")
        self.assertEqual(answer["counts"]["success"], 99)
        self.assert_error(answer["results"][42], "transport_error", "deadline_exceeded", "wait")
        self.assertGreaterEqual(answer["elapsed_ms"], 300 * PATIENCE)
        self.assertLess(answer["elapsed_ms"], 600 * PATIENCE)


class ResponsiveTest(GatherdTest):
    """The loop never blocks: health answers at once whatever else goes on."""

    settings = [*GatherdTest.settings, "api.max_items=20000"]
    zone = {"slow.test": {"A": ["127.0.0.1"], "delay_ms": 3000},
            "slower.test": {"A": ["127.0.0.1"], "delay_ms": 30000}}

    def slowest_health(self, while_running: threading.Thread) -> float:
        """The longest /healthz took, in milliseconds, until the thread ended."""
        slowest = 0.0
        with self.gatherd.connect() as connection:
            while while_running.is_alive():
                started = time.monotonic()
                self.ask_health(connection)
                slowest = max(slowest, (time.monotonic() - started) * 1000)
                time.sleep(0.005)
        return slowest

    def ask_health(self, connection: RawConnection) -> None:
        connection.send(self.gatherd.request_bytes("/healthz"))
        reply = connection.reply()
        assert reply is not None
        self.assertEqual(reply.status, 200)

    def in_background(self, requests: Json, **members: Json) -> tuple[threading.Thread, list[Any]]:
        """A gather in a thread, and the list its answer will be in."""
        answers: list[Any] = []
        thread = threading.Thread(
            target=lambda: answers.append(self.gather(requests, **members)))
        thread.start()
        return thread, answers

    @takes_seconds
    def test_health_answers_while_a_name_takes_three_seconds(self) -> None:
        thread, answers = self.in_background(
            [{"url": self.origin.url(host="slow.test"), "timeout_ms": 20000}])
        slowest = self.slowest_health(thread)
        report(f"health while a name took 3 s: {slowest:.1f} ms at most")
        self.assertLess(slowest, 200 * PATIENCE)
        result = answers[0]["results"][0]
        self.assertEqual(result["outcome"], "success", result["error"])
        self.assertGreaterEqual(result["timings"]["dns_ms"], 3000)

    def test_health_answers_while_a_name_times_out(self) -> None:
        thread, answers = self.in_background(
            [{"url": self.origin.url(host="slower.test"), "timeout_ms": 500}])
        self.assertLess(self.slowest_health(thread), 200 * PATIENCE)
        self.assertFalse(answers[0]["results"][0]["ok"])

    def test_health_answers_while_a_big_gather_runs(self) -> None:
        with Nginx() as nginx:
            thread, answers = self.in_background([f"{nginx.base}/{n}" for n in range(10_000)])
            slowest = self.slowest_health(thread)
        report(f"health while 10 000 URLs ran: {slowest:.1f} ms at most")
        self.assertEqual(answers[0]["counts"]["success"], 10_000)
        self.assertLess(slowest, 500 * PATIENCE)

    def test_a_small_gather_is_not_held_up_by_a_big_one(self) -> None:
        with Origin(host="127.0.0.2") as other:
            big, _ = self.in_background([other.url("/slow?ms=50")] * 200,
                                        limits={"concurrency": 10})
            answer = self.gather([self.origin.url()])
            self.assertTrue(big.is_alive())
            self.assertLess(answer["elapsed_ms"], 300 * PATIENCE)
            big.join()


class MemoryTest(GatherdTest):
    settings = [*GatherdTest.settings, "api.max_items=20000"]

    def test_memory_is_back_after_big_gathers(self) -> None:
        with Nginx() as nginx:
            urls = [f"{nginx.base}/{n}" for n in range(5000)]
            self.assert_memory_back(lambda: self.post("/v1/gather", json.dumps(urls)), 5, 16 << 20)
