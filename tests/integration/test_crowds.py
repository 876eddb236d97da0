"""Crowds of clients that do nothing, or hardly anything: others do not notice."""

from __future__ import annotations

import os
import resource
import selectors
import socket
import threading
import time
from typing import Iterator

from durable import DurableTest, health_ms, p99
from harness import Gatherd, GatherdTest, Reply
from patience import PATIENCE, eventually

RUNS_ALONE = True

MAX_CONNECTIONS = 1000
DESCRIPTORS = 200
"""That this process, or the daemon, needs for other things."""


def crowd_size() -> int:
    """As many as this process may open, up to 9 000."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(2000 if os.environ.get("GATHERD_QUICK") else 9000, hard - DESCRIPTORS)


class Crowd:
    """Connections that are opened again whenever they are closed, and dribble a byte a second."""

    def __init__(self, port: int, size: int, beginnings: list[bytes]) -> None:
        self.port, self.size, self.beginnings = port, size, beginnings
        self.n_opened = 0
        self.sockets: dict[socket.socket, bytes] = {}
        self.selector = selectors.DefaultSelector()
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self) -> "Crowd":
        self.thread.start()
        eventually(lambda: self.n_opened >= self.size, "the crowd", 60)
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        self.thread.join()
        for each in list(self.sockets):
            self.forget(each)

    def forget(self, each: socket.socket) -> None:
        self.selector.unregister(each)
        del self.sockets[each]
        each.close()

    def open(self) -> None:
        beginning = self.beginnings[self.n_opened % len(self.beginnings)]
        each = socket.socket()
        each.setblocking(False)
        each.connect_ex(("127.0.0.1", self.port))
        self.sockets[each] = beginning
        self.selector.register(each, selectors.EVENT_WRITE if beginning else selectors.EVENT_READ)
        self.n_opened += 1

    def begin(self, each: socket.socket) -> None:
        """It is connected: from now on only its end is waited for."""
        each.send(self.sockets[each])
        self.selector.modify(each, selectors.EVENT_READ)

    def attend(self) -> None:
        """To those that were connected, answered or closed."""
        for key, events in self.selector.select(0):
            each = key.fileobj
            assert isinstance(each, socket.socket)
            try:
                if events & selectors.EVENT_WRITE:
                    self.begin(each)
                elif not each.recv(4096):
                    self.forget(each)
            except OSError:
                self.forget(each)

    def dribble(self) -> None:
        for each, beginning in list(self.sockets.items()):
            if beginning:
                try:
                    each.send(b"x")
                except OSError:
                    pass

    def run(self) -> None:
        dribbled = time.monotonic()
        while not self.is_over.is_set():
            for _ in range(min(5 if self.n_opened >= self.size else 200,
                               self.size - len(self.sockets))):
                self.open()
            self.attend()
            if time.monotonic() - dribbled > 1:
                self.dribble()
                dribbled = time.monotonic()
            time.sleep(0.01)


class CrowdTest(GatherdTest):
    @classmethod
    def start_gatherd(cls, *settings: str) -> Gatherd:
        return super().start_gatherd(*settings, f"api.max_connections={MAX_CONNECTIONS}")

    def latencies(self, seconds: float, max_retries: int) -> Iterator[float]:
        """Of health checks, which are always answered, and gathers; retries and their waits count."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for path, n in (("/healthz", 0), (f"/v1/gather?url={self.origin.url()}", max_retries)):
                started = time.monotonic()
                reply = self.ask_again(path, n)
                assert reply is not None, path
                self.assertEqual(reply.status, 200, reply.body)
                yield time.monotonic() - started

    def ask(self, path: str) -> Reply | None:
        """On a connection of its own; None when it was closed without an answer."""
        with self.gatherd.connect(20) as connection:
            connection.send(self.gatherd.request_bytes(path))
            return connection.reply()

    def ask_again(self, path: str, max_retries: int) -> Reply | None:
        """As often, and as late, as a client does that is told to come back."""
        reply = self.ask(path)
        for _ in range(max_retries):
            if reply is None or reply.status != 503:
                break
            time.sleep(float(reply.header("retry-after") or "none was given"))
            reply = self.ask(path)
        return reply

    def assert_unnoticed(self, *beginnings: bytes, max_retries: int = 0) -> None:
        """After the crowd has been there for long enough to do harm."""
        with Crowd(self.gatherd.port, crowd_size(), list(beginnings)):
            time.sleep(1.5)
            took = sorted(self.latencies(4, max_retries))
        self.assertGreater(len(took), 5)
        self.assertLess(took[len(took) // 2], 0.5 * PATIENCE, took)
        self.assertLess(took[-1], 3 * PATIENCE, took)

    def test_silent_connections(self) -> None:
        self.assert_unnoticed(b"")

    def test_heads_that_dribble(self) -> None:
        self.assert_unnoticed(b"GET /healthz HTTP/1.1\r\nX-Slow: ", b"G")

    def test_bodies_that_are_never_to_end(self) -> None:
        head = f"POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1:{self.gatherd.port}\r\n"
        body = f"{head}Content-Length: 1000000\r\n\r\n".encode() + b"["
        # For its first second no body can be told from an honest one: if so many come within it
        # that they take all places, who comes then is asked to come back.
        self.assert_unnoticed(b"", body, max_retries=2)

    def test_health_is_answered_while_all_places_are_taken(self) -> None:
        gather = self.gatherd.request_bytes(f"/v1/gather?url={self.origin.url('/hang')}")
        waiting = [self.gatherd.connect(20) for _ in range(MAX_CONNECTIONS)]
        for connection in waiting:
            connection.send(gather)
        eventually(lambda: self.status("/v1/limits") == 503, "no place left")
        for _ in range(10):
            self.assertEqual(self.status("/healthz"), 200)
        for connection in waiting:
            connection.close()
        eventually(lambda: self.status("/v1/limits") == 200, "places again")

    def status(self, path: str) -> int:
        reply = self.ask(path)
        return reply.status if reply is not None else 0


class ReaderTest(DurableTest):
    """Clients that ask for 10 MiB and do not read them: they are gone soon, and others do not
    notice."""

    settings = [*GatherdTest.settings, "api.max_connections=100", "api.request_timeout_ms=3s"]
    N_READERS = 200
    N_RESULTS = 20_000
    BLOCKED = "http://192.0.2.1:9/"

    def setUp(self) -> None:
        super().setUp()
        job = self.submit_urls(self.gatherd, [self.BLOCKED] * self.N_RESULTS)
        self.ended(self.gatherd, job)
        self.events = f"/v1/jobs/{job['id']}/events"

    def ask(self) -> socket.socket:
        asking = socket.socket()
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        asking.settimeout(10 * PATIENCE)
        asking.connect(("127.0.0.1", self.gatherd.port))
        asking.sendall(self.gatherd.request_bytes(self.events, "GET", b"",
                                                  "Accept: text/event-stream"))
        return self.enterContext(asking)

    def n_connections(self) -> int:
        reply = self.get("/v1/stats")
        return reply.json()["api"]["connections"] if reply.status == 200 else 1 << 30

    def test_who_never_reads_is_gone_after_a_while(self) -> None:
        for _ in range(80):
            self.ask()
        self.assertGreater(self.n_connections(), 80)
        eventually(lambda: self.n_connections() < 5, "the readers' end", 15)

    def test_who_reads_slowly_is_not_cut_while_there_is_room(self) -> None:
        reader = self.ask()
        end = time.monotonic() + 8
        while time.monotonic() < end:
            self.assertTrue(reader.recv(2000))
            time.sleep(0.1)

    def test_others_do_not_notice_more_of_them_than_there_are_places(self) -> None:
        for _ in range(self.N_READERS):
            self.ask()
            time.sleep(0.01)
        time.sleep(1)
        for _ in range(20):
            self.assertEqual(self.get("/v1/limits").status, 200)
        self.assertLess(p99(health_ms(self.gatherd, 0.3)), 500 * PATIENCE)
