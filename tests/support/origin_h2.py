#!/usr/bin/env python3
"""A scripted HTTP/2 origin (RFC 9113) over TLS: it answers well or badly, as the path asks.

It keeps a log as origin.py does: {"event": "connect" | "request" | "disconnect", "connection": 1,
"time": ..., and of a request "stream", "method" and "target"}.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import ssl
import struct
import sys
import time
from typing import Awaitable, Callable, TextIO

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, StreamEnded
from h2.exceptions import ProtocolError

DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, CONTINUATION = \
    0, 1, 3, 4, 5, 6, 7, 9
OK = b"\x88"  # HPACK for ":status: 200"

Behaviour = Callable[["Connection", int, str], Awaitable[None]]
BEHAVIOURS: dict[str, Behaviour] = {}


def behaviour(function: Behaviour) -> Behaviour:
    """Enter a function in the table: empty_frames serves /empty-frames."""
    BEHAVIOURS[function.__name__.strip("_").replace("_", "-")] = function
    return function


def frame(kind: int, stream: int, payload: bytes = b"", flags: int = 0) -> bytes:
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


class Connection(asyncio.Protocol):
    n_connections = 0
    may_write = True

    def __init__(self, log: Callable[..., None]) -> None:
        self.log = log
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8",
                                               validate_outbound_headers=False))
        self.targets: dict[int, str] = {}
        self.tasks: set[asyncio.Task] = set()

    # What asyncio calls.

    def connection_made(self, transport) -> None:  # an asyncio.Transport
        Connection.n_connections += 1
        self.number = Connection.n_connections
        self.transport = transport
        self.log("connect", self.number)
        self.h2.initiate_connection()
        self.flush()

    def data_received(self, data: bytes) -> None:
        try:
            events = self.h2.receive_data(data)
        except ProtocolError:
            events = []
        for event in events:
            self.react(event)
        self.flush()

    def pause_writing(self) -> None:
        self.may_write = False

    def resume_writing(self) -> None:
        self.may_write = True

    def connection_lost(self, error: Exception | None) -> None:
        self.log("disconnect", self.number)
        for task in self.tasks:
            task.cancel()

    # What behaviours call.

    def react(self, event: object) -> None:
        if isinstance(event, RequestReceived):
            fields = dict(event.headers)
            self.targets[event.stream_id] = fields[":path"]
            self.log("request", self.number, stream=event.stream_id, method=fields[":method"],
                     target=fields[":path"])
        elif isinstance(event, DataReceived):
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            self.begin(event.stream_id, self.targets[event.stream_id])

    def begin(self, stream: int, target: str) -> None:
        name, _, argument = target.partition("?")[0].lstrip("/").partition("/")
        task = asyncio.ensure_future(BEHAVIOURS[name](self, stream, argument))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def flush(self) -> None:
        self.write(self.h2.data_to_send())

    def raw(self, data: bytes) -> None:
        self.flush()
        self.write(data)

    def write(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)

    def answer(self, stream: int, body: bytes, *fields: tuple[str, str], status: str = "200",
               ends: bool = True) -> None:
        self.h2.send_headers(stream, [(":status", status), *fields])
        self.h2.send_data(stream, body, end_stream=ends)
        self.flush()

    async def pour(self, data: bytes) -> None:
        self.flush()
        while not self.transport.is_closing():
            if self.may_write:
                self.write(data)
            await asyncio.sleep(0.001)


# -- as it should be ------------------------------------------------------------------------

@behaviour
async def _bytes(connection: Connection, stream: int, argument: str) -> None:
    size = int(argument or 100)
    connection.answer(stream, b"b" * size, ("content-length", str(size)))


@behaviour
async def slow(connection: Connection, stream: int, argument: str) -> None:
    await asyncio.sleep(int(argument or 100) / 1000)
    connection.answer(stream, b"slow\n")


@behaviour
async def trailers(connection: Connection, stream: int, argument: str) -> None:
    connection.answer(stream, b"hello", ends=False)
    connection.h2.send_headers(stream, [("x-trailer", "t")], end_stream=True)
    connection.flush()


@behaviour
async def hints(connection: Connection, stream: int, argument: str) -> None:
    for _ in range(20):
        connection.h2.send_headers(stream, [(":status", "103"), ("link", "</a>")])
    connection.answer(stream, b"hello")


# -- silent, endless ------------------------------------------------------------------------

@behaviour
async def hang(connection: Connection, stream: int, argument: str) -> None:
    pass


@behaviour
async def hang_after_headers(connection: Connection, stream: int, argument: str) -> None:
    connection.answer(stream, b"hello", ends=False)


@behaviour
async def empty_frames(connection: Connection, stream: int, argument: str) -> None:
    connection.answer(stream, b"hello", ends=False)
    await connection.pour(frame(DATA, stream) * 100)


@behaviour
async def pings(connection: Connection, stream: int, argument: str) -> None:
    await connection.pour(frame(PING, 0, bytes(8)) * 100)


@behaviour
async def settings(connection: Connection, stream: int, argument: str) -> None:
    await connection.pour(frame(SETTINGS, 0) * 100)


@behaviour
async def endless_headers(connection: Connection, stream: int, argument: str) -> None:
    connection.raw(frame(HEADERS, stream, OK))
    field = b"\x00\x01a\x7f\x81\x00" + b"v" * 256
    await connection.pour(frame(CONTINUATION, stream, field * 20))


@behaviour
async def endless_hints(connection: Connection, stream: int, argument: str) -> None:
    hint = b"\x08\x03103" + b"\x00\x04link\x7f\x00" + b"l" * 127  # each is a whole block
    await connection.pour(frame(HEADERS, stream, hint, flags=4) * 20)


# -- broken off -----------------------------------------------------------------------------

@behaviour
async def reset(connection: Connection, stream: int, argument: str) -> None:
    """RST_STREAM with the code /reset/N."""
    connection.h2.reset_stream(stream, int(argument or 0))
    connection.flush()


@behaviour
async def reset_body(connection: Connection, stream: int, argument: str) -> None:
    connection.answer(stream, b"hello", ("content-length", "1000"), ends=False)
    connection.h2.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)
    connection.flush()


@behaviour
async def goaway(connection: Connection, stream: int, argument: str) -> None:
    """Nothing that was asked will be answered."""
    connection.raw(frame(GOAWAY, 0, struct.pack("!II", 0, int(argument or 0))))
    connection.transport.close()


@behaviour
async def goaway_after(connection: Connection, stream: int, argument: str) -> None:
    """A farewell together with the last answer."""
    connection.answer(stream, b"hello")
    connection.raw(frame(GOAWAY, 0, struct.pack("!II", stream, 0)))
    connection.transport.close()  # leaves the TCP connection to the client, as many servers do


@behaviour
async def close(connection: Connection, stream: int, argument: str) -> None:
    connection.transport.close()


@behaviour
async def close_in_unmeasured_body(connection: Connection, stream: int, argument: str) -> None:
    connection.answer(stream, b"hello", ends=False)
    await asyncio.sleep(0.02)
    connection.transport.close()


@behaviour
async def close_in_body(connection: Connection, stream: int, argument: str) -> None:
    connection.answer(stream, b"hello", ("content-length", "1000"), ends=False)
    await asyncio.sleep(0.02)
    connection.transport.close()


# -- lies -----------------------------------------------------------------------------------

@behaviour
async def short_body(connection: Connection, stream: int, argument: str) -> None:
    connection.answer(stream, b"hello", ("content-length", "1000"))


@behaviour
async def long_body(connection: Connection, stream: int, argument: str) -> None:
    connection.answer(stream, b"hello", ("content-length", "3"))


@behaviour
async def not_frames(connection: Connection, stream: int, argument: str) -> None:
    connection.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")


@behaviour
async def data_of_nobody(connection: Connection, stream: int, argument: str) -> None:
    connection.raw(frame(DATA, 0, b"hello"))


@behaviour
async def headers_of_nobody(connection: Connection, stream: int, argument: str) -> None:
    connection.raw(frame(HEADERS, stream + 100, OK, flags=5))


@behaviour
async def data_before_headers(connection: Connection, stream: int, argument: str) -> None:
    connection.raw(frame(DATA, stream, b"hello", flags=1))


@behaviour
async def bad_hpack(connection: Connection, stream: int, argument: str) -> None:
    connection.raw(frame(HEADERS, stream, b"\xff\xff\xff\xff\xff\xff", flags=5))


@behaviour
async def huge_frame(connection: Connection, stream: int, argument: str) -> None:
    connection.raw(frame(HEADERS, stream, OK, flags=4) + frame(DATA, stream, bytes(1 << 20)))


@behaviour
async def unasked_push(connection: Connection, stream: int, argument: str) -> None:
    connection.raw(frame(PUSH_PROMISE, stream, struct.pack("!I", 2) + b"\x82\x84\x87", flags=4))


@behaviour
async def no_status(connection: Connection, stream: int, argument: str) -> None:
    connection.raw(frame(HEADERS, stream, b"\x00\x01a\x01b", flags=5))


@behaviour
async def upper_case(connection: Connection, stream: int, argument: str) -> None:
    connection.raw(frame(HEADERS, stream, OK + b"\x00\x01A\x01b", flags=5))


# -- the server -----------------------------------------------------------------------------

def logger(file: TextIO | None) -> Callable[..., None]:
    def write(event: str, connection: int, **members: object) -> None:
        if file is not None:
            line = {"event": event, "time": time.monotonic(), "connection": connection, **members}
            print(json.dumps(line), file=file, flush=True)
    return write


async def run(host: str, port: int, tls: ssl.SSLContext, log: Callable[..., None]) -> None:
    """Serve until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(log), host, port, ssl=tls)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    port = server.sockets[0].getsockname()[1]
    print(f"origin https://{host}:{port}", flush=True)
    await stop.wait()
    server.close()


def main() -> int:
    parser = argparse.ArgumentParser(description="A scripted HTTP/2 origin for tests.",
                                     epilog="Paths: " + ", ".join(f"/{n}" for n in BEHAVIOURS))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 (default): any free one")
    parser.add_argument("--log", type=argparse.FileType("a"), help="append events to this file")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), required=True)
    options = parser.parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*options.tls)
    context.set_alpn_protocols(["h2"])
    asyncio.run(run(options.host, options.port, context, logger(options.log)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
