"""Origins that are slow, endless, or gone: what goes wrong with time and connections."""

from __future__ import annotations

import asyncio
import socket
import struct
from itertools import count
from typing import TYPE_CHECKING, Iterable, NoReturn

from behaviours import (BEHAVIOURS, Behaviour, Hangup, Writer, answer, before_body, behaviour,
                        forever, head, reply)

if TYPE_CHECKING:
    from origin import Request

CHUNKED = head(200, [("Transfer-Encoding", "chunked")])
HINT = head(103, [("Link", "</style.css>; rel=preload")])
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


# -- answers that never come ----------------------------------------------------------------

@behaviour
async def hang(request: Request, writer: Writer) -> None:
    await forever()


@behaviour
async def hang_after_headers(request: Request, writer: Writer) -> None:
    writer.write(head(200, [("Content-Length", "1000")]) + b"first bytes")
    await forever()


@behaviour
async def hang_after_hint(request: Request, writer: Writer) -> None:
    writer.write(HINT)
    await forever()


@behaviour
async def hang_in_header(request: Request, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX-Unfinished: ")
    await forever()


@behaviour
async def hang_before_last_chunk(request: Request, writer: Writer) -> None:
    writer.write(CHUNKED + b"5\r\nhello\r\n")
    await forever()


# -- answers that come a byte at a time -----------------------------------------------------

async def trickle(request: Request, writer: Writer, data: bytes) -> None:
    """The bytes one by one, one each ?ms=."""
    for byte in data:
        writer.write(bytes([byte]))
        await asyncio.sleep(request.number_of("ms", 50) / 1000)


@behaviour
async def slow_status(request: Request, writer: Writer) -> None:
    await trickle(request, writer, answer(request, b"slow\n"))


@behaviour
async def slow_header(request: Request, writer: Writer) -> None:
    whole = answer(request, b"slow\n")
    status_line, separator, rest = whole.partition(b"\r\n")
    writer.write(status_line + separator)
    await trickle(request, writer, rest)


@behaviour
async def slow_chunk_size(request: Request, writer: Writer) -> None:
    writer.write(CHUNKED)
    await trickle(request, writer, b"5;slow=" + b"s" * 1000)


@behaviour
async def drip(request: Request, writer: Writer) -> None:
    """?bytes= one by one, spread over ?ms=."""
    n_bytes = int(request.number_of("bytes", 10))
    writer.write(head(200, [("Content-Length", str(n_bytes))]))
    for _ in range(n_bytes):
        await asyncio.sleep(request.number_of("ms", 500) / 1000 / n_bytes)
        writer.write(b"d")


# -- answers that never end -----------------------------------------------------------------

async def pour(writer: Writer, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.001)


@behaviour
async def endless(request: Request, writer: Writer) -> None:
    writer.write(head(200, [("Content-Type", "application/octet-stream")]))
    await pour(writer, (b"e" * 4096 for _ in count()))


@behaviour
async def endless_chunks(request: Request, writer: Writer) -> None:
    writer.write(CHUNKED)
    await pour(writer, (b"1\r\ne\r\n" * 100 for _ in count()))


@behaviour
async def endless_chunk_extension(request: Request, writer: Writer) -> None:
    writer.write(CHUNKED + b"5;")
    await pour(writer, (b"e" * 4096 for _ in count()))


@behaviour
async def endless_chunk_size(request: Request, writer: Writer) -> None:
    writer.write(CHUNKED)
    await pour(writer, (b"0" * 4096 for _ in count()))


@behaviour
async def endless_trailers(request: Request, writer: Writer) -> None:
    writer.write(CHUNKED + b"5\r\nhello\r\n0\r\n")
    await pour(writer, (b"X-Trailer-%d: %b\r\n" % (n, b"t" * 1000) * 10 for n in count()))


@behaviour
async def endless_hints(request: Request, writer: Writer) -> None:
    await pour(writer, (HINT * 100 for _ in count()))


@behaviour
async def endless_continues(request: Request, writer: Writer) -> None:
    await pour(writer, (CONTINUE * 100 for _ in count()))


@behaviour
async def endless_headers(request: Request, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    await pour(writer, (b"X-Filler-%d: %b\r\n" % (n, b"f" * 1000) * 10 for n in count()))


@behaviour
async def endless_header_line(request: Request, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    await pour(writer, (b"l" * 4096 for _ in count()))


@behaviour
async def endless_status_line(request: Request, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 ")
    await pour(writer, (b"O" * 4096 for _ in count()))


@behaviour
async def many_hints(request: Request, writer: Writer) -> None:
    """Odd, but right: ?n= interim answers of two kinds before the final one."""
    n_each = int(request.number_of("n", 200)) // 2
    writer.write((CONTINUE + HINT) * n_each)
    reply(request, writer, b"at last\n")


# -- connections that end too early ---------------------------------------------------------

@behaviour
async def close(request: Request, writer: Writer) -> None:
    raise Hangup


@behaviour
async def half_close(request: Request, writer: Writer) -> None:
    """Ends its own direction without an answer, and goes on listening."""
    writer.write_eof()
    await forever()


def cut(data: bytes) -> Behaviour:
    """A behaviour that sends the bytes and hangs up."""
    async def send_and_close(request: Request, writer: Writer) -> None:
        writer.write(data)
        raise Hangup
    return send_and_close


def reset_after(data: bytes) -> Behaviour:
    """A behaviour that sends the bytes, lets them arrive, and ends with RST instead of FIN."""
    async def send_and_reset(request: Request, writer: Writer) -> None:
        writer.write(data)
        await asyncio.sleep(0.02 if data else 0)
        abort(writer)
    return send_and_reset


def abort(writer: Writer) -> NoReturn:
    linger_0 = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_0)
    writer.transport.abort()
    raise Hangup


PARTS = {  # what had come when the connection ended
    "status": b"HTTP/1.1 20",
    "hint": HINT,
    "headers": b"HTTP/1.1 200 OK\r\nContent-Le",
    "body": head(200, [("Content-Length", "1000")]) + b"p" * 500,
    "chunk-size": CHUNKED + b"5\r\nhello\r\n6",
    "chunk": CHUNKED + b"64\r\nonly the beginning",
    "last-chunk": CHUNKED + b"5\r\nhello\r\n",
    "trailer": CHUNKED + b"5\r\nhello\r\n0\r\nX-Trai",
}

for name, data in PARTS.items():
    BEHAVIOURS["partial-" + name] = cut(data)
    BEHAVIOURS["reset-" + name] = reset_after(data)
BEHAVIOURS["partial"] = BEHAVIOURS["partial-body"]
BEHAVIOURS["reset"] = reset_after(b"")


# -- connections that go on when they should not --------------------------------------------

@behaviour
async def reset_idle(request: Request, writer: Writer) -> None:
    """A complete answer, and soon after it the end of the idle connection by RST."""
    reply(request, writer, b"bye\n")
    await asyncio.sleep(0.02)
    abort(writer)


@behaviour
async def unsolicited(request: Request, writer: Writer) -> None:
    """After its answer, another one on the idle connection, that nobody asked for."""
    reply(request, writer, b"hello")
    await writer.drain()
    await asyncio.sleep(request.number_of("ms", 10) / 1000)
    writer.write(answer(request, b"poison", status=418))


# -- doors that never open ------------------------------------------------------------------

@behaviour
async def digest_loop(request: Request, writer: Writer) -> None:
    """Says of every answer to its challenge that it was right, but too late."""
    challenge = f'Digest realm="r", nonce="{request.number}", qop="auth", stale=true'
    reply(request, writer, status=401, headers=[("WWW-Authenticate", challenge)])


@behaviour
async def challenges(request: Request, writer: Writer) -> None:
    """401 with challenges that make no sense."""
    fields = ["", "Digest", "Digest realm=", 'Digest realm="', "Digest nonce=" + "n" * 10_000,
              'Digest realm="r", nonce="n", algorithm=ROT13', "Basic", "\xff\x01", ", ,, ="]
    reply(request, writer, status=401, headers=[("WWW-Authenticate", each) for each in fields])


@behaviour
async def proxy_challenge(request: Request, writer: Writer) -> None:
    """Takes itself for a proxy."""
    challenge = ("Proxy-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')
    reply(request, writer, status=407, headers=[challenge])


@behaviour
async def retry_after(request: Request, writer: Writer) -> None:
    """503, with ?value= as the time to come back."""
    value = request.parameter("value", "")
    reply(request, writer, status=503, headers=[("Retry-After", value)])


# -- requests that are not read -------------------------------------------------------------

@before_body
async def never_read(request: Request, writer: Writer) -> None:
    writer.transport.pause_reading()
    await forever()


@before_body
async def reset_upload(request: Request, writer: Writer) -> None:
    writer.transport.pause_reading()
    await asyncio.sleep(0.05)
    abort(writer)


@before_body
async def early_answer(request: Request, writer: Writer) -> None:
    """Refuses before it has read the body, and then reads it as it should."""
    reply(request, writer, b"too large\n", status=413, headers=[("Connection", "close")])
    await request.read_body()
    raise Hangup


@before_body
async def early_close(request: Request, writer: Writer) -> None:
    """Refuses before it has read the body, ends its direction, and reads on for a while."""
    reply(request, writer, b"too large\n", status=413, headers=[("Connection", "close")])
    writer.write_eof()
    await asyncio.sleep(0.2)
    raise Hangup
