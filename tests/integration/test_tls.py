"""HTTPS: who the other side is gets checked, and told."""

from __future__ import annotations

import shutil
import socket
import tempfile
from pathlib import Path

from harness import CAPTURE_BODY, GatherdTest, Json
from servers import Certificates, Nginx, NginxThatAsksWho, Origin


class TlsTest(GatherdTest):
    zone = {"good.test": {"A": ["127.0.0.1"]}, "other.test": {"A": ["127.0.0.1"]}}

    @classmethod
    def setUpClass(cls) -> None:
        cls.certificates = cls.enterClassContext(Certificates())
        cls.settings = [*GatherdTest.settings, f"fetch.ca_file={cls.certificates.ca}"]
        super().setUpClass()
        cls.good = cls.secure_origin("good", "DNS:good.test,IP:127.0.0.1")

    def setUp(self) -> None:
        super().setUp()
        self.good.log.mark()

    @classmethod
    def secure_origin(cls, name: str, subject_alt_name: str, days: int = 1) -> Origin:
        files = cls.certificates.issue(name, subject_alt_name, days)
        return cls.enterClassContext(Origin(tls=files))

    def test_a_verified_origin_is_fetched(self) -> None:
        result = self.fetch(self.good.url(host="good.test"))
        self.assertEqual(result["outcome"], "success", result["error"])
        self.assertEqual(result["remote_port"], self.good.port)

    def test_the_handshake_has_a_phase(self) -> None:
        result = self.fetch(self.good.url(host="127.0.0.1"))
        self.assertGreater(result["timings"]["tls_ms"], 0)

    def test_a_reused_connection_needs_no_handshake(self) -> None:
        results = self.results([self.good.url(f"/?{n}", host="good.test") for n in range(3)],
                               limits={"concurrency": 1})
        self.assertTrue(results[2]["connection"]["reused"])
        self.assertIsNone(results[2]["timings"]["tls_ms"])

    def test_another_name_is_a_mismatch(self) -> None:
        result = self.fetch(self.good.url(host="other.test"))
        self.assert_error(result, "transport_error", "tls_hostname_mismatch", "tls")
        self.assertEqual(self.good.targets(), [])

    def test_an_expired_certificate_is_refused(self) -> None:
        expired = self.secure_origin("expired", "IP:127.0.0.1", days=-1)
        result = self.fetch(expired.url())
        self.assert_error(result, "transport_error", "tls_cert_expired", "tls")

    def test_an_unknown_authority_is_refused(self) -> None:
        with Certificates() as strangers:
            with Origin(tls=strangers.issue("stranger", "IP:127.0.0.1")) as origin:
                result = self.fetch(origin.url())
                self.assert_error(result, "transport_error", "tls_cert_untrusted", "tls")
                self.assertEqual(origin.targets(), [])

    def test_plain_http_is_no_handshake(self) -> None:
        with Nginx() as nginx:
            result = self.fetch(nginx.base.replace("http:", "https:"))
            self.assert_error(result, "transport_error", "tls_handshake", "tls")

    def test_a_silent_handshake_times_out(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
            result = self.fetch(url, connect_timeout_ms=200)
            self.assert_error(result, "transport_error", "tls_timeout", "tls")

    def test_a_redirect_does_not_lead_away_from_tls(self) -> None:
        path = f"/redirect-to?status=302&url={self.origin.url('/secret')}"
        result = self.fetch(self.good.url(path, host="good.test"))
        self.assert_error(result, "transport_error", "redirect_blocked", "receive")
        self.assertEqual(self.origin.targets(), [])

    def test_an_origin_cannot_send_later_requests_elsewhere(self) -> None:
        elsewhere = self.secure_origin("elsewhere", "DNS:good.test")
        for version in ("http/1.1", "h2"):
            advice = (f"Alt-Svc={version}%3D%22:{elsewhere.port}%22%3B%20ma%3D3600"
                      "&Strict-Transport-Security=max-age%3D3600")
            self.fetch(self.good.url(f"/headers?{advice}", host="good.test"))
        for origin in (self.good, self.origin):
            result = self.fetch(origin.url("/?again", host="good.test"))
            self.assertEqual(result["outcome"], "success", result["error"])
            self.assertEqual(origin.targets()[-1], "/?again")
        self.assertEqual(elsewhere.events("connect"), [])

    def test_other_origins_do_not_notice(self) -> None:
        urls = [self.good.url(host=host) for host in ("good.test", "other.test") * 10]
        results = self.results(urls)
        self.assert_outcomes(results, ["success", "transport_error"] * 10)


class ClientCertificateTest(GatherdTest):
    """fetch.certs_dir, with an nginx that wants to know who asks."""

    @classmethod
    def setUpClass(cls) -> None:
        certificates = cls.enterClassContext(Certificates())
        cls.nginx = cls.enterClassContext(NginxThatAsksWho(
            certificates.issue("nginx", "IP:127.0.0.1"), certificates.ca))
        cls.secure = cls.enterClassContext(Origin(tls=certificates.issue("other", "IP:127.0.0.1")))
        directory = Path(tempfile.mkdtemp(prefix="gatherd-test-"))
        cls.addClassCleanup(shutil.rmtree, directory)
        for name in ("reports", "billing"):
            files = certificates.issue(name, "DNS:unused.test")
            (directory / f"{name}.pem").write_text("".join(file.read_text() for file in files))
        (directory / "garbage.pem").write_text("no PEM\n")
        shutil.copy(certificates.ca, directory / "lab.pem")
        cls.settings = [*GatherdTest.settings, f"fetch.certs_dir={directory}"]
        super().setUpClass()

    def ask(self, **tls: str) -> Json:
        return self.fetch(self.nginx.base, tls={"ca_ref": "lab", **tls}, capture={"body": CAPTURE_BODY})

    def test_each_is_shown_where_it_is_named(self) -> None:
        for name in ("reports", "billing", "reports"):
            result = self.ask(client_cert_ref=name)
            self.assertEqual((result["status_code"], result["body"]["data"]), (200, f"CN={name}"),
                             result["error"])

    def test_nobody_borrows_the_connection_of_another(self) -> None:
        self.assertEqual(self.ask(client_cert_ref="reports")["status_code"], 200)
        result = self.ask()
        self.assertEqual(result["status_code"], 400, result)

    def test_it_is_not_shown_to_whom_a_redirect_leads(self) -> None:
        for redirect in (self.origin.redirect_to(self.nginx.base),
                         self.secure.redirect_to(self.nginx.base)):
            result = self.fetch(redirect, tls={"ca_ref": "lab", "client_cert_ref": "reports"})
            self.assertEqual(result["effective_url"], self.nginx.base + "/")
            self.assertEqual(result["status_code"], 400, result)

    def test_what_cannot_be_used_says_so(self) -> None:
        result = self.ask(client_cert_ref="garbage")
        self.assert_error(result, "transport_error", "internal", "tls")
        self.assertIn("tls.client_cert_ref", result["error"]["message"])

    def test_one_that_is_not_there_is_refused(self) -> None:
        reply = self.post("/v1/gather", {"requests": [
            {"url": self.nginx.base, "tls": {"client_cert_ref": "missing"}}]})
        [error] = self.assert_problem(reply, 422)["errors"]
        self.assertEqual(error["pointer"], "/requests/0/tls/client_cert_ref")
        self.assertIn("fetch.certs_dir", error["detail"])


class DefaultAuthorityTest(GatherdTest):
    def test_a_private_authority_is_not_trusted_by_default(self) -> None:
        with Certificates() as certificates:
            with Origin(tls=certificates.issue("good", "IP:127.0.0.1")) as origin:
                result = self.fetch(origin.url())
                self.assert_error(result, "transport_error", "tls_cert_untrusted", "tls")
