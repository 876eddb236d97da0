"""What gatherctl says of itself with --help, and the parts of its man page and the completions that are made of it."""

from __future__ import annotations

import pathlib
import re
import subprocess
from typing import Iterator, NamedTuple

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
PAGE = HERE / "gatherctl.1"
COMPLETIONS = {"bash": TOP / "config/completions/bash/gatherctl", "zsh": TOP / "config/completions/zsh/_gatherctl"}

USAGE = re.compile(r"Usage: gatherctl (\S+)(?: (.*))? \[OPTION\]\.\.\.\n")
COMMAND = re.compile(r"^  ([a-z]+) ", re.MULTILINE)
GROUP = re.compile(r"^([A-Z][^\n]*):\n(.*?)(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
OPTION = re.compile(r"^  (?:-(\w), |    )--([a-z-]+)(?: (\S.*?))?(?:\n {28}|  +)(\S.*(?:\n {28}.*)*)", re.MULTILINE)


class Option(NamedTuple):
    """A row of the table of options."""

    letter: str
    name: str
    argument: str
    about: str


class Command(NamedTuple):
    """What --help says of a command."""

    name: str
    words: str
    about: list[str]  # paragraphs
    options: dict[str, list[Option]]  # by the title of their group
    examples: list[str]


def help_of(program: str, *words: str) -> str:
    """What the program says of itself, or of a command."""
    return subprocess.run([program, *words, "--help"], check=True, capture_output=True, text=True).stdout


def command(text: str) -> Command:
    """The help of a command, taken to pieces."""
    usage = USAGE.match(text)
    *groups, (_, examples) = GROUP.findall(text[usage.end():])
    first = GROUP.search(text, usage.end()).start()
    about = [" ".join(part.split()) for part in text[usage.end():first].strip().split("\n\n")]
    rows: dict[str, list[Option]] = {}
    for title, lines in groups:
        rows.setdefault(title, []).extend(Option(*(" ".join(part.split()) for part in found))
                                          for found in OPTION.findall(lines))
    return Command(usage[1], usage[2] or "", about, rows, [line.strip() for line in examples.splitlines()])


def commands(program: str) -> list[Command]:
    """All of them."""
    return [command(help_of(program, name)) for name in COMMAND.findall(help_of(program).partition("Each")[0])]


def options(found: list[Command]) -> Iterator[tuple[str, Option, list[str]]]:
    """Every option once: the title of its group, itself, and the commands that have it."""
    takers: dict[tuple[str, Option], list[str]] = {}
    for each in found:
        for title, rows in each.options.items():
            for option in rows:
                takers.setdefault((title, option), []).append(each.name)
    for (title, option), names in takers.items():
        yield title, option, names


# --- mdoc ----------------------------------------------------------------------------------------


def escaped(text: str) -> str:
    """Text as roff takes it for what it is."""
    return re.sub(r"^(?=[.'])", r"\\&", text.replace("\\", "\\e"))


def prose(text: str) -> list[str]:
    """A text as lines, a sentence each, that begins with a capital letter and ends with a full stop."""
    text = text[0].upper() + text[1:] + ("" if text.endswith(".") else ".")
    return [escaped(line) for line in re.split(r"(?<=[\w)]\.) (?=[A-Z])", text)]


def arguments(text: str) -> str:
    """What stands behind a command or an option; of a choice each word is one."""
    quoted = [f'"{word}"' if " " in word else word for word in text.split("|")]
    return f" Ar {' | '.join(quoted)}" if text else ""


def command_lines(found: list[Command]) -> Iterator[str]:
    """What there is to say of each command."""
    for each in found:
        yield f".Ss {each.name}"
        yield ".Nm"
        yield f".Cm {each.name}"
        yield from [f".{arguments(each.words)[1:]}"] if each.words else []
        yield ".Op Ar option ..."
        for paragraph in each.about:
            yield from [".Pp", *prose(paragraph)]
        yield from [".Bd -literal -offset indent", *map(escaped, each.examples), ".Ed"]


def option_lines(found: list[Command]) -> Iterator[str]:
    """Every option, by group."""
    before, names = None, [each.name for each in found]
    for title, option, takers in sorted(options(found), key=lambda row: order(found, row[0])):
        if title != before:
            yield from [".El"] if before else []
            yield from [f".Ss {title}", ".Bl -tag -width Ds"]
            before = title
        letter = f"Fl {option.letter} , " if option.letter else ""
        yield f".It {letter}Fl -{option.name}{arguments(option.argument)}"
        yield from prose(option.about)
        if takers != names:
            yield f".Pq {', '.join(takers)}"
    yield ".El"


def order(found: list[Command], title: str) -> int:
    """Where a group stands: where it is met first; what all commands have comes last."""
    titles = [each for command_ in found for each in command_.options]
    return len(titles) if title == "All commands" else titles.index(title)


# --- Files ---------------------------------------------------------------------------------------


def reference(program: str) -> Iterator[tuple[pathlib.Path, str]]:
    """All files that are made, with their text."""
    found = commands(program)
    parts = {"commands": command_lines(found), "options": option_lines(found)}
    text = PAGE.read_text(encoding="utf-8")
    for name, lines in parts.items():
        made = "".join(f"{line}\n" for line in lines)
        text = re.sub(rf'(?<=^\.\\" begin: {name}\n).*?(?=^\.\\" end: {name}$)', lambda _, made=made: made, text,
                      flags=re.MULTILINE | re.DOTALL)
    yield PAGE, text
    for shell, path in COMPLETIONS.items():
        done = subprocess.run([program, "completion", shell], check=True, capture_output=True, text=True)
        yield path, done.stdout
