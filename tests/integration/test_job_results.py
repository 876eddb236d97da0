"""/v1/jobs/{id}/results: in either order, filtered, one by one; bodies; retry; all of it durable."""

from __future__ import annotations

from typing import Iterator

from harness import Json, Reply, captured
from patience import eventually
from test_jobs import JobTest

UNKNOWN = "job_01JZ9M4T6Q3W8KX2B7V5N0RCFE"
ENDLESS = 1000
"""More pages than any job here has."""


class ResultsTest(JobTest):
    def page(self, job: Json, query: str = "") -> Json:
        reply = self.get(f"/v1/jobs/{job['id']}/results?{query}")
        self.assertEqual(reply.status, 200, reply.body)
        page = reply.json()
        self.assertEqual('rel="next"' in (reply.header("link") or ""),
                         page["next_cursor"] is not None)
        return page

    def pages(self, job: Json, query: str = "") -> Iterator[list[Json]]:
        """All there are now."""
        cursor = ""
        for _ in range(ENDLESS):
            page = self.page(job, query + cursor)
            yield page["data"]
            if not page["has_more"]:
                return
            cursor = f"&cursor={page['next_cursor']}"
        self.fail("there is no end of pages")

    def results_of(self, job: Json, query: str = "limit=1000") -> list[Json]:
        return [result for page in self.pages(job, query) for result in page]

    def result(self, job: Json, index: object) -> Reply:
        return self.get(f"/v1/jobs/{job['id']}/results/{index}")

    def post_to(self, job: Json, what: str) -> Reply:
        return self.post(f"/v1/jobs/{job['id']}/{what}", "")

    def canceled(self, n_items: int, n_first: int = 1) -> Json:
        """A job that ended with n_first results, one canceled, and the rest never started."""
        urls = [self.origin.url()] * n_first + [self.origin.url("/hang")]
        urls += [self.origin.url("/never")] * (n_items - len(urls))
        job = self.submit(urls, limits={"concurrency": 1})
        eventually(lambda: "/hang" in self.origin.targets(), "the request that hangs")
        eventually(lambda: self.job(job)["counts"]["finished"] == n_first, "the results before it")
        self.post_to(job, "cancel")
        return self.ended(job)


class ShownTest(ResultsTest):
    """A stored result is what a gather would have shown."""

    def shape(self, value: Json) -> Json:
        """What does not depend on time: members, their types, and values that are no numbers."""
        if isinstance(value, dict):
            return {name: self.shape(member) for name, member in value.items()
                    if not name.endswith(("_at", "_ms")) and name not in ("job_id", "seq", "date")}
        if isinstance(value, list):
            return [self.shape(element) for element in value if element[:1] != ["date"]] \
                if value and isinstance(value[0], list) else [self.shape(each) for each in value]
        return value

    def requests(self) -> list[Json]:
        return [
            {"url": self.origin.url("/bytes/1000"), "id": "binary",
             "capture": {"body": "full", "hash": "sha256"}},
            {"url": self.origin.url("/json"), "capture": {"body": "full", "max_body_bytes": 5},
             "expect": {"status": [404], "body": {"contains": "nowhere"},
                        "header": [{"name": "x-not-there", "exists": True}],
                        "json": [{"pointer": "/a", "equals": {"b": [1]}}], "total_ms": {"lt": 0}}},
            {"url": self.origin.redirect_to("/status/404"), "method": "POST", "body": "x"},
            {"url": self.origin.url("/redirect-loop")},
            {"url": self.origin.url("/flaky/shown-{}"), "retry": {"backoff_ms": 1}},
            {"url": "http://127.0.0.1:1/"},
            {"url": "http://10.1.2.3/"},
            {"url": self.origin.url("/gzip?bytes=5000"), "repeat": 2},
            {"url": self.origin.url("/headers?X-Request-Id=a&ETag=%22ab-cd%22&Age=7&Age=07")},
            {"url": self.origin.url("/hang"), "timeout_ms": 50},
        ]

    def numbered(self, n: int) -> list[Json]:
        """Flaky is so once for each key."""
        return [{**request, "url": request["url"].replace("{}", str(n))}
                for request in self.requests()]

    def comparable(self, results: list[Json]) -> list[Json]:
        shapes = [self.shape(result) for result in results]
        for shape in shapes:
            for member in ("connection", "attempts", "effective_url", "timings", "request"):
                shape.pop(member)
            for failure in (shape["expect"] or {}).get("failures", []):
                failure.pop("actual")
        return shapes

    def test_a_stored_result_is_shown_as_a_gather_shows_it(self) -> None:
        gathered = self.results(self.numbered(1))
        stored = self.results_of(self.ended(self.submit(self.numbered(2))))
        self.assertEqual(self.comparable(stored), self.comparable(gathered))
        for one, other in zip(stored, gathered):
            self.assertEqual(list(one), [list(other)[0], "job_id", *list(other)[1:]])
            self.assertEqual(one["request"]["method"], other["request"]["method"])
            self.assertEqual(len(one["attempts"]), len(other["attempts"]))
            self.assertEqual(list(one["timings"]), list(other["timings"]))

    def test_times_add_up_to_the_microsecond(self) -> None:
        urls = [self.origin.url(), self.origin.redirect_to("/slow?ms=10"), self.origin.url("/close")]
        job = self.ended(self.submit(urls, defaults={"retry": {"backoff_ms": 5}}))
        reply = self.get(f"/v1/jobs/{job['id']}/results")
        for result in reply.json(exact=True)["data"]:
            times = result["timings"]
            phases = ("dns_ms", "connect_ms", "tls_ms", "send_ms", "wait_ms", "receive_ms")
            self.assertEqual(sum(times[phase] or 0 for phase in phases), times["total_ms"])
            spent = sum(attempt["total_ms"] + (attempt["backoff_ms"] or 0)
                        for attempt in result["attempts"])
            self.assertEqual(times["queue_ms"] + spent, times["elapsed_ms"])

    def test_a_result_never_changes_also_not_by_a_crash(self) -> None:
        job = self.ended(self.submit(self.numbered(3)))
        path = f"/v1/jobs/{job['id']}/results"
        before = self.get(path).body
        one = self.result(job, 0).body
        self.gatherd.restart()
        self.assertEqual(self.get(path).body, before)
        self.assertEqual(self.result(job, 0).body, one)
        self.assertEqual(self.job(job), job)


class IndexTest(ResultsTest):
    def test_pages_are_whole_and_in_order(self) -> None:
        urls = [self.origin.url(f"/?n={n}") for n in range(700)]
        job = self.ended(self.submit(urls))
        for limit in (1000, 700, 699, 256, 100):
            with self.subTest(limit=limit):
                pages = list(self.pages(job, f"limit={limit}"))
                self.assertTrue(all(len(page) == limit for page in pages[:-1]))
                self.assertTrue(pages[-1])
                results = [result for page in pages for result in page]
                self.assertEqual([r["request"]["url"] for r in results], urls)
                self.assertEqual([r["index"] for r in results], list(range(700)))

    def test_repetitions_are_numbered_across_pages(self) -> None:
        job = self.ended(self.submit([self.origin.url(),
                                      {"url": self.origin.url(), "repeat": 600, "id": "often"}]))
        results = self.results_of(job, "limit=250")
        self.assertEqual([r.get("repetition") for r in results], [None, *range(600)])
        self.assertEqual({r["id"] for r in results[1:]}, {"often"})

    def test_what_is_not_there_yet_is_pending(self) -> None:
        job = self.submit([{"url": self.origin.url("/hang"), "id": "first"}, self.origin.url()])
        eventually(lambda: self.job(job)["counts"]["finished"] == 1, "a result")
        pending, finished = self.page(job)["data"]
        self.assertEqual(pending, {"object": "result", "job_id": job["id"], "index": 0,
                                   "id": "first", "state": "pending"})
        self.assertEqual(finished["state"], "finished")
        self.assertEqual(self.result(job, 0).json(), pending)
        self.assertEqual(self.result(job, 1).json(), finished)
        self.post_to(job, "cancel")

    def test_what_never_started_is_skipped(self) -> None:
        job = self.canceled(5)
        results = self.page(job)["data"]
        self.assert_outcomes(results, ["success", "canceled", "skipped", "skipped", "skipped"])
        skipped = results[-1]
        self.assert_error(skipped, "skipped", "canceled", "queue")
        self.assertEqual((skipped["seq"], skipped["attempts"]), (None, []))
        self.assertEqual(skipped["finished_at"], job["ended_at"])
        self.assertEqual(skipped["request"]["url"], self.origin.url("/never"))
        self.assertEqual(self.result(job, 4).json(), skipped)

    def test_a_cursor_beyond_the_end_is_an_empty_page(self) -> None:
        job = self.ended(self.submit([self.origin.url()]))
        for query in ("cursor=1", "cursor=999999999999999999", "cursor=r0", "cursor=r5",
                      "order=completed&cursor=99", "order=completed&cursor=r0"):
            with self.subTest(query=query):
                page = self.page(job, query)
                self.assertEqual(page, {"data": [], "next_cursor": None, "has_more": False})

    def test_large_bodies_make_short_pages(self) -> None:
        n_bytes = 1 << 20
        request = {"url": self.origin.url(f"/bytes/{n_bytes}"),
                   "capture": {"body": "full", "max_body_bytes": n_bytes}}
        job = self.ended(self.submit([request] * 10))
        for query in ("limit=100", "limit=100&order=completed", "limit=100&outcome=success"):
            with self.subTest(query=query):
                pages = list(self.pages(job, query))
                self.assertGreater(len(pages), 1)
                results = [result for page in pages for result in page]
                self.assertEqual(len(results), 10)
                self.assertEqual({len(captured(result)) for result in results}, {n_bytes})

    def test_a_bad_parameter_is_a_problem(self) -> None:
        job = self.ended(self.submit([self.origin.url()]))
        for query in ("order=seq", "order=", "outcome=failed", "cursor=x", "cursor=r", "cursor=-1",
                      "cursor=1.5", "cursor=", "cursor=rr1", "cursor=" + "1" * 40, "limit=1001"):
            with self.subTest(query=query):
                self.assert_problem(self.get(f"/v1/jobs/{job['id']}/results?{query}"), 400)


class FilterTest(ResultsTest):
    def test_results_are_filtered_by_outcome(self) -> None:
        urls = [self.origin.url("/status/404" if n % 5 == 2 else "/") for n in range(23)]
        job = self.ended(self.submit(urls))
        for outcome, wanted in (("http_error", [n for n in range(23) if n % 5 == 2]),
                                ("success", [n for n in range(23) if n % 5 != 2]),
                                ("blocked", [])):
            for order in ("index", "completed"):
                with self.subTest(outcome=outcome, order=order):
                    pages = list(self.pages(job, f"outcome={outcome}&limit=2&order={order}"))
                    found = [result["index"] for page in pages for result in page]
                    self.assertEqual(sorted(found), wanted)
                    self.assertTrue(pages[-1] or len(pages) == 1, "an empty last page")
                    if order == "index":
                        self.assertEqual(found, wanted)

    def test_what_never_started_is_found(self) -> None:
        job = self.canceled(600)
        for limit in (1000, 598, 250):
            with self.subTest(limit=limit):
                skipped = self.results_of(job, f"outcome=skipped&limit={limit}")
                self.assertEqual([r["index"] for r in skipped], list(range(2, 600)))
        self.assertEqual([r["index"] for r in self.results_of(job, "outcome=canceled")], [1])

    def test_nothing_is_skipped_while_a_job_runs(self) -> None:
        job = self.submit([self.origin.url("/hang")] * 3, limits={"concurrency": 1})
        self.assertEqual(self.results_of(job, "outcome=skipped"), [])
        self.post_to(job, "cancel")


class CompletedTest(ResultsTest):
    def test_results_come_in_order_of_completion(self) -> None:
        delays = [300, 100, 200, 0]
        job = self.ended(self.submit([self.origin.url(f"/slow?ms={ms}") for ms in delays]))
        results = self.results_of(job, "order=completed")
        self.assertEqual([r["index"] for r in results], [3, 1, 2, 0])
        self.assertEqual([r["seq"] for r in results], [1, 2, 3, 4])

    def test_who_follows_a_running_job_misses_nothing_and_gets_nothing_twice(self) -> None:
        urls = [self.origin.url(f"/slow?ms={n * 7 % 40}") for n in range(500)]
        job = self.submit(urls, limits={"concurrency": 50})
        seen, cursor = [], ""
        while cursor is not None:
            done = self.job(job)["done"]
            page = self.page(job, "order=completed&limit=37" + (cursor and f"&cursor={cursor}"))
            seen += page["data"]
            cursor = page["next_cursor"]
            self.assertTrue(cursor is not None or not page["has_more"])
            self.assertFalse(cursor is None and not done and not self.job(job)["done"])
        self.assertEqual([r["seq"] for r in seen], list(range(1, 501)))
        self.assertEqual(sorted(r["index"] for r in seen), list(range(500)))
        self.assertEqual(seen, self.results_of(job, "order=completed"))

    def test_a_cursor_is_good_after_a_crash(self) -> None:
        urls = [self.origin.url(f"/slow?ms={n * 7 % 40}") for n in range(300)]
        job = self.submit(urls, limits={"concurrency": 20})
        eventually(lambda: self.job(job)["counts"]["finished"] > 50, "some results")
        first = self.page(job, "order=completed&limit=1000")
        self.gatherd.restart()
        self.ended(job)
        rest = self.results_of(job, f"order=completed&limit=1000&cursor={first['next_cursor']}")
        self.assertEqual(sorted(r["index"] for r in first["data"] + rest), list(range(300)))
        seqs = [r["seq"] for r in first["data"] + rest]
        self.assertEqual(seqs, sorted(set(seqs)))

    def test_what_never_started_comes_last(self) -> None:
        job = self.canceled(400, n_first=3)
        results = self.results_of(job, "order=completed&limit=99")
        self.assertEqual([r["seq"] for r in results[:5]], [1, 2, 3, 4, None])
        self.assertEqual([r["index"] for r in results[4:]], list(range(4, 400)))
        only = self.results_of(job, "order=completed&outcome=skipped&limit=99")
        self.assertEqual(only, results[4:])


class OneTest(ResultsTest):
    def test_one_result_is_that_of_the_page(self) -> None:
        job = self.ended(self.submit([self.origin.url(), self.origin.url("/close")]))
        for result in self.page(job)["data"]:
            self.assertEqual(self.result(job, result["index"]).json(), result)

    def test_an_item_there_is_not_is_a_problem(self) -> None:
        job = self.ended(self.submit([self.origin.url()]))
        for index in ("1", "x", "-1", "+0", "00", "0x0", "99999999999999999999", "0.0"):
            for suffix in ("", "/body"):
                with self.subTest(index=index + suffix):
                    self.assert_problem(self.result(job, index + suffix), 404)
        for suffix in ("", "/body"):
            self.assert_problem(self.result({"id": UNKNOWN}, "0" + suffix), 404)
            self.assert_problem(self.result(job, f"0{suffix}?limit=1"), 400)

    def test_a_body_is_the_bytes_that_were_captured(self) -> None:
        job = self.ended(self.submit(
            [{"url": self.origin.url(path), "capture": {"body": "full", "max_body_bytes": 3000}}
             for path in ("/bytes/1000", "/bytes/0", "/bytes/5000", "/gzip?bytes=50")]))
        expected = bytes(range(256)) * 20
        for index, body in enumerate((expected[:1000], b"", expected[:3000], b"x" * 50)):
            with self.subTest(index=index):
                reply = self.result(job, f"{index}/body")
                self.assertEqual((reply.status, reply.body), (200, body))
                self.assertEqual(reply.header("content-type"), "application/octet-stream")
                self.assertEqual(reply.header("x-content-type-options"), "nosniff")
                self.assertEqual(reply.header("content-disposition"),
                                 f'attachment; filename="{job["id"]}-{index}"')

    def test_a_body_that_was_not_captured_is_a_problem(self) -> None:
        capture = {"capture": {"body": "full"}}
        job = self.submit([{"url": self.origin.url()}, {"url": self.origin.url("/close"), **capture},
                           {"url": self.origin.url("/hang"), **capture}])
        eventually(lambda: self.job(job)["counts"]["finished"] == 2, "two results")
        for index in range(3):
            with self.subTest(index=index):
                self.assert_problem(self.result(job, f"{index}/body"), 404)
        self.post_to(job, "cancel")


class RetryTest(ResultsTest):
    def retried(self, job: Json) -> Json:
        reply = self.post_to(job, "retry")
        self.assertEqual(reply.status, 202, reply.body)
        retried = reply.json()
        self.assertNotEqual(retried["id"], job["id"])
        self.assertTrue(reply.header("location").endswith(f"/v1/jobs/{retried['id']}"))
        return self.ended(retried)

    def test_a_retry_is_a_job_of_what_failed(self) -> None:
        requests = [{"url": self.origin.url(path), "id": str(n)} for n, path in
                    enumerate(("/", "/close", "/", "/status/500"))]
        job = self.ended(self.submit(requests, name="nightly", labels={"team": "web"}))
        retried = self.retried(job)
        self.assertEqual((retried["name"], retried["labels"]), ("nightly", {"team": "web"}))
        results = self.page(retried)["data"]
        self.assertEqual([(r["id"], r["outcome"]) for r in results],
                         [("1", "transport_error"), ("3", "http_error")])
        self.assertEqual(self.job(job), job)

    def test_what_never_started_is_retried(self) -> None:
        job = self.canceled(300)
        reply = self.post_to(job, "retry")
        self.assertEqual((reply.status, reply.json()["counts"]["total"]), (202, 299))
        self.post_to(reply.json(), "cancel")

    def test_repetitions_are_retried_one_by_one(self) -> None:
        url = self.origin.url("/flaky/retry?failures=3")
        job = self.ended(self.submit([{"url": url, "repeat": 5, "retry": None}],
                                     limits={"concurrency": 1}))
        n_failed = 5 - job["counts"]["success"]
        retried = self.retried(job)
        self.assertEqual((retried["counts"]["total"], retried["counts"]["success"]),
                         (n_failed, n_failed))

    def test_without_a_failure_there_is_nothing_to_retry(self) -> None:
        job = self.ended(self.submit([self.origin.url()]))
        problem = self.assert_problem(self.post_to(job, "retry"), 409)
        self.assertEqual(problem["code"], "nothing_to_retry")

    def test_a_running_job_is_not_retried(self) -> None:
        job = self.submit([self.origin.url("/hang")])
        problem = self.assert_problem(self.post_to(job, "retry"), 409)
        self.assertEqual(problem["code"], "job_not_ended")
        self.post_to(job, "cancel")

    def test_what_does_not_exist_is_not_retried(self) -> None:
        self.assert_problem(self.post_to({"id": UNKNOWN}, "retry"), 404)
