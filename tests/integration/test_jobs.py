"""/v1/jobs: stored, run in the background, read page by page, canceled, forgotten."""

from __future__ import annotations

import re
from typing import Iterator

from harness import GatherdTest, Json
from patience import PATIENCE, eventually

OUTCOMES = ("success", "http_error", "assertion_failed", "transport_error", "blocked",
            "interrupted", "canceled", "skipped")


class JobTest(GatherdTest):
    def submit(self, requests: Json, **members: Json) -> Json:
        reply = self.post("/v1/jobs", {"requests": requests, **members})
        self.assertEqual(reply.status, 202, reply.body)
        return reply.json()

    def job(self, job: Json) -> Json:
        reply = self.get(f"/v1/jobs/{job['id']}")
        self.assertEqual(reply.status, 200, reply.body)
        return reply.json()

    def ended(self, job: Json) -> Json:
        return eventually(lambda: (now := self.job(job))["done"] and now, "the end of the job")

    def check_counts(self, job: Json) -> None:
        counts = job["counts"]
        self.assertEqual(counts["total"], counts["queued"] + counts["running"] + counts["finished"])
        self.assertEqual(counts["finished"], sum(counts[outcome] for outcome in OUTCOMES))
        self.assertEqual(job["done"], job["ended_at"] is not None)


class LifeTest(JobTest):
    def test_a_posted_job_is_accepted_and_located(self) -> None:
        reply = self.post("/v1/jobs", {"requests": [self.origin.url()], "name": "nightly",
                                       "labels": {"team": "web"}})
        self.assertEqual(reply.status, 202, reply.body)
        job = reply.json()
        self.assertRegex(job["id"], r"^job_[0-9A-Za-z]{16,}$")
        self.assertTrue(reply.header("location").endswith(f"/v1/jobs/{job['id']}"))
        self.assertEqual((job["object"], job["name"], job["labels"]),
                         ("job", "nightly", {"team": "web"}))
        self.check_counts(job)

    def test_every_shorthand_makes_a_job(self) -> None:
        url = self.origin.url()
        for body, content_type in ((f'["{url}"]', "application/x-www-form-urlencoded"),
                                   (f'"{url}"\n', "application/x-ndjson"), (url, "text/plain")):
            with self.subTest(content_type=content_type):
                reply = self.post("/v1/jobs", body, content_type=content_type)
                self.assertEqual(reply.status, 202, reply.body)
                self.assertEqual(self.ended(reply.json())["counts"]["success"], 1)

    def test_a_job_runs_to_its_end(self) -> None:
        paths = ["/", "/slow?ms=50", "/status/404", "/close"]
        job = self.ended(self.submit([self.origin.url(path) for path in paths]))
        self.check_counts(job)
        self.assertEqual(job["status"], "done")
        self.assertEqual(job["progress"], 1)
        counts = {name: job["counts"][name] for name in OUTCOMES if job["counts"][name]}
        self.assertEqual(counts, {"success": 2, "http_error": 1, "transport_error": 1})
        self.assertEqual(job["stats"]["errors"], {"empty_reply": 1})

    def test_instants_are_in_order(self) -> None:
        job = self.ended(self.submit([self.origin.url("/slow?ms=20")], deadline_ms=5000))
        instants = [job[name] for name in ("created_at", "started_at", "ended_at", "expires_at")]
        for instant in instants:
            self.assertRegex(instant, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        self.assertEqual(instants, sorted(instants))
        self.assertGreater(job["deadline_at"], job["created_at"])

    def test_a_running_job_has_not_ended(self) -> None:
        job = self.submit([self.origin.url("/hang")])
        now = eventually(lambda: (j := self.job(job))["status"] == "running" and j, "running")
        self.assertEqual((now["done"], now["ended_at"]), (False, None))
        self.post(f"/v1/jobs/{job['id']}/cancel", "")

    def test_counts_never_go_back_and_always_add_up(self) -> None:
        urls = [self.origin.url(f"/slow?ms={n % 7 * 5}") for n in range(200)]
        submitted = self.submit(urls, limits={"concurrency": 5})
        finished, done = 0, False
        while not done:
            job = self.job(submitted)
            self.check_counts(job)
            self.assertGreaterEqual(job["counts"]["finished"], finished)
            self.assertLessEqual(job["counts"]["running"], 5)
            self.assertAlmostEqual(job["progress"], job["counts"]["finished"] / 200, delta=0.001)
            finished, done = job["counts"]["finished"], job["done"]
        self.assertEqual(finished, 200)

    def test_versions_only_grow(self) -> None:
        job = self.submit([self.origin.url("/slow?ms=100")] * 3)
        self.assertGreater(self.ended(job)["version"], job["version"])

    def test_a_job_is_validated_before_it_is_accepted(self) -> None:
        reply = self.post("/v1/jobs", {"requests": [self.origin.url("/never"), "nonsense"]})
        self.assert_problem(reply, 422, "/requests/1")
        self.assertEqual(self.origin.requests(), [])

    def test_ids_are_unique_and_sort_by_time(self) -> None:
        ids = [self.submit([self.origin.url()])["id"] for _ in range(20)]
        self.assertEqual(len(set(ids)), 20)
        self.assertEqual(ids, sorted(ids))

    def test_links_lead_to_the_job(self) -> None:
        job = self.submit([self.origin.url()])
        for name in ("self", "results"):
            path = re.sub(r"^https?://[^/]+", "", job["links"][name])
            self.assertEqual(self.get(path).status, 200)

    def test_an_unknown_job_is_not_found(self) -> None:
        for path in ("job_01JZ9M4T6Q3W8KX2B7V5N0RCFE", "x", "job_", "job_%F0%9F", "a" * 500):
            for suffix in ("", "/results"):
                with self.subTest(path=path + suffix):
                    self.assert_problem(self.get(f"/v1/jobs/{path}{suffix}"), 404)

    def test_an_expired_job_is_not_found(self) -> None:
        job = self.submit([self.origin.url()], ttl_ms=300)
        self.ended(job)
        eventually(lambda: self.get(f"/v1/jobs/{job['id']}").status == 404, "expiry", 5)


class ListTest(JobTest):
    def pages(self, path: str) -> Iterator[Json]:
        """Follow next_cursor, checking has_more and the Link header on the way."""
        cursor = ""
        while True:
            reply = self.get(path + cursor)
            self.assertEqual(reply.status, 200, reply.body)
            page = reply.json()
            self.assertEqual(page["has_more"], page["next_cursor"] is not None)
            self.assertEqual('rel="next"' in (reply.header("link") or ""), page["has_more"])
            yield page["data"]
            if not page["has_more"]:
                return
            cursor = f"&cursor={page['next_cursor']}"

    def test_jobs_are_listed_page_by_page(self) -> None:
        submitted = [self.submit([self.origin.url()])["id"] for _ in range(7)]
        pages = list(self.pages("/v1/jobs?limit=3"))
        self.assertTrue(all(len(page) == 3 for page in pages[:-1]))
        listed = [job["id"] for page in pages for job in page]
        self.assertEqual(len(listed), len(set(listed)))
        self.assertLessEqual(set(submitted), set(listed))
        self.assertIn(listed, (sorted(listed), sorted(listed, reverse=True)))

    def test_a_page_is_stable_while_jobs_arrive(self) -> None:
        before = {self.submit([self.origin.url()])["id"] for _ in range(4)}
        listed = []
        for page in self.pages("/v1/jobs?limit=2"):
            listed += [job["id"] for job in page]
            if len(listed) < 20:
                self.submit([self.origin.url()])
        self.assertEqual(len(listed), len(set(listed)))
        self.assertLessEqual(before, set(listed))

    def test_jobs_are_listed_by_status(self) -> None:
        running = self.submit([self.origin.url("/hang")])
        done = self.ended(self.submit([self.origin.url()]))
        eventually(lambda: self.job(running)["status"] == "running", "running")
        listed = {status: {job["id"] for page in self.pages(f"/v1/jobs?limit=100&status={status}")
                           for job in page} for status in ("running", "done")}
        self.assertIn(running["id"], listed["running"])
        self.assertIn(done["id"], listed["done"])
        self.assertFalse(listed["running"] & listed["done"])
        self.get(f"/v1/jobs/{running['id']}", "-X", "DELETE")

    def test_results_are_paged_in_index_order(self) -> None:
        paths = [f"/slow?ms={60 - 5 * n}&n={n}" for n in range(10)]
        job = self.ended(self.submit([self.origin.url(path) for path in paths]))
        pages = list(self.pages(f"/v1/jobs/{job['id']}/results?limit=4"))
        self.assertEqual([len(page) for page in pages], [4, 4, 2])
        results = [result for page in pages for result in page]
        self.assertEqual([r["index"] for r in results], list(range(10)))
        self.assertEqual([r["request"]["url"] for r in results],
                         [self.origin.url(path) for path in paths])
        self.assertEqual({r["job_id"] for r in results}, {job["id"]})

    def test_results_can_be_read_while_the_job_runs(self) -> None:
        job = self.submit([self.origin.url(), self.origin.url("/hang")])
        path = f"/v1/jobs/{job['id']}/results"

        def finished() -> list[Json]:
            return [r for r in self.get(path).json()["data"] if r["state"] == "finished"]

        results = eventually(finished, "a result")
        self.assertEqual([(r["index"], r["status_code"]) for r in results], [(0, 200)])
        self.get(f"/v1/jobs/{job['id']}", "-X", "DELETE")

    def test_a_bad_parameter_is_a_problem(self) -> None:
        job = self.submit([self.origin.url()])
        for path in ("/v1/jobs", f"/v1/jobs/{job['id']}/results"):
            for query in ("limit=0", "limit=-1", "limit=x", "limit=99999999999999999999",
                          "cursor=nonsense", "cursor=%00", "cursor=" + "A" * 2000, "limt=1"):
                with self.subTest(path=path, query=query):
                    self.assert_problem(self.get(f"{path}?{query}"), 400)

    def test_a_cursor_does_not_tell_how_many_jobs_there_are(self) -> None:
        for _ in range(2):
            self.submit([self.origin.url()])
        page = self.get("/v1/jobs?limit=1").json()
        self.assertEqual(page["next_cursor"], page["data"][0]["id"])
        for number in ("1", "999"):
            self.assert_problem(self.get(f"/v1/jobs?cursor={number}"), 400)


    def test_what_takes_no_parameters_refuses_them(self) -> None:
        path = f"/v1/jobs/{self.ended(self.submit([self.origin.url('/status/500')]))['id']}"
        for reply in (self.post(f"{path}/cancel?a=b", ""), self.post(f"{path}/retry?a=b", ""),
                      self.get(f"{path}?a=b", "-X", "DELETE")):
            self.assertEqual(self.assert_problem(reply, 400)["code"], "unknown_parameter")
        self.assertEqual(self.get(path).status, 200)


class EndTest(JobTest):
    def cancel(self, job: Json) -> Json:
        reply = self.post(f"/v1/jobs/{job['id']}/cancel", "")
        self.assertEqual(reply.status, 200, reply.body)
        return reply.json()

    def delete(self, job: Json) -> int:
        return self.get(f"/v1/jobs/{job['id']}", "-X", "DELETE").status

    def running_job(self) -> Json:
        """One result finished, one request running, one waiting."""
        job = self.submit([self.origin.url(path) for path in ("/", "/hang", "/never")],
                          limits={"concurrency": 1})
        eventually(lambda: "/hang" in self.origin.targets(), "the second request")
        return job

    def test_cancel_stops_a_job_and_keeps_its_results(self) -> None:
        job = self.running_job()
        self.assertIn(self.cancel(job)["status"], ("canceling", "canceled"))
        ended = self.ended(job)
        self.check_counts(ended)
        self.assertEqual(ended["status"], "canceled")
        results = self.get(f"/v1/jobs/{job['id']}/results").json()["data"]
        self.assert_outcomes(results, ["success", "canceled", "skipped"])
        self.assert_left("/hang")
        self.assertNotIn("/never", self.origin.targets())

    def test_cancel_is_idempotent(self) -> None:
        job = self.running_job()
        self.cancel(job)
        self.ended(job)
        again = self.cancel(job)
        self.assertEqual((again["status"], again["done"]), ("canceled", True))

    def test_cancel_leaves_an_ended_job_as_it_is(self) -> None:
        job = self.ended(self.submit([self.origin.url()]))
        self.assertEqual(self.cancel(job)["status"], "done")
        self.assertEqual(self.job(job)["counts"]["success"], 1)

    def test_delete_forgets_an_ended_job(self) -> None:
        job = self.ended(self.submit([self.origin.url()]))
        self.assertEqual([self.delete(job), self.delete(job)], [204, 404])
        self.assert_problem(self.get(f"/v1/jobs/{job['id']}"), 404)
        self.assert_problem(self.get(f"/v1/jobs/{job['id']}/results"), 404)

    def test_delete_cancels_a_running_job(self) -> None:
        job = self.running_job()
        self.assertEqual([self.delete(job), self.delete(job)], [204, 404])
        self.assert_left("/hang")

    def test_what_does_not_exist_can_not_be_ended(self) -> None:
        unknown = {"id": "job_01JZ9M4T6Q3W8KX2B7V5N0RCFE"}
        self.assertEqual(self.delete(unknown), 404)
        self.assert_problem(self.post(f"/v1/jobs/{unknown['id']}/cancel", ""), 404)

    def test_a_job_outlives_the_client_that_posted_it(self) -> None:
        job = self.submit([self.origin.url("/slow?ms=300")])
        self.assertEqual(self.ended(job)["counts"]["success"], 1)

    def test_a_deadline_ends_a_job(self) -> None:
        job = self.submit([self.origin.url("/hang"), self.origin.url("/")],
                          deadline_ms=300 * PATIENCE)
        ended = self.ended(job)
        self.assertEqual((ended["status"], ended["stats"]["errors"]),
                         ("done", {"deadline_exceeded": 1}))
        self.assertLess(ended["elapsed_ms"], 2000 * PATIENCE)

    def test_many_jobs_leave_no_memory_behind(self) -> None:
        def round_of_jobs() -> None:
            jobs = [self.submit([self.origin.url()] * 100) for _ in range(5)]
            for job in jobs:
                self.ended(job)
                self.delete(job)

        self.assert_memory_back(round_of_jobs, 3, 8 << 20)
