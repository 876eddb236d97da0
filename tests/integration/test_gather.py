"""POST /v1/gather: every way to say what to fetch, and the shape of the answer."""

from __future__ import annotations

import json

from harness import CAPTURE_BODY, GatherdTest, captured, curl
from servers import header_values, refused_url

OUTCOMES = ("success", "http_error", "assertion_failed", "transport_error", "blocked",
            "interrupted", "canceled", "skipped")


class ShorthandTest(GatherdTest):
    """The same gather, said in different ways."""

    def urls(self) -> list[str]:
        return [self.origin.url("/bytes/1"), self.origin.url("/bytes/2")]

    def assert_gathered(self, body: object, content_type: str = "application/json") -> None:
        reply = self.post("/v1/gather", body, content_type=content_type)
        self.assertEqual(reply.status, 200, reply.body)
        self.assertEqual(reply.header("content-type"), "application/json")
        answer = reply.json()
        self.assertEqual(answer["object"], "gather")
        self.assertEqual([r["request"]["url"] for r in answer["results"]], self.urls())
        self.assert_outcomes(answer["results"], ["success"] * 2)

    def test_a_bare_array_of_urls_is_a_gather(self) -> None:
        self.assert_gathered(self.urls())

    def test_a_bare_array_of_objects_is_a_gather(self) -> None:
        self.assert_gathered([{"url": url} for url in self.urls()])

    def test_urls_and_objects_may_be_mixed(self) -> None:
        one, two = self.urls()
        self.assert_gathered([one, {"url": two}])
        self.assert_gathered({"requests": [{"url": one}, two]})

    def test_urls_member_is_a_shorthand_for_requests(self) -> None:
        self.assert_gathered({"urls": self.urls()})

    def test_requests_member_holds_requests(self) -> None:
        self.assert_gathered({"requests": self.urls()})

    def test_name_and_labels_are_accepted(self) -> None:
        self.assert_gathered({"urls": self.urls(), "name": "nightly", "labels": {"team": "web"}})

    def test_json_is_json_whatever_its_type_says(self) -> None:
        for content_type in ("application/json", "application/json; charset=utf-8", "text/plain",
                             "application/x-www-form-urlencoded", "application/octet-stream",
                             "application/xml", ""):
            with self.subTest(content_type=content_type):
                self.assert_gathered(self.urls(), content_type)

    def test_plain_curl_d_works(self) -> None:
        reply = curl("-d", json.dumps(self.urls()), self.gatherd.base + "/v1/gather")
        self.assertEqual(reply.status, 200, reply.body)
        self.assert_outcomes(reply.json()["results"], ["success"] * 2)

    def test_json_may_have_white_space_around_it(self) -> None:
        self.assert_gathered(f"\r\n\t {json.dumps(self.urls(), indent=2)} \n")

    def test_json_escapes_are_understood(self) -> None:
        escaped = json.dumps(self.urls()).replace("/", "\\/").replace("h", "\\u0068")
        self.assert_gathered(escaped)

    def test_ndjson_is_one_request_a_line(self) -> None:
        one, two = self.urls()
        lines = json.dumps({"url": one}) + "\n" + json.dumps({"url": two}) + "\n"
        self.assert_gathered(lines, "application/x-ndjson")

    def test_ndjson_lines_may_be_bare_urls_and_end_without_newline(self) -> None:
        one, two = self.urls()
        self.assert_gathered(json.dumps(one) + "\r\n" + json.dumps({"url": two}),
                             "application/x-ndjson")

    def test_a_url_list_is_one_url_a_line(self) -> None:
        text = "# a comment\r\n{}\r\n\r\n{}\r\n".format(*self.urls())
        for content_type in ("text/uri-list", "text/plain", "text/plain; charset=utf-8"):
            with self.subTest(content_type=content_type):
                self.assert_gathered(text, content_type)
                self.assert_gathered(text.replace("\r", "").rstrip("\n"), content_type)

    def test_a_single_url_is_a_list(self) -> None:
        reply = self.post("/v1/gather", self.urls()[0], content_type="text/plain")
        self.assertEqual(reply.status, 200, reply.body)
        self.assert_outcomes(reply.json()["results"], ["success"])


class DefaultsTest(GatherdTest):
    """What every request of a gather has in common."""

    def headers(self, default: object, own: object) -> list[list[str]]:
        """The X- headers the origin got, names in lower case."""
        self.results([{"url": self.origin.url("/echo"), "headers": own}],
                     defaults={"headers": default})
        received = self.origin.requests()[-1]["headers"]
        return [[name.lower(), value] for name, value in received if name.lower().startswith("x-")]

    def test_a_default_is_used_where_the_request_says_nothing(self) -> None:
        requests = [self.origin.url("/1"), {"url": self.origin.url("/2"), "method": "DELETE"}]
        self.results(requests, defaults={"method": "PUT"})
        methods = {r["target"]: r["method"] for r in self.origin.requests()}
        self.assertEqual(methods, {"/1": "PUT", "/2": "DELETE"})

    def test_headers_merge_without_regard_to_case(self) -> None:
        self.assertEqual(sorted(self.headers({"X-One": "default", "X-Two": "default"},
                                             {"x-ONE": "own", "X-Three": "own"})),
                         [["x-one", "own"], ["x-three", "own"], ["x-two", "default"]])

    def test_null_removes_a_default_header(self) -> None:
        self.assertEqual(self.headers({"X-One": "1", "X-Two": "2"}, {"x-one": None}),
                         [["x-two", "2"]])

    def test_an_array_replaces_a_default_array(self) -> None:
        self.assertEqual(self.headers({"X-One": ["a", "b"]}, {"X-One": ["c", "d"]}),
                         [["x-one", "c"], ["x-one", "d"]])

    def test_objects_merge_deeply(self) -> None:
        request = {"url": self.origin.url("/bytes/2000"), "capture": {"max_body_bytes": 10}}
        default = {"body": CAPTURE_BODY, "max_body_bytes": 1000}
        result = self.results([request], defaults={"capture": default})[0]
        self.assertEqual(captured(result), bytes(range(10)))

    def test_a_request_can_turn_a_default_off(self) -> None:
        requests = [{"url": self.origin.url("/redirect/1"), "follow_redirects": True},
                    self.origin.url("/redirect/1")]
        results = self.results(requests, defaults={"follow_redirects": False})
        self.assertEqual([r["status_code"] for r in results], [200, 302])


class AnswerTest(GatherdTest):
    """What the answer as a whole says."""

    def test_results_are_in_the_order_asked_not_the_order_finished(self) -> None:
        paths = ["/slow?ms=150", "/slow?ms=80", "/slow?ms=10", "/"]
        results = self.results([self.origin.url(path) for path in paths])
        self.assertEqual([r["index"] for r in results], [0, 1, 2, 3])
        self.assertEqual([r["request"]["url"] for r in results],
                         [self.origin.url(path) for path in paths])
        by_finish = sorted(results, key=lambda r: r["seq"])
        self.assertEqual([r["index"] for r in by_finish], [3, 2, 1, 0])

    def test_an_id_comes_back_with_its_result(self) -> None:
        results = self.results([{"id": "first", "url": self.origin.url()}, self.origin.url()])
        self.assertEqual([r["id"] for r in results], ["first", None])

    def test_the_same_url_twice_is_two_requests(self) -> None:
        self.results([self.origin.url("/twice")] * 2)
        self.assertEqual(self.origin.targets(), ["/twice"] * 2)

    def test_targets_never_change_the_status_of_the_answer(self) -> None:
        results = self.results([refused_url(), refused_url(), self.origin.url("/status/500")])
        self.assert_outcomes(results, ["transport_error", "transport_error", "http_error"])

    def test_counts_add_up(self) -> None:
        paths = ["/", "/status/204", "/status/404", "/status/500", "/close"]
        answer = self.gather([self.origin.url(path) for path in paths])
        counts = answer["counts"]
        self.assertEqual({name: counts[name] for name in OUTCOMES if counts[name]},
                         {"success": 2, "http_error": 2, "transport_error": 1})
        self.assertEqual((counts["total"], counts["finished"]), (5, 5))
        self.assertEqual((counts["queued"], counts["running"], counts["retried"]), (0, 0, 0))

    def test_stats_sum_up_the_results(self) -> None:
        paths = ["/slow?ms=60", "/bytes/1000", "/status/404", "/close"]
        answer = self.gather([self.origin.url(path) for path in paths])
        stats = answer["stats"]
        self.assertEqual(stats["status"], {"200": 2, "404": 1})
        self.assertEqual(stats["errors"], {"empty_reply": 1})
        self.assertGreaterEqual(stats["received_bytes"], 1000)
        total = stats["total_ms"]
        ascending = [total[name] for name in ("min", "p50", "p90", "p99", "max")]
        self.assertEqual(ascending, sorted(ascending))
        self.assertGreaterEqual(total["max"], 60)
        self.assertTrue(total["min"] <= total["mean"] <= total["max"])

    def test_elapsed_is_what_the_client_waited(self) -> None:
        reply = self.post("/v1/gather", [self.origin.url("/slow?ms=150")])
        elapsed_ms = reply.json()["elapsed_ms"]
        self.assertGreaterEqual(elapsed_ms, 150)
        self.assertLessEqual(elapsed_ms, reply.seconds * 1000)

    def test_no_request_takes_longer_than_the_gather(self) -> None:
        for _ in range(20):
            answer = self.gather([self.origin.url("/bytes/1")])
            self.assertGreaterEqual(answer["elapsed_ms"],
                                    answer["results"][0]["timings"]["elapsed_ms"])

    def test_a_thousand_requests_keep_their_order(self) -> None:
        urls = [self.origin.url(f"/status/{200 + i % 5}?n={i}") for i in range(1000)]
        results = self.results(urls)
        self.assertEqual([r["request"]["url"] for r in results], urls)
        self.assertEqual([r["status_code"] for r in results], [200 + i % 5 for i in range(1000)])
        self.assertEqual(sorted(self.origin.targets()),
                         sorted(url.removeprefix(self.origin.base) for url in urls))

    def test_every_origin_is_asked_only_what_was_asked(self) -> None:
        self.results([{"url": self.origin.url("/only"), "headers": {"X-Mark": "1"}}])
        request, = self.origin.requests()
        self.assertEqual(header_values(request, "host"), [f"127.0.0.1:{self.origin.port}"])
        self.assertEqual(header_values(request, "x-mark"), ["1"])
        self.assertEqual(header_values(request, "content-length"), [])
