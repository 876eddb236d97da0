"""Results while they come, as lines of JSON; as a table; compressed; and what nobody offers."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import signal
import urllib.request
import zlib
from pathlib import Path

from harness import Gatherd, Json, Reply
from patience import eventually
from servers import refused_url
from streams import NDJSON, Proxy, Stream, StreamTest


class LinesTest(StreamTest):
    def test_results_of_an_ended_job_come_in_order_of_completion_with_the_job_behind(self) -> None:
        job = self.ended(self.submit([self.origin.url(p) for p in ("/slow?ms=300", "/", "/b")]))
        with self.results_stream(job) as stream:
            self.assertEqual((stream.status, stream.header("content-type")),
                             (200, "application/x-ndjson"))
            self.assertEqual(stream.header("x-accel-buffering"), "no")
            *results, last = stream.documents()
        self.assertEqual([result["seq"] for result in results], [1, 2, 3])
        self.assertEqual(results[-1]["index"], 0)
        self.assertEqual(list(last)[0], "type")
        self.assertEqual((last["type"], last["id"], last["done"]), ("job", job["id"], True))

    def test_a_running_job_is_followed_to_its_end(self) -> None:
        job = self.started(n_first=2)
        with self.results_stream(job) as stream:
            documents = stream.documents()
            first = [next(documents), next(documents)]
            self.post(f"/v1/jobs/{job['id']}/cancel", "")
            *rest, last = documents
        self.assertEqual([result["seq"] for result in first], [1, 2])
        self.assertEqual([result["outcome"] for result in rest], ["canceled"])
        self.assertEqual((last["type"], last["status"]), ("job", "canceled"))

    def test_a_stream_goes_on_behind_the_seq_it_had_got_to(self) -> None:
        job = self.ended(self.submit([self.origin.url(f"/{i}") for i in range(200)]))
        with self.results_stream(job, "?after_seq=150") as stream:
            *results, last = stream.documents()
        self.assertEqual([result["seq"] for result in results], list(range(151, 201)))
        with self.results_stream(job, "?after_seq=200") as stream:
            self.assertEqual([line["type"] for line in stream.documents()], ["job"])

    def test_what_was_never_started_comes_last_and_can_be_resumed_in(self) -> None:
        urls = [self.origin.url(), self.origin.url("/hang")] + [self.origin.url("/never")] * 100
        job = self.submit(urls, limits={"concurrency": 1})
        eventually(lambda: "/hang" in self.origin.targets(), "the request that hangs")
        self.post(f"/v1/jobs/{job['id']}/cancel", "")
        self.ended(job)
        with self.results_stream(job) as stream:
            *results, _ = stream.documents()
        self.assertEqual([(r["index"], r["seq"]) for r in results],
                         [(0, 1), (1, 2)] + [(i, None) for i in range(2, 102)])
        with self.results_stream(job, "?after_seq=r90") as stream:
            *results, _ = stream.documents()
        self.assertEqual([r["index"] for r in results], list(range(90, 102)))

    def test_only_one_outcome_is_sent_if_asked_for(self) -> None:
        job = self.ended(self.submit([self.origin.url(), refused_url(), self.origin.url("/b")]))
        with self.results_stream(job, "?outcome=transport_error") as stream:
            *results, last = stream.documents()
        self.assertEqual([result["index"] for result in results], [1])
        self.assertEqual(last["type"], "job")

    def test_curl_and_urllib_read_it_too(self) -> None:
        job = self.ended(self.submit([self.origin.url()] * 3))
        reply = self.get(f"/v1/jobs/{job['id']}/results", "-N", "-H", "Accept: application/x-ndjson")
        target = f"{self.gatherd.base}/v1/jobs/{job['id']}/results"
        with urllib.request.urlopen(urllib.request.Request(target, headers=NDJSON)) as answer:
            self.assertEqual(answer.read(), reply.body)
        self.assertEqual(len(reply.body.splitlines()), 4)

    def test_an_old_client_gets_it_without_chunks(self) -> None:
        job = self.ended(self.submit([self.origin.url()] * 3))
        reply = self.get(f"/v1/jobs/{job['id']}/results", "--http1.0", "-H",
                         "Accept: application/x-ndjson")
        self.assertIsNone(reply.header("transfer-encoding"))
        self.assertEqual(len(reply.body.splitlines()), 4)

    def test_head_answers_at_once(self) -> None:
        job = self.started()
        for path, accept in (("results", "application/x-ndjson"), ("events", "text/event-stream")):
            reply = self.get(f"/v1/jobs/{job['id']}/{path}", "-I", "-H", f"Accept: {accept}")
            self.assertEqual((reply.status, reply.header("content-type"), reply.body),
                             (200, accept, b""))

    def test_a_job_that_is_deleted_cuts_its_streams_off(self) -> None:
        job = self.started()
        with self.results_stream(job) as stream:
            self.assertEqual(json.loads(stream.line())["seq"], 1)
            self.assertEqual(self.get(f"/v1/jobs/{job['id']}", "-X", "DELETE").status, 204)
            rest = b""
            try:
                rest = stream.reply.read()
            except Exception:  # http.client says so in several ways
                pass
            self.assertTrue(stream.reply.isclosed() or b'"type":"job"' in rest)

    def test_what_makes_no_sense_is_refused(self) -> None:
        job = self.ended(self.submit([self.origin.url()]))
        results = f"/v1/jobs/{job['id']}/results"
        for query in ("after_seq=-1", "after_seq=x", "after_seq=", "after_seq=rr1", "outcome=good",
                      "limit=5", "cursor=3"):
            reply = self.get(f"{results}?{query}", "-H", "Accept: application/x-ndjson")
            self.assert_problem(reply, 400)
        self.assert_problem(self.get("/v1/jobs/job_01JZ9M4T6Q3W8KX2B7V5N0RCFE/results", "-H",
                                     "Accept: application/x-ndjson"), 404)

    def test_results_survive_a_crash_of_the_daemon(self) -> None:
        with Gatherd(*self.settings) as gatherd:
            reply = Stream(gatherd.port, "/v1/jobs", "POST", json.dumps(
                [self.origin.url(f"/slow?ms={20 * i}") for i in range(60)]))
            job = json.loads(reply.reply.read())
            seen = []
            with Stream(gatherd.port, f"/v1/jobs/{job['id']}/results", **NDJSON) as stream:
                while len(seen) < 10:
                    seen.append(json.loads(stream.line()))
                gatherd.restart()
            target = f"/v1/jobs/{job['id']}/results?after_seq={seen[-1]['seq']}"
            with Stream(gatherd.port, target, **NDJSON) as stream:
                *results, last = stream.documents()
        self.assertEqual(sorted(result["index"] for result in seen + results), list(range(60)))
        self.assertEqual(last["counts"]["success"], 60)


class GatherStreamTest(StreamTest):
    def gathered(self, requests: Json, **headers: str) -> Stream:
        return Stream(self.gatherd.port, "/v1/gather", "POST", json.dumps({"requests": requests}),
                      **{**NDJSON, **headers})

    def test_results_come_as_completed(self) -> None:
        urls = [self.origin.url(p) for p in ("/slow?ms=900", "/", "/slow?ms=300")]
        with self.gathered(urls) as stream:
            *results, last = stream.documents()
        self.assertEqual([result["index"] for result in results], [1, 2, 0])
        self.assertEqual([result["seq"] for result in results], [1, 2, 3])
        self.assertEqual((last["type"], last["counts"]["success"]), ("gather", 3))

    def test_the_first_does_not_wait_for_the_last(self) -> None:
        with self.gathered([self.origin.url("/hang"), self.origin.url()]) as stream:
            self.assertEqual(json.loads(stream.line())["index"], 1)
        self.assert_left("/hang")

    def test_curl_gets_it_by_get_as_well(self) -> None:
        reply = self.get(f"/v1/gather?url={self.origin.url()}", "-H", "Accept: application/x-ndjson")
        self.assertEqual(len(reply.body.splitlines()), 2)

    def test_an_invalid_document_is_still_a_problem(self) -> None:
        with self.gathered([{"url": "http://a/", "methd": "GET"}]) as stream:
            self.assertEqual(stream.status, 422)


class TableTest(StreamTest):
    def table(self, job: Json, query: str = "") -> list[dict[str, str]]:
        reply = self.get(f"/v1/jobs/{job['id']}/results{query}", "-H", "Accept: text/csv")
        self.assertEqual(reply.header("content-type"), "text/csv; charset=utf-8; header=present")
        self.assertTrue(reply.body.endswith(b"\r\n"))
        return list(csv.DictReader(io.StringIO(reply.body.decode(), newline=""), strict=True))

    def test_a_table_has_a_row_for_each_item(self) -> None:
        job = self.ended(self.submit([{"url": self.origin.url(), "id": "a"}, refused_url()]))
        rows = self.table(job)
        self.assertEqual([(r["index"], r["id"], r["outcome"], r["status_code"], r["error"])
                          for r in rows],
                         [("0", "a", "success", "200", ""),
                          ("1", "", "transport_error", "", "connect_refused")])
        total = self.get(f"/v1/jobs/{job['id']}/results/0").json(exact=True)["timings"]["total_ms"]
        self.assertEqual(rows[0]["total_ms"], str(total))

    def test_every_column_is_documented(self) -> None:
        job = self.ended(self.submit([self.origin.url()]))
        page = (Path(__file__).parents[2] / "docs" / "streams.md").read_text()
        documented = re.findall(r"`(\w+)`", page.partition("The columns are")[2].partition(":")[0])
        self.assertEqual(documented, list(self.table(job)[0]))

    def test_cells_neither_break_rows_nor_run_as_formulas(self) -> None:
        ids = ["=1+1", "+1", "-1", "@SUM(A1)", 'say "hi", all', "two\r\nlines", "\tx", "plain"]
        job = self.ended(self.submit([{"url": self.origin.url(), "id": each} for each in ids]))
        expected = ["'" + each if each[0] in "=+-@\t" else each for each in ids]
        self.assertEqual([row["id"] for row in self.table(job)], expected)

    def test_what_has_not_finished_is_pending(self) -> None:
        job = self.started()
        self.assertEqual([row["state"] for row in self.table(job)], ["finished", "pending"])
        self.assertEqual([row["index"] for row in self.table(job, "?outcome=success")], ["0"])


class AcceptTest(StreamTest):
    def asked(self, target: str, accept: str) -> Reply:
        return self.get(target, "-H", f"Accept: {accept}")

    def test_the_client_chooses(self) -> None:
        job = self.ended(self.submit([self.origin.url()]))
        results = f"/v1/jobs/{job['id']}/results"
        for accept, expected in (("*/*", "application/json"),
                                 ("text/*", "text/csv"),
                                 ("application/*", "application/json"),
                                 ("text/html, */*;q=0.8", "application/json"),
                                 ("text/csv;q=0.5, application/x-ndjson;q=0.6",
                                  "application/x-ndjson"),
                                 ("TEXT/CSV", "text/csv"),
                                 ("application/json;q=0, */*", "application/x-ndjson")):
            with self.subTest(accept=accept):
                reply = self.asked(results, accept)
                self.assertEqual(reply.header("content-type").partition(";")[0], expected)

    def test_what_nobody_offers_is_not_acceptable(self) -> None:
        job = self.ended(self.submit([self.origin.url()]))
        for target, accept in ((f"/v1/jobs/{job['id']}/results", "image/png"),
                               (f"/v1/jobs/{job['id']}/results", "*/*;q=0"),
                               (f"/v1/jobs/{job['id']}/events", "application/json"),
                               (f"/v1/gather?url={self.origin.url()}", "text/csv"),
                               ("/v1/jobs", "text/csv"), ("/v1/limits", "text/html")):
            with self.subTest(target=target, accept=accept):
                problem = self.assert_problem(self.asked(target, accept), 406)
                self.assertEqual(problem["code"], "not_acceptable")


class CompressionTest(StreamTest):
    def test_a_large_answer_is_compressed_for_who_can_read_that(self) -> None:
        urls = [self.origin.url(f"/{i}") for i in range(100)]
        reply = self.post("/v1/gather", urls, "-H", "Accept-Encoding: gzip")
        self.assertEqual(reply.header("content-encoding"), "gzip")
        self.assertIn("Accept-Encoding", reply.header("vary"))
        document = json.loads(gzip.decompress(reply.body))
        self.assertEqual([result["index"] for result in document["results"]], list(range(100)))
        job = self.ended(self.submit(urls))
        target = f"/v1/jobs/{job['id']}/results"
        plain = self.get(target)
        self.assertIsNone(plain.header("content-encoding"))
        packed = self.get(target, "-H", "Accept-Encoding: br, gzip;q=0.5")
        self.assertEqual(gzip.decompress(packed.body), plain.body)
        self.assertLess(len(packed.body), len(plain.body) / 4)

    def test_small_answers_and_who_does_not_want_it_are_left_alone(self) -> None:
        job = self.ended(self.submit([self.origin.url()] * 100))
        for target, encodings in (("/v1/limits", "gzip"),
                                  (f"/v1/jobs/{job['id']}/results", "gzip;q=0, *"),
                                  (f"/v1/jobs/{job['id']}/results", "identity, gzip;q=0.5")):
            with self.subTest(target=target, encodings=encodings):
                reply = self.get(target, "-H", f"Accept-Encoding: {encodings}")
                self.assertIsNone(reply.header("content-encoding"))
                reply.json()

    def test_each_line_of_a_stream_can_be_read_when_it_comes(self) -> None:
        job = self.started()
        with self.results_stream(job, Accept_Encoding="gzip") as stream:
            self.assertEqual(stream.header("content-encoding"), "gzip")
            unpacker = zlib.decompressobj(zlib.MAX_WBITS + 16)
            line = b""
            while not line.endswith(b"\n"):
                line += unpacker.decompress(stream.reply.read1())
            self.assertEqual(json.loads(line)["seq"], 1)
            self.post(f"/v1/jobs/{job['id']}/cancel", "")
            rest = unpacker.decompress(stream.reply.read())
            self.assertTrue(unpacker.eof)
            self.assertEqual(json.loads(rest.splitlines()[-1])["type"], "job")


class ProxyTest(StreamTest):
    def test_nothing_is_held_back_by_nginx(self) -> None:
        job = self.started()
        with Proxy(self.gatherd) as proxy:
            target = f"/v1/jobs/{job['id']}/results"
            with Stream(proxy.port, target, **NDJSON) as stream:
                self.assertEqual(json.loads(stream.line())["seq"], 1)
            body = json.dumps([self.origin.url("/hang"), self.origin.url()])
            with Stream(proxy.port, "/v1/gather", "POST", body, **NDJSON) as stream:
                self.assertEqual(json.loads(stream.line())["index"], 1)


class StopTest(StreamTest):
    def test_streams_end_cleanly_when_the_daemon_stops(self) -> None:
        with Gatherd("egress.allow=127.0.0.0/8", "api.drain_timeout_ms=5s") as gatherd:
            with Stream(gatherd.port, "/v1/jobs", "POST",
                        json.dumps([self.origin.url(), self.origin.url("/hang")])) as accepted:
                job = json.loads(accepted.reply.read())
            with Stream(gatherd.port, f"/v1/jobs/{job['id']}/results", **NDJSON) as stream:
                self.assertEqual(json.loads(stream.line())["seq"], 1)
                gatherd.process.send_signal(signal.SIGTERM)
                self.assertEqual(stream.line(), "")
            gatherd.ended()
