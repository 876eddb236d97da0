"""Waiting, in tests that drive real processes: never a bare sleep, never without a limit."""

from __future__ import annotations

import itertools
import os
import time
import unittest
from typing import Any, Callable

PATIENCE = float(os.environ.get("GATHERD_PATIENCE", "1"))
"""How many times slower than usual the daemon may be (valgrind)."""

takes_seconds = unittest.skipIf(bool(os.environ.get("GATHERD_QUICK")), "takes seconds")


def eventually(condition: Callable[[], Any], what: str, seconds: float = 5) -> Any:
    """Wait until the condition is true, and return its value."""
    give_up = time.monotonic() + seconds * PATIENCE
    while not (value := condition()):
        if time.monotonic() > give_up:
            raise AssertionError(f"{what} did not come within {seconds * PATIENCE:g} s")
        time.sleep(0.01)
    return value


TRIES = 8
MEASURE_S = 15 * PATIENCE


def in_the_end(attempt: Callable[[], Any]) -> Any:
    """For what is measured: the attempt succeeds, if not the first time. What else runs on the
    machine can only add to a time, and may go on for seconds."""
    give_up = time.monotonic() + MEASURE_S
    for n_tries in itertools.count(1):
        try:
            return attempt()
        except AssertionError:
            if n_tries >= TRIES and time.monotonic() > give_up:
                raise


def report(sentence: str) -> None:
    """Put a measured number beside the test's line."""
    print(f"       {sentence}", flush=True)
