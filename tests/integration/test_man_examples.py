"""The examples of the man pages: commands succeed, configurations are good."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import GatherdTest, run_gatherd
from patience import PATIENCE
from test_man_pages import TOP

PAGES = TOP / "daemon" / "man"
HOST = re.compile(r"https://(?:one|two|api)\.example")
BLOCK = re.compile(r"^\.Bd -literal.*?\n(.*?)^\.Ed$", re.MULTILINE | re.DOTALL)


def blocks(page: str, beginning: str) -> list[str]:
    """What a page shows as it is to be typed, as far as it begins like that."""
    shown = [text.replace(r"\e", "\\") for text in BLOCK.findall((PAGES / page).read_text())]
    return [text for text in shown if re.match(beginning, text)]


class CommandsTest(GatherdTest):
    def setUp(self) -> None:
        super().setUp()
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.directory / "urls.txt").write_text(f"{self.origin.url('/')}\n")
        (self.directory / ".curlrc").write_text("fail\nsilent\nshow-error\nnoproxy = *\n")

    def run_block(self, commands: str) -> str:
        here = HOST.sub(self.origin.base, commands.replace("http://127.0.0.1:7480", self.gatherd.base))
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", here], cwd=self.directory, text=True,
                              env={**os.environ, "CURL_HOME": str(self.directory), "TOKEN": "gth_none"},
                              capture_output=True, timeout=60 * PATIENCE, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), f"{here}{done.stdout}")
        return done.stdout

    def test_those_of_the_api_do_what_they_say(self) -> None:
        commands, job = blocks("gatherd-api.7", "curl "), "ID"
        self.assertGreater(len(commands), 6)
        for block in commands:
            said = self.run_block(block.replace("/ID", f"/{job}"))
            if found := re.match(r'\{"id":"(job_\w+)"', said.replace(" ", "")):
                job = found[1]
        self.assertNotEqual(job, "ID")

    def test_documents_are_as_they_are_shown(self) -> None:
        shown, = blocks("gatherd-api.7", "{")
        reply = self.post("/v1/gather", {"requests": ["ftp://one.example/", "nothing"]})
        problem = json.loads(shown.replace(", ...", ""))
        self.assertEqual({**reply.json(), "errors": problem["errors"]}, problem)


class ConfigurationsTest(unittest.TestCase):
    def test_they_are_good(self) -> None:
        shown = blocks("gatherd.conf.5", r"(#.*\n)?\[")
        self.assertEqual(len(shown), 2)
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory, "gatherd.conf")
            for text in shown:
                file.write_text(text)
                done = run_gatherd("--config", str(file), "--check-config")
                self.assertEqual(done.returncode, 0, f"{text}{done.stderr}")
