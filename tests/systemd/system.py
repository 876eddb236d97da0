"""What the tests share: gatherd as a service of the systemd they run in, and a base class."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
import unittest
from pathlib import Path

from durable import DurableTest
from harness import Reply, curl
from patience import eventually

UNITS = Path("/etc/systemd/system")
CREDENTIALS = Path("/etc/credstore")
CLIENTS = "gatherd-clients"


def ask(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                          check=False)


def systemctl(*words: str) -> str:
    done = ask("systemctl", *words)
    assert done.returncode == 0, f"systemctl {' '.join(words)}: {done.stderr}"
    return done.stdout


def as_ini(settings: tuple[str, ...]) -> str:
    """SECTION.KEY=VALUE..., as a file has them."""
    lines = (re.fullmatch(r"(\w+)\.(\w+)=(.*)", each).groups() for each in settings)
    return "".join(f"[{section}]\n{key} = {value}\n" for section, key, value in lines)


class Service:
    """gatherd.service with its socket, or an instance of the template."""

    port = 7480
    base = f"http://127.0.0.1:{port}"

    def __init__(self, name: str = "gatherd") -> None:
        self.name = name
        self.unit = f"{name}.service"
        self.socket = f"{name}.socket"
        self.path = Path(f"/run/{name.replace('@', '-')}.sock")
        self.state = Path("/var/lib") / name.replace("@", "-")
        self.since = 0.0

    # Before it starts.

    def prepare(self, *settings: str) -> None:
        self.since = time.time()
        self.configure(*settings)
        systemctl("start", self.socket)

    def configure(self, *settings: str) -> None:
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(as_ini(settings))

    @property
    def config(self) -> Path:
        return Path(re.search(r"--config (\S+)", self.show("ExecStart")).group(1))

    def program(self) -> Path:
        return Path(re.search(r"path=(\S+)", self.show("ExecStart")).group(1))

    def change(self, *lines: str, section: str = "Service") -> None:
        """A drop-in for one of the units."""
        directory = UNITS / f"{self.name}.{section.lower()}.d"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "test.conf").write_text(f"[{section}]\n" + "".join(f"{line}\n" for line in lines))
        systemctl("daemon-reload")

    def give(self, name: str, text: str) -> None:
        """A credential: "tokens" or "secrets"."""
        CREDENTIALS.mkdir(mode=0o700, exist_ok=True)
        file = CREDENTIALS / f"{self.name}.{name}"
        file.touch(0o600)
        file.write_text(text)

    # While it runs.

    def show(self, name: str, unit: str = "") -> str:
        """A property of the service."""
        return systemctl("show", "--value", f"--property={name}", unit or self.unit).strip()

    @property
    def pid(self) -> int:
        return int(self.show("MainPID"))

    def n_restarts(self) -> int:
        return int(self.show("NRestarts"))

    def until(self, state: str, seconds: float = 10) -> None:
        eventually(lambda: self.show("ActiveState") == state, f"{self.unit}: {state}", seconds)

    def successor_of(self, pid: int) -> int:
        """The process after this one, once it is ready."""
        def is_there() -> bool:
            return self.show("ActiveState") == "active" and self.pid not in (0, pid)
        eventually(is_there, f"the successor of process {pid}", 10)
        return self.pid

    def start(self) -> int:
        systemctl("start", self.unit)
        return self.pid

    def restart(self) -> int:
        systemctl("restart", self.unit)
        return self.pid

    def stop(self) -> None:
        systemctl("stop", self.unit)

    def failed_start(self) -> int:
        """The status it ended with."""
        assert ask("systemctl", "start", self.unit).returncode != 0, "it starts"
        return int(self.show("ExecMainStatus"))

    def journal(self) -> str:
        ask("journalctl", "--sync")
        return ask("journalctl", "--output=cat", f"--unit={self.name}.*", f"--since=@{self.since:.6f}").stdout

    def reset(self) -> None:
        """As if it had just been installed."""
        ask("systemctl", "stop", self.socket, self.unit)
        ask("systemctl", "reset-failed", self.socket, self.unit)
        changes = [*UNITS.glob(f"{self.name}.*.d")]
        for path in (*changes, *CREDENTIALS.glob(f"{self.name}.*"), self.state.resolve()):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        if changes:
            systemctl("daemon-reload")

    def unix(self, target: str, *arguments: str) -> Reply:
        return curl("--unix-socket", str(self.path), *arguments, f"http://localhost{target}")


class SystemTest(DurableTest):
    """Each test has the units as they were installed, with a configuration and a state of its own. The
    socket listens, and nobody has come yet."""

    gatherd: Service

    @classmethod
    def start_gatherd(cls, *settings: str) -> Service:
        return Service()

    def setUp(self) -> None:
        super().setUp()
        self.prepare(self.gatherd)

    def prepare(self, service: Service) -> None:
        self.addCleanup(service.reset)
        service.prepare(*self.settings)

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        began = time.time()
        super().run(result)
        if getattr(result, "problems", None):
            print(ask("journalctl", "--no-pager", "--output=short-precise", f"--since=@{began:.6f}").stdout)
        return result

    def healthy(self) -> Reply:
        reply = curl(f"{self.gatherd.base}/healthz")
        self.assertEqual(reply.status, 200, reply.body)
        return reply
