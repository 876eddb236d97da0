"""The other side of the daemon in tests: our scripted origin and name server, nginx, a black hole.

Each is a context manager that runs one helper process (or socket) on loopback and removes every
trace of it afterwards.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Iterable
from urllib.parse import quote

from patience import eventually

SUPPORT = Path(__file__).resolve().parent.parent / "support"
Event = dict[str, Any]


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


class Helper:
    """A process that works in a directory of its own and ends on SIGTERM with status 0."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="gatherd-test-"))
        self.process: subprocess.Popen | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def started(self) -> None:
        """Returns when the process serves."""

    def __enter__(self) -> "Helper":
        self.process = subprocess.Popen(self.command(), stdout=subprocess.PIPE, text=True)
        self.started()
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process is not None and self.process.stdout is not None
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(10)
        self.process.stdout.close()
        shutil.rmtree(self.directory)
        assert status == 0, f"{type(self).__name__} ended with status {status}"

    def first_line(self) -> str:
        assert self.process is not None and self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"{type(self).__name__} did not start"
        return line.strip()


class JsonLog:
    """A file of JSON lines that grows; reads what came since mark()."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.start = 0
        path.touch()

    def mark(self) -> None:
        self.start = self.path.stat().st_size

    def lines(self) -> list[Event]:
        with self.path.open("rb") as file:
            file.seek(self.start)
            return [json.loads(line) for line in file if line.endswith(b"\n")]


class Origin(Helper):
    """tests/support/origin.py; its log is the oracle."""

    def __init__(self, host: str = "127.0.0.1", tls: tuple[Path, Path] | None = None) -> None:
        super().__init__()
        self.host = host
        self.tls = tls
        self.log = JsonLog(self.directory / "log")
        self.base = ""

    def command(self) -> list[str]:
        tls = ["--tls", *map(str, self.tls)] if self.tls else []
        return ["python3", str(SUPPORT / "origin.py"), "--host", self.host,
                "--log", str(self.log.path), *tls]

    def started(self) -> None:
        self.base = self.first_line().split()[1]

    @property
    def port(self) -> int:
        return int(self.base.rpartition(":")[2])

    def url(self, path: str = "/", host: str | None = None) -> str:
        scheme = self.base.partition(":")[0]
        return f"{scheme}://{host}:{self.port}{path}" if host else self.base + path

    def redirect_to(self, url: str, status: int = 302) -> str:
        return self.url(f"/redirect-to?status={status}&url={quote(url, safe='')}")

    def events(self, *kinds: str) -> list[Event]:
        return [event for event in self.log.lines() if not kinds or event["event"] in kinds]

    def requests(self) -> list[Event]:
        return self.events("request")

    def targets(self) -> list[str]:
        return [event["target"] for event in self.requests()]

    def peak_requests(self) -> int:
        return peak(self.log.lines(), "request", "response")

    def peak_connections(self) -> int:
        return peak(self.log.lines(), "connect", "disconnect")

    def was_left_by(self, path: str) -> bool:
        """Whether the client has left every connection that carried a request of this path."""
        carried = {r["connection"] for r in self.requests() if r["target"].startswith(path)}
        left = {e["connection"] for e in self.events("disconnect") if e["by"] == "peer"}
        return bool(carried) and carried <= left


def peak(events: Iterable[Event], begin: str, end: str) -> int:
    """The most that were between begin and end at any moment."""
    open_now: set[tuple[int, int | None]] = set()
    most = 0
    for event in events:
        key = event["connection"], event.get("number")
        if event["event"] == begin:
            open_now.add(key)
            most = max(most, len(open_now))
        elif event["event"] == end:
            open_now.discard(key)
    return most


def header_values(request: Event, name: str) -> list[str]:
    """Every value of a header in a request of the origin's log, in order."""
    return [value for key, value in request["headers"] if key.lower() == name.lower()]


class Dns(Helper):
    """tests/support/dns.py with a zone of scripted names."""

    def __init__(self, zone: dict[str, dict]) -> None:
        super().__init__()
        self.zone = zone
        self.log = JsonLog(self.directory / "log")
        self.address = ""

    def command(self) -> list[str]:
        zone_file = self.directory / "zone.json"
        zone_file.write_text(json.dumps(self.zone))
        return ["python3", str(SUPPORT / "dns.py"), "--zone", str(zone_file),
                "--log", str(self.log.path)]

    def started(self) -> None:
        self.address = self.first_line().split()[1]


class Nginx(Helper):
    """nginx that answers every path with 100 bytes, and logs connection, time, status, URI."""

    CONFIG = """
        daemon off; master_process off;
        pid {directory}/pid; error_log {directory}/error.log;
        events {{ worker_connections 4096; }}
        http {{
            log_format oracle '$connection $msec $status $request_uri';
            access_log {directory}/access.log oracle;
            client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
            fastcgi_temp_path {directory}/fastcgi; uwsgi_temp_path {directory}/uwsgi;
            scgi_temp_path {directory}/scgi;
            keepalive_requests 1000000; keepalive_timeout 600s;
            server {{ listen 127.0.0.1:{port} backlog=1024; location / {{ return 200 "{body}"; }} }}
        }}
    """

    def __init__(self) -> None:
        super().__init__()
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        binary = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        assert binary, "nginx is not installed: run ./dev deps"
        config = self.directory / "nginx.conf"
        config.write_text(self.CONFIG.format(directory=self.directory, port=self.port,
                                             body="n" * 100))
        return [binary, "-c", str(config), "-p", str(self.directory)]

    def started(self) -> None:
        eventually(lambda: listens(self.port), "nginx")

    def access_log(self) -> list[tuple[str, float, int, str]]:
        lines = (self.directory / "access.log").read_text().splitlines()
        fields = (line.split(" ", 3) for line in lines)
        return [(connection, float(at), int(status), uri) for connection, at, status, uri in fields]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class BlackHole:
    """A port that never completes a TCP handshake: its accept queue is full."""

    def __enter__(self) -> "BlackHole":
        self.sockets = [socket.create_server(("127.0.0.1", 0), backlog=0)]
        self.port = self.sockets[0].getsockname()[1]
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", self.port))
            self.sockets.append(client)
        return self

    def __exit__(self, *_: object) -> None:
        for each in self.sockets:
            each.close()

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


def refused_url() -> str:
    """A URL whose port nobody listens on."""
    return f"http://127.0.0.1:{free_port()}/"


class Certificates:
    """A throw-away certificate authority, and server certificates signed by it."""

    def __enter__(self) -> "Certificates":
        self.directory = Path(tempfile.mkdtemp(prefix="gatherd-test-"))
        self.ca = self.directory / "ca.pem"
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                     "-subj", "/CN=Test CA", "-keyout", "ca.key", "-out", "ca.pem")
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.directory)

    def openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.directory, check=True,
                       capture_output=True)

    def issue(self, name: str, subject_alt_name: str, days: int = 1) -> tuple[Path, Path]:
        """A certificate that ends `days` from now, and its key."""
        (self.directory / f"{name}.ext").write_text(f"subjectAltName={subject_alt_name}\n")
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
                     "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                     "-CAcreateserial", "-days", str(days), "-extfile", f"{name}.ext",
                     "-out", f"{name}.pem")
        return self.directory / f"{name}.pem", self.directory / f"{name}.key"
