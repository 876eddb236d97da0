"""SIGTERM: no new work is taken, what is under way ends, and whoever asks is told."""

from __future__ import annotations

import json
import signal
import threading
import time

from durable import DurableTest
from harness import Gatherd, Json, Reply, curl
from patience import PATIENCE, eventually


class Background(threading.Thread):
    """A request whose answer comes later."""

    def __init__(self, *arguments: str) -> None:
        super().__init__()
        self.arguments = arguments
        self.reply: Reply | None = None
        self.start()

    def run(self) -> None:
        self.reply = curl(*self.arguments)

    def answer(self) -> Reply:
        self.join(20 * PATIENCE)
        assert self.reply is not None, "no answer came"
        return self.reply


class DrainTest(DurableTest):
    def told_to_end(self, gatherd: Gatherd) -> None:
        gatherd.process.send_signal(signal.SIGTERM)
        eventually(lambda: "stopping on TERM" in gatherd.stderr(), "the signal's line")

    def slow_gather(self, gatherd: Gatherd, ms: int) -> Background:
        """One that is being fetched."""
        url = self.origin.url(f"/slow?ms={ms}")
        gather = Background("-d", json.dumps([url]), f"{gatherd.base}/v1/gather")
        eventually(lambda: f"/slow?ms={ms}" in self.origin.targets(), "the request")
        return gather

    def tasks(self, gatherd: Gatherd) -> list[Json]:
        return curl(f"{gatherd.base}/v1/tasks").json()["data"]

    def test_a_daemon_that_serves_is_ready(self) -> None:
        reply = curl(f"{self.gatherd.base}/readyz")
        self.assertEqual((reply.status, reply.json()), (200, {"status": "ready", "reason": None}))

    def test_new_work_is_refused_and_questions_are_answered(self) -> None:
        gatherd = self.daemon("api.drain_timeout_ms=20s")
        job = self.submit_urls(gatherd, [self.origin.url("/")])
        self.ended(gatherd, job)
        self.origin.log.mark()
        gather = self.slow_gather(gatherd, int(1500 * PATIENCE))
        self.told_to_end(gatherd)
        ready = curl(f"{gatherd.base}/readyz")
        self.assertEqual((ready.status, ready.json()["reason"]), (503, "draining"))
        for path in ("/v1/jobs", "/v1/gather", f"/v1/jobs/{job['id']}/retry"):
            reply = curl("-d", '["http://127.0.0.1/"]', gatherd.base + path)
            self.assertEqual(self.assert_problem(reply, 503)["code"], "draining", path)
            self.assertGreater(int(reply.header("retry-after") or 0), 0)
        for path in ("/healthz", "/metrics", "/v1/stats", f"/v1/jobs/{job['id']}"):
            self.assertEqual(curl(gatherd.base + path).status, 200, path)
        self.assertIn(b"\ngatherd_draining 1\n", curl(f"{gatherd.base}/metrics").body)
        self.assertEqual(gather.answer().json()["results"][0]["outcome"], "success")
        gatherd.ended()

    def test_what_is_fetched_for_a_job_ends_and_is_kept(self) -> None:
        gatherd = self.daemon("api.drain_timeout_ms=20s", "fetch.concurrency=2")
        urls = [self.origin.url(f"/slow?ms={500 * PATIENCE:.0f}&n={n}") for n in range(6)]
        job = self.submit_urls(gatherd, urls)
        eventually(lambda: len(self.origin.requests()) == 2, "two requests")
        gatherd.stop()
        self.assertEqual(len(self.origin.requests()), 2)
        gatherd.start()
        self.assertEqual(self.ended(gatherd, job)["counts"]["success"], 6)
        sent = [event["target"] for event in self.origin.requests()]
        self.assertEqual(len(set(sent)), len(sent), "nothing was sent twice")

    def test_a_job_that_is_being_received_is_taken(self) -> None:
        gatherd = self.daemon("api.drain_timeout_ms=20s")
        body = json.dumps([self.origin.url("/")]).encode()
        head, _, _ = gatherd.request_bytes("/v1/jobs", "POST", body).rpartition(body)
        with gatherd.connect() as connection:
            connection.send(head + body[:5])
            eventually(lambda: "/v1/jobs" in [task["name"] for task in self.tasks(gatherd)],
                       "the handler")
            self.told_to_end(gatherd)
            connection.send(body[5:])
            reply = connection.reply()
        assert reply is not None
        self.assertEqual((reply.status, reply.header("connection")), (202, "close"))
        gatherd.ended()
        gatherd.start()
        self.assertEqual(self.ended(gatherd, reply.json())["counts"]["success"], 1)

    def test_what_takes_longer_than_the_drain_is_given_up(self) -> None:
        gatherd = self.daemon("api.drain_timeout_ms=300ms")
        job = self.submit_urls(gatherd, [self.origin.url("/hang")])
        gather = self.slow_gather(gatherd, 60_000)
        began = time.monotonic()
        gatherd.stop()
        self.assertLess(time.monotonic() - began, 5 * PATIENCE)
        self.assertEqual(gather.answer().status, 503)
        gatherd.start()
        self.assertFalse(curl(f"{gatherd.base}/v1/jobs/{job['id']}").json()["done"])

    def test_who_waits_for_a_job_need_not_wait_for_the_end(self) -> None:
        gatherd = self.daemon("api.drain_timeout_ms=20s")
        job = self.submit_urls(gatherd, [self.origin.url(f"/slow?ms={1500 * PATIENCE:.0f}")])
        eventually(lambda: len(self.origin.requests()) == 1, "the request")
        waiter = Background(f"{gatherd.base}/v1/jobs/{job['id']}?wait=50&until=done")
        time.sleep(0.2 * PATIENCE)
        self.told_to_end(gatherd)
        self.assertIn(waiter.answer().status, (200, 304))
        self.assertLess(waiter.answer().seconds, 1.2 * PATIENCE)
        gatherd.ended()

    def test_a_stream_ends_and_is_whole_as_far_as_it_goes(self) -> None:
        gatherd = self.daemon("api.drain_timeout_ms=20s")
        urls = [self.origin.url("/"), self.origin.url(f"/slow?ms={1000 * PATIENCE:.0f}")]
        job = self.submit_urls(gatherd, urls)
        eventually(lambda: len(self.origin.requests()) == 2, "the requests")
        stream = Background("-N", f"{gatherd.base}/v1/jobs/{job['id']}/events")
        time.sleep(0.2 * PATIENCE)
        self.told_to_end(gatherd)
        reply = stream.answer()  # curl fails if the last chunk is missing
        self.assertEqual(reply.status, 200)
        self.assertIn(b"event: result\n", reply.body)
        gatherd.ended()
