"""Thousands of origins that send a byte a second: they cost little, and clients do not notice."""

from __future__ import annotations

import selectors
import socket
import threading
import time

from durable import DurableTest, health_ms, p99
from harness import GatherdTest
from patience import PATIENCE, report
from test_crowds import crowd_size
from test_descriptors import cpu_seconds

RUNS_ALONE = True

SECONDS = 5
HEAD = f"HTTP/1.1 200 OK\r\nContent-Length: {SECONDS}\r\n\r\n".encode()


class SlowOrigin:
    """Sends a head at once, then a body of SECONDS bytes at one a second, to everybody."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.listener.setblocking(False)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.sent: dict[socket.socket, int] = {}
        self.peak = 0
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self) -> "SlowOrigin":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        self.thread.join()
        for each in (self.listener, *self.sent):
            each.close()

    def accept(self) -> None:
        try:
            while True:
                each, _ = self.listener.accept()
                each.setblocking(False)
                self.selector.register(each, selectors.EVENT_READ)
        except BlockingIOError:
            pass

    def answer(self, each: socket.socket) -> None:
        """A request is one segment."""
        self.selector.unregister(each)
        if each.recv(65536):
            each.send(HEAD)
            self.sent[each] = 0
        else:
            each.close()

    def dribble(self) -> None:
        self.peak = max(self.peak, len(self.sent))
        for each in list(self.sent):
            each.send(b"x")
            self.sent[each] += 1
            if self.sent[each] == SECONDS:
                del self.sent[each]
                self.selector.register(each, selectors.EVENT_READ)

    def run(self) -> None:
        dribbled = time.monotonic()
        while not self.is_over.is_set():
            for key, _ in self.selector.select(0.02):
                if key.fileobj is self.listener:
                    self.accept()
                else:
                    assert isinstance(key.fileobj, socket.socket)
                    self.answer(key.fileobj)
            if time.monotonic() - dribbled > 1:
                self.dribble()
                dribbled = time.monotonic()


class SlowOriginsTest(DurableTest):
    settings = [*GatherdTest.settings, "fetch.concurrency=9000", "fetch.per_host_concurrency=9000"]

    def test_thousands_of_slow_bodies_cost_little(self) -> None:
        n = crowd_size()
        with SlowOrigin() as origin:
            started, cpu_before = time.monotonic(), cpu_seconds(self.gatherd)
            job = self.post("/v1/jobs", {
                "requests": [{"url": origin.url, "repeat": n}],
                "limits": {"concurrency": 9000, "per_host_concurrency": 9000}}).json()
            time.sleep(SECONDS / 2)
            slowest = p99(health_ms(self.gatherd, 1))
            job = self.ended(self.gatherd, job, 60)
            took, cpu = time.monotonic() - started, cpu_seconds(self.gatherd) - cpu_before
        report(f"{n} bodies of {SECONDS} s: {took:.1f} s, {cpu / took * 100:.0f} % of a core; "
               f"health meanwhile: {slowest:.1f} ms, p99")
        self.assertEqual(job["counts"]["success"], n, job["stats"])
        self.assertEqual(origin.peak, n)
        self.assertLess(slowest, 50 * PATIENCE)
        self.assertLess(cpu / took, 0.5 * PATIENCE)
