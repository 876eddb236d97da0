"""What a gather sends: method, URL, headers and body, as the origin received them."""

from __future__ import annotations

import base64
import hashlib
import json
from urllib.parse import parse_qsl

from harness import GatherdTest
from servers import header_values


class MethodTest(GatherdTest):
    def test_methods_arrive_as_they_are(self) -> None:
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE", "M-X"):
            with self.subTest(method=method):
                result = self.fetch(self.origin.url("/echo"), method=method)
                self.assertEqual(self.origin.requests()[-1]["method"], method)
                self.assertEqual(result["request"]["method"], method)
                self.assertEqual(result["outcome"], "success", result["error"])

    def test_head_does_not_wait_for_a_body(self) -> None:
        result = self.fetch(self.origin.url("/bytes/5000"), method="HEAD", timeout_ms=1000)
        self.assertEqual((result["status_code"], result["body"]["encoded_bytes"]), (200, 0))

    def test_get_is_the_default(self) -> None:
        self.assertEqual(self.received()["method"], "GET")

    def test_a_method_of_32_characters_is_accepted(self) -> None:
        self.assertEqual(self.received(method="M" * 32)["method"], "M" * 32)


class UrlTest(GatherdTest):
    def sent_target(self, suffix: str) -> str:
        self.fetch(self.origin.base + suffix)
        return self.origin.targets()[-1]

    def test_the_target_is_the_url_without_its_fragment(self) -> None:
        self.assertEqual(self.sent_target("/a/b?x=1&y=%20%2F#part"), "/a/b?x=1&y=%20%2F")

    def test_a_url_without_a_path_asks_for_the_root(self) -> None:
        self.assertEqual(self.sent_target(""), "/")
        self.assertEqual(self.sent_target("?q=1"), "/?q=1")

    def test_non_ascii_is_percent_encoded(self) -> None:
        self.assertEqual(self.sent_target("/caf\u00e9").upper(), "/CAF%C3%A9".upper())

    def test_scheme_and_host_are_case_insensitive(self) -> None:
        result = self.fetch(self.origin.url("/json").replace("http:", "HTTP:"))
        self.assertEqual(result["outcome"], "success", result["error"])

    def test_a_password_in_a_url_is_never_shown(self) -> None:
        url = self.origin.url("/echo").replace("//", "//user:pa55phrase@")
        for reply in (self.post("/v1/gather", [url]), self.post("/v1/gather", [url + ":x", 7])):
            self.assertNotIn(b"pa55phrase", reply.body)
        self.assertNotIn("pa55phrase", self.gatherd.stderr())


class HeaderTest(GatherdTest):
    def test_headers_arrive_in_order(self) -> None:
        request = self.received(headers={"X-B": "1", "X-A": "2", "X-C": "3"})
        names = [name for name, _ in request["headers"] if name.startswith("X-")]
        self.assertEqual(names, ["X-B", "X-A", "X-C"])

    def test_an_array_sends_the_header_repeatedly(self) -> None:
        request = self.received(headers={"X-Many": ["one", "two", "one"]})
        self.assertEqual(header_values(request, "x-many"), ["one", "two", "one"])

    def test_an_empty_value_is_sent_as_such(self) -> None:
        self.assertEqual(header_values(self.received(headers={"X-Empty": ""}), "x-empty"), [""])

    def test_host_may_be_set(self) -> None:
        request = self.received(headers={"Host": "other.example"})
        self.assertEqual(header_values(request, "host"), ["other.example"])

    def test_what_the_client_sets_replaces_our_own(self) -> None:
        request = self.received(headers={"User-Agent": "acme/1", "Accept": "text/x"})
        self.assertEqual(header_values(request, "user-agent"), ["acme/1"])
        self.assertEqual(header_values(request, "accept"), ["text/x"])

    def test_null_means_not_at_all(self) -> None:
        for name in ("User-Agent", "Accept", "Accept-Encoding"):
            with self.subTest(name=name):
                self.assertNotEqual(header_values(self.received(), name), [])
                self.assertEqual(header_values(self.received(headers={name: None}), name), [])

    def test_a_long_header_arrives_whole(self) -> None:
        value = "v" * 8000
        self.assertEqual(header_values(self.received(headers={"X-Long": value}), "x-long"),
                         [value])


class BodyTest(GatherdTest):
    def assert_body(self, sent: bytes, content_type: str | None = None, **members: object) -> None:
        request = self.received(method="POST", **members)
        self.assertEqual(request["body_bytes"], len(sent))
        self.assertEqual(request["body_sha256"], hashlib.sha256(sent).hexdigest())
        self.assertEqual(header_values(request, "content-length"), [str(len(sent))])
        if content_type:
            self.assertEqual(header_values(request, "content-type"), [content_type])

    def test_text_arrives_as_utf_8(self) -> None:
        text = "h\u00e9llo \u2603 \U0001f600"
        self.assert_body(text.encode(), body=text)

    def test_base64_arrives_as_bytes(self) -> None:
        everything = bytes(range(256))
        self.assert_body(everything, body_base64=base64.b64encode(everything).decode())

    def test_json_arrives_as_json(self) -> None:
        for value in ({"ping": True, "list": [1, 2.5, None, "h\u00e9"], "nested": {"a": {}}},
                      [], "text", False, 0, 9007199254740991):
            with self.subTest(value=value):
                request = self.received(method="POST", json=value)
                self.assertEqual(json.loads(request["body"].encode("latin-1")), value)
                self.assertEqual(header_values(request, "content-type"), ["application/json"])

    def test_a_form_arrives_encoded(self) -> None:
        form = {"a": "1 & 2 = 3", "b": "h\u00e9", "empty": ""}
        request = self.received(method="POST", form=form)
        self.assertEqual(dict(parse_qsl(request["body"], keep_blank_values=True)), form)
        self.assertNotIn(" ", request["body"])
        self.assertEqual(header_values(request, "content-type"),
                         ["application/x-www-form-urlencoded"])

    def test_a_content_type_of_the_client_wins(self) -> None:
        self.assert_body(b"{}", "application/vnd.acme+json", json={},
                         headers={"content-type": "application/vnd.acme+json"})

    def test_an_empty_body_is_a_body(self) -> None:
        self.assert_body(b"", body="")

    def test_a_megabyte_arrives_whole(self) -> None:
        big = "0123456789abcdef" * 65536
        self.assert_body(big.encode(), body=big)

    def test_sent_bytes_counts_head_and_body(self) -> None:
        result = self.fetch(self.origin.url("/echo"), method="POST", body="x" * 1000)
        self.assertGreater(result["request"]["sent_bytes"], 1000)
        self.assertLess(result["request"]["sent_bytes"], 2000)

    def test_bodies_of_reused_connections_do_not_mix(self) -> None:
        requests = [{"url": self.origin.url(f"/echo?{n}"), "method": "POST", "body": "b" * n}
                    for n in range(20)]
        self.results(requests, limits={"concurrency": 1})
        self.assertEqual([r["body_bytes"] for r in self.origin.requests()], list(range(20)))
