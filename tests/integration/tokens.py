"""Daemons that ask for tokens, and clients that have some."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from harness import Gatherd, GatherdTest, run_gatherd


def new_token(name: str, rights: str, *options: str) -> tuple[str, str]:
    """The token, and its line for the file."""
    done = run_gatherd("token", "new", name, "--rights", rights, *options)
    assert done.returncode == 0, done.stderr
    token, line = done.stdout.splitlines()
    return token, line


class TokensTest(GatherdTest):
    """A daemon with these tokens: names with rights and options of `token new`."""

    tokens: dict[str, list[str]] = {}
    shown: dict[str, str] = {}

    @classmethod
    def start_gatherd(cls, *settings: str) -> Gatherd:
        directory = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        made = {name: new_token(name, *options) for name, options in cls.tokens.items()}
        cls.shown = {name: token for name, (token, _) in made.items()}
        cls.tokens_file = directory / "tokens"
        cls.tokens_file.touch(0o600)
        cls.tokens_file.write_text("# who may\n" + "".join(f"{line}\n" for _, line in made.values()))
        return super().start_gatherd(*settings, f"api.tokens_file={cls.tokens_file}")

    def bearer(self, name: str) -> list[str]:
        """The arguments of curl that show a token."""
        return ["-H", f"Authorization: Bearer {self.shown[name]}"]
