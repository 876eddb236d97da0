"""The HTTP server in front of the API: who may ask, routes, connections, slow and leaving clients."""

from __future__ import annotations

import json
import time

from front import GATHER, HEALTH, FrontTest
from harness import GatherdTest, RawConnection, curl
from patience import PATIENCE, eventually


class WhoMayAskTest(FrontTest):
    """A web page must not be able to drive a local daemon (DNS rebinding, cross-site requests)."""

    def status(self, target: str = HEALTH, host: str = "", **headers: str) -> int:
        host = (host or "127.0.0.1:{port}").replace("{port}", str(self.gatherd.port))
        port = str(self.gatherd.port)
        fields = [f"{name}: {value.replace('{port}', port)}" for name, value in headers.items()]
        with self.gatherd.connect() as connection:
            connection.send(self.lines(f"GET {target} HTTP/1.1", f"Host: {host}", *fields))
            reply = connection.reply()
        assert reply is not None
        return reply.status

    def test_our_own_names_are_served(self) -> None:
        for host in ("127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}"):
            with self.subTest(host=host):
                self.assertEqual(self.status(host=host), 200)

    def test_other_names_are_forbidden(self) -> None:
        for host in ("evil.example", "evil.example:{port}", "127.0.0.1:1", "127.0.0.1.evil.example",
                     "localhost.evil.example:{port}", "127.0.0.2:{port}", "user@127.0.0.1:{port}",
                     "127.0.0.1:{port}.evil.example", "evil.example#127.0.0.1:{port}"):
            with self.subTest(host=host):
                self.assertIn(self.status(host=host), (403, 400))

    def test_a_foreign_host_gets_a_403_problem(self) -> None:
        reply = self.get(HEALTH, "-H", "Host: evil.example")
        self.assert_problem(reply, 403)

    def test_the_host_is_checked_before_anything_else(self) -> None:
        reply = self.get("/no/such/path", "-H", "Host: evil.example", "-X", "BREW")
        self.assert_problem(reply, 403)

    def test_foreign_origins_are_forbidden(self) -> None:
        for origin in ("http://evil.example", "https://evil.example", "null",
                       "http://127.0.0.1", "http://127.0.0.1:1", "https://127.0.0.1:{port}",
                       "http://127.0.0.1:{port}.evil.example", "file://"):
            with self.subTest(origin=origin):
                self.assertEqual(self.status(Origin=origin), 403)

    def test_our_own_origin_is_served(self) -> None:
        self.assertEqual(self.status(Origin="http://127.0.0.1:{port}"), 200)

    def test_a_foreign_page_can_not_start_a_gather(self) -> None:
        target = f"{GATHER}?url={self.origin.url()}"
        self.assertEqual(self.status(target, Origin="http://evil.example"), 403)
        self.assertEqual(self.status(target, host="evil.example"), 403)
        reply = curl("-d", json.dumps([self.origin.url()]), "-H", "Origin: http://evil.example",
                     self.gatherd.base + GATHER)
        self.assert_problem(reply, 403)
        self.assertIsNone(reply.header("access-control-allow-origin"))
        self.assertEqual(self.origin.requests(), [])

    def test_an_absolute_target_is_checked_like_a_host(self) -> None:
        ours = f"http://127.0.0.1:{self.gatherd.port}{HEALTH}"
        self.assertEqual(self.status(ours), 200)
        self.assertIn(self.status(f"http://evil.example{HEALTH}"), (400, 403))
        self.assertIn(self.status(ours, host="evil.example"), (400, 403))


class RoutingTest(FrontTest):
    def test_health_is_healthy(self) -> None:
        self.assertEqual(self.get(HEALTH).status, 200)

    def test_unknown_paths_are_not_found(self) -> None:
        for path in ("/nothing", "/v1", "/v1/", "/v1/gathers", "/v2/gather", "/v1/jobs/a/b/c",
                     "/healthzz", "/V1/GATHER"):
            with self.subTest(path=path):
                self.assert_problem(self.get(path), 404)

    def test_other_methods_are_not_allowed(self) -> None:
        table = [("DELETE", GATHER, "GET POST"), ("PUT", GATHER, "GET POST"),
                 ("POST", HEALTH, "GET"), ("DELETE", "/v1/jobs", "GET POST"),
                 ("PUT", "/v1/jobs/job_x", "DELETE GET"), ("GET", "/v1/jobs/job_x/cancel", "POST"),
                 ("POST", "/v1/jobs/job_x/results", "GET")]
        for method, path, allowed in table:
            with self.subTest(method=method, path=path):
                reply = self.get(path, "-X", method)
                self.assert_problem(reply, 405)
                allow = {word.strip() for word in (reply.header("allow") or "").split(",")}
                self.assertEqual(allow - {"HEAD", "OPTIONS"}, set(allowed.split()))

    def test_unknown_methods_are_refused(self) -> None:
        for method in ("BREW", "get", "CONNECT", "TRACE"):
            with self.subTest(method=method):
                replies = self.exchange(self.lines(f"{method} {HEALTH} HTTP/1.1", "Host: {host}",
                                                   "Connection: close"))
                self.assertTrue({reply.status for reply in replies} <= {400, 405, 501}, replies)

    def test_head_is_get_without_a_body(self) -> None:
        with self.gatherd.connect() as connection:
            connection.send(self.gatherd.request_bytes(HEALTH, "HEAD") + self.healthz())
            head, get = connection.reply(bodiless=True), connection.reply()
        assert head is not None and get is not None
        self.assertEqual((head.status, get.status), (200, 200))
        self.assertEqual(head.header("content-type"), get.header("content-type"))


class ConnectionTest(FrontTest):
    def body(self, *paths: str) -> bytes:
        return json.dumps([self.origin.url(path) for path in paths]).encode()

    def gather_bytes(self, *paths: str) -> bytes:
        return self.gatherd.request_bytes(GATHER, "POST", self.body(*paths))

    def next_statuses(self, connection: RawConnection) -> list[int]:
        """Status codes of the results of the next answer."""
        reply = connection.reply()
        assert reply is not None, "the daemon closed the connection"
        self.assertEqual(reply.status, 200, reply.body)
        return [result["status_code"] for result in reply.json()["results"]]

    def test_a_connection_is_kept_after_a_gather(self) -> None:
        with self.gatherd.connect() as connection:
            for status in (201, 202, 203):
                connection.send(self.gather_bytes(f"/status/{status}"))
                self.assertEqual(self.next_statuses(connection), [status])

    def test_a_connection_is_kept_after_a_get_a_job_and_a_bad_request(self) -> None:
        with self.gatherd.connect() as connection:
            for request, status in ((self.healthz(), 200),
                                    (self.gatherd.request_bytes("/v1/jobs", "POST",
                                                                self.body("/")), 202),
                                    (self.gatherd.request_bytes("/v1/jobs"), 200)):
                connection.send(request)
                reply = connection.reply()
                assert reply is not None
                self.assertEqual(reply.status, status)

    def test_pipelined_requests_are_answered_in_order(self) -> None:
        with self.gatherd.connect() as connection:
            connection.send(self.gather_bytes("/slow?ms=100") + self.gather_bytes("/status/404")
                            + self.healthz() + self.gather_bytes("/status/500", "/"))
            self.assertEqual(self.next_statuses(connection), [200])
            self.assertEqual(self.next_statuses(connection), [404])
            health = connection.reply()
            assert health is not None
            self.assertEqual(health.status, 200)
            self.assertEqual(self.next_statuses(connection), [500, 200])

    def test_a_client_that_wants_to_close_is_obeyed(self) -> None:
        self.assertEqual(len(self.exchange(self.healthz("Connection: close"))), 1)

    def test_http_1_0_is_answered_and_closed(self) -> None:
        replies = self.exchange(self.lines(f"GET {HEALTH} HTTP/1.0", "Host: {host}"))
        self.assertEqual([reply.status for reply in replies], [200])

    def chunked_bytes(self, path: str, extension: bytes = b"") -> bytes:
        body = self.body(path)
        chunks = b"".join(b"%x%b\r\n%b\r\n" % (len(body[i:i + 7]), extension, body[i:i + 7])
                          for i in range(0, len(body), 7))
        head = self.gatherd.request_bytes(GATHER, "POST", b"", "Transfer-Encoding: chunked")
        return head + chunks + b"0\r\n\r\n"

    def test_a_chunked_body_is_read(self) -> None:
        with self.gatherd.connect() as connection:
            connection.send(self.chunked_bytes("/status/201") + self.healthz())
            self.assertEqual(self.next_statuses(connection), [201])
            self.assertIsNotNone(connection.reply())

    def test_extensions_of_chunks_are_skipped_or_refused(self) -> None:
        """libmicrohttpd 1.0.1 takes the end of such a line for data, and then finds no end of the chunk."""
        with self.gatherd.connect() as connection:
            connection.send(self.chunked_bytes("/status/226", b";ext=1"))
            reply = connection.reply()
        assert reply is not None
        self.assertIn(reply.status, (200, 400))
        self.assertEqual("/status/226" in self.origin.targets(), reply.status == 200)

    def test_a_body_may_arrive_byte_by_byte(self) -> None:
        with self.gatherd.connect() as connection:
            for byte in self.gather_bytes("/status/201"):
                connection.send(bytes([byte]))
                time.sleep(0.0005)
            self.assertEqual(self.next_statuses(connection), [201])

    def test_a_client_that_asks_first_is_told_to_continue(self) -> None:
        body = self.body("/status/201")
        head = self.gatherd.request_bytes(GATHER, "POST", b"", f"Content-Length: {len(body)}",
                                          "Expect: 100-continue")
        with self.gatherd.connect() as connection:
            connection.send(head)
            interim = connection.reply()
            assert interim is not None
            self.assertEqual(interim.status, 100)
            connection.send(body)
            self.assertEqual(self.next_statuses(connection), [201])

    def test_many_idle_connections_hold_nobody_up(self) -> None:
        connections = [self.gatherd.connect() for _ in range(200)]
        reply = self.get(HEALTH)
        self.assertEqual(reply.status, 200)
        self.assertLess(reply.seconds, 0.5 * PATIENCE)
        for connection in connections:
            connection.close()

    def test_many_gathers_run_at_once(self) -> None:
        connections = [self.gatherd.connect() for _ in range(50)]
        started = time.monotonic()
        for connection in connections:
            connection.send(self.gather_bytes("/slow?ms=100"))
        for connection in connections:
            self.assertEqual(self.next_statuses(connection), [200])
            connection.close()
        self.assertLess(time.monotonic() - started, 2 * PATIENCE)


class LeavingTest(FrontTest):
    """A client that goes away takes its gather with it."""

    def start_gather(self, n_requests: int = 3) -> RawConnection:
        connection = self.gatherd.connect()
        body = json.dumps([self.origin.url(f"/hang?{n}") for n in range(n_requests)]).encode()
        connection.send(self.gatherd.request_bytes(GATHER, "POST", body))
        eventually(lambda: str(self.origin.targets()).count("/hang") == n_requests, "requests")
        return connection

    def test_a_closed_connection_cancels_its_gather(self) -> None:
        self.start_gather().close()
        self.assert_left("/hang")

    def test_a_reset_connection_cancels_its_gather(self) -> None:
        connection = self.start_gather()
        connection.socket.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER 0: close with RST
        connection.close()
        self.assert_left("/hang")

    def test_other_gathers_go_on(self) -> None:
        leaving = self.start_gather(1)
        with self.gatherd.connect() as staying:
            body = json.dumps([self.origin.url("/slow?ms=300")]).encode()
            staying.send(self.gatherd.request_bytes(GATHER, "POST", body))
            leaving.close()
            reply = staying.reply()
            assert reply is not None
            self.assertEqual(reply.json()["results"][0]["outcome"], "success")

    def test_leaving_before_anything_started_does_no_harm(self) -> None:
        for _ in range(30):
            with self.gatherd.connect() as connection:
                body = json.dumps([self.origin.url("/slow?ms=50")]).encode()
                connection.send(self.gatherd.request_bytes(GATHER, "POST", body))
        self.assertEqual(self.get(HEALTH).status, 200)


class SlowClientTest(FrontTest):
    """A request has a deadline as a whole, however steadily it drips in."""

    settings = [*GatherdTest.settings, "api.request_timeout_ms=1000"]

    def assert_cut(self, beginning: bytes) -> None:
        started = time.monotonic()
        with self.gatherd.connect() as connection:
            connection.send(beginning)
            eventually(lambda: not self.drip(connection), "the end of a dripping request", 5)
        self.assertGreater(time.monotonic() - started, 0.9)

    def drip(self, connection: RawConnection) -> bool:
        """Send one byte; whether the daemon still listens a tenth of a second later."""
        connection.socket.settimeout(0.1)
        try:
            connection.send(b"x")
            return bool(connection.socket.recv(4096))
        except TimeoutError:
            return True
        except ConnectionError:
            return False

    def test_a_head_that_drips_is_cut(self) -> None:
        self.assert_cut(f"GET {HEALTH} HTTP/1.1\r\nX-Slow: ".encode())

    def test_a_body_that_drips_is_cut(self) -> None:
        self.assert_cut(self.gatherd.request_bytes(GATHER, "POST", b"", "Content-Length: 100000"))

    def test_a_gather_may_take_longer_than_its_request(self) -> None:
        reply = self.post(GATHER, [self.origin.url("/slow?ms=1500")])
        self.assertEqual(reply.json()["results"][0]["outcome"], "success")

    def test_an_idle_connection_is_not_cut(self) -> None:
        with self.gatherd.connect() as connection:
            connection.send(self.healthz())
            self.assertIsNotNone(connection.reply())
            time.sleep(1.3)
            connection.send(self.healthz())
            self.assertIsNotNone(connection.reply())
