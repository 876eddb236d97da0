"""What curl says of a URL, gatherd says too: status, headers, body, sizes, addresses."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, Iterable

from harness import CAPTURE_BODY, GatherdTest, Json, captured, parse_head, run_curl
from patience import PATIENCE, in_the_end
from servers import Certificates, Nginx, Origin, header_values

VERSIONS = {"1": "1.0", "1.0": "1.0", "1.1": "1.1", "2": "2"}
DIFFERENT_MS = 50 * PATIENCE
ORDER_OF_MAGNITUDE = 10 * PATIENCE


class Seen:
    """What curl made of a URL."""

    def __init__(self, *arguments: str) -> None:
        with tempfile.TemporaryDirectory(prefix="gatherd-test-") as directory:
            body, heads = Path(directory, "body"), Path(directory, "heads")
            body.touch()
            done = run_curl("-o", str(body), "-D", str(heads), "-w", "%{json}", *arguments)
            assert done.returncode == 0, done.stderr.decode()
            self.said: dict[str, Any] = json.loads(done.stdout)
            # Asked for a HEAD, curl takes the headers for what it is to write.
            self.body = b"" if self.said["method"] == "HEAD" else body.read_bytes()
            last_head = heads.read_bytes().split(b"\r\n\r\n")[-2]
        self.headers = undated([name.lower(), value] for name, value in parse_head(last_head)[1])


def undated(headers: Iterable[list[str]]) -> list[list[str]]:
    """Without what depends on when it was asked for."""
    return [header for header in headers if header[0] != "date"]


class AgainstCurlTest(GatherdTest):
    settings = ["egress.allow=127.0.0.0/8 ::1/128"]

    def compare(self, url: str, *arguments: str, **members: Json) -> tuple[Seen, Json]:
        """curl with these arguments and a gather with these members must see the same."""
        return in_the_end(lambda: self.compare_once(url, *arguments, **members))

    def compare_once(self, url: str, *arguments: str, **members: Json) -> tuple[Seen, Json]:
        seen = Seen(*arguments, url)
        result = self.fetch(url, capture={"body": CAPTURE_BODY}, **members)
        said = seen.said
        self.assertIn(result["outcome"], ("success", "http_error"), result)
        self.assertEqual(result["status_code"], said["http_code"])
        self.assertEqual(result["http_version"], VERSIONS[said["http_version"]])
        self.assertEqual(undated(result["headers"]), seen.headers)
        self.assertEqual(captured(result), seen.body)
        self.assertEqual(result["body"]["encoded_bytes"], said["size_download"])
        self.assertEqual(result["body"]["decoded_bytes"], len(seen.body))
        if "--digest" not in arguments:  # curl counts the answer to a challenge
            self.assertEqual(result["redirects"]["count"], said["num_redirects"])
        self.assertEqual((result["remote_ip"], result["remote_port"]),
                         (said["remote_ip"], said["remote_port"]))
        self.assert_same_order(result["timings"]["total_ms"], said["time_total"] * 1000)
        return seen, result

    def assert_same_order(self, ours: float, theirs: float) -> None:
        small, big = sorted((ours, theirs))
        self.assertLess(big, max(small * ORDER_OF_MAGNITUDE, small + DIFFERENT_MS))

    def compare_paths(self, *paths: str, arguments: tuple[str, ...] = (), **members: Json) -> None:
        for path in paths:
            with self.subTest(path=path):
                self.compare(self.origin.url(path), *arguments, **members)


class OrdinaryTest(AgainstCurlTest):
    zone = {"xn--bcher-kva.test": {"A": ["127.0.0.1"]}}

    def test_bodies_of_any_size(self) -> None:
        self.compare_paths("/bytes/0", "/bytes/1", "/bytes/100", "/bytes/16384", "/bytes/65536",
                           "/bytes/900000", "/chunked?n=7&size=1000", "/http10", "/binary-body")

    def test_bodies_that_are_encoded(self) -> None:
        self.compare_paths("/gzip?bytes=0", "/gzip?bytes=1", "/gzip?bytes=50000", "/two-codings",
                           "/identity-coding", arguments=("--compressed",))

    def test_headers_as_they_came(self) -> None:
        self.compare_paths("/headers?X-A=1&X-B=2&X-A=3", "/set-cookie", "/early-hints?ms=10",
                           "/big-header?bytes=5000", "/no-reason", "/headers?X-Empty=")

    def test_every_status(self) -> None:
        self.compare_paths(*(f"/status/{code}" for code in
                             (200, 201, 202, 204, 205, 206, 300, 304, 400, 401, 403, 404, 405, 407,
                              410, 418, 429, 451, 500, 502, 503, 504, 511, 599, 999)))

    def test_the_time_of_the_origin(self) -> None:
        self.compare_paths("/slow?ms=200", "/drip?bytes=5&ms=200")

    def test_methods(self) -> None:
        for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PURGE"):
            with self.subTest(method=method):
                self.compare(self.origin.url("/status/200"), "-X", method, method=method)
                self.assertEqual([r["method"] for r in self.origin.requests()[-2:]], [method] * 2)
        self.compare(self.origin.url("/bytes/100"), "-I", method="HEAD")

    def test_bodies_that_are_sent(self) -> None:
        for n_bytes in (0, 1, 1000, 70_000, 2_000_000):
            with self.subTest(n_bytes=n_bytes), tempfile.NamedTemporaryFile() as file:
                file.write(b"u" * n_bytes)
                file.flush()
                self.compare(self.origin.url("/status/201"), "--data-binary", f"@{file.name}",
                             method="POST", body="u" * n_bytes)
                theirs, ours = self.origin.requests()[-2:]
                self.assertEqual(ours["body_sha256"], theirs["body_sha256"])
                self.assertEqual((ours["body_bytes"], ours["method"]), (n_bytes, "POST"))

    def test_redirects_that_are_followed(self) -> None:
        for path in ("/redirect/1", "/redirect/5", "/redirect-to?url=/bytes/10&status=301",
                     "/redirect-to?url=%2Fstatus%2F404&status=307", "/status/302",
                     "/redirect-to?url=../../bytes/../bytes/./3",
                     "/redirect-to?url=/bytes/4%23fragment"):
            with self.subTest(path=path):
                seen, result = self.compare(self.origin.url(path), "-L")
                self.assertEqual(result["effective_url"].partition("#")[0],
                                 seen.said["url_effective"].partition("#")[0])

    def test_redirects_of_a_post(self) -> None:
        for status in (301, 302, 303, 307, 308):
            with self.subTest(status=status):
                url = self.origin.redirect_to("/status/200", status)
                self.origin.log.mark()
                self.compare(url, "-L", "-d", "a=1", method="POST", body="a=1")
                requests = [(r["method"], r["body"]) for r in self.origin.requests()]
                self.assertEqual(requests[2:], requests[:2])

    def test_redirects_that_are_not_followed(self) -> None:
        self.compare_paths("/redirect/3", "/status/302", follow_redirects=False)

    def test_ipv6(self) -> None:
        with Origin(host="::1") as six:
            self.compare(six.url("/bytes/10"))

    def test_names_with_letters_of_all_kinds(self) -> None:
        port = self.origin.port
        self.compare(f"http://b\u00fccher.test:{port}/bytes/5",
                     "--resolve", f"xn--bcher-kva.test:{port}:127.0.0.1")
        hosts = [header_values(request, "host") for request in self.origin.requests()]
        self.assertEqual(hosts, [[f"xn--bcher-kva.test:{port}"]] * 2)


class OptionsTest(AgainstCurlTest):
    def same_header(self, name: str) -> str:
        theirs, ours = (header_values(request, name) for request in self.origin.requests()[-2:])
        self.assertEqual(ours, theirs)
        return ours[0]

    def test_basic_and_bearer(self) -> None:
        url = self.origin.url("/status/200")
        self.compare(url, "-u", "user:p\u00e4ss:word",
                     auth={"type": "basic", "username": "user", "password": "p\u00e4ss:word"})
        self.same_header("authorization")
        self.compare(url, "--oauth2-bearer", "token",
                     auth={"type": "bearer", "token": "token"})
        self.assertEqual(self.same_header("authorization"), "Bearer token")

    def test_digest(self) -> None:
        url = self.origin.url("/digest?user=user&password=word")
        for password, status in (("word", 200), ("wrong", 401)):
            with self.subTest(password=password):
                _, result = self.compare(
                    url, "--digest", "-u", f"user:{password}",
                    auth={"type": "digest", "username": "user", "password": password})
                self.assertEqual(result["status_code"], status)

    def test_cookies_that_are_given(self) -> None:
        self.compare(self.origin.url("/status/200"), "-b", "a=1; b=2",
                     headers={"Cookie": "a=1; b=2"})
        self.assertEqual(self.same_header("cookie"), "a=1; b=2")

    def test_where_a_host_is_said_to_be(self) -> None:
        pin = f"pinned.test:{self.origin.port}:127.0.0.1"
        self.compare(self.origin.url("/bytes/3", host="pinned.test"), "--resolve", pin,
                     resolve=[pin])
        self.assertEqual(self.same_header("host"), f"pinned.test:{self.origin.port}")


class TlsTest(AgainstCurlTest):
    @classmethod
    def setUpClass(cls) -> None:
        cls.certificates = cls.enterClassContext(Certificates())
        cls.settings = [*AgainstCurlTest.settings, f"fetch.ca_file={cls.certificates.ca}"]
        super().setUpClass()
        cls.files = cls.certificates.issue("good", "IP:127.0.0.1")

    def test_https(self) -> None:
        with Origin(tls=self.files) as origin:
            _, result = self.compare(origin.url("/bytes/50000"), "--cacert",
                                     str(self.certificates.ca))
            self.assertEqual(result["http_version"], "1.1")

    def test_http_2(self) -> None:
        with Nginx(tls=self.files) as nginx:
            for version, option in (("2", "--http2"), ("1.1", "--http1.1")):
                with self.subTest(version=version):
                    _, result = self.compare(nginx.base + "/", option, "--cacert",
                                             str(self.certificates.ca), http_version=version)
                    self.assertEqual(result["http_version"], version)
