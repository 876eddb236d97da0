"""Proxies: only those of the operator, with the operator's credentials. Our origin plays the proxy."""

from __future__ import annotations

import base64

from harness import GatherdTest, Json
from servers import Origin, free_port, header_values


class ProxyTest(GatherdTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.proxy = cls.enterClassContext(Origin(host="127.0.0.3"))
        cls.nobody = f"http://127.0.0.1:{free_port()}"
        with_user = cls.proxy.base.replace("//", "//operator:pass%20word@")
        cls.settings = ["egress.allow=127.0.0.0/8", f"fetch.proxies={with_user} {cls.nobody}"]
        super().setUpClass()

    def setUp(self) -> None:
        super().setUp()
        self.proxy.log.mark()

    def through(self, url: str, **members: Json) -> Json:
        return self.fetch(url, proxy=self.proxy.base, **members)

    def test_the_proxy_is_asked_with_the_credentials_of_the_operator(self) -> None:
        result = self.through("http://inner.example:8080/echo")
        self.assertEqual(result["status_code"], 200, result)
        request, = self.proxy.requests()
        self.assertEqual(request["target"], "http://inner.example:8080/echo")
        expected = "Basic " + base64.b64encode(b"operator:pass word").decode()
        self.assertEqual(header_values(request, "proxy-authorization"), [expected])
        self.assertEqual(result["connection"]["proxy"].rstrip("/"), self.proxy.base)

    def test_the_origin_hears_nothing_of_them(self) -> None:
        self.through("http://inner.example/echo")
        self.fetch(self.origin.url("/echo"))
        self.assertNotIn("proxy-authorization", str(self.origin.requests()).lower())
        self.assertEqual(len(self.proxy.requests()), 1)

    def test_any_other_proxy_is_refused(self) -> None:
        for proxy in (self.origin.base, "http://127.0.0.3:1/", self.proxy.base + "x", "none"):
            with self.subTest(proxy=proxy):
                document = {"requests": [{"url": "http://inner.example/", "proxy": proxy}]}
                self.assert_problem(self.post("/v1/gather", document), 422, "/requests/0/proxy")

    def test_literal_addresses_are_still_forbidden(self) -> None:
        result = self.through("http://10.0.0.1/echo")
        self.assert_error(result, "blocked", "blocked_by_policy")
        self.assertEqual(self.proxy.requests(), [])

    def test_a_redirect_to_a_forbidden_address_is_not_followed(self) -> None:
        result = self.through("http://inner.example/redirect-to?url=http://10.0.0.1/")
        self.assert_error(result, "blocked", "blocked_by_policy")
        self.assertEqual(len(self.proxy.requests()), 1)

    def test_a_proxy_that_is_away_is_an_error_of_its_own(self) -> None:
        result = self.fetch("http://inner.example/", proxy=self.nobody)
        self.assert_error(result, "transport_error", "proxy_error", "connect")

    def test_redirects_go_through_the_proxy_too(self) -> None:
        result = self.through("http://inner.example/redirect/1")
        self.assertEqual(result["status_code"], 200)
        self.assertEqual(self.proxy.targets(), ["http://inner.example/redirect/1",
                                                "http://inner.example/"])


class NoProxyTest(GatherdTest):
    def test_without_a_list_there_is_no_proxy(self) -> None:
        document = {"requests": [{"url": "http://a.example/", "proxy": self.origin.base}]}
        self.assert_problem(self.post("/v1/gather", document), 422, "/requests/0/proxy")
