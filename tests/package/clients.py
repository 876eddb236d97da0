#!/usr/bin/env python3
"""Clients that come one after the other, each with a connection of its own, until standard input ends.

usage: tests/package/clients.py URL

Says how many there were, and fails if one was not answered with 200.
"""

import sys
import threading
import time
import urllib.request

PAUSE_S = 0.002
PATIENCE_S = 20


def ask(url: str) -> str:
    """What went wrong."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            return "" if answer.status == 200 else f"status {answer.status}"
    except OSError as error:
        return str(error)


def main(url: str) -> int:
    is_over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), is_over.set()), daemon=True).start()
    seconds, failures = [], []
    while not is_over.wait(PAUSE_S):
        began = time.monotonic()
        if failure := ask(url):
            failures.append(failure)
        seconds.append(time.monotonic() - began)
    print(f"{len(seconds)} clients, {len(failures)} failed, {1000 * max(seconds):.0f} ms at worst", *failures[:5], sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
