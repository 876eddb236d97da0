"""Cookies: none by default, a jar for the items of a job that asks for it."""

from __future__ import annotations

from harness import GatherdTest, Json
from servers import Origin, header_values


class CookieTest(GatherdTest):
    zone = {"www.example.test": {"A": ["127.0.0.1"]}, "other.test": {"A": ["127.0.0.1"]}}

    def sent(self, *requests: Json, **members: Json) -> list[list[str]]:
        """The Cookie headers of the requests that arrive, one request after the other."""
        self.results(list(requests), limits={"concurrency": 1}, **members)
        return [header_values(r, "cookie") for r in self.origin.requests()]

    def test_without_a_jar_nothing_is_kept(self) -> None:
        self.assertEqual(self.sent(self.origin.url("/set-cookie"), self.origin.url("/echo")),
                         [[], []])

    def test_a_jar_keeps_what_an_origin_sets(self) -> None:
        sent = self.sent(self.origin.url("/set-cookie"), self.origin.url("/echo"), cookies=True)
        self.assertEqual(sent[0], [])
        self.assertEqual(sorted(sent[1][0].split("; ")), ["a=1", "b=2"])

    def test_a_jar_ends_with_its_job(self) -> None:
        self.sent(self.origin.url("/set-cookie"), cookies=True)
        self.origin.log.mark()
        self.assertEqual(self.sent(self.origin.url("/echo"), cookies=True), [[]])

    def test_jars_of_two_jobs_are_two(self) -> None:
        self.assertEqual(self.sent(self.origin.url("/headers?Set-Cookie=one=1"),
                                   self.origin.url("/echo"), cookies=True)[1], ["one=1"])
        self.origin.log.mark()
        self.assertEqual(self.sent(self.origin.url("/headers?Set-Cookie=two=2"),
                                   self.origin.url("/echo"), cookies=True)[1], ["two=2"])

    def test_other_hosts_get_none(self) -> None:
        sent = self.sent(self.origin.url("/set-cookie", "www.example.test"),
                         self.origin.url("/echo", "other.test"),
                         self.origin.url("/echo", "www.example.test"), cookies=True)
        self.assertEqual(sent[1], [])
        self.assertEqual(len(sent[2]), 1)

    def test_cookies_go_along_with_redirects(self) -> None:
        location = "%2Fecho"
        sent = self.sent(self.origin.url(f"/headers?Set-Cookie=a=1&Location={location}"),
                         self.origin.url("/redirect-to?url=/echo"), cookies=True)
        self.assertEqual(sent[1:], [["a=1"], ["a=1"]])

    def test_with_a_jar_a_circle_ends_by_its_length(self) -> None:
        request = {"url": self.origin.url("/circle-a"), "max_redirects": 6}
        result, = self.results([request], cookies=True)
        self.assert_error(result, "transport_error", "too_many_redirects")
        self.assertEqual(len(self.origin.requests()), 7)

    def test_a_retry_brings_the_cookies(self) -> None:
        sent = self.sent(self.origin.url("/headers?Set-Cookie=a=1"),
                         {"url": self.origin.url("/flaky/cookie"), "retry": {"backoff_ms": 1}},
                         cookies=True)
        self.assertEqual(sent, [[], ["a=1"], ["a=1"]])

    def test_another_port_of_the_host_gets_them_as_rfc_6265_says(self) -> None:
        with Origin() as neighbour:
            self.results([self.origin.url("/headers?Set-Cookie=a=1"), neighbour.url("/echo")],
                         limits={"concurrency": 1}, cookies=True)
            arrived, = neighbour.requests()
            self.assertEqual(header_values(arrived, "cookie"), ["a=1"])
