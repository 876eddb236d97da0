"""Retries: what is tried again, when, and how the attempts are shown. The origin counts."""

from __future__ import annotations

import itertools
import time
from email.utils import formatdate
from typing import Any

from harness import GatherdTest, Json
from patience import eventually
from servers import free_port

KEYS = itertools.count(1)
EXACT = 0.0005
"""Milliseconds: timings are whole microseconds."""


def spent_ms(result: Json) -> float:
    """What the parts of a result add up to."""
    timings = result["timings"]
    earlier = sum(a["total_ms"] + a["backoff_ms"] for a in result["attempts"][:-1])
    return timings["queue_ms"] + timings["total_ms"] + earlier


class RetryTest(GatherdTest):
    def flaky(self, failures: int, **parameters: Any) -> str:
        """A URL that fails that often, and then no more."""
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return self.origin.url(f"/flaky/{next(KEYS)}?failures={failures}&{query}")

    def retried(self, url: str, retry: Json | None = None, **members: Json) -> Json:
        result = self.fetch(url, retry={"backoff_ms": 20, "jitter": 0, **(retry or {})}, **members)
        self.assertAlmostEqual(spent_ms(result), result["timings"]["elapsed_ms"], delta=EXACT)
        self.assertEqual([a["n"] for a in result["attempts"]],
                         list(range(1, len(result["attempts"]) + 1)))
        return result

    def test_without_retry_there_is_one_attempt(self) -> None:
        result = self.fetch(self.flaky(1))
        self.assertEqual((result["status_code"], result["outcome"]), (503, "http_error"))
        self.assertEqual(len(result["attempts"]), 1)
        self.assertEqual(len(self.origin.requests()), 1)

    def test_a_failure_is_tried_again_and_every_attempt_is_shown(self) -> None:
        result = self.retried(self.flaky(2), {"max_attempts": 5})
        self.assertEqual((result["status_code"], result["outcome"]), (200, "success"))
        self.assertEqual([a["status_code"] for a in result["attempts"]], [503, 503, 200])
        self.assertEqual([a["outcome"] for a in result["attempts"]],
                         ["http_error", "http_error", "success"])
        self.assertEqual([a["backoff_ms"] for a in result["attempts"]], [20, 40, None])
        self.assertEqual(result["started_at"], result["attempts"][0]["started_at"])
        self.assertLess(result["attempts"][0]["started_at"], result["attempts"][2]["started_at"])
        self.assertEqual(len(self.origin.requests()), 3)

    def test_the_pauses_are_as_long_as_they_say(self) -> None:
        result = self.retried(self.flaky(2), {"max_attempts": 3, "backoff_ms": 150})
        first, second, third = [r["time"] * 1000 for r in self.origin.requests()]
        self.assertGreaterEqual(second - first, 150)
        self.assertGreaterEqual(third - second, 300)
        self.assertGreaterEqual(result["timings"]["elapsed_ms"], 450)

    def test_an_empty_retry_means_three_attempts(self) -> None:
        result = self.retried(self.flaky(9))
        self.assertEqual((result["outcome"], len(result["attempts"])), ("http_error", 3))
        self.assertEqual(len(self.origin.requests()), 3)

    def test_transport_errors_are_tried_again(self) -> None:
        result = self.retried(self.flaky(1, status=0), {"on": ["reset"], "methods": ["POST"]},
                              method="POST")
        self.assertEqual(result["outcome"], "success", result)
        self.assertIn(result["attempts"][0]["error"], ("empty_reply", "recv_reset"))
        result = self.retried(f"http://127.0.0.1:{free_port()}/", {"on": ["connect"]})
        self.assert_error(result, "transport_error", "connect_refused", "connect")
        self.assertEqual([a["error"] for a in result["attempts"]], ["connect_refused"] * 3)

    def test_what_is_not_listed_is_final(self) -> None:
        for on in ([502], ["dns"], ["connect_refused", 429]):
            with self.subTest(on=on):
                result = self.retried(self.flaky(1), {"on": on})
                self.assertEqual(len(result["attempts"]), 1)

    def test_a_class_of_statuses_can_be_listed(self) -> None:
        result = self.retried(self.flaky(1, status=599), {"on": ["5xx"]})
        self.assertEqual([a["status_code"] for a in result["attempts"]], [599, 200])

    def test_an_expected_status_is_final(self) -> None:
        result = self.retried(self.flaky(1), expect={"status": [503]})
        self.assertEqual((result["outcome"], len(result["attempts"])), ("success", 1))

    def test_a_failed_check_is_final(self) -> None:
        result = self.retried(self.origin.url("/json"), expect={"body": {"contains": "nowhere"}})
        self.assertEqual((result["outcome"], len(result["attempts"])), ("assertion_failed", 1))

    def test_only_the_last_attempt_is_judged(self) -> None:
        result = self.retried(self.flaky(1), expect={"body": {"contains": "at last"}})
        self.assertEqual((result["outcome"], len(result["attempts"])), ("success", 2))
        self.assertEqual(result["expect"]["passed"], 1)

    def test_a_post_is_repeated_only_if_it_is_listed(self) -> None:
        result = self.retried(self.flaky(1), method="POST", body="x")
        self.assertEqual(len(result["attempts"]), 1)
        result = self.retried(self.flaky(1), {"methods": ["POST"]}, method="POST", body="x")
        self.assertEqual((result["outcome"], len(result["attempts"])), ("success", 2))
        self.assertEqual([r["body"] for r in self.origin.requests()], ["x", "x", "x"])

    def test_retry_after_is_heard(self) -> None:
        result = self.retried(self.flaky(1, retry_after=1))
        first, second = self.origin.requests()
        self.assertGreaterEqual(second["time"] - first["time"], 1)
        self.assertEqual(result["attempts"][0]["backoff_ms"], 1000)

    def test_retry_after_may_be_a_date(self) -> None:
        date = formatdate(time.time() + 2, usegmt=True).replace(" ", "%20")
        result = self.retried(self.flaky(1, retry_after=date))
        self.assertEqual(result["outcome"], "success")
        self.assertGreater(result["attempts"][0]["backoff_ms"], 500)
        self.assertLessEqual(result["attempts"][0]["backoff_ms"], 2000)

    def test_an_origin_that_asks_for_too_much_gets_no_retry(self) -> None:
        for wait in ("31", "99999999999999999999999", "Fri,%2031%20Dec%209999%2023:59:59%20GMT"):
            with self.subTest(wait=wait):
                result = self.retried(self.flaky(1, retry_after=wait))
                self.assertEqual((result["outcome"], len(result["attempts"])), ("http_error", 1))

    def test_retry_after_can_be_ignored(self) -> None:
        result = self.retried(self.flaky(1, retry_after=30), {"respect_retry_after": False})
        self.assertEqual(result["attempts"][0]["backoff_ms"], 20)

    def test_jitter_makes_pauses_shorter_and_different(self) -> None:
        requests = [{"url": self.flaky(1), "retry": {"backoff_ms": 50, "jitter": 0.5}}
                    for _ in range(20)]
        pauses = [r["attempts"][0]["backoff_ms"] for r in self.results(requests)]
        self.assertGreater(len(set(pauses)), 10)
        self.assertTrue(all(25 <= pause <= 50 for pause in pauses), pauses)

    def test_max_backoff_is_the_longest_pause(self) -> None:
        result = self.retried(self.flaky(4), {"max_attempts": 5, "max_backoff_ms": 30})
        self.assertEqual([a["backoff_ms"] for a in result["attempts"]], [20, 30, 30, 30, None])

    def test_the_place_is_free_during_a_pause(self) -> None:
        slow = {"url": self.flaky(1), "retry": {"backoff_ms": 500, "jitter": 0}}
        answer = self.gather([slow, self.origin.url("/json")], limits={"concurrency": 1})
        self.assert_outcomes(answer["results"], ["success", "success"])
        self.assertEqual([t.split("/")[1] for t in self.origin.targets()],
                         ["flaky", "json", "flaky"])

    def test_no_pause_is_begun_that_ends_after_the_deadline(self) -> None:
        request = {"url": self.flaky(1), "retry": {"backoff_ms": 5000}}
        result, = self.results([request], deadline_ms=2000)
        self.assertEqual((result["outcome"], len(result["attempts"])), ("http_error", 1))
        self.assertLess(result["timings"]["elapsed_ms"], 1500)

    def test_the_end_of_the_gather_ends_a_pause(self) -> None:
        request = {"url": self.flaky(1), "retry": {"backoff_ms": 4000, "jitter": 0}}
        started = time.monotonic()
        results = self.results([request, self.origin.url("/slow?ms=300")],
                               gather={"until": "first_success"})
        self.assertLess(time.monotonic() - started, 3)
        self.assert_error(results[0], "canceled", "canceled", "queue")
        attempt, = results[0]["attempts"]
        self.assertEqual(attempt["status_code"], 503)
        self.assertLess(attempt["backoff_ms"], 3000)

    def test_a_job_counts_what_was_retried(self) -> None:
        document = {"requests": [{"url": self.flaky(1), "retry": {"backoff_ms": 10}},
                                 self.origin.url("/json")]}
        path = "/v1/jobs/" + self.post("/v1/jobs", document).json()["id"]
        job = eventually(lambda: (now := self.get(path).json())["done"] and now, "the job's end")
        self.assertEqual((job["counts"]["success"], job["counts"]["retried"]), (2, 1))
