"""Jobs that expire while others come: nobody sees a part of one, and the space is used again."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter

from durable import DurableTest
from harness import Gatherd, Json, curl
from patience import eventually, takes_seconds
from servers import Nginx

TTL_MS = 700
N_ITEMS = 2000
PAGE = 700  # so that reading a job takes several requests, and it can expire in between


class Reader(threading.Thread):
    """Reads whole jobs, and says which of them it saw in part."""

    def __init__(self, gatherd: Gatherd) -> None:
        super().__init__(daemon=True)
        self.gatherd = gatherd
        self.is_to_stop = threading.Event()
        self.seen: Counter[str] = Counter()
        self.problems: list[str] = []

    def run(self) -> None:
        while not self.is_to_stop.is_set():
            for job in self.get("/v1/jobs?limit=20")[1]["data"]:
                self.read(job)

    def get(self, target: str) -> tuple[int, Json]:
        reply = curl(f"{self.gatherd.base}{target}")
        return reply.status, reply.json()

    def read(self, job: Json) -> None:
        """All results that it counted, or at some page a 404: never fewer."""
        results, cursor = 0, ""
        while True:
            status, page = self.get(f"/v1/jobs/{job['id']}/results?limit={PAGE}{cursor}")
            if status == 404:
                self.seen["gone"] += 1
                return
            finished = sum(each["state"] == "finished" for each in page["data"])
            results += finished
            if job["done"] and finished < len(page["data"]):
                self.problems.append(f"{job['id']} has ended, and a page has {finished} results")
            if not page["has_more"]:
                break
            cursor = f"&cursor={page['next_cursor']}"
        self.seen["whole"] += 1
        if results < job["counts"]["finished"]:
            self.problems.append(f"{job['id']}: {results} results of {job['counts']['finished']}")


class RetentionTest(DurableTest):
    TAKES_LONG = True

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.nginx = cls.enterClassContext(Nginx())

    def submit(self, gatherd: Gatherd) -> Json:
        urls = [f"{self.nginx.base}/{i}" for i in range(N_ITEMS)]
        reply = curl("--data-binary", "@-", f"{gatherd.base}/v1/jobs",
                     stdin=json.dumps({"requests": urls, "ttl_ms": TTL_MS}).encode())
        self.assertEqual(reply.status, 202, reply.body)
        return reply.json()

    def stored_bytes(self, gatherd: Gatherd) -> int:
        return sum((gatherd.store / name).stat().st_size for name in ("gatherd.db", "gatherd.db-wal"))

    def is_empty(self, gatherd: Gatherd) -> bool:
        return not curl(f"{gatherd.base}/v1/jobs").json()["data"]

    @takes_seconds
    def test_a_job_expires_as_a_whole_while_others_come(self) -> None:
        gatherd = self.daemon()
        readers = [Reader(gatherd) for _ in range(2)]
        for reader in readers:
            reader.start()
        largest, until = 0, time.monotonic() + 4
        while time.monotonic() < until:
            self.submit(gatherd)
            largest = max(largest, self.stored_bytes(gatherd))
        for reader in readers:
            reader.is_to_stop.set()
            reader.join(30)
            self.assertEqual(reader.problems[:5], [])
            self.assertGreater(reader.seen["whole"], 0)
            self.assertGreater(reader.seen["gone"], 0)
        eventually(lambda: self.is_empty(gatherd), "that all have expired", 20)
        time.sleep(0.5)  # what is left of them is deleted bit by bit
        gatherd.stop()
        self.assertLess((gatherd.store / "gatherd.db").stat().st_size, largest / 4)
