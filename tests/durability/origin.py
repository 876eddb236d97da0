#!/usr/bin/env python3
"""An origin that remembers every request, whatever becomes of those who sent it.

It answers as the first segment of the path says: /ok, /slow, /error (500), /reset, /hang; the body
is the path and a line feed. What arrived is in the log when it ends, a line each: the monotonic
time, the method, the path.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import struct
import sys
import time
from typing import Callable

ANSWER = b"HTTP/1.1 %d -\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s"
SLOW_SECONDS = 0.03


class Connection(asyncio.Protocol):
    def __init__(self, log: Callable[[str], object]) -> None:
        self.log = log
        self.data = b""
        self.expected = 0  # bytes of a body

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        while True:
            skipped = min(self.expected, len(self.data))
            self.data = self.data[skipped:]
            self.expected -= skipped
            head, end, rest = self.data.partition(b"\r\n\r\n")
            if self.expected or not end:
                return
            self.data = rest
            self.take(head.decode("latin-1"))

    def take(self, head: str) -> None:
        line, *fields = head.split("\r\n")
        method, path, _ = line.split(" ")
        self.body = f"{path}\n".encode()
        self.is_head = method == "HEAD"
        for field in fields:
            if field.lower().startswith("content-length:"):
                self.expected = int(field[15:])
        self.log(f"{time.monotonic():.6f} {method} {path}\n")
        BEHAVIOURS[path.split("/")[1]](self)

    def answer(self, status: int) -> None:
        if not self.transport.is_closing():
            body = b"" if self.is_head else self.body
            self.transport.write(ANSWER % (status, len(self.body), body))

    def answer_late(self) -> None:
        asyncio.get_running_loop().call_later(SLOW_SECONDS, self.answer, 200)

    def reset(self) -> None:
        self.transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


BEHAVIOURS: dict[str, Callable[[Connection], None]] = {
    "ok": lambda connection: connection.answer(200),
    "error": lambda connection: connection.answer(500),
    "slow": Connection.answer_late,
    "reset": Connection.reset,
    "hang": lambda connection: None,
}


async def run(log: Callable[[str], object]) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(log), "127.0.0.1", 0, backlog=1024)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    print(f"origin http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    with open(sys.argv[1], "w", encoding="ascii") as file:
        asyncio.run(run(file.write))
