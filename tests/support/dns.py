#!/usr/bin/env python3
"""A scripted DNS server (RFC 1035): it answers what its zone says, true or not. What is too long
for a datagram is to be had over TCP.

The zone is a JSON file; names are lower case and without the final dot, unknown names do not
exist. Every member of a name's script is optional:

    {"ok.test":     {"A": ["127.0.0.1"], "AAAA": ["::1"], "ttl": 60},
     "slow.test":   {"A": ["127.0.0.1"], "delay_ms": 3000},
     "gone.test":   {"rcode": "NXDOMAIN"},
     "broken.test": {"rcode": "SERVFAIL"},
     "silent.test": {"silent": true},
     "moves.test":  {"A": [["127.0.0.2"], ["127.0.0.1"]], "ttl": 0},
     "alias.test":  {"CNAME": "ok.test"}}

Lists in a list are the answers to the first, second, ... query of that type; the last one stays.
The log has a line {"time": ..., "name": ..., "type": "A"} for each query.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import ipaddress
import json
import signal
import struct
import sys
import time
from collections import Counter
from typing import TextIO

TYPES = {1: "A", 5: "CNAME", 28: "AAAA"}
TYPE_NUMBERS = {name: number for number, name in TYPES.items()}
RCODES = {"NOERROR": 0, "SERVFAIL": 2, "NXDOMAIN": 3, "REFUSED": 5}
HEADER = struct.Struct("!6H")
ANSWER_FLAGS = 0x8580  # response, authoritative, recursion desired and available
TRUNCATED = 0x0200
OPT = 41
MAX_DATAGRAM = 512  # unless the query says that more is fine (RFC 6891)


def read_question(packet: bytes) -> tuple[str, int, bytes]:
    """Name, type and the question's own bytes (to be repeated in the answer)."""
    labels, at = [], HEADER.size
    while length := packet[at]:
        labels.append(packet[at + 1:at + 1 + length].decode("latin-1"))
        at += 1 + length
    end = at + 5
    return ".".join(labels).lower(), struct.unpack_from("!H", packet, at + 1)[0], \
        packet[HEADER.size:end]


def max_answer(packet: bytes, question: bytes) -> int:
    """How long a datagram the client takes; its OPT record comes right after the question."""
    record_at = HEADER.size + len(question) + 1
    if len(packet) < record_at + 4:
        return MAX_DATAGRAM
    kind, size = struct.unpack_from("!HH", packet, record_at)
    return max(size, MAX_DATAGRAM) if kind == OPT else MAX_DATAGRAM


def name_bytes(name: str) -> bytes:
    labels = [label.encode() for label in name.split(".")]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(owner: str, kind: str, value: str, ttl: int) -> bytes:
    data = name_bytes(value) if kind == "CNAME" else ipaddress.ip_address(value).packed
    fixed = struct.pack("!HHIH", TYPE_NUMBERS[kind], 1, ttl, len(data))
    return name_bytes(owner) + fixed + data


class Server(asyncio.DatagramProtocol):
    def __init__(self, zone: dict[str, dict], log: TextIO | None) -> None:
        self.zone = zone
        self.log = log
        self.n_queries: Counter[tuple[str, str]] = Counter()

    def connection_made(self, transport) -> None:  # a DatagramTransport
        self.transport = transport

    def datagram_received(self, packet: bytes, peer: tuple) -> None:
        name, _, question = read_question(packet)
        answer = self.answer(packet, max_answer(packet, question))
        if answer:
            delay_ms = self.zone.get(name, {}).get("delay_ms", 0)
            asyncio.get_running_loop().call_later(delay_ms / 1000, self.transport.sendto, answer,
                                                  peer)

    async def serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Queries and answers, each after its length."""
        try:
            while True:
                packet = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
                answer = self.answer(packet, 0xffff)
                writer.write(len(answer).to_bytes(2) + answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def answer(self, packet: bytes, max_bytes: int) -> bytes:
        """The whole answer, or one that says there is more; empty: none."""
        name, number, question = read_question(packet)
        kind = TYPES.get(number, str(number))
        self.note(name, kind)
        script = self.zone.get(name, {"rcode": "NXDOMAIN"})
        if script.get("silent"):
            return b""
        records = self.records(name, kind)
        self.n_queries[name, kind] += 1
        flags = ANSWER_FLAGS | RCODES[script.get("rcode", "NOERROR")]
        if HEADER.size + len(question) + sum(map(len, records)) > max_bytes:
            flags, records = flags | TRUNCATED, []
        header = HEADER.pack(int.from_bytes(packet[:2]), flags, 1, len(records), 0, 0)
        return header + question + b"".join(records)

    def records(self, name: str, kind: str) -> list[bytes]:
        script = self.zone.get(name, {})
        ttl = script.get("ttl", 60)
        if "CNAME" in script:
            target = script["CNAME"]
            return [record(name, "CNAME", target, ttl), *self.records(target, kind)]
        values = script.get(kind, [])
        if values and isinstance(values[0], list):
            values = values[min(self.n_queries[name, kind], len(values) - 1)]
        return [record(name, kind, value, ttl) for value in values]

    def note(self, name: str, kind: str) -> None:
        if self.log is not None:
            line = {"time": time.monotonic(), "name": name, "type": kind}
            self.log.write(json.dumps(line) + "\n")
            self.log.flush()


async def listen(server: Server, host: str,
                 port: int) -> tuple[asyncio.DatagramTransport, asyncio.Server]:
    """On one port for UDP and TCP: a free one of the former may be taken of the latter."""
    loop = asyncio.get_running_loop()
    while True:
        transport, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=(host, port))
        try:
            address = transport.get_extra_info("sockname")
            return transport, await asyncio.start_server(server.serve_tcp, *address)
        except OSError as error:
            transport.close()
            if port or error.errno != errno.EADDRINUSE:
                raise


async def run(server: Server, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    transport, streams = await listen(server, host, port)
    address = transport.get_extra_info("sockname")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    print("dns {}:{}".format(*address), flush=True)
    await stop.wait()
    streams.close()
    transport.close()


def main() -> int:
    parser = argparse.ArgumentParser(description="A scripted DNS server for tests.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 (default): any free one")
    parser.add_argument("--zone", type=argparse.FileType(), required=True, help="JSON file")
    parser.add_argument("--log", type=argparse.FileType("a"), help="append queries to this file")
    options = parser.parse_args()
    server = Server(json.load(options.zone), options.log)
    asyncio.run(run(server, options.host, options.port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
