"""A daemon that is killed goes on where it was; two never share a store."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import threading
import time
import unittest
from collections import Counter
from contextlib import closing
from pathlib import Path

from durable import DurableTest
from harness import Gatherd, Json, Reply, command_line, curl, run_curl
from patience import PATIENCE, eventually, report, takes_seconds

TRIES = 6  # of a request that kills the daemon: with others, then alone


def chunks_on_disk(gatherd: Gatherd) -> int:
    """Of all that was uploaded, whether it became a job or not."""
    uri = f"file:{gatherd.store}/gatherd.db?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as database:
        return database.execute("SELECT count(*) FROM chunk_data").fetchone()[0]


class CrashTest(DurableTest):
    def test_a_job_goes_on_after_a_crash(self) -> None:
        gatherd = self.daemon("fetch.concurrency=4")
        urls = [self.origin.url(f"/slow?ms=20&n={n}") for n in range(100)]
        job = self.submit_urls(gatherd, urls)
        eventually(lambda: self.look(gatherd, job)["counts"]["finished"] > 10, "some results")
        gatherd.restart()
        self.assert_complete(gatherd, job, urls)
        counts = Counter(self.origin.targets())
        self.assertEqual(len(counts), 100)
        self.assertLessEqual(sum(counts.values()) - 100, 20)  # in flight, or not committed yet

    def test_what_has_ended_is_there_after_a_crash(self) -> None:
        gatherd = self.daemon()
        urls = [self.origin.url(f"/bytes/{n}") for n in range(30)]
        job = self.ended(gatherd, self.submit_urls(gatherd, urls))
        results = self.all_results(gatherd, job)
        gatherd.restart()
        self.assertEqual(self.look(gatherd, job), job)
        self.assertEqual(self.all_results(gatherd, job), results)

    def test_an_unsafe_request_in_flight_is_interrupted(self) -> None:
        gatherd = self.daemon()
        reply = curl("-d", f'[{{"url": "{self.origin.url("/hang")}", "method": "POST"}},'
                           f' "{self.origin.url("/")}"]', f"{gatherd.base}/v1/jobs")
        eventually(lambda: "/hang" in self.origin.targets(), "the request")
        gatherd.restart()
        results = self.ended(gatherd, reply.json()) and self.all_results(gatherd, reply.json())
        self.assert_outcomes(results, ["interrupted", "success"])
        self.assertEqual(results[0]["error"]["code"], "interrupted")
        self.assertEqual(self.origin.targets().count("/hang"), 1)

    def arrivals(self, target: str) -> int:
        return self.origin.targets().count(target)

    def kill_when_it_comes(self, gatherd: Gatherd, job: Json, target: str) -> int:
        """As if that request were what kills the daemon; how often it did until the job ended."""
        n = 0
        while n < 20:
            eventually(lambda: self.arrivals(target) > n or self.look(gatherd, job)["done"],
                       "the request, or the end of the job", 20)
            if self.arrivals(target) == n:
                break
            n += 1
            gatherd.restart()
        return n

    def test_a_request_that_kills_it_each_time_is_given_up_and_no_other(self) -> None:
        gatherd = self.daemon()
        slow = [self.origin.url(f"/slow?ms=300&n={n}") for n in range(3)]
        job = self.submit_urls(gatherd, [slow[0], self.origin.url("/hang"), *slow[1:]])
        self.assertGreaterEqual(self.kill_when_it_comes(gatherd, job, "/hang"), TRIES)
        results = self.all_results(gatherd, job)
        self.assert_outcomes(results, ["success", "transport_error", "success", "success"])
        self.assertEqual(results[1]["error"]["code"], "internal")
        self.assertIn(f"item 1 of job {job['id']} is given up", gatherd.stderr())
        self.assertEqual(gatherd.stderr().count("is given up"), 1)

    def test_a_canceled_job_stays_canceled(self) -> None:
        gatherd = self.daemon()
        job = self.submit_urls(gatherd, [self.origin.url("/hang")] * 1000)
        curl("-X", "POST", f"{gatherd.base}/v1/jobs/{job['id']}/cancel")
        gatherd.restart()
        self.assertEqual(self.ended(gatherd, job)["status"], "canceled")

    def test_a_deleted_job_stays_deleted(self) -> None:
        gatherd = self.daemon()
        job = self.submit_urls(gatherd, [self.origin.url("/")])
        self.ended(gatherd, job)
        self.assertEqual(curl("-X", "DELETE", f"{gatherd.base}/v1/jobs/{job['id']}").status, 204)
        gatherd.restart()
        self.assertEqual(curl(f"{gatherd.base}/v1/jobs/{job['id']}").status, 404)

    def test_a_broken_upload_leaves_nothing(self) -> None:
        gatherd = self.daemon()
        body = b"\n".join(b"http://127.0.0.1/%d" % n for n in range(20_000))
        with gatherd.connect() as connection:
            head = gatherd.request_bytes("/v1/jobs", "POST", b"", f"Content-Length: {len(body)}",
                                         "Content-Type: text/uri-list")
            connection.send(head + body[:-10])
            eventually(lambda: chunks_on_disk(gatherd), "the upload on the disk")
            gatherd.kill()
        self.assertGreater(chunks_on_disk(gatherd), 0)
        gatherd.start()
        eventually(lambda: chunks_on_disk(gatherd) == 0, "the end of what was uploaded")
        self.assertEqual(curl(f"{gatherd.base}/v1/jobs").json()["data"], [])

    @takes_seconds
    def test_a_backlog_does_not_hold_up_the_start(self) -> None:
        gatherd = self.daemon()
        job = self.submit_urls(gatherd, [self.origin.url(f"/hang?n={n}") for n in range(100_000)])
        eventually(lambda: self.look(gatherd, job)["counts"]["running"] > 10, "work")
        gatherd.kill()
        began = time.monotonic()
        gatherd.start()
        ready = time.monotonic() - began
        eventually(lambda: self.look(gatherd, job)["counts"]["running"] > 10, "work")
        at_work = time.monotonic() - began
        report(f"with 100 000 to do: ready after {ready * 1000:.0f} ms, "
               f"at work after {at_work * 1000:.0f} ms")
        self.assertLess(ready, 1 * PATIENCE)
        self.assertLess(at_work, 1 * PATIENCE)


@unittest.skipUnless(b"after_commit_before_202" in Path(os.environ["GATHERD"]).read_bytes(),
                     "not configured with --enable-crash-points")
class CrashPointTest(DurableTest):
    """A daemon that dies at one point, and is started again."""

    def jobs_after_a_crash(self, point: str, *requests: Json) -> list[list[Json]]:
        """The results of each job there is then."""
        gatherd = self.daemon()
        gatherd.restart(GATHERD_CRASH_AT=point)
        run_curl("-d", json.dumps(requests), f"{gatherd.base}/v1/jobs")
        self.assertEqual(gatherd.process.wait(10 * PATIENCE), -signal.SIGKILL)
        gatherd.start()
        jobs = curl(f"{gatherd.base}/v1/jobs").json()["data"]
        for job in jobs:
            self.ended(gatherd, job)
        return [self.all_results(gatherd, job) for job in jobs]

    def test_a_committed_job_is_there_though_nobody_was_told(self) -> None:
        jobs = self.jobs_after_a_crash("after_commit_before_202", self.origin.url("/"))
        self.assertEqual(len(jobs), 1)
        self.assert_outcomes(jobs[0], ["success"])

    def test_a_request_is_repeated_if_its_answer_was_lost(self) -> None:
        jobs = self.jobs_after_a_crash("after_send_before_result", self.origin.url("/bytes/7"))
        self.assert_outcomes(jobs[0], ["success"])
        self.assertEqual(self.origin.targets(), ["/bytes/7"] * 2)

    def test_but_not_if_it_is_unsafe(self) -> None:
        post = {"url": self.origin.url("/bytes/8"), "method": "POST"}
        jobs = self.jobs_after_a_crash("after_send_before_result", post)
        self.assert_outcomes(jobs[0], ["interrupted"])
        self.assertEqual(self.origin.targets(), ["/bytes/8"])

    def test_an_unsafe_one_that_was_about_to_be_sent_is_not(self) -> None:
        post = {"url": self.origin.url("/bytes/9"), "method": "POST"}
        jobs = self.jobs_after_a_crash("after_start_before_send", post)
        self.assert_outcomes(jobs[0], ["interrupted"])
        self.assertEqual(self.origin.targets(), [])


class SecondDaemonTest(DurableTest):
    def test_a_second_daemon_refuses_the_store(self) -> None:
        gatherd = self.daemon()
        done = subprocess.run(command_line("api.listen=127.0.0.1:0", f"store.path={gatherd.store}"),
                              capture_output=True, text=True, timeout=20 * PATIENCE, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(str(gatherd.store), done.stderr)
        self.assertTrue(gatherd.is_healthy())
        self.submit_urls(gatherd, [self.origin.url("/")])


class KeyTest(DurableTest):
    N = 50

    def storm(self, gatherd: Gatherd, key: str) -> list[Reply | Exception]:
        """The same job with the same key by many clients at once."""
        urls = [self.origin.url(f"/bytes/{n}") for n in range(300)]
        replies: list[Reply | Exception] = []

        def post() -> None:
            try:
                replies.append(self.post_urls(gatherd, urls, "-H", f"Idempotency-Key: {key}"))
            except AssertionError as error:  # the daemon is gone
                replies.append(error)

        threads = [threading.Thread(target=post) for _ in range(self.N)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return replies

    def test_one_key_makes_one_job_however_many_ask(self) -> None:
        gatherd = self.daemon()
        replies = self.storm(gatherd, "storm")
        self.assertLessEqual({reply.status for reply in replies}, {202, 409})
        self.assertEqual(len({r.json()["id"] for r in replies if r.status == 202}), 1)
        self.assertEqual(len(curl(f"{gatherd.base}/v1/jobs").json()["data"]), 1)

    def test_a_key_is_of_one_document(self) -> None:
        gatherd = self.daemon()
        key = ("-H", "Idempotency-Key: k")
        self.submit_urls(gatherd, [self.origin.url("/")], *key)
        reply = self.post_urls(gatherd, [self.origin.url("/json")], *key)
        self.assert_problem(reply, 422)

    def test_a_key_is_known_after_a_crash(self) -> None:
        gatherd = self.daemon()
        key = ("-H", "Idempotency-Key: k")
        job = self.submit_urls(gatherd, [self.origin.url("/")], *key)
        gatherd.restart()
        reply = self.post_urls(gatherd, [self.origin.url("/")], *key)
        self.assertEqual((reply.status, reply.json()["id"]), (202, job["id"]))
        self.assertEqual(reply.header("idempotent-replayed"), "true")

    def test_one_key_makes_one_job_across_a_crash(self) -> None:
        gatherd = self.daemon()
        killer = threading.Timer(0.05, gatherd.kill)
        killer.start()
        before = self.storm(gatherd, "storm")
        killer.join()
        gatherd.start()
        replies = [r for r in before + self.storm(gatherd, "storm") if not isinstance(r, Exception)]
        self.assertEqual(len({r.json()["id"] for r in replies if r.status == 202}), 1)
        self.assertEqual(len(curl(f"{gatherd.base}/v1/jobs").json()["data"]), 1)
