"""gatherd@NAME: more of them, with nothing in common but the program."""

from __future__ import annotations

import json

from harness import curl
from system import Service, SystemTest
from tokens import new_token


class InstancesTest(SystemTest):
    def setUp(self) -> None:
        super().setUp()
        self.other = Service("gatherd@other")
        self.prepare(self.other)

    def test_one_works_beside_the_main_one(self) -> None:
        job = self.submit_urls(self.gatherd, [self.origin.url("/")])
        body = json.dumps([self.origin.url("/")])
        gathered = self.other.unix("/v1/gather", "-d", body).json()
        self.assertEqual(gathered["results"][0]["outcome"], "success")
        self.assertEqual(self.other.unix(f"/v1/jobs/{job['id']}").status, 404)
        self.assertNotEqual(self.gatherd.pid, self.other.pid)
        self.assertTrue((self.other.state.resolve() / "gatherd.db").exists())

    def test_each_has_credentials_of_its_own(self) -> None:
        token, line = new_token("dashboard", "read")
        self.other.give("tokens", f"{line}\n")
        self.assertEqual(curl(f"{self.gatherd.base}/v1/jobs").status, 200)
        self.assertEqual(self.other.unix("/v1/jobs").status, 401)
        self.assertEqual(self.other.unix("/v1/jobs", "-H", f"Authorization: Bearer {token}").status, 200)

    def test_one_can_be_stopped_without_the_other(self) -> None:
        self.healthy()
        self.other.start()
        self.gatherd.stop()
        self.assertEqual(self.other.unix("/healthz").status, 200)
