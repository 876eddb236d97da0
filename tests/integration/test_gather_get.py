"""GET /v1/gather?url=: the same for a browser bar or a shell one-liner."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from harness import GatherdTest, Reply
from servers import refused_url


class GatherGetTest(GatherdTest):
    def gather_get(self, *urls: str) -> Reply:
        return self.get("/v1/gather?" + urlencode([("url", url) for url in urls]))

    def test_one_url_is_a_gather(self) -> None:
        reply = self.gather_get(self.origin.url("/json"))
        self.assertEqual(reply.status, 200, reply.body)
        answer = reply.json()
        self.assertEqual(answer["object"], "gather")
        self.assertEqual([r["status_code"] for r in answer["results"]], [200])
        self.assertEqual(self.origin.requests()[0]["method"], "GET")

    def test_several_urls_keep_their_order(self) -> None:
        paths = ["/slow?ms=80", "/status/404", "/bytes/3"]
        results = self.gather_get(*map(self.origin.url, paths)).json()["results"]
        self.assertEqual([r["status_code"] for r in results], [200, 404, 200])
        self.assertEqual(sorted(self.origin.targets()), sorted(paths))

    def test_an_unencoded_url_works_too(self) -> None:
        reply = self.get(f"/v1/gather?url={self.origin.url('/bytes/3')}")
        self.assertEqual(reply.json()["results"][0]["status_code"], 200)

    def test_a_dead_target_is_a_result(self) -> None:
        reply = self.gather_get(refused_url())
        self.assertEqual(reply.status, 200)
        self.assert_error(reply.json()["results"][0], "transport_error", "connect_refused")

    def test_a_url_that_is_none_is_a_problem(self) -> None:
        for url in ("", "nonsense", "ftp://127.0.0.1/", "http://127.0.0.1:99999/",
                    "http://127.0.0.1/\r\nX-A: 1", "http://127.0.0.1/\0"):
            with self.subTest(url=url):
                reply = self.gather_get(url)
                self.assert_problem(reply, reply.status if reply.status == 400 else 422)

    def test_no_url_is_a_problem(self) -> None:
        for query in ("", "?", "?ur=http://127.0.0.1/", "?url"):
            with self.subTest(query=query):
                reply = self.get("/v1/gather" + query)
                self.assert_problem(reply, reply.status if reply.status == 422 else 400)

    def test_an_unknown_parameter_is_a_problem(self) -> None:
        reply = self.get(f"/v1/gather?url={quote(self.origin.url())}&methd=POST")
        self.assertIn("methd", str(self.assert_problem(reply, 400)))
        self.assertEqual(self.origin.requests(), [])

    def test_one_bad_url_means_nothing_is_fetched(self) -> None:
        self.gather_get(self.origin.url("/never"), "nonsense")
        self.assertEqual(self.origin.requests(), [])

    def test_head_has_no_body(self) -> None:
        reply = self.get(f"/v1/gather?url={quote(self.origin.url())}", "--head")
        self.assertIn(reply.status, (200, 405))
        self.assertEqual(reply.body, b"")
