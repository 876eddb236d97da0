"""The helpers themselves: an oracle that is wrong proves nothing. No daemon runs here."""

from __future__ import annotations

import socket
import struct
import unittest

from harness import curl, run_curl
from patience import eventually
from servers import BlackHole, Certificates, Dns, Event, Nginx, Origin, refused_url

TOO_MUCH = (56, 100)  # before curl 8.6 and since
HOSTILE = {  # path: how curl ends
    "/hang": (28,), "/hang-after-headers": (28,), "/endless": (28,), "/endless-headers": TOO_MUCH,
    "/endless-hints": TOO_MUCH, "/close": (52,), "/half-close": (52,), "/reset": (56,), "/partial": (18,),
    "/partial-chunk": (18,), "/garbage": (1,), "/http09": (1,), "/bad-status": (1,), "/bad-chunk": (56,),
    "/bad-length": (8,), "/bad-gzip": (61,), "/nul-header": (8,),
}

RUNS_ALONE = True  # what waits there waits for 0.3 s


class OriginTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.origin = cls.enterClassContext(Origin())

    def setUp(self) -> None:
        self.origin.log.mark()

    def test_hostile_paths_are_hostile(self) -> None:
        for path, exit_codes in HOSTILE.items():
            with self.subTest(path=path):
                done = run_curl("--compressed", "-m", "0.3", "-o", "/dev/null",
                                self.origin.url(path))
                self.assertIn(done.returncode, exit_codes, done.stderr)

    def test_an_echo_shows_headers_in_order(self) -> None:
        echo = curl("-H", "X-B: 1", "-H", "X-A: 2", "-d", "body", self.origin.url("/echo")).json()
        self.assertEqual([name for name, _ in echo["headers"] if name.startswith("X-")],
                         ["X-B", "X-A"])
        self.assertEqual((echo["method"], echo["body"]), ("POST", "body"))

    def test_redirects_lead_home(self) -> None:
        run_curl("-L", self.origin.url("/redirect/3"))
        self.assertEqual(self.origin.targets(), ["/redirect/3", "/redirect/2", "/redirect/1", "/"])

    def test_the_log_shows_that_a_client_left(self) -> None:
        run_curl("-m", "0.1", self.origin.url("/hang"))
        hanging = next(e for e in self.origin.requests() if e["target"] == "/hang")["connection"]

        def end() -> list[Event] | None:
            events = self.origin.events("response", "disconnect")
            end = [event for event in events if event["connection"] == hanging]
            return end if len(end) == 2 else None

        answer, disconnect = eventually(end, "the end")
        self.assertFalse(answer["complete"])
        self.assertEqual(disconnect["by"], "peer")

    def test_the_log_counts_requests_in_flight(self) -> None:
        slow = self.origin.url("/slow?ms=200&n=[1-3]")
        run_curl("--parallel", "--parallel-immediate", slow)
        self.assertEqual(self.origin.peak_requests(), 3)

    def test_what_is_not_http_is_logged_as_such(self) -> None:
        with socket.create_connection(("127.0.0.1", self.origin.port), 5) as client:
            client.sendall(b"GET / HTTP/1.1\r\nBad Name: x\r\n\r\n")
            self.assertIn(b" 400 ", client.recv(100))
        self.assertEqual(len(self.origin.events("bad_request")), 1)
        self.assertEqual(self.origin.requests(), [])


class OtherServersTest(unittest.TestCase):
    def test_tls_is_checked_against_our_authority(self) -> None:
        with Certificates() as certificates:
            tls = certificates.issue("good", "IP:127.0.0.1")
            with Origin(tls=tls) as origin:
                self.assertEqual(curl("--cacert", str(certificates.ca), origin.url("/")).status,
                                 200)
                self.assertEqual(run_curl(origin.url("/")).returncode, 60)

    def test_nginx_logs_connections(self) -> None:
        with Nginx() as nginx:
            run_curl("-o", "/dev/null", "-o", "/dev/null", nginx.base + "/[1-2]")
            first, second = eventually(lambda: len(log := nginx.access_log()) == 2 and log, "log")
            self.assertEqual(first[0], second[0])
            self.assertEqual([first[2:], second[2:]], [(200, "/1"), (200, "/2")])

    def test_a_black_hole_never_connects(self) -> None:
        with BlackHole() as hole:
            self.assertEqual(run_curl("--connect-timeout", "0.3", hole.url()).returncode, 28)

    def test_a_refused_url_is_refused(self) -> None:
        self.assertEqual(run_curl(refused_url()).returncode, 7)


class DnsTest(unittest.TestCase):
    zone = {"two.test": {"A": ["127.0.0.1", "127.0.0.2"]},
            "moves.test": {"A": [["127.0.0.2"], ["127.0.0.1"]]},
            "alias.test": {"CNAME": "two.test"},
            "broken.test": {"rcode": "SERVFAIL"}, "silent.test": {"silent": True}}

    @classmethod
    def setUpClass(cls) -> None:
        cls.dns = cls.enterClassContext(Dns(cls.zone))

    def ask(self, name: str, kind: int = 1) -> tuple[int, list[bytes]]:
        """Response code and the data of the answer's records."""
        labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
        question = labels + struct.pack("!BHH", 0, kind, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(0.3)
            host, port = self.dns.address.split(":")
            client.sendto(struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + question, (host, int(port)))
            answer = client.recv(1500)
        identity, flags, _, count, _, _ = struct.unpack_from("!6H", answer)
        self.assertEqual(identity, 7)
        return flags & 15, self.records(answer[12 + len(question):], count)

    def records(self, packet: bytes, count: int) -> list[bytes]:
        data = []
        for _ in range(count):
            fixed = packet.index(b"\0") + 1
            length = struct.unpack_from("!H", packet, fixed + 8)[0]
            data.append(packet[fixed + 10:fixed + 10 + length])
            packet = packet[fixed + 10 + length:]
        return data

    def test_names_have_the_addresses_of_the_zone(self) -> None:
        self.assertEqual(self.ask("two.test"), (0, [b"\x7f\0\0\1", b"\x7f\0\0\2"]))
        self.assertEqual(self.ask("two.test", 28), (0, []))
        self.assertEqual(self.ask("alias.test")[1][1:], [b"\x7f\0\0\1", b"\x7f\0\0\2"])

    def test_answers_change_as_scripted(self) -> None:
        answers = [self.ask("moves.test")[1] for _ in range(3)]
        self.assertEqual(answers, [[b"\x7f\0\0\2"], [b"\x7f\0\0\1"], [b"\x7f\0\0\1"]])

    def test_failures_are_as_scripted(self) -> None:
        self.assertEqual(self.ask("broken.test"), (2, []))
        self.assertEqual(self.ask("unknown.test"), (3, []))
        with self.assertRaises(TimeoutError):
            self.ask("silent.test")

    def test_queries_are_logged(self) -> None:
        self.dns.log.mark()
        self.ask("two.test")
        self.assertEqual([(q["name"], q["type"]) for q in self.dns.log.lines()],
                         [("two.test", "A")])


if __name__ == "__main__":
    unittest.main()
