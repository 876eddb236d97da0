"""Restarts and upgrades that clients do not notice, but for a moment's wait."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from load import Load
from patience import eventually
from system import SystemTest, systemctl

N_RESTARTS = 10


class RestartTest(SystemTest):
    def load(self) -> Load:
        return Load(self.gatherd, self.origin.url("/slow?ms=20"))

    def assert_nobody_noticed(self, load: Load, what: str) -> None:
        load.tell(what)
        self.assertEqual(load.failures[:10], [])
        self.assertGreater(len(load.jobs), 20)
        eventually(lambda: not self.open_jobs(), "the end of all jobs", 20)
        ended = {job["id"]: job for job in self.all_jobs()}
        lost = [job["id"] for job in load.jobs if job["id"] not in ended]
        self.assertEqual(lost, [])
        self.assertEqual({ended[job["id"]]["counts"]["success"] for job in load.jobs}, {1})

    def open_jobs(self) -> list:
        return [job for status in ("queued", "running")
                for job in self.get(f"/v1/jobs?status={status}&limit=1").json()["data"]]

    def all_jobs(self) -> list:
        jobs, cursor = [], ""
        while True:
            page = self.get(f"/v1/jobs?limit=100{cursor}").json()
            jobs += page["data"]
            if not page["has_more"]:
                return jobs
            cursor = f"&cursor={page['next_cursor']}"

    def test_restarts_refuse_nobody_and_lose_no_job(self) -> None:
        pids = {self.gatherd.start()}
        with self.load() as load:
            for _ in range(N_RESTARTS):
                time.sleep(0.1)
                pids.add(self.gatherd.restart())
        self.assertEqual(len(pids), N_RESTARTS + 1)
        self.assert_nobody_noticed(load, f"{N_RESTARTS} restarts")

    def test_an_upgrade_refuses_nobody_and_loses_no_job(self) -> None:
        program = self.gatherd.program()
        pid = self.gatherd.start()
        with self.load() as load:
            time.sleep(0.2)
            self.replace(program)
            self.assertIn("(deleted)", os.readlink(f"/proc/{pid}/exe"))
            systemctl("daemon-reload")
            systemctl("try-restart", self.gatherd.unit)
            time.sleep(0.2)
        self.assertEqual(Path(f"/proc/{self.gatherd.pid}/exe").stat().st_ino, program.stat().st_ino)
        self.assert_nobody_noticed(load, "an upgrade")

    def replace(self, program: Path) -> None:
        """As a package manager does: another file takes the name."""
        new = program.with_name("gatherd.new")
        shutil.copy2(program, new)
        new.rename(program)
