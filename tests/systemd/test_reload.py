"""`systemctl reload`: a good configuration comes into force, and of a bad one somebody hears."""

from __future__ import annotations

import grp
import os
from pathlib import Path

from harness import RawConnection, curl
from patience import eventually
from system import SystemTest, ask, systemctl
from tokens import new_token

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:7480\r\n\r\n"


class ReloadTest(SystemTest):
    settings: list[str] = []

    def reload(self, *settings: str) -> None:
        self.gatherd.configure(*settings)
        systemctl("reload", self.gatherd.unit)

    def outcome(self) -> str:
        return self.fetch(self.origin.url("/"))["outcome"]

    def test_a_good_configuration_is_in_force_and_nobody_is_cut_off(self) -> None:
        pid = self.gatherd.start()
        self.assertEqual(self.outcome(), "blocked")
        with RawConnection(self.gatherd.port) as connection:
            for settings, outcome in ((("egress.allow=127.0.0.0/8",), "success"), ((), "blocked")):
                connection.send(HEALTH)
                self.assertEqual(connection.reply().status, 200)
                self.reload(*settings)
                eventually(lambda: self.outcome() == outcome, outcome)  # noqa: B023
            connection.send(HEALTH)
            self.assertEqual(connection.reply().status, 200)
        self.assertEqual((self.gatherd.pid, self.gatherd.show("ActiveState")), (pid, "active"))

    def test_the_log_is_as_loud_as_it_says_now(self) -> None:
        self.start_with("log.level=warning")
        self.assertNotIn("listening on", self.gatherd.journal())
        self.reload("log.level=info")
        eventually(lambda: "is reloaded" in self.gatherd.journal(), "its line")

    def test_tokens_can_be_exchanged(self) -> None:
        file = self.gatherd.config.with_name("tokens")
        self.addCleanup(file.unlink)
        first = self.write_token(file)
        self.start_with(f"api.tokens_file={file}")
        self.assertEqual(self.jobs(first), 200)
        second = self.write_token(file)
        systemctl("reload", self.gatherd.unit)
        eventually(lambda: self.jobs(second) == 200, "the new token")
        self.assertEqual(self.jobs(first), 401)

    def start_with(self, *settings: str) -> None:
        self.gatherd.configure(*settings)
        self.gatherd.start()

    def write_token(self, file: Path) -> str:
        """Its group is that of the daemon, which alone can read it besides root."""
        token, line = new_token("dashboard", "read")
        file.touch(0o640)
        os.chown(file, 0, grp.getgrnam("gatherd").gr_gid)
        file.write_text(f"{line}\n")
        return token

    def jobs(self, token: str) -> int:
        return curl("-H", f"Authorization: Bearer {token}", f"{self.gatherd.base}/v1/jobs").status

    def test_a_bad_one_is_told_and_changes_nothing(self) -> None:
        self.gatherd.configure("egress.allow=127.0.0.0/8")
        pid = self.gatherd.start()
        self.gatherd.configure("egress.alow=127.0.0.0/8")
        self.assertNotEqual(ask("systemctl", "reload", self.gatherd.unit).returncode, 0)
        self.assertIn("did you mean egress.allow", self.gatherd.journal())
        self.assertEqual((self.gatherd.pid, self.gatherd.show("ActiveState")), (pid, "active"))
        self.assertEqual(self.outcome(), "success")
        self.reload()
        eventually(lambda: self.outcome() == "blocked", "the next good one")

    def test_credentials_stay_in_force(self) -> None:
        token, line = new_token("dashboard", "read")
        self.gatherd.give("tokens", f"{line}\n")
        self.gatherd.start()
        self.reload("egress.allow=127.0.0.0/8")
        eventually(lambda: "is reloaded" in self.gatherd.journal(), "its line")
        self.assertEqual(curl(f"{self.gatherd.base}/v1/jobs").status, 401)
        self.assertEqual(self.jobs(token), 200)
