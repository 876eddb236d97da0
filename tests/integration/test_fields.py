"""Only some members of results, wherever results are."""

from __future__ import annotations

import json
from urllib.parse import quote

from harness import GatherdTest, Json
from patience import eventually

LINES = ("-H", "Accept: application/x-ndjson")
WANTED = "id,status_code,body.encoding,attempts.n"
MISTAKES = ("", "statuscode", "id,", "timings.", "id;ok")


def wanted(index: int) -> Json:
    return {"index": index, "id": f"r{index}", "status_code": 200,
            "body": {"encoding": "none"}, "attempts": [{"n": 1}]}


class FieldsTest(GatherdTest):
    def requests(self) -> list[Json]:
        return [{"url": self.origin.url("/"), "id": f"r{i}"} for i in range(3)]

    def job(self) -> str:
        reply = self.post("/v1/jobs", self.requests())
        path = "/v1/jobs/" + reply.json()["id"]
        eventually(lambda: self.get(path).json()["done"], "the job's end")
        return path

    def by_index(self, results: list[Json]) -> list[Json]:
        return sorted(results, key=lambda result: result["index"])

    def test_of_a_gather_they_are_in_the_document(self) -> None:
        reply = self.gather(self.requests(), fields=WANTED.split(","))
        self.assertEqual(reply["results"], [wanted(i) for i in range(3)])
        self.assertEqual(reply["counts"]["success"], 3)

    def test_of_a_list_of_urls_they_are_in_the_query(self) -> None:
        body = f"{self.origin.url('/')}\n{self.origin.url('/404')}\n"
        reply = self.post("/v1/gather?fields=ok", body, content_type="text/uri-list")
        self.assertEqual([result["ok"] for result in reply.json()["results"]], [True, False])
        self.assertEqual({len(result) for result in reply.json()["results"]}, {2})

    def test_the_query_comes_before_the_document(self) -> None:
        reply = self.post("/v1/gather?fields=ok",
                          {"requests": self.requests(), "fields": ["state"]})
        self.assertEqual(reply.json()["results"][0], {"index": 0, "ok": True})

    def test_a_gather_by_get_has_them(self) -> None:
        reply = self.get(f"/v1/gather?fields=ok&url={quote(self.origin.url('/'))}")
        self.assertEqual(reply.json()["results"], [{"index": 0, "ok": True}])

    def test_a_gather_as_lines_has_them(self) -> None:
        document = {"requests": self.requests(), "fields": WANTED.split(",")}
        *results, last = map(json.loads, self.post("/v1/gather", document, *LINES).body.splitlines())
        self.assertEqual(self.by_index(results), [wanted(i) for i in range(3)])
        self.assertEqual(last["type"], "gather")

    def test_pages_and_single_results_of_a_job_have_them(self) -> None:
        job = self.job()
        for order in ("index", "completed"):
            page = self.get(f"{job}/results?fields={WANTED}&order={order}").json()
            self.assertEqual(self.by_index(page["data"]), [wanted(i) for i in range(3)])
        self.assertEqual(self.get(f"{job}/results/1?fields={WANTED}").json(), wanted(1))

    def test_the_next_page_has_them_too(self) -> None:
        job = self.job()
        link = self.get(f"{job}/results?fields=ok&limit=2").header("link")
        self.assertIn("fields=ok", link)
        self.assertEqual(self.get(link[1:link.index(">")]).json()["data"],
                         [{"index": 2, "ok": True}])

    def test_streams_of_a_job_have_each_its_own(self) -> None:
        job = self.job()
        for fields, members in (("ok", {"index", "ok"}), ("seq", {"index", "seq"}), ("", None)):
            query = f"?fields={fields}" if fields else ""
            *results, last = map(json.loads, self.get(f"{job}/results{query}", *LINES)
                                 .body.splitlines())
            events = self.get(f"{job}/events{query}").body.decode().split("\n\n")
            data = [json.loads(event.partition("data: ")[2])
                    for event in events if "event: result" in event]
            self.assertEqual((len(results), len(data)), (3, 3))
            self.assertEqual(last["type"], "job")
            for result in results + data:
                with self.subTest(fields=fields):
                    self.assertEqual(set(result) == members, members is not None)

    def test_what_is_pending_has_those_it_knows(self) -> None:
        reply = self.post("/v1/jobs", [self.origin.url("/hang")])
        job = "/v1/jobs/" + reply.json()["id"]
        page = self.get(f"{job}/results?fields=state,status_code").json()
        self.assertEqual(page["data"], [{"index": 0, "state": "pending"}])
        self.post(f"{job}/cancel", "")

    def test_a_mistake_is_told_everywhere(self) -> None:
        job, url = self.job(), quote(self.origin.url("/never"))
        for mistake in MISTAKES:
            for path in (f"{job}/results?", f"{job}/results/0?", f"{job}/events?",
                         f"/v1/gather?url={url}&"):
                with self.subTest(path=path, mistake=mistake):
                    problem = self.assert_problem(self.get(f"{path}fields={mistake}"), 400)
                    self.assertEqual(problem["code"], "bad_parameter")
                    self.assertIn("status_code,timings.total_ms", problem["detail"])
        self.assertNotIn("/never", self.origin.targets())

    def test_a_job_keeps_all_of_its_results(self) -> None:
        reply = self.post("/v1/jobs", {"requests": self.requests(), "fields": ["id"]})
        error = self.assert_problem(reply, 422)["errors"][0]
        self.assertEqual((error["pointer"], error["code"]), ("/fields", "not_supported"))
        self.assertIn("/v1/jobs/ID/results?fields=", error["detail"])
