"""The oracle of tests/durability finds what is wrong: each thing it knows is broken once."""

from __future__ import annotations

import sys
import unittest
from collections import Counter
from copy import deepcopy
from datetime import timedelta
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "durability"))

from oracle import (COMES_TO, OUTCOMES, Evidence, Item, Json, Kept, Limits, Plan, Wish, as_served,
                    check)

ITEMS = [Item("GET", "/ok/a/0", captures=True), Item("POST", "/slow/a/1"), Item("GET", "/error/a/2"),
         Item("POST", "/reset/a/3")]
COUNTS = dict.fromkeys(("total", "queued", "running", "finished", *OUTCOMES), 0)


def result_of(index: int, item: Item, outcome: str = "") -> Json:
    return {"index": index, "state": "finished", "outcome": outcome or COMES_TO[item.behaviour],
            "request": {"method": item.method, "url": f"http://origin{item.path}"}, "error": None,
            "body": {"data": f"{item.path}\n" if item.captures else None}}


def kept(name: str, id: str, results: list[Json]) -> Kept:
    counts = {**COUNTS, "total": len(results), "finished": len(results),
              **Counter(result["outcome"] for result in results)}
    return Kept({"id": id, "name": name, "done": True, "counts": counts}, results)


def run_of(number: int, second: int, state: str, due_count: int = 1) -> Json:
    is_done = state == "done"
    return {"number": number, "due_at": f"2026-01-31T12:00:{second:02}.000000Z", "state": state,
            "due_count": due_count, "job_id": f"job_{number}" if is_done else None,
            "counts": {"total": 1} if is_done else None}


def plan() -> Plan:
    """One of every two seconds that was run twice, and not in between."""
    return Plan("plan", timedelta(seconds=2), {"created_at": "2026-01-31T12:00:00Z"},
                [run_of(1, 2, "done"), run_of(2, 4, "missed", 3), run_of(3, 10, "done")])


def all_is_well() -> Evidence:
    """A job that was acknowledged, and one that was not and is not there; and a schedule's."""
    results = [result_of(i, item) for i, item in enumerate(ITEMS)]
    return Evidence(
        limits=Limits(interrupted=1, repeated=1), n_kills=1,
        wishes=[Wish("a", ITEMS, key="k", ids={"job_a"}, callback="/ok/callback/a"),
                Wish("b", [Item("GET", "/ok/b/0")])],
        kept=[kept("a", "job_a", results)],
        seen={("job_a", 0): as_served(results[0])},
        plans=[plan()],
        scheduled={"plan": [kept("plan", f"job_{n}", []) for n in (1, 3)]},
        arrived=Counter([*((item.method, item.path) for item in ITEMS), ("POST", "/ok/callback/a")]))


class OracleTest(unittest.TestCase):
    def setUp(self) -> None:
        self.evidence = all_is_well()
        self.wish = self.evidence.wishes[0]
        self.job = self.evidence.kept[0]

    def assert_broken(self, rule: str, sentence: str) -> None:
        said = check(self.evidence)
        self.assertTrue(any(each.startswith(rule) and sentence in each for each in said), said)

    def come_to(self, index: int, outcome: str) -> None:
        self.job.results[index]["outcome"] = outcome
        self.evidence.kept = [kept("a", "job_a", self.job.results)]

    def test_a_body_that_is_not_its_own_or_is_gone_is_found(self) -> None:
        for data in ("/ok/a/1\n", None):
            self.job.results[0]["body"] = {"data": data}
            self.assert_broken("I1", "of GET /ok/a/0 the body is")

    def test_nothing_is_said_when_all_is_well(self) -> None:
        self.assertEqual(check(self.evidence), [])

    def test_a_lost_job_is_found(self) -> None:
        self.evidence.kept = []
        self.assert_broken("I1", "is lost")

    def test_a_missing_result_is_found(self) -> None:
        del self.job.results[2]
        self.assert_broken("I2", "in part")

    def test_a_second_result_is_found(self) -> None:
        self.job.results[2] = deepcopy(self.job.results[1])
        self.assert_broken("I1", "not in order")

    def test_an_item_without_an_end_is_found(self) -> None:
        self.job.results[0]["state"] = "pending"
        self.assert_broken("I1", "has no result")

    def test_a_job_without_an_end_is_found(self) -> None:
        self.job.job["done"] = False
        self.assert_broken("I1", "has not ended")

    def test_a_result_of_another_request_is_found(self) -> None:
        self.job.results[0]["request"]["url"] = "http://origin/ok/a/7"
        self.assert_broken("I1", "of another request")

    def test_an_invented_answer_is_found(self) -> None:
        del self.evidence.arrived["GET", "/ok/a/0"]
        self.assert_broken("I1", "never arrived")

    def test_an_outcome_that_cannot_be_is_found(self) -> None:
        for index, outcome in ((0, "transport_error"), (0, "interrupted"), (1, "canceled")):
            with self.subTest(index=index, outcome=outcome):
                self.setUp()
                self.come_to(index, outcome)
                self.assert_broken("I1", f"came to {outcome}")

    def test_an_invented_job_is_found(self) -> None:
        self.evidence.kept.append(kept("z", "job_z", []))
        self.assert_broken("I1", "nobody has asked")

    def test_half_a_job_is_found(self) -> None:
        items = [Item("GET", f"/ok/b/{i}") for i in range(2)]
        self.evidence.wishes[1].items = items
        self.evidence.kept.append(kept("b", "job_b", [result_of(0, items[0])]))
        self.assert_broken("I2", "in part")

    def test_a_job_that_was_not_acknowledged_may_be_there(self) -> None:
        item = self.evidence.wishes[1].items[0]
        self.evidence.kept.append(kept("b", "job_b", [result_of(0, item)]))
        self.evidence.arrived[item.method, item.path] = 1
        self.assertEqual(check(self.evidence), [])

    def test_a_job_that_ran_and_is_not_there_is_found(self) -> None:
        self.evidence.arrived["GET", "/ok/b/0"] = 1
        self.assert_broken("I2", "there is no such job")

    def test_two_jobs_of_one_key_are_found(self) -> None:
        self.evidence.kept.append(kept("a", "job_c", deepcopy(self.job.results)))
        self.assert_broken("I2", "there are 2 jobs")
        self.wish.ids.add("job_c")
        self.assert_broken("I2", "has made 2 jobs")

    def test_a_deleted_job_may_be_gone(self) -> None:
        self.wish.may_be_deleted = True
        self.assertEqual(check(self.evidence), [])
        self.evidence.kept = []
        self.assertEqual(check(self.evidence), [])

    def test_a_deleted_job_that_is_back_is_found(self) -> None:
        self.wish.may_be_deleted = self.wish.is_deleted = True
        self.assert_broken("I2", "was deleted")

    def test_a_retry_has_what_failed(self) -> None:
        items = ITEMS[2:]
        retry = kept("a", "job_r", [result_of(i, item) for i, item in enumerate(items)])
        self.evidence.kept.append(retry)
        self.evidence.arrived.update((item.method, item.path) for item in items)
        self.assert_broken("I7", "of 2 jobs a the end was told 1 times")
        self.evidence.arrived["POST", "/ok/callback/a"] += 1
        self.wish.retries.add("job_r")
        self.assertEqual(check(self.evidence), [])
        del retry.results[1]
        self.assert_broken("I1", "1 results of 2")

    def test_an_unsafe_request_that_was_sent_twice_is_found(self) -> None:
        for index in (1, 3):
            with self.subTest(index=index):
                self.setUp()
                self.evidence.arrived["POST", ITEMS[index].path] = 2
                self.assert_broken("I3", "was sent 2 times")

    def test_an_interrupted_one_may_have_been_sent_or_not(self) -> None:
        self.come_to(1, "interrupted")
        self.assertEqual(check(self.evidence), [])
        del self.evidence.arrived["POST", "/slow/a/1"]
        self.assertEqual(check(self.evidence), [])

    def test_too_many_interrupted_are_found(self) -> None:
        self.come_to(1, "interrupted")
        self.evidence.n_kills = 0
        self.assert_broken("I3", "1 are interrupted")

    def test_too_many_repeated_are_found(self) -> None:
        self.evidence.arrived["GET", "/ok/a/0"] = 2
        self.assertEqual(check(self.evidence), [])
        self.evidence.arrived["GET", "/error/a/2"] = 2
        self.assert_broken("I4", "2 requests were repeated")

    def test_a_seen_result_that_is_gone_is_found(self) -> None:
        self.evidence.seen["job_a", 9] = "{}"
        self.assert_broken("I5", "is gone")

    def test_a_seen_result_that_has_changed_is_found(self) -> None:
        self.job.results[0]["status_code"] = 201
        self.assert_broken("I5", "is now")

    def test_counts_that_are_not_those_of_the_results_are_found(self) -> None:
        for name in ("total", "finished", "success", "skipped"):
            with self.subTest(name=name):
                self.setUp()
                self.job.job["counts"][name] += 1
                self.assert_broken("I6", "counts")

    def test_an_end_that_is_not_told_is_found(self) -> None:
        del self.evidence.arrived["POST", "/ok/callback/a"]
        self.assert_broken("I7", "told 0 times")
        self.wish.may_be_deleted = True
        self.assertEqual(check(self.evidence), [])

    def test_an_end_that_is_told_too_often_is_found(self) -> None:
        self.evidence.limits.told_again = 1
        self.evidence.arrived["POST", "/ok/callback/a"] = 2
        self.assertEqual(check(self.evidence), [])
        self.evidence.arrived["POST", "/ok/callback/a"] = 3
        self.assert_broken("I7", "2 jobs were told again")

    def test_a_time_that_is_told_twice_or_not_at_all_is_found(self) -> None:
        for due_count in (2, 4):
            with self.subTest(due_count=due_count):
                self.setUp()
                self.evidence.plans[0].runs[1]["due_count"] = due_count
                self.assert_broken("I8", "plan was due at")

    def test_a_job_of_no_run_and_a_run_of_no_job_are_found(self) -> None:
        jobs = self.evidence.scheduled["plan"]
        jobs.append(kept("plan", "job_9", []))
        self.assert_broken("I8", "job_9 of plan is that of no run")
        del jobs[0]
        self.assert_broken("I8", "job_1 of plan is lost")

    def test_a_run_that_was_canceled_by_nobody_is_found(self) -> None:
        self.evidence.plans[0].runs[0]["state"] = "canceled"
        self.assert_broken("I8", "has a run that is canceled")

    def test_what_is_wrong_with_the_files_is_told(self) -> None:
        self.evidence.left_behind.append("3 chunks are nobody's")
        self.assert_broken("I6", "3 chunks")
