"""Rounds: every client once in each, so that what else the machine does hits all alike; and a figure
counts only if the origin saw exactly what was asked."""

import subprocess
from dataclasses import dataclass, field

from fetching.client import CLIENTS
from fetching.origin import BODY_BYTES
from fetching.process import Failed


@dataclass
class Series:
    """The rounds of one client, or of one load."""

    cpu_us: list = field(default_factory=list)  # per URL
    wall_us: list = field(default_factory=list)

    def add(self, result, n_urls):
        self.cpu_us.append(result["cpu_s"] / n_urls * 1e6)
        self.wall_us.append(result["wall_s"] / n_urls * 1e6)

    @property
    def cpu(self):
        return min(self.cpu_us)  # others on the machine only ever add


def max_connections(client, load):
    if load.max_connections:
        return load.max_connections
    return load.concurrency if client.keeps_alive else len(load.urls)


def check_origin(client, load, result, seen):
    asked, limit = len(load.warm) + len(load.urls), max_connections(client, load)
    if client.is_timed:  # it counts what was answered; the rest was on its way
        asked, limit = result["ok"], limit + 1  # one to try the host
        is_seen = asked <= seen["requests"] <= asked + limit
    else:
        is_seen = seen["requests"] == asked
    if not is_seen or not load.min_connections <= seen["accepted"] <= limit:
        raise Failed(f"{asked} requests on {load.min_connections} to {limit} connections were asked,"
                     f" and the origin saw {seen['requests']} on {seen['accepted']}")


def check_result(client, load, result):
    asked = result["ok"] if client.is_timed else len(load.urls)
    if result["ok"] != asked or result["body_bytes"] not in (None, asked * BODY_BYTES):
        raise Failed(f"{asked} were asked, and it got {result}")
    return asked


def run_once(bench, origin, client, load):
    """One round of one client: its result, and how many URLs that was."""
    before = origin.counts()
    result = client.run(bench, load)
    after = origin.counts()
    check_origin(client, load, result, {key: after[key] - before[key] for key in before})
    return result, check_result(client, load, result)


def compare(bench, origin, loads):
    """{name: Series} of loads {name: (client's name, load)}. Who fails is named and left out."""
    table, left = {name: Series() for name in loads}, dict(loads)
    for number in range(1, bench.rounds + 1):
        for name, (client, load) in list(left.items()):
            try:
                table[name].add(*run_once(bench, origin, CLIENTS[client], load))
            except (Failed, OSError, ValueError, subprocess.SubprocessError) as error:
                print(f"# left out: {name}: {error}", flush=True)
                del left[name], table[name]
            else:
                print(f"# round {number}: {name} {table[name].cpu_us[-1]:.1f} us/URL", flush=True)
    return table
