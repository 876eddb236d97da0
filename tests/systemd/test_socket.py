"""The socket unit: who comes starts the service, and is let in by the group of a file."""

from __future__ import annotations

import grp
import os
import stat

from harness import curl, run_curl
from system import CLIENTS, SystemTest, ask, systemctl


class SocketTest(SystemTest):
    def test_the_first_request_starts_the_service(self) -> None:
        self.assertEqual(self.gatherd.show("ActiveState"), "inactive")
        self.healthy()
        self.assertEqual(self.gatherd.show("ActiveState"), "active")
        pid = self.gatherd.pid
        self.healthy()
        self.assertEqual(self.gatherd.pid, pid)

    def test_so_does_one_at_the_unix_socket(self) -> None:
        self.assertEqual(self.gatherd.unix("/healthz").status, 200)
        self.assertEqual(self.gatherd.show("ActiveState"), "active")

    def test_what_is_listened_on_is_what_the_socket_unit_says(self) -> None:
        self.gatherd.configure("api.listen=127.0.0.1:1")
        self.healthy()
        listening = [line for line in self.gatherd.journal().splitlines() if "listening on" in line]
        self.assertEqual(len(listening), 2, listening)
        self.assertIn("Listening on 127.0.0.1:7480", self.gatherd.show("StatusText"))

    def test_the_unix_socket_is_for_a_group(self) -> None:
        file = self.gatherd.path.stat()
        self.assertEqual(stat.S_IMODE(file.st_mode), 0o660)
        self.assertEqual(file.st_gid, grp.getgrnam(CLIENTS).gr_gid)
        self.assertEqual(self.by_nobody(f"--groups={CLIENTS}"), "200")
        self.assertNotEqual(self.by_nobody("--clear-groups"), "200")

    def by_nobody(self, groups: str) -> str:
        return ask("setpriv", "--reuid=nobody", "--regid=nogroup", groups, "curl", "-q", "-sS", "-o", "/dev/null",
                   "-w", "%{http_code}", "--unix-socket", str(self.gatherd.path), "http://localhost/healthz").stdout

    def test_it_does_not_fetch_from_the_socket_that_it_was_given(self) -> None:
        result = self.fetch(f"{self.gatherd.base}/v1/jobs")
        self.assert_error(result, "blocked", "blocked_by_policy")
        self.assertEqual(result["error"]["rule"], "own-listener")

    def test_the_file_of_the_socket_outlives_the_service(self) -> None:
        self.healthy()
        before = self.gatherd.path.stat().st_ino
        for how in ("stop", "restart"):
            ask("systemctl", how, self.gatherd.unit)
            self.assertEqual(self.gatherd.path.stat().st_ino, before)
        self.assertEqual(self.gatherd.unix("/healthz").status, 200)

    def test_the_service_brings_its_socket_along(self) -> None:
        systemctl("stop", self.gatherd.socket)
        self.gatherd.start()
        self.assertEqual(self.gatherd.unix("/healthz").status, 200)

    def test_without_its_socket_it_listens_where_the_configuration_says(self) -> None:
        systemctl("mask", "--now", "--runtime", self.gatherd.socket)
        self.addCleanup(systemctl, "unmask", "--runtime", self.gatherd.socket)
        self.gatherd.configure("api.listen=127.0.0.1:7481")
        self.gatherd.start()
        self.assertEqual(curl("http://127.0.0.1:7481/healthz").status, 200)
        self.assertNotEqual(run_curl(f"{self.gatherd.base}/healthz").returncode, 0)


class UserTest(SystemTest):
    def test_it_runs_as_a_user_of_its_own_to_whom_alone_its_state_belongs(self) -> None:
        pid = self.gatherd.start()
        uid = os.stat(f"/proc/{pid}").st_uid
        self.assertNotEqual(uid, 0)
        # As it sees it: since 257 systemd maps that user, and on the disk it belongs to nobody.
        state = os.stat(f"/proc/{pid}/root{self.gatherd.state.resolve()}")
        self.assertEqual((state.st_uid, stat.S_IMODE(state.st_mode)), (uid, 0o700))
        self.assertIn(f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}", (status := open(f"/proc/{pid}/status").read()))
        self.assertRegex(status, r"CapEff:\s0{16}\n")
