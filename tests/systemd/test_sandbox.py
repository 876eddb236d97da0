"""What the unit forbids is forbidden: an attacker tries, in gatherd's place and with nothing else changed."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from harness import Json
from system import SystemTest, ask

PROBE = Path(__file__).with_name("probe.py")
ALLOWED = {"write to its state", "connect"}
REFUSALS = {"EPERM", "EACCES", "EROFS", "ENOENT", "EAFNOSUPPORT"}


class SandboxTest(SystemTest):
    def setUp(self) -> None:
        super().setUp()
        self.gatherd.give("probe", "a secret of others")

    def probe(self) -> Json:
        """What comes of the attempts. The interpreter is mounted over gatherd, since that is the only program
        the unit may run."""
        interpreter = Path(sys.executable).resolve()
        self.gatherd.change(
            "Type=oneshot", "Restart=no", f"BindReadOnlyPaths={interpreter}:{self.gatherd.program()}",
            "Environment=PYTHONHOME=/usr", "ExecStart=",
            f"ExecStart={self.gatherd.program()} {PROBE} {self.origin.port}")
        self.gatherd.start()
        return json.loads(next(line for line in self.gatherd.journal().splitlines() if line.startswith("{")))

    def test_nothing_is_possible_but_what_gatherd_does(self) -> None:
        for attempt, outcome in self.probe().items():
            with self.subTest(attempt):
                if attempt in ALLOWED:
                    self.assertEqual(outcome, "done")
                else:
                    self.assertIn(outcome, REFUSALS)

    def test_without_the_sandbox_root_would_do_all_of_it(self) -> None:
        """Or the attempts would show nothing."""
        directory = self.enterContext(tempfile.TemporaryDirectory())
        done = ask("env", f"STATE_DIRECTORY={directory}", sys.executable, str(PROBE), str(self.origin.port))
        self.assertEqual(set(json.loads(done.stdout).values()), {"done"}, done.stdout)
