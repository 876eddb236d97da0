"""docs/results.md: its members are those of real results, its codes those of the source."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterator

from harness import GatherdTest, Json
from patience import eventually
from servers import Certificates, Origin, free_port

TOP = Path(__file__).resolve().parents[2]
PAGE = TOP / "docs" / "results.md"
PHASES = {"queue", "dns", "connect", "tls", "send", "wait", "receive"}


def tables() -> Iterator[tuple[str, list[str]]]:
    """The first heading of each table, and the cells of each row that begins with code."""
    heading = before = ""
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            yield heading, cells
        elif line.startswith("|---"):
            heading = before
        before = cells[0]


def rows(heading: str) -> list[list[str]]:
    return [cells for title, cells in tables() if title == heading]


def names(cell: str) -> list[str]:
    """`a.b`, `.c` is a.b and a.c."""
    found = re.findall(r"`([^`]+)`", cell)
    parent = found[0].rpartition(".")[0]
    return [parent + name if name.startswith(".") else name for name in found]


def documented_members() -> set[str]:
    return {name for cells in rows("member") for name in names(cells[0])}


def members(value: Json, path: str = "") -> Iterator[str]:
    """The paths of all values: attempts[].n."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from members(part, f"{path}.{name}" if path else name)
        return
    if isinstance(value, list) and value and isinstance(value[0], dict):
        for part in value:
            yield from members(part, f"{path}[]")
    yield path


def source(pattern: str) -> str:
    return "".join(path.read_text() for path in sorted(TOP.glob(pattern)))


def codes_of_the_session() -> dict[str, str]:
    """The codes of lib/net, and whether each is retryable."""
    table = re.findall(r'\{"([a-z_]+)",\s*(true|false),', source("lib/net/http_error.c"))
    return {code: "yes" if retryable == "true" else "no" for code, retryable in table}


def codes_of_the_engine() -> set[str]:
    text = "".join(map(source, ("daemon/engine/*.c", "daemon/model/job_record.c",
                                "daemon/model/parse_url.c", "daemon/model/result_set.c")))
    found = re.findall(r'\.code = "(\w+)"|OUTCOME_\w+, "(\w+)"|refuse\(result, "(\w+)"|'
                       r'\? "(\w+)" : "(\w+)"', text)
    return {code for groups in found for code in groups if code}


class ResultDocsTest(GatherdTest):
    @classmethod
    def setUpClass(cls) -> None:
        certificates = cls.enterClassContext(Certificates())
        cls.settings = [*GatherdTest.settings, f"fetch.ca_file={certificates.ca}"]
        super().setUpClass()
        files = certificates.issue("docs", "IP:127.0.0.1")
        cls.secure = cls.enterClassContext(Origin(tls=files))

    def all_kinds(self) -> list[Json]:
        """Requests whose results have, together, every member there is."""
        nobody = f"http://127.0.0.1:{free_port()}/"
        url = self.origin.url("/")
        return [
            {"url": url, "id": "captured", "capture": {"body": "full", "hash": "sha256"}},
            {"url": self.secure.url("/")},
            {"url": self.origin.url("/redirect/2")},
            {"url": url, "repeat": 2, "expect": {"status": 201, "body": {"contains": "no such thing"}}},
            {"url": url, "expect": {"body": {"contains": "no such thing"}}},
            {"url": nobody, "retry": {"max_attempts": 2, "backoff_ms": 1}},
            {"url": "http://10.0.0.1/"},
        ]

    def job_of_all_kinds(self) -> str:
        reply = self.post("/v1/jobs", {"requests": self.all_kinds()})
        self.assertEqual(reply.status, 202, reply.body.decode())
        job = "/v1/jobs/" + reply.json()["id"]
        eventually(lambda: self.get(job).json()["done"], "the job's end")
        return job

    def shown_members(self, results: str) -> set[str]:
        page = self.get(results).json()
        return {path for result in page["data"] for path in members(result)}

    def test_the_members_are_those_of_results(self) -> None:
        shown = self.shown_members(f"{self.job_of_all_kinds()}/results")
        documented = documented_members()
        containers = {name.rpartition(".")[0] for name in documented}  # that may be null or empty
        containers |= {name.removesuffix("[]") for name in containers}
        self.assertEqual(documented - shown, set())
        self.assertEqual(shown - documented - containers, set())

    def test_each_member_can_be_had_alone(self) -> None:
        results = f"{self.job_of_all_kinds()}/results"
        for member in documented_members():
            with self.subTest(member=member):
                shown = self.shown_members(f"{results}?fields={member.replace('[]', '')}")
                self.assertIn(member, shown)
                for other in shown - {member, "index"}:  # what it is in, or has in it
                    self.assertTrue(member.startswith(other) or other.startswith(member), other)

    def test_the_outcomes_are_those_of_the_source(self) -> None:
        known = re.findall(r'\[OUTCOME_\w+\] = "(\w+)"', source("daemon/model/result.c"))
        self.assertGreater(len(known), 7)
        self.assertEqual({names(cells[0])[0] for cells in rows("outcome")}, set(known))

    def test_the_codes_are_those_of_the_source(self) -> None:
        session, engine = codes_of_the_session(), codes_of_the_engine()
        self.assertGreater(len(session), 25)
        self.assertGreater(len(engine), 6)
        documented = [names(cells[0])[0] for cells in rows("code")]
        self.assertEqual(len(documented), len(set(documented)))
        self.assertEqual(set(documented), session.keys() | engine)

    def test_a_code_is_as_retryable_as_it_says(self) -> None:
        documented = {names(cells[0])[0]: cells[3] for cells in rows("code")}
        for code, retryable in codes_of_the_session().items():
            with self.subTest(code=code):
                self.assertEqual(documented[code], retryable)

    def test_the_phases_are_those_there_are(self) -> None:
        for code, phases, *_ in rows("code"):
            with self.subTest(code=code):
                self.assertTrue(phases in ("any", "null") or set(phases.split(", ")) <= PHASES)
