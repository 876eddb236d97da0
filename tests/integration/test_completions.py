"""Completions: what bash and zsh offer on a command line of gatherd's, or gatherctl's."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from gatherctl import GATHERCTL, GatherctlTest
from harness import needs, run_gatherd
from patience import PATIENCE
from test_man_pages import commands, load_maker, options

COMPLETIONS = Path(__file__).resolve().parents[2] / "config" / "completions"
BASH = COMPLETIONS / "bash"
ZSH = COMPLETIONS / "zsh"

# Bash makes words as readline does, then asks the function that was registered.
ASK_BASH = """
source {completion}
COMP_LINE={line}
COMP_POINT=${{#COMP_LINE}}
read -ra COMP_WORDS <<<"${{COMP_LINE//=/ = }}"
[[ $COMP_LINE == *[[:blank:]=] ]] && COMP_WORDS+=('')
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
function=$(complete -p {name} | sed 's/.*-F \\([^ ]*\\).*/\\1/')
$function {program}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""

# The line is what the second key leaves of it, when the first one has completed it.
ASK_ZSH = """
PROMPT='> '
fpath=({folder} $fpath)
path=({program} $path)
autoload -U compinit
compinit -u -D
tell() {{ print -r -- "[$BUFFER]"; }}
zle -N tell
bindkey '^I' complete-word '^X' tell
print ready
"""


def settings() -> list[str]:
    """What may follow --set."""
    names, section = [], ""
    for line in run_gatherd("--print-config").stdout.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif key := re.match(r"(\w+) =", line):
            names.append(f"{section}.{key[1]}=")
    return names


class Bash(unittest.TestCase):
    """A bash that is asked what it would offer."""

    program = Path(os.environ["GATHERD"])

    def offered(self, line: str, **environment: str) -> list[str]:
        name = self.program.name
        script = ASK_BASH.format(completion=shlex.quote(str(BASH / name)), line=shlex.quote(line),
                                 name=name, program=shlex.quote(str(self.program)))
        done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True,
                              timeout=20 * PATIENCE, check=False, env={**os.environ, **environment})
        self.assertEqual(done.stderr, "")
        return done.stdout.split()


class BashTest(Bash):
    def test_options_and_commands_come_first(self) -> None:
        offered = self.offered("gatherd ")
        self.assertIn("--check-config", offered)
        self.assertIn("backup", offered)
        self.assertEqual([word for word in offered if word[0] != "-"], [name.split()[0] for name in commands()])
        self.assertEqual(self.offered("gatherd --c"), ["--config", "--check-config"])
        self.assertEqual(self.offered("gatherd t"), ["token"])

    def test_every_option_is_offered(self) -> None:
        offered = [*self.offered("gatherd "), *self.offered("gatherd token new ci ")]
        self.assertEqual({word[2:] for word in offered if word.startswith("--")}, options())

    def test_every_setting_is_offered(self) -> None:
        self.assertGreater(len(settings()), 50)
        self.assertEqual(self.offered("gatherd --set "), settings())

    def test_settings_are_completed(self) -> None:
        for line in ("gatherd --set fetch.conc", "gatherd --check-config --set=fetch.conc",
                     "gatherd backup jobs.db --set fetch.conc"):
            self.assertEqual(self.offered(line), ["fetch.concurrency="], line)

    def test_values_are_offered_where_there_are_few(self) -> None:
        self.assertEqual(self.offered("gatherd --set log.level="), ["error", "warning", "info", "debug"])
        self.assertEqual(self.offered("gatherd --set log.level=w"), ["warning"])
        self.assertEqual(self.offered("gatherd --set=store.if_damaged=st"), ["start_empty"])
        self.assertEqual(self.offered("gatherd --set fetch.concurrency="), [])

    def test_rights_are_a_list_without_repetitions(self) -> None:
        for line, rights in (("", ["submit", "read", "admin"]), ("r", ["read"]),
                             ("submit,", ["submit,read", "submit,admin"]),
                             ("submit,read,a", ["submit,read,admin"])):
            self.assertEqual(self.offered(f"gatherd token new ci --rights {line}"), rights, line)

    def test_files_are_offered_where_they_belong(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory, "our.conf")
            file.touch()
            for line in ("gatherd --config ", "gatherd --config=", "gatherd backup "):
                self.assertEqual(self.offered(f"{line}{directory}/o"), [str(file)], line)

    def test_what_only_the_user_can_know_is_left_alone(self) -> None:
        self.assertEqual(self.offered("gatherd token new ci --tenant "), [])


class GatherctlBashTest(Bash):
    program = GATHERCTL

    def setUp(self) -> None:
        self.commands = load_maker("gatherctl_reference").commands(str(GATHERCTL))

    def test_commands_come_first(self) -> None:
        offered = self.offered("gatherctl ")
        self.assertEqual(offered, [*(each.name for each in self.commands), "--version", "--help"])
        self.assertEqual(self.offered("gatherctl sub"), ["submit"])

    def test_every_option_of_a_command_is_offered(self) -> None:
        for command in self.commands:
            options = {f"--{row.name}" for rows in command.options.values() for row in rows}
            self.assertEqual(set(self.offered(f"gatherctl {command.name} --")), options, command.name)

    def test_choices_are_offered(self) -> None:
        for line, offered in (("get --format s", ["sitemap"]), ("get --format=c", ["curl"]),
                              ("get --until ", ["first_success", "first_completed"]),
                              ("jobs -s d", ["done"]), ("completion ", ["bash", "zsh"])):
            self.assertEqual(self.offered(f"gatherctl {line}"), offered, line)

    def test_files_are_offered_where_they_belong(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory, "urls.txt")
            file.touch()
            for line in ("get -f ", "get --file=", "jobs --token-file "):
                self.assertEqual(self.offered(f"gatherctl {line}{directory}/u"), [str(file)], line)

    def test_without_a_daemon_no_job_is_offered(self) -> None:
        self.assertEqual(self.offered("gatherctl show ", GATHERD_SERVER="unix:/nonexistent"), [])


class JobsTest(Bash, GatherctlTest):
    program = GATHERCTL

    def test_jobs_are_offered(self) -> None:
        job = self.out("submit", self.origin.url("/")).strip()
        self.assertEqual(self.offered("gatherctl show job_", **self.environment()), [job])


@needs("zsh")
class ZshTest(unittest.TestCase):
    """A zsh at a terminal, to which a line is typed."""

    def setUp(self) -> None:
        process, self.terminal = pty.fork()
        if process == 0:
            os.environ["TERM"] = "dumb"
            os.execvp("zsh", ["zsh", "-f", "-i"])
        self.addCleanup(os.waitpid, process, 0)
        self.addCleanup(os.close, self.terminal)
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        for program in (Path(os.environ["GATHERD"]), GATHERCTL):
            (folder / program.name).symlink_to(program)
        self.type("stty -echo\n")
        self.type(ASK_ZSH.format(folder=shlex.quote(str(ZSH)), program=shlex.quote(str(folder))))
        self.read_until(r"^ready")

    def type(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def read_until(self, pattern: str) -> re.Match:
        said, end = "", time.monotonic() + 20 * PATIENCE
        while not (found := re.search(pattern, said, re.MULTILINE)):
            self.assertLess(time.monotonic(), end, said)
            if select.select([self.terminal], [], [], 1)[0]:
                said += os.read(self.terminal, 4096).decode(errors="replace")
        return found

    def completed(self, line: str) -> str:
        self.type(f"{line}\t\x18")
        line = self.read_until(r"\[(gather(?:d|ctl) .*)\]")[1]
        self.type("\x15")
        return line

    def test_lines_are_completed(self) -> None:
        for typed, completed in (("--pr", "--print-config"), ("ba", "backup"),
                                 ("--set fetch.conc", "--set fetch.concurrency="),
                                 ("--set=log.level=w", "--set=log.level=warning"),
                                 ("backup x --set jobs.ttl", "backup x --set jobs.ttl_ms="),
                                 ("token new ci --ri", "token new ci --rights="),
                                 ("token new ci --rights=submit,r", "token new ci --rights=submit,read")):
            self.assertEqual(self.completed(f"gatherd {typed}").rstrip(", "), f"gatherd {completed}")

    def test_lines_of_gatherctl_are_completed(self) -> None:
        for typed, completed in (("sub", "submit"), ("get --conc", "get --concurrency="),
                                 ("get --format=si", "get --format=sitemap"), ("jobs -s que", "jobs -s queued"),
                                 ("completion b", "completion bash"), ("jobs --li", "jobs --limit=")):
            self.assertEqual(self.completed(f"gatherctl {typed}").rstrip(), f"gatherctl {completed}")

    def test_every_option_and_command_is_known(self) -> None:
        text = (ZSH / "_gatherd").read_text()
        self.assertEqual(re.findall(r'(\w+)\\:"', text), [name.split()[0] for name in commands()])
        self.assertEqual(set(re.findall(r"'[^'\w]*--([a-z-]+)=?\[", text)), options())


if __name__ == "__main__":
    unittest.main()
