"""/v1/tasks: what every coroutine is doing."""

from __future__ import annotations

from harness import GatherdTest, Json
from patience import eventually


class TasksTest(GatherdTest):
    def tasks(self, query: str = "") -> Json:
        reply = self.get(f"/v1/tasks{query}")
        self.assertEqual(reply.status, 200)
        return reply.json()

    def named(self, name: str) -> list[Json]:
        return [task for task in self.tasks()["data"] if task["name"] == name]

    def test_they_are_a_tree_from_the_first_one_on(self) -> None:
        tasks = self.tasks()
        self.assertEqual((tasks["object"], tasks["has_more"]), ("tasks", False))
        self.assertEqual(tasks["total"], len(tasks["data"]))
        by_id = {task["id"]: task for task in tasks["data"]}
        self.assertEqual(by_id[1]["name"], "main")
        for task in tasks["data"]:
            parent = by_id[task["parent"]]["depth"] if task["parent"] else -1
            self.assertEqual(task["depth"], parent + 1, task)

    def test_the_one_that_answers_is_running(self) -> None:
        own, = self.named("/v1/tasks")
        self.assertEqual((own["state"], own["waits_for"]), ("running", None))
        self.assertRegex(own["site"], r"^daemon/api/\w+\.c:\d+$")
        self.assertGreater(own["stack_used_bytes"], 0)

    def test_a_fetch_says_since_when_it_waits_and_until_when(self) -> None:
        job = self.post("/v1/jobs", [{"url": self.origin.url("/hang"), "timeout_ms": 20000}]).json()
        fetch, = eventually(lambda: self.named("fetch"), "the fetch")
        self.assertEqual(fetch["state"], "parked")
        self.assertIsInstance(fetch["waits_for"], str)
        self.assertGreaterEqual(fetch["since_ms"], 0)
        self.assertRegex(fetch["since_at"], r"^20..-..-..T..:..:..\.\d{6}Z$")
        self.assertIsNone(fetch["cancelled"])
        self.get(f"/v1/jobs/{job['id']}/cancel", "-X", "POST")
        eventually(lambda: not self.named("fetch"), "the end of the fetch")

    def test_no_more_are_shown_than_wanted_and_all_are_counted(self) -> None:
        tasks = self.tasks("?limit=2")
        self.assertEqual((len(tasks["data"]), tasks["has_more"]), (2, True))
        self.assertGreater(tasks["total"], 2)
        for query in ("?limit=0", "?limit=1001", "?limit=x", "?what=1"):
            self.assert_problem(self.get(f"/v1/tasks{query}"), 400)
