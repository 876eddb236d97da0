"""Origins whose answers are not HTTP, or lie about themselves: each is a few exact bytes.

What a lenient client could read to the end is complete, so that refusing it is a decision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from behaviours import BEHAVIOURS, Behaviour, Writer, answer, behaviour, reply
from hostile import cut

if TYPE_CHECKING:
    from origin import Request

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
HELLO_CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"
ANY_BYTES = bytes(b for b in range(1, 256) if b not in b"\r\n")

STATUS_LINES = {
    "garbage": b"\x00\xff\x16\x03\x01 SSH-2.0-nonsense\r\n" * 20,
    "garbage-without-lines": bytes(range(14, 256)) * 100,
    "http09": b"<html>a body, and nothing before it</html>\n",
    "bad-status": b"HTTP/1.1 OK 200\r\nContent-Length: 0\r\n\r\n",
    "status-too-small": b"HTTP/1.1 099 Small\r\nContent-Length: 0\r\n\r\n",
    "status-too-big": b"HTTP/1.1 1000 Big\r\nContent-Length: 0\r\n\r\n",
    "status-too-short": b"HTTP/1.1 20\r\nContent-Length: 0\r\n\r\n",
    "status-negative": b"HTTP/1.1 -200 Negative\r\nContent-Length: 0\r\n\r\n",
    "http-version-9": b"HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n",
    "http-version-2": b"HTTP/2 500\r\nContent-Length: 0\r\n\r\n",
    "icy": b"ICY 200 OK\r\nContent-Length: 0\r\n\r\n",
    "cr-only": b"HTTP/1.1 200 OK\rContent-Length: 5\r\rhello",
    "nul-status": b"HTTP/1.1 200 O\0K\r\nContent-Length: 5\r\n\r\nhello",
    "status-999": b"HTTP/1.1 999 Unheard Of\r\nContent-Length: 5\r\n\r\nhello",
    "no-reason": b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello",
    "binary-reason": b"HTTP/1.1 200 \xc3\x28\xff\xfe\x1b[31m\r\nContent-Length: 5\r\n\r\nhello",
    "http10": b"HTTP/1.0 200 OK\r\n\r\nhello",
}

HEADERS = {
    "nul-header": OK + b"Content-Length: 5\r\nX-Nul: before\0after\r\n\r\nhello",
    "colonless-header": OK + b"Content-Length: 5\r\nBad header without one\r\n\r\nhello",
    "nameless-header": OK + b"Content-Length: 5\r\n: nobody\r\n\r\nhello",
    "spaced-header": OK + b"Content-Length : 5\r\n\r\nhello",
    "lf-only": b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
    "folded-header": OK + b"Content-Length: 5\r\nX-Folded: one\r\n two\r\n\tthree\r\n\r\nhello",
    "folded-first-header": OK + b" folded: yes\r\nContent-Length: 5\r\n\r\nhello",
    "binary-header": OK + b"Content-Length: 5\r\nX-Binary: " + ANY_BYTES + b"\r\n\r\nhello",
    "binary-header-name": OK + b"Content-Length: 5\r\nX-\xff\xfe\x01\x7f: x\r\n\r\nhello",
    "many-headers": OK + b"a: b\r\n" * 30_000 + b"Content-Length: 5\r\n\r\nhello",
    "long-header": OK + b"X-Long: " + b"l" * 200_000 + b"\r\nContent-Length: 5\r\n\r\nhello",
}

LENGTHS = {
    "bad-length": OK + b"Content-Length: -5\r\n\r\nhello",
    "length-of-words": OK + b"Content-Length: five\r\n\r\nhello",
    "length-overflow": OK + b"Content-Length: 99999999999999999999\r\n\r\nhello",
    "length-of-2-to-the-64": OK + b"Content-Length: 18446744073709551621\r\n\r\nhello",
    "length-conflict": OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "length-list": OK + b"Content-Length: 5, 5\r\n\r\nhello",
    "length-empty": OK + b"Content-Length: \r\n\r\nhello",
    "length-hex": OK + b"Content-Length: 0x5\r\n\r\nhello",
    "length-huge": OK + b"Content-Length: 9223372036854775807\r\n\r\nhello",
    "length-twice": OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "length-and-chunks": OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
                         + HELLO_CHUNKS,
}

CHUNKS = {
    "bad-chunk": CHUNKED + b"5\r\nhello\r\nzz\r\nworld\r\n",
    "chunk-negative": CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n",
    "chunk-overflow": CHUNKED + b"F" * 17 + b"\r\nhello",
    "chunk-huge": CHUNKED + b"7FFFFFFFFFFFFFFF\r\nhello",
    "chunk-without-size": CHUNKED + b"\r\nhello\r\n0\r\n\r\n",
    "chunk-without-end": CHUNKED + b"5\r\nhelloworld\r\n0\r\n\r\n",
    "chunk-long-extension": CHUNKED + b"5;" + b"e" * 100_000 + b"\r\nhello\r\n0\r\n\r\n",
    "chunk-trailers": CHUNKED + b"5\r\nhello\r\n0\r\nX-Trailer: t\r\n\r\n",
}

TRANSFER_CODINGS = {
    "te-unknown": OK + b"Transfer-Encoding: rot13\r\n\r\nuryyb",
    "te-identity": OK + b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello",
    "te-chunked-twice": OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + HELLO_CHUNKS,
    "te-chain": OK + b"Transfer-Encoding: " + b"gzip, " * 20 + b"chunked\r\n\r\n" + HELLO_CHUNKS,
    "te-on-http10": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + HELLO_CHUNKS,
}

INTERIM = {
    "switching-protocols": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: nonsense\r\n"
                           b"Connection: upgrade\r\n\r\nnonsense, from here on",
    "interim-with-length": b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n"
                           + OK + b"Content-Length: 5\r\n\r\nhello",
}

for table in (STATUS_LINES, HEADERS, LENGTHS, CHUNKS, TRANSFER_CODINGS, INTERIM):
    for name, data in table.items():
        BEHAVIOURS[name] = cut(data)


# -- what stays behind on a connection that is kept -----------------------------------------

def kept(data: bytes) -> Behaviour:
    """A behaviour that sends the bytes and waits for the next request."""
    async def send(request: Request, writer: Writer) -> None:
        writer.write(data)
    return send


POISON = b"HTTP/1.1 418 Poison\r\nContent-Length: 6\r\n\r\npoison"

LEFTOVERS = {
    "lying-length": OK + b"Content-Length: 5\r\n\r\nhello" + POISON,
    "trailing-garbage": OK + b"Content-Length: 5\r\n\r\nhello" + b"\0garbage\xff" * 100,
    "trailing-newlines": OK + b"Content-Length: 5\r\n\r\nhello\r\n\r\n",
    "body-of-204": b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
    "body-of-304": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello",
    "body-of-head": OK + b"Content-Length: 53\r\n\r\n" + POISON,
    "chunks-and-more": CHUNKED + HELLO_CHUNKS + POISON,
}

for name, data in LEFTOVERS.items():
    BEHAVIOURS[name] = kept(data)


# -- odd, but right -------------------------------------------------------------------------

@behaviour
async def big_header(request: Request, writer: Writer) -> None:
    value = "b" * int(request.number_of("bytes", 1000))
    reply(request, writer, b"ok\n", headers=[("X-Big", value)])


@behaviour
async def latin1_header(request: Request, writer: Writer) -> None:
    reply(request, writer, b"ok\n", headers=[("X-Latin", "caf\u00e9")])


@behaviour
async def binary_body(request: Request, writer: Writer) -> None:
    """What calls itself UTF-8, and is not."""
    writer.write(answer(request, bytes(range(256)) + b"\xed\xa0\x80\xf4\x90\x80\x80\xc0\x80",
                        "text/html; charset=utf-8"))
