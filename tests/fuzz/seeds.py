#!/usr/bin/env python3
"""Writes inputs for fuzz targets into DIRECTORY/TARGET: all documents of json_corpus.py, for those
that read a client's.

Five hundred files need not be kept where a table of them is.
"""

from __future__ import annotations

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "integration"))

import json_corpus  # noqa: E402

# What comes before a document: see the top of each target.
PREFIXES = {
    "intake": {"": b"\0\7", "_streamed": b"\1\7"},
    "request": {"": b"\1"},
}


def documents() -> list[tuple[str, bytes]]:
    """All of them, with names for files."""
    found = [*json_corpus.good(), *json_corpus.bad(), *json_corpus.undecided()]
    return [(f"{i:03}_{re.sub('[^0-9A-Za-z]+', '_', name)[:40]}", body)
            for i, (name, body) in enumerate(found)]


def write(directory: pathlib.Path) -> None:
    """A file for each document and way to read it."""
    for target, prefixes in PREFIXES.items():
        (directory / target).mkdir(parents=True)
        for name, body in documents():
            for suffix, prefix in prefixes.items():
                (directory / target / (name + suffix)).write_bytes(prefix + body)


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]))
