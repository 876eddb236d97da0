"""Every document of json_corpus.py, sent to the daemon at once and in small pieces.

source  RFC 8259; RFC 3629 section 3
"""

from __future__ import annotations

from typing import Iterable

from front import FrontTest
from harness import Reply

import json_corpus

PATHS = ("/v1/gather", "/v1/jobs")
ACCEPTED = {200, 201, 202}
PLACE = r"^Line \d+|\bline \d+"
PIECE = 3
SMALL = 200


class JsonCorpusTest(FrontTest):
    def sent(self, path: str, body: bytes, chunks: Iterable[bytes] = ()) -> Reply:
        """The answer to a body of this length, or to one that comes in chunks."""
        headers = ["Content-Type: application/json", "Connection: close"]
        if chunks:
            headers.append("Transfer-Encoding: chunked")
            head = self.gatherd.request_bytes(path, "POST", b"", *headers)
            data = head + b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in (*chunks, b""))
        else:
            headers.append(f"Content-Length: {len(body)}")
            data = self.gatherd.request_bytes(path, "POST", b"", *headers) + body
        replies = self.exchange(data)
        self.assertEqual(len(replies), 1)
        return replies[0]

    def replies(self, body: bytes) -> Iterable[Reply]:
        """To the body as a whole and in pieces, which must not make a difference."""
        for path in PATHS:
            whole = self.sent(path, body)
            yield whole
            if 0 < len(body) <= SMALL:
                pieces = [body[at:at + PIECE] for at in range(0, len(body), PIECE)]
                self.assertEqual(self.sent(path, body, pieces).status, whole.status)

    def n_jobs(self) -> int:
        return len(self.get("/v1/jobs").json()["data"])

    def test_what_is_json_is_read(self) -> None:
        for name, body in json_corpus.good():
            with self.subTest(name):
                for reply in self.replies(body):
                    self.assertIn(reply.status, {*ACCEPTED, 422}, reply.body)

    def test_what_is_not_json_is_refused_with_its_place(self) -> None:
        before = self.n_jobs()
        for name, body in json_corpus.bad():
            with self.subTest(name):
                for reply in self.replies(body):
                    problem = self.assert_problem(reply, 400)
                    self.assertRegex(problem["detail"], PLACE)
        self.assertEqual(self.n_jobs(), before)

    def test_what_may_be_refused_is_refused_properly(self) -> None:
        for name, body in json_corpus.undecided():
            with self.subTest(name):
                for reply in self.replies(body):
                    self.assertIn(reply.status, {*ACCEPTED, 400, 422}, reply.body)

    def test_the_daemon_is_none_the_worse(self) -> None:
        self.assertEqual(self.get("/healthz").status, 200)
