"""What is kept of a response: body, hash, headers."""

from __future__ import annotations

import hashlib

from harness import GatherdTest, captured


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


class HashTest(GatherdTest):
    def test_the_hash_is_that_of_the_body(self) -> None:
        for n_bytes in (0, 1, 100, 1000000):
            with self.subTest(n_bytes=n_bytes):
                result = self.fetch(self.origin.url(f"/bytes/{n_bytes}"),
                                    capture={"hash": "sha256"})
                body = (bytes(range(256)) * (n_bytes // 256 + 1))[:n_bytes]
                self.assertEqual(result["body"]["sha256"], sha256(body))
                self.assertEqual(result["body"]["encoding"], "none")

    def test_there_is_no_hash_unless_asked_for(self) -> None:
        for capture in ({}, {"hash": "none"}, {"body": "full"}):
            with self.subTest(capture=capture):
                result = self.fetch(self.origin.url("/json"), capture=capture)
                self.assertIsNone(result["body"]["sha256"])

    def test_the_hash_is_of_all_of_a_body_that_is_cut_off(self) -> None:
        result = self.fetch(self.origin.url("/bytes/1000"),
                            capture={"body": "full", "max_body_bytes": 10, "hash": "sha256"})
        self.assertTrue(result["body"]["truncated"])
        self.assertEqual(result["body"]["sha256"],
                         sha256((bytes(range(256)) * 4)[:1000]))

    def test_the_hash_is_of_the_decoded_body(self) -> None:
        result = self.fetch(self.origin.url("/gzip?bytes=5000"), capture={"hash": "sha256"})
        self.assertEqual(result["body"]["sha256"], sha256(b"x" * 5000))

    def test_the_hash_is_of_the_last_hop_only(self) -> None:
        result = self.fetch(self.origin.redirect_to("/bytes/10"), capture={"hash": "sha256"})
        self.assertEqual(result["body"]["sha256"], sha256(bytes(range(10))))

    def test_the_hash_is_of_the_last_attempt_only(self) -> None:
        result = self.fetch(self.origin.url("/flaky/hash"), capture={"hash": "sha256"},
                            retry={"backoff_ms": 1})
        self.assertEqual(len(result["attempts"]), 2)
        self.assertEqual(result["body"]["sha256"], sha256(b"at last\n"))

    def test_a_body_of_which_not_all_came_has_no_hash(self) -> None:
        for path in ("/partial", "/partial-chunk", "/hang"):
            with self.subTest(path=path):
                result = self.fetch(self.origin.url(path), capture={"hash": "sha256"},
                                    timeout_ms=300)
                self.assertFalse(result["ok"])
                self.assertIsNone(result["body"]["sha256"])


class KeptTest(GatherdTest):
    def test_attempts_before_the_last_leave_nothing_in_the_body(self) -> None:
        result = self.fetch(self.origin.url("/flaky/kept"), capture={"body": "full"},
                            retry={"backoff_ms": 1})
        self.assertEqual(captured(result), b"at last\n")
        self.assertEqual(result["body"]["decoded_bytes"], len(b"at last\n"))

    def test_only_named_headers_are_shown(self) -> None:
        result = self.fetch(self.origin.url("/headers?X-A=1&X-B=2&X-A=3"),
                            capture={"headers": ["x-a"]})
        self.assertEqual(result["headers"], [["x-a", "1"], ["x-a", "3"]])
