"""What the scripted origin does, by the first segment of the path: here, what it should.

Each behaviour gets the request and the stream to write to, and may write anything at all. It
returns when the connection may carry another request, and raises Hangup when it may not. What an
origin should not do is in hostile*.py.
"""

from __future__ import annotations

import asyncio
import gzip as gzip_format
import hashlib
import html
import json as json_format
import re
import socket
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Awaitable, Callable

if TYPE_CHECKING:
    from origin import Request

Writer = asyncio.StreamWriter
Behaviour = Callable[["Request", Writer], Awaitable[None]]
Headers = list[tuple[str, str]]

BEHAVIOURS: dict[str, Behaviour] = {}
BEFORE_BODY: set[Behaviour] = set()


class Hangup(Exception):
    """The origin ends the connection."""


def behaviour(function: Behaviour) -> Behaviour:
    """Enter a function in the table: early_hints serves /early-hints."""
    BEHAVIOURS[function.__name__.strip("_").replace("_", "-")] = function
    return function


def before_body(function: Behaviour) -> Behaviour:
    """Likewise, for one that reads the body of the request itself, or leaves it."""
    BEFORE_BODY.add(behaviour(function))
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


@before_body
async def slow_reader(request: Request, writer: Writer) -> None:
    """Begins to read the body after ?read_ms=, answers ?wait_ms= after its end, and says how long
    it was reading: from the header to the last byte."""
    clock = asyncio.get_running_loop().time
    began = clock()
    writer.transport.pause_reading()
    await asyncio.sleep(request.number_of("read_ms", 0) / 1000)
    widen(writer)
    writer.transport.resume_reading()
    body = await request.read_body()
    read_ms = (clock() - began) * 1000
    await asyncio.sleep(request.number_of("wait_ms", 0) / 1000)
    reply_json(request, writer, {"read_ms": read_ms, "body_bytes": len(body)})


def widen(writer: Writer) -> None:
    """Makes a narrow buffer one that does not take for ever, and still does not hold much."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)


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


@behaviour
async def flaky(request: Request, writer: Writer) -> None:
    """/flaky/KEY: ?failures= times ?status= (0: no answer), then 200. ?retry_after= goes along."""
    n_failures = FLAKY[request.path] = FLAKY.get(request.path, 0) + 1
    if n_failures > request.number_of("failures", 1):
        return reply(request, writer, b"at last\n")
    status_code = int(request.number_of("status", 503))
    if status_code == 0:
        raise Hangup
    wait = request.parameter("retry_after", "")
    reply(request, writer, b"not now\n", status=status_code,
          headers=[("Retry-After", wait)] if wait else [])


FLAKY: dict[str, int] = {}


# -- answers for those who may --------------------------------------------------------------

def is_digest(request: Request, user: str, password: str, algorithm: str) -> bool:
    """Whether the request knows the password (RFC 7616, with qop=auth)."""
    given = dict(re.findall(r'(\w+)="?([^",]*)"?', request.header("authorization") or ""))

    def hashed(*parts: str) -> str:
        name = algorithm.replace("-", "").lower()
        return hashlib.new(name, ":".join(parts).encode("latin-1")).hexdigest()

    secret = hashed(user, given.get("realm", ""), password)
    action = hashed(request.method, request.target)
    proof = hashed(secret, *(given.get(key, "") for key in ("nonce", "nc", "cnonce", "qop")),
                   action)
    return given.get("username") == user and given.get("response") == proof


CHALLENGE = 'Digest realm="origin", nonce="0123456789abcdef", qop="auth", algorithm='


@behaviour
async def digest(request: Request, writer: Writer) -> None:
    """For ?user= with ?password=, after a challenge of ?algorithm=."""
    algorithm = request.parameter("algorithm", "MD5")
    if is_digest(request, request.parameter("user", ""), request.parameter("password", ""),
                 algorithm):
        return reply(request, writer, b"come in\n")
    reply(request, writer, b"who is it?\n", status=401,
          headers=[("WWW-Authenticate", CHALLENGE + algorithm)])


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
    await asyncio.sleep(request.number_of("ms", 0) / 1000)
    reply(request, writer, status=int(request.parameter("status", "302")), headers=[location])


@behaviour
async def redirect_loop(request: Request, writer: Writer) -> None:
    reply(request, writer, status=302, headers=[("Location", "/redirect-loop")])
