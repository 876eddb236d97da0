"""Pages of other origins: those that are listed may use the API from a browser, others may not.

source  WHATWG Fetch, "CORS protocol"
"""

from __future__ import annotations

import json

from front import FrontTest
from harness import Reply
from tokens import TokensTest

LISTED = "https://board.example"
FOREIGN = "https://evil.example"


class CorsTest(TokensTest, FrontTest):
    settings = [*FrontTest.settings, f"api.allowed_origins={LISTED}"]
    tokens = {"all": ["submit,read,admin", "--requests-per-second", "1000"]}

    def preflight(self, path: str, method: str, headers: str = "", origin: str = LISTED) -> Reply:
        asked = ["-H", f"Access-Control-Request-Headers: {headers}"] if headers else []
        return self.get(path, "-X", "OPTIONS", "-H", f"Origin: {origin}",
                        "-H", f"Access-Control-Request-Method: {method}", *asked)

    def names(self, reply: Reply, header: str) -> set[str]:
        return {word.strip().lower() for word in (reply.header(header) or "").split(",")}

    def test_a_preflight_takes_no_token_and_allows_what_there_is(self) -> None:
        for path, methods in (("/v1/jobs", {"get", "post"}), ("/v1/jobs/job_x", {"get", "delete"}),
                              ("/v1/gather", {"get", "post"})):
            with self.subTest(path):
                reply = self.preflight(path, "POST", "authorization,content-type,idempotency-key")
                self.assertEqual((reply.status, reply.body), (204, b""))
                self.assertEqual(reply.header("access-control-allow-origin"), LISTED)
                self.assertLessEqual(methods, self.names(reply, "access-control-allow-methods"))
                self.assertEqual(self.names(reply, "access-control-allow-headers"),
                                 {"authorization", "content-type", "idempotency-key"})
                self.assertIn("origin", self.names(reply, "vary"))
                self.assertGreater(int(reply.header("access-control-max-age") or 0), 0)
                self.assertIsNone(reply.header("access-control-allow-credentials"))

    def test_a_preflight_of_a_foreign_page_is_refused(self) -> None:
        for origin in (FOREIGN, "null", LISTED + ".evil.example", "http://board.example",
                       LISTED + ":8443", LISTED + "/"):
            with self.subTest(origin=origin):
                reply = self.preflight("/v1/jobs", "POST", origin=origin)
                self.assert_problem(reply, 403)
                self.assertIsNone(reply.header("access-control-allow-origin"))

    def test_a_listed_page_may_read_every_answer_and_what_is_in_its_head(self) -> None:
        page = ["-H", f"Origin: {LISTED}"]
        ours = [*page, *self.bearer("all")]
        job = self.post("/v1/jobs", [self.origin.url()], *ours)
        self.assertEqual(job.status, 202)
        replies = {202: job, 200: self.get("/v1/jobs?limit=1", *ours), 401: self.get("/v1/jobs", *page),
                   404: self.get("/v1/jobs/job_x", *ours), 400: self.post("/v1/jobs", "{", *ours),
                   405: self.get("/v1/jobs", "-X", "PUT", *page)}
        for status, reply in replies.items():
            with self.subTest(status=status):
                self.assertEqual(reply.status, status, reply.body)
                self.assertEqual(reply.header("access-control-allow-origin"), LISTED)
                exposed = self.names(reply, "access-control-expose-headers")
                self.assertLessEqual({"location", "retry-after", "link", "etag", "ratelimit",
                                      "ratelimit-policy", "preference-applied",
                                      "idempotent-replayed", "www-authenticate"}, exposed)

    def test_without_an_origin_there_are_no_such_headers(self) -> None:
        reply = self.get("/v1/jobs", *self.bearer("all"))
        self.assertEqual([name for name, _ in reply.headers if name.lower().startswith("access-")],
                         [])

    def test_a_token_does_not_make_a_foreign_page_a_friend(self) -> None:
        reply = self.post("/v1/jobs", [self.origin.url()], "-H", f"Origin: {FOREIGN}",
                          *self.bearer("all"))
        self.assert_problem(reply, 403)
        self.assertEqual(self.origin.requests(), [])

    def test_images_and_links_on_foreign_pages_do_nothing(self) -> None:
        target = f"/v1/gather?url={self.origin.url('/image')}"
        for site in ("cross-site", "same-site"):
            for mode in ("no-cors", "navigate"):
                with self.subTest(site=site, mode=mode):
                    reply = self.get(target, "-H", f"Sec-Fetch-Site: {site}",
                                     "-H", f"Sec-Fetch-Mode: {mode}", *self.bearer("all"))
                    self.assert_problem(reply, 403)
        self.assertEqual(self.origin.requests(), [])

    def test_the_host_counts_also_with_a_token_and_a_listed_page(self) -> None:
        with self.gatherd.connect() as connection:
            connection.send(self.lines("GET /v1/jobs HTTP/1.1", "Host: rebound.example",
                                       f"Origin: {LISTED}",
                                       f"Authorization: Bearer {self.shown['all']}"))
            reply = connection.reply()
        assert reply is not None
        self.assertEqual(self.assert_problem(reply, 403)["code"], "foreign_host")

    def test_two_origins_are_none(self) -> None:
        replies = self.exchange(self.lines("GET /healthz HTTP/1.1", "Host: {host}",
                                           f"Origin: {LISTED}", f"Origin: {LISTED}"))
        self.assertEqual([reply.status for reply in replies], [403])

    def test_a_page_can_do_all_of_it(self) -> None:
        """What a browser sends for a fetch() with a token and JSON."""
        headers = ["-H", f"Origin: {LISTED}", "-H", "Sec-Fetch-Site: cross-site",
                   "-H", "Sec-Fetch-Mode: cors", *self.bearer("all")]
        reply = self.post("/v1/gather", json.dumps([self.origin.url()]), *headers)
        self.assertEqual(reply.status, 200)
        self.assertEqual(reply.json()["counts"]["success"], 1)
