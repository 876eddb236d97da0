"""The examples of the documentation: fenced blocks of a page, with other hosts in them.

A block of which the fence names a file (```python gather.py) is written there, one of sh is run,
or a line of a crontab, as cron does, and one of text behind it is what that has to print.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

TOP = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CRON_LINE = re.compile(r"((?:[-*/,0-9]+ ){5})(.+)")


@dataclass
class Block:
    language: str
    file: str
    text: str


@dataclass
class Page:
    name: str
    hosts: dict[str, str]

    def text(self) -> str:
        text = (TOP / self.name).read_text()
        for documented, real in self.hosts.items():
            text = text.replace(documented, real)
        return text

    def sections(self) -> dict[str, list[Block]]:
        """The blocks below each heading."""
        _, *sections = re.split(r"^## ", self.text(), flags=re.MULTILINE)
        return {section.partition("\n")[0]: [Block(*found) for found in FENCE.findall(section)]
                for section in sections}

    def block(self, section: str, language: str) -> str:
        """The only one of this language."""
        found, = [block for block in self.sections()[section] if block.language == language]
        return found.text

    def file(self, name: str) -> str:
        """The block that is a file of this name."""
        found, = [block for blocks in self.sections().values() for block in blocks
                  if block.file == name]
        return found.text


class Walk:
    """Somebody who follows the page in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.lower().endswith("_proxy")}

    def follow(self, blocks: list[Block]) -> Iterator[tuple[str, str]]:
        """What is said to be printed, and what is."""
        printed = ""
        for block in blocks:
            if block.file:
                (self.directory / block.file).write_text(block.text)
            elif block.language == "sh":
                printed = self.run(["bash", "-euo", "pipefail", "-c", block.text])
            elif block.language == "cron":
                printed = self.run_as_cron(block.text.strip())
            elif block.language == "text":
                yield block.text, printed

    def run_as_cron(self, line: str) -> str:
        times_and_command = CRON_LINE.fullmatch(line)
        assert times_and_command, f"not a line of a crontab: {line}"
        command = times_and_command[2]
        assert not re.search(r"(?<!\\)%", command), "cron takes what is behind a % for input"
        environment = {"HOME": str(self.directory), "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}
        return self.run(["/bin/sh", "-c", command.replace("\\%", "%")], environment)

    def run(self, command: list[str], environment: dict[str, str] | None = None) -> str:
        done = subprocess.run(command, cwd=self.directory, env=environment or self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                              check=False)
        assert done.returncode == 0, f"{command[-1]}\n{done.stdout}{done.stderr}"
        return done.stdout
