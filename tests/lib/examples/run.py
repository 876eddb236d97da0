#!/usr/bin/env python3
"""Run every example of the lesson and compare what it prints with what the lesson's prints.

usage: tests/lib/examples/run.py [DIRECTORY]

DIRECTORY holds the programs; $EXAMPLE_WRAPPER goes in front of each. expected/NAME.txt is the output
of NAME, line by line; a {word} in it stands for something that differs from run to run. All run at
the same time, for nearly all of their time is sleep.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE.parents[1] / "integration")]

from servers import Origin, peak  # noqa: E402

PROGRAMS = Path(sys.argv[1] if len(sys.argv) > 1 else "lib/examples").resolve()
WRAPPER = shlex.split(os.environ.get("EXAMPLE_WRAPPER", ""))
PATIENCE_S = 600 if WRAPPER else 120

# Left out where the library they are for is not there.
OPTIONAL = {"client_session", "homework_1", "homework_2"}

ARGUMENTS = {"file_lines": [str(HERE / "foo.txt")], "find_prime": ["25"]}

MASKS = {
    "time": r"\d\d:\d\d:\d\d",
    "seconds": r"\d+\.\d{3}",
    "ratio": r"\d+\.\d\d",
    "count": r"\d+",
    "url": r"\S+ *",
}

DISPLAYED = re.compile(r"Loop: ([12]) Time: (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6})")


class Different(Exception):
    """What a program did is not what the lesson's does."""


def expect(condition: object, message: str) -> None:
    if not condition:
        raise Different(message)


def start(name: str, *arguments: str, stdout: int = subprocess.PIPE) -> subprocess.Popen:
    return subprocess.Popen([*WRAPPER, str(PROGRAMS / name), *arguments], text=True,
                            stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen) -> str:
    """What a program that succeeds prints; nothing of it to stderr."""
    try:
        output, errors = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
    expect(process.returncode == 0 and not errors,
           f"status {process.returncode}, stderr: {errors}, stdout: {output}")
    return output


def run(name: str, *arguments: str) -> str:
    return finish(start(name, *arguments))


# -- comparing --------------------------------------------------------------------------------


def pattern(line: str) -> str:
    """An expected line as a regular expression."""
    parts = re.split(r"\{(\w+)\}", line)
    return "".join(MASKS[part] if i % 2 else re.escape(part) for i, part in enumerate(parts))


def compare(output: str, name: str) -> None:
    got = output.splitlines()
    wanted = (HERE / "expected" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    for number, (line, other) in enumerate(zip(got, wanted), 1):
        expect(re.fullmatch(pattern(other), line), f"line {number} is {line!r}, not {other!r}")
    expect(len(got) == len(wanted), f"{len(got)} lines, not {len(wanted)}:\n{output}")


def prints_what_the_lesson_prints(name: str) -> None:
    compare(run(name, *ARGUMENTS.get(name, [])), name)


# -- those that need more than that -----------------------------------------------------------


def compare_dates(output: str) -> None:
    lines = [DISPLAYED.fullmatch(line) for line in output.splitlines()]
    expect(all(lines), f"not all lines are dates:\n{output}")
    loops, times = zip(*(line.groups() for line in lines if line))
    expect(loops[:2] == ("1", "2"), "the tasks did not start in order")
    expect(list(times) == sorted(times), "time went backwards")


def displays_dates(name: str) -> None:
    compare_dates(run(name, "2"))


def displays_dates_until_it_is_interrupted(name: str) -> None:
    """On a terminal, for there lines come as they are printed: after those two its tasks are done."""
    ours, theirs = os.openpty()
    process = start(name, "1", stdout=theirs)
    os.close(theirs)
    output = b""
    while output.count(b"\n") < 2:
        output += os.read(ours, 1000)
    time.sleep(0.2)
    expect(process.poll() is None, f"it ended by itself with status {process.returncode}")
    process.send_signal(signal.SIGINT)
    finish(process)
    os.close(ours)
    compare_dates(output.decode().replace("\r\n", "\n"))


def goes_on_until_nobody_reads(name: str) -> None:
    process = start(name)
    first = [process.stdout.readline() for _ in range(25)]
    process.stdout.close()
    process.wait(PATIENCE_S)
    process.stderr.close()
    expect(process.returncode == -signal.SIGPIPE, f"it ended with status {process.returncode}")
    compare("".join(first), name)


def prints_status_and_page(name: str) -> None:
    with Origin() as origin:
        output = run(name, origin.url("/#/HTTP_Methods/get_get"))
        requests = [(request["method"], request["target"]) for request in origin.requests()]
        with urllib.request.urlopen(origin.url("/")) as page:
            expect(output == f"200\n{page.read().decode()}\n", f"it printed {output!r}")
    expect(requests == [("GET", "/")], f"the origin was asked for {requests}")


def fails_with_a_sentence(name: str) -> None:
    process = start(name, "http://127.0.0.1:1/")
    output, errors = process.communicate(timeout=PATIENCE_S)
    expect(process.returncode == 1 and output == "" and "refused" in errors,
           f"status {process.returncode}, stderr: {errors}, stdout: {output}")


def makes_fifteen_requests_twice(name: str) -> None:
    """One after the other, then all at once; the origin's log is the oracle."""
    with Origin() as origin:
        paths = [f"/slow?ms=100&site={site}" for site in (1, 2, 3)]
        compare(run(name, *map(origin.url, paths)), name)
        events = origin.events("request", "response")
    requests = [event for event in events if event["event"] == "request"]
    targets = [request["target"] for request in requests]
    wanted = [path for path in paths for _ in range(5)]
    expect(targets[:15] == wanted, f"one after the other: {targets[:15]}")
    expect(sorted(targets[15:]) == wanted, f"all at once: {targets[15:]}")
    turn = events.index(requests[15])
    expect(peak(events[:turn], "request", "response") == 1, "the first 15 overlap")
    expect(peak(events[turn:], "request", "response") > 5, "the last 15 do not overlap")


SPECIAL: dict[str, list[Callable[[str], None]]] = {
    "display_date_async": [displays_dates],
    "display_date_forever": [displays_dates_until_it_is_interrupted],
    "display_date_helper": [displays_dates],
    "find_prime": [prints_what_the_lesson_prints, goes_on_until_nobody_reads],
    "client_session": [prints_status_and_page, fails_with_a_sentence],
    "homework_1": [makes_fifteen_requests_twice],
}


# -- all of them ------------------------------------------------------------------------------


def tests() -> list[tuple[str, Callable[[str], None]]]:
    names = {file.stem for file in (HERE / "expected").glob("*.txt")} | SPECIAL.keys()
    left_out = {name for name in OPTIONAL if not (PROGRAMS / name).exists()}
    return [(name, test) for name in sorted(names - left_out)
            for test in SPECIAL.get(name, [prints_what_the_lesson_prints])]


def problem_of(case: tuple[str, Callable[[str], None]]) -> str:
    name, test = case
    try:
        test(name)
        return ""
    except (Different, OSError, AssertionError) as problem:
        return str(problem) or repr(problem)


def main() -> int:
    cases = tests()
    n_failed = 0
    with ThreadPoolExecutor(len(cases)) as pool:
        for (name, test), problem in zip(cases, pool.map(problem_of, cases)):
            n_failed += bool(problem)
            print("FAIL  " if problem else "ok    ", f"{name}: {test.__name__.replace('_', ' ')}")
            if problem:
                print("   ", problem.replace("\n", "\n    "))
    print(f"{len(cases) - n_failed} passed, {n_failed} failed")
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
