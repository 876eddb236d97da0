#!/usr/bin/env python3
"""A scripted HTTP origin: it answers well or badly, as the path asks (see behaviours.py).

It speaks HTTP/1.1 over plain streams so that a behaviour can lie at the byte level, and it
keeps a log, one JSON object a line, which is what tests compare the daemon's word with:

    {"event": "connect", "time": 81.2, "connection": 1, "peer": "127.0.0.1:40422"}
    {"event": "request", "time": 81.3, "connection": 1, "number": 1, "method": "GET",
     "target": "/slow?ms=5", "headers": [["Host", "..."]],
     "body": "the first 1000 bytes as Latin-1", "body_bytes": 0, "body_sha256": "..."}
    {"event": "response", "time": 81.4, "connection": 1, "number": 1, "complete": true}
    {"event": "disconnect", "time": 81.5, "connection": 1, "by": "peer"}

"time" is CLOCK_MONOTONIC, the same for every process of the machine. "number" counts the
requests of a connection. "bad_request" comes instead of "request" for what is not HTTP.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import re
import signal
import socket
import ssl
import sys
import time
from dataclasses import dataclass, field
from typing import Awaitable, Callable, TextIO
from urllib.parse import parse_qs, urlsplit

import hostile
import hostile_coding
import hostile_framing
import hostile_redirects
from behaviours import BEFORE_BODY, BEHAVIOURS, Behaviour, Hangup, not_found

FAMILIES = (hostile, hostile_framing, hostile_coding, hostile_redirects)  # enter what they do

MAX_HEAD_BYTES = 1 << 20
REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP/1\.([01])")


class BadRequest(Exception):
    """What arrived is not an HTTP request; carries the bytes."""


class Log:
    """The oracle: events as JSON lines, each flushed before the peer can see its effect."""

    def __init__(self, file: TextIO | None) -> None:
        self.file = file

    def write(self, event: str, connection: int, **members: object) -> None:
        if self.file is None:
            return
        line = {"event": event, "time": time.monotonic(), "connection": connection, **members}
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()


@dataclass
class Request:
    method: str
    target: str
    minor_version: int
    headers: list[tuple[str, str]]
    number: int = 0
    body: bytes = b""
    read_body: Callable[[], Awaitable[bytes]] | None = None
    path: str = field(init=False)
    query: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.target)
        self.path = parts.path
        self.query = parse_qs(parts.query, keep_blank_values=True)

    @property
    def behaviour(self) -> Behaviour:
        return BEHAVIOURS.get(self.path.lstrip("/").partition("/")[0], not_found)

    def header(self, name: str) -> str | None:
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    def argument(self, default: str) -> str:
        """The path after its first segment: "5" of /bytes/5."""
        return self.path.lstrip("/").partition("/")[2] or default

    def parameter(self, name: str, default: str) -> str:
        return self.query.get(name, [default])[0]

    def number_of(self, name: str, default: float) -> float:
        return float(self.parameter(name, str(default)))

    def wants_close(self) -> bool:
        connection = (self.header("connection") or "").lower()
        return connection == "close" or (self.minor_version == 0 and connection != "keep-alive")


class WatchedReader(asyncio.StreamReader):
    """Tells at once when the peer is gone, while nobody is reading."""

    on_end = staticmethod(lambda: None)

    def feed_eof(self) -> None:
        super().feed_eof()
        self.on_end()

    def set_exception(self, exc: Exception) -> None:
        super().set_exception(exc)
        self.on_end()


class Connection:
    """One client connection: requests in, behaviours out, until either side ends it."""

    def __init__(self, number: int, reader: WatchedReader, writer: asyncio.StreamWriter,
                 log: Log) -> None:
        self.number = number
        self.reader = reader
        self.writer = writer
        self.log = log
        self.n_requests = 0

    async def serve(self) -> None:
        task = asyncio.current_task()
        self.reader.on_end = lambda: task and task.cancel()
        peer = "{}:{}".format(*self.writer.get_extra_info("peername")[:2])
        self.log.write("connect", self.number, peer=peer)
        ended_by = "peer"
        try:
            while await self.serve_one():
                pass
            ended_by = "origin"
        except (BadRequest, ValueError) as error:
            ended_by = "origin"
            self.log.write("bad_request", self.number, what=repr(error))
            self.writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        except (asyncio.CancelledError, asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self.reader.on_end = lambda: None
            self.log.write("disconnect", self.number, by=ended_by)
            self.writer.close()

    async def serve_one(self) -> bool:
        """Answer one request; whether the connection stays open."""
        request = await self.read_request()
        self.n_requests += 1
        request.number = self.n_requests
        self.log.write("request", self.number, number=request.number, method=request.method,
                       target=request.target, headers=request.headers,
                       body=request.body[:1000].decode("latin-1"), body_bytes=len(request.body),
                       body_sha256=hashlib.sha256(request.body).hexdigest())
        complete = False
        try:
            await self.answer(request)
            complete = True
        except Hangup:
            return False
        finally:
            self.log.write("response", self.number, number=request.number, complete=complete)
        return not request.wants_close()

    async def answer(self, request: Request) -> None:
        await request.behaviour(request, self.writer)
        await self.writer.drain()

    async def read_request(self) -> Request:
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError as error:
            raise BadRequest(await self.reader.readexactly(100)) from error
        request = parse_head(head)
        request.read_body = lambda: self.read_body(request)
        if request.behaviour not in BEFORE_BODY:
            request.body = await request.read_body()
        return request

    async def read_body(self, request: Request) -> bytes:
        chunked = request.header("transfer-encoding") is not None
        length = int(request.header("content-length") or 0)
        if request.header("expect") is not None and (chunked or length):
            self.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return await self.read_chunks() if chunked else await self.reader.readexactly(length)

    async def read_chunks(self) -> bytes:
        body = b""
        while size := int((await self.reader.readline()).split(b";")[0], 16):
            body += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        while await self.reader.readline() != b"\r\n":
            pass
        return body


def parse_head(head: bytes) -> Request:
    request_line, *lines = head[:-4].decode("latin-1").split("\r\n")
    match = REQUEST_LINE.fullmatch(request_line)
    if match is None or not all(re.fullmatch(r"[^\s:]+:[^\r\n\0]*", line) for line in lines):
        raise BadRequest(head)
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return Request(match[1], match[2], int(match[3]), headers)


class Origin:
    def __init__(self, log: Log, tls: ssl.SSLContext | None = None) -> None:
        self.log = log
        self.tls = tls
        self.n_connections = 0
        self.tasks: set[asyncio.Task | None] = set()  # the loop does not keep those that wait

    async def accept(self, reader: WatchedReader, writer: asyncio.StreamWriter) -> None:
        self.n_connections += 1
        self.tasks.add(asyncio.current_task())
        await Connection(self.n_connections, reader, writer, self.log).serve()
        self.tasks.discard(asyncio.current_task())

    def protocol(self) -> asyncio.StreamReaderProtocol:
        return asyncio.StreamReaderProtocol(WatchedReader(limit=MAX_HEAD_BYTES), self.accept)

    async def run(self, listener: socket.socket) -> None:
        """Serve until SIGTERM or SIGINT."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self.protocol, sock=listener, ssl=self.tls, backlog=1024)
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        host, port = listener.getsockname()[:2]
        host = f"[{host}]" if ":" in host else host
        print(f"origin {'https' if self.tls else 'http'}://{host}:{port}", flush=True)
        await stop.wait()
        server.close()


def listen(host: str, port: int, narrow: bool) -> socket.socket:
    """A listener. If it is narrow, little fits into what lies between a client and the reader: the
    buffer, and with the segments what the client's kernel takes in advance."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if narrow:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    listener.bind((host, port))
    return listener


def tls_context(files: list[str] | None) -> ssl.SSLContext | None:
    if files is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return context


def main() -> int:
    parser = argparse.ArgumentParser(
        description="A scripted HTTP origin for tests and demos.",
        epilog="Paths: " + ", ".join(f"/{name}" for name in BEHAVIOURS))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 (default): any free one")
    parser.add_argument("--log", type=argparse.FileType("a"), help="append events to this file")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), help="speak HTTPS")
    parser.add_argument("--narrow", action="store_true", help="with small buffers")
    options = parser.parse_args()
    origin = Origin(Log(options.log), tls_context(options.tls))
    asyncio.run(origin.run(listen(options.host, options.port, options.narrow)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
