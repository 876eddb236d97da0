"""What the tests of durable jobs share: jobs of many URLs, and daemons on bad disks."""

from __future__ import annotations

import os
import time
import unittest
from pathlib import Path

from harness import Gatherd, GatherdTest, Json, Reply, curl
from patience import PATIENCE, eventually

BAD_DISK = Path(os.environ.get("GATHERD", "/")).parent / "tests" / "support" / "bad_disk.so"

needs_bad_disk = unittest.skipUnless(
    BAD_DISK.exists() and "GATHERD_WRAPPER" not in os.environ, "no tests/support/bad_disk.so")


class BadDisk:
    """A daemon whose store is on a disk that tests/support/bad_disk.c makes what it is."""

    def __init__(self, *settings: str, size: int | None = None, **flaws: int) -> None:
        """flaws: sync_ms, fail_sync."""
        self.gatherd = Gatherd("egress.allow=127.0.0.0/8", *settings)
        self.size_file = self.gatherd.directory / "size"
        self.gatherd.environment |= {
            "LD_PRELOAD": str(BAD_DISK), "BAD_DISK_DIR": str(self.gatherd.store),
            "BAD_DISK_SIZE": str(self.size_file),
            **{f"BAD_DISK_{name.upper()}": str(value) for name, value in flaws.items()}}
        if size is not None:
            self.resize(size)

    def mend(self) -> None:
        """For the next start."""
        del self.gatherd.environment["LD_PRELOAD"]

    def resize(self, size: int) -> None:
        """At once, as a whole."""
        new = self.size_file.with_suffix(".new")
        new.write_text(str(size))
        new.rename(self.size_file)

    def used(self) -> int:
        return sum(file.stat().st_size for file in self.gatherd.store.iterdir())


class DurableTest(GatherdTest):
    """Each test has a daemon of its own where it needs one."""

    def daemon(self, *settings: str) -> Gatherd:
        return self.enterContext(Gatherd("egress.allow=127.0.0.0/8", *settings))

    def post_urls(self, gatherd: Gatherd, urls: list[str], *arguments: str) -> Reply:
        return curl("--data-binary", "@-", "-H", "Content-Type: text/uri-list", *arguments,
                    f"{gatherd.base}/v1/jobs", stdin="\n".join(urls).encode())

    def submit_urls(self, gatherd: Gatherd, urls: list[str], *arguments: str) -> Json:
        reply = self.post_urls(gatherd, urls, *arguments)
        self.assertEqual(reply.status, 202, reply.body[:2000])
        return reply.json()

    def look(self, gatherd: Gatherd, job: Json) -> Json:
        reply = curl(f"{gatherd.base}/v1/jobs/{job['id']}")
        self.assertEqual(reply.status, 200, reply.body)
        return reply.json()

    def ended(self, gatherd: Gatherd, job: Json, seconds: float = 30) -> Json:
        return eventually(lambda: (now := self.look(gatherd, job))["done"] and now,
                          "the end of the job", seconds)

    def all_results(self, gatherd: Gatherd, job: Json) -> list[Json]:
        results, cursor = [], ""
        while True:
            page = curl(f"{gatherd.base}/v1/jobs/{job['id']}/results?limit=1000{cursor}").json()
            results += page["data"]
            if not page["has_more"]:
                return results
            cursor = f"&cursor={page['next_cursor']}"

    def assert_complete(self, gatherd: Gatherd, job: Json, urls: list[str]) -> None:
        """Every URL has its result, and the counts are those of the results."""
        ended = self.ended(gatherd, job)
        results = self.all_results(gatherd, job)
        self.assertEqual([result["request"]["url"] for result in results], urls)
        self.assertEqual({result["state"] for result in results}, {"finished"})
        successes = [result for result in results if result["outcome"] == "success"]
        self.assertEqual((ended["counts"]["total"], ended["counts"]["success"]),
                         (len(urls), len(successes)))


def answer_ms(gatherd: Gatherd, target: str) -> float:
    """How long an answer takes, from the request to its last byte."""
    with gatherd.connect() as connection:
        began = time.monotonic()
        connection.send(gatherd.request_bytes(target))
        reply = connection.reply()
        assert reply is not None and reply.status == 200, reply
        return (time.monotonic() - began) * 1000


def health_ms(gatherd: Gatherd, seconds: float) -> list[float]:
    """How long /healthz took, each time, sorted."""
    took = []
    end = time.monotonic() + seconds * PATIENCE
    while time.monotonic() < end:
        took.append(answer_ms(gatherd, "/healthz"))
        time.sleep(0.002)
    return sorted(took)


def p99(sorted_values: list[float]) -> float:
    return sorted_values[len(sorted_values) * 99 // 100]
