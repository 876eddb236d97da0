"""Every status the API answers with, got by curl: a table of requests and what they get.

503 and 507 need a daemon that drains or a disk that is full: test_drain.py, test_store_disk.py.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from durable import DurableTest
from harness import Json, Reply, curl
from tokens import TokensTest

HANGING = {"requests": [{"url": "{origin}/hang"}]}
NOBODY = "job_01JZZZZZZZZZZZZZZZZZZZZZZZ"


@dataclass
class Row:
    status: int
    code: str
    """That of the problem; of what is no problem: nothing."""
    arguments: str
    """curl's, ending with the target; {job}: a job that has ended, {origin}: where URLs lead to."""
    header: str = ""
    """One that has to be there."""


def post(target: str, body: str = '["{origin}/"]', more: str = "") -> str:
    return f"{more} -d {shlex.quote(body)} -H 'Content-Type: application/json' {target}"


JOB_ROWS = [
    Row(200, "", post("/v1/gather")),
    Row(200, "", post("/v1/jobs?wait=10s")),
    Row(200, "", post("/v1/jobs", more="-H 'Prefer: wait=10'")),
    Row(200, "", "/v1/jobs"),
    Row(200, "", "/v1/jobs/{job}"),
    Row(200, "", "-X POST /v1/jobs/{job}/cancel"),
    Row(202, "", post("/v1/jobs"), header="location"),
    Row(202, "", post("/v1/jobs"), header="retry-after"),
    Row(204, "", "-X DELETE /v1/jobs/{spare}"),
    Row(404, "job_not_found", "-X DELETE /v1/jobs/{spare}"),
    Row(304, "", "-H 'If-None-Match: {etag}' /v1/jobs/{job}", header="etag"),
    # 400
    Row(400, "", post("/v1/gather", "nonsense")),
    Row(400, "", post("/v1/jobs", "[1]]")),
    Row(400, "duplicate_key", post("/v1/jobs", '{{"requests":[],"requests":[]}}')),
    Row(400, "unknown_parameter", "/v1/jobs?stat=done"),
    Row(400, "bad_parameter", "/v1/jobs?status=sleeping"),
    Row(400, "bad_parameter", "/v1/jobs?limit=1&limit=2"),
    *(Row(400, "bad_parameter", f"/v1/jobs?limit={limit}")
      for limit in ("", "0", "-1", "1.5", "x", "99999999999999999999")),
    *(Row(400, "bad_parameter", f"/v1/jobs?cursor={cursor}")
      for cursor in ("x", "0", "=", "%25", "A" * 500)),
    *(Row(400, "bad_parameter", f"/v1/jobs/{{job}}/results?cursor={cursor}")
      for cursor in ("x", "-1", "1.5", "A" * 500)),
    *(Row(400, "bad_preference", f"-H 'Prefer: wait={wait}' /v1/jobs/{{job}}")
      for wait in ("x", "-1", "1y", '""')),
    *(Row(400, "bad_parameter", f"/v1/jobs/{{job}}?wait={wait}") for wait in ("x", "-1s", "5y")),
    *(Row(400, "bad_last_event_id", f"-H 'Last-Event-ID: {event}' /v1/jobs/{{job}}/events")
      for event in ("x", "-1", "1.5")),
    Row(400, "invalid_idempotency_key", post("/v1/jobs", more="-H 'Idempotency-Key: a b'")),
    Row(400, "repeated_header", post("/v1/jobs",
                                     more="-H 'Idempotency-Key: a' -H 'Idempotency-Key: b'")),
    Row(400, "repeated_header", post("/v1/jobs", more="-H 'content-type: text/plain'")),
    Row(400, "unexpected_body", "-X GET -d x /v1/jobs"),
    Row(400, "missing_parameter", "/v1/gather"),
    Row(403, "foreign_origin", "-H 'Origin: http://evil.example' /v1/jobs"),
    Row(403, "foreign_host", "-H 'Host: evil.example' /v1/jobs"),
    # 404
    *(Row(404, "job_not_found", f"/v1/jobs/{job}")
      for job in (NOBODY, "x", "{job}x", "%20", NOBODY.lower(), "-", "A" * 1000)),
    *(Row(404, "result_not_found", f"/v1/jobs/{{job}}/results/{index}")
      for index in ("1", "-1", "x", "1.5", "4294967296", "99999999999999999999")),
    Row(404, "callback_none", "/v1/jobs/{job}/callback"),
    Row(404, "not_found", "/v2/jobs"),
    # 405, 406, 415
    Row(405, "method_not_allowed", "-X PUT /v1/jobs", header="allow"),
    Row(405, "method_not_allowed", "-X DELETE /v1/gather", header="allow"),
    *(Row(406, "not_acceptable", f"-H 'Accept: {accept}' /v1/jobs/{{job}}/results")
      for accept in ("image/png", "application/json;q=0", "*/*;q=0")),
    Row(415, "unsupported_content_encoding", post("/v1/jobs", more="-H 'Content-Encoding: x-odd'")),
    Row(415, "unsupported_media_type", "-d x -H 'Content-Type: image/png' /v1/jobs"),
    # 413, 422
    Row(413, "too_many_items", post("/v1/jobs", json.dumps(["{origin}/"] * 20))),
    *(Row(413, "body_too_large", post(path, "[" + " " * 70000 + "]"))
      for path in ("/v1/gather", "/v1/jobs")),
    Row(422, "invalid_request", post("/v1/jobs", '["nonsense"]')),
    Row(202, "", post("/v1/jobs", more="-H 'Idempotency-Key: taken'")),
    Row(422, "idempotency_key_reused", post("/v1/jobs", "[1]", "-H 'Idempotency-Key: taken'")),
]


class TableTest(DurableTest):
    """Sends what a row says."""

    def assert_row(self, row: Row, names: dict[str, str], *more: str) -> Reply:
        *options, target = [word.format(**names) for word in shlex.split(row.arguments)]
        reply = curl("--path-as-is", *more, *options, self.gatherd.base + target)
        if row.status < 400:
            self.assertEqual(reply.status, row.status, reply.body)
        else:
            problem = self.assert_problem(reply, row.status)
            self.assertIn(row.code or problem["code"], problem["code"])
        if row.header:
            self.assertIsNotNone(reply.header(row.header), row.header)
        return reply


class JobStatusTest(TableTest):
    settings = [*TableTest.settings, "api.max_items=10", "api.max_body_bytes=64K",
                "api.max_job_bytes=64K"]

    def ended_job(self) -> tuple[str, str]:
        """The id and the version of one."""
        document: Json = [self.origin.url("/")]
        reply = self.post("/v1/jobs?wait=10s", document)
        self.assertEqual(reply.status, 200, reply.body)
        job = reply.json()["id"]
        return job, self.get(f"/v1/jobs/{job}").header("etag") or ""

    def test_every_row_gets_its_status(self) -> None:
        job, etag = self.ended_job()
        names = {"job": job, "etag": etag, "spare": self.ended_job()[0],
                 "origin": self.origin.url("")}
        for row in JOB_ROWS:
            with self.subTest(row.arguments[:100], status=row.status):
                self.assert_row(row, names)


class WhoMayTest(TokensTest, TableTest):
    tokens = {"reader": ["read", "--requests-per-second", "1"], "writer": ["submit"],
              "other": ["read", "--tenant", "other"]}

    def test_every_row_gets_its_status(self) -> None:
        table = [("", Row(401, "token_missing", "/v1/jobs", header="www-authenticate")),
                 ("writer", Row(403, "right_missing", "/v1/jobs")),
                 ("other", Row(404, "job_not_found", f"/v1/jobs/{NOBODY}")),
                 ("reader", Row(200, "", "/v1/jobs")),
                 ("reader", Row(429, "quota_exceeded", "/v1/jobs", header="retry-after"))]
        for name, row in table:
            with self.subTest(name, status=row.status):
                self.assert_row(row, {}, *(self.bearer(name) if name else []))

    def test_what_is_no_token_is_refused(self) -> None:
        for shown in ("Bearer", "Bearer ", "Bearer x", "Bearer gth_0", "Basic eDp5", "x"):
            with self.subTest(shown):
                reply = self.get("/v1/jobs", "-H", f"Authorization: {shown}")
                self.assert_problem(reply, 401)
