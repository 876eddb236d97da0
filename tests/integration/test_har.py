"""/v1/jobs/{id}/har: what came of a job as an HTTP archive.

The rules of HAR 1.2 that a browser's network panel relies on are written down here; `./dev soak`
also asks the schemas that others have published (tests/contract).
"""

from __future__ import annotations

import datetime

from harness import GatherdTest, Json
from patience import eventually
from servers import refused_url

CANARY = "c4n4ry"
TEXT, NUMBER, LIST, OBJECT = str, (int, float), list, dict
TIMINGS = {"blocked": NUMBER, "dns": NUMBER, "connect": NUMBER, "ssl": NUMBER, "send": NUMBER,
           "wait": NUMBER, "receive": NUMBER}
REQUEST = {"method": TEXT, "url": TEXT, "httpVersion": TEXT, "cookies": LIST, "headers": LIST,
           "queryString": LIST, "headersSize": int, "bodySize": int}
RESPONSE = {"status": int, "statusText": TEXT, "httpVersion": TEXT, "cookies": LIST, "headers": LIST,
            "content": OBJECT, "redirectURL": TEXT, "headersSize": int, "bodySize": int}
ENTRY = {"startedDateTime": TEXT, "time": NUMBER, "request": OBJECT, "response": OBJECT,
         "cache": OBJECT, "timings": OBJECT, "pageref": TEXT}


class HarTest(GatherdTest):
    def finished_job(self, requests: Json, **members: Json) -> str:
        reply = self.post("/v1/jobs", {"requests": requests, **members})
        self.assertEqual(reply.status, 202, reply.body)
        job = reply.json()["id"]
        eventually(lambda: self.get(f"/v1/jobs/{job}").json()["done"], "the end of the job")
        return job

    def har(self, job: str) -> Json:
        reply = self.get(f"/v1/jobs/{job}/har")
        self.assertEqual(reply.status, 200, reply.body)
        self.assertEqual(reply.header("content-type"), "application/json")
        self.assertIn(f'filename="{job}.har"', reply.header("content-disposition"))
        self.assertNotIn(CANARY.encode(), reply.body)
        log = reply.json()["log"]
        self.assert_valid(log)
        return log

    def assert_members(self, value: Json, members: dict) -> None:
        for name, kind in members.items():
            self.assertIsInstance(value.get(name), kind, f"{name} of {value}")

    def assert_valid(self, log: Json) -> None:
        self.assertEqual(log["version"], "1.2")
        self.assert_members(log["creator"], {"name": TEXT, "version": TEXT})
        pages = [page["id"] for page in log["pages"]]
        for page in log["pages"]:
            self.assert_members(page, {"startedDateTime": TEXT, "id": TEXT, "title": TEXT,
                                       "pageTimings": OBJECT})
        for entry in log["entries"]:
            self.assertIn(entry["pageref"], pages)
            self.assert_entry(entry)

    def assert_entry(self, entry: Json) -> None:
        self.assert_members(entry, ENTRY)
        self.assert_members(entry["request"], REQUEST)
        self.assert_members(entry["response"], RESPONSE)
        self.assert_members(entry["response"]["content"], {"size": int, "mimeType": TEXT})
        self.assert_members(entry["timings"], TIMINGS)
        datetime.datetime.fromisoformat(entry["startedDateTime"].replace("Z", "+00:00"))
        for pair in (*entry["request"]["headers"], *entry["response"]["headers"],
                     *entry["request"]["queryString"]):
            self.assert_members(pair, {"name": TEXT, "value": TEXT})
        times = entry["timings"]
        spent = sum(times[name] for name in times if name != "ssl" and times[name] >= 0)
        self.assertAlmostEqual(entry["time"], spent, 2)
        self.assertGreaterEqual(times["connect"], times["ssl"])

    def test_entries_tell_what_results_tell(self) -> None:
        job = self.finished_job([{"id": "a", "url": self.origin.url("/json?x=1&y"),
                                  "capture": {"body": "full"}}], name="nightly")
        log = self.har(job)
        (entry,) = log["entries"]
        result = self.get(f"/v1/jobs/{job}/results/0").json()
        self.assertEqual(log["pages"][0]["title"], "nightly")
        self.assertEqual(entry["request"]["queryString"], [{"name": "x", "value": "1"},
                                                           {"name": "y", "value": ""}])
        self.assertEqual(entry["response"]["content"]["text"], result["body"]["data"])
        self.assertEqual(entry["timings"]["wait"], result["timings"]["wait_ms"])
        self.assertEqual(entry["serverIPAddress"], "127.0.0.1")
        self.assertEqual(entry["_gatherd"]["id"], "a")

    def test_each_redirect_is_an_entry(self) -> None:
        entries = self.har(self.finished_job([self.origin.url("/redirect/2")]))["entries"]
        self.assertEqual([entry["response"]["status"] for entry in entries], [302, 302, 200])
        for before, after in zip(entries, entries[1:]):
            self.assertEqual(before["response"]["redirectURL"], after["request"]["url"])

    def test_a_failure_is_an_entry_with_status_0(self) -> None:
        (entry,) = self.har(self.finished_job([refused_url()]))["entries"]
        self.assertEqual(entry["response"]["status"], 0)
        self.assertEqual(entry["_gatherd"]["error"], "connect_refused")

    def test_credentials_are_not_shown(self) -> None:
        url = self.origin.url("/echo")
        self.har(self.finished_job([
            {"url": url.replace("//", f"//user:{CANARY}@")},
            {"url": url, "auth": {"type": "bearer", "token": CANARY}},
            {"url": url, "auth": {"type": "basic", "username": "u", "password": CANARY}},
            {"url": url, "headers": {"Cookie": f"sid={CANARY}", "X-Api-Key": CANARY,
                                     "Authorization": f"Bearer {CANARY}"}},
            {"url": url, "form": {"password": CANARY}}]))

    def test_a_job_that_goes_on_is_told_as_far_as_it_is(self) -> None:
        reply = self.post("/v1/jobs", [self.origin.url(), self.origin.url("/hang")])
        job = reply.json()["id"]
        eventually(lambda: self.get(f"/v1/jobs/{job}").json()["counts"]["finished"] == 1, "a result")
        self.assertEqual(len(self.har(job)["entries"]), 1)
        self.post(f"/v1/jobs/{job}/cancel", "")

    def test_a_large_job_is_told_whole(self) -> None:
        n = 600
        job = self.finished_job([{"url": self.origin.url("/bytes/1"), "repeat": n}])
        entries = self.har(job)["entries"]
        self.assertEqual([entry["_gatherd"]["index"] for entry in entries], list(range(n)))

    def test_what_was_never_started_is_left_out(self) -> None:
        job = self.finished_job([self.origin.url(), self.origin.url("/hang")],
                                limits={"concurrency": 1}, gather={"until": "first_completed"})
        self.assertLessEqual(len(self.har(job)["entries"]), 2)

    def test_another_job_is_not_found(self) -> None:
        self.assert_problem(self.get("/v1/jobs/job_01JZ9M4T6Q3W8KX2B7V5N0RCFE/har"), 404)
        job = self.finished_job([self.origin.url()])
        self.assert_problem(self.get(f"/v1/jobs/{job}/har?x=1"), 400)

    def test_head_has_no_body(self) -> None:
        job = self.finished_job([self.origin.url()])
        reply = self.get(f"/v1/jobs/{job}/har", "--head")
        self.assertEqual((reply.status, reply.body), (200, b""))
