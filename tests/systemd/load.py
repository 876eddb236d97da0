"""Clients that keep coming, each with a connection of its own, and want to be answered, all of them."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from pathlib import Path

from patience import report
from system import Service

PAUSE = 0.002  # between the clients of a thread; the machine has other things to do
TIMEOUT = 20


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(str(self.path))


class Load:
    """As long as the context lasts; afterwards seconds, jobs and failures are complete."""

    def __init__(self, service: Service, url: str) -> None:
        body = json.dumps([url])
        self.service = service
        self.is_over = threading.Event()
        self.seconds: list[float] = []
        self.failures: list[str] = []
        self.jobs: list[dict] = []
        self.threads = [threading.Thread(target=self.keep_coming, args=arguments) for arguments in (
            (self.by_tcp, "GET", "/healthz", None, 200),
            (self.by_unix, "GET", "/v1/jobs?limit=1", None, 200),
            (self.by_tcp, "POST", "/v1/gather", body, 200),
            (self.by_tcp, "POST", "/v1/jobs", body, 202),
            (self.by_unix, "POST", "/v1/jobs", body, 202),
        )]

    def by_tcp(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=TIMEOUT)

    def by_unix(self) -> http.client.HTTPConnection:
        return UnixConnection(self.service.path)

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        for thread in self.threads:
            thread.join()

    def keep_coming(self, connect, method: str, target: str, body: str | None, status: int) -> None:
        while not self.is_over.wait(PAUSE):
            began = time.monotonic()
            try:
                self.ask(connect(), method, target, body, status)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{method} {target}: {error!r}")
            self.seconds.append(time.monotonic() - began)

    def ask(self, connection, method: str, target: str, body: str | None, status: int) -> None:
        headers = {"Content-Type": "application/json"} if body else {}
        connection.request(method, target, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.status != status:
            self.failures.append(f"{method} {target}: {answer.status} {content[:200]!r}")
        elif status == 202:
            self.jobs.append(json.loads(content))

    def tell(self, what: str) -> None:
        worst = max(self.seconds) * 1000
        report(f"{what}: {len(self.seconds)} connections, {len(self.failures)} failed, "
               f"{len(self.jobs)} jobs, {worst:.0f} ms at worst")
