"""Files that are not what was written: the daemon says so, and shows nothing that is wrong."""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Callable

from durable import DurableTest
from harness import Gatherd, Json, curl
from patience import PATIENCE, eventually

PAGE = 4096


class DamageTest(DurableTest):
    @classmethod
    def setUpClass(cls) -> None:
        """A store with a job that has ended, and one that has not."""
        super().setUpClass()
        cls.urls = [cls.origin.url(f"/bytes/{n}") for n in range(400)]
        with Gatherd("egress.allow=127.0.0.0/8") as gatherd:
            test = cls()
            cls.job = test.ended(gatherd, test.submit_urls(gatherd, cls.urls))
            cls.results = test.all_results(gatherd, cls.job)
            test.submit_urls(gatherd, [cls.origin.url(f"/hang?n={n}") for n in range(400)])
            gatherd.stop()
            cls.good = cls.enterClassContext(Saved(gatherd.store))

    def start_on(self, damaged: Path) -> Gatherd | None:
        """A daemon on a copy of the damaged store; None: it has refused it, in words."""
        gatherd = Gatherd("egress.allow=127.0.0.0/8")
        self.addCleanup(self.give_up, gatherd)
        shutil.copytree(damaged, gatherd.store)
        gatherd.store.chmod(0o700)
        gatherd.launch()
        eventually(lambda: gatherd.process.poll() is not None or gatherd.is_healthy(), "a start", 20)
        if gatherd.process.poll() is None:
            return gatherd
        self.assertGreater(gatherd.process.returncode, 0, gatherd.stderr())
        self.assertIn(str(gatherd.store), gatherd.stderr())
        self.assertTrue((gatherd.store / "gatherd.db").exists())
        return None

    def give_up(self, gatherd: Gatherd) -> None:
        gatherd.kill()
        shutil.rmtree(gatherd.directory)

    def results_are_true(self, gatherd: Gatherd) -> None:
        """There is one for each request, in order, as it was or called damaged, or the daemon says that
        it cannot tell; what the request was may be lost."""
        try:
            page = curl(f"{gatherd.base}/v1/jobs/{self.job['id']}/results?limit=1000")
        except AssertionError:
            self.assertGreater(gatherd.process.wait(10 * PATIENCE), 0, gatherd.stderr())
            return
        if page.status >= 500 or page.status == 404:
            return
        shown = page.json()["data"]
        self.assertEqual(len(shown), 400)
        for result, was, url in zip(shown, self.results, self.urls):
            self.assertIn(result["request"]["url"], (url, ""))
            if "damaged" in ((result["error"] or {}).get("message") or ""):
                continue
            for member in ("outcome", "status_code", "headers", "timings", "error"):
                self.assertEqual(result[member], was[member])

    def damaged(self, damage: Callable[[Path], None]) -> Path:
        with Saved(self.good.directory) as copy:
            damage(copy.directory / "gatherd.db")
            return self.enterContext(Saved(copy.directory)).directory

    def test_the_store_itself_is_fine(self) -> None:
        gatherd = self.start_on(self.good.directory)
        assert gatherd is not None
        self.assertEqual(self.all_results(gatherd, self.job), self.results)

    def test_flipped_bytes_never_become_another_request(self) -> None:
        n_pages = (self.good.directory / "gatherd.db").stat().st_size // PAGE
        rng = random.Random(20260131)
        for _ in range(8):
            page = rng.randrange(n_pages)
            with self.subTest(page=page):
                def flip(file: Path) -> None:
                    data = bytearray(file.read_bytes())
                    for _ in range(64):
                        data[page * PAGE + rng.randrange(PAGE)] ^= 1 << rng.randrange(8)
                    file.write_bytes(data)

                gatherd = self.start_on(self.damaged(flip))
                if gatherd is not None:
                    self.results_are_true(gatherd)

    def test_a_truncated_database_is_refused(self) -> None:
        def truncate(file: Path) -> None:
            file.write_bytes(file.read_bytes()[:2 * PAGE])

        gatherd = self.start_on(self.damaged(truncate))
        if gatherd is not None:
            self.results_are_true(gatherd)

    def test_what_is_no_database_is_refused(self) -> None:
        def write_a_letter(file: Path) -> None:
            file.write_text("Dear reader,\n" * 1000)

        self.assertIsNone(self.start_on(self.damaged(write_a_letter)))

    def test_the_database_of_somebody_else_is_refused(self) -> None:
        def make_another(file: Path) -> None:
            file.unlink()
            with sqlite3.connect(file) as db:
                db.execute("CREATE TABLE book(title TEXT)")

        self.assertIsNone(self.start_on(self.damaged(make_another)))

    def test_a_newer_database_is_refused(self) -> None:
        def make_newer(file: Path) -> None:
            with sqlite3.connect(file) as db:
                db.execute("PRAGMA user_version = 9999")

        self.assertIsNone(self.start_on(self.damaged(make_newer)))

    def test_a_damaged_chunk_costs_only_its_own_items(self) -> None:
        def spoil_a_chunk(file: Path) -> None:
            with sqlite3.connect(file) as db:
                db.execute("UPDATE chunk_data SET lines = CAST(replace(lines, 'hang', 'json') AS BLOB)"
                           " WHERE first = 0 AND instr(lines, 'hang')")

        gatherd = self.start_on(self.damaged(spoil_a_chunk))
        assert gatherd is not None, "it does not start"
        job = curl(f"{gatherd.base}/v1/jobs?status=running").json()["data"] or \
            curl(f"{gatherd.base}/v1/jobs?status=queued").json()["data"]
        counts = eventually(lambda: self.some_failed(gatherd, job[0]), "the end of those items")
        self.assertEqual(counts["success"], 0)
        self.assertFalse([t for t in self.origin.targets() if t.startswith("/json")])

    def execute(self, *statements: str) -> Callable[[Path], None]:
        def damage(file: Path) -> None:
            with sqlite3.connect(file) as db:
                for statement in statements:
                    db.execute(statement)

        return damage

    def expect_problem(self, status: int, code: str, *arguments: str) -> None:
        reply = curl(*arguments)
        self.assertEqual((reply.status, reply.json()["code"]), (status, code), reply.body)

    def test_a_damaged_record_costs_only_its_own_job(self) -> None:
        gatherd = self.start_on(self.damaged(self.execute(
            f"UPDATE job SET tally = x'ffff' WHERE id = '{self.job['id']}'")))
        assert gatherd is not None, "it does not start"
        listed = curl(f"{gatherd.base}/v1/jobs")
        self.assertEqual(listed.status, 200, listed.body)
        self.assertEqual(len(listed.json()["data"]), 1)
        self.assertEqual(len(curl(f"{gatherd.base}/v1/jobs").json()["data"]), 1)
        url = f"{gatherd.base}/v1/jobs/{self.job['id']}"
        for target in (url, f"{url}/results", f"{url}/results/0"):
            self.expect_problem(500, "job_damaged", target)
        self.expect_problem(500, "job_damaged", "-X", "POST", f"{url}/cancel")
        self.expect_problem(409, "job_unreadable", "-X", "POST", f"{url}/retry")
        self.assertEqual(curl("-X", "DELETE", url).status, 204)
        self.assertEqual(curl(url).status, 404)
        self.assertEqual(gatherd.stderr().count("it is not listed"), 1, gatherd.stderr())

    def test_a_job_that_has_not_ended_is_given_up_when_its_record_is_damaged(self) -> None:
        gatherd = self.start_on(self.damaged(self.execute(
            "UPDATE job SET status = 99, deadline_at = 1 WHERE ended_at IS NULL")))
        assert gatherd is not None, "it does not start"
        eventually(lambda: "is given up: its record is damaged" in gatherd.stderr(), "its end")
        self.assertEqual(self.all_results(gatherd, self.job), self.results)
        self.ended(gatherd, self.submit_urls(gatherd, self.urls[:3]))
        self.assertEqual(gatherd.stderr().count("is given up"), 1, gatherd.stderr())

    def test_a_job_with_a_damaged_chunk_cannot_be_tried_again(self) -> None:
        gatherd = self.start_on(self.damaged(self.execute(
            "UPDATE chunk_data SET skip = skip + 1")))
        assert gatherd is not None, "it does not start"
        jobs = curl(f"{gatherd.base}/v1/jobs").json()["data"]
        job = self.ended(gatherd, jobs[0])
        self.assertEqual(job["counts"]["transport_error"], 400)
        self.expect_problem(409, "job_unreadable", "-X", "POST",
                            f"{gatherd.base}/v1/jobs/{job['id']}/retry")

    def some_failed(self, gatherd: Gatherd, job: Json) -> Json:
        counts = self.look(gatherd, job)["counts"]
        return counts["transport_error"] > 0 and counts


class Saved:
    """A copy of a store."""

    def __init__(self, store: Path) -> None:
        self.store = store

    def __enter__(self) -> "Saved":
        self.parent = Path(tempfile.mkdtemp(prefix="gatherd-test-"))
        self.directory = self.parent / "store"
        shutil.copytree(self.store, self.directory)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.parent)
