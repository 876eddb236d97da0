"""A systemd to be tested with: it boots from a /usr and forgets everything at its end.

/usr is this machine's, or that of another root, with what has been installed laid over it; /etc, /var and /run are made anew,
as when a machine boots for the first time. Of its network there is nothing but a loopback interface.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
BOOT_SECONDS = 30
PYTHON = "/usr/bin/python3"  # what another one needs may be outside of /usr
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "LANG": "C.UTF-8",
               "HOME": "/root"}
OPTIONS = ["--volatile=yes", "--machine=gatherd-test", "--register=no", "--console=pipe",
           "--private-network", "--kill-signal=SIGRTMIN+3", "--capability=all", "--system-call-filter=bpf"]
# Nothing asks questions, as a first boot would, and nothing starts that was installed on the machine.
ARGUMENTS = ["systemd.mask=systemd-firstboot.service", "systemd.condition-first-boot=false",
             "systemd.unit=basic.target"]


MANPATH_CONFIG = Path("/etc/manpath.config")  # man does nothing without it
PROGRAMS = ("systemd-nspawn", "nsenter", PYTHON)
CGROUPS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/systemd"))


def what_is_missing() -> str:
    """On this machine, to boot one; "" if nothing is."""
    if os.geteuid() != 0:
        return "only root can boot it"
    for program in PROGRAMS:
        if not shutil.which(program):
            return f"there is no {program}"
    if subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        return "mounting is not allowed"
    if not any((path / "cgroup.procs").exists() and os.access(path, os.W_OK) for path in CGROUPS):
        return "there are no cgroups that could be written to"
    return ""


class Container:
    """Leaving the context ends it. What was installed to stage/usr is in its /usr, the tests in /opt."""

    tests = Path("/opt/gatherd/tests")

    def __init__(self, stage: Path, root: Path) -> None:
        self.stage = stage
        self.root = root
        self.leader = 0

    def command(self) -> list[str]:
        # Without a systemd outside there is no unit to be made for it.
        unit = [] if Path("/run/systemd/system").exists() else ["--keep-unit"]
        manual = [f"--bind-ro={MANPATH_CONFIG}"] if MANPATH_CONFIG.exists() else []
        return ["systemd-nspawn", f"--directory={self.root}", *OPTIONS, *unit, *manual,
                f"--bind-ro={TESTS}:{self.tests}", f"--overlay={self.root / 'usr'}:{self.stage}/usr:/usr",
                "--boot", *ARGUMENTS]

    def __enter__(self) -> "Container":
        self.console = tempfile.TemporaryFile()
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=self.console,
                                        stderr=self.console)
        try:
            self.wait_until_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def wait_until_up(self) -> None:
        give_up = time.monotonic() + BOOT_SECONDS
        while not self.is_up():
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"systemd does not boot:\n{self.said()}")
            time.sleep(0.02)

    def is_up(self) -> bool:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        if not children:
            return False
        self.leader = int(children[0])
        asked = self.run("systemctl", "is-system-running", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return asked.stdout.strip() in (b"running", b"degraded")

    def run(self, *command: str, **options: object) -> subprocess.CompletedProcess:
        """A command in it, by root."""
        return subprocess.run(["nsenter", "--target", str(self.leader), "--all", *command], env=ENVIRONMENT,
                              stdin=subprocess.DEVNULL, check=False, **options)

    def said(self) -> str:
        self.console.seek(0)
        return self.console.read().decode(errors="replace")

    def __exit__(self, *_: object) -> None:
        if self.leader:
            self.run("systemctl", "exit", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.process.wait(20 if self.leader else 0)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGTERM)  # which it takes to kill all that is inside
            self.process.wait()
        self.console.close()
