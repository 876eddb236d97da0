#!/usr/bin/env python3
"""Hold the pages about the examples to the code.

- Every C block of docs/asyncio.md compiles ($COMPILE is how; without it this point is left out), and
  every name of the library's in it, and every program it names, is there.
- The table of lib/examples/README.md has each program once, and no other.
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[3]
EXAMPLES = TOP / "lib/examples"
PAGE = TOP / "docs/asyncio.md"

# What the blocks take for granted.
PRELUDE = """
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "lib/co/co.h"
int handle_request(void *arg, void **ret_result);
"""


def programs():
    return {file.stem for file in EXAMPLES.glob("*.c")}


def blocks(text):
    """C code with the number of its first line."""
    for match in re.finditer(r"^```c\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, match.start()) + 2, match[1]


def check_blocks(text, compile_command):
    for number, code in blocks(text):
        code = code.replace("#include <libgather/co.h>", "")
        command = [*shlex.split(compile_command), f"-I{TOP}", "-Wno-unused-function",
                   "-Wno-unused-parameter", "-Wno-unused-variable", "-fsyntax-only", "-x", "c", "-"]
        run = subprocess.run(command, input=f'{PRELUDE}\n#line {number} "{PAGE.name}"\n{code}',
                             capture_output=True, text=True, check=False)
        if run.returncode != 0:
            yield run.stderr.rstrip()


def check_names(text):
    headers = "".join(file.read_text(encoding="utf-8") for folder in ("co", "net")
                      for file in sorted((TOP / "lib" / folder).glob("*.h")))
    declared = set(re.findall(r"\b(?:co|CO)_\w+", headers))
    for name in sorted(set(re.findall(r"\b(?:co|CO)_\w+", text)) - declared):
        if not any(other.startswith(name) for other in declared if name.endswith("_")):
            yield f"{PAGE.name}: {name} is in no header"


def check_programs(text):
    """In the last column of a table, the words in backquotes without brackets are programs."""
    cells = [line.strip("|").rsplit("|", 1)[1] for line in text.splitlines()
             if line.startswith("|") and line.count("|") >= 4]
    named = {word for cell in cells for word in re.findall(r"`(\w+)`", cell) if "_" in word}
    for word in sorted(named - programs()):
        if not word.startswith(("co_", "CO_")):
            yield f"{PAGE.name}: there is no program {word}"


def check_readme():
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"\[`(\w+)`\]\(\1\.c\)", text)
    for name in sorted(set(listed) ^ programs()):
        yield f"lib/examples/README.md: {name} is {'gone' if name in listed else 'missing'}"
    if len(listed) != len(set(listed)):
        yield "lib/examples/README.md: a program is there twice"


def main():
    text = PAGE.read_text(encoding="utf-8")
    complaints = [*check_names(text), *check_programs(text), *check_readme()]
    if os.environ.get("COMPILE"):
        complaints += check_blocks(text, os.environ["COMPILE"])
    print(*complaints, sep="\n", end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
