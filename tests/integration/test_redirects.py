"""Redirects: followed hop by hop, each hop a new decision about method, body and credentials."""

from __future__ import annotations

from harness import GatherdTest
from servers import Origin, header_values


class RedirectTest(GatherdTest):
    def test_redirects_are_followed_and_counted(self) -> None:
        result = self.fetch(self.origin.url("/redirect/3"))
        self.assertEqual((result["status_code"], result["outcome"]), (200, "success"))
        self.assertEqual(result["effective_url"], self.origin.url("/"))
        self.assertEqual(result["request"]["url"], self.origin.url("/redirect/3"))
        self.assertEqual(result["redirects"]["count"], 3)
        self.assertEqual(len(result["redirects"]["hops"]), 3)
        self.assertEqual(self.origin.targets(), ["/redirect/3", "/redirect/2", "/redirect/1", "/"])

    def test_a_redirect_that_is_not_followed_is_a_success(self) -> None:
        result = self.fetch(self.origin.url("/redirect/3"), follow_redirects=False)
        self.assertEqual((result["status_code"], result["outcome"]), (302, "success"))
        self.assertEqual(result["effective_url"], self.origin.url("/redirect/3"))
        self.assertEqual(result["redirects"], {"count": 0, "hops": []})
        self.assertEqual(len(self.origin.requests()), 1)

    def test_max_redirects_is_the_most_that_are_followed(self) -> None:
        results = self.results([{"url": self.origin.url("/redirect/2"), "max_redirects": n}
                                for n in (2, 1)])
        self.assertEqual(results[0]["status_code"], 200)
        self.assert_error(results[1], "transport_error", "too_many_redirects")

    def test_the_timeout_covers_all_hops(self) -> None:
        url = self.origin.redirect_to("/slow?ms=5000")
        result = self.fetch(url, timeout_ms=200)
        self.assert_error(result, "transport_error", "timeout_total", "wait")
        self.assertLess(result["timings"]["elapsed_ms"], 1500)

    def test_the_method_changes_as_rfc_9110_says(self) -> None:
        table = [("POST", 301, "GET"), ("POST", 302, "GET"), ("POST", 303, "GET"),
                 ("POST", 307, "POST"), ("POST", 308, "POST"), ("PUT", 301, "PUT"),
                 ("PUT", 302, "PUT"), ("PUT", 303, "GET"), ("DELETE", 303, "GET"),
                 ("HEAD", 301, "HEAD"), ("HEAD", 303, "HEAD"), ("GET", 307, "GET")]
        for method, status, becomes in table:
            with self.subTest(method=method, status=status):
                self.fetch(self.origin.redirect_to("/echo", status), method=method)
                self.assertEqual(self.origin.requests()[-1]["method"], becomes)

    def test_a_kept_method_keeps_its_body(self) -> None:
        self.fetch(self.origin.redirect_to("/echo", 307), method="POST", json={"a": 1})
        first, second = self.origin.requests()
        self.assertEqual(second["body_sha256"], first["body_sha256"])
        self.assertEqual(header_values(second, "content-type"), ["application/json"])

    def test_a_changed_method_loses_its_body(self) -> None:
        self.fetch(self.origin.redirect_to("/echo", 303), method="POST", json={"a": 1})
        request = self.origin.requests()[-1]
        self.assertEqual(request["body_bytes"], 0)
        for name in ("content-type", "content-length", "transfer-encoding"):
            self.assertEqual(header_values(request, name), [], name)

    def test_relative_locations_are_resolved(self) -> None:
        for location, target in (("bytes/3", "/bytes/3"), ("?q=1", "/redirect-to?q=1"),
                                 (f"//127.0.0.1:{self.origin.port}/json", "/json")):
            with self.subTest(location=location):
                self.fetch(self.origin.redirect_to(location), max_redirects=2)
                self.assertIn(target, self.origin.targets())

    def test_a_redirect_without_location_is_an_answer(self) -> None:
        result = self.fetch(self.origin.url("/status/302"))
        self.assertEqual((result["status_code"], result["outcome"]), (302, "success"))

    def test_other_schemes_are_not_followed(self) -> None:
        for url in ("file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1:70/x"):
            with self.subTest(url=url):
                result = self.fetch(self.origin.redirect_to(url))
                self.assertIn(result["outcome"], ("transport_error", "blocked"))
                self.assertIn(result["error"]["code"], ("redirect_blocked", "unsupported_scheme"))

    def test_a_location_that_is_no_url_is_an_error(self) -> None:
        result = self.fetch(self.origin.redirect_to("http://[bad/"))
        self.assertFalse(result["ok"], result)
        self.assertIn(result["error"]["code"], ("redirect_blocked", "invalid_url"))


# What comes after /location- in a path of the origin: see tests/support/hostile_redirects.py.
NOWHERE = ("no-host", "empty-host", "no-name", "open-bracket", "future-address", "space-in-host",
           "control-in-host", "nul-in-host", "dots-in-host", "port-too-big", "port-0", "controls",
           "long", "javascript", "data", "mail", "file", "ftp")
BACK = ("/location-empty", "/location-blank", "/location-fragment", "/redirect-loop", "/circle-a")
ROUNDABOUT = ("/location-dots", "/location-relative", "/location-tab", "/location-query",
              "/location-fragmented", "/location-utf-8", "/location-latin-1", "/two-locations",
              "/moving-body")


class NonsenseTest(GatherdTest):
    def test_what_is_no_place_is_not_gone_to(self) -> None:
        for name in NOWHERE:
            with self.subTest(name=name):
                result = self.fetch(self.origin.url(f"/location-{name}"))
                self.assert_error(result, "transport_error", "redirect_blocked", "receive")
                self.assertEqual((result["status_code"], result["redirects"]["count"]), (302, 0))
        self.assertEqual(len(self.origin.requests()), len(NOWHERE))

    def test_a_circle_is_named(self) -> None:
        for path in BACK:
            with self.subTest(path=path):
                result = self.fetch(self.origin.url(path))
                self.assert_error(result, "transport_error", "too_many_redirects", "receive")
                self.assertIn(self.origin.url(path), result["error"]["message"])
        self.assertEqual(self.origin.targets()[-2:], ["/circle-a", "/circle-b"])

    def test_a_way_without_end_is_left(self) -> None:
        result = self.fetch(self.origin.url("/spiral"), max_redirects=7)
        self.assert_error(result, "transport_error", "too_many_redirects", "receive")
        self.assertEqual(len(self.origin.requests()), 8)
        self.assertEqual(len(result["redirects"]["hops"]), 7)

    def test_a_roundabout_way_is_one(self) -> None:
        for path in ROUNDABOUT:
            with self.subTest(path=path):
                result = self.fetch(self.origin.url(path))
                self.assertEqual(result["outcome"], "success", result["error"])
                self.assertEqual(self.origin.targets()[-1].partition("?")[0], "/json")
                self.assertEqual(result["effective_url"].partition("?")[0],
                                 self.origin.url("/json"))
        for target in self.origin.targets():
            self.assertTrue(target.isascii(), target)

    def test_each_hop_is_on_record(self) -> None:
        first = self.origin.redirect_to(self.origin.redirect_to("/status/404", 307), 303)
        result = self.fetch(first, method="POST", body="x")
        hops = [(hop["method"], hop["url"], hop["status_code"]) for hop in
                result["redirects"]["hops"]]
        self.assertEqual(hops, [("POST", first, 303),
                                ("GET", self.origin.redirect_to("/status/404", 307), 307)])
        self.assertEqual((result["outcome"], result["status_code"]), ("http_error", 404))


class CredentialsTest(GatherdTest):
    """Another origin must not get what was meant for the first one."""

    secrets = {"Authorization": "Bearer canary", "Cookie": "session=canary",
               "X-Api-Key": "canary"}

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.other = cls.enterClassContext(Origin(host="127.0.0.2"))

    def setUp(self) -> None:
        super().setUp()
        self.other.log.mark()

    def test_credentials_do_not_cross_origins(self) -> None:
        url = self.origin.redirect_to(self.other.url("/echo"))
        self.fetch(url, headers={**self.secrets, "Accept": "text/x"})
        arrived, = self.other.requests()
        self.assertNotIn("canary", str(arrived["headers"]))
        self.assertEqual(header_values(arrived, "accept"), ["text/x"])

    def test_nor_does_what_the_auth_option_makes_of_them(self) -> None:
        for auth in ({"type": "basic", "username": "user", "password": "canary"},
                     {"type": "bearer", "token": "canary"}):
            with self.subTest(auth=auth):
                url = self.origin.redirect_to(self.other.url("/echo"))
                self.fetch(url, auth=auth)
                sent, arrived = self.origin.requests()[-1], self.other.requests()[-1]
                self.assertEqual(len(header_values(sent, "authorization")), 1)
                self.assertEqual(header_values(arrived, "authorization"), [])
                self.fetch(self.origin.redirect_to("/echo"), auth=auth)
                self.assertEqual(len(header_values(self.origin.requests()[-1], "authorization")),
                                 1)

    def test_another_origin_gets_no_answer_to_its_challenge(self) -> None:
        auth = {"type": "digest", "username": "user", "password": "word"}
        path = "/digest?user=user&password=word"
        self.assertEqual(self.fetch(self.origin.redirect_to(path), auth=auth)["status_code"], 200)
        stranger = self.origin.redirect_to(self.other.url(path))
        self.assertEqual(self.fetch(stranger, auth=auth)["status_code"], 401)
        self.assertEqual([header_values(r, "authorization") for r in self.other.requests()], [[]])

    def test_another_port_is_another_origin(self) -> None:
        with Origin() as neighbour:
            self.fetch(self.origin.redirect_to(neighbour.url("/echo")), headers=self.secrets)
            arrived, = neighbour.requests()
            self.assertNotIn("canary", str(arrived["headers"]))

    def test_credentials_stay_within_an_origin(self) -> None:
        self.fetch(self.origin.redirect_to("/echo"), headers=self.secrets)
        arrived = self.origin.requests()[-1]
        for name, value in self.secrets.items():
            self.assertEqual(header_values(arrived, name), [value])

    def test_credentials_do_not_return_from_a_detour(self) -> None:
        home = self.other.redirect_to(self.origin.url("/echo"))
        self.fetch(self.origin.redirect_to(home), headers=self.secrets)
        arrived = self.origin.requests()[-1]
        self.assertEqual(arrived["target"], "/echo")
        self.assertNotIn("canary", str(arrived["headers"]))

    def test_a_host_header_of_the_client_does_not_cross_origins(self) -> None:
        self.fetch(self.origin.redirect_to(self.other.url("/echo")),
                   headers={"Host": "inner.example"})
        arrived, = self.other.requests()
        self.assertEqual(header_values(arrived, "host"), [f"127.0.0.2:{self.other.port}"])

    def test_userinfo_in_a_location_is_not_sent_or_shown(self) -> None:
        location = self.other.url("/echo").replace("//", "//user:canary@")
        result = self.fetch(self.origin.redirect_to(location))
        self.assertEqual(result["effective_url"], self.other.url("/echo"))
        self.assertEqual([header_values(r, "authorization") for r in self.other.requests()
                          if header_values(r, "authorization")], [])


class EgressTest(GatherdTest):
    settings = ["egress.allow=127.0.0.1/32"]

    def test_every_hop_is_checked(self) -> None:
        with Origin(host="127.0.0.2") as tripwire:
            chain = self.origin.redirect_to(self.origin.redirect_to(tripwire.url("/echo")))
            result = self.fetch(chain)
            self.assert_error(result, "blocked", "blocked_by_policy redirect_blocked")
            self.assertEqual(result["redirects"]["count"], 2)
            self.assertEqual(tripwire.events(), [])
            self.assertEqual(len(self.origin.requests()), 2)
