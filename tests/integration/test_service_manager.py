"""Under a service manager: its sockets, its credentials, and what it is told."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Iterator

from harness import RawConnection, command_line, curl, run_gatherd
from patience import PATIENCE, eventually
from servers import Origin
from test_drain import Background

FIRST_FD = 3
WITH_PID = 'LISTEN_PID=$$ exec "$0" "$@"'


class Manager:
    """Starts the daemon as systemd would: listens for it, and hears what it says."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.path = directory / "api.sock"
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(str(self.path))
        self.unix.listen()
        self.notes = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notes.bind(str(directory / "notes"))
        self.notes.settimeout(10 * PATIENCE)
        self.stderr_path = directory / "stderr"

    def close(self) -> None:
        for each in (self.tcp, self.unix, self.notes):
            each.close()

    def start(self, *settings: str, sockets: tuple[socket.socket, ...] = (),
              **environment: str) -> subprocess.Popen:
        high = [fcntl.fcntl(each, fcntl.F_DUPFD, 100) for each in sockets]
        passed = range(FIRST_FD, FIRST_FD + len(sockets))

        def place() -> None:
            for fd, target in zip(high, passed):
                os.dup2(fd, target, inheritable=True)

        command = command_line(f"store.path={self.directory}/store", "api.drain_timeout_ms=1s", *settings)
        env = {**os.environ, "LISTEN_FDS": str(len(sockets)), **environment}
        with self.stderr_path.open("wb") as stderr:
            started = subprocess.Popen(["sh", "-c", WITH_PID, *command], env=env, pass_fds=(*passed,),
                                       preexec_fn=place, stdin=subprocess.DEVNULL, stderr=stderr)
        for fd in high:
            os.close(fd)
        return started

    def stderr(self) -> str:
        return self.stderr_path.read_text()

    def next_note(self) -> list[str]:
        return self.notes.recv(4096).decode().splitlines()

    def note_with(self, word: str) -> list[str]:
        while word not in (note := self.next_note()):
            pass
        return note


class ServiceManagerTest(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.manager = Manager(self.directory)
        self.addCleanup(self.manager.close)

    def start(self, *settings: str, **options: object) -> subprocess.Popen:
        started = self.manager.start(*settings, **options)
        self.addCleanup(started.wait)
        self.addCleanup(started.kill)
        return started

    def stop(self, started: subprocess.Popen) -> None:
        started.send_signal(signal.SIGTERM)
        self.assertEqual(started.wait(10 * PATIENCE), 0, self.manager.stderr())

    @property
    def both(self) -> tuple[socket.socket, socket.socket]:
        return self.manager.tcp, self.manager.unix

    def test_it_listens_on_the_sockets_that_are_passed_and_on_no_other(self) -> None:
        started = self.start("api.listen=127.0.0.1:1", sockets=self.both)
        self.assertEqual(curl(f"http://127.0.0.1:{self.manager.port}/healthz").status, 200)
        self.assertEqual(curl("--unix-socket", str(self.manager.path), "http://localhost/healthz").status, 200)
        self.stop(started)
        self.assertTrue(self.manager.path.is_socket(), "the file is the manager's")
        said = self.manager.stderr()
        self.assertEqual(said.count("listening on"), 2, said)
        self.assertIn(f"unix:{self.manager.path}", said)

    def test_who_comes_between_two_daemons_is_answered_by_the_second(self) -> None:
        self.stop_when_up(self.start(sockets=self.both))
        with RawConnection(self.manager.port, 20) as connection:
            connection.send(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{self.manager.port}\r\n\r\n".encode())
            second = self.start(sockets=self.both)
            self.assertEqual(connection.reply().status, 200)
        self.stop(second)

    @contextlib.contextmanager
    def busy_until_the_end(self) -> Iterator[None]:
        """A daemon that has been told to end while it had something to do for a second."""
        started = self.start("egress.allow=127.0.0.0/8", "api.drain_timeout_ms=20s", sockets=self.both,
                             NOTIFY_SOCKET=str(self.directory / "notes"))
        with Origin() as origin:
            body = json.dumps([origin.url(f"/slow?ms={1000 * PATIENCE:.0f}")])
            gather = Background("-d", body, f"{self.base}/v1/gather")
            eventually(origin.requests, "the request")
            started.send_signal(signal.SIGTERM)
            self.manager.note_with("STOPPING=1")
            yield
            self.assertEqual(gather.answer().status, 200)
        self.assertEqual(started.wait(10 * PATIENCE), 0)

    def test_who_comes_while_it_finishes_is_answered_by_the_next(self) -> None:
        with self.busy_until_the_end():
            latecomer = Background(f"{self.base}/readyz")
        second = self.start(sockets=self.both)
        self.assertEqual(latecomer.answer().status, 200)
        self.stop(second)

    def test_who_was_there_before_is_served_once_more(self) -> None:
        with RawConnection(self.manager.port, 20) as connection:
            with self.busy_until_the_end():
                head = f"POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1:{self.manager.port}\r\n" \
                       "Content-Type: text/uri-list\r\nContent-Length: 19\r\n\r\n"
                connection.send(head.encode() + b"http://127.0.0.1:1/")
                reply = connection.reply()
        assert reply is not None
        self.assertEqual((reply.status, reply.header("connection")), (202, "close"))

    def test_nothing_is_fetched_from_sockets_that_are_passed(self) -> None:
        ipv6 = self.enterContext(socket.create_server(("::1", 0), family=socket.AF_INET6))
        started = self.start("egress.allow=127.0.0.0/8 ::1/128", sockets=(*self.both, ipv6),
                             LISTEN_FDNAMES="api:api:api")
        for base in (self.base, f"http://[::1]:{ipv6.getsockname()[1]}"):
            self.assertEqual(curl(f"{base}/healthz").status, 200)
            result = curl("-d", json.dumps([f"{base}/healthz"]), f"{self.base}/v1/gather").json()["results"][0]
            self.assertEqual((result["outcome"], result["error"]["rule"]), ("blocked", "own-listener"))
        self.stop(started)

    def test_more_sockets_than_there_may_be_are_refused(self) -> None:
        started = self.start(LISTEN_FDS="65")
        self.assertEqual(started.wait(10 * PATIENCE), 78)
        self.assertIn("LISTEN_FDS", self.manager.stderr())

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.manager.port}"

    def stop_when_up(self, started: subprocess.Popen) -> None:
        curl(f"http://127.0.0.1:{self.manager.port}/healthz")
        self.stop(started)

    def test_sockets_meant_for_another_process_are_left_alone(self) -> None:
        command = command_line(f"api.listen=unix:{self.directory}/own", f"store.path={self.directory}/store")
        env = {**os.environ, "LISTEN_FDS": "1", "LISTEN_PID": "1"}
        with subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL) as started:
            eventually((self.directory / "own").is_socket, "its own socket", 10)
            started.terminate()
            self.assertEqual(started.wait(10 * PATIENCE), 0)

    def test_a_descriptor_that_is_no_listening_socket_is_named(self) -> None:
        for wrong, why in ((socket.socket(), "listens"), (self.manager.notes, "stream")):
            started = self.start(sockets=(wrong,))
            self.assertNotEqual(started.wait(10 * PATIENCE), 0)
            self.assertIn("fd:3", self.manager.stderr())
            self.assertIn(why, self.manager.stderr())

    def test_without_tokens_a_socket_that_others_can_reach_is_refused(self) -> None:
        with socket.create_server(("0.0.0.0", 0)) as exposed:
            started = self.start(sockets=(exposed,))
            self.assertEqual(started.wait(10 * PATIENCE), 78)
        self.assertIn("api.tokens_file", self.manager.stderr())

    def test_a_check_says_that_others_could_reach_it(self) -> None:
        done = run_gatherd("--set", "api.listen=0.0.0.0:0", "--check-config")
        self.assertEqual(done.returncode, 78, done.stdout)
        self.assertIn("api.tokens_file", done.stderr)

    def test_it_says_when_it_is_ready_that_it_lives_and_when_it_stops(self) -> None:
        started = self.start(sockets=self.both, NOTIFY_SOCKET=str(self.directory / "notes"),
                             WATCHDOG_USEC="300000")
        ready = self.manager.note_with("READY=1")
        self.assertIn(f"STATUS=Listening on 127.0.0.1:{self.manager.port}", ready)
        for _ in range(3):
            self.manager.note_with("WATCHDOG=1")
        started.send_signal(signal.SIGTERM)
        stopping = self.manager.note_with("STOPPING=1")
        self.assertIn("EXTEND_TIMEOUT_USEC=11000000", stopping)
        self.assertEqual(started.wait(10 * PATIENCE), 0)

    def test_a_stopped_loop_feeds_no_watchdog(self) -> None:
        started = self.start(sockets=self.both, NOTIFY_SOCKET=str(self.directory / "notes"),
                             WATCHDOG_USEC="150000")
        self.manager.note_with("WATCHDOG=1")
        started.send_signal(signal.SIGSTOP)
        self.manager.notes.settimeout(1)
        with self.assertRaises(TimeoutError):
            while True:
                self.manager.next_note()
        started.send_signal(signal.SIGCONT)
        self.manager.notes.settimeout(10 * PATIENCE)
        self.manager.note_with("WATCHDOG=1")
        self.stop(started)

    def test_tokens_may_come_as_a_credential(self) -> None:
        made = run_gatherd("token", "new", "dashboard", "--rights", "read")
        self.assertEqual(made.returncode, 0, made.stderr)
        token, line = made.stdout.split("\n", 1)
        tokens = self.directory / "gatherd.tokens"
        tokens.write_text(line)
        tokens.chmod(0o400)
        started = self.start(sockets=self.both, CREDENTIALS_DIRECTORY=str(self.directory))
        url = f"http://127.0.0.1:{self.manager.port}/v1/jobs"
        self.assertEqual(curl(url).status, 401)
        self.assertEqual(curl("-H", f"Authorization: Bearer {token}", url).status, 200)
        self.stop(started)


if __name__ == "__main__":
    unittest.main()
