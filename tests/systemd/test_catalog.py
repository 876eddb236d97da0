"""What the journal can tell of a record besides its message."""

from __future__ import annotations

from system import SystemTest, ask


class CatalogTest(SystemTest):
    def test_a_record_is_shown_with_what_it_means(self) -> None:
        done = ask("journalctl", "--update-catalog")
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        self.gatherd.start()
        ask("journalctl", "--sync")
        shown = ask("journalctl", "--catalog", f"--unit={self.gatherd.unit}", "GATHERD_EVENT=daemon.ready").stdout
        self.assertIn("Subject: daemon.ready\n", shown)
        self.assertIn("Documentation: man:gatherd(8)\n", shown)
