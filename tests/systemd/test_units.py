"""What systemd itself has to say of the units."""

from __future__ import annotations

import shutil

from container import MANPATH_CONFIG
from system import SystemTest, ask, systemctl

MAX_EXPOSURE = "15"  # tenths
UNITS = ("gatherd.service", "gatherd.socket", "gatherd@other.service", "gatherd@other.socket")


class UnitsTest(SystemTest):
    def test_they_are_well_formed(self) -> None:
        """And their man pages are there, if there is a man that can say so."""
        manual = () if MANPATH_CONFIG.exists() and shutil.which("man") else ("--man=no",)
        done = ask("systemd-analyze", "verify", "--recursive-errors=yes", *manual, *UNITS)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_services_are_hardened(self) -> None:
        for unit in ("gatherd.service", "gatherd@other.service"):
            done = ask("systemd-analyze", "security", "--offline=true", f"--threshold={MAX_EXPOSURE}", unit)
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_they_can_be_enabled_and_disabled(self) -> None:
        systemctl("enable", "gatherd.service", "gatherd@other.socket")
        self.addCleanup(systemctl, "disable", "gatherd.service", "gatherd.socket", "gatherd@other.socket")
        for unit in ("gatherd.service", "gatherd.socket", "gatherd@other.socket"):
            self.assertEqual(systemctl("is-enabled", unit).strip(), "enabled", unit)
