"""How long durable jobs make others wait: for a slow disk, and for each other."""

from __future__ import annotations

import time
from datetime import datetime

from durable import BadDisk, DurableTest, answer_ms, health_ms, needs_bad_disk, p99
from harness import Gatherd, Json, curl
from patience import PATIENCE, in_the_end, report, takes_seconds
from servers import Nginx

RUNS_ALONE = True


class PaceTest(DurableTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.nginx = cls.enterClassContext(Nginx())

    def urls(self, n: int) -> list[str]:
        return [f"{self.nginx.base}/{i}" for i in range(n)]


@needs_bad_disk
class SlowDiskTest(PaceTest):
    def check_health(self, sync_ms: int, n: int) -> None:
        with BadDisk(sync_ms=sync_ms).gatherd as gatherd:
            job = self.submit_urls(gatherd, self.urls(n))
            took = p99(health_ms(gatherd, 2))
            ended = self.ended(gatherd, job, 60)
        report(f"fsync {sync_ms} ms slower: health p99 {took:.1f} ms, "
               f"{n / ended['elapsed_ms'] * 1000:.0f} results/s")
        self.assertEqual(ended["counts"]["success"], n)
        self.assertLess(took, 20 * PATIENCE)

    @takes_seconds
    def test_a_slow_disk_does_not_hold_up_health(self) -> None:
        in_the_end(lambda: self.check_health(10, 30_000))

    @takes_seconds
    def test_nor_does_a_very_slow_one(self) -> None:
        in_the_end(lambda: self.check_health(200, 10_000))

    @takes_seconds
    def test_a_slow_disk_does_not_make_memory_grow(self) -> None:
        with BadDisk(sync_ms=100).gatherd as gatherd:
            before = gatherd.resident_bytes()
            self.ended(gatherd, self.submit_urls(gatherd, self.urls(30_000)), 60)
            growth = gatherd.resident_bytes() - before
            if gatherd.memory_is_its_own():
                self.assertLess(growth, 128 << 20)


class FairnessTest(PaceTest):
    """One-URL jobs while a large one runs."""

    def seconds_until_it_began(self, job: Json) -> float:
        created, started = (datetime.fromisoformat(job[name].replace("Z", "+00:00"))
                            for name in ("created_at", "started_at"))
        return (started - created).total_seconds()

    def check_small_jobs(self, gatherd: Gatherd) -> None:
        large = self.submit_urls(gatherd, self.urls(100_000))
        waited = []
        while not self.look(gatherd, large)["done"] and len(waited) < 40:
            small = self.ended(gatherd, self.submit_urls(gatherd, self.urls(1)))
            waited.append(self.seconds_until_it_began(small) * 1000)
            time.sleep(0.05)
        curl("-X", "DELETE", f"{gatherd.base}/v1/jobs/{large['id']}")
        waited.sort()
        report(f"{len(waited)} one-URL jobs beside one of 100 000 began after "
               f"{waited[len(waited) // 2]:.1f} ms in the middle, {waited[-1]:.1f} ms at most")
        self.assertLess(waited[len(waited) * 9 // 10], 250 * PATIENCE)

    @takes_seconds
    def test_a_small_job_does_not_wait_for_a_large_one(self) -> None:
        gatherd = self.daemon("fetch.concurrency=64")
        in_the_end(lambda: self.check_small_jobs(gatherd))

    @takes_seconds
    def test_reading_does_not_wait_for_a_large_one(self) -> None:
        gatherd = self.daemon()
        large = self.submit_urls(gatherd, self.urls(100_000))
        took = []
        while not self.look(gatherd, large)["done"] and len(took) < 100:
            for path in (f"/v1/jobs/{large['id']}/results?limit=100", "/v1/jobs?limit=100"):
                took.append(answer_ms(gatherd, path))
        report(f"reading beside a job of 100 000: p99 {p99(sorted(took)):.1f} ms")
        self.assertLess(sorted(took)[len(took) * 9 // 10], 200 * PATIENCE)
