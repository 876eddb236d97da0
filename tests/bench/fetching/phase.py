"""What a transfer is made of: system calls, allocations, clock reads, and instructions by part.

Each is counted for N and for 2 N URLs; half the difference is what a transfer takes, without what
the process takes to start and to stop.
"""

import re
from collections import Counter

from fetching import gatherd, process
from fetching.client import Load, curl_loop
from fetching.report import print_rows

CONCURRENCY = 64
N_URLS = 4000
LEAST = 0.005  # of a transfer, to be shown
STRACE_ROW = re.compile(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$")


# Who does it: a client run by a wrapper, with an environment


def run_gatherd(bench, n_urls, wrapper, env):
    with gatherd.running(bench, n_urls, CONCURRENCY, None, wrapper, env) as daemon:
        daemon.gather(bench.nginx.urls(n_urls), CONCURRENCY)


def run_curl_loop(bench, n_urls, wrapper, env):
    loop = curl_loop(bench, Load(bench.nginx.urls(n_urls), CONCURRENCY))
    process.run(process.on_core(bench.client_core, *wrapper, *loop), env)


SUBJECTS = {"gatherd": run_gatherd, "curl loop": run_curl_loop}


# What is counted: a function of a bench, a subject and a number of URLs


def count_system_calls(bench, subject, n_urls):
    out = bench.folder / "strace"
    out.write_text("")
    # Its own process waits, so that a signal to end reaches the program.
    subject(bench, n_urls, ["strace", "-D", "-f", "-c", "-o", out], {})
    process.wait_until(lambda: "total" in out.read_text(), process.START_TIMEOUT_S)
    rows = map(STRACE_ROW.match, out.read_text().splitlines())
    return Counter({row[2]: int(row[1]) for row in rows if row and row[2] != "total"})


def count_calls(bench, subject, n_urls):
    """Allocations and clock reads, by the library that asks for them."""
    out = bench.folder / "counts"
    env = {"LD_PRELOAD": str(bench.built / "counts.so"), "COUNTS_FILE": str(out)}
    subject(bench, n_urls, [], env)
    counts = Counter()
    for line in out.read_text().splitlines():
        name, call, n_calls, n_bytes = line.rsplit(" ", 3)
        counts[f"{call}, by {short_name(name)}"] += int(n_calls)
        counts[f"{call}, all"] += int(n_calls)
        if call == "malloc":
            counts["malloc, bytes"] += int(n_bytes)
    return counts


def count_instructions(bench, subject, n_urls):
    out = bench.folder / "callgrind"
    subject(bench, n_urls, ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}"], {})
    counts = Counter()
    for library, file, cost in callgrind_costs(out.read_text(errors="replace")):
        counts[part_of(library, file)] += cost
    counts["all"] = sum(counts.values())
    return counts


def short_name(library):
    name, so, _version = library.rsplit("/", 1)[-1].partition(".so")
    return name if so or name in ("???", "other") else "the program"


def part_of(library, file):
    """Of the program, the folder of the source; of all others, the library."""
    name = short_name(library)
    if name == "the program":
        folder = re.search(r"(lib/\w+|daemon/\w+|daemon)/[^/]+$", file)
        return folder[1] if folder else name
    return name


def callgrind_costs(text):
    """(library, file, instructions) of each line that costs, calls left to the called."""
    names, library, file, is_call = {}, "", "", False
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and key in ("ob", "cob", "fl", "fi", "fe", "cfi", "cfl"):
            name = full_name(names, "ob" if key.endswith("ob") else "fl", value)
            if key == "ob":
                library = name
            elif key in ("fl", "fi", "fe"):
                file = name
        elif key == "calls":
            is_call = True
        elif line[:1] in tuple("+-*0123456789") and not equals:
            if not is_call:
                yield library, file, int(line.split()[1])
            is_call = False


def full_name(names, kind, value):
    """A name is written once, with a number, and then by that."""
    number, _space, name = value.partition(" ")
    if name:
        names[kind, number] = name
    return names.get((kind, number), value)


# The report


def per_transfer(bench, count, subject):
    few, many = (count(bench, subject, n) for n in (N_URLS, 2 * N_URLS))
    return {name: (many[name] - few[name]) / N_URLS for name in many}


def print_counts(title, counts):
    names = sorted(set().union(*counts.values()),
                   key=lambda name: -max(count.get(name, 0) for count in counts.values()))
    shown = [name for name in names
             if any(count.get(name, 0) >= LEAST for count in counts.values())]
    rows = [[name, *(f"{count.get(name, 0):.2f}" for count in counts.values())] for name in shown]
    print_rows([f"{title} per transfer", *counts], rows)
    print()


COUNTS = {
    "system calls": count_system_calls,
    "calls": count_calls,
    "instructions": count_instructions,
}


def phases(bench):
    """What a keep-alive GET takes: system calls, allocations, clock reads, instructions by part."""
    for title, count in COUNTS.items():
        print_counts(title, {name: per_transfer(bench, count, subject)
                             for name, subject in SUBJECTS.items()})
    return []
