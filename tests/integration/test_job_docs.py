"""docs/jobs.md: its members are those of a real job, its statuses and parameters are taken."""

from __future__ import annotations

import re
from pathlib import Path

from patience import eventually
from test_jobs import JobTest
from test_result_docs import members, names

PAGE = Path(__file__).resolve().parents[2] / "docs" / "jobs.md"


def rows(heading: str) -> list[str]:
    """The first cells of the table with this heading."""
    table = PAGE.read_text().split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    return [line.split("|")[1] for line in table.splitlines()[2:]]


class JobDocsTest(JobTest):
    def test_the_members_are_those_of_a_job(self) -> None:
        urls = [self.origin.url(path) for path in ("/", "/status/404", "/close")]
        job = self.ended(self.submit(urls, name="docs", labels={"team": "web"}))
        free = re.compile(r"^(labels|stats\.status|stats\.errors)\.")  # their members are data
        containers = {"counts", "stats", "stats.total_ms", "links"}
        shown = {path for path in members(job) if not free.match(path)} - containers
        documented = {name for cell in rows("member") for name in names(cell)}
        self.assertEqual(documented, shown | {"labels", "stats.status", "stats.errors"})

    def test_what_can_be_done_with_a_job_is_there(self) -> None:
        job = self.ended(self.submit([self.origin.url("/close")]))
        for cell in sorted(rows("request"), key=lambda cell: "DELETE" in cell):
            method, path = names(cell)[0].split(" ")
            with self.subTest(cell=cell):
                reply = self.get(path.replace("{id}", job["id"]), "-X", method)
                self.assertIn(reply.status, (200, 202, 204), reply.body)

    def test_the_parameters_are_taken(self) -> None:
        job = self.ended(self.submit([self.origin.url()]))
        taken = {"limit": "1", "cursor": "0", "order": "completed", "outcome": "success",
                 "fields": "ok"}
        self.assertEqual({names(cell)[0] for cell in rows("parameter")}, set(taken))
        for name, value in taken.items():
            reply = self.get(f"/v1/jobs/{job['id']}/results?{name}={value}")
            self.assertEqual(reply.status, 200, reply.body)

    def test_what_can_be_waited_for_is_taken(self) -> None:
        job = self.ended(self.submit([self.origin.url()]))
        for cell in rows("asked with"):
            asked = names(cell)[0]
            query, header = (asked, []) if asked.startswith("?") else ("", ["-H", asked])
            reply = self.get(f"/v1/jobs/{job['id']}{query}", *header)
            self.assertEqual(reply.status, 200, asked)

    def test_the_follower_gets_every_result_once(self) -> None:
        """The example does what it says, in Python."""
        job = self.submit([self.origin.url(f"/slow?ms={n % 5 * 30}") for n in range(50)])
        seen: list[int] = []
        cursor = ""

        def follow() -> bool:
            nonlocal cursor
            query = "order=completed&limit=7" + (cursor and f"&cursor={cursor}")
            page = self.get(f"/v1/jobs/{job['id']}/results?{query}").json()
            seen.extend(result["index"] for result in page["data"])
            cursor = page["next_cursor"]
            return cursor is None

        eventually(follow, "the end of the results")
        self.assertEqual(sorted(seen), list(range(50)))
