#!/usr/bin/env python3
"""A scripted DNS server (RFC 1035 over UDP): it answers what its zone says, true or not.

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


def read_question(packet: bytes) -> tuple[str, int, bytes]:
    """Name, type and the question's own bytes (to be repeated in the answer)."""
    labels, at = [], HEADER.size
    while length := packet[at]:
        labels.append(packet[at + 1:at + 1 + length].decode("latin-1"))
        at += 1 + length
    end = at + 5
    return ".".join(labels).lower(), struct.unpack_from("!H", packet, at + 1)[0], \
        packet[HEADER.size:end]


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
        name, number, question = read_question(packet)
        kind = TYPES.get(number, str(number))
        self.note(name, kind)
        script = self.zone.get(name, {"rcode": "NXDOMAIN"})
        if script.get("silent"):
            return
        records = self.records(name, kind)
        self.n_queries[name, kind] += 1
        header = HEADER.pack(int.from_bytes(packet[:2]),
                             ANSWER_FLAGS | RCODES[script.get("rcode", "NOERROR")],
                             1, len(records), 0, 0)
        answer = header + question + b"".join(records)
        asyncio.get_running_loop().call_later(script.get("delay_ms", 0) / 1000,
                                              self.transport.sendto, answer, peer)

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


async def run(server: Server, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=(host, port))
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    print("dns {}:{}".format(*transport.get_extra_info("sockname")), flush=True)
    await stop.wait()
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
