"""Limits for each host, counted by the hosts themselves."""

from __future__ import annotations

from harness import GatherdTest, Json
from patience import PATIENCE
from servers import Origin

HOSTS = [f"127.0.0.{n}" for n in range(2, 6)]


class PerHostTest(GatherdTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.origins = [cls.enterClassContext(Origin(host=host)) for host in HOSTS]

    def setUp(self) -> None:
        super().setUp()
        for origin in self.origins:
            origin.log.mark()

    def ask_all(self, n_each: int, path: str, **limits: Json) -> None:
        urls = [origin.url(f"{path}&n={n}") for n in range(n_each) for origin in self.origins]
        results = self.results(urls, limits=limits)
        self.assert_outcomes(results, ["success"] * len(urls))

    def test_each_host_gets_each_request_once(self) -> None:
        self.ask_all(30, "/slow?ms=1", concurrency=40, per_host_concurrency=10)
        for origin in self.origins:
            self.assertEqual(sorted(origin.targets()),
                             sorted(f"/slow?ms=1&n={n}" for n in range(30)))

    def test_no_host_has_more_at_once_than_it_may(self) -> None:
        self.ask_all(30, "/slow?ms=5", concurrency=40, per_host_concurrency=3)
        self.assertEqual([origin.peak_requests() for origin in self.origins], [3] * len(HOSTS))
        for origin in self.origins:
            self.assertLessEqual(origin.peak_connections(), 3)

    def test_no_host_is_asked_more_often_than_it_may(self) -> None:
        self.ask_all(15, "/slow?ms=0", concurrency=40, per_host_concurrency=10,
                     per_host_rate={"requests": 5, "per_ms": 200})
        for origin in self.origins:
            times = [request["time"] for request in origin.requests()]
            self.assertGreater(times[-1] - times[0], 0.2)
            for first, sixth in zip(times, times[10:]):
                self.assertGreater(sixth - first, 0.15, times)

    def test_one_slow_host_does_not_hold_up_the_others(self) -> None:
        slow, *fast = self.origins
        urls = [slow.url(f"/slow?ms=300&n={n}") for n in range(12)]
        urls += [origin.url(f"/slow?ms=1&n={n}") for n in range(12) for origin in fast]
        results = self.results(urls, limits={"concurrency": 8, "per_host_concurrency": 4})
        self.assert_outcomes(results, ["success"] * len(urls))
        slowest = max(result["timings"]["elapsed_ms"] for result in results[12:])
        self.assertLess(slowest, 500 * PATIENCE)
