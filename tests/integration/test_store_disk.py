"""A store on a disk that fails or is full: what was acknowledged stays, and clients are told."""

from __future__ import annotations

import json

from durable import BadDisk, DurableTest, needs_bad_disk
from harness import Gatherd, Json, curl, run_curl
from patience import PATIENCE, eventually

MIB = 1 << 20


@needs_bad_disk
class FailingDiskTest(DurableTest):
    """The n-th fsync() fails, and no other: the daemon must not believe the next one."""

    def post_until_it_fails(self, gatherd: Gatherd) -> tuple[list[Json], list[int]]:
        """The jobs that were acknowledged, and the statuses of the other answers."""
        jobs, statuses = [], []
        for n in range(200):
            done = run_curl("-w", "\n%{http_code}", "-d", f'["{self.origin.url(f"/bytes/{n}")}"]',
                            f"{gatherd.base}/v1/jobs")
            if done.returncode:
                break
            body, _, status = done.stdout.rpartition(b"\n")
            if int(status) == 202:
                jobs.append(json.loads(body))
            else:
                statuses.append(int(status))
        return jobs, statuses

    def check_failing_at(self, n: int) -> None:
        disk = BadDisk(fail_sync=n)
        gatherd = disk.gatherd
        try:
            gatherd.launch()
            jobs, statuses = [], []
            try:
                eventually(gatherd.is_healthy, "/healthz", 10)
                jobs, statuses = self.post_until_it_fails(gatherd)
            except AssertionError:
                pass  # it did not even start
            self.assertLessEqual(set(statuses), {503})
            status = gatherd.process.wait(10 * PATIENCE)
            self.assertNotEqual(status, 0, gatherd.stderr())
            self.assertGreater(status, 0, gatherd.stderr())
            disk.mend()
            gatherd.start()
            for job in jobs:
                self.assertEqual(self.ended(gatherd, job)["counts"]["success"], 1)
            listed = curl(f"{gatherd.base}/v1/jobs?limit=1000").json()["data"]
            self.assertLessEqual(len(listed) - len(jobs), 1)  # that of the commit which failed
        finally:
            gatherd.__exit__()

    def test_it_ends_at_the_first_failure(self) -> None:
        for n in (1, 2, 3, 4, 5, 6, 8, 10, 13, 21, 34, 50):
            with self.subTest(n=n):
                self.check_failing_at(n)


@needs_bad_disk
class FullDiskTest(DurableTest):
    N = 100

    def small_disk(self, *settings: str) -> BadDisk:
        disk = BadDisk("store.min_free_bytes=0", *settings)
        self.enterContext(disk.gatherd)
        return disk

    def fill(self, disk: BadDisk) -> list[Json]:
        """Jobs until there is no more room; those that were acknowledged."""
        disk.resize(disk.used() + 2 * MIB)
        urls = [self.origin.url(f"/bytes/1?{'x' * 1000}={n}") for n in range(self.N)]
        jobs = []
        while (reply := self.post_urls(disk.gatherd, urls)).status == 202:
            jobs.append(reply.json())
            self.assertLess(len(jobs), 1000)
        self.assertEqual(self.assert_problem(reply, 507)["code"], "store_full")
        return jobs

    def test_a_full_disk_is_said_and_what_was_taken_is_kept(self) -> None:
        disk = self.small_disk()
        jobs = self.fill(disk)
        for job in jobs:
            self.look(disk.gatherd, job)
        self.assertEqual(curl(f"{disk.gatherd.base}/v1/jobs").status, 200)
        disk.resize(1 << 30)
        eventually(lambda: self.post_urls(disk.gatherd, [self.origin.url("/")]).status == 202,
                   "room", 30)
        for job in jobs:
            self.assertEqual(self.ended(disk.gatherd, job, 60)["counts"]["success"], self.N)

    def test_results_wait_for_space(self) -> None:
        disk = self.small_disk()
        job = self.submit_urls(disk.gatherd, [self.origin.url(f"/slow?ms=5&n={n}")
                                              for n in range(3000)])
        disk.resize(disk.used())
        eventually(lambda: self.post_urls(disk.gatherd, [self.origin.url("/")]).status == 507,
                   "a full disk")
        ready = curl(f"{disk.gatherd.base}/readyz")
        self.assertEqual((ready.status, ready.json()["reason"]), (503, "store_full"))
        self.assertEqual(curl(f"{disk.gatherd.base}/healthz").status, 200)
        self.assertFalse(self.look(disk.gatherd, job)["done"])
        disk.resize(1 << 30)
        self.assertEqual(self.ended(disk.gatherd, job, 60)["counts"]["success"], 3000)

    def test_a_crash_on_a_full_disk_loses_nothing(self) -> None:
        disk = self.small_disk()
        jobs = self.fill(disk)
        disk.gatherd.kill()
        disk.resize(1 << 30)
        disk.gatherd.start()
        for job in jobs:
            self.assertEqual(self.ended(disk.gatherd, job, 60)["counts"]["success"], self.N)

    def test_little_free_space_is_enough_to_refuse(self) -> None:
        disk = BadDisk("store.min_free_bytes=64M", size=1 << 30)
        with disk.gatherd as gatherd:
            job = self.submit_urls(gatherd, [self.origin.url("/")])
            disk.resize(disk.used() + 32 * MIB)
            eventually(lambda: self.post_urls(gatherd, [self.origin.url("/")]).status == 507,
                       "the refusal", 15)
            self.ended(gatherd, job)
            disk.resize(1 << 30)
            eventually(lambda: self.post_urls(gatherd, [self.origin.url("/")]).status == 202,
                       "room", 15)
