"""Hundreds of listeners to one job, some of which are slow: all get all of it, in bounded memory."""

from __future__ import annotations

import re
import selectors
import socket
import time

from durable import DurableTest, health_ms, p99
from harness import Gatherd, Json
from patience import PATIENCE, eventually

RUNS_ALONE = True
N_LISTENERS = 200
N_RESULTS = 10_000 if PATIENCE == 1 else 300
MAX_KIB_EACH = 256
BLOCKED = "http://192.0.2.1:9/"
"""Refused by the policy, so a job of it is over soon."""


class Listener:
    """Reads events without chunks between them (HTTP/1.0), and keeps their ids."""

    ID = re.compile(rb"\nid: (\d+)\nevent: result\n")

    def __init__(self, gatherd: Gatherd, job: Json, last_id: int = 0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", gatherd.port))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.socket.sendall(f"GET /v1/jobs/{job['id']}/events?after_seq={last_id} HTTP/1.0\r\n"
                            f"Host: 127.0.0.1:{gatherd.port}\r\nAccept: text/event-stream\r\n\r\n".encode())
        self.socket.setblocking(False)
        self.ids: list[int] = []
        self.rest = b""
        self.is_over = False

    def read(self) -> None:
        data = self.socket.recv(1 << 18)
        self.is_over = not data
        text = self.rest + data
        end = text.rfind(b"\n\n") + 1  # an event that has not come whole is for the next time
        self.ids += map(int, self.ID.findall(text[:end]))
        self.rest = text[end:]
        if self.is_over:
            self.socket.close()


def read_all(listeners: list[Listener], n_results: int | None = None) -> None:
    """All of them to the end, or until each has so many."""
    selector = selectors.DefaultSelector()
    for listener in listeners:
        selector.register(listener.socket, selectors.EVENT_READ, listener)
    while selector.get_map():
        for key, _ in selector.select(60 * PATIENCE):
            key.data.read()
            if key.data.is_over or (n_results and len(key.data.ids) >= n_results):
                selector.unregister(key.fileobj)


class CrowdTest(DurableTest):
    settings = ["api.max_connections=500", "api.max_body_bytes=16M"]

    def setUp(self) -> None:
        super().setUp()
        self.expected = list(range(1, N_RESULTS + 1))

    def test_all_listeners_get_all_results_of_a_running_job(self) -> None:
        job = self.submit_urls(self.gatherd, [BLOCKED] * N_RESULTS)
        listeners = [Listener(self.gatherd, job) for _ in range(N_LISTENERS)]
        read_all(listeners)
        for listener in listeners:
            self.assertEqual(listener.ids, self.expected)

    def test_slow_readers_are_not_fed_and_cost_little(self) -> None:
        job = self.submit_urls(self.gatherd, [BLOCKED] * N_RESULTS)
        self.ended(self.gatherd, job)
        before = self.gatherd.resident_bytes()
        slow = [Listener(self.gatherd, job) for _ in range(N_LISTENERS)]
        quick = [Listener(self.gatherd, job) for _ in range(20)]
        read_all(quick)
        for listener in quick:
            self.assertEqual(listener.ids, self.expected)
        time.sleep(0.5)
        grown = self.gatherd.resident_bytes() - before
        if self.gatherd.memory_is_its_own():
            self.assertLess(grown / N_LISTENERS, MAX_KIB_EACH * 1024)
            self.assertLess(p99(health_ms(self.gatherd, 0.3)), 100)
        read_all(slow)
        for listener in slow:
            self.assertEqual(listener.ids, self.expected)

    def test_who_comes_back_in_the_middle_gets_the_rest(self) -> None:
        job = self.submit_urls(self.gatherd, [BLOCKED] * N_RESULTS)
        listeners = [Listener(self.gatherd, job) for _ in range(20)]
        read_all(listeners, n_results=100)
        for listener in listeners:
            listener.socket.close()
        back = [Listener(self.gatherd, job, listener.ids[-1]) for listener in listeners]
        read_all(back)
        for first, second in zip(listeners, back):
            self.assertEqual(first.ids + second.ids, self.expected)
        eventually(lambda: self.gatherd.open_files() < 60, "the connections to be closed")
