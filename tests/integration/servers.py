"""The other side of the daemon in tests: our scripted origin and name server, nginx, a black hole.

Each is a context manager that runs one helper process (or socket) on loopback and removes every
trace of it afterwards.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import shutil
import signal
import socket
import socketserver
import struct
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Iterable
from urllib.parse import quote

from patience import eventually

SUPPORT = Path(__file__).resolve().parent.parent / "support"
Event = dict[str, Any]


def free_port(host: str = "127.0.0.1") -> int:
    """A port for a server to come, below those that the kernel gives to anybody meanwhile."""
    while True:
        port = random.SystemRandom().randrange(10_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return port


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

    def __init__(self, host: str = "127.0.0.1", tls: tuple[Path, Path] | None = None,
                 narrow: bool = False, port: int = 0) -> None:
        super().__init__()
        self.options = ["--host", host, "--port", str(port), *(["--narrow"] if narrow else [])]
        self.tls = tls
        self.log = JsonLog(self.directory / "log")
        self.base = ""

    def command(self) -> list[str]:
        tls = ["--tls", *map(str, self.tls)] if self.tls else []
        return ["python3", str(SUPPORT / "origin.py"), *self.options,
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


class OriginH2(Origin):
    """tests/support/origin_h2.py, with the Python that Debian's packages are for."""

    def command(self) -> list[str]:
        _, script, *options = super().command()
        return ["/usr/bin/python3", script.replace("origin.py", "origin_h2.py"), *options]


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
    """nginx that answers every path with 100 bytes, and logs connection, time, status, URI.

    With a certificate and its key it speaks HTTP/2, too.
    """

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
            server {{ listen 127.0.0.1:{port} {tls} backlog=1024;
                      {certificate} location / {{ return 200 "{body}"; }} }}
        }}
    """
    BODY = "n" * 100

    def __init__(self, tls: tuple[Path, Path] | None = None) -> None:
        super().__init__()
        self.tls = tls
        self.port = free_port()
        self.base = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        binary = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        assert binary, "nginx is not installed: run ./dev deps"
        config = self.directory / "nginx.conf"
        config.write_text(self.CONFIG.format(directory=self.directory, port=self.port,
                                             tls="ssl http2" if self.tls else "",
                                             certificate=self.certificate(), body=self.BODY))
        return [binary, "-c", str(config), "-p", str(self.directory)]

    def certificate(self) -> str:
        return "ssl_certificate {}; ssl_certificate_key {};".format(*self.tls) if self.tls else ""

    def started(self) -> None:
        eventually(lambda: listens(self.port), "nginx")

    def access_log(self) -> list[tuple[str, float, int, str]]:
        lines = (self.directory / "access.log").read_text().splitlines()
        fields = (line.split(" ", 3) for line in lines)
        return [(connection, float(at), int(status), uri) for connection, at, status, uri in fields]


class NginxThatAsksWho(Nginx):
    """Answers clients with a certificate of this authority, with the name it gives them."""

    BODY = "$ssl_client_s_dn"

    def __init__(self, tls: tuple[Path, Path], authority: Path) -> None:
        super().__init__(tls)
        self.authority = authority

    def certificate(self) -> str:
        return super().certificate() + \
            f"ssl_client_certificate {self.authority}; ssl_verify_client on;"


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class BlackHole:
    """A port that never completes a TCP handshake: its accept queue is full."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.host = host
        self.family = socket.AF_INET6 if ":" in host else socket.AF_INET

    def __enter__(self) -> "BlackHole":
        self.sockets = [socket.create_server((self.host, 0), family=self.family, backlog=0)]
        self.port = self.sockets[0].getsockname()[1]
        for _ in range(4):
            client = socket.socket(self.family)
            client.setblocking(False)
            client.connect_ex((self.host, self.port))
            self.sockets.append(client)
        return self

    def open(self) -> None:
        """Make room for the next connection; nothing answers it."""
        for client in self.sockets[1:]:
            client.close()  # or it would come again
        while select.select(self.sockets[:1], [], [], 0)[0]:
            self.sockets.append(self.sockets[0].accept()[0])

    def __exit__(self, *_: object) -> None:
        for each in self.sockets:
            each.close()

    def url(self, path: str = "/") -> str:
        return f"http://{self.host}:{self.port}{path}"


def refused_url() -> str:
    """A URL whose port nobody listens on."""
    return f"http://127.0.0.1:{free_port()}/"


def days_from_now(days: int) -> str:
    """As openssl has it."""
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86400))


class Certificates:
    """A throw-away certificate authority, and server certificates signed by it."""

    NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    CONFIG = """\
[ca]
default_ca = authority
[authority]
certificate = ca.pem
private_key = ca.key
database = issued
new_certs_dir = .
rand_serial = yes
unique_subject = no
default_md = sha256
policy = names
[names]
commonName = supplied
"""

    def __enter__(self) -> "Certificates":
        self.directory = Path(tempfile.mkdtemp(prefix="gatherd-test-"))
        self.ca = self.directory / "ca.pem"
        (self.directory / "ca.conf").write_text(self.CONFIG)
        (self.directory / "issued").touch()
        self.openssl("req", "-x509", *self.NEW_KEY, "-days", "2",
                     "-subj", "/CN=Test CA", "-keyout", "ca.key", "-out", "ca.pem")
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.directory)

    def openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.directory, check=True,
                       capture_output=True)

    def issue(self, name: str, subject_alt_name: str, days: int = 1) -> tuple[Path, Path]:
        """A certificate that ends `days` from now, which may be in the past, and its key."""
        (self.directory / f"{name}.ext").write_text(f"subjectAltName={subject_alt_name}\n")
        self.openssl("req", *self.NEW_KEY, "-subj", f"/CN={name}",
                     "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self.openssl("ca", "-batch", "-notext", "-config", "ca.conf", "-in", f"{name}.csr",
                     "-startdate", days_from_now(min(days, 0) - 1), "-enddate", days_from_now(days),
                     "-extfile", f"{name}.ext", "-out", f"{name}.pem")
        return self.directory / f"{name}.pem", self.directory / f"{name}.key"


def reset(connection: socket.socket, reader: threading.Thread) -> None:
    """End with RST instead of FIN, once what was sent has arrived."""
    time.sleep(0.02)
    connection.shutdown(socket.SHUT_RD)  # wakes the reader, which keeps it open
    reader.join()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Relay:
    """Passes bytes to a server and back; holds its first ones back, or ends in the middle of them.

    held_ms is how long they really were; cut_after is how many bytes of the server come through,
    and by_reset how it ends then.
    """

    def __init__(self, port: int, hold_ms: float = 0, cut_after: int | None = None,
                 by_reset: bool = False) -> None:
        self.target = ("127.0.0.1", port)
        self.hold_ms = hold_ms
        self.held_ms = 0.0
        self.cut_after = cut_after
        self.by_reset = by_reset

    def __enter__(self) -> "Relay":
        relay = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                relay.serve(self.request)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def serve(self, client: socket.socket) -> None:
        with socket.create_connection(self.target) as server:
            upward = threading.Thread(target=self.pump, args=(client, server), daemon=True)
            upward.start()
            began = time.monotonic()
            first = server.recv(65536)
            time.sleep(self.hold_ms / 1000)
            self.held_ms = (time.monotonic() - began) * 1000
            self.answer(client, server, first)
            if self.by_reset:
                reset(client, upward)

    def answer(self, client: socket.socket, server: socket.socket, data: bytes) -> None:
        left = self.cut_after
        while data and (left is None or left > 0):
            client.sendall(data[:left])
            left = None if left is None else left - len(data)
            data = server.recv(65536) if left is None or left > 0 else b""

    @staticmethod
    def pump(client: socket.socket, server: socket.socket) -> None:
        try:
            while data := client.recv(65536):
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the other direction has ended
