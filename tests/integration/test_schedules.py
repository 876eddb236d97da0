"""Schedules: jobs that are run again and again, by the real daemon and the real clock."""

from __future__ import annotations

import re
import unittest
from datetime import datetime, timedelta
from pathlib import Path

from harness import Gatherd, GatherdTest, Json, Reply, curl
from patience import eventually
from tokens import TokensTest

DOCS = Path(__file__).resolve().parents[2] / "docs" / "schedules.md"


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


class ScheduleCase(GatherdTest):
    def make(self, path: str = "/", **members: Json) -> Json:
        document = {"name": "mine", "job": [self.origin.url(path)], **members}
        if "cron" not in members:
            document.setdefault("every_ms", 1000)
        reply = self.post("/v1/schedules", document)
        self.assertEqual(reply.status, 201, reply.body)
        schedule = reply.json()
        self.assertEqual(reply.header("location"), schedule["links"]["self"])
        self.addCleanup(self.act, schedule, "")
        return schedule

    def act(self, schedule: Json, action: str) -> Reply:
        method = "POST" if action else "DELETE"
        path = schedule["links"]["self"] + (f"/{action}" if action else "")
        return curl("-X", method, self.gatherd.base + path)

    def look(self, schedule: Json) -> Json:
        return self.get(schedule["links"]["self"]).json()

    def runs(self, schedule: Json) -> list[Json]:
        return self.get(schedule["links"]["runs"]).json()["data"]

    def wait_for(self, schedule: Json, n: int, state: str = "done") -> list[Json]:
        def find() -> list[Json]:
            found = [run for run in self.runs(schedule) if run["state"] == state]
            return found if len(found) >= n else []
        return eventually(find, f"{n} runs that are {state}", 20)


class SchedulesTest(ScheduleCase):
    def test_it_runs_every_second(self) -> None:
        schedule = self.make()
        runs = self.wait_for(schedule, 3)[::-1]
        for i, run in enumerate(runs):
            due = instant(schedule["created_at"]) + timedelta(seconds=i + 1)
            self.assertEqual(instant(run["due_at"]), due)
            self.assertEqual((run["counts"]["success"], run["availability"]), (1, 1))
            self.assertEqual(self.get(f"/v1/jobs/{run['job_id']}").json()["status"], "done")
        now = self.look(schedule)
        self.assertEqual(set(now["availability"].values()), {1})
        self.assertEqual((instant(now["next_run_at"]) - instant(schedule["created_at"])).microseconds, 0)

    def test_half_of_it_may_fail(self) -> None:
        schedule = self.make(job=[self.origin.url("/"), self.origin.url("/status/500")], paused=True)
        self.assertEqual(self.look(schedule)["availability"], {"1h": None, "24h": None, "7d": None, "30d": None})
        self.assertEqual(self.act(schedule, "run").status, 202)
        run = self.wait_for(schedule, 1)[0]
        self.assertEqual(run["availability"], 0.5)
        self.assertEqual(set(self.look(schedule)["availability"].values()), {0.5})

    def test_with_a_key_it_is_made_once(self) -> None:
        def send(key: str, **members: Json) -> Reply:
            document = {"name": "once", "cron": "@yearly", "job": [self.origin.url()], **members}
            return self.post("/v1/schedules", document, "-H", f"Idempotency-Key: {key}")
        first, again = send("k"), send("k")
        self.addCleanup(self.act, first.json(), "")
        self.assertEqual((first.status, again.status), (201, 201))
        self.assertEqual(first.header("idempotent-replayed"), None)
        self.assertEqual(again.header("idempotent-replayed"), "true")
        self.assertEqual(again.header("location"), first.header("location"))
        self.assertEqual(again.json()["id"], first.json()["id"])
        self.gatherd.restart()
        self.assertEqual(send("k").json()["id"], first.json()["id"])
        self.assertEqual(self.assert_problem(send("k", paused=True), 422)["code"], "idempotency_key_reused")
        self.assertEqual(self.assert_problem(send("k\xe4"), 400)["code"], "invalid_idempotency_key")
        self.act(first.json(), "")
        other = send("k", paused=True)
        self.addCleanup(self.act, other.json(), "")
        self.assertEqual((other.status, other.header("idempotent-replayed")), (201, None))

    def test_pause_and_resume(self) -> None:
        schedule = self.make()
        self.wait_for(schedule, 1)
        reply = self.act(schedule, "pause")
        self.assertEqual((reply.status, reply.json()["paused"], reply.json()["next_run_at"]), (200, True, None))
        self.assertEqual(self.act(schedule, "pause").json()["paused"], True)
        resumed = self.act(schedule, "resume").json()
        self.assertFalse(resumed["paused"])
        n = len(self.runs(schedule))
        self.wait_for(schedule, n + 1)
        self.assertEqual({run["state"] for run in self.runs(schedule)}, {"done"})

    def test_a_run_by_hand_waits_for_nobody(self) -> None:
        schedule = self.make("/hang", cron="@yearly")
        reply = self.act(schedule, "run")
        self.assertEqual(reply.status, 202, reply.body)
        run = reply.json()
        self.assertEqual(reply.header("location"), f"/v1/jobs/{run['job_id']}")
        self.assertEqual(self.assert_problem(self.act(schedule, "run"), 409)["code"], "schedule_running")
        self.assertTrue(self.look(schedule)["running"])
        curl("-X", "POST", f"{self.gatherd.base}/v1/jobs/{run['job_id']}/cancel")
        self.wait_for(schedule, 1, "canceled")
        self.assertFalse(self.look(schedule)["running"])

    def test_what_is_due_during_a_run_is_skipped(self) -> None:
        schedule = self.make("/hang")
        eventually(lambda: any(run["state"] == "skipped" and run["due_count"] >= 2
                               for run in self.runs(schedule)), "two that are skipped", 20)
        self.assertEqual([run["state"] for run in self.runs(schedule)], ["skipped", "running"])

    def test_deleted_it_is_gone_and_its_jobs_stay(self) -> None:
        schedule = self.make()
        job = self.wait_for(schedule, 1)[0]["job_id"]
        self.assertEqual(self.act(schedule, "").status, 204)
        for path in ("self", "runs"):
            self.assertEqual(self.assert_problem(self.get(schedule["links"][path]), 404)["code"],
                             "schedule_not_found")
        for action in ("", "run", "pause", "resume"):
            self.assert_problem(self.act(schedule, action), 404)
        self.assertEqual(self.get(f"/v1/jobs/{job}").status, 200)

    def test_lists_are_paged(self) -> None:
        made = [self.make(cron="@yearly", name=f"page {i}")["id"] for i in range(5)]
        listed: list[str] = []
        reply = self.get("/v1/schedules?limit=2")
        while True:
            page = reply.json()
            listed += [schedule["id"] for schedule in page["data"] if schedule["id"] in made]
            if not page["has_more"]:
                break
            link = re.fullmatch(r'<(.*)>; rel="next"', reply.header("link") or "")
            assert link is not None
            reply = self.get(link[1])
        self.assertEqual(listed, made[::-1])
        self.assert_problem(self.get("/v1/schedules?cursor=1"), 400)  # a row's number
        first = self.get("/v1/schedules?limit=1").json()
        self.assertEqual(first["next_cursor"], first["data"][0]["id"])
        for query in ("limit=0", "cursor=x", "cursor=0", "nope=1"):
            self.assert_problem(self.get(f"/v1/schedules?{query}"), 400)
            self.assert_problem(self.get(f"/v1/schedules/{made[0]}/runs?{query}"), 400)

    def test_what_is_wrong_is_said_where_it_is(self) -> None:
        good = {"name": "x", "every_ms": 1000, "job": [self.origin.url()]}
        for members, pointer in (({"name": 1}, "/name"), ({"every_ms": 1}, "/every_ms"), ({"cron": "@daily"}, "/cron"),
                                 ({"jitter_ms": 1000}, "/jitter_ms"), ({"overlap": "x"}, "/overlap"),
                                 ({"paused": 1}, "/paused"), ({"labels": []}, "/labels"), ({"job": 1}, "/job"),
                                 ({"job": {"urls": ["gopher://x/"]}}, "/job/urls/0"), ({"nme": 1}, "/nme"),
                                 ({"job": {"urls": ["http://x/"], "ttl": 1}}, "/job/ttl")):
            with self.subTest(members):
                self.assert_problem(self.post("/v1/schedules", {**good, **members}), 422, pointer)
        self.assert_problem(self.post("/v1/schedules", {"name": "x", "cron": "0 0 30 2 *", "job": good["job"]}),
                            422, "/cron")
        self.assert_problem(curl("-d", "{", self.gatherd.base + "/v1/schedules"), 400)

    def test_metrics_tell_of_them(self) -> None:
        schedule = self.make(paused=True)
        self.act(schedule, "run")
        self.wait_for(schedule, 1)
        text = self.get("/metrics").body.decode()
        self.assertRegex(text, r'gatherd_schedules\{state="paused"\} [1-9]')
        self.assertRegex(text, r'gatherd_schedule_runs_total\{state="done"\} [1-9]')
        self.assertIn("scheduler", self.get("/v1/tasks").body.decode())

    def test_limits_tell_how_many_there_may_be(self) -> None:
        self.assertEqual(self.get("/v1/limits").json()["schedules"], {"max_schedules": 1000})

    def test_every_member_and_state_is_documented(self) -> None:
        text = DOCS.read_text()
        schedule = self.make(paused=True)
        self.act(schedule, "run")
        run = self.wait_for(schedule, 1)[0]
        for name in [*self.look(schedule), *run]:
            self.assertRegex(text, rf"`{name}[`.]", name)
        for state in ("running", "done", "canceled", "skipped", "missed", "failed_to_start"):
            self.assertIn(f"`{state}`", text)


class KilledTest(ScheduleCase):
    def make_named(self, name: str) -> Json:
        return self.make(job={"name": name, "urls": [self.origin.url()]})

    def jobs_named(self, name: str) -> list[str]:
        return [job["id"] for job in self.get("/v1/jobs?limit=1000").json()["data"] if job["name"] == name]

    def test_each_time_gets_one_job_however_often_it_is_killed(self) -> None:
        schedule = self.make_named("often")
        for _ in range(4):
            n = len(self.wait_for(schedule, 1))
            self.gatherd.kill()
            self.gatherd.start()
            self.wait_for(schedule, n + 1)
        self.act(schedule, "pause")
        eventually(lambda: not self.look(schedule)["running"], "the end of the last run")
        runs = [run for run in self.runs(schedule) if run["job_id"] is not None]
        self.assertEqual(len({run["due_at"] for run in runs}), len(runs))
        self.assertEqual(sorted(self.jobs_named("often")), sorted(run["job_id"] for run in runs))

    def test_killed_between_the_job_and_its_note_it_makes_no_other(self) -> None:
        schedule = self.make_named("once")
        self.gatherd.stop()
        self.gatherd.launch(GATHERD_CRASH_AT="after_run_before_note")
        eventually(lambda: self.gatherd.process.poll() is not None, "the crash", 10)
        self.gatherd.start()
        self.wait_for(schedule, 1)
        self.act(schedule, "pause")
        ids = [run["job_id"] for run in self.runs(schedule) if run["job_id"]]
        self.assertEqual(sorted(self.jobs_named("once")), sorted(ids))


class TenantsTest(TokensTest):
    tokens = {"red": ["submit,read", "--tenant", "red"], "blue": ["submit,read", "--tenant", "blue"],
              "reader": ["read", "--tenant", "red"],
              "small": ["submit,read", "--tenant", "small", "--queued-items", "2"]}

    def test_tenants_do_not_see_each_other(self) -> None:
        reply = self.post("/v1/schedules", {"name": "red", "cron": "@yearly", "job": [self.origin.url()]},
                          *self.bearer("red"))
        self.assertEqual(reply.status, 201, reply.body)
        path = reply.json()["links"]["self"]
        self.assertEqual(self.get("/v1/schedules", *self.bearer("blue")).json()["data"], [])
        for method, suffix in (("GET", ""), ("GET", "/runs"), ("POST", "/run"), ("POST", "/pause"),
                               ("POST", "/resume"), ("DELETE", "")):
            url = self.gatherd.base + path + suffix
            self.assert_problem(curl("-X", method, *self.bearer("blue"), url), 404)
            if method != "GET":
                self.assert_problem(curl("-X", method, *self.bearer("reader"), url), 403)
            else:
                self.assertEqual(curl(*self.bearer("reader"), url).status, 200)
        run = curl("-X", "POST", *self.bearer("red"), self.gatherd.base + path + "/run").json()
        self.assert_problem(self.get(f"/v1/jobs/{run['job_id']}", *self.bearer("blue")), 404)
        self.assertEqual(self.get(f"/v1/jobs/{run['job_id']}", *self.bearer("red")).status, 200)


    def test_a_run_by_hand_that_is_too_much_is_refused(self) -> None:
        self.post("/v1/jobs", [self.origin.url("/hang")], *self.bearer("small"))
        for n, status, code in ((2, 429, "quota_exceeded"), (3, 413, "too_many_items")):
            with self.subTest(n=n):
                document = {"name": str(n), "cron": "@yearly", "job": [self.origin.url()] * n}
                reply = self.post("/v1/schedules", document, *self.bearer("small"))
                self.assertEqual(reply.status, 201, reply.body)
                path = self.gatherd.base + reply.json()["links"]["self"]
                refused = curl("-X", "POST", *self.bearer("small"), path + "/run")
                self.assertEqual(self.assert_problem(refused, status)["code"], code)
                self.assertIsNone(refused.header("location"))
                self.assertEqual(refused.header("retry-after") is not None, status == 429)
                [run] = curl(*self.bearer("small"), path + "/runs").json()["data"]
                self.assertEqual((run["state"], run["code"]), ("failed_to_start", code))


class LimitTest(GatherdTest):
    @classmethod
    def start_gatherd(cls, *settings: str) -> Gatherd:
        return super().start_gatherd("schedules.max_schedules=1", *settings)

    def test_no_more_than_may_be(self) -> None:
        document = {"name": "x", "cron": "@yearly", "job": [self.origin.url()]}
        self.assertEqual(self.post("/v1/schedules", document).status, 201)
        problem = self.assert_problem(self.post("/v1/schedules", document), 429)
        self.assertEqual(problem["code"], "too_many_schedules")


if __name__ == "__main__":
    unittest.main()
