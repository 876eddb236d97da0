"""Safe by default: what the policy forbids is never connected to, by whatever way it is named."""

from __future__ import annotations

from harness import GatherdTest, Json
from servers import Origin

LOOPBACK = ["127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "0x7f000001", "0177.0.0.1", "0",
            "127.0.0.1.", "127.255.255.254", "localhost", "LOCALHOST", "foo.localhost", "[::1]",
            "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
            "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]"]
SPECIAL = ["0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255",
           "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1",
           "192.168.0.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1",
           "255.255.255.255", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]",
           "[2001:db8::1]", "[2001::1]", "[100::1]"]
BLOCKED_NAMES = {
    "loopback.test": {"A": ["127.0.0.1"]},
    "any.test": {"A": ["0.0.0.0"]},
    "private.test": {"A": ["10.1.2.3"]},
    "metadata.test": {"A": ["169.254.169.254"]},
    "six.test": {"AAAA": ["::1"]},
    "mapped.test": {"AAAA": ["::ffff:127.0.0.1"]},
    "mixed.test": {"A": ["93.184.216.34", "127.0.0.1"]},
    "split.test": {"A": ["93.184.216.34"], "AAAA": ["::1"]},
    "alias.test": {"CNAME": "loopback.test"},
}


class EgressTest(GatherdTest):
    def assert_blocked(self, result: Json) -> None:
        self.assert_error(result, "blocked", "blocked_by_policy redirect_blocked")
        self.assertTrue(result["error"]["rule"], result["error"])
        self.assertIsNone(result["status_code"])


class DefaultPolicyTest(EgressTest):
    settings: list[str] = []
    zone = BLOCKED_NAMES

    def assert_nothing_leaves(self, hosts: list[str]) -> None:
        requests = [{"url": self.origin.url("/tripwire", host=host), "timeout_ms": 3000}
                    for host in hosts]
        for host, result in zip(hosts, self.results(requests)):
            with self.subTest(host=host):
                self.assert_blocked(result)
                self.assertIsNone(result["timings"]["connect_ms"])
        self.assertEqual(self.origin.events(), [])

    def test_loopback_is_blocked_however_it_is_written(self) -> None:
        self.assert_nothing_leaves(LOOPBACK)

    def test_special_purpose_addresses_are_blocked(self) -> None:
        self.assert_nothing_leaves(SPECIAL)

    def test_names_of_blocked_addresses_are_blocked(self) -> None:
        self.assert_nothing_leaves(list(BLOCKED_NAMES))

    def test_https_is_blocked_too(self) -> None:
        url = self.origin.url("/tripwire").replace("http:", "https:")
        self.assert_blocked(self.fetch(url))
        self.assertEqual(self.origin.events(), [])

    def test_a_blocked_job_is_a_job_with_blocked_results(self) -> None:
        reply = self.get(f"/v1/gather?url={self.origin.url('/tripwire')}")
        self.assertEqual(reply.status, 200)
        self.assertEqual(reply.json()["counts"]["blocked"], 1)
        self.assertEqual(self.origin.events(), [])

    def test_a_host_header_does_not_open_anything(self) -> None:
        result = self.fetch(self.origin.url("/tripwire"), headers={"Host": "example.com"})
        self.assert_blocked(result)
        self.assertEqual(self.origin.events(), [])

    def test_the_message_says_what_opens_it(self) -> None:
        port = self.gatherd.port
        for url, said in ((f"http://127.0.0.1:{port}/", "listens"),
                          ("http://example.com:25/", "ADDRESS/BITS:PORT"),
                          ("http://a.onion/", "no public host"),
                          ("http://127.0.0.1:1234/", "egress.allow")):
            with self.subTest(url=url):
                self.assertIn(said, self.fetch(url)["error"]["message"])

    def test_repeating_does_not_wear_the_policy_out(self) -> None:
        results = self.results([{"url": self.origin.url("/tripwire"), "repeat": 200}])
        self.assert_outcomes(results, ["blocked"] * 200)
        self.assertEqual(self.origin.events(), [])


class OneAddressTest(EgressTest):
    """Only 127.0.0.2 is open: the origin there is reachable, the tripwire at 127.0.0.1 is not."""

    settings = ["egress.allow=127.0.0.2/32"]
    zone = {"open.test": {"A": ["127.0.0.2"]},
            "mixed.test": {"A": ["127.0.0.2", "10.1.2.3"]},
            "loopbacks.test": {"A": ["127.0.0.1", "127.0.0.2"]},
            "moves.test": {"A": [["127.0.0.2"], ["127.0.0.1"]], "ttl": 0}}

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.open = cls.enterClassContext(Origin(host="127.0.0.2"))
        cls.tripwire = cls.origin

    def setUp(self) -> None:
        super().setUp()
        self.open.log.mark()

    def tearDown(self) -> None:
        self.assertEqual(self.tripwire.events(), [])

    def test_what_is_allowed_is_reachable(self) -> None:
        for url in (self.open.url(), self.open.url(host="open.test")):
            with self.subTest(url=url):
                result = self.fetch(url)
                self.assertEqual(result["outcome"], "success", result["error"])

    def test_its_neighbour_is_not(self) -> None:
        self.assert_blocked(self.fetch(self.tripwire.url()))
        self.assert_blocked(self.fetch(self.open.url(host="127.0.0.3")))

    def test_a_redirect_to_a_blocked_address_is_blocked(self) -> None:
        for status in (301, 302, 303, 307, 308):
            with self.subTest(status=status):
                url = self.open.redirect_to(self.tripwire.url("/secret"), status)
                result = self.fetch(url)
                self.assert_error(result, "blocked", "blocked_by_policy redirect_blocked")
                self.assertTrue(result["error"]["rule"], result["error"])

    def test_a_redirect_to_another_spelling_is_blocked(self) -> None:
        for host in ("2130706433", "localhost", "[::ffff:127.0.0.1]", "0x7f.1"):
            with self.subTest(host=host):
                url = self.open.redirect_to(self.tripwire.url("/secret", host=host))
                self.assertEqual(self.fetch(url)["outcome"], "blocked")

    def test_a_name_with_one_blocked_address_is_blocked(self) -> None:
        self.assert_blocked(self.fetch(self.open.url(host="mixed.test")))
        self.assertEqual(self.open.events(), [])

    def test_localhost_like_names_lead_to_open_addresses_only(self) -> None:
        for port in (self.open.port, self.tripwire.port):
            self.fetch(f"http://loopbacks.test:{port}/", timeout_ms=1000)

    def test_a_name_that_moves_is_checked_again(self) -> None:
        port = self.tripwire.port
        self.fetch(f"http://moves.test:{port}/", timeout_ms=1000)
        for _ in range(3):
            self.fetch(f"http://moves.test:{port}/", timeout_ms=1000)

    def test_a_pooled_connection_serves_only_its_own_host(self) -> None:
        self.fetch(self.open.url(host="open.test"))
        self.assert_blocked(self.fetch(self.open.url(host="127.0.0.1")))

    def test_ports_of_other_protocols_are_blocked(self) -> None:
        for port in (25, 110, 6667):
            with self.subTest(port=port):
                self.assert_blocked(self.fetch(f"http://127.0.0.2:{port}/"))

    def test_allowed_and_blocked_may_be_mixed(self) -> None:
        urls = [self.open.url(), self.tripwire.url()] * 20
        self.assert_outcomes(self.results(urls), ["success", "blocked"] * 20)


class DenyTest(EgressTest):
    """The most specific range decides; our own listeners are never reachable."""

    settings = ["egress.allow=127.0.0.0/8", "egress.deny=127.0.0.2/31"]

    def test_a_denied_part_of_an_allowed_range_is_blocked(self) -> None:
        with Origin(host="127.0.0.2") as tripwire:
            self.assert_blocked(self.fetch(tripwire.url()))
            self.assertEqual(tripwire.events(), [])
        self.assertEqual(self.fetch(self.origin.url())["outcome"], "success")

    def test_nobody_speaks_to_our_own_api_through_us(self) -> None:
        for url in (self.gatherd.base, f"http://localhost:{self.gatherd.port}",
                    f"http://2130706433:{self.gatherd.port}"):
            with self.subTest(url=url):
                self.assert_blocked(self.fetch(f"{url}/healthz"))
