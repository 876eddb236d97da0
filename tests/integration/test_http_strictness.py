"""Requests that two HTTP parsers could read in two ways (request smuggling), or not at all.

source  RFC 9112 sections 2.2, 3.2, 5.1, 6.1, 6.3, 7.1
"""

from __future__ import annotations

from typing import Iterable

from front import GATHER, HEALTH, FrontTest


class StrictnessTest(FrontTest):
    """Whatever two parsers could read differently is refused, and ends the connection."""

    def smuggled(self) -> bytes:
        """A complete request that must never be taken for one of its own."""
        return self.gatherd.request_bytes(f"{GATHER}?url={self.origin.url('/smuggled')}")

    def assert_refused(self, data: bytes, statuses: Iterable[int], closed_ok: bool = False) -> None:
        replies = self.exchange(data + self.smuggled())
        self.assertLessEqual(len(replies), 1, [reply.status for reply in replies])
        if replies or not closed_ok:
            self.assertEqual(len(replies), 1, "closed without an answer")
            self.assertIn(replies[0].status, statuses)
        self.assertEqual(self.origin.requests(), [])

    def post(self, *headers: str, body: str = "") -> bytes:  # type: ignore[override]
        return self.lines(f"POST {GATHER} HTTP/1.1", "Host: {host}", *headers, body=body)

    def test_ambiguous_lengths_are_refused(self) -> None:
        table = {
            "length and chunked": (["Content-Length: 5", "Transfer-Encoding: chunked"],
                                   "0\r\n\r\n", {400}),
            "chunked and length": (["Transfer-Encoding: chunked", "Content-Length: 5"],
                                   "0\r\n\r\n", {400}),
            "two different lengths": (["Content-Length: 2", "Content-Length: 4"], "[]", {400}),
            "two equal lengths": (["Content-Length: 2", "Content-Length: 2"], "[]", {400}),
            "a list of lengths": (["Content-Length: 2, 2"], "[]", {400}),
            "a signed length": (["Content-Length: +2"], "[]", {400}),
            "a negative length": (["Content-Length: -1"], "", {400}),
            "a hexadecimal length": (["Content-Length: 0x2"], "[]", {400}),
            "a length with letters": (["Content-Length: 2abc"], "[]", {400}),
            "a length with spaces within": (["Content-Length: 2 2"], "[]", {400}),
            "a length over 64 bits": (["Content-Length: 18446744073709551618"], "[]", {400, 413}),
            "a length with a space before the colon": (["Content-Length : 2"], "[]", {400}),
        }
        for name, (headers, body, statuses) in table.items():
            with self.subTest(name):
                self.assert_refused(self.post(*headers, body=body), statuses)

    def test_odd_transfer_encodings_are_refused(self) -> None:
        for encoding in ("xchunked", "gzip, chunked", "chunked, identity", "chunked, chunked",
                         "identity", "chunked;q=1", "\"chunked\""):
            with self.subTest(encoding=encoding):
                data = self.post(f"Transfer-Encoding: {encoding}", body="0\r\n\r\n")
                self.assert_refused(data, {400, 501})

    def test_repeated_or_misplaced_transfer_encodings_are_refused(self) -> None:
        chunked = "Transfer-Encoding: chunked"
        self.assert_refused(self.post(chunked, chunked, body="0\r\n\r\n"), {400, 501})
        self.assert_refused(self.post("Transfer-Encoding : chunked", body="0\r\n\r\n"), {400})
        data = self.lines(f"POST {GATHER} HTTP/1.0", "Host: {host}", chunked, body="0\r\n\r\n")
        self.assert_refused(data, {400, 501})

    def test_bad_chunks_are_refused(self) -> None:
        for chunks in ("zz\r\n", "-1\r\n", "0x2\r\n[]\r\n0\r\n\r\n", "10000000000000000\r\n",
                       "fffffffffffffffff\r\n", "2\r\n[]XX0\r\n\r\n"):
            with self.subTest(chunks=chunks):
                self.assert_refused(self.post("Transfer-Encoding: chunked", body=chunks),
                                    {400, 413}, closed_ok=True)

    def test_malformed_headers_are_refused(self) -> None:
        for header in ("X A: 1", "X-A : 1", ": 1", "X-A: a\0b", "X-A: a\rb", "X-\0A: 1",
                       "X(A): 1", "X-A: \x01", "X-A: \x7f"):
            with self.subTest(header=header):
                data = self.lines(f"GET {HEALTH} HTTP/1.1", "Host: {host}", header)
                self.assert_refused(data, {400}, closed_ok=True)

    def test_a_header_line_that_starts_with_a_space_is_refused(self) -> None:
        data = self.lines(f"GET {HEALTH} HTTP/1.1", " X-A: 1", "Host: {host}")
        self.assert_refused(data, {400}, closed_ok=True)

    def test_a_folded_header_is_refused(self) -> None:
        for fold in (" ", "\t"):
            data = self.lines(f"GET {HEALTH} HTTP/1.1", "Host: {host}", "X-A: 1", f"{fold}X-B: 2")
            self.assert_refused(data, {400}, closed_ok=True)

    def test_lines_that_end_in_a_bare_lf_are_refused(self) -> None:
        whole = self.lines(f"GET {HEALTH} HTTP/1.1", "Host: {host}", "X-A: 1")
        for data in (whole.replace(b"\r\n", b"\n"), whole.replace(b"1\r\n", b"1\n"),
                     whole.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\n")):
            with self.subTest(data=data):
                self.assert_refused(data, {400}, closed_ok=True)

    def test_two_authorizations_are_refused(self) -> None:
        data = self.lines(f"GET {HEALTH} HTTP/1.1", "Host: {host}", "Authorization: Bearer a",
                          "Authorization: Bearer b")
        self.assert_refused(data, {400})

    def test_what_is_sent_behind_a_refusal_is_never_served(self) -> None:
        for first in (self.post("Content-Length: 5", "Transfer-Encoding: chunked"),
                      self.lines("GET /nothing%zz HTTP/1.1", "Host: {host}"),
                      self.lines(f"GET {HEALTH} HTTP/1.1", "Host: evil.example")):
            replies = self.exchange(first + 5 * self.smuggled())
            self.assertEqual(len(replies), 1)
            self.assertEqual(replies[0].header("connection"), "close")
        self.assertEqual(self.origin.requests(), [])

    def test_a_host_is_needed_exactly_once(self) -> None:
        self.assert_refused(self.lines(f"GET {HEALTH} HTTP/1.1"), {400})
        data = self.lines(f"GET {HEALTH} HTTP/1.1", "Host: {host}", "Host: {host}")
        self.assert_refused(data, {400})
        data = self.lines(f"GET {HEALTH} HTTP/1.1", "Host: {host}", "Host: evil.example")
        self.assert_refused(data, {400})

    def test_odd_targets_are_not_served(self) -> None:
        for target in ("/healthz%00", "/healthz%00x", "/v1%2Fgather", "/../healthz",
                       "/v1/../healthz", "/%2e%2e/healthz", "//healthz", "/healthz/", "*",
                       "healthz", "/healthz%", "/healthz%zz"):
            with self.subTest(target=target):
                replies = self.exchange(self.lines(f"GET {target} HTTP/1.1", "Host: {host}",
                                                   "Connection: close"))
                self.assertTrue(all(400 <= reply.status < 500 for reply in replies), replies)

    def test_a_space_in_the_target_is_refused(self) -> None:
        self.assert_refused(self.lines("GET /healthz x HTTP/1.1", "Host: {host}"), {400},
                            closed_ok=True)

    def test_other_versions_are_refused(self) -> None:
        for version in ("HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "HTTP/11", "HTP/1.1", "http/1.1", ""):
            with self.subTest(version=version):
                self.assert_refused(self.lines(f"GET {HEALTH} {version}", "Host: {host}"),
                                    {400, 505}, closed_ok=True)

    def test_garbage_is_refused(self) -> None:
        for garbage in (b"\0" * 100, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 5,
                        b"\r\n\r\n\r\n\r\nGARBAGE\r\n\r\n", b"\xff" * 3000 + b"\r\n\r\n"):
            with self.subTest(garbage=garbage[:10]):
                with self.gatherd.connect(5) as connection:
                    connection.send(garbage)
                    connection.socket.shutdown(1)
                    self.assertTrue(all(reply.status >= 400 for reply in connection.replies()))

    def test_heads_have_a_limit(self) -> None:
        long = "x" * 100_000
        table = {f"GET /{long} HTTP/1.1\r\nHost: {{host}}": {400, 414, 431},
                 f"GET {HEALTH} HTTP/1.1\r\nHost: {{host}}\r\nX-A: {long}": {400, 431},
                 f"GET {HEALTH} HTTP/1.1\r\nHost: {{host}}" + "\r\nX-A: 1" * 20000: {400, 431}}
        for head, statuses in table.items():
            with self.subTest(head=head[:60]), self.gatherd.connect(5) as connection:
                try:
                    connection.send(self.lines(head))
                except ConnectionError:
                    pass
                replies = list(connection.replies())
                self.assertTrue({reply.status for reply in replies} <= statuses, replies)

    def test_20_kb_are_too_much_for_a_head(self) -> None:
        long = "x" * 20_000
        table = {f"GET {HEALTH} HTTP/1.1\r\nHost: {{host}}\r\nX-A: {long}": 431,
                 f"GET /{long} HTTP/1.1\r\nHost: {{host}}": 414}
        for head, status in table.items():
            with self.subTest(head=head[:60]):
                replies = self.exchange(self.lines(head, "Connection: close"))
                self.assertEqual([reply.status for reply in replies], [status])

    def test_methods_are_written_in_upper_case(self) -> None:
        for method in ("get", "Get", "gET"):
            with self.subTest(method=method):
                self.assert_refused(self.lines(f"{method} {HEALTH} HTTP/1.1", "Host: {host}"),
                                    {400, 405, 501})

    def test_the_daemon_is_none_the_worse(self) -> None:
        self.assertEqual(self.get(HEALTH).status, 200)
