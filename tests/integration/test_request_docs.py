"""docs/requests.md: what it shows is what the daemon takes. No host of it exists."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Iterator

from harness import GatherdTest, Json

TOP = Path(__file__).resolve().parents[2]
PAGE = TOP / "docs" / "requests.md"
BATCH = "## The batch"
URL = "https://one.example/"


def rows() -> Iterator[tuple[str, list[str], Json]]:
    """Section, members and example of each row of a table."""
    section = ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            section = line
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 5:
            members = re.findall(r"`([^`]+)`", cells[0])
            yield section, members, json.loads("{" + cells[4].strip("` ") + "}")


def documents() -> list[str]:
    return re.findall(r"^```json\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


class RequestDocsTest(GatherdTest):
    zone = {"exists.test": {"A": ["127.0.0.1"]}}

    @classmethod
    def setUpClass(cls) -> None:
        folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        secrets = folder / "secrets"
        secrets.touch(0o600)
        secrets.write_text("api-token = t\n")
        for name in ("lab-ca", "acme"):
            (folder / f"{name}.pem").touch()
        cls.settings = [*GatherdTest.settings, f"fetch.secrets_file={secrets}",
                        f"fetch.certs_dir={folder}", "fetch.proxies=http://proxy.example:3128"]
        super().setUpClass()

    def accept(self, document: Json) -> None:
        """As a job, which is not run here and now; but what only a gather takes."""
        is_gather = isinstance(document, dict) and "fields" in document
        reply = self.post("/v1/gather" if is_gather else "/v1/jobs?wait=0", document)
        self.assertIn(reply.status, (200, 202), f"{document}: {reply.body.decode()}")

    def test_every_document_is_accepted(self) -> None:
        self.assertGreaterEqual(len(documents()), 4)
        for document in documents():
            with self.subTest(document=document):
                self.accept(document)

    def test_every_example_of_a_table_is_accepted(self) -> None:
        for section, _, example in rows():
            with self.subTest(example=example):
                if section == BATCH:
                    self.accept({**({} if "urls" in example else {"requests": [URL]}), **example})
                else:
                    self.accept([{"url": URL, **example}])

    def test_an_example_shows_the_member_of_its_row(self) -> None:
        seen = 0
        for _, members, example in rows():
            with self.subTest(members=members):
                self.assertTrue(any(self.has(example, member) for member in members), example)
                seen += 1
        self.assertGreater(seen, 50)

    def has(self, example: Json, member: str) -> bool:
        for key in member.split("."):
            if not isinstance(example, dict) or key not in example:
                return False
            example = example[key]
        return True

    def test_what_may_be_in_defaults_is_accepted_there(self) -> None:
        not_there = {"url", "id", "repeat", "body", "form"}
        for section, _, example in rows():
            if section != BATCH and not not_there & example.keys():
                with self.subTest(example=example):
                    self.accept({"defaults": example, "urls": [URL]})

    def test_every_member_that_the_daemon_reads_is_on_its_page(self) -> None:
        """By the tables of its parsers."""
        text = "".join((TOP / "docs" / page).read_text()
                       for page in ("requests.md", "callbacks.md", "schedules.md"))
        tables = "".join(path.read_text() for path in TOP.glob("daemon/model/parse_*.c"))
        members = re.findall(r'\{"(\w+)",\s+\.read = ', tables)
        self.assertGreater(len(members), 80)
        for member in members:
            with self.subTest(member=member):
                self.assertRegex(text, rf'[`".]{member}[`"]')
