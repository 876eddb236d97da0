"""What the tests of streams share: readers of NDJSON and of server-sent events, and a proxy."""

from __future__ import annotations

import http.client
import json
import os
import shutil
from dataclasses import dataclass
from typing import Iterator

from harness import Gatherd, Json
from patience import PATIENCE, eventually
from servers import Helper, free_port, listens
from test_jobs import JobTest

NDJSON = {"Accept": "application/x-ndjson"}
EVENTS = {"Accept": "text/event-stream"}


class Stream:
    """An answer that is read while it comes, by Python's http.client."""

    def __init__(self, port: int, target: str, method: str = "GET", body: str | None = None,
                 **headers: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20 * PATIENCE)
        self.connection.request(method, target, body,
                                {name.replace("_", "-"): value for name, value in headers.items()})
        self.reply = self.connection.getresponse()

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self.reply.close()
        self.connection.close()

    @property
    def status(self) -> int:
        return self.reply.status

    def header(self, name: str) -> str | None:
        return self.reply.getheader(name)

    def line(self) -> str:
        return self.reply.readline().decode()

    def documents(self) -> Iterator[Json]:
        """The lines of NDJSON."""
        while line := self.line():
            yield json.loads(line)

    def events(self) -> Iterator["ServerEvent"]:
        """Server-sent events, as a browser reads them; comments are events without a name."""
        event = ServerEvent()
        while line := self.line():
            name, _, value = line.rstrip("\n").partition(":")
            if line == "\n":
                if event.name or event.comment:
                    yield event
                event = ServerEvent()
            elif name == "":
                event.comment = True
            else:
                setattr(event, {"event": "name"}.get(name, name), value.removeprefix(" "))


@dataclass
class ServerEvent:
    name: str = ""
    data: str = ""
    id: str = ""
    retry: str = ""
    comment: bool = False

    def json(self) -> Json:
        return json.loads(self.data)


class StreamTest(JobTest):
    def stream(self, target: str, **headers: str) -> Stream:
        return Stream(self.gatherd.port, target, **headers)

    def results_stream(self, job: Json, query: str = "", **headers: str) -> Stream:
        return self.stream(f"/v1/jobs/{job['id']}/results{query}", **{**NDJSON, **headers})

    def events_stream(self, job: Json, query: str = "", **headers: str) -> Stream:
        return self.stream(f"/v1/jobs/{job['id']}/events{query}", **{**EVENTS, **headers})

    def started(self, n_held: int = 1, n_first: int = 1) -> Json:
        """A job with n_first results, and others that have to be let go."""
        job = self.submit([self.origin.url()] * n_first + [self.origin.url("/hang")] * n_held)
        eventually(lambda: self.job(job)["counts"]["finished"] == n_first, "the first results")
        return job


class Proxy(Helper):
    """nginx in front of the daemon, with the settings it comes with."""

    CONFIG = """
        daemon off; master_process off;
        pid {directory}/pid; error_log {directory}/error.log;
        events {{ worker_connections 1024; }}
        http {{
            access_log off;
            client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
            fastcgi_temp_path {directory}/fastcgi; uwsgi_temp_path {directory}/uwsgi;
            scgi_temp_path {directory}/scgi;
            {server}
        }}
    """

    def __init__(self, gatherd: Gatherd) -> None:
        super().__init__()
        self.port = free_port()
        self.target = gatherd.port

    def command(self) -> list[str]:
        binary = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        assert binary, "nginx is not installed: run ./dev deps"
        config = self.directory / "nginx.conf"
        config.write_text(self.CONFIG.format(directory=self.directory, server=self.server()))
        return [binary, "-c", str(config), "-p", str(self.directory)]

    def server(self) -> str:
        return f"server {{ listen 127.0.0.1:{self.port}; location / {{ " \
               f"proxy_pass http://127.0.0.1:{self.target}; proxy_http_version 1.1; }} }}"

    def started(self) -> None:
        eventually(lambda: listens(self.port), "nginx")
