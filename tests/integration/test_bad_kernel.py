"""A kernel that is short of everything: calls about the network fail, one in so many, and then no
more. Nothing is lost, everything has a result that says what happened, and all is well again."""

from __future__ import annotations

import http.client
import json
import os
import time
import unittest
from pathlib import Path

from harness import Gatherd, GatherdTest, Json
from patience import PATIENCE, eventually
from servers import Dns

BAD_NET = Path(os.environ.get("GATHERD", "/")).parent / "tests" / "support" / "bad_net.so"

N_URLS = 300
TIMES = 300  # calls that fail
CODES = {"connect_error", "connect_refused", "connect_timeout", "connect_unreachable", "dns_error",
         "dns_timeout", "empty_reply", "recv_reset", "resource_exhausted", "send_error",
         "timeout_first_byte"}
"""What the errors that are told make of a request that should succeed."""


@unittest.skipUnless(BAD_NET.exists() and "GATHERD_WRAPPER" not in os.environ,
                     "no tests/support/bad_net.so")
class BadKernelTest(GatherdTest):
    zone = {f"n{i}.test": {"A": ["127.0.0.1"]} for i in range(10)}

    def bad_gatherd(self, every: int) -> Gatherd:
        dns = self.enterContext(Dns(self.zone))
        gatherd = Gatherd(*self.settings, f"fetch.dns_servers={dns.address}")
        gatherd.environment |= {"LD_PRELOAD": str(BAD_NET), "BAD_NET_EVERY": str(every),
                                "BAD_NET_TIMES": str(TIMES)}
        return self.enterContext(gatherd)

    def ask(self, gatherd: Gatherd, method: str, path: str, body: Json = None) -> Json:
        """Until there is an answer: a client's connection may be the one that breaks."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": "the-job"}
        end = time.monotonic() + 20 * PATIENCE
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", gatherd.port, timeout=10)
            try:
                connection.request(method, path, body and json.dumps(body), headers)
                reply = connection.getresponse()
                document = json.loads(reply.read())
                self.assertIn(reply.status, (200, 202), document)
                return document
            except (OSError, http.client.HTTPException):
                self.assertLess(time.monotonic(), end, f"{method} {path}")
            finally:
                connection.close()

    def urls(self) -> list[str]:
        return [self.origin.url(f"/?n={n}", host=f"n{n % 10}.test" if n % 2 else None)
                for n in range(N_URLS)]

    def check_job(self, gatherd: Gatherd) -> None:
        job = self.ask(gatherd, "POST", "/v1/jobs", {"urls": self.urls()})
        eventually(lambda: self.ask(gatherd, "GET", f"/v1/jobs/{job['id']}?wait=1s")["done"],
                   "the end of the job", 30)
        page = self.ask(gatherd, "GET", f"/v1/jobs/{job['id']}/results?limit=1000")
        self.assertEqual([result["index"] for result in page["data"]], list(range(N_URLS)))
        codes = {result["error"]["code"] for result in page["data"] if result["error"]}
        self.assertLessEqual(codes, CODES)
        self.assertTrue(codes, "nothing has failed")
        self.assertEqual({result["status_code"] for result in page["data"]
                          if not result["error"]}, {200})

    def all_is_well(self, gatherd: Gatherd) -> bool:
        answer = self.ask(gatherd, "POST", "/v1/gather", {"urls": self.urls()})
        return answer["counts"]["success"] == N_URLS

    def test_whatever_fails_everything_ends_and_all_is_well_again(self) -> None:
        for every in (3, 7, 11, 50):
            with self.subTest(every=every):
                gatherd = self.bad_gatherd(every)
                self.check_job(gatherd)
                eventually(lambda: self.all_is_well(gatherd), "a gather that succeeds", 30)
