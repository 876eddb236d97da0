"""What the scripted origin does, by the first segment of the path.

Each behaviour gets the request and the stream to write to, and may write anything at all. It
returns when the connection may carry another request, and raises Hangup when it may not.
"""

from __future__ import annotations

import asyncio
import gzip as gzip_format
import html
import json as json_format
import socket
import struct
from http import HTTPStatus
from itertools import count
from typing import TYPE_CHECKING, Awaitable, Callable

if TYPE_CHECKING:
    from origin import Request

Writer = asyncio.StreamWriter
Behaviour = Callable[["Request", Writer], Awaitable[None]]
Headers = list[tuple[str, str]]

BEHAVIOURS: dict[str, Behaviour] = {}


class Hangup(Exception):
    """The origin ends the connection."""


def behaviour(function: Behaviour) -> Behaviour:
    """Enter a function in the table: early_hints serves /early-hints."""
    BEHAVIOURS[function.__name__.strip("_").replace("_", "-")] = function
    return function


def head(status: int, headers: Headers) -> bytes:
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = "Custom"
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def answer(request: Request, body: bytes = b"", content_type: str = "text/plain",
           status: int = 200, headers: Headers | None = None) -> bytes:
    """A correct answer. No body where HTTP forbids one."""
    bodiless = status in (204, 304)
    fields = [*(headers or [])]
    if not bodiless:
        fields = [("Content-Type", content_type), ("Content-Length", str(len(body))), *fields]
    silent = bodiless or request.method == "HEAD"
    return head(status, fields) + (b"" if silent else body)


def reply(request: Request, writer: Writer, *arguments, **options) -> None:
    writer.write(answer(request, *arguments, **options))


def reply_json(request: Request, writer: Writer, value: object) -> None:
    body = json_format.dumps(value, ensure_ascii=False).encode()
    reply(request, writer, body, "application/json")


def pattern(n_bytes: int) -> bytes:
    """The body of /bytes/N: every byte value in turn, so neither text nor compressible."""
    return (bytes(range(256)) * (n_bytes // 256 + 1))[:n_bytes]


async def forever() -> None:
    await asyncio.Event().wait()


# -- answers as they should be --------------------------------------------------------------

async def not_found(request: Request, writer: Writer) -> None:
    reply(request, writer, b"no such path\n", status=404)


async def index(request: Request, writer: Writer) -> None:
    items = "".join(f"<li>/{html.escape(name)}</li>" for name in sorted(BEHAVIOURS))
    body = f"<!doctype html><title>origin</title><ul>{items}</ul>\n"
    reply(request, writer, body.encode(), "text/html; charset=utf-8")


BEHAVIOURS[""] = index


@behaviour
async def json(request: Request, writer: Writer) -> None:
    reply_json(request, writer, {"status": "ok", "text": "héllo ☃", "items": [1, 2, 3]})


@behaviour
async def _bytes(request: Request, writer: Writer) -> None:
    reply(request, writer, pattern(int(request.argument("100"))), "application/octet-stream")


@behaviour
async def status(request: Request, writer: Writer) -> None:
    code = int(request.argument("200"))
    reply(request, writer, f"{code}\n".encode(), status=code)


@behaviour
async def slow(request: Request, writer: Writer) -> None:
    milliseconds = request.number_of("ms", 100)
    await asyncio.sleep(milliseconds / 1000)
    reply_json(request, writer, {"slept_ms": milliseconds})


@behaviour
async def echo(request: Request, writer: Writer) -> None:
    reply_json(request, writer, {"method": request.method, "target": request.target,
                                 "headers": request.headers,
                                 "body": request.body.decode("latin-1")})


@behaviour
async def headers(request: Request, writer: Writer) -> None:
    """/headers?X-A=1&X-A=2: those headers, in that order."""
    fields = [(name, value) for name, values in request.query.items() for value in values]
    reply(request, writer, b"see the headers\n", headers=fields)


@behaviour
async def set_cookie(request: Request, writer: Writer) -> None:
    reply(request, writer, headers=[("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2")])


@behaviour
async def gzip(request: Request, writer: Writer) -> None:
    body = gzip_format.compress(b"x" * int(request.number_of("bytes", 1000)), mtime=0)
    reply(request, writer, body, headers=[("Content-Encoding", "gzip")])


@behaviour
async def chunked(request: Request, writer: Writer) -> None:
    writer.write(head(200, [("Transfer-Encoding", "chunked")]))
    size = int(request.number_of("size", 10))
    for _ in range(int(request.number_of("n", 5))):
        writer.write(b"%x\r\n%b\r\n" % (size, b"c" * size))
        await asyncio.sleep(request.number_of("delay_ms", 0) / 1000)
    writer.write(b"0\r\n\r\n")


@behaviour
async def drip(request: Request, writer: Writer) -> None:
    """?bytes= one by one, spread over ?ms=."""
    n_bytes = int(request.number_of("bytes", 10))
    writer.write(head(200, [("Content-Length", str(n_bytes))]))
    for _ in range(n_bytes):
        await asyncio.sleep(request.number_of("ms", 500) / 1000 / n_bytes)
        writer.write(b"d")


@behaviour
async def early_hints(request: Request, writer: Writer) -> None:
    writer.write(head(103, [("Link", "</style.css>; rel=preload")]))
    await asyncio.sleep(request.number_of("ms", 50) / 1000)
    reply(request, writer, b"after the hints\n")


@behaviour
async def keepalive_close(request: Request, writer: Writer) -> None:
    """Announces the end of the connection with its ?after=-th request."""
    if request.number < request.number_of("after", 1):
        return reply(request, writer, b"stay\n")
    reply(request, writer, b"go\n", headers=[("Connection", "close")])
    raise Hangup


@behaviour
async def silent_close(request: Request, writer: Writer) -> None:
    """A complete answer that promises a keep-alive connection, and then closes it."""
    reply(request, writer, b"bye\n")
    raise Hangup


# -- redirects ------------------------------------------------------------------------------

@behaviour
async def redirect(request: Request, writer: Writer) -> None:
    """/redirect/3 -> /redirect/2 -> /redirect/1 -> /"""
    left = int(request.argument("1")) - 1
    location = f"/redirect/{left}" if left else "/"
    reply(request, writer, status=302, headers=[("Location", location)])


@behaviour
async def redirect_to(request: Request, writer: Writer) -> None:
    location = ("Location", request.parameter("url", "/"))
    reply(request, writer, status=int(request.parameter("status", "302")), headers=[location])


@behaviour
async def redirect_loop(request: Request, writer: Writer) -> None:
    reply(request, writer, status=302, headers=[("Location", "/redirect-loop")])


# -- answers that never come or never end ---------------------------------------------------

@behaviour
async def hang(request: Request, writer: Writer) -> None:
    await forever()


@behaviour
async def hang_after_headers(request: Request, writer: Writer) -> None:
    writer.write(head(200, [("Content-Length", "1000")]) + b"first bytes")
    await forever()


@behaviour
async def endless(request: Request, writer: Writer) -> None:
    writer.write(head(200, [("Content-Type", "application/octet-stream")]))
    while True:
        writer.write(b"e" * 4096)
        await writer.drain()
        await asyncio.sleep(0.001)


@behaviour
async def endless_hints(request: Request, writer: Writer) -> None:
    while True:
        writer.write(head(103, [("Link", "</style.css>; rel=preload")]))
        await writer.drain()
        await asyncio.sleep(0.001)


@behaviour
async def endless_headers(request: Request, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in count():
        writer.write(b"X-Filler-%d: %b\r\n" % (number, b"f" * 1000))
        await writer.drain()
        await asyncio.sleep(0)


# -- connections that end too early ---------------------------------------------------------

@behaviour
async def close(request: Request, writer: Writer) -> None:
    raise Hangup


@behaviour
async def reset(request: Request, writer: Writer) -> None:
    """Ends with RST instead of FIN."""
    linger_0 = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_0)
    writer.transport.abort()
    raise Hangup


@behaviour
async def half_close(request: Request, writer: Writer) -> None:
    """Ends its own direction without an answer, and goes on listening."""
    writer.write_eof()
    await forever()


@behaviour
async def partial(request: Request, writer: Writer) -> None:
    writer.write(head(200, [("Content-Length", "1000")]) + b"p" * 500)
    raise Hangup


@behaviour
async def partial_headers(request: Request, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")
    raise Hangup


@behaviour
async def partial_chunk(request: Request, writer: Writer) -> None:
    writer.write(head(200, [("Transfer-Encoding", "chunked")]) + b"64\r\nonly the beginning")
    raise Hangup


# -- answers that lie -----------------------------------------------------------------------

@behaviour
async def garbage(request: Request, writer: Writer) -> None:
    writer.write(b"\x00\xff\x16\x03\x01 SSH-2.0-nonsense\r\n" * 20)
    raise Hangup


@behaviour
async def http09(request: Request, writer: Writer) -> None:
    writer.write(b"<html>a body, and nothing before it</html>\n")
    raise Hangup


@behaviour
async def bad_status(request: Request, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 OK 200\r\nContent-Length: 0\r\n\r\n")
    raise Hangup


@behaviour
async def bad_chunk(request: Request, writer: Writer) -> None:
    writer.write(head(200, [("Transfer-Encoding", "chunked")]) + b"5\r\nhello\r\nzz\r\nworld\r\n")
    raise Hangup


@behaviour
async def bad_length(request: Request, writer: Writer) -> None:
    writer.write(head(200, [("Content-Length", "-5")]) + b"hello")
    raise Hangup


@behaviour
async def bad_gzip(request: Request, writer: Writer) -> None:
    reply(request, writer, b"this is not gzip at all", headers=[("Content-Encoding", "gzip")])


@behaviour
async def lying_length(request: Request, writer: Writer) -> None:
    """Announces 5 bytes, and sends them with a whole second answer that nobody asked for."""
    writer.write(answer(request, b"hello") + answer(request, b"poison", status=418))


@behaviour
async def big_header(request: Request, writer: Writer) -> None:
    value = "b" * int(request.number_of("bytes", 1000))
    reply(request, writer, b"ok\n", headers=[("X-Big", value)])


@behaviour
async def nul_header(request: Request, writer: Writer) -> None:
    reply(request, writer, b"ok\n", headers=[("X-Nul", "before\0after")])


@behaviour
async def latin1_header(request: Request, writer: Writer) -> None:
    reply(request, writer, b"ok\n", headers=[("X-Latin", "caf\u00e9")])
