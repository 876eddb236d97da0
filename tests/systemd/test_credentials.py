"""Tokens and secrets from /etc/credstore, which gatherd itself could not read."""

from __future__ import annotations

import base64

from harness import curl
from servers import header_values
from system import SystemTest
from tokens import new_token


class CredentialsTest(SystemTest):
    def jobs(self, *arguments: str) -> int:
        return curl(*arguments, f"{self.gatherd.base}/v1/jobs").status

    def test_without_tokens_who_can_connect_may_do_everything(self) -> None:
        self.assertEqual(self.jobs(), 200)

    def test_tokens_that_are_there_are_asked_for(self) -> None:
        token, line = new_token("dashboard", "read")
        self.gatherd.give("tokens", f"{line}\n")
        self.assertEqual(self.jobs(), 401)
        self.assertEqual(self.jobs("-H", f"Authorization: Bearer {token}"), 200)

    def test_tokens_may_come_with_the_next_start(self) -> None:
        self.assertEqual(self.jobs(), 200)
        self.gatherd.give("tokens", new_token("dashboard", "read")[1] + "\n")
        self.gatherd.restart()
        self.assertEqual(self.jobs(), 401)

    def test_requests_may_name_a_secret(self) -> None:
        self.gatherd.give("secrets", "upstream = open sesame\n")
        request = self.received(auth={"type": "basic", "username": "u", "secret_ref": "upstream"})
        self.assertEqual(header_values(request, "authorization"),
                         ["Basic " + base64.b64encode(b"u:open sesame").decode()])

    def test_wrong_tokens_keep_it_from_starting_and_are_not_shown(self) -> None:
        self.gatherd.give("tokens", "kanarienvogel\n")
        self.assertEqual(self.gatherd.failed_start(), 78)
        self.assertIn("gatherd.tokens", self.gatherd.journal())
        self.assertNotIn("kanarienvogel", self.gatherd.journal())
