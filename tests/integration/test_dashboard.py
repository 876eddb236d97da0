"""The dashboard: every file of it is served as it stands in the source, and asks for nothing from elsewhere.

What the page does in a browser is for tests/clients.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urljoin

from harness import GatherdTest, Reply, curl, needs
from streams import Proxy
from tokens import TokensTest

FILES = Path(__file__).resolve().parents[2] / "daemon" / "dashboard"
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
         ".js": "text/javascript; charset=utf-8"}
IMPORT = re.compile(r"""(?:\bfrom|\bimport|\bimport\()\s*['"]([^'"]+)['"]""")
POLICY = {"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "connect-src": "'self'",
          "img-src": "'self' data:", "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'"}
# What makes markup or code of text.
DANGEROUS = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|"
                       r"srcdoc|createContextualFragment|setTimeout\(['\"`]|javascript:")
INLINE = re.compile(r"<style|<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=", re.IGNORECASE)
# Names are no places: that of the elements of drawings, and what examples show.
OUTSIDE = re.compile(r"(?:https?:)?//(?!www\.w3\.org/2000/svg|\w+\.example)[\w.-]+\.\w+")


def assets() -> dict[str, Path]:
    """Paths below /dashboard/, and the files."""
    return {str(file.relative_to(FILES)): file for file in sorted(FILES.rglob("*")) if file.suffix in TYPES}


class DashboardTest(GatherdTest):
    def policy(self, reply: Reply) -> dict[str, str]:
        directives = (reply.header("content-security-policy") or "").split(";")
        return dict(directive.strip().split(" ", 1) for directive in directives)

    def test_every_file_is_served_as_it_is(self) -> None:
        self.assertIn("views/now.js", assets())
        for path, file in assets().items():
            with self.subTest(path=path):
                reply = self.get(f"/dashboard/{path}")
                self.assertEqual((reply.status, reply.body), (200, file.read_bytes()))
                self.assertEqual(reply.header("content-type"), TYPES[file.suffix])

    def test_the_page_is_at_the_top(self) -> None:
        reply = self.get("/")
        self.assertEqual(reply.body, (FILES / "index.html").read_bytes())
        self.assertEqual(reply.header("content-type"), TYPES[".html"])

    def test_nothing_else_is_there(self) -> None:
        for path in ("nope.js", "assets.def", "views/nope.js", "views", "views/../api.js", "api.js%00"):
            with self.subTest(path=path):
                reply = self.get(f"/dashboard/{path}", "--path-as-is")
                self.assertIn(reply.status, (400, 404))

    def test_it_may_run_and_show_only_what_comes_from_here(self) -> None:
        for path in ("/", "/dashboard/main.js", "/dashboard/style.css"):
            reply = self.get(path)
            self.assertEqual(self.policy(reply), POLICY)
            self.assertEqual(reply.header("x-content-type-options"), "nosniff")
            self.assertEqual(reply.header("referrer-policy"), "no-referrer")

    def test_who_has_it_is_told_so(self) -> None:
        for path in ("/", "/dashboard/style.css"):
            first = self.get(path)
            self.assertEqual(first.header("cache-control"), "no-cache")
            again = self.get(path, "-H", f"If-None-Match: {first.header('etag')}")
            self.assertEqual((again.status, again.body), (304, b""))
            self.assertEqual(again.header("etag"), first.header("etag"))
            self.assertEqual(self.policy(again), POLICY)
            self.assertEqual(self.get(path, "-H", 'If-None-Match: "other"').status, 200)

    def test_who_has_it_compressed_is_told_so_too(self) -> None:
        path = max(assets(), key=lambda path: assets()[path].stat().st_size)
        gzip = ["-H", "Accept-Encoding: gzip"]
        first = self.get(f"/dashboard/{path}", *gzip)
        self.assertEqual(first.header("content-encoding"), "gzip")
        again = self.get(f"/dashboard/{path}", *gzip, "-H", f"If-None-Match: {first.header('etag')}")
        self.assertEqual(again.status, 304)

    def test_head_is_answered_like_get_without_the_bytes(self) -> None:
        for path in ("/", "/dashboard/main.js"):
            head, get = curl("-I", self.gatherd.base + path), self.get(path)
            self.assertEqual((head.status, head.body), (200, b""))
            for name in ("content-type", "content-length", "etag", "content-security-policy"):
                self.assertEqual(head.header(name), get.header(name))

    def test_it_is_only_read(self) -> None:
        reply = self.post("/", "x")
        self.assertEqual((reply.status, reply.header("allow")), (405, "GET, HEAD, OPTIONS"))


class SourceTest(GatherdTest):
    """What the files say themselves."""

    def test_what_is_imported_is_there_and_all_is_used(self) -> None:
        page = (FILES / "index.html").read_text()
        found = re.findall(r'(?:href|src)="(dashboard/[^"]+)"', page)
        used: set[str] = set()
        while found:
            path = found.pop()
            if path not in used:
                used.add(path)
                text = self.get(f"/{path}").body.decode()
                found += [urljoin(path, name) for name in IMPORT.findall(text) if path.endswith(".js")]
        self.assertEqual({f"dashboard/{path}" for path in assets()} - {"dashboard/index.html"}, used)

    def test_imports_say_where_they_lead(self) -> None:
        for path, file in assets().items():
            if file.suffix == ".js":
                for name in IMPORT.findall(file.read_text()):
                    self.assertRegex(name, r"^\.\.?/[\w/]+\.js$", path)

    def test_text_never_becomes_markup_or_code(self) -> None:
        for path, file in assets().items():
            self.assertEqual(DANGEROUS.findall(file.read_text()), [], path)
        self.assertEqual(INLINE.findall((FILES / "index.html").read_text()), [])

    def test_nothing_comes_from_elsewhere(self) -> None:
        for path, file in assets().items():
            self.assertEqual(OUTSIDE.findall(file.read_text()), [], path)

    def test_urls_are_relative_to_the_page(self) -> None:
        for path, file in assets().items():
            self.assertNotRegex(file.read_text(), r"""["'`(]/(?:v1|dashboard|metrics|healthz|readyz)\b""", path)


class GuardedDashboardTest(TokensTest):
    tokens = {"reader": ["read"]}

    def test_the_page_needs_no_token_but_what_it_shows_does(self) -> None:
        self.assertEqual(self.get("/").status, 200)
        self.assertEqual(self.get("/dashboard/main.js").status, 200)
        self.assert_problem(self.get("/v1/jobs"), 401)
        self.assertEqual(self.get("/v1/jobs", *self.bearer("reader")).status, 200)

    def test_a_token_that_may_not_is_told_which_right_it_takes(self) -> None:
        problem = self.assert_problem(self.get("/v1/stats", *self.bearer("reader")), 403)
        self.assertEqual(problem["code"], "right_missing")
        self.assertEqual(self.get("/v1/limits", *self.bearer("reader")).json()["token"]["rights"], ["read"])


class BelowAPrefix(Proxy):
    def server(self) -> str:
        return f"server {{ listen 127.0.0.1:{self.port}; location /tools/gatherd/ {{ " \
               f"proxy_pass http://127.0.0.1:{self.target}/; proxy_http_version 1.1; }} }}"


@needs("nginx")
class PrefixedDashboardTest(GatherdTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.nginx = cls.enterClassContext(BelowAPrefix(cls.gatherd))
        cls.base = f"http://127.0.0.1:{cls.nginx.port}/tools/gatherd/"

    def test_the_page_and_all_that_it_names_are_found(self) -> None:
        page = curl(self.base)
        self.assertEqual(page.status, 200)
        for path in re.findall(r'(?:href|src)="(dashboard/[^"]+)"', page.body.decode()):
            self.assertEqual(curl(urljoin(self.base, path)).status, 200, path)
        self.assertEqual(curl(self.base + "v1/limits").status, 200)

    def test_its_head_and_its_tag_pass(self) -> None:
        head = curl("-I", self.base)
        self.assertEqual(head.header("content-type"), TYPES[".html"])
        again = curl("-H", f"If-None-Match: {head.header('etag')}", self.base)
        self.assertEqual(again.status, 304)
