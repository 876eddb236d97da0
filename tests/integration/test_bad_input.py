"""Bodies the API must refuse: each a 4xx problem that names where and what."""

from __future__ import annotations

import json

from harness import GatherdTest, Json
from patience import PATIENCE

GATHER = "/v1/gather"
URL = "http://127.0.0.1:9/"


class SyntaxTest(GatherdTest):
    """What is not JSON, or not JSON we take: 400."""

    def assert_refused(self, body: bytes | str, *words: str) -> None:
        for path in (GATHER, "/v1/jobs"):
            problem = self.assert_problem(self.post(path, body), 400)
            for word in words:
                self.assertIn(word, json.dumps(problem))

    def test_what_is_not_json_is_refused(self) -> None:
        for body in ("nonsense", "{", "[", '["http://127.0.0.1/"', '{"requests": [}', "{'a': 1}",
                     "[1,]", "{,}", '["\n"]', '["\\x"]', '["\\ud800"]', "[tru]", "[+1]", "[01]",
                     "[.5]", "[NaN]", "[Infinity]", "// comment\n[]"):
            with self.subTest(body=body):
                self.assert_refused(body)

    def test_an_empty_body_is_refused(self) -> None:
        for body in ("", " \n"):
            with self.subTest(body=body):
                self.assert_refused(body)

    def test_trailing_garbage_is_refused(self) -> None:
        for tail in ("x", "[]", "]", "\0", " {}"):
            with self.subTest(tail=tail):
                self.assert_refused(f'["{URL}"]{tail}')

    def test_a_syntax_error_says_where(self) -> None:
        self.assert_refused(f'["{URL}",\n"{URL}",\n oops]', "3")

    def test_duplicate_keys_are_refused_by_name(self) -> None:
        self.assert_refused(f'{{"requests": [], "requests": ["{URL}"]}}', "requests")
        self.assert_refused(f'[{{"url": "{URL}", "method": "GET", "method": "PUT"}}]', "method")
        self.assert_refused(f'[{{"url": "{URL}", "method": "GET", "m\\u0065thod": "PUT"}}]')

    def test_bad_utf_8_is_refused(self) -> None:
        for bad in (b"\xff", b"\xc0\xaf", b"\xe2\x82", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
                    b"\xfe\xff"):
            with self.subTest(bad=bad):
                self.assert_refused(b'["http://127.0.0.1/' + bad + b'"]')

    def test_a_raw_nul_is_refused(self) -> None:
        self.assert_refused(b'["http://127.0.0.1/\0"]')
        self.assert_refused(b'\0["http://127.0.0.1/"]')

    def test_an_escaped_nul_is_refused_wherever_it_is(self) -> None:
        for request in ('{"url": "http://a\\u0000b/"}', f'{{"url": "{URL}", "method": "M\\u0000"}}',
                        f'{{"u\\u0000rl": "{URL}"}}',
                        f'{{"url": "{URL}", "headers": {{"X-A": "a\\u0000b"}}}}',
                        f'{{"url": "{URL}", "headers": {{"X\\u0000A": "b"}}}}'):
            with self.subTest(request=request):
                reply = self.post(GATHER, f"[{request}]")
                self.assertIn(reply.status, (400, 422))
                self.assert_problem(reply, reply.status)

    def test_a_depth_of_10_000_is_refused(self) -> None:
        for opening, closing in (("[", "]"), ('{"a":', "}")):
            for body in (opening * 10000, opening * 10000 + "1" + closing * 10000):
                with self.subTest(body=body[:10]):
                    self.assert_refused(body)

    def test_brackets_in_strings_are_not_depth(self) -> None:
        reply = self.post(GATHER, [{"url": self.origin.url("/echo"), "method": "POST",
                                    "body": "[{" * 10000}])
        self.assertEqual(reply.status, 200, reply.body[:300])

    def test_an_unparsable_body_of_another_type_is_refused(self) -> None:
        for content_type in ("application/x-www-form-urlencoded", "application/xml", "image/png"):
            with self.subTest(content_type=content_type):
                reply = self.post(GATHER, "<a/>", content_type=content_type)
                self.assertIn(reply.status, (400, 415))
                self.assert_problem(reply, reply.status)

    def test_an_unknown_content_encoding_is_refused(self) -> None:
        reply = self.post(GATHER, [URL], "-H", "Content-Encoding: zebra")
        self.assert_problem(reply, 415)

    def test_ndjson_says_which_line_is_bad(self) -> None:
        reply = self.post(GATHER, f'"{URL}"\n"{URL}"\noops\n', content_type="application/x-ndjson")
        self.assertIn("3", json.dumps(self.assert_problem(reply, 400)["detail"]))


class ContentTest(GatherdTest):
    """Valid JSON, invalid content: 422 with a JSON Pointer for each error."""

    def refuse(self, body: Json, pointer: str, *words: str) -> Json:
        error = self.assert_problem(self.post(GATHER, body), 422, pointer)
        for word in words:
            self.assertIn(word, error["detail"])
        self.assertEqual(self.origin.requests(), [])
        return error

    def refuse_request(self, pointer: str, *words: str, **members: Json) -> Json:
        """A gather whose second request is wrong, at a pointer below that request."""
        requests = [self.origin.url("/never"), {"url": self.origin.url("/never"), **members}]
        return self.refuse({"requests": requests}, "/requests/1" + pointer, *words)

    def test_unknown_members_get_a_suggestion(self) -> None:
        request = {"url": URL}
        table: list[tuple[Json, str, str]] = [
            ({"requsts": [URL]}, "/requsts", "requests"),
            ({"requests": [URL], "dedline_ms": 1}, "/dedline_ms", "deadline_ms"),
            ({"requests": [URL], "Limits": {}}, "/Limits", "limits"),
            ({"requests": [URL], "limits": {"concurency": 1}}, "/limits/concurency", "concurrency"),
            ({"requests": [URL], "gather": {"untill": "all"}}, "/gather/untill", "until"),
            ({"requests": [URL], "defaults": {"timeout": 5}}, "/defaults/timeout", "timeout_ms"),
            ({"requests": [{**request, "metod": "PUT"}]}, "/requests/0/metod", "method"),
            ({"requests": [{**request, "capture": {"bdy": ""}}]}, "/requests/0/capture/bdy",
             "body"),
            ([{**request, "header": {}}], "/0/header", "headers"),
        ]
        for body, pointer, suggestion in table:
            with self.subTest(pointer=pointer):
                detail = self.refuse(body, pointer)["detail"]
                self.assertIn(suggestion, detail)

    def test_nonsense_gets_no_suggestion(self) -> None:
        self.assertNotIn("did you mean", self.refuse_request("/zzzzzz", zzzzzz=1)["detail"].lower())

    def test_wrong_types_are_refused_where_they_are(self) -> None:
        table: list[tuple[dict[str, Json], str]] = [
            ({"url": 5}, "/url"), ({"url": None}, "/url"), ({"url": [URL]}, "/url"),
            ({"id": 5}, "/id"), ({"method": 7}, "/method"), ({"headers": []}, "/headers"),
            ({"headers": {"X-A": 1}}, "/headers/X-A"),
            ({"headers": {"X-A": ["ok", {}]}}, "/headers/X-A/1"),
            ({"body": 5}, "/body"), ({"form": "a=1"}, "/form"), ({"repeat": "5"}, "/repeat"),
            ({"timeout_ms": "5"}, "/timeout_ms"), ({"follow_redirects": "yes"},
                                                   "/follow_redirects"),
            ({"capture": "none"}, "/capture"), ({"capture": {"headers": "etag"}},
                                                "/capture/headers"),
        ]
        for members, pointer in table:
            with self.subTest(members=members):
                self.refuse_request(pointer, **members)

    def test_a_request_is_a_string_or_an_object(self) -> None:
        for value in (5, None, True, [], [URL]):
            with self.subTest(value=value):
                self.refuse({"requests": [URL, value]}, "/requests/1")
                self.refuse([value], "/0")

    def test_a_gather_is_an_array_or_an_object(self) -> None:
        for body in ("5", "null", "true", '"text"'):
            with self.subTest(body=body):
                self.refuse(body, "")

    def test_wrong_types_of_the_whole_are_refused(self) -> None:
        table: list[tuple[str, Json, str]] = [
            ("requests", {}, "/requests"), ("requests", URL, "/requests"),
            ("defaults", [], "/defaults"), ("limits", 5, "/limits"), ("gather", "all", "/gather"),
            ("deadline_ms", "1", "/deadline_ms"), ("labels", ["a"], "/labels"),
            ("labels", {"a": 5}, "/labels/a"), ("name", 5, "/name"),
        ]
        for member, value, pointer in table:
            with self.subTest(member=member, value=value):
                self.refuse({"requests": [URL], member: value}, pointer)

    def test_numbers_out_of_range_are_refused(self) -> None:
        for member in ("timeout_ms", "connect_timeout_ms", "first_byte_timeout_ms",
                       "idle_timeout_ms", "queue_timeout_ms", "max_redirects"):
            for value in (-1, -0.001, 1e300, 2**63 - 1):
                with self.subTest(member=member, value=value):
                    self.refuse_request(f"/{member}", **{member: value})

    def test_limits_out_of_range_are_refused(self) -> None:
        for limits, pointer in (({"concurrency": 0}, "/limits/concurrency"),
                                ({"concurrency": 1.5}, "/limits/concurrency"),
                                ({"per_host_concurrency": -1}, "/limits/per_host_concurrency"),
                                ({"per_host_rate": 5}, "/limits/per_host_rate"),
                                ({"per_host_rate": {"requests": 0, "per_ms": 1}},
                                 "/limits/per_host_rate/requests"),
                                ({"per_host_rate": {"requests": 1, "per_ms": 0}},
                                 "/limits/per_host_rate/per_ms")):
            with self.subTest(limits=limits):
                self.refuse({"requests": [URL], "limits": limits}, pointer)

    def test_unknown_policies_are_refused(self) -> None:
        for gather, pointer in (({"until": "some"}, "/gather/until"),
                                ({"until": 1}, "/gather/until"),
                                ({"until": {"successes": 0}}, "/gather/until/successes"),
                                ({"until": {"sucesses": 1}}, "/gather/until/sucesses"),
                                ({"on_failure": "panic"}, "/gather/on_failure")):
            with self.subTest(gather=gather):
                self.refuse({"requests": [URL], "gather": gather}, pointer)

    def test_repetitions_out_of_range_are_refused(self) -> None:
        self.refuse_request("/repeat", repeat=0)
        self.refuse_request("/repeat", repeat=-3)
        self.refuse_request("/repeat/count", repeat={"count": 0})
        self.refuse_request("/repeat/interval_ms", repeat={"count": 2, "interval_ms": -1})

    def test_a_request_needs_a_url(self) -> None:
        self.refuse([{"method": "GET"}], "/0/url")

    def test_requests_and_urls_exclude_each_other(self) -> None:
        reply = self.post(GATHER, {"requests": [URL], "urls": [URL]})
        self.assert_problem(reply, 422)

    def test_a_gather_needs_requests(self) -> None:
        self.assert_problem(self.post(GATHER, {}), 422)

    def test_impossible_urls_are_refused(self) -> None:
        for url in ("", " ", "nonsense", "/path", "//host/", "http:", "http://", "http:///path",
                    "http://:80/", "http://127.0.0.1:99999/", "http://127.0.0.1:-1/",
                    "http://127.0.0.1:80x/", "http://[::1", "http://[zz]/", "http://a b/",
                    "http://a/\r\nX: 1", "http://a/\tb", "http://256.0.0.1/", "http://a..b/",
                    "http://" + "a" * 64 + ".test/", "http://" + "a." * 130 + "test/",
                    "http://a/" + "x" * 100000, "http://a\\@b/"):
            with self.subTest(url=url[:40]):
                self.refuse_request("/url", url=url)
                self.refuse([URL, url], "/1")

    def test_other_schemes_are_refused(self) -> None:
        for scheme in ("ftp", "file", "gopher", "dict", "ldap", "smb", "telnet", "tftp", "ws",
                       "javascript", "data", "about", "httpx"):
            with self.subTest(scheme=scheme):
                error = self.refuse_request("/url", url=f"{scheme}://127.0.0.1/x")
                self.assertEqual(error["code"], "unsupported_scheme")

    def test_methods_that_are_no_tokens_are_refused(self) -> None:
        for method in ("", " ", "GET ", "GE T", "GET\r\nX: 1", "G\u00c9T", "M" * 33, "G,T"):
            with self.subTest(method=method):
                self.refuse_request("/method", method=method)

    def test_header_injection_is_refused(self) -> None:
        for value in ("a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rb", "\r\n\r\nGET / HTTP/1.1"):
            with self.subTest(value=value):
                self.refuse_request("/headers/X-A", headers={"X-A": value})
                self.refuse_request("/headers/X-A/1", headers={"X-A": ["ok", value]})

    def test_header_names_are_tokens(self) -> None:
        for name in ("", " ", "X A", "X:A", "X\r\nY", "X-\u00c9", "(X)", "X-A "):
            with self.subTest(name=name):
                self.refuse_request(f"/headers/{name}", headers={name: "1"})

    def test_pointers_are_escaped(self) -> None:
        self.refuse_request("/headers/a~1b~0c", headers={"a/b~c": "1"})

    def test_headers_that_frame_messages_are_refused(self) -> None:
        for name in ("Content-Length", "transfer-encoding", "CONNECTION", "Upgrade", "TE",
                     "Trailer", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization",
                     "proxy-foo"):
            with self.subTest(name=name):
                self.refuse_request(f"/headers/{name}", headers={name: "1"})

    def test_a_request_has_a_host(self) -> None:
        self.refuse_request("/headers/Host", headers={"Host": None})

    def test_a_gather_has_no_query_parameters(self) -> None:
        problem = self.assert_problem(self.post(f"{GATHER}?timeout_ms=5", [URL]), 400)
        self.assertEqual(problem["code"], "unknown_parameter")
        self.assertIn("timeout_ms", problem["detail"])

    def test_defaults_are_checked_like_requests(self) -> None:
        self.refuse({"requests": [URL], "defaults": {"headers": {"X-A": "\n"}}},
                    "/defaults/headers/X-A")
        self.refuse({"requests": [URL], "defaults": {"timeout_ms": -1}}, "/defaults/timeout_ms")

    def test_two_bodies_are_refused(self) -> None:
        reply = self.post(GATHER, [{"url": URL, "method": "POST", "body": "a", "json": {}}])
        pointers = [e["pointer"] for e in self.assert_problem(reply, 422)["errors"]]
        self.assertTrue({"/0", "/0/body", "/0/json"} & set(pointers), pointers)

    def test_bad_base64_is_refused(self) -> None:
        for value in ("*", "a", "YQ==YQ==", "YQ=", "Y Q ="):
            with self.subTest(value=value):
                self.refuse_request("/body_base64", method="POST", body_base64=value)

    def test_a_gather_calls_nobody_back(self) -> None:
        error = self.refuse({"requests": [URL], "callback": {"url": URL}}, "/callback")
        self.assertEqual(error["code"], "not_supported")
        self.assertIn("POST /v1/jobs", error["detail"])

    def test_options_are_checked_to_the_last_member(self) -> None:
        table: list[tuple[dict[str, Json], str, str]] = [
            ({"auth": {"type": "basic", "password": "p"}}, "/auth/username", "missing_member"),
            ({"auth": {"type": "bearer", "token": "t", "secret_ref": "s"}}, "/auth/secret_ref",
             "unknown_reference"),
            ({"tls": {"verify": "no"}}, "/tls/verify", "wrong_type"),
            ({"tls": {"ca_ref": "nobody"}}, "/tls/ca_ref", "unknown_reference"),
            ({"http_version": "3"}, "/http_version", "invalid_value"),
            ({"http_version": "2"}, "", "conflicting_members"),
            ({"ip_version": 4}, "/ip_version", "wrong_type"),
            ({"resolve": ["a:80"]}, "/resolve/0", "invalid_value"),
            ({"proxy": "http://127.0.0.1:3128"}, "/proxy", "unknown_reference"),
            ({"retry": {"max_attempts": 11}}, "/retry/max_attempts", "out_of_range"),
            ({"retry": {"on": ["conect"]}}, "/retry/on/0", "invalid_value"),
            ({"retry": {"backoff_ms": 9999}}, "/retry", "conflicting_members"),
            ({"expect": {"status": "2xy"}}, "/expect/status", "invalid_value"),
            ({"expect": {"total_ms": {"below": 5}}}, "/expect/total_ms/below", "unknown_member"),
            ({"expect": {"json": [{"pointer": "a", "equals": 1}]}}, "/expect/json/0/pointer",
             "invalid_value"),
            ({"expect": {"header": [{"name": "x"}]}}, "/expect/header/0", "missing_member"),
            ({"capture": {"hash": "md5"}}, "/capture/hash", "invalid_value"),
        ]
        for members, pointer, code in table:
            with self.subTest(members=members):
                self.assertEqual(self.refuse_request(pointer, **members)["code"], code)

    def test_inline_credentials_are_repeated_by_no_error(self) -> None:
        for members in ({"auth": {"type": "bearer", "token": "hunter2\n"}},
                        {"auth": {"type": "basic", "username": "u:hunter2", "password": "x"}},
                        {"auth": {"type": "bearer", "secret_ref": "hunter2"}},
                        {"auth": {"type": "basic", "username": "u", "password": "hunter2"},
                         "headers": {"Authorization": "hunter2"}},
                        {"proxy": "http://u:hunter2@127.0.0.1:3128"}):
            with self.subTest(members=members):
                reply = self.post(GATHER, [{"url": URL, **members}])
                self.assert_problem(reply, 422)
                self.assertNotIn(b"hunter2", reply.body)

    def test_weight_and_cookies_are_of_the_batch(self) -> None:
        self.refuse({"requests": [URL], "weight": 101}, "/weight", "100")
        self.refuse({"requests": [URL], "cookies": "yes"}, "/cookies", "true or false")
        self.refuse_request("/weight", weight=5)


class ManyErrorsTest(GatherdTest):
    settings = [*GatherdTest.settings, "api.max_items=20000"]

    def test_all_errors_are_reported_at_once(self) -> None:
        requests = [{"url": "ftp://x/"}, URL, {"url": URL, "method": "A B", "timeout_ms": -1}]
        reply = self.post(GATHER, {"requests": requests, "deadline_ms": "x"})
        pointers = {e["pointer"] for e in self.assert_problem(reply, 422)["errors"]}
        self.assertEqual(pointers, {"/requests/0/url", "/requests/2/method",
                                    "/requests/2/timeout_ms", "/deadline_ms"})

    def test_every_error_has_pointer_code_and_detail(self) -> None:
        reply = self.post(GATHER, [1, "ftp://x/", {"url": URL, "x": 1}])
        for error in self.assert_problem(reply, 422)["errors"]:
            self.assertEqual(set(error), {"pointer", "code", "detail"})
            self.assertRegex(error["code"], r"^[a-z0-9_]+$")
            self.assertTrue(error["detail"])

    def test_of_10_000_errors_the_first_100_are_reported(self) -> None:
        reply = self.post(GATHER, [5] * 10000)
        errors = self.assert_problem(reply, 422)["errors"]
        self.assertEqual([e["pointer"] for e in errors], [f"/{n}" for n in range(100)])
        self.assertLess(reply.seconds, 1 * PATIENCE)

    def test_huge_values_are_not_echoed_whole(self) -> None:
        for request in ({"url": "x" * 500000}, {"url": URL, "m" * 500000: 1},
                        {"url": URL, "method": "m" * 500000}):
            reply = self.post(GATHER, [request] * 3)
            self.assert_problem(reply, 422)
            self.assertLess(len(reply.body), 100000)
