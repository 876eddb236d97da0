"""What the integration tests share: the daemon under test, ways to talk to it, a base class.

The binary comes from the environment (see `run`): GATHERD, and optionally GATHERD_WRAPPER (a
command to run it under) and GATHERD_PATIENCE (how many times slower that makes it).
"""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator

from patience import PATIENCE, eventually
from servers import Dns, Event, Origin, free_port

Json = Any
TRACE = re.compile(r"ERROR: \w*Sanitizer|runtime error:|Invalid (read|write) of|"
                   r"uninitialised value|definitely lost: [1-9]|Assertion .* failed")

# -- answers --------------------------------------------------------------------------------

@dataclass
class Reply:
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    seconds: float = 0

    def header(self, name: str) -> str | None:
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    def json(self, exact: bool = False) -> Json:
        """The body; exact keeps decimal fractions as they were written."""
        return json.loads(self.body, parse_float=Decimal if exact else None)


def parse_head(head: bytes) -> tuple[int, list[tuple[str, str]]]:
    status_line, *lines = head.decode("latin-1").strip().split("\r\n")
    fields = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return int(status_line.split(" ")[1]), fields


# -- the real curl --------------------------------------------------------------------------

def run_curl(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess:
    """curl with these arguments, free of the user's own settings and proxies."""
    command = ["curl", "-q", "-sS", "--noproxy", "*", "--max-time", str(60 * PATIENCE), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=False)


def curl(*arguments: str, stdin: bytes = b"") -> Reply:
    """The answer curl got; fails the test when it got none."""
    done = run_curl("-i", "-w", "%{stderr}%{time_total}", *arguments, stdin=stdin)
    if done.returncode:
        raise AssertionError(f"curl {shlex.join(arguments)}: {done.stderr.decode()}")
    output = done.stdout
    while True:
        head, _, output = output.partition(b"\r\n\r\n")
        status, headers = parse_head(head)
        if status >= 200:
            return Reply(status, headers, output, float(done.stderr))


# -- byte-exact requests --------------------------------------------------------------------

class RawConnection:
    """A TCP connection to the daemon that sends exactly what it is told."""

    def __init__(self, port: int, seconds: float = 10) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), seconds * PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> "RawConnection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reply(self, bodiless: bool = False) -> Reply | None:
        """The next answer, or None when the daemon closed without another one."""
        head = self.read_head()
        if not head:
            return None
        reply = Reply(*parse_head(head), b"")
        if not bodiless and reply.status >= 200:
            reply.body = self.read_body(reply)
        return reply

    def read_head(self) -> bytes:
        head = b""
        try:
            while not head.endswith(b"\r\n\r\n"):
                line = self.file.readline()
                if not line:
                    break
                head += line
        except ConnectionError:
            pass
        return head

    def read_body(self, reply: Reply) -> bytes:
        length = reply.header("content-length")
        if length is not None:
            return self.file.read(int(length))
        if reply.header("transfer-encoding") != "chunked":
            return self.file.read()
        body = b""
        while size := int(self.file.readline(), 16):
            body += self.file.read(size)
            self.file.readline()
        self.file.readline()
        return body

    def replies(self) -> Iterator[Reply]:
        """Answers up to the last, which says so or is followed by the end of the connection."""
        while (reply := self.reply()) is not None:
            yield reply
            if reply.header("connection") == "close":
                break


# -- the daemon -----------------------------------------------------------------------------

class Gatherd:
    """One running daemon, with a store of its own. Leaving the context stops it and fails unless it
    ended cleanly, or with the status a test expects (-SIGTERM: by that signal).

    Killed, it can be started again, on the same port and the same store."""

    def __init__(self, *settings: str, also_listen: str = "",
                 environment: dict[str, str] | None = None, max_files: int = 0) -> None:
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.directory = Path(tempfile.mkdtemp(prefix="gatherd-test-"))
        self.store = self.directory / "store"
        self.settings = [f"api.listen=127.0.0.1:{self.port} {also_listen}".strip(),
                         f"store.path={self.store}", "api.drain_timeout_ms=1s", *settings]
        self.environment = {**os.environ, **(environment or {})}
        self.max_files = max_files
        self.expected_status = 0
        self.stderr_path = self.directory / "stderr"

    def __enter__(self) -> "Gatherd":
        self.start()
        return self

    def start(self, **environment: str) -> None:
        """Returns when it is healthy."""
        self.launch(**environment)
        eventually(self.is_healthy, "/healthz", 10)

    def launch(self, **environment: str) -> None:
        with self.stderr_path.open("ab") as stderr:
            self.process = subprocess.Popen(self.command(), env={**self.environment, **environment},
                                            stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr)

    def command(self) -> list[str]:
        limited = ["prlimit", f"--nofile={self.max_files}:{self.max_files}"]
        return [*(limited if self.max_files else []), *command_line(*self.settings)]

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            self.process.kill()
            self.process.wait()
            shutil.rmtree(self.directory)

    def kill(self) -> None:
        """As a crash would: without a word."""
        self.process.kill()
        self.process.wait()

    def restart(self, **environment: str) -> None:
        self.kill()
        self.start(**environment)

    def stop(self, by: int = signal.SIGTERM) -> None:
        self.process.send_signal(by)
        self.ended()

    def ended(self) -> None:
        """Wait for the end; it must be the expected one."""
        status = self.process.wait(10 * PATIENCE)
        said = self.stderr()
        assert status == self.expected_status, f"gatherd ended with status {status}:\n{said}"
        assert not TRACE.search(said), f"gatherd reported:\n{said}"

    def stderr(self) -> str:
        return self.stderr_path.read_text(errors="replace")

    def is_healthy(self) -> bool:
        assert self.process.poll() is None, f"gatherd does not start:\n{self.stderr()}"
        try:
            with RawConnection(self.port) as connection:
                connection.send(self.request_bytes("/healthz"))
                reply = connection.reply()
        except OSError:
            return False
        return reply is not None and reply.status == 200

    def request_bytes(self, target: str, method: str = "GET", body: bytes = b"",
                      *headers: str) -> bytes:
        """A well-formed request, to be sent as it is or spoilt first."""
        length = [f"Content-Length: {len(body)}"] if body else []
        lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", *length, *headers]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body

    def connect(self, seconds: float = 10) -> RawConnection:
        return RawConnection(self.port, seconds)

    def resident_bytes(self) -> int:
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def memory_is_its_own(self) -> bool:
        """False under valgrind or a sanitizer, where resident memory says nothing."""
        maps = Path(f"/proc/{self.process.pid}/maps").read_text()
        return not re.search(r"valgrind|lib[at]san", maps) and \
            b"__asan_init" not in Path(f"/proc/{self.process.pid}/exe").read_bytes()


def command_line(*settings: str) -> list[str]:
    """The daemon with these --set SECTION.KEY=VALUE."""
    options = [word for setting in settings for word in ("--set", setting)]
    return [*shlex.split(os.environ.get("GATHERD_WRAPPER", "")), os.environ["GATHERD"], *options]


def run_gatherd(*arguments: str) -> subprocess.CompletedProcess:
    """The daemon's command line, for options that end by themselves."""
    return subprocess.run([*command_line(), *arguments], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=20 * PATIENCE, check=False)


def needs(program: str) -> Callable[[Any], Any]:
    """Outside of CI a machine may lack it."""
    is_there = shutil.which(program) or os.environ.get("CI")
    return unittest.skipUnless(is_there, f"{program} is not installed: run ./dev deps")


# -- the base class -------------------------------------------------------------------------

class GatherdTest(unittest.TestCase):
    """A daemon, an origin and (with a zone) a name server for all tests of a class."""

    settings = ["egress.allow=127.0.0.0/8"]
    zone: dict[str, dict] = {}
    make_gatherd: Callable[..., Gatherd] = Gatherd
    longMessage = True
    maxDiff = 2000

    origin: Origin
    gatherd: Gatherd
    dns: Dns

    @classmethod
    def start_gatherd(cls, *settings: str) -> Gatherd:
        return cls.enterClassContext(cls.make_gatherd(*settings))

    @classmethod
    def setUpClass(cls) -> None:
        cls.origin = cls.enterClassContext(Origin())
        settings = list(cls.settings)
        if cls.zone:
            cls.dns = cls.enterClassContext(Dns(cls.zone))
            settings.append(f"fetch.dns_servers={cls.dns.address}")
        cls.gatherd = cls.start_gatherd(*settings)

    def setUp(self) -> None:
        self.origin.log.mark()

    # Talking to the API, always through curl.

    def get(self, path: str, *arguments: str) -> Reply:
        return curl(*arguments, self.gatherd.base + path)

    def post(self, path: str, body: Json, *arguments: str, content_type: str = "application/json",
             ) -> Reply:
        """POST a body: bytes and text as they are, anything else as JSON."""
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        data = body if isinstance(body, bytes) else body.encode()
        return curl("--data-binary", "@-", "-H", f"Content-Type: {content_type}", *arguments,
                    self.gatherd.base + path, stdin=data)

    def gather(self, requests: Json, **members: Json) -> Json:
        """The answer of a gather that must be accepted."""
        reply = self.post("/v1/gather", {"requests": requests, **members})
        self.assertEqual(reply.status, 200, reply.body.decode(errors="replace"))
        return reply.json()

    def results(self, requests: Json, **members: Json) -> list[Json]:
        return self.gather(requests, **members)["results"]

    def fetch(self, url: str, **members: Json) -> Json:
        """The result of a gather of one request."""
        return self.results([{"url": url, **members}])[0]

    def received(self, **members: Json) -> Event:
        """Have the daemon send a request, and return what the origin got."""
        result = self.fetch(self.origin.url("/echo"), **members)
        self.assertEqual(result["status_code"], 200, result)
        return self.origin.requests()[-1]

    # Assertions about what comes back.

    def assert_outcomes(self, results: Iterable[Json], outcomes: Iterable[str]) -> None:
        self.assertEqual([r["outcome"] for r in results], list(outcomes))

    def assert_error(self, result: Json, outcome: str, codes: str, phases: str = "") -> None:
        """codes and phases: the acceptable ones, separated by spaces."""
        self.assertEqual(result["outcome"], outcome, result)
        self.assertFalse(result["ok"], result)
        self.assertIn(result["error"]["code"], codes.split(), result["error"])
        if phases:
            self.assertIn(result["error"]["phase"], phases.split(), result["error"])

    def assert_left(self, path: str) -> None:
        """The daemon gives up its connections to this path of the origin."""
        eventually(lambda: self.origin.was_left_by(path), f"leaving {path}")

    def assert_problem(self, reply: Reply, status: int, pointer: str | None = None) -> Json:
        """An RFC 9457 document; returns the error at the pointer, or the document."""
        self.assertEqual(reply.status, status, reply.body[:2000].decode(errors="replace"))
        self.assertEqual(reply.header("content-type"), "application/problem+json")
        problem = reply.json()
        self.assertEqual(problem["status"], status)
        for member in ("type", "title", "detail", "code"):
            self.assertIsInstance(problem[member], str, member)
        if pointer is None:
            return problem
        errors = [e for e in problem["errors"] if e["pointer"] == pointer]
        self.assertTrue(errors, f"no error at {pointer}: {problem['errors'][:3]}")
        return errors[0]

    def assert_memory_back(self, work: Callable[[], Any], times: int, spare_bytes: int) -> None:
        """After the first round, doing the work again and again needs no more memory."""
        work()
        before = self.gatherd.resident_bytes()
        for _ in range(times):
            work()
        if self.gatherd.memory_is_its_own():
            growth = self.gatherd.resident_bytes() - before
            self.assertLess(growth, spare_bytes, f"resident memory grew by {growth} bytes")


CAPTURE_BODY = "full"
"""The value of capture.body that asks for the body."""


def captured(result: Json) -> bytes:
    """The captured body of a result, whichever way it is encoded."""
    body = result["body"]
    return base64.b64decode(body["data"]) if body["encoding"] == "base64" else body["data"].encode()
