"""Backups of a store that is being written to: each is one moment of it, and is as good as it."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import unittest
from contextlib import closing

from durable import DurableTest
from harness import Gatherd, curl, run_gatherd
from patience import eventually

N_BACKUPS = 3
PIECE = b"".join(b"http://127.0.0.1/%06d\n" % n for n in range(2560))


class Uploader(threading.Thread):
    """A client with a job that has no end, until it goes away."""

    def __init__(self, gatherd: Gatherd) -> None:
        super().__init__(daemon=True)
        self.gatherd = gatherd
        self.is_to_stop = threading.Event()
        self.error: OSError | None = None

    def __enter__(self) -> "Uploader":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_to_stop.set()
        self.join()

    def run(self) -> None:
        try:
            with self.gatherd.connect() as connection:
                connection.send(self.gatherd.request_bytes(
                    "/v1/jobs", "POST", b"", "Content-Type: text/uri-list",
                    "Transfer-Encoding: chunked"))
                while not self.is_to_stop.wait(0.01):
                    connection.send(b"%x\r\n%s\r\n" % (len(PIECE), PIECE))
        except OSError as error:
            self.error = error


class StoreBackupTest(DurableTest):
    def backup(self, gatherd: Gatherd) -> Gatherd:
        """A daemon with the copy for its store, to be started."""
        other = Gatherd("egress.allow=127.0.0.0/8")
        self.addCleanup(shutil.rmtree, other.directory, ignore_errors=True)
        other.store.mkdir()
        done = run_gatherd("backup", str(other.store / "gatherd.db"),
                           "--set", f"store.path={gatherd.store}")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.query(other, "PRAGMA integrity_check"), "ok")
        return other

    def query(self, gatherd: Gatherd, sql: str) -> int | str:
        uri = f"file:{gatherd.store}/gatherd.db?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as database:
            return database.execute(sql).fetchone()[0]

    def n_chunks(self, gatherd: Gatherd) -> int:
        return self.query(gatherd, "SELECT count(*) FROM chunk_data")

    def test_backups_during_an_upload_have_nothing_of_it_in_the_end(self) -> None:
        gatherd = self.daemon()
        before = self.ended(gatherd, self.submit_urls(gatherd, [self.origin.url("/")]))
        sizes = [self.n_chunks(gatherd)]
        copies = []
        with Uploader(gatherd) as uploader:
            for _ in range(N_BACKUPS):
                eventually(lambda: self.n_chunks(gatherd) > sizes[-1], "more of the upload")
                copies.append(self.backup(gatherd))
                sizes.append(self.n_chunks(copies[-1]))
        self.assertIsNone(uploader.error)
        self.assertEqual(sizes, sorted(set(sizes)))
        for copy in copies:
            with copy:
                self.assertEqual(curl(f"{copy.base}/v1/jobs").json()["data"], [before])
                eventually(lambda: self.n_chunks(copy) == sizes[0], "the end of the upload")

    def test_a_job_goes_on_from_each_backup_that_was_made_while_it_ran(self) -> None:
        gatherd = self.daemon("fetch.concurrency=4")
        urls = [self.origin.url(f"/slow?ms=20&n={n}") for n in range(400)]
        job = self.submit_urls(gatherd, urls)
        copies = []
        for n in range(N_BACKUPS):
            known = eventually(lambda: self.look(gatherd, job)["counts"]["finished"] > 50 * n and
                               self.look(gatherd, job)["counts"]["finished"], "results")
            copies.append(self.backup(gatherd))
            n_results = self.query(copies[-1], "SELECT count(*) FROM result")
            self.assertGreaterEqual(n_results, known)
            self.assertLess(n_results, len(urls))
        for copy in copies:
            with copy:
                self.assert_complete(copy, job, urls)


if __name__ == "__main__":
    unittest.main()
