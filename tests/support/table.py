#!/usr/bin/env python3
"""Prints the answer of /v1/gather (on standard input) for a person: a table, then the JSON."""

import json
import sys

PHASES = ["total", "dns", "connect", "tls", "send", "wait", "receive"]


def cell(value):
    """One number of the table; null, a phase that was not reached, is a dash."""
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def row(number, result):
    """One result as the cells of its line."""
    error = result.get("error")
    target = result["request"]["url"] + (f"  {error['code']}" if error else "")
    timings = [cell(result["timings"].get(f"{phase}_ms")) for phase in PHASES]
    return [str(number), cell(result.get("status_code")), *timings, target]


def print_table(results):
    """Numbers to the right, the last column to the left."""
    heading = ["#", "status", "total_ms", *PHASES[1:], "url"]
    rows = [heading] + [row(number, result) for number, result in enumerate(results)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for cells in rows:
        numbers = [text.rjust(width) for text, width in zip(cells[:-1], widths)]
        print("  ".join([*numbers, cells[-1]]))


def main():
    """Exit status 1 if standard input is not the answer of a gather."""
    text = sys.stdin.read()
    try:
        answer = json.loads(text)
        print_table(answer["results"])
    except (ValueError, KeyError, TypeError):
        print(text, file=sys.stderr)
        return 1
    print()
    print(json.dumps(answer, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
