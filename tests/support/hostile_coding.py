"""Origins whose bodies are not encoded as they say, or become far larger than they came."""

from __future__ import annotations

import functools
import gzip
import random
import zlib
from typing import TYPE_CHECKING

from behaviours import BEHAVIOURS, Behaviour, Writer, reply

if TYPE_CHECKING:
    from origin import Request

MIB = 1 << 20
BROTLI_8_MIB = bytes.fromhex("cbffff3ff825c4e2b14020f7fe6f")
ZSTD_HEAD = b"\x28\xb5\x2f\xfd\x00\x58"  # the magic number, no size, a window of 2 MiB
ZSTD_BLOCK = 128 << 10


def zstd_of(n_blocks: int) -> bytes:
    """A frame of runs (RFC 8878 section 3.1.1.2): four bytes for each 128 KiB."""
    headers = [ZSTD_BLOCK << 3 | 1 << 1 | (i == n_blocks - 1) for i in range(n_blocks)]
    return ZSTD_HEAD + b"".join(each.to_bytes(3, "little") + b"z" for each in headers)


def gzip_of(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def nested(data: bytes, times: int) -> bytes:
    for _ in range(times):
        data = gzip_of(data)
    return data


def spoilt(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(255 - byte for byte in data[middle:middle + 50]) \
        + data[middle + 50:]


TEXT = random.Random(1).randbytes(5000)  # which no coder makes smaller
BODIES = {  # name: Content-Encoding, how to make the body
    "bomb-gzip": ("gzip", lambda: gzip_of(bytes(20 * MIB))),
    "bomb-gzip-twice": ("gzip, gzip", lambda: nested(bytes(20 * MIB), 2)),
    "bomb-deflate": ("deflate", lambda: zlib.compress(bytes(20 * MIB))),
    "bomb-br": ("br", lambda: BROTLI_8_MIB),
    "bomb-zstd": ("zstd", lambda: zstd_of(1000)),
    "bad-gzip": ("gzip", lambda: b"this is not gzip at all"),
    "bad-deflate": ("deflate", lambda: b"\xff" * 100),
    "bad-br": ("br", lambda: b"\xff" * 100),
    "bad-zstd": ("zstd", lambda: b"this is not zstd at all"),
    "spoilt-gzip": ("gzip", lambda: spoilt(gzip_of(TEXT))),
    "spoilt-gzip-checksum": ("gzip", lambda: gzip_of(TEXT)[:-8] + bytes(8)),
    "truncated-gzip": ("gzip", lambda: gzip_of(TEXT)[:2000]),
    "truncated-gzip-header": ("gzip", lambda: gzip_of(TEXT)[:5]),
    "truncated-deflate": ("deflate", lambda: zlib.compress(TEXT)[:2000]),
    "truncated-br": ("br", lambda: BROTLI_8_MIB[:8]),
    "truncated-zstd": ("zstd", lambda: zstd_of(2)[:-4]),
    "gzip-and-more": ("gzip", lambda: gzip_of(TEXT) + b"more" * 100),
    "unknown-coding": ("rot13", lambda: b"uryyb"),
    "coding-chain": ("gzip, " * 19 + "gzip", lambda: nested(TEXT, 20)),
    "two-codings": ("deflate, gzip", lambda: gzip_of(zlib.compress(TEXT))),
    "identity-coding": ("identity", lambda: TEXT),
    "empty-gzip": ("gzip", lambda: b""),
}


@functools.cache
def body_of(name: str) -> bytes:
    """Made when it is first asked for: most origins are never asked."""
    return BODIES[name][1]()


def coded(name: str) -> Behaviour:
    async def send(request: Request, writer: Writer) -> None:
        reply(request, writer, body_of(name), headers=[("Content-Encoding", BODIES[name][0])])
    return send


for name in BODIES:
    BEHAVIOURS[name] = coded(name)
