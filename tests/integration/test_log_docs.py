"""docs/operations.md: the events, fields and exit statuses are those of the source."""

from __future__ import annotations

import re
import subprocess
import unittest
from pathlib import Path
from typing import NamedTuple

TOP = Path(__file__).resolve().parents[2]
PAGE = TOP / "docs" / "operations.md"
TEXT = r'"((?:[^"\\]|\\.)*)"'
ROW = re.compile(rf'^EVENT\((\w+),\s+"([^"]+)",\s+(\w+),\s+(\w+),\s+"(\w+)",((?:\s+{TEXT})+)\)',
                 re.MULTILINE)


class Event(NamedTuple):
    symbol: str
    name: str
    level: str
    message_id: str
    meaning: str


def events() -> list[Event]:
    """The rows of the table that the daemon is built with."""
    text = (TOP / "daemon" / "base" / "log_events.def").read_text()
    return [Event(row[1], row[2], row[3].lower(), row[5], "".join(re.findall(TEXT, row[6])))
            for row in ROW.finditer(text)]


def rows(heading: str) -> list[list[str]]:
    """The cells of the table with this heading, without marks of code."""
    table = PAGE.read_text().split(f"\n| {heading} |", 1)[1].split("\n\n", 1)[0]
    lines = [line.replace("`", "").strip("|").split("|") for line in table.splitlines()[2:]]
    return [[cell.strip() for cell in cells] for cells in lines]


def sources() -> str:
    return "".join(path.read_text() for path in sorted(TOP.glob("daemon/**/*.c")))


class LogDocsTest(unittest.TestCase):
    maxDiff = None

    def test_the_events_are_those_of_the_source(self) -> None:
        self.assertGreater(len(events()), 35)
        self.assertEqual(rows("event | level"),
                         [[event.name, event.level, event.meaning] for event in events()])

    def test_the_catalog_of_the_journal_is_that_of_the_source(self) -> None:
        awk = ["awk", "-f", TOP / "systemd" / "catalog.awk", TOP / "daemon" / "base" / "log_events.def"]
        entries = subprocess.run(awk, check=True, capture_output=True, text=True).stdout.split("\n-- ")[1:]
        for event, entry in zip(events(), entries, strict=True):
            (message_id, subject, *_), text = (part.split("\n") for part in entry.split("\n\n", 1))
            self.assertEqual((message_id, subject, " ".join(text).strip()),
                             (event.message_id, f"Subject: {event.name}", event.meaning))

    def test_the_rules_of_egress_are_those_of_the_source(self) -> None:
        told = {rule for cells in rows("rule | what it forbids") for rule in cells[0].split(", ")}
        source = (TOP / "daemon" / "engine" / "egress_table.c").read_text() + \
            (TOP / "daemon" / "engine" / "egress.c").read_text()
        known = set(re.findall(r'"((?:ipv[46]|name)-[a-z0-9-]+[a-z0-9])"', source))
        self.assertGreater(len(known), 25)
        self.assertEqual(told, known | {"own-listener", "port-bad", "address-family",
                                        "egress.deny RANGE", "secret NAME"})

    def test_no_event_is_without_a_record(self) -> None:
        logged = set(re.findall(r"\bEVENT_(\w+)", sources()))
        self.assertEqual({event.symbol for event in events()} - logged, set())

    def test_the_fields_are_those_of_the_source(self) -> None:
        calls = re.findall(r"LOG_FIELDS\((.*?)\)[,}]", sources(), re.DOTALL)
        used = {name for call in calls for name in re.findall(r'\{"([^"]+)"', call)}
        self.assertGreater(len(used), 8)
        documented = [name for cells in rows("field") for name in cells[0].split(", ")]
        self.assertEqual(sorted(documented), sorted(used))

    def test_the_exit_statuses_are_those_of_the_source(self) -> None:
        header = (TOP / "daemon" / "gatherd.h").read_text()
        statuses = re.findall(r"EXIT_STATUS_\w+ = (\d+),", header)
        self.assertEqual([cells[0] for cells in rows("status") if cells[0].isdigit()], statuses)
