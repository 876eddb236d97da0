"""docs/clients.md, and its section of the README: what they tell to run prints what they say.

Interpreters that a machine lacks are brought by ./dev clients.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import unittest
from pathlib import Path
from typing import Any, Callable

from examples import Page, Walk
from harness import GatherdTest
from patience import takes_seconds
from servers import refused_url

NPM = os.environ.get("GATHERD_CLIENTS")
"""Where tests/clients/run has put packages of npm; if it has, nothing is left out."""

from_npm = unittest.skipUnless(NPM, "needs packages from npm: run ./dev clients")


def client(*programs: str) -> Callable[[Any], Any]:
    missing = [program for program in programs if not shutil.which(program)]
    return unittest.skipIf(bool(missing) and not NPM,
                           f"{' and '.join(missing)} not installed: run ./dev clients")


class ClientDocsTest(GatherdTest):
    def page(self, name: str = "docs/clients.md") -> Page:
        return Page(name, {"http://127.0.0.1:7480": self.gatherd.base,
                           "https://one.example/": self.origin.url(),
                           "https://two.example/": self.origin.url(),
                           "https://gone.example/": refused_url()})

    def follow(self, section: str, *needed: str, page: str = "docs/clients.md") -> None:
        """The section; needed are files of others."""
        sections = self.page(page).sections()
        files = [block for blocks in sections.values() for block in blocks if block.file in needed]
        directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        if NPM:
            (directory / "node_modules").symlink_to(Path(NPM) / "node_modules")
        for said, printed in Walk(directory).follow(files + sections[section]):
            self.assertEqual(printed, said)

    def test_each_section_with_commands_is_tested(self) -> None:
        runnable = {section for section, blocks in self.page().sections().items()
                    if any(block.language in ("sh", "cron") for block in blocks)}
        self.assertEqual(runnable, {"Shell", "cron", "Python", "Node", "Node, events", "PHP", "Go",
                                    "R", "SQL"})

    @client("jq")
    def test_a_shell(self) -> None:
        self.follow("Shell")

    @client("jq")
    def test_the_one_of_the_readme(self) -> None:
        self.follow("Clients", page="README.md")

    @client("jq")
    def test_cron(self) -> None:
        self.follow("cron", "urls.txt")

    def test_python(self) -> None:
        self.follow("Python")

    @client("node")
    def test_node(self) -> None:
        self.follow("Node")

    @from_npm
    def test_events_in_node(self) -> None:
        self.follow("Node, events")

    @client("php")
    def test_php(self) -> None:
        self.follow("PHP")

    @takes_seconds
    @client("go")
    def test_go(self) -> None:
        self.follow("Go")

    @client("Rscript", "jq")
    def test_r(self) -> None:
        self.follow("R")

    @client("sqlite3", "jq")
    def test_sql(self) -> None:
        self.follow("SQL")
