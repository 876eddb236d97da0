"""Running gatherctl as people and scripts do: piped, and on a terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import time
from pathlib import Path

from harness import GatherdTest
from patience import PATIENCE

GATHERCTL = Path(os.environ["GATHERD"]).with_name("gatherctl")


class Terminal:
    """A program that runs on a terminal of its own, 100 columns wide."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.said = ""
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.environ.update({"TERM": "xterm", "COLUMNS": "100", "LC_ALL": "C.UTF-8", **environment})
            os.execv(command[0], command)

    def read_until(self, text: str) -> str:
        end = time.monotonic() + 20 * PATIENCE
        while text not in self.said:
            if time.monotonic() > end:
                raise AssertionError(f"{text!r} does not come: {self.said!r}")
            self.read_some()
        return self.said

    def read_some(self) -> bool:
        if not select.select([self.terminal], [], [], 0.2)[0]:
            return True
        try:
            more = os.read(self.terminal, 4096)
        except OSError:  # nobody is at the other end any more
            more = b""
        self.said += more.decode(errors="replace")
        return bool(more)

    def catches_ctrl_c(self) -> bool:
        if os.readlink(f"/proc/{self.process}/exe") == os.readlink("/proc/self/exe"):
            return False  # that is still ourselves
        status = Path(f"/proc/{self.process}/status").read_text(encoding="ascii")
        caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
        return bool(int(caught.split()[1], 16) & 1 << signal.SIGINT - 1)

    def type(self, keys: bytes) -> None:
        os.write(self.terminal, keys)

    def ended(self) -> int:
        """The exit status."""
        end = time.monotonic() + 60 * PATIENCE
        while self.read_some():
            if time.monotonic() > end:
                os.kill(self.process, signal.SIGKILL)
                raise AssertionError(f"it does not end: {self.said!r}")
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


class GatherctlTest(GatherdTest):
    def environment(self) -> dict[str, str]:
        return {"GATHERD_SERVER": self.gatherd.base}

    def run_gatherctl(self, *arguments: str, stdin: str = "", status: int | None = 0,
                      **environment: str) -> subprocess.CompletedProcess:
        done = subprocess.run([str(GATHERCTL), *arguments], input=stdin, capture_output=True,
                              text=True, timeout=60 * PATIENCE, check=False,
                              env={**os.environ, **self.environment(), **environment})
        if status is not None:
            self.assertEqual(done.returncode, status, done.stderr + done.stdout)
        return done

    def out(self, *arguments: str, stdin: str = "", status: int = 0, **environment: str) -> str:
        return self.run_gatherctl(*arguments, stdin=stdin, status=status, **environment).stdout

    def err(self, *arguments: str, stdin: str = "", status: int = 1, **environment: str) -> str:
        return self.run_gatherctl(*arguments, stdin=stdin, status=status, **environment).stderr

    def on_terminal(self, *arguments: str, **environment: str) -> Terminal:
        return Terminal([str(GATHERCTL), *arguments], {**self.environment(), **environment})

    def begin(self, *arguments: str) -> subprocess.Popen:
        process = subprocess.Popen([str(GATHERCTL), *arguments], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, **self.environment()})
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process
