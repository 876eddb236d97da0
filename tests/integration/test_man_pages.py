"""The man pages, --help and docs/: they know all that the program can do, and nothing else."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import unittest
from pathlib import Path
from types import ModuleType

from gatherctl import GATHERCTL
from harness import needs, run_gatherd

TOP = Path(__file__).resolve().parents[2]
PAGES = sorted((TOP / "daemon" / "man").glob("*.[1578]"))
MANUAL = TOP / "daemon" / "man" / "gatherd.8"
CLIENT = TOP / "daemon" / "client"
CLIENT_MANUAL = TOP / "daemon" / "man" / "gatherctl.1"
COMMAND_LINES = [TOP / "daemon" / name for name in ("command_line.c", "token_command.c")]
# For developers only, see --enable-crash-points.
NOT_FOR_USERS = {"GATHERD_CRASH_AT"}


def options() -> set[str]:
    """What getopt_long() is given."""
    rows = re.compile(r'\{"([a-z-]+)", (?:no|required|optional)_argument')
    return {name for file in COMMAND_LINES for name in rows.findall(file.read_text())}


def commands() -> list[str]:
    """What --help says can be used instead of an option."""
    usage = run_gatherd("--help").stdout.partition("\n\n")[0]
    return re.findall(r"gatherd ([a-z]+(?: [a-z]+)*)", usage)


def section(page: Path, title: str) -> str:
    """The text of a section of a man page."""
    return re.search(rf"^\.Sh {title}\n(.*?)(?=^\.Sh |\Z)", page.read_text(), re.M | re.S)[1]


def run_gatherctl_help(command: str) -> str:
    """What gatherctl says of a command."""
    return subprocess.run([GATHERCTL, command, "--help"], capture_output=True, text=True, check=True).stdout


def load_maker(name: str = "make_reference") -> ModuleType:
    """A program that makes parts of the pages."""
    path = TOP / "daemon" / "man" / f"{name}.py"
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class ReferenceTest(unittest.TestCase):
    def test_what_is_made_of_the_program_is_what_the_program_says(self) -> None:
        printed = run_gatherd("--print-config").stdout
        for path, text in load_maker().reference(printed):
            self.assertEqual(path.read_text(), text, f"{path.name}: try make reference")

    def test_what_is_made_of_gatherctl_is_what_it_says(self) -> None:
        for path, text in load_maker("gatherctl_reference").reference(str(GATHERCTL)):
            self.assertEqual(path.read_text(), text, f"{path.name}: try make reference")

    def test_each_part_is_made(self) -> None:
        parts = [part for page in PAGES for part in re.findall(r'^\.\\" begin: (\w+)$', page.read_text(), re.M)]
        self.assertEqual(sorted(parts), ["codes", "commands", "modules", "options", "routes", "settings", "statuses"])
        for page in PAGES:
            self.assertNotRegex(page.read_text(), r'begin: (\w+)\n\.\\" end', page.name)


class CommandLineTest(unittest.TestCase):
    def test_there_are_options(self) -> None:
        self.assertLessEqual({"config", "set", "check-config", "version", "rights"}, options())

    def test_help_names_every_option(self) -> None:
        named = set(re.findall(r"--([a-z-]+)", run_gatherd("--help").stdout))
        self.assertEqual(named, options())

    def test_the_manual_explains_every_option(self) -> None:
        explained = set(re.findall(r"^\.It Fl -([a-z-]+)", MANUAL.read_text(), re.M))
        self.assertEqual(explained, options())
        named = set(re.findall(r"(?:Fl|\|) -([a-z-]+)", section(MANUAL, "SYNOPSIS")))
        self.assertEqual(named, options())

    def test_the_manual_explains_every_command(self) -> None:
        self.assertIn("token new", commands())
        self.assertEqual(re.findall(r"^\.Ss (.*)", MANUAL.read_text(), re.M), commands())
        self.assertEqual(re.findall(r"^\.Nm\n\.Cm (.*)", section(MANUAL, "SYNOPSIS"), re.M), commands())


class SurroundingsTest(unittest.TestCase):
    def test_the_manual_knows_the_variables_that_are_read(self) -> None:
        read = re.compile(r'(?:getenv|read_number|is_for_us)\("([A-Z_]+)"')
        files = set((TOP / "daemon").rglob("*.c")) - set(CLIENT.glob("*.c"))
        names = {name for file in files for name in read.findall(file.read_text())}
        explained = re.findall(r"^\.It Ev (.*)", section(MANUAL, "ENVIRONMENT"), re.M)
        self.assertEqual({name for line in explained for name in line.split(" , ")}, names - NOT_FOR_USERS)

    def test_the_manual_knows_the_signals_that_are_waited_for(self) -> None:
        awaited = re.compile(r"_signals\[\] = \{(.*?)\}|static const int signals\[\] = \{(.*?)\}")
        lists = [a or b for file in (TOP / "daemon").rglob("*.c") for a, b in awaited.findall(file.read_text())]
        explained = re.findall(r"^\.It Dv (.*)", section(MANUAL, "SIGNALS"), re.M)
        self.assertLessEqual({name for text in lists for name in text.split(", ")},
                             {name for line in explained for name in line.split(" , ")})

    def test_every_exit_status_is_explained(self) -> None:
        source = (TOP / "daemon" / "gatherd.h").read_text()
        statuses = re.findall(r"EXIT_STATUS_\w+ = (\d+)", source)
        self.assertEqual(re.findall(r"^\.It (\d+)$", section(MANUAL, "EXIT STATUS"), re.M), statuses)


class ClientTest(unittest.TestCase):
    """The page of gatherctl, where it is written by hand."""

    def test_it_knows_the_variables_that_are_read(self) -> None:
        read = re.compile(r'(?:getenv|environment)\("([A-Z_]+)"')
        names = {name for file in CLIENT.glob("*.c") for name in read.findall(file.read_text())}
        explained = re.findall(r"^\.It Ev (.*)", section(CLIENT_MANUAL, "ENVIRONMENT"), re.M)
        by_library = {"LC_ALL", "LC_CTYPE", "LANG"}
        self.assertEqual({name for line in explained for name in line.split(" , ")} - by_library, names)

    def test_it_explains_every_exit_status(self) -> None:
        statuses = re.findall(r"CLIENT_\w+ = (\d+)", (CLIENT / "exit_status.h").read_text())
        self.assertEqual(re.findall(r"^\.It (\d+)$", section(CLIENT_MANUAL, "EXIT STATUS"), re.M), statuses)

    def test_it_knows_the_formats_of_input(self) -> None:
        table = re.findall(r'^    \{"(\w+)", .*input_read', (CLIENT / "input.c").read_text(), re.M)
        self.assertEqual(re.findall(r"^\.It Cm (\w+)", section(CLIENT_MANUAL, "INPUT"), re.M), table)
        self.assertIn(f"--format {'|'.join(table)}", run_gatherctl_help("get"))

    def test_it_knows_the_options_of_curl(self) -> None:
        table = re.findall(r'^    \{"([a-z0-9.-]+)", \'', (CLIENT / "input_curl_option.c").read_text(), re.M)
        self.assertGreater(len(table), 20)
        named = set(re.findall(r"[a-z0-9][a-z0-9.-]*", section(CLIENT_MANUAL, "INPUT")))
        self.assertLessEqual(set(table) - {"data-ascii"}, named)


class PagesTest(unittest.TestCase):
    def assert_silent(self, *command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    @needs("mandoc")
    def test_they_are_well_formed(self) -> None:
        for page in PAGES:
            said = self.assert_silent("mandoc", "-T", "lint", "-W", "warning", str(page))
            self.assertEqual(said, "")

    @needs("groff")
    def test_groff_shows_them(self) -> None:
        for page in PAGES:
            shown = self.assert_silent("groff", "-ww", "-mandoc", "-Tutf8", str(page))
            self.assertIn(page.stem.upper(), shown)


if __name__ == "__main__":
    unittest.main()
