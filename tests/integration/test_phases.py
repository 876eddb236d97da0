"""Each phase against an origin that takes a known time in it, and sums to the microsecond.

The daemon's stamps are compared with what was asked for, or with what the origin measured itself.
Other work on the machine can only add to them, so the best of a few tries counts.
"""

from __future__ import annotations

import json
import socket
import threading
from decimal import Decimal

from harness import CAPTURE_BODY, GatherdTest, Json, captured
from patience import PATIENCE, TRIES, in_the_end, takes_seconds
from servers import BlackHole, Certificates, Origin, Relay, refused_url

PHASES = ("dns_ms", "connect_ms", "tls_ms", "send_ms", "wait_ms", "receive_ms")
NEAR_MS = 5 * PATIENCE
LATE_MS = 60 * PATIENCE  # by which the kernel may repeat a SYN too late
MOST = 0.75  # of an upload is read by the origin before the rest fits into its own buffers

RUNS_ALONE = True


class PhaseTest(GatherdTest):
    def result(self, request: Json, **members: Json) -> Json:
        """One result, with times as they were written, which must add up."""
        reply = self.post("/v1/gather", {"requests": [request], **members})
        self.assertEqual(reply.status, 200, reply.body)
        result, = reply.json(exact=True)["results"]
        self.check_sums(result)
        return result

    def check_sums(self, result: Json) -> None:
        timings = result["timings"]
        self.assertEqual(phase_sum(timings), timings["total_ms"])
        earlier = [each["total_ms"] + each["backoff_ms"] for each in result["attempts"][:-1]]
        self.assertEqual(sum(earlier, timings["queue_ms"] + timings["total_ms"]),
                         timings["elapsed_ms"])
        for hop in result["redirects"]["hops"]:
            self.assertEqual(phase_sum(hop), hop["total_ms"])

    def timings(self, request: Json) -> Json:
        result = self.result(request)
        self.assertEqual(result["outcome"], "success", result["error"])
        return result["timings"]

    def assert_near(self, timings: Json, **expected: float | None) -> None:
        for name, value in expected.items():
            if value is None:
                self.assertIsNone(timings[name + "_ms"], f"{name} in {timings}")
            else:
                self.assertIsNotNone(timings[name + "_ms"], f"{name} in {timings}")
                self.assertAlmostEqual(float(timings[name + "_ms"]), value, delta=NEAR_MS,
                                       msg=f"{name} in {timings}")


def phase_sum(timings: Json) -> Decimal:
    return sum((timings[name] for name in PHASES if timings[name] is not None), Decimal(0))


class SuccessTest(PhaseTest):
    settings = [*PhaseTest.settings, "egress.allow=127.0.0.0/8 ::1/128"]
    zone = {"two.test": {"A": ["127.0.0.1"], "AAAA": ["::1"]},
            **{f"delayed{n}.test": {"A": ["127.0.0.1"], "delay_ms": 100} for n in range(TRIES)}}

    def test_a_slow_name_server_is_dns(self) -> None:
        names = iter(self.zone)
        next(names)

        def attempt() -> None:
            url = self.origin.url("/keepalive-close", host=next(names))
            self.assert_near(self.timings(url), dns=100, connect=0, tls=None, send=0, wait=0,
                             receive=0, total=100)
        in_the_end(attempt)

    def test_a_dead_first_address_is_connect(self) -> None:
        """Happy Eyeballs: libcurl gives the other family its chance after 200 ms."""
        with BlackHole("::1") as hole, Origin(port=hole.port) as origin:
            url = origin.url("/keepalive-close", host="two.test")
            in_the_end(lambda: self.assert_near(
                self.timings(url), connect=200, tls=None, send=0, wait=0, receive=0))

    @takes_seconds
    def test_a_lost_syn_is_connect(self) -> None:
        """The kernel repeats it after a second; until then there is no room for it."""
        def attempt() -> None:
            with BlackHole() as hole:
                threading.Timer(0.5, hole.open).start()
                result = self.result({"url": hole.url(), "timeout_ms": 1500})
            self.assert_error(result, "transport_error", "timeout_total", "wait")
            connect_ms = float(result["timings"]["connect_ms"])
            self.assertTrue(1000 <= connect_ms < 1000 + LATE_MS, connect_ms)
            self.assert_near(result["timings"], send=0, wait=1500 - connect_ms, total=1500)
        in_the_end(attempt)

    def test_a_slow_answer_is_wait(self) -> None:
        in_the_end(lambda: self.assert_near(
            self.timings(self.origin.url("/slow?ms=100")), dns=None, send=0, wait=100, receive=0))

    def test_interim_answers_belong_to_wait(self) -> None:
        in_the_end(lambda: self.assert_near(
            self.timings(self.origin.url("/early-hints?ms=100")), send=0, wait=100, receive=0))

    def test_a_slow_body_is_receive(self) -> None:
        in_the_end(lambda: self.assert_near(
            self.timings(self.origin.url("/drip?bytes=2&ms=100")), send=0, wait=0, receive=100))

    def test_a_kept_connection_has_neither_dns_nor_connect(self) -> None:
        url = self.origin.url("/slow?ms=50", host="two.test")
        self.timings(url)

        def attempt() -> None:
            result = self.result(url)
            self.assertTrue(result["connection"]["reused"])
            self.assert_near(result["timings"], connect=None, tls=None, send=0, wait=50,
                             receive=0, total=50)
        in_the_end(attempt)

    def test_each_hop_of_a_redirect_has_its_own_phases(self) -> None:
        last = self.origin.url("/slow?ms=30")
        second = self.origin.redirect_to(last) + "&ms=40"
        first = self.origin.redirect_to(second) + "&ms=60"

        def attempt() -> None:
            result = self.result(first)
            hops = result["redirects"]["hops"]
            self.assert_near(hops[0], wait=60, receive=0)
            self.assert_near(hops[1], wait=40, receive=0)
            timings = result["timings"]
            redirect_ms = hops[0]["total_ms"] + hops[1]["total_ms"]
            self.assertEqual(redirect_ms, timings["redirect_ms"])
            self.assert_near(timings, total=float(redirect_ms) + 30,
                             wait=float(hops[0]["wait_ms"] + hops[1]["wait_ms"]) + 30)
        in_the_end(attempt)


class UploadTest(PhaseTest):
    """What the kernel has taken counts as sent; between it and this origin there is little room."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.narrow = cls.enterClassContext(Origin(narrow=True))

    def upload(self, n_bytes: int) -> tuple[Json, float]:
        """Timings, and how long the origin was reading by its own clock, in milliseconds."""
        url = self.narrow.url("/slow-reader?read_ms=80&wait_ms=50")
        result = self.result({"url": url, "method": "POST", "body": "u" * n_bytes,
                              "capture": {"body": CAPTURE_BODY}})
        self.assertEqual(result["outcome"], "success", result["error"])
        said = json.loads(captured(result))
        self.assertEqual(said["body_bytes"], n_bytes)
        return result["timings"], said["read_ms"]

    def test_what_does_not_fit_into_buffers_is_sent_while_it_is_read(self) -> None:
        for n_bytes in (1 << 20, 8 << 20):
            with self.subTest(n_bytes=n_bytes):
                def attempt() -> None:
                    timings, read_ms = self.upload(n_bytes)
                    send_ms = float(timings["send_ms"])
                    self.assertTrue(MOST * read_ms < send_ms < read_ms + NEAR_MS, timings)
                    self.assert_near(timings, wait=read_ms + 50 - send_ms, receive=0)
                in_the_end(attempt)

    def test_what_fits_is_sent_at_once_and_then_waited_for(self) -> None:
        for n_bytes in (1, 1000, 63 << 10, 64 << 10):
            with self.subTest(n_bytes=n_bytes):
                def attempt() -> None:
                    timings, read_ms = self.upload(n_bytes)
                    self.assert_near(timings, send=0, wait=read_ms + 50, receive=0)
                in_the_end(attempt)


class TlsTest(PhaseTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.certificates = cls.enterClassContext(Certificates())
        cls.settings = [*PhaseTest.settings, f"fetch.ca_file={cls.certificates.ca}"]
        super().setUpClass()
        files = cls.certificates.issue("good", "IP:127.0.0.1")
        cls.secure = cls.enterClassContext(Origin(tls=files))

    def own_ms(self, hold_ms: float) -> float:
        """What a handshake takes besides the time for which it is held up."""
        with Relay(self.secure.port, hold_ms) as relay:
            timings = self.timings(f"https://127.0.0.1:{relay.port}/keepalive-close")
        self.assertIsNone(timings["dns_ms"])
        self.assertLess(timings["connect_ms"] + timings["send_ms"] + timings["receive_ms"], 50)
        return float(timings["tls_ms"]) - relay.held_ms

    def test_a_stalled_handshake_is_tls(self) -> None:
        usual = min(in_the_end(lambda: self.own_ms(0)) for _ in range(TRIES))
        in_the_end(lambda: self.assertAlmostEqual(self.own_ms(100), usual, delta=NEAR_MS))


class FailureTest(PhaseTest):
    """The time since the last stamp belongs to the phase that was going on."""

    zone = {"silent.test": {"silent": True}}

    def fails(self, request: Json, code: str, phase: str, **expected: float | None) -> None:
        def attempt() -> None:
            result = self.result({"timeout_ms": 150 * PATIENCE, **request})
            self.assert_error(result, "transport_error", code, phase)
            self.assert_near(result["timings"], **expected)
            if not result["redirects"]["hops"]:
                after = PHASES[PHASES.index(phase + "_ms") + 1:]
                self.assertEqual([result["timings"][name] for name in after], [None] * len(after))
        in_the_end(attempt)

    def test_in_dns(self) -> None:
        self.fails({"url": self.origin.url(host="silent.test")}, "timeout_total dns_timeout",
                   "dns", dns=150 * PATIENCE, total=150 * PATIENCE)

    def test_in_connect(self) -> None:
        with BlackHole() as hole:
            self.fails({"url": hole.url()}, "timeout_total", "connect", connect=150 * PATIENCE,
                       total=150 * PATIENCE)
            self.fails({"url": hole.url(), "connect_timeout_ms": 50 * PATIENCE},
                       "connect_timeout", "connect", connect=50 * PATIENCE)
        self.fails({"url": refused_url()}, "connect_refused", "connect", connect=0, total=0)

    def test_in_tls(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
            self.fails({"url": url}, "timeout_total", "tls", connect=0, tls=150 * PATIENCE)
            self.fails({"url": url, "connect_timeout_ms": 50 * PATIENCE}, "tls_timeout", "tls",
                       connect=0, tls=50 * PATIENCE)

    def test_in_send(self) -> None:
        body = {"method": "POST", "body": "u" * (8 << 20)}
        self.fails({"url": self.origin.url("/never-read"), **body}, "timeout_total", "send",
                   total=150 * PATIENCE)
        self.fails({"url": self.origin.url("/reset-upload"), **body}, "send_error", "send")

    def test_in_wait(self) -> None:
        self.fails({"url": self.origin.url("/hang")}, "timeout_total", "wait", send=0,
                   total=150 * PATIENCE)
        self.fails({"url": self.origin.url("/hang"), "first_byte_timeout_ms": 50 * PATIENCE},
                   "timeout_first_byte", "wait", send=0, wait=50 * PATIENCE)
        self.fails({"url": self.origin.url("/hang-after-hint")}, "timeout_total", "wait", send=0,
                   total=150 * PATIENCE)

    def test_in_receive(self) -> None:
        self.fails({"url": self.origin.url("/hang-after-headers")}, "timeout_total", "receive",
                   wait=0, total=150 * PATIENCE)
        self.fails({"url": self.origin.url("/hang-after-headers"),
                    "idle_timeout_ms": 50 * PATIENCE}, "timeout_idle", "receive", wait=0,
                   receive=50 * PATIENCE)
        self.fails({"url": self.origin.url("/reset-body")}, "recv_reset", "receive", wait=0,
                   receive=20)

    def test_in_a_later_hop(self) -> None:
        url = self.origin.redirect_to("/hang") + "&ms=50"
        self.fails({"url": url}, "timeout_total", "wait", wait=150 * PATIENCE,
                   total=150 * PATIENCE, redirect=50, receive=0)


class RetryTest(PhaseTest):
    def test_what_is_waited_between_attempts_is_on_record(self) -> None:
        retry = {"max_attempts": 3, "on": [503], "backoff_ms": 50, "max_backoff_ms": 1000,
                 "jitter": 0}

        def attempt() -> None:
            result = self.result({"url": self.origin.url("/status/503"), "retry": retry})
            attempts = result["attempts"]
            self.assertEqual([each["n"] for each in attempts], [1, 2, 3])
            self.assertEqual([each["backoff_ms"] for each in attempts], [50, 100, None])
            self.assert_near(result["timings"], total=0)
            self.assertLess(result["timings"]["queue_ms"], 3 * NEAR_MS)  # two timers were late
        in_the_end(attempt)

    def test_the_attempts_before_the_last_are_part_of_elapsed(self) -> None:
        retry = {"max_attempts": 2, "on": ["timeout"], "backoff_ms": 30, "jitter": 0}

        def attempt() -> None:
            result = self.result({"url": self.origin.url("/hang"), "retry": retry,
                                  "timeout_ms": 100 * PATIENCE})
            self.assertAlmostEqual(float(result["attempts"][0]["total_ms"]), 100 * PATIENCE,
                                   delta=NEAR_MS)
            self.assert_near(result["timings"], total=100 * PATIENCE)
            self.assertLess(result["timings"]["queue_ms"], 3 * NEAR_MS)
        in_the_end(attempt)
