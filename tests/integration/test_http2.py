"""HTTP/2: many requests share a connection, as many as the origin allows, for as long as it likes."""

from __future__ import annotations

import collections
import textwrap

from harness import GatherdTest, Json
from patience import eventually
from servers import Certificates, Nginx


class Http2Nginx(Nginx):
    """nginx with directives of its own; the oracle is which connection carried which request."""

    def __init__(self, tls: tuple, **directives: int) -> None:
        super().__init__(tls)
        kept = {"keepalive_requests": 1000000, **directives}
        lines = "".join(f"{name} {value}; " for name, value in kept.items())
        self.CONFIG = textwrap.dedent(self.CONFIG).replace("keepalive_requests 1000000;", lines)

    def urls(self, count: int) -> list[str]:
        return [f"{self.base}/{n}" for n in range(count)]

    def requests_by_connection(self, count: int) -> list[int]:
        """How many requests each connection carried, once that many are logged."""
        eventually(lambda: len(self.access_log()) >= count, f"{count} requests in the log")
        carried = collections.Counter(connection for connection, *_ in self.access_log())
        return sorted(carried.values())


class Http2Test(GatherdTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.certificates = cls.enterClassContext(Certificates())
        cls.settings = [*GatherdTest.settings, f"fetch.ca_file={cls.certificates.ca}"]
        super().setUpClass()
        cls.files = cls.certificates.issue("good", "IP:127.0.0.1")

    def nginx(self, **directives: int) -> Http2Nginx:
        return self.enterContext(Http2Nginx(self.files, **directives))

    def gather_all(self, urls: list[str], concurrency: int, **members: Json) -> list[Json]:
        limits = {"concurrency": concurrency, "per_host_concurrency": concurrency}
        results = self.results([{"url": url, **members} for url in urls], limits=limits)
        self.assertEqual({r["outcome"] for r in results}, {"success"},
                         [r["error"] for r in results if r["error"]][:3])
        return results

    def test_what_is_asked_at_once_shares_one_connection(self) -> None:
        nginx = self.nginx()
        results = self.gather_all(nginx.urls(100), concurrency=100)
        self.assertEqual({r["http_version"] for r in results}, {"2"})
        self.assertEqual(nginx.requests_by_connection(100), [100])
        self.assertEqual([r["connection"]["reused"] for r in results].count(False), 1)

    def test_only_the_first_shakes_hands(self) -> None:
        results = self.gather_all(self.nginx().urls(20), concurrency=20)
        hands = [r["timings"]["tls_ms"] is not None for r in results]
        self.assertEqual(hands.count(True), 1)

    def test_the_next_job_uses_the_same_connection(self) -> None:
        nginx = self.nginx()
        for _ in range(3):
            self.gather_all(nginx.urls(10), concurrency=10)
        self.assertEqual(nginx.requests_by_connection(30), [30])

    def test_a_connection_has_no_more_streams_than_the_origin_allows(self) -> None:
        nginx = self.nginx(http2_max_concurrent_streams=5)
        self.gather_all(nginx.urls(200), concurrency=40)
        carried = nginx.requests_by_connection(200)
        self.assertEqual(sum(carried), 200)
        self.assertLessEqual(len(carried), 40)

    def test_an_origin_that_ends_its_connections_gets_new_ones(self) -> None:
        nginx = self.nginx(keepalive_requests=20)
        results = self.gather_all(nginx.urls(400), concurrency=50)
        self.assertEqual({r["http_version"] for r in results}, {"2"})
        carried = nginx.requests_by_connection(400)
        self.assertEqual(sum(carried), 400)
        self.assertLessEqual(max(carried), 20)

    def test_who_asks_for_1_1_gets_it_beside_the_others(self) -> None:
        nginx = self.nginx()
        self.gather_all(nginx.urls(5), concurrency=5)
        results = self.gather_all(nginx.urls(5), concurrency=1, http_version="1.1")
        self.assertEqual({r["http_version"] for r in results}, {"1.1"})
        results = self.gather_all(nginx.urls(5), concurrency=5)
        self.assertEqual({r["http_version"] for r in results}, {"2"})
        self.assertEqual(nginx.requests_by_connection(15), [5, 10])

    def test_posts_are_sent_once_each(self) -> None:
        nginx = self.nginx(keepalive_requests=20)
        limits = {"concurrency": 20, "per_host_concurrency": 20}
        requests = [{"url": url, "method": "POST", "body": "x"} for url in nginx.urls(100)]
        results = self.results(requests, limits=limits)
        answered = sum(r["status_code"] is not None for r in results)
        nginx.requests_by_connection(answered)
        targets = collections.Counter(uri for *_, uri in nginx.access_log())
        self.assertEqual(set(targets.values()), {1})


class TheFirstFailsTest(GatherdTest):
    """While nobody knows what an origin speaks, one request goes ahead of the others."""

    def test_all_learn_that_the_certificate_is_bad(self) -> None:
        with Certificates() as strangers:
            files = strangers.issue("stranger", "IP:127.0.0.1")
            with Http2Nginx(files) as nginx:
                results = self.results([{"url": url} for url in nginx.urls(30)],
                                       limits={"concurrency": 30, "per_host_concurrency": 30})
                codes = {r["error"]["code"] for r in results}
                self.assertEqual(codes, {"tls_cert_untrusted"})
