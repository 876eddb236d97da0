"""What the tests of the HTTP server share: requests as exact bytes, and every answer to them."""

from __future__ import annotations

from harness import GatherdTest, Reply

HEALTH = "/healthz"
GATHER = "/v1/gather"


class FrontTest(GatherdTest):
    def exchange(self, data: bytes) -> list[Reply]:
        """Every answer to these bytes until the daemon closes the connection."""
        with self.gatherd.connect(5) as connection:
            connection.send(data)
            return list(connection.replies())

    def lines(self, *lines: str, body: str = "") -> bytes:
        """A request of these lines, {host} being the right one."""
        text = "\r\n".join(lines) + "\r\n\r\n" + body
        return text.replace("{host}", f"127.0.0.1:{self.gatherd.port}").encode("latin-1")

    def healthz(self, *headers: str) -> bytes:
        return self.gatherd.request_bytes(HEALTH, "GET", b"", *headers)
