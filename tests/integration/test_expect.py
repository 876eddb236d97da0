"""Expectations: what a client says a response should be, and what it hears if it is not."""

from __future__ import annotations

import json

from harness import GatherdTest, Json, captured


class ExpectTest(GatherdTest):
    def judged(self, path: str, expect: Json, **members: Json) -> Json:
        return self.fetch(self.origin.url(path), expect=expect, **members)

    def assert_judged(self, path: str, expect: Json, outcome: str, **members: Json) -> Json:
        result = self.judged(path, expect, **members)
        self.assertEqual(result["outcome"], outcome, result["expect"])
        self.assertEqual(result["ok"], outcome == "success")
        return result

    def test_without_expectations_there_is_no_verdict(self) -> None:
        self.assertIsNone(self.fetch(self.origin.url("/json"))["expect"])

    def test_the_status_decides_between_success_and_http_error(self) -> None:
        for status, expected, outcome in ((404, [404], "success"), (200, [404], "http_error"),
                                          (204, ["2xx"], "success"), (302, ["2xx"], "http_error"),
                                          (503, ["2xx", "5xx"], "success")):
            with self.subTest(status=status, expected=expected):
                self.assert_judged(f"/status/{status}", {"status": expected}, outcome)

    def test_every_other_check_can_fail_the_assertion(self) -> None:
        table = [
            ({"body": {"contains": "ok"}}, True), ({"body": {"contains": "nowhere"}}, False),
            ({"header": [{"name": "Content-Type", "contains": "json"}]}, True),
            ({"header": [{"name": "content-type", "equals": "text/html"}]}, False),
            ({"json": [{"pointer": "/status", "equals": "ok"}]}, True),
            ({"json": [{"pointer": "/items/2", "equals": 3}]}, True),
            ({"json": [{"pointer": "/status", "equals": "bad"}]}, False),
            ({"json": [{"pointer": "/nowhere", "exists": True}]}, False),
            ({"json": [{"pointer": "/nowhere", "exists": False}]}, True),
            ({"total_ms": {"lt": 60000}}, True), ({"total_ms": {"lt": 0.001}}, False),
            ({"tls_expires_in_ms": {"gt": 1}}, False),
        ]
        for expect, holds in table:
            with self.subTest(expect=expect):
                outcome = "success" if holds else "assertion_failed"
                result = self.assert_judged("/json", expect, outcome)
                self.assertEqual((result["expect"]["passed"], result["expect"]["failed"]),
                                 (1, 0) if holds else (0, 1))
                self.assertEqual(len(result["expect"]["failures"]), 0 if holds else 1)
                self.assertIsNone(result["error"])

    def test_an_unexpected_status_comes_before_failed_checks(self) -> None:
        result = self.assert_judged("/status/500", {"body": {"contains": "nowhere"}}, "http_error")
        self.assertEqual(result["expect"]["failed"], 1)

    def test_a_body_that_only_a_check_needs_is_not_shown(self) -> None:
        result = self.assert_judged("/json", {"body": {"contains": "ok"}}, "success")
        self.assertEqual(result["body"]["encoding"], "none")
        self.assertNotIn("data", result["body"])
        self.assertFalse(result["body"]["truncated"])
        self.assertGreater(result["body"]["decoded_bytes"], 0)

    def test_a_body_that_was_asked_for_is_shown_as_well(self) -> None:
        result = self.assert_judged("/json", {"body": {"contains": "ok"}}, "success",
                                    capture={"body": "full"})
        self.assertEqual(json.loads(captured(result))["status"], "ok")

    def test_a_check_sees_as_much_of_the_body_as_may_be_kept(self) -> None:
        expect = {"json": [{"pointer": "/status", "equals": "ok"}]}
        self.assert_judged("/json", expect, "assertion_failed", capture={"max_body_bytes": 10})

    def test_a_large_document_is_judged_without_holding_others_up(self) -> None:
        body = json.dumps([{"n": n, "text": "x" * 50} for n in range(8000)])
        expect = {"json": [{"pointer": "/method", "equals": "POST"},
                           {"pointer": "/body", "contains": '"n": 7999'}]}
        requests = [{"url": self.origin.url("/echo"), "method": "POST", "body": body,
                     "expect": expect}] * 4 + [self.origin.url("/json")] * 20
        self.assert_outcomes(self.results(requests), ["success"] * 24)

    def test_what_has_no_response_is_not_judged(self) -> None:
        result = self.fetch(self.origin.url("/close"), method="POST",
                            expect={"body": {"contains": "x"}})
        self.assertEqual(result["outcome"], "transport_error")

    def test_a_failed_assertion_ends_a_gather_that_asks_for_it(self) -> None:
        first = {"url": self.origin.url("/json"), "expect": {"body": {"contains": "nowhere"}}}
        results = self.results([first, self.origin.url("/hang")],
                               gather={"on_failure": "cancel_rest"})
        self.assert_outcomes(results, ["assertion_failed", "canceled"])

    def test_a_failed_assertion_is_no_success_for_a_quorum(self) -> None:
        first = {"url": self.origin.url("/json"), "expect": {"body": {"contains": "nowhere"}}}
        results = self.results([first, self.origin.url("/json")], limits={"concurrency": 1},
                               gather={"until": "first_success"})
        self.assert_outcomes(results, ["assertion_failed", "success"])
