"""POST /v1/jobs: stored while it arrives, acknowledged when it is on disk, and under one key once."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Callable, Iterator

from harness import GatherdTest, Json, RawConnection, Reply, curl
from patience import PATIENCE, eventually, takes_seconds

JOBS = "/v1/jobs"
JSON, NDJSON, LIST = "application/json", "application/x-ndjson", "text/uri-list"
BLOCKED = "http://10.0.0.1/"  # an address that is never fetched from


def urls(n: int, length: int = 40) -> list[str]:
    """Different URLs of this length."""
    return [f"{BLOCKED}{i:06}/".ljust(length, "x") for i in range(n)]


FORMS: dict[str, tuple[str, Callable[[list[str]], str]]] = {
    "array": (JSON, json.dumps),
    "urls": (JSON, lambda u: json.dumps({"name": "large", "urls": u, "labels": {"a": "b"}})),
    "requests": (JSON, lambda u: json.dumps({"requests": [{"url": url} for url in u]}, indent=1)),
    "ndjson": (NDJSON, lambda u: "".join(json.dumps({"url": url}) + "\n" for url in u)),
    "list": (LIST, "\r\n".join),
}
"""Content type, and how URLs are written, for each form of a document."""


class SubmitTest(GatherdTest):
    def submit(self, body: Json, *arguments: str, content_type: str = JSON) -> Reply:
        return self.post(JOBS, body, *arguments, content_type=content_type)

    def accepted(self, body: Json, *arguments: str, content_type: str = JSON) -> Json:
        reply = self.submit(body, *arguments, content_type=content_type)
        self.assertEqual(reply.status, 202, reply.body[:2000].decode(errors="replace"))
        return reply.json()

    def listed(self) -> list[str]:
        return [job["id"] for job in self.get(f"{JOBS}?limit=1000").json()["data"]]

    def forget(self, job: Json) -> None:
        self.assertEqual(self.get(f"{JOBS}/{job['id']}", "-X", "DELETE").status, 204)

    def ended(self, job: Json) -> None:
        eventually(lambda: self.get(f"{JOBS}/{job['id']}").json()["done"], "the end of the job", 20)

    def head(self, *headers: str) -> bytes:
        return self.gatherd.request_bytes(JOBS, "POST", b"", f"Content-Type: {NDJSON}", *headers)


class LargeTest(SubmitTest):
    TAKES_LONG = True
    n_urls = 100_000
    settings = [*GatherdTest.settings, "api.max_body_bytes=64K", f"api.max_items={n_urls}",
                "api.max_job_bytes=32M"]

    def peak_bytes(self) -> int:
        """Of resident memory, since the last call of forget_peak()."""
        status = Path(f"/proc/{self.gatherd.process.pid}/status").read_text()
        return next(int(line.split()[1]) << 10 for line in status.splitlines()
                    if line.startswith("VmHWM:"))

    def forget_peak(self) -> None:
        Path(f"/proc/{self.gatherd.process.pid}/clear_refs").write_text("5")

    def grown_by(self, work: Callable[[], object]) -> int:
        self.forget_peak()
        before = self.gatherd.resident_bytes()
        work()
        return self.peak_bytes() - before if self.gatherd.memory_is_its_own() else 0

    def upload(self, form: str, *arguments: str) -> Json:
        content_type, write = FORMS[form]
        path = self.gatherd.directory / "body"
        path.write_text(write(urls(self.n_urls, 200)))
        reply = curl(*arguments, "-T", str(path), "-X", "POST", "-H",
                     f"Content-Type: {content_type}", self.gatherd.base + JOBS)
        self.assertEqual(reply.status, 202, reply.body[:2000].decode(errors="replace"))
        return reply.json()

    @takes_seconds
    def test_memory_does_not_grow_with_the_document(self) -> None:
        self.forget(self.upload("list"))
        for form in FORMS:
            framing = ["-H", "Transfer-Encoding: chunked"] if form == "ndjson" else []
            with self.subTest(form=form):
                jobs = []
                grown = self.grown_by(lambda: jobs.append(self.upload(form, *framing)))
                self.assertEqual(jobs[0]["counts"]["total"], self.n_urls)
                self.forget(jobs[0])
                # What is not on disk yet is some 12 MiB, the document more than 19.
                self.assertLess(grown, 16 << 20, f"the peak was {grown} bytes higher")

    def test_what_was_sent_is_what_was_stored(self) -> None:
        wanted = urls(1000)
        for form, (content_type, write) in FORMS.items():
            with self.subTest(form=form):
                job = self.accepted(write(wanted), content_type=content_type)
                self.ended(job)
                page = self.get(f"{JOBS}/{job['id']}/results?limit=1000").json()
                self.assertEqual([r["request"]["url"] for r in page["data"]], wanted)
                self.forget(job)

    @takes_seconds
    def test_a_document_may_be_as_large_as_allowed(self) -> None:
        limit = 32 << 20
        text = f"{BLOCKED}\n" + "# nothing\n" * ((limit - len(BLOCKED)) // 10)
        self.forget(self.accepted(text.ljust(limit), content_type=LIST))
        for framing in ((), ("-H", "Transfer-Encoding: chunked")):
            with self.subTest(framing=framing):
                reply = self.submit(text.ljust(limit + 1), *framing, content_type=LIST)
                problem = self.assert_problem(reply, 413)
                self.assertIn(f"api.max_job_bytes: {limit}", problem["detail"])

    def test_a_defect_at_the_very_end_is_found(self) -> None:
        for form, (content_type, write) in FORMS.items():
            with self.subTest(form=form):
                reply = self.submit(write([*urls(5_000), "ftp://x/"]), content_type=content_type)
                pointer = {"urls": "/urls/5000", "requests": "/requests/5000/url",
                           "ndjson": "/5000/url"}.get(form, "/5000")
                self.assert_problem(reply, 422, pointer)
        self.assertEqual(self.listed(), [])

    @takes_seconds
    def test_one_item_too_many_is_refused(self) -> None:
        for form, (content_type, write) in FORMS.items():
            with self.subTest(form=form):
                reply = self.submit(write(urls(self.n_urls + 1)), content_type=content_type)
                self.assertEqual(self.assert_problem(reply, 413)["code"], "too_many_items")
        self.assertEqual(self.listed(), [])

    @takes_seconds
    def test_others_are_served_while_a_large_document_comes(self) -> None:
        done = threading.Event()
        slowest = 0.0

        def upload() -> None:
            try:
                self.forget(self.upload("requests"))
            finally:
                done.set()

        thread = threading.Thread(target=upload)
        thread.start()
        while not done.is_set():
            started = time.monotonic()
            self.assertEqual(self.get("/healthz").status, 200)
            slowest = max(slowest, time.monotonic() - started)
        thread.join()
        self.assertLess(slowest, 0.5 * PATIENCE)


class BrokenTest(SubmitTest):
    TAKES_LONG = True
    settings = [*GatherdTest.settings, "api.request_timeout_ms=1s"]

    def look(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        """What work sees in the database, which the daemon has open."""
        path = next(self.gatherd.store.glob("*.db"))
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return work(database)

    def rows(self) -> dict[str, int]:
        """The number of rows of each table."""
        def count(database: sqlite3.Connection) -> dict[str, int]:
            names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' "
                                     "AND name NOT LIKE 'sqlite_%'")
            return {name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
                    for name, in names.fetchall()}

        return self.look(count)

    def pages(self) -> tuple[int, int]:
        """Those of the file, and of these the free ones."""
        return self.look(lambda d: (d.execute("PRAGMA page_count").fetchone()[0],
                                    d.execute("PRAGMA freelist_count").fetchone()[0]))

    def cut(self, *pieces: bytes, header: str) -> None:
        """Send these, and go."""
        with self.gatherd.connect() as connection:
            connection.send(self.head(header))
            for piece in pieces:
                connection.send(piece)

    def large(self) -> bytes:
        return FORMS["ndjson"][1](urls(10_000)).encode()

    def broken_uploads(self) -> Iterator[tuple[str, Callable[[], object]]]:
        body = self.large()
        chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n"
        length = f"Content-Length: {len(body) + 1}"
        chunked = "Transfer-Encoding: chunked"
        yield "no body", lambda: self.cut(header=length)
        yield "half a line", lambda: self.cut(b'"http://10.', header=length)
        yield "all but a byte", lambda: self.cut(body, header=length)
        yield "half a chunk", lambda: self.cut(chunk[:-100], header=chunked)
        yield "no last chunk", lambda: self.cut(chunk, header=chunked)
        yield "a bad chunk", lambda: self.cut(chunk, b"x\r\n", header=chunked)
        yield "a bad line", lambda: self.submit(body + b"{", content_type=NDJSON)
        yield "a bad URL", lambda: self.submit(body + b'"x"\n', content_type=NDJSON)
        yield "a bad byte", lambda: self.submit(body + b"\xff\n", content_type=NDJSON)

    def after_broken_uploads(self) -> tuple[int, int]:
        """The pages there are when nothing is left of them."""
        for _, send in self.broken_uploads():
            send()
        eventually(lambda: not any(self.rows().values()), "an empty store", 30)
        return self.pages()

    def test_no_job_comes_of_what_breaks_off(self) -> None:
        accepted = self.get("/v1/stats").json()["jobs"]["accepted"]
        for what, send in self.broken_uploads():
            with self.subTest(what=what):
                send()
                self.assertEqual(self.get("/healthz").status, 200)
        self.assertEqual(self.listed(), [])
        self.assertEqual(self.get("/v1/stats").json()["jobs"]["accepted"], accepted)

    @takes_seconds
    def test_nothing_stays_in_the_store_of_what_breaks_off(self) -> None:
        """And its room is used again, but for what more there may be at a time in a later round."""
        before = self.after_broken_uploads()
        for _ in range(3):
            now = self.after_broken_uploads()
            self.assertLessEqual(now[0] - now[1], before[0] - before[1] + 5)
            if now[0] < 1.5 * before[0]:
                return
            before = now
        self.fail("the file grows with each round")

    def test_a_document_that_stops_coming_is_cut(self) -> None:
        with self.gatherd.connect() as connection:
            connection.send(self.head("Content-Length: 1000") + b'"http')
            self.assert_problem_of(connection, 408)
        self.assertEqual(self.listed(), [])

    def assert_problem_of(self, connection: RawConnection, status: int) -> None:
        reply = connection.reply()
        self.assertIsNotNone(reply)
        assert reply is not None
        self.assert_problem(reply, status)

    def test_a_document_that_keeps_coming_may_take_its_time(self) -> None:
        """Longer than api.request_timeout_ms; meanwhile others are served, jobs too."""
        body = FORMS["ndjson"][1](urls(300)).encode()
        with self.gatherd.connect() as connection:
            connection.send(self.head(f"Content-Length: {len(body)}"))
            for start in range(0, len(body), 500):
                connection.send(body[start:start + 500])
                time.sleep(0.05)
                self.assertEqual(self.get("/healthz").status, 200)
            reply = connection.reply()
        assert reply is not None
        self.assertEqual(reply.status, 202, reply.body)
        self.assertEqual(reply.json()["counts"]["total"], 300)
        self.forget(reply.json())

    def test_a_document_that_crawls_is_cut(self) -> None:
        body = FORMS["ndjson"][1](urls(300)).encode()
        with self.gatherd.connect() as connection:
            connection.send(self.head(f"Content-Length: {len(body)}"))
            with self.assertRaises(ConnectionError):
                for start in range(0, len(body), 10):
                    connection.send(body[start:start + 10])
                    time.sleep(0.1)
            self.assert_problem_of(connection, 408)
        self.assertEqual(self.listed(), [])

    def test_the_refusal_of_a_beginning_reaches_who_still_sends(self) -> None:
        body = b'{"nonsense": 1}\n'.ljust(1 << 20)
        for header in (f"Content-Length: {len(body)}", f"Content-Length: {len(body) + 10**6}"):
            with self.subTest(header=header), self.gatherd.connect() as connection:
                connection.send(self.head(header, "Idempotency-Key: not valid") + body)
                self.assert_problem_of(connection, 400)


class FullTest(SubmitTest):
    """The disk has less room than is to be left on it."""

    def setUp(self) -> None:
        super().setUp()
        self.key = ["-H", "Idempotency-Key: before"]
        self.job = self.accepted([BLOCKED], *self.key)
        self.restart(*self.gatherd.settings, "store.min_free_bytes=1024G")

    def restart(self, *settings: str) -> None:
        self.gatherd.stop()
        self.gatherd.settings = list(settings)
        self.gatherd.start()

    def test_no_job_is_taken_and_those_there_are_stay(self) -> None:
        for body in (json.dumps([BLOCKED]), json.dumps(urls(10_000))):
            reply = self.submit(body)
            problem = self.assert_problem(reply, 507)
            self.assertEqual(problem["code"], "store_full")
            self.assertIn("store.min_free_bytes", problem["detail"])
            self.assertIsNotNone(reply.header("retry-after"))
        again = self.submit([BLOCKED], *self.key)
        self.assertEqual((again.status, again.json()["id"]), (202, self.job["id"]))
        self.assertEqual(self.listed(), [self.job["id"]])
        self.restart(*self.gatherd.settings[:-1])
        self.accepted([BLOCKED])


class MaxJobsTest(SubmitTest):
    settings = [*SubmitTest.settings, "jobs.max_jobs=2"]

    def readiness(self) -> tuple[int, str | None]:
        reply = self.get("/readyz")
        return reply.status, reply.json()["reason"]

    def test_it_is_not_ready_while_none_has_ended_that_could_go(self) -> None:
        ended = self.accepted([BLOCKED])
        self.ended(ended)
        hanging = [self.accepted([self.origin.url("/hang")])]
        self.assertEqual(self.readiness(), (200, None))
        hanging.append(self.accepted([self.origin.url("/hang")]))
        self.assertEqual(self.readiness(), (503, "store_full"))
        reply = self.submit([BLOCKED])
        problem = self.assert_problem(reply, 507)
        self.assertEqual(problem["code"], "store_full")
        self.assertIn("jobs.max_jobs", problem["detail"])
        self.assertIsNotNone(reply.header("retry-after"))
        self.forget(hanging[0])
        eventually(lambda: self.readiness() == (200, None), "room for a job")
        self.accepted([BLOCKED])
        self.forget(hanging[1])


class BoundTest(SubmitTest):
    """What a document can make grow."""

    def test_a_large_head_is_refused_and_one_that_is_not_is_taken(self) -> None:
        def document(n: int) -> str:
            return json.dumps({"defaults": {"expect": {"status": [200] * n}}, "urls": [BLOCKED]},
                              separators=(",", ":"))

        self.ended(self.accepted(document(30_000)))
        problem = self.assert_problem(self.submit(document(40_000)), 413)
        self.assertEqual(problem["code"], "too_large")
        self.assertIn("not requests", problem["detail"])
        self.assertIn(str(128 * 1024), problem["detail"])

    def test_small_values_may_not_take_all_memory(self) -> None:
        jobs, before = self.listed(), self.memory()
        body = f'[{{"url": "{BLOCKED}", "json": [{"{},".join([""] * 5_000_000)}{{}}]}}]'
        for path in (JOBS, "/v1/gather"):
            problem = self.assert_problem(self.post(path, body, content_type=JSON), 413)
            self.assertEqual(problem["code"], "too_large")
            self.assertIn("small values", problem["detail"])
        if self.gatherd.memory_is_its_own():
            self.assertLess(self.memory() - before, 800 << 20)
        self.assertEqual(self.listed(), jobs)

    def memory(self) -> int:
        """The most there ever was, in bytes."""
        status = Path(f"/proc/{self.gatherd.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if "VmHWM" in line).split()[1]) * 1024


class RoomTest(SubmitTest):
    """A store of 16 MiB, which is the least."""

    settings = [*SubmitTest.settings, "store.max_bytes=16M"]
    body = "x" * 200_000

    def document(self, mib: int) -> str:
        return "".join(json.dumps({"url": BLOCKED, "body": self.body}) + "\n"
                       for _ in range(mib * 5))

    def test_what_is_never_accepted_pushes_no_job_out(self) -> None:
        jobs = [self.accepted(self.document(6), content_type=NDJSON) for _ in range(2)]
        for job in jobs:
            self.ended(job)
        for _ in range(4):
            body = self.document(7) + '{"url": 5}\n'
            self.assert_problem(self.submit(body, content_type=NDJSON), 422)
            self.assertLessEqual({job["id"] for job in jobs}, set(self.listed()))
        for job in jobs:
            self.forget(job)

    def test_what_would_not_fit_is_refused(self) -> None:
        ended = self.accepted(self.document(6), content_type=NDJSON)
        self.ended(ended)
        reply = self.submit(self.document(12), content_type=NDJSON)
        problem = self.assert_problem(reply, 413)
        self.assertEqual(problem["code"], "too_large")
        self.assertIn("store.max_bytes", problem["detail"])
        self.assertIsNone(reply.header("retry-after"))
        self.assertIn(ended["id"], self.listed())
        self.forget(ended)


class KeyTest(SubmitTest):
    document = json.dumps({"requests": [BLOCKED], "name": "once"})

    def keyed(self, key: str, body: Json = document, content_type: str = JSON) -> Reply:
        return self.submit(body, "-H", f"Idempotency-Key: {key}", content_type=content_type)

    def test_the_same_document_gets_the_same_job(self) -> None:
        first = self.keyed("same")
        self.assertEqual((first.status, first.header("idempotent-replayed")), (202, None))
        self.ended(first.json())
        for _ in range(3):
            again = self.keyed("same")
            self.assertEqual((again.status, again.header("idempotent-replayed")), (202, "true"))
            self.assertEqual(again.header("location"), first.header("location"))
            self.assertEqual(again.json()["id"], first.json()["id"])
            self.assertTrue(again.json()["done"])
        self.assertEqual(self.listed().count(first.json()["id"]), 1)

    def test_another_document_is_refused(self) -> None:
        self.assertEqual(self.keyed("taken").status, 202)
        before = self.listed()
        for body, content_type in ((self.document + " ", JSON), ("nonsense", JSON), ("", JSON),
                                   (self.document, "text/json")):
            with self.subTest(body=body, content_type=content_type):
                problem = self.assert_problem(self.keyed("taken", body, content_type), 422)
                self.assertEqual(problem["code"], "idempotency_key_reused")
        self.assertEqual(self.listed(), before)

    def test_another_key_gets_another_job(self) -> None:
        ids = {self.keyed(key).json()["id"] for key in ("k1", "k2", "K1", '"k1"')}
        self.assertEqual(len(ids), 4)

    def test_a_key_that_is_being_received_is_a_conflict(self) -> None:
        body = self.document.encode()
        with self.gatherd.connect() as connection:
            connection.send(self.gatherd.request_bytes(
                JOBS, "POST", b"", f"Content-Type: {JSON}", f"Content-Length: {len(body)}",
                "Idempotency-Key: now"))
            connection.send(body[:10])
            reply = eventually(lambda: (r := self.keyed("now")).status == 409 and r, "a conflict")
            self.assertEqual(self.assert_problem(reply, 409)["code"], "idempotency_key_in_use")
            self.assertEqual(reply.header("retry-after"), "1")
            connection.send(body[10:])
            first = connection.reply()
        assert first is not None
        self.assertEqual(first.status, 202)
        self.assertEqual(self.keyed("now", body).json()["id"], first.json()["id"])

    def test_a_key_is_free_again_when_its_document_was_not_accepted(self) -> None:
        with self.gatherd.connect() as connection:
            connection.send(self.gatherd.request_bytes(
                JOBS, "POST", b"", "Content-Length: 100", "Idempotency-Key: later") + b"[")
            eventually(lambda: self.keyed("later").status == 409, "a conflict")
        eventually(lambda: self.keyed("later").status == 202, "the key")
        self.assertEqual(self.keyed("never", "[]").status, 422)
        self.assertEqual(self.keyed("never").status, 202)

    def test_a_key_is_free_again_when_its_job_is_forgotten(self) -> None:
        first = self.keyed("again").json()
        self.forget(first)
        second = self.keyed("again")
        self.assertEqual((second.status, second.header("idempotent-replayed")), (202, None))
        self.assertNotEqual(second.json()["id"], first["id"])

    def test_a_retry_with_the_same_key_gets_the_same_job(self) -> None:
        def retry(job: Json, key: str) -> Reply:
            return self.post(f"{JOBS}/{job['id']}/retry", "", "-H", f"Idempotency-Key: {key}")

        one, other = self.accepted([BLOCKED]), self.accepted([BLOCKED])
        self.ended(one)
        self.ended(other)
        first = retry(one, "once-more")
        self.assertEqual((first.status, first.header("idempotent-replayed")), (202, None))
        again = retry(one, "once-more")
        self.assertEqual((again.status, again.header("idempotent-replayed")), (202, "true"))
        self.assertEqual(again.json()["id"], first.json()["id"])
        self.assertNotEqual(retry(one, "yet-another").json()["id"], first.json()["id"])
        for reply in (retry(other, "once-more"), self.keyed("once-more")):
            problem = self.assert_problem(reply, 422)
            self.assertEqual(problem["code"], "idempotency_key_reused")
        self.assertEqual(self.assert_problem(retry(one, "a b"), 400)["code"],
                         "invalid_idempotency_key")

    def test_a_key_outlives_the_daemon(self) -> None:
        first = self.keyed("durable").json()
        self.gatherd.kill()
        self.gatherd.start()
        again = self.keyed("durable")
        self.assertEqual((again.status, again.json()["id"]), (202, first["id"]))
        self.assertEqual(again.header("idempotent-replayed"), "true")

    def test_a_key_is_visible_ascii(self) -> None:
        for key in ("a b", "\u00e4", "k" * 256):
            with self.subTest(key=key):
                problem = self.assert_problem(self.keyed(key), 400)
                self.assertEqual(problem["code"], "invalid_idempotency_key")
        self.assertEqual(self.keyed("k" * 255).status, 202)

    def test_many_at_once_make_one_job(self) -> None:
        replies: list[Reply] = []
        threads = [threading.Thread(target=lambda: replies.append(self.keyed("race")))
                   for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(replies), 10)
        self.assertLessEqual({reply.status for reply in replies}, {202, 409})
        ids = {reply.json()["id"] for reply in replies if reply.status == 202}
        self.assertEqual(len(ids), 1)
