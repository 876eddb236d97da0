"""Waiting for a job, with curl and with http.client: long polls, conditional requests, POST with
Prefer: wait."""

from __future__ import annotations

import http.client
import json
import signal
import time
from typing import Any

from harness import Gatherd, Json, Reply, curl
from patience import PATIENCE, eventually
from test_jobs import JobTest

COALESCED_S = 0.05  # between two versions of a job that who waits is shown


class WaitTest(JobTest):
    def look(self, job: Json, query: str = "", *headers: str, bodiless: bool = False) -> Reply:
        """As a client that needs no connection for it."""
        with self.gatherd.connect(60 * PATIENCE) as connection:
            connection.send(self.gatherd.request_bytes(f"/v1/jobs/{job['id']}{query}", "GET", b"", *headers))
            reply = connection.reply(bodiless)
        assert reply is not None
        return reply

    def hanging(self) -> Json:
        """A job that nothing will happen to by itself."""
        job = self.submit([self.origin.url("/hang")])
        return eventually(lambda: (now := self.job(job))["status"] == "running" and now, "its start")

    def tag(self, job: Json) -> str:
        return f'"{job["id"]}-{job["version"]}"'


class ConditionalTest(WaitTest):
    def test_the_tag_is_the_job_and_its_version(self) -> None:
        job = self.ended(self.submit([self.origin.url()]))
        reply = self.get(f"/v1/jobs/{job['id']}")
        self.assertEqual(reply.header("etag"), self.tag(job))
        self.assertEqual(reply.header("cache-control"), "private, no-cache")

    def test_curl_is_told_only_what_is_new(self) -> None:
        job = self.ended(self.submit([self.origin.url()]))
        tag = self.gatherd.directory / "tag"
        options = ["--etag-save", str(tag), "--etag-compare", str(tag)]
        self.assertEqual(self.get(f"/v1/jobs/{job['id']}", *options).status, 200)
        again = self.get(f"/v1/jobs/{job['id']}", *options)
        self.assertEqual((again.status, again.body), (304, b""))
        self.assertEqual(again.header("etag"), self.tag(job))

    def test_lists_weak_tags_and_stars_are_understood(self) -> None:
        job = self.ended(self.submit([self.origin.url()]))
        tag = self.tag(job)
        for known, status in ((tag, 304), (f"W/{tag}", 304), (f'"a", {tag}', 304), ("*", 304),
                              ('"a"', 200), (f'"a{tag[1:]}', 200), (tag.strip('"'), 200)):
            with self.subTest(known=known):
                reply = self.look(job, "", f"If-None-Match: {known}", bodiless=status == 304)
                self.assertEqual(reply.status, status)

    def test_a_compressed_answer_has_a_weak_tag(self) -> None:
        job = self.ended(self.submit([{"url": "http://10.0.0.1/", "repeat": 20}]))
        path = f"/v1/jobs/{job['id']}?include=results"
        reply = self.get(path, "--compressed")
        self.assertEqual(reply.header("content-encoding"), "gzip")
        self.assertEqual(reply.header("etag"), f"W/{self.tag(job)}")
        again = self.get(path, "--compressed", "-H", f"If-None-Match: {reply.header('etag')}")
        self.assertEqual(again.status, 304)

    def test_head_has_the_same_tag(self) -> None:
        job = self.ended(self.submit([self.origin.url()]))
        reply = self.get(f"/v1/jobs/{job['id']}", "--head")
        self.assertEqual((reply.status, reply.header("etag")), (200, self.tag(job)))


class LongPollTest(WaitTest):
    def test_http_client_follows_a_job_to_its_end(self) -> None:
        paths = [f"/slow?ms={n * 3}" for n in range(100)]
        job = self.submit([self.origin.url(path) for path in paths])
        connection = http.client.HTTPConnection("127.0.0.1", self.gatherd.port, timeout=60 * PATIENCE)
        seen, came, tag = [job["version"]], [], self.tag(job)
        while not job["done"]:
            connection.request("GET", f"/v1/jobs/{job['id']}?wait=30", headers={"If-None-Match": tag})
            response = connection.getresponse()
            body, tag = response.read(), response.headers["ETag"]
            came.append(time.monotonic())
            self.assertEqual(response.status, 200)
            self.assertEqual(response.headers["Preference-Applied"], "wait=30")
            job = json.loads(body)
            seen.append(job["version"])
            self.assertEqual(tag, self.tag(job))
            self.check_counts(job)
        connection.close()
        self.assertEqual(seen, sorted(set(seen)))
        self.assertEqual(job["counts"]["success"], 100)
        most = (came[-1] - came[0]) / COALESCED_S + 3
        self.assertLessEqual(len(came), most)

    def test_curl_waits_for_the_end(self) -> None:
        job = self.submit([self.origin.url(f"/slow?ms={ms}") for ms in (10, 300)])
        reply = self.get(f"/v1/jobs/{job['id']}?until=done&wait=30s&include=results")
        self.assertEqual(reply.status, 200)
        shown = reply.json()
        self.assertTrue(shown["done"])
        self.assertEqual([result["index"] for result in shown["results"]], [0, 1])
        self.assertEqual((shown["next_cursor"], shown["has_more"]), (None, False))

    def test_nothing_new_is_a_304_after_the_wait(self) -> None:
        job = self.hanging()
        began = time.monotonic()
        reply = self.look(job, "?wait=300ms", f"If-None-Match: {self.tag(job)}", bodiless=True)
        self.assertEqual(reply.status, 304)
        self.assertEqual(reply.header("preference-applied"), "wait=300ms")
        self.assertGreaterEqual(time.monotonic() - began, 0.29)
        self.post(f"/v1/jobs/{job['id']}/cancel", "")

    def test_who_has_not_seen_the_latest_need_not_wait(self) -> None:
        job = self.hanging()
        began = time.monotonic()
        reply = self.look(job, "?wait=50", 'If-None-Match: "old"')
        self.assertEqual((reply.status, reply.json()["status"]), (200, "running"))
        self.assertLess(time.monotonic() - began, 10 * PATIENCE)
        self.post(f"/v1/jobs/{job['id']}/cancel", "")

    def test_prefer_is_a_header_for_the_same(self) -> None:
        job = self.submit([self.origin.url("/slow?ms=200")])
        reply = self.get(f"/v1/jobs/{job['id']}?until=done", "-H", "Prefer: wait=20")
        self.assertTrue(reply.json()["done"])
        self.assertEqual(reply.header("preference-applied"), "wait=20")

    def test_a_job_that_is_gone_is_a_404(self) -> None:
        job = self.ended(self.submit([self.origin.url()]))
        self.assertEqual(self.get(f"/v1/jobs/{job['id']}", "-X", "DELETE").status, 204)
        self.assert_problem(self.get(f"/v1/jobs/{job['id']}?wait=30"), 404)

    def test_wishes_that_make_no_sense_are_refused(self) -> None:
        job = self.ended(self.submit([self.origin.url()]))
        for query, header, code in (
                ("?wait=soon", "", "bad_parameter"), ("?wait=", "", "bad_parameter"),
                ("?wait=-1", "", "bad_parameter"), ("?wait=1.5", "", "bad_parameter"),
                ("?until=later", "", "bad_parameter"), ("?include=all", "", "bad_parameter"),
                ("?wiat=1", "", "unknown_parameter"), ("", "Prefer: wait=soon", "bad_preference"),
                ("", "Prefer: wait", "bad_preference")):
            with self.subTest(query=query, header=header):
                reply = self.get(f"/v1/jobs/{job['id']}{query}", *(["-H", header] if header else []))
                self.assertEqual(self.assert_problem(reply, 400)["code"], code)

    def test_preferences_that_nobody_knows_are_left_alone(self) -> None:
        job = self.ended(self.submit([self.origin.url()]))
        reply = self.get(f"/v1/jobs/{job['id']}", "-H", "Prefer: return=minimal, waiting=1; x=\"y,z\"")
        self.assertEqual((reply.status, reply.header("preference-applied")), (200, None))


class MakingTest(WaitTest):
    def test_a_job_that_ends_in_time_is_answered_with_its_results(self) -> None:
        urls = [self.origin.url(path) for path in ("/slow?ms=100", "/status/404")]
        reply = self.post("/v1/jobs", {"requests": urls}, "-H", "Prefer: wait=20")
        self.assertEqual(reply.status, 200, reply.body)
        job = reply.json()
        self.assertEqual([result["status_code"] for result in job["results"]], [200, 404])
        self.assertEqual(reply.header("location"), f"/v1/jobs/{job['id']}")
        self.assertEqual(reply.header("preference-applied"), "wait=20")
        self.check_counts(job)

    def test_a_job_that_takes_longer_is_accepted(self) -> None:
        reply = self.post("/v1/jobs?wait=100ms", [self.origin.url("/slow?ms=1000")])
        self.assertEqual(reply.status, 202, reply.body)
        self.assertEqual(reply.header("preference-applied"), "wait=100ms")
        self.assertEqual(reply.header("retry-after"), "1")
        self.assertTrue(self.ended(reply.json())["done"])

    def test_respond_async_is_a_202_at_once(self) -> None:
        reply = self.post("/v1/jobs", [self.origin.url()], "-H", "Prefer: respond-async")
        self.assertEqual((reply.status, reply.header("preference-applied")), (202, "respond-async"))

    def test_a_large_job_has_its_first_page_with_it(self) -> None:
        reply = self.post("/v1/jobs?wait=50", {"requests": [
            {"url": "http://10.0.0.1/", "repeat": 1500}]})
        job = reply.json()
        self.assertEqual((reply.status, len(job["results"]), job["has_more"]), (200, 1000, True))
        rest = self.get(f"/v1/jobs/{job['id']}/results?limit=1000&cursor={job['next_cursor']}").json()
        self.assertEqual([result["index"] for result in rest["data"]], list(range(1000, 1500)))

    def test_a_replay_waits_too(self) -> None:
        key = ["-H", "Idempotency-Key: once"]
        first = self.post("/v1/jobs", [self.origin.url("/slow?ms=300")], *key)
        again = self.post("/v1/jobs?wait=20", [self.origin.url("/slow?ms=300")], *key)
        self.assertEqual((first.status, again.status), (202, 200))
        self.assertEqual(again.header("idempotent-replayed"), "true")
        self.assertEqual(first.json()["id"], again.json()["id"])
        self.assertEqual(len(again.json()["results"]), 1)

    def test_a_retry_waits_too(self) -> None:
        job = self.ended(self.submit([self.origin.url("/close")]))
        reply = self.post(f"/v1/jobs/{job['id']}/retry?wait=20", "")
        self.assertEqual(reply.status, 200, reply.body)
        self.assertEqual(len(reply.json()["results"]), 1)
        self.assertNotEqual(reply.json()["id"], job["id"])


class DaemonTest(WaitTest):
    """What the daemon does to those who wait."""

    def test_nobody_waits_longer_than_it_allows(self) -> None:
        with Gatherd(*self.settings, "api.max_wait_ms=300ms") as gatherd:
            reply = curl("-d", json.dumps([self.origin.url("/slow?ms=2000")]), "-H", "Prefer: wait=60",
                         gatherd.base + "/v1/jobs")
            self.assertEqual((reply.status, reply.header("preference-applied")), (202, "wait=300ms"))

    def test_who_waits_is_answered_when_it_stops(self) -> None:
        with Gatherd(*self.settings, "api.drain_timeout_ms=5s") as gatherd:
            job = curl("-d", json.dumps([self.origin.url("/hang")]), gatherd.base + "/v1/jobs").json()
            with gatherd.connect(60 * PATIENCE) as connection:
                connection.send(gatherd.request_bytes(f"/v1/jobs/{job['id']}?until=done&wait=50"))
                eventually(lambda: self.is_waiting(gatherd), "the waiter")
                began = time.monotonic()
                gatherd.process.send_signal(signal.SIGTERM)
                reply = connection.reply()
                assert reply is not None
                self.assertEqual((reply.status, reply.json()["done"]), (200, False))
                self.assertLess(time.monotonic() - began, 4)
            gatherd.ended()

    def is_waiting(self, gatherd: Gatherd) -> Any:
        return "/v1/jobs/{id}" in curl(gatherd.base + "/v1/tasks").body.decode()

    def test_versions_never_go_back_over_a_crash(self) -> None:
        with Gatherd(*self.settings) as gatherd:
            urls = [self.origin.url(f"/slow?ms={n * 5}") for n in range(200)]
            job = curl("-d", json.dumps({"urls": urls, "limits": {"concurrency": 20}}),
                       gatherd.base + "/v1/jobs").json()
            path, version = f"{gatherd.base}/v1/jobs/{job['id']}", job["version"]
            for _ in range(3):
                seen = curl(f"{path}?wait=20", "-H", f'If-None-Match: "{job["id"]}-{version}"').json()
                self.assertGreater(seen["version"], version)
                gatherd.restart()
                version = curl(path).json()["version"]
                self.assertGreaterEqual(version, seen["version"])
