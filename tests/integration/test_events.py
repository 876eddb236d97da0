"""/v1/jobs/{id}/events: a job's course as server-sent events."""

from __future__ import annotations

import json
from itertools import islice

from patience import eventually
from streams import EVENTS, Proxy, Stream, StreamTest


class EventsTest(StreamTest):
    def test_an_ended_job_tells_its_course_and_ends(self) -> None:
        job = self.ended(self.submit([self.origin.url(f"/{i}") for i in range(150)]))
        with self.events_stream(job) as stream:
            self.assertEqual((stream.status, stream.header("content-type")),
                             (200, "text/event-stream"))
            self.assertEqual(stream.header("x-accel-buffering"), "no")
            events = list(stream.events())
        self.assertEqual([event.name for event in events], ["job"] + ["result"] * 150 + ["end"])
        self.assertEqual([event.id for event in events[1:-1]], [str(i) for i in range(1, 151)])
        self.assertEqual([event.json()["seq"] for event in events[1:-1]], list(range(1, 151)))
        self.assertEqual((events[-1].json()["id"], events[-1].json()["done"]), (job["id"], True))

    def test_a_running_job_is_followed_to_its_end(self) -> None:
        job = self.started()
        with self.events_stream(job) as stream:
            events = stream.events()
            names = [event.name for event in islice(events, 2)]
            self.assertEqual(names, ["job", "result"])
            self.post(f"/v1/jobs/{job['id']}/cancel", "")
            rest = list(events)
        self.assertIn(("result", "2"), [(event.name, event.id) for event in rest])
        self.assertEqual(rest[-1].name, "end")
        self.assertEqual(rest[-1].json()["status"], "canceled")

    def test_progress_is_told_once_a_second_at_most(self) -> None:
        job = self.submit([self.origin.url(f"/slow?ms={i * 50}") for i in range(50)],
                          limits={"per_host_concurrency": 50})
        with self.events_stream(job) as stream:
            events = list(stream.events())
        progress = [event.json() for event in events if event.name == "progress"]
        self.assertTrue(1 <= len(progress) <= 4, len(progress))
        for each in progress:
            counts = each["counts"]
            self.assertEqual(counts["total"],
                             counts["queued"] + counts["running"] + counts["finished"])

    def test_a_listener_that_comes_back_misses_nothing_and_gets_nothing_twice(self) -> None:
        job = self.submit([self.origin.url(f"/slow?ms={i * 20}") for i in range(60)])
        seen, last, n_visits = [], "", 0
        while True:
            headers = {"Last_Event_ID": last} if last else {}
            with self.events_stream(job, **headers) as stream:
                if stream.status == 204:
                    break
                n_visits += 1
                for event in stream.events():
                    if event.name != "result":
                        continue
                    seen.append(event.json()["index"])
                    last = event.id
                    if len(seen) % 7 == 0:
                        break
        self.assertEqual(sorted(seen), list(range(60)))
        self.assertGreater(n_visits, 3)

    def test_what_was_never_started_has_ids_to_resume_by(self) -> None:
        urls = [self.origin.url("/hang")] + [self.origin.url("/never")] * 9
        job = self.submit(urls, limits={"concurrency": 1})
        eventually(lambda: "/hang" in self.origin.targets(), "the request that hangs")
        self.post(f"/v1/jobs/{job['id']}/cancel", "")
        self.ended(job)
        with self.events_stream(job) as stream:
            results = [event for event in stream.events() if event.name == "result"]
        self.assertEqual([event.json()["index"] for event in results], list(range(10)))
        with self.events_stream(job, Last_Event_ID=results[4].id) as stream:
            rest = [event.json()["index"] for event in stream.events() if event.name == "result"]
        self.assertEqual(rest, list(range(5, 10)))
        with self.events_stream(job, Last_Event_ID=results[-1].id) as stream:
            self.assertEqual(stream.status, 204)

    def test_an_ended_job_that_was_read_has_no_content(self) -> None:
        job = self.ended(self.submit([self.origin.url()] * 3))
        for query, headers in (("?after_seq=3", {}), ("", {"Last_Event_ID": "3"}),
                               ("?after_seq=1", {"Last_Event_ID": "3"})):
            with self.events_stream(job, query, **headers) as stream:
                self.assertEqual((stream.status, stream.reply.read()), (204, b""))
        with self.events_stream(job, "?after_seq=2") as stream:
            self.assertEqual([event.name for event in stream.events()], ["job", "result", "end"])

    def test_who_was_told_nothing_but_the_end_need_not_come_again(self) -> None:
        job = self.ended(self.submit([self.origin.url()] * 3))
        with self.events_stream(job, "?outcome=blocked") as stream:
            end = list(stream.events())[-1]
        self.assertEqual(end.name, "end")
        with self.events_stream(job, "?outcome=blocked", Last_Event_ID=end.id) as stream:
            self.assertEqual(stream.status, 204)

    def test_what_makes_no_sense_is_refused(self) -> None:
        job = self.ended(self.submit([self.origin.url()]))
        for query, last, status in (("", "x", 400), ("", "-1", 400), ("?after_seq=x", "", 400),
                                    ("?limit=3", "", 400)):
            headers = {"Last_Event_ID": last} if last else {}
            with self.events_stream(job, query, **headers) as stream:
                self.assertEqual(stream.status, status)
                self.assertEqual(stream.header("content-type"), "application/problem+json")
        with self.stream("/v1/jobs/job_01JZ9M4T6Q3W8KX2B7V5N0RCFE/events", **EVENTS) as stream:
            self.assertEqual(stream.status, 404)

    def test_nginx_does_not_hold_events_back(self) -> None:
        job = self.started()
        with Proxy(self.gatherd) as proxy, \
                Stream(proxy.port, f"/v1/jobs/{job['id']}/events", **EVENTS) as stream:
            self.assertEqual([event.name for event in islice(stream.events(), 2)],
                             ["job", "result"])

    def test_a_listener_that_leaves_is_forgotten(self) -> None:
        job = self.started()
        files = self.gatherd.open_files()
        streams = [self.events_stream(job) for _ in range(20)]
        self.assertGreater(self.gatherd.open_files(), files + 15)  # others come and go
        for stream in streams:
            stream.connection.sock.close() if stream.connection.sock else None
            stream.reply.close()
        eventually(lambda: self.gatherd.open_files() <= files, "the connections to be closed")
