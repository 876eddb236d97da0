"""A daemon under a journal that is none: its entries are collected here."""

from __future__ import annotations

import os
import socket
import subprocess
import threading

from harness import Gatherd, Json

UNSHARE = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
HIDE = "mount -t tmpfs none /run && mkdir -p /run/systemd/journal"
"""For a /run of one's own, where nobody else's journal is."""


def can_mount() -> bool:
    return subprocess.run([*UNSHARE, "sh", "-c", HIDE], capture_output=True,
                          check=False).returncode == 0


class JournalGatherd(Gatherd):
    """Its stderr seems to lead to a journal, which is reached from listen() on."""

    def __init__(self, *settings: str) -> None:
        super().__init__(*settings)
        self.datagrams: list[bytes] = []
        self.journal = self.directory / "journal"
        self.journal.mkdir()

    def listen(self) -> None:
        server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        server.bind(str(self.journal / "socket"))
        threading.Thread(target=self.collect, args=[server], daemon=True).start()

    def collect(self, server: socket.socket) -> None:
        with server:
            while datagram := server.recv(1 << 16):
                self.datagrams.append(datagram)

    def entries(self) -> list[Json]:
        return [dict(line.split("=", 1) for line in datagram.decode().splitlines())
                for datagram in list(self.datagrams)]

    def launch(self, **environment: str) -> None:
        self.stderr_path.touch()
        status = self.stderr_path.stat()
        super().launch(JOURNAL_STREAM=f"{status.st_dev}:{status.st_ino}", **environment)

    def command(self) -> list[str]:
        script = f'{HIDE} && mount --bind "$0" /run/systemd/journal && exec "$@"'
        return [*UNSHARE, "sh", "-c", script, str(self.journal), *super().command()]

    def __exit__(self, *error: object) -> None:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
                client.sendto(b"", str(self.journal / "socket"))
        finally:
            super().__exit__(*error)
