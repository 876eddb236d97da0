"""The files of the store, as an operator has to do with them: locks, backups, damage."""

from __future__ import annotations

import sqlite3
import tempfile
import unittest
from contextlib import closing
from pathlib import Path

from harness import Gatherd, GatherdTest, curl, run_gatherd
from patience import eventually


class StoreFilesTest(GatherdTest):
    def finished_job(self, gatherd: Gatherd) -> str:
        """The URL path of a job that is done, with one result."""
        job = curl("-d", f'["{self.origin.url("/status/200")}"]',
                   "-H", "Content-Type: application/json", gatherd.base + "/v1/jobs").json()
        path = f"/v1/jobs/{job['id']}"
        eventually(lambda: curl(gatherd.base + path).json()["status"] == "done", "the job is done")
        return path

    def test_a_second_daemon_on_the_same_store_is_refused(self) -> None:
        done = run_gatherd("--set", f"store.path={self.gatherd.store}",
                           "--set", "api.listen=127.0.0.1:0")
        self.assertGreater(done.returncode, 0, done.stderr)
        self.assertIn(f"in use by another process, {self.gatherd.process.pid}", done.stderr)

    def test_a_backup_of_a_live_store_has_its_jobs(self) -> None:
        path = self.finished_job(self.gatherd)
        with_copy = Gatherd(*self.settings)
        with_copy.store.mkdir()
        copy = with_copy.store / "gatherd.db"
        done = run_gatherd("backup", str(copy), "--set", f"store.path={self.gatherd.store}")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(copy.stat().st_mode & 0o7777, 0o600)
        with with_copy:
            self.assertEqual(curl(with_copy.base + path).json(),
                             curl(self.gatherd.base + path).json())

    def test_a_backup_overwrites_nothing(self) -> None:
        done = run_gatherd("backup", str(self.gatherd.stderr_path),
                           "--set", f"store.path={self.gatherd.store}")
        self.assertGreater(done.returncode, 0)
        self.assertIn("File exists", done.stderr)

    def test_a_store_of_somebody_else_is_one_error(self) -> None:
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        folder.chmod(0o700)
        with closing(sqlite3.connect(folder / "gatherd.db")) as theirs:
            theirs.execute("PRAGMA journal_mode=WAL")
            theirs.execute("CREATE TABLE t(x)")
            files = [folder / "gatherd.db", folder / "gatherd.db-wal"]
            before = [file.read_bytes() for file in files]
            done = run_gatherd("--set", f"store.path={folder}", "--set", "api.listen=127.0.0.1:0")
            self.assertEqual([file.read_bytes() for file in files], before)
        self.assertEqual(done.returncode, 1)
        errors = [line for line in done.stderr.splitlines() if " error: " in line]
        self.assertEqual(len(errors), 1, done.stderr)
        self.assertIn("not a database of gatherd; it is left alone", errors[0])

    def test_a_damaged_store_is_refused_and_kept(self) -> None:
        gatherd = self.start_gatherd(*self.settings)
        path = self.finished_job(gatherd)
        gatherd.stop()
        database = gatherd.store / "gatherd.db"
        sound = database.read_bytes()
        damaged = b"\0" * 16 + sound[16:]
        database.write_bytes(damaged)
        done = run_gatherd("--set", f"store.path={gatherd.store}", "--set", "api.listen=127.0.0.1:0")
        self.assertGreater(done.returncode, 0)
        self.assertIn("is damaged", done.stderr)
        self.assertEqual(database.read_bytes(), damaged)
        gatherd.settings.append("store.if_damaged=start_empty")
        gatherd.start()
        self.assertEqual(curl(gatherd.base + path).status, 404)
        kept, = (file for file in gatherd.store.glob("*.corrupt-*"))
        self.assertEqual(kept.read_bytes(), damaged)


if __name__ == "__main__":
    unittest.main()
