"""Clients that listen to a job: server-sent events, read as fast as they come."""

import multiprocessing
import selectors
import socket
import time

from fetching import process

RESULT, END = b"\nevent: result\n", b"event: end\n"
RECEIVED_BYTES = 1 << 18


class Listener:
    """One connection, without chunks (HTTP/1.0)."""

    def __init__(self, port, job):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.sendall(f"GET /v1/jobs/{job['id']}/events HTTP/1.0\r\n"
                            f"Host: localhost:{port}\r\n\r\n".encode())
        self.socket.setblocking(False)
        self.n_results, self.n_bytes, self.has_end, self.tail = 0, 0, False, b""

    def read(self):
        """Returns whether there is more."""
        data = self.socket.recv(RECEIVED_BYTES)
        text = self.tail + data
        self.n_bytes += len(data)
        self.n_results += text.count(RESULT)
        self.has_end |= END in text[-8192:]
        self.tail = text[-len(RESULT) + 1:]  # what is split is counted with what follows
        return bool(data)


def listen(port, job, n_listeners, n_results, told):
    """Reads all streams to their ends; tells how many were whole, and how many bytes they had."""
    selector = selectors.DefaultSelector()
    listeners = [Listener(port, job) for _ in range(n_listeners)]
    for listener in listeners:
        selector.register(listener.socket, selectors.EVENT_READ, listener)
    while selector.get_map():
        for key, _ in selector.select(process.RUN_TIMEOUT_S):
            if not key.data.read():
                selector.unregister(key.fileobj)
                key.fileobj.close()
    told.send((sum(each.has_end and each.n_results == n_results for each in listeners),
               sum(each.n_bytes for each in listeners)))


class Crowd:
    """Listeners in a process of their own, and what is seen of the daemon meanwhile."""

    def __init__(self, running, job, n_listeners, n_results):
        self.running = running
        self.health_ms, self.peak_kib = [], 0
        receiver, sender = multiprocessing.Pipe(duplex=False)
        self.told = receiver
        self.process = multiprocessing.Process(
            target=listen, args=(running.port, job, n_listeners, n_results, sender))

    def run(self):
        """Returns how many streams were whole, their bytes, and the seconds that took."""
        began = time.monotonic()
        self.process.start()
        while not self.told.poll(0.01):
            self.look()
            if not self.process.is_alive() and not self.told.poll():
                raise process.Failed("the listeners have failed")
        n_whole, n_bytes = self.told.recv()
        self.process.join()
        return n_whole, n_bytes, time.monotonic() - began

    def look(self):
        began = time.monotonic()
        status, _ = process.exchange(self.running.port, "GET", "/healthz")
        self.health_ms.append((time.monotonic() - began) * 1000)
        if status != 200:
            raise process.Failed(f"/healthz: {status}")
        self.peak_kib = max(self.peak_kib, process.resident_kib(self.running.pid))
