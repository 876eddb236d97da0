"""TLS gone wrong: cut in the handshake or in a record, too old, spoken by the wrong side."""

from __future__ import annotations

import socketserver
import ssl
import threading

from harness import GatherdTest, Json
from patience import PATIENCE
from servers import Certificates, Origin, Relay


class Peer:
    """A TLS server that does one thing with each connection."""

    def __init__(self, context: ssl.SSLContext, answer: bytes = b"") -> None:
        peer = self
        self.context = context
        self.answer = answer

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                peer.serve(self.request)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}/"

    def __enter__(self) -> "Peer":
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def serve(self, connection) -> None:  # a socket
        """Answers, and closes without the closing words of TLS."""
        try:
            with self.context.wrap_socket(connection, server_side=True) as tls:
                tls.recv(65536)
                tls.sendall(self.answer)
        except (OSError, ssl.SSLError):
            pass  # that is what it is for


class TlsTest(GatherdTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.certificates = cls.enterClassContext(Certificates())
        cls.settings = [*GatherdTest.settings, f"fetch.ca_file={cls.certificates.ca}"]
        super().setUpClass()
        cls.files = cls.certificates.issue("good", "IP:127.0.0.1")
        cls.secure = cls.enterClassContext(Origin(tls=cls.files))

    def setUp(self) -> None:
        super().setUp()
        self.secure.log.mark()

    def fails(self, url: str, code: str, phase: str, **members: Json) -> Json:
        """The result next to twenty healthy ones, which stay so."""
        healthy = [self.origin.url(f"/slow?ms=10&n={n}") for n in range(20)]
        result, *others = self.results([{"url": url, "timeout_ms": 2000 * PATIENCE, **members},
                                        *healthy])
        self.assert_outcomes(others, ["success"] * len(healthy))
        self.assert_error(result, "transport_error", code, phase)
        return result

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.files)
        return context


class CutTest(TlsTest):
    def test_in_the_handshake(self) -> None:
        for by_reset in (False, True):
            for n_bytes in (0, 1, 5, 100, 500):
                with self.subTest(n_bytes=n_bytes, by_reset=by_reset):
                    with Relay(self.secure.port, cut_after=n_bytes, by_reset=by_reset) as relay:
                        self.fails(f"https://127.0.0.1:{relay.port}/", "tls_handshake", "tls")
        self.assertEqual(self.secure.targets(), [])

    def test_in_a_record_of_the_body(self) -> None:
        with Relay(self.secure.port, cut_after=20_000) as relay:
            result = self.fails(f"https://127.0.0.1:{relay.port}/bytes/100000",
                                "partial_body", "receive")
        self.assertEqual(result["status_code"], 200)
        self.assertLess(result["body"]["decoded_bytes"], 20_000)

    def test_by_a_reset_in_the_body(self) -> None:
        """Which takes with it what had come and was not read yet, even all of it."""
        with Relay(self.secure.port, cut_after=20_000, by_reset=True) as relay:
            result = self.fails(f"https://127.0.0.1:{relay.port}/bytes/100000",
                                "recv_reset", "wait receive")
        self.assertLess(result["body"]["decoded_bytes"], 20_000)

    def test_at_what_may_be_the_end_of_a_body_without_a_length(self) -> None:
        """To libcurl 7.88 that is its end, to 8.14 it is not."""
        with Peer(self.context(), b"HTTP/1.1 200 OK\r\n\r\nhello") as peer:
            result = self.fetch(peer.url)
        self.assertEqual(result["body"]["decoded_bytes"], 5)
        if result["outcome"] != "success":
            self.assert_error(result, "transport_error", "partial_body", "receive")


class NonsenseTest(TlsTest):
    def test_records_that_are_none(self) -> None:
        for answer in (b"\x15\x03\x01\x00\x02\x02\x28", b"\x16\x03\x03\xff\xff" + b"\0" * 70_000,
                       b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 100, b"\x16\x03\x03\x00\x00"):
            with self.subTest(answer=answer[:10]), Plain(answer) as peer:
                self.fails(peer.url, "tls_handshake", "tls")

    def test_versions_that_are_too_old(self) -> None:
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            with self.subTest(version=version):
                context = self.context()
                context.set_ciphers("DEFAULT:@SECLEVEL=0")
                context.minimum_version = context.maximum_version = version
                with Peer(context) as peer:
                    self.fails(peer.url, "tls_handshake", "tls")

    def test_a_version_below_what_is_asked_for(self) -> None:
        context = self.context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with Peer(context, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello") as peer:
            self.fails(peer.url, "tls_handshake", "tls", tls={"min_version": "1.3"})
            self.assertEqual(self.fetch(peer.url)["outcome"], "success")

    def test_a_certificate_signed_by_itself(self) -> None:
        with Certificates() as stranger:
            with Origin(tls=(stranger.ca, stranger.directory / "ca.key")) as origin:
                self.fails(origin.url(), "tls_cert_untrusted", "tls")
                self.assertEqual(origin.targets(), [])

    def test_a_certificate_of_yesterday_or_for_somebody_else(self) -> None:
        for name, names, days, code in (("old", "IP:127.0.0.1", -1, "tls_cert_expired"),
                                        ("other", "DNS:other.test", 1, "tls_hostname_mismatch")):
            with self.subTest(name=name):
                with Origin(tls=self.certificates.issue(name, names, days)) as origin:
                    self.fails(origin.url(), code, "tls")
                    self.assertEqual(origin.targets(), [])


class Plain(Peer):
    """What it says instead of a handshake."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), answer)

    def serve(self, connection) -> None:  # a socket
        connection.recv(65536)
        connection.sendall(self.answer)
