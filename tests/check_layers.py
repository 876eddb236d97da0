#!/usr/bin/env python3
"""Holds the architecture: the tables below are it, docs/ARCHITECTURE.md explains it.

- A file includes headers of lower layers, or of its own folder if that makes no circle there: neither
  among its headers, nor among its .c files, where including y.h stands for needing y.c.
- Only the headers that lib/co/co.h includes, at first or second hand, are for other folders. They, and no
  others, are installed: into one folder, so they include each other by name alone. All other files
  write includes from the top.
- A third-party header is included by the files named for it and by nobody else.
- Every header compiles on its own ($COMPILE is how; without it this point is left out).
"""

import concurrent.futures
import fnmatch
import os
import pathlib
import re
import shlex
import subprocess
import sys

# Top first: an arrow from a folder to one further down is allowed, no other is.
LAYERS = [
    "daemon",
    "daemon/api",
    "daemon/client",
    "daemon/dashboard",
    "daemon/engine",
    "daemon/store",
    "daemon/model",
    "daemon/base",
    "lib/net",
    "lib/co",
]

# Beside each other: they speak HTTP, and neither includes the other's headers.
STRANGERS = {"daemon/api", "daemon/client"}

# The header through which a layer shows what is meant for others.
PUBLIC = {"lib/co": "lib/co/co.h"}

# Where the headers are listed that are installed, and how.
INSTALLED = "lib/local.am"
INSTALLED_HEADER = re.compile(r"%D%/(\S+\.h)")

# Which files may include a header that comes from neither the C library nor the kernel. versions.c asks them all
# for their versions, and for nothing else.
THIRD_PARTY = {
    "curl/*": ["lib/net/http*.c", "lib/net/http_private.h", "lib/net/url.c", "daemon/versions.c"],
    "ares*.h": ["lib/net/dns.c", "daemon/versions.c"],
    "microhttpd.h": ["daemon/api/http_server*.c", "daemon/versions.c"],
    "jansson.h": [
        "daemon/model/parse*.c",
        "daemon/model/json_document.c",
        "daemon/model/json_memory.c",
        "daemon/versions.c",
    ],
    "ini.h": ["daemon/base/config*.c"],
    "sqlite3.h": ["daemon/store/sqlite*.c", "daemon/store/sqlite_private.h", "daemon/versions.c"],
    "zlib.h": ["daemon/api/http_gzip.c", "daemon/client/input_gunzip.c", "daemon/versions.c"],
    "expat.h": ["daemon/client/input_sitemap.c"],
    "openssl/*": ["lib/net/http_pin.c", "lib/net/http_tls.c", "daemon/base/ca_file.c", "daemon/base/sha256.c",
                  "daemon/versions.c"],
    "valgrind/*": ["lib/co/stack.c"],
    "sanitizer/*": ["lib/co/context.c", "lib/co/stack.c", "daemon/base/arena.c"],
    # Not third-party, but as few places as can be: the poller, and who nests a library's epoll fd.
    "sys/epoll.h": ["lib/co/poller.c", "lib/net/dns.c", "lib/net/http*.c", "daemon/api/http_server*.c"],
}

SYSTEM = re.compile(
    r"(arpa|asm|linux|net|netinet|sys)/\w+\.h|"
    r"(assert|cet|ctype|dirent|endian|errno|fcntl|fenv|float|getopt|grp|ifaddrs|inttypes|langinfo|limits|"
    r"locale|malloc|math|netdb|poll|pthread|pwd|regex|sched|signal|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|"
    r"stdio|stdlib|stdnoreturn|string|strings|sysexits|syslog|time|ucontext|unistd|wchar)\.h"
)

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def sources(top):
    """The files of the layers, as paths from the top."""
    for layer in LAYERS:
        for path in sorted((top / layer).glob("*.[chS]")):
            yield path.relative_to(top)


def written_includes_of(top, file):
    """The includes of a file, as pairs of a bracket and a name."""
    path = top / file
    return INCLUDE.findall(path.read_text(encoding="utf-8")) if path.exists() else []


def includes_of(top, file):
    """The same, with names that are from the top where they are ours."""
    folder = pathlib.PurePath(file).parent
    for bracket, name in written_includes_of(top, file):
        is_relative = bracket == '"' and "/" not in name
        yield bracket, str(folder / name) if is_relative else name


def reachable(top, header):
    """A header of ours and all that it includes, directly or not."""
    found, todo = set(), [header]
    while todo:
        header = todo.pop()
        if header not in found:
            found.add(header)
            todo += [name for bracket, name in includes_of(top, header) if bracket == '"']
    return found


def check_third_party(file, header):
    """Complain unless the file may include this <header>."""
    for pattern, allowed in THIRD_PARTY.items():
        if fnmatch.fnmatch(header, pattern):
            if not any(fnmatch.fnmatch(str(file), name) for name in allowed):
                yield f"{file}: <{header}> is for {', '.join(allowed)} only"
            return
    if not SYSTEM.fullmatch(header):
        yield f"{file}: <{header}> is not in the table of third-party headers"


def check_arrow(file, header, public):
    """Complain unless the "header" is of the file's own layer, or offered by a lower one."""
    layer, target = str(file.parent), str(pathlib.PurePath(header).parent)
    if target not in LAYERS:
        yield f'{file}: "{header}" is in no layer; includes are written from the top folder'
    elif LAYERS.index(target) < LAYERS.index(layer):
        yield f'{file}: "{header}" is above {layer}'
    elif {layer, target} == STRANGERS:
        yield f'{file}: "{header}" is of a layer beside {layer}'
    elif target != layer and header not in public.get(target, [header]):
        yield f'{file}: "{header}" is private to {target}'


def check_form(top, file, is_installed):
    """Complain unless installed headers include ours by name alone, and all others from the top."""
    for bracket, name in written_includes_of(top, file):
        if bracket == '"' and ("/" in name) == is_installed:
            form = "by name alone: it is installed" if is_installed else "from the top folder"
            yield f'{file}: "{name}" has to be included {form}'


def check_installed(top, public):
    """Complain unless the headers that are installed are those that are public."""
    lines = (top / INSTALLED).read_text(encoding="utf-8")
    folder = pathlib.PurePath(INSTALLED).parent
    installed = {str(folder / name) for name in INSTALLED_HEADER.findall(lines)}
    for header in sorted(installed ^ public):
        yield f"{header} is {'installed but private' if header in installed else 'public but not installed'}"


def find_circle(arrows):
    """One circle among the modules of a folder, as a list, or None. The graph is left without it."""
    path, done = [], set()

    def visit(module):
        if module in path:
            return path[path.index(module) :] + [module]
        if module in done:
            return None
        path.append(module)
        for target in sorted(arrows.get(module, ())):
            circle = visit(target)
            if circle:
                return circle
        done.add(path.pop())
        return None

    return next(filter(None, map(visit, sorted(arrows))), None)


def check_includes(top):
    """Complaints about includes."""
    arrows = {}
    public = {layer: reachable(top, header) for layer, header in PUBLIC.items()}
    installed = public["lib/co"]
    yield from check_installed(top, installed)
    for file in sources(top):
        yield from check_form(top, file, str(file) in installed)
        for bracket, header in includes_of(top, file):
            if bracket == "<":
                yield from check_third_party(file, header)
                continue
            yield from check_arrow(file, header, public)
            target = pathlib.PurePath(header).with_suffix(file.suffix)
            if target.parent == file.parent and target != file:
                arrows.setdefault(str(file), set()).add(str(target))
    circle = find_circle(arrows)
    if circle:
        yield "a circle: " + " -> ".join(circle)


def check_headers_alone(top, compile_command):
    """Complaints about headers that need another one before them."""

    def errors_of(header):
        command = [*shlex.split(compile_command), f"-I{top}", "-fsyntax-only", "-x", "c", "-"]
        return subprocess.run(
            command, input=f'#include "{header}"\n', capture_output=True, text=True, check=False
        )

    headers = [file for file in sources(top) if file.suffix == ".h"]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for header, run in zip(headers, pool.map(errors_of, headers)):
            if run.returncode != 0:
                yield f"{header} does not compile on its own:\n{run.stderr.rstrip()}"


def main():
    """Check the tree this script belongs to."""
    top = pathlib.Path(__file__).resolve().parent.parent
    complaints = list(check_includes(top))
    if not complaints and os.environ.get("COMPILE"):
        complaints += check_headers_alone(top, os.environ["COMPILE"])
    print(*complaints, sep="\n", end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
