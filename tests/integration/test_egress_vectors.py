"""Every way to name what must not be reached that we know of. A tripwire listens on all addresses
of this machine, and nobody may ever connect to it."""

from __future__ import annotations

import socket
import tempfile
import time
from pathlib import Path

from harness import Gatherd, GatherdTest, Json
from patience import PATIENCE
from servers import Origin

NUMERIC = """127.0.0.1 127.1 127.0.1 2130706433 0x7f.0.0.1 0x7f000001 0x7F.1 0177.0.0.1 017700000001
    0x7f.0x0.0x0.0x1 0177.0.0.01 127.0.0.1. 127.1. 2130706433. 127.255.255.254 127.0.0.2 0 0.0.0.0 0x0
    00 0.1.2.3 0. 000.000.000.000"""
SPECIAL = """10.0.0.1 10.255.255.255 167772161 0xa000001 012.0.0.1 100.64.0.1 100.127.255.255 169.254.0.1
    169.254.255.255 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.170 192.0.0.192 192.0.2.1 192.88.99.1
    192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1
    239.255.255.250 240.0.0.1 255.255.255.255 4294967295 0xffffffff"""
METADATA = """169.254.169.254 2852039166 0xa9fea9fe 0xa9.0xfe.0xa9.0xfe 0251.0376.0251.0376
    169.254.43518 169.16689662 169.254.169.254. 169.254.170.2 169.254.170.23 100.100.100.200
    168.63.129.16 2822734096 0xa83f8110 [fd00:ec2::254] [fd20:ce::254] metadata.google.internal
    metadata.google.internal. instance-data.ec2.internal"""
IPV6 = """[::1] [::] [0:0:0:0:0:0:0:1] [::0001] [0000::1] [::ffff:127.0.0.1] [::ffff:7f00:1]
    [0:0:0:0:0:ffff:7f00:1] [::ffff:0.0.0.0] [::ffff:10.0.0.1] [::ffff:169.254.169.254]
    [::127.0.0.1] [::7f00:1] [::ffff:0:127.0.0.1] [64:ff9b::127.0.0.1] [64:ff9b::7f00:1]
    [64:ff9b::10.0.0.1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::127.0.0.1] [64:ff9b:1::1]
    [2002:7f00:1::] [2002:a00:1::1] [2002:a9fe:a9fe::1] [2001::1] [2001:0:7f00:1::] [2001:2::1]
    [2001:10::1] [2001:20::1] [2001:1ff:ffff::1] [2001:db8::1] [3fff::1] [3fff:fff::1] [fc00::1]
    [fd00::1] [fdff:ffff::1] [fe80::1] [febf::1] [fec0::1] [feff::1] [ff01::1] [ff02::1] [ff0e::1]
    [100::1] [100:0:0:1::1] [5f00::1] [4000::1] [::2] [1::1] [1fff:ffff::1]"""
NAMES = """localhost LOCALHOST localhost. foo.localhost a.b.localhost. printer.local local nas.local.
    db.internal internal router.home.arpa home.arpa x.onion x.i2p"""
UNICODE = """①②⑦.⓪.⓪.① １２７.0.0.1 127。0。0。1 127．0．0．1 127｡0｡0｡1 ⑯.0.0.1x 0x７f000001 127%2e0%2e0%2e1
    %31%32%37.0.0.1 127%E3%80%820.0.1 ｌocalhost loc\u00adalhost ⓛⓞⓒⓐⓛⓗⓞⓢⓣ"""

NO_URLS = """http://256.0.0.1/ http://1.2.3.4.5/ http://127.0.0.08/ http://127.0.0.256/ http://0x100000000/
    http://4294967296/ http://127..1/ http://127.0.0.0x/ http://.127.0.0.1/ http://[::1/ http://::1/
    http://[fe80::1%25eth0]/ http://[fe80::1%eth0]/ http://[::ffff:127.0.0.256]/ http://[127.0.0.1]/
    http://[::1].example/ http://[v1.x]/ http:127.0.0.1/ http:/127.0.0.1/ http:///127.0.0.1/
    http:\\\\127.0.0.1\\ http://127.0.0.1\\@example.com/ http://example.com\\@127.0.0.1/
    http://a@b@127.0.0.1/ http://127.0.0.1:0/ http://127.0.0.1:99999/ http://127.0.0.1:-1/
    http://127.0.0.1:8x/ http://127.0.0.1%00.example/ http://127.0.0.1%0d%0a/ http://ex%20ample/
    //127.0.0.1/ 127.0.0.1 http:// http://?127.0.0.1""".split() + [
        "http://127.0.0.1\t/", "http://127.0.0.1\n/", "http://127.0.0.1 /", "http://127.0.0.1\r\n/",
        "http://exa mple.com/", "http://[::1] /"]
OTHER_SCHEMES = """file:///etc/passwd ftp://127.0.0.1/ gopher://127.0.0.1:70/ dict://127.0.0.1:11211/
    ldap://127.0.0.1/ smb://127.0.0.1/x tftp://127.0.0.1/x telnet://127.0.0.1/ scp://127.0.0.1/x
    ws://127.0.0.1/ data:text/plain,x javascript:x jar:http://127.0.0.1!/ unix:/run/x""".split()

PUBLIC = "93.184.216.34"  # never connected to: each name with it has a blocked address, too
ZONE = {
    "loopback.test": {"A": ["127.0.0.1"]},
    "any.test": {"A": ["0.0.0.0"]},
    "private.test": {"A": ["10.1.2.3"]},
    "shared.test": {"A": ["100.64.1.1"]},
    "metadata.test": {"A": ["169.254.169.254"]},
    "azure.test": {"A": ["168.63.129.16"]},
    "six.test": {"AAAA": ["::1"]},
    "local6.test": {"AAAA": ["fd00::1"]},
    "mapped.test": {"AAAA": ["::ffff:127.0.0.1"]},
    "nat64.test": {"AAAA": ["64:ff9b::7f00:1"]},
    "6to4.test": {"AAAA": ["2002:7f00:1::1"]},
    "compatible.test": {"AAAA": ["::127.0.0.1"]},
    "mixed.test": {"A": [PUBLIC, "127.0.0.1"]},
    "mixed-first.test": {"A": ["127.0.0.1", PUBLIC]},
    "split.test": {"A": [PUBLIC], "AAAA": ["::1"]},
    "split4.test": {"A": ["127.0.0.1"], "AAAA": ["2606:2800:220:1::1"]},
    "alias.test": {"CNAME": "loopback.test"},
    "chain1.test": {"CNAME": "chain2.test"},
    "chain2.test": {"CNAME": "chain3.test"},
    "chain3.test": {"CNAME": "loopback.test"},
    "many.test": {"A": [f"127.1.{n >> 8}.{n & 255}" for n in range(300)]},
    "xn--fa-hia.test": {"A": ["127.0.0.1"]},
}
UNRESOLVED = {
    "gone.test": {"rcode": "NXDOMAIN"},
    "broken.test": {"rcode": "SERVFAIL"},
    "refused.test": {"rcode": "REFUSED"},
    "silent.test": {"silent": True},
    "empty.test": {},
    "alias-to-nothing.test": {"CNAME": "gone.test"},
    "alias-to-localhost.test": {"CNAME": "localhost"},
    "thousands.test": {"A": [f"127.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(3000)]},
}


class Tripwire:
    """Listens on every address of the machine, IPv4 and IPv6."""

    def __enter__(self) -> "Tripwire":
        self.socket = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def reached(self) -> set[str]:
        """The addresses that were connected to since the last call."""
        addresses = set()
        while True:
            try:
                connection, _ = self.socket.accept()
            except BlockingIOError:
                return addresses
            addresses.add(connection.getsockname()[0].removeprefix("::ffff:"))
            connection.close()


class VectorTest(GatherdTest):
    settings: list[str] = ["fetch.dns_timeout_ms=500ms"]
    zone = {**ZONE, **UNRESOLVED}
    open_addresses: set[str] = set()

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.tripwire = cls.enterClassContext(Tripwire())

    def tearDown(self) -> None:
        self.assertEqual(self.tripwire.reached() - self.open_addresses, set())

    def queried(self) -> set[str]:
        return {line["name"] for line in self.dns.log.lines()}

    def assert_blocked(self, result: Json) -> None:
        self.assert_error(result, "blocked", "blocked_by_policy redirect_blocked")
        self.assertTrue(result["error"]["rule"], result["error"])
        self.assertIsNone(result["status_code"])
        self.assertIsNone(result["timings"]["connect_ms"])
        self.assertIsNone(result["remote_ip"])

    def assert_hosts_blocked(self, hosts: str) -> None:
        urls = [f"{scheme}://{host}:{self.tripwire.port}/" for host in hosts.split()
                for scheme in ("http", "https")]
        for url, result in zip(urls, self.results(urls, on_invalid="report")):
            with self.subTest(url=url):
                self.assert_blocked(result)


class AddressTest(VectorTest):
    def test_numeric_forms_of_loopback(self) -> None:
        self.assert_hosts_blocked(NUMERIC)

    def test_special_purpose_addresses(self) -> None:
        self.assert_hosts_blocked(SPECIAL)

    def test_metadata_services(self) -> None:
        self.assert_hosts_blocked(METADATA)

    def test_ipv6_and_what_it_embeds(self) -> None:
        self.assert_hosts_blocked(IPV6)

    def test_names_that_lead_nowhere_else_are_not_looked_up(self) -> None:
        self.dns.log.mark()
        self.assert_hosts_blocked(NAMES)
        self.assertEqual(self.queried(), set())

    def test_unicode_forms_of_loopback(self) -> None:
        """Blocked, or no URL: which of the two is UTS 46's to say."""
        self.dns.log.mark()
        urls = [f"http://{host}:{self.tripwire.port}/" for host in UNICODE.split()]
        for url, result in zip(urls, self.results(urls, on_invalid="report")):
            with self.subTest(url=url):
                self.assertIn(result["error"]["code"], ("blocked_by_policy", "invalid_url",
                                                        "dns_not_found"))
        self.assertEqual({name for name in self.queried() if "127" in name}, set())

    def test_every_port_that_is_not_for_http(self) -> None:
        ports = [1, 7, 19, 21, 22, 23, 25, 53, 69, 79, 110, 111, 119, 135, 139, 143, 161, 389, 465,
                 514, 587, 636, 993, 995, 1719, 2049, 3659, 4045, 5060, 6000, 6566, 6667, 6697, 10080]
        urls = [f"http://{PUBLIC}:{port}/" for port in ports]
        for url, result in zip(urls, self.results(urls)):
            with self.subTest(url=url):
                self.assert_blocked(result)
                self.assertEqual(result["error"]["rule"], "port-bad")


class NoUrlTest(VectorTest):
    def assert_all_refused(self, urls: list[str], code: str) -> None:
        self.dns.log.mark()
        for url, result in zip(urls, self.results(urls, on_invalid="report")):
            with self.subTest(url=url):
                self.assertEqual(result["error"]["code"], code, result["error"])
        self.assertEqual(self.queried(), set())
        reply = self.post("/v1/gather", urls)
        self.assert_problem(reply, 422)
        self.assertEqual(len(reply.json()["errors"]), len(urls))

    def test_what_is_no_url_is_refused_and_not_looked_up(self) -> None:
        self.assert_all_refused(NO_URLS, "invalid_url")

    def test_other_schemes_are_refused(self) -> None:
        self.assert_all_refused(OTHER_SCHEMES, "unsupported_scheme")

    def test_userinfo_does_not_hide_the_host(self) -> None:
        for url in (f"http://example.com@127.0.0.1:{self.tripwire.port}/",
                    f"http://example.com:80@127.0.0.1:{self.tripwire.port}/",
                    f"http://user:pass@localhost:{self.tripwire.port}/",
                    f"http://example.com%2f@127.0.0.1:{self.tripwire.port}/"):
            with self.subTest(url=url):
                self.assert_blocked(self.fetch(url))


class NameTest(VectorTest):
    def test_names_with_a_blocked_address(self) -> None:
        self.assert_hosts_blocked(" ".join(ZONE))

    def test_trailing_dots_and_capitals_change_nothing(self) -> None:
        self.assert_hosts_blocked("loopback.test. LOOPBACK.TEST MiXeD.test. faß.test")

    def test_names_without_an_answer_end_in_time(self) -> None:
        codes = {"gone.test": "dns_not_found", "broken.test": "dns_error",
                 "refused.test": "dns_error", "silent.test": "dns_timeout",
                 "empty.test": "dns_not_found", "alias-to-nothing.test": "dns_not_found",
                 "alias-to-localhost.test": "dns_not_found"}
        started = time.monotonic()
        results = self.results([f"http://{name}:{self.tripwire.port}/" for name in codes])
        self.assertLess(time.monotonic() - started, 2 * PATIENCE)
        for (name, code), result in zip(codes.items(), results):
            with self.subTest(name=name):
                self.assert_error(result, "transport_error", code, "dns")

    def test_thousands_of_addresses_are_no_way_in(self) -> None:
        result = self.fetch(f"http://thousands.test:{self.tripwire.port}/")
        self.assertIn(result["outcome"], ("blocked", "transport_error"))
        self.assertIn(result["error"]["phase"], ("dns",))

    def test_names_cost_the_same_time_blocked_or_not(self) -> None:
        result = self.fetch(f"http://loopback.test:{self.tripwire.port}/")
        self.assertEqual(result["error"]["phase"], "dns")
        self.assertIsNone(result["timings"]["connect_ms"])


class RedirectTest(VectorTest):
    """One address is open, and an origin there that leads elsewhere."""

    settings = [*VectorTest.settings, "egress.allow=127.9.9.9"]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.open = cls.enterClassContext(Origin(host="127.9.9.9"))

    def results_of_redirects(self, targets: list[str], status: int = 302) -> list[Json]:
        urls = [self.open.redirect_to(target, status) for target in targets]
        return self.results(urls, defaults={"timeout_ms": 5000})

    def test_redirects_to_every_class_are_blocked(self) -> None:
        hosts = [*NUMERIC.split(), *SPECIAL.split(), *METADATA.split(), *IPV6.split(), *ZONE]
        targets = [f"http://{host}:{self.tripwire.port}/" for host in hosts
                   if "localhost" not in host]
        for status in (301, 307):
            for target, result in zip(targets, self.results_of_redirects(targets, status)):
                with self.subTest(target=target, status=status):
                    self.assertEqual(result["outcome"], "blocked", result["error"])

    def test_redirects_to_what_is_no_url_are_not_followed(self) -> None:
        for target, result in zip(OTHER_SCHEMES, self.results_of_redirects(OTHER_SCHEMES)):
            with self.subTest(target=target):
                self.assertNotEqual(result["outcome"], "success", result)
                self.assertEqual(result["error"]["code"], "redirect_blocked")

    def test_userinfo_of_a_redirect_is_not_sent(self) -> None:
        target = self.open.url("/echo").replace("//", "//user:pass@")
        self.open.log.mark()
        self.results_of_redirects([target])
        for request in self.open.requests():
            self.assertNotIn("authorization", [name.lower() for name, _ in request["headers"]])

    def test_a_chain_is_blocked_at_its_last_hop(self) -> None:
        last = self.open.redirect_to(f"http://127.0.0.1:{self.tripwire.port}/")
        result = self.results_of_redirects([last])[0]
        self.assertEqual(result["outcome"], "blocked")
        self.assertEqual(result["redirects"]["count"], 2)


class RebindingTest(VectorTest):
    """A name that is open first, and then is not."""

    settings = [*VectorTest.settings, "egress.allow=127.9.9.8"]
    open_addresses = {"127.9.9.8"}
    zone = {"moves.test": {"A": [["127.9.9.8"], ["127.0.0.1"]], "ttl": 0},
            "flips.test": {"A": [["127.0.0.1"], ["127.9.9.8"]], "ttl": 0}}

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.open = cls.enterClassContext(Origin(host="127.9.9.8"))

    def test_what_was_checked_is_what_is_connected_to(self) -> None:
        for _ in range(5):
            result = self.fetch(f"http://moves.test:{self.tripwire.port}/", timeout_ms=300)
            self.assertIn(result["error"]["code"], ("timeout_total", "blocked_by_policy"))

    def test_a_pooled_connection_is_no_way_around(self) -> None:
        url = self.open.url(host="flips.test")
        self.fetch(url)
        self.assertEqual(self.fetch(url)["remote_ip"] or "127.9.9.8", "127.9.9.8")
        self.assert_blocked(self.fetch(f"http://127.0.0.1:{self.tripwire.port}/"))

    def test_own_listeners_are_blocked_by_any_name(self) -> None:
        for host in ("127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]", "[::]"):
            with self.subTest(host=host):
                self.assert_blocked(self.fetch(f"http://{host}:{self.gatherd.port}/healthz"))


class Nat64Test(VectorTest):
    settings = [*VectorTest.settings, "egress.nat64=deny", "egress.nat64_prefixes=2620:100:64::/96"]

    def test_all_of_it_can_be_blocked(self) -> None:
        for host in ("[64:ff9b::8.8.8.8]", "[2620:100:64::8.8.8.8]", "[2620:100:64::127.0.0.1]"):
            with self.subTest(host=host):
                result = self.fetch(f"http://{host}:{self.tripwire.port}/")
                self.assert_blocked(result)
                self.assertEqual(result["error"]["rule"], "ipv6-nat64")


class EnvironmentTest(GatherdTest):
    """What libcurl would read by itself is not read."""

    @classmethod
    def start_gatherd(cls, *settings: str) -> Gatherd:
        cls.tripwire = cls.enterClassContext(Tripwire())
        home = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        (home / ".netrc").write_text("machine 127.0.0.1 login eve password x\ndefault login eve "
                                     "password x\n")
        (home / ".netrc").chmod(0o600)
        for name in (".curlrc", ".config/curlrc"):
            (home / name).parent.mkdir(exist_ok=True)
            (home / name).write_text(f"proxy = http://127.0.0.1:{cls.tripwire.port}\n")
        (home / ".curl-hsts").write_text('127.0.0.1 "20991231 00:00:00"\n')
        proxy = f"http://127.0.0.1:{cls.tripwire.port}"
        names = ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                 "socks_proxy", "SOCKS_SERVER")
        environment = {**dict.fromkeys(names, proxy), "no_proxy": "", "NO_PROXY": "",
                       "HOME": str(home), "CURL_HOME": str(home), "NETRC": str(home / ".netrc"),
                       "XDG_CONFIG_HOME": str(home / ".config")}
        return cls.enterClassContext(Gatherd(*settings, environment=environment))

    def test_proxies_netrc_and_the_like_play_no_part(self) -> None:
        request = self.received()
        self.assertNotIn("authorization", [name.lower() for name, _ in request["headers"]])
        self.assertEqual(request["target"], "/echo")
        self.assertEqual(self.tripwire.reached(), set())

    def test_nor_for_https(self) -> None:
        result = self.fetch(self.origin.url().replace("http:", "https:"),
                            connect_timeout_ms=500)
        self.assertEqual(result["outcome"], "transport_error")
        self.assertEqual(self.tripwire.reached(), set())
        self.assertTrue(self.origin.events("connect"))
